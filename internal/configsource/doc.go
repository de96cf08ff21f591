// Package configsource gets settings from where they are: the properties file, --set on the command line, and the places
// that references inside kafka.* values point to (bridge contract 3.1 and 3.3) – environment, files, directories,
// Kubernetes Secrets and ConfigMaps. It hands over texts and judges none of them: which keys exist and what their values
// mean is the business of packages bridgeconfig and kafka.
//
// Environment, clock and the place of the pod's service account are given to it. Its errors and logs name settings,
// references and places, never a value.
package configsource
