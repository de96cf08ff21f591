// Package config holds everything about a Kafka node that can be computed from texts: the server.properties of a node from
// the files of its pod, the options of its JVM from what the author of a Kafka resource asked for and from the container's
// memory limit, what has to be formatted or moved in its log directories, and what state the node is in, from its log lines
// and from the answers of its broker.
//
// The package is pure: it opens no file, starts no process and knows no clock. Package node gathers what goes in here and
// does what comes out.
package config
