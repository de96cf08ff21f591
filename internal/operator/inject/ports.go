package inject

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// ports are those that somebody in the pod listens on, with a description of who. Containers share the pod's network, so
// that two of them can't have one port, whatever address they listen on.
type ports map[int32]string

// portsOf finds the ports that a pod's containers declare, and those that are probed without being declared.
func portsOf(pod *corev1.Pod) ports {
	taken := ports{}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, p := range c.Ports {
			if p.Protocol == "" || p.Protocol == corev1.ProtocolTCP {
				taken.add(p.ContainerPort, c.Name)
				taken.add(p.HostPort, c.Name)
			}
		}
		for _, p := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if p != nil {
				taken.add(probed(p.ProbeHandler), c.Name)
			}
		}
	}
	return taken
}

// probed returns the port that a probe asks, 0 if it asks none by its number.
func probed(h corev1.ProbeHandler) int32 {
	var at intstr.IntOrString
	switch {
	case h.HTTPGet != nil:
		at = h.HTTPGet.Port
	case h.TCPSocket != nil:
		at = h.TCPSocket.Port
	case h.GRPC != nil:
		return h.GRPC.Port
	}
	return at.IntVal
}

// add keeps the first container that has a port. 0 is none.
func (p ports) add(port int32, container string) {
	if _, known := p[port]; port > 0 && !known {
		p[port] = container
	}
}

// choose returns the API's port and the management port. wanted is the user's for the API, or 0.
func (p ports) choose(wanted int32) (api, management int32, err error) {
	if wanted != 0 {
		if by, ok := p[wanted]; ok {
			return 0, 0, fmt.Errorf("annotation %s: port %d is taken by the container %s: choose another one, or remove the annotation", names.AnnotationPort, wanted, by)
		}
		p[wanted], api = names.ContainerSidecar, wanted
	} else if api, err = p.free(names.PortAPI, "or set the annotation "+names.AnnotationPort); err != nil {
		return 0, 0, err
	}
	management, err = p.free(names.PortManagement, "for the sidecar's probes and metrics")
	return api, management, err
}

// free takes the first free port of first, first+10000 and so on. The error ends in hint.
func (p ports) free(first int32, hint string) (int32, error) {
	var tried []int32
	for port := first; port <= 65535; port += 10000 {
		if _, taken := p[port]; !taken {
			p[port] = names.ContainerSidecar
			return port, nil
		}
		tried = append(tried, port)
	}
	return 0, fmt.Errorf("ports %v are all taken by containers of the pod: free one of them, %s", tried, hint)
}
