package podsecurity

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func good() corev1.PodSpec {
	return corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c",
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), RunAsNonRoot: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}}}
}

func TestRestricted(t *testing.T) {
	if problems := Restricted(good()); problems != nil {
		t.Fatal(problems)
	}
	fromPod := good()
	fromPod.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: fromPod.Containers[0].SecurityContext.SeccompProfile}
	fromPod.Containers[0].SecurityContext.RunAsNonRoot, fromPod.Containers[0].SecurityContext.SeccompProfile = nil, nil
	if problems := Restricted(fromPod); problems != nil {
		t.Error(problems)
	}
	for want, spoil := range map[string]func(*corev1.PodSpec, *corev1.SecurityContext){
		"pod: host namespaces": func(p *corev1.PodSpec, _ *corev1.SecurityContext) { p.HostNetwork = true },
		"volume v is of a forbidden": func(p *corev1.PodSpec, _ *corev1.SecurityContext) {
			p.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}}}
		},
		"pod: sysctls": func(p *corev1.PodSpec, _ *corev1.SecurityContext) {
			p.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{}}}
		},
		"pod: runAsUser 0": func(p *corev1.PodSpec, _ *corev1.SecurityContext) {
			p.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(0))}
		},
		"c: privileged":         func(_ *corev1.PodSpec, s *corev1.SecurityContext) { s.Privileged = new(true) },
		"c: procMount Unmasked": func(_ *corev1.PodSpec, s *corev1.SecurityContext) { s.ProcMount = new(corev1.UnmaskedProcMount) },
		"c: allowPrivilege":     func(_ *corev1.PodSpec, s *corev1.SecurityContext) { s.AllowPrivilegeEscalation = nil },
		"c: runAsUser 0":        func(_ *corev1.PodSpec, s *corev1.SecurityContext) { s.RunAsUser = new(int64(0)) },
		"c: runAsNonRoot":       func(_ *corev1.PodSpec, s *corev1.SecurityContext) { s.RunAsNonRoot = new(false) },
		"c: no seccomp": func(_ *corev1.PodSpec, s *corev1.SecurityContext) {
			s.SeccompProfile.Type = corev1.SeccompProfileTypeUnconfined
		},
		"c: capabilities": func(_ *corev1.PodSpec, s *corev1.SecurityContext) { s.Capabilities = nil },
		"c: capability SYS_ADMIN": func(_ *corev1.PodSpec, s *corev1.SecurityContext) {
			s.Capabilities.Add = []corev1.Capability{"NET_BIND_SERVICE", "SYS_ADMIN"}
		},
		"c: host port 1": func(p *corev1.PodSpec, _ *corev1.SecurityContext) {
			p.Containers[0].Ports = []corev1.ContainerPort{{HostPort: 1}}
		},
	} {
		pod := good()
		spoil(&pod, pod.Containers[0].SecurityContext)
		if problems := Restricted(pod); len(problems) != 1 || !strings.Contains(problems[0], want) {
			t.Errorf("%s: %q", want, problems)
		}
	}
	if problems := Restricted(corev1.PodSpec{InitContainers: []corev1.Container{{Name: "i"}}}); len(problems) != 4 {
		t.Error(problems)
	}
	if problems := Container(corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}, {Name: "ab"}}}, "a"); len(problems) != 4 {
		t.Error(problems)
	}
}
