package inject

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// isHelper recognises the containers of meshes and of Vault's agent by their names. They are no application's: they get no
// variables, and kubectl does not mean them.
func isHelper(name string) bool {
	return strings.HasPrefix(name, "vault-agent") || slices.Contains([]string{
		"istio-proxy", "istio-init", "istio-validation", "enable-core-dump",
		"linkerd-proxy", "linkerd-init", "linkerd-network-validator", "linkerd-debug",
	}, name)
}

// redirectors send the pod's traffic through a proxy, by name.
func redirectors() map[string]string {
	return map[string]string{"istio-init": "istio-proxy", "linkerd-init": "linkerd-proxy"}
}

// putIn adds the sidecar's container.
func (i *injection) putIn(c corev1.Container) {
	if i.isNative {
		i.pod.Spec.InitContainers = slices.Insert(i.pod.Spec.InitContainers, i.place(), c)
		return
	}
	// The first one: the kubelet starts containers in their order, and waits for the hook of each.
	i.pod.Spec.Containers = slices.Insert(i.pod.Spec.Containers, 0, c)
}

// place returns where a native sidecar goes: before the user's init containers, behind what gives the pod its network and
// its secrets. A container that only redirects the traffic is no reason to wait if the proxy is an ordinary container: from
// then on nothing gets through until the application starts.
func (i *injection) place() int {
	containers := i.pod.Spec.InitContainers
	at := 0
	for n, c := range containers {
		proxy, redirects := redirectors()[c.Name]
		if redirects && !slices.ContainsFunc(containers, func(c corev1.Container) bool { return c.Name == proxy }) {
			continue
		}
		if isHelper(c.Name) {
			at = n + 1
		}
	}
	return at
}
