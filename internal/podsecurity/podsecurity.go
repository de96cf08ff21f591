// Package podsecurity judges pods by the Pod Security Standard "restricted" (Kubernetes documentation, version 1.36), as the
// API server does in a namespace that enforces it. Only tests import it.
package podsecurity

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Restricted returns what the standard forbids in a pod, one line each, the container's name in front; nil if it passes.
func Restricted(pod corev1.PodSpec) []string {
	j := judge{pod: pod, security: corev1.PodSecurityContext{}}
	if pod.SecurityContext != nil {
		j.security = *pod.SecurityContext
	}
	j.wholePod()
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		j.container(c)
	}
	return j.problems
}

// Container is Restricted for a single container of a pod.
func Container(pod corev1.PodSpec, name string) []string {
	var of []string
	for _, problem := range Restricted(pod) {
		if strings.HasPrefix(problem, name+": ") {
			of = append(of, problem)
		}
	}
	return of
}

type judge struct {
	pod      corev1.PodSpec
	security corev1.PodSecurityContext
	problems []string
}

func (j *judge) say(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

// wholePod judges what is shared: host namespaces, volumes, sysctls.
func (j *judge) wholePod() {
	if j.pod.HostNetwork || j.pod.HostPID || j.pod.HostIPC {
		j.say("pod: host namespaces")
	}
	for _, v := range j.pod.Volumes {
		if !allowed(v.VolumeSource) {
			j.say("pod: volume %s is of a forbidden type", v.Name)
		}
	}
	if len(j.security.Sysctls) > 0 {
		j.say("pod: sysctls") // a few are allowed; nothing here sets any
	}
	if j.security.RunAsUser != nil && *j.security.RunAsUser == 0 {
		j.say("pod: runAsUser 0")
	}
}

// allowed lists the types of volumes that reach nothing of the node.
func allowed(s corev1.VolumeSource) bool {
	return s.ConfigMap != nil || s.CSI != nil || s.DownwardAPI != nil || s.EmptyDir != nil || s.Ephemeral != nil ||
		s.PersistentVolumeClaim != nil || s.Projected != nil || s.Secret != nil || s.Image != nil
}

func (j *judge) container(c corev1.Container) {
	s := corev1.SecurityContext{}
	if c.SecurityContext != nil {
		s = *c.SecurityContext
	}
	j.privileges(c.Name, s)
	j.identity(c.Name, s)
	j.capabilities(c.Name, s.Capabilities)
	for _, p := range c.Ports {
		if p.HostPort != 0 {
			j.say("%s: host port %d", c.Name, p.HostPort)
		}
	}
}

// privileges judges what a container may do beyond its user's rights.
func (j *judge) privileges(name string, s corev1.SecurityContext) {
	if s.Privileged != nil && *s.Privileged {
		j.say("%s: privileged", name)
	}
	if s.ProcMount != nil && *s.ProcMount != corev1.DefaultProcMount {
		j.say("%s: procMount %s", name, *s.ProcMount)
	}
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation {
		j.say("%s: allowPrivilegeEscalation is not false", name)
	}
	if profile := either(s.SeccompProfile, j.security.SeccompProfile); profile == nil || profile.Type == corev1.SeccompProfileTypeUnconfined {
		j.say("%s: no seccomp profile", name)
	}
}

// identity judges who a container runs as.
func (j *judge) identity(name string, s corev1.SecurityContext) {
	if s.RunAsUser != nil && *s.RunAsUser == 0 {
		j.say("%s: runAsUser 0", name)
	}
	if root := either(s.RunAsNonRoot, j.security.RunAsNonRoot); root == nil || !*root {
		j.say("%s: runAsNonRoot is not true", name)
	}
}

func (j *judge) capabilities(name string, c *corev1.Capabilities) {
	if c == nil || !slices.Contains(c.Drop, "ALL") {
		j.say("%s: capabilities do not drop ALL", name)
		return
	}
	for _, added := range c.Add {
		if added != "NET_BIND_SERVICE" {
			j.say("%s: capability %s", name, added)
		}
	}
}

// either returns the container's setting, or the pod's if it has none.
func either[T any](container, pod *T) *T {
	if container != nil {
		return container
	}
	return pod
}
