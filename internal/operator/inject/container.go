package inject

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/properties"
)

// sidecar returns the container, with the user's patch, and with what others have made of the one that the pod had.
func (i *injection) sidecar() (corev1.Container, error) {
	resources, err := i.requirements()
	if err != nil {
		return corev1.Container{}, err
	}
	c := corev1.Container{
		Name:            i.containerName,
		Image:           i.Image,
		ImagePullPolicy: i.Bridge.ImagePullPolicy,
		Env:             i.environment(),
		Resources:       resources,
		Ports: []corev1.ContainerPort{{
			Name: names.PortNameSidecarManagement, ContainerPort: i.management, Protocol: corev1.ProtocolTCP,
		}},
		VolumeMounts:             i.mounts(),
		StartupProbe:             i.startupProbe(),
		ReadinessProbe:           i.probe(i.Bridge.Readiness, names.PathReady),
		LivenessProbe:            i.probe(i.Bridge.Liveness, names.PathHealthy),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
		SecurityContext:          i.security(),
	}
	if c.Image == "" {
		c.Image = i.Bridge.Image
	}
	if i.kafkaReady {
		c.ReadinessProbe.HTTPGet.Path = names.PathReadyKafka
	}
	if i.isNative {
		c.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
	} else {
		c.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{
			Exec: &corev1.ExecAction{Command: []string{names.Binary, "--await", fmt.Sprintf("%ds", startSeconds+i.waitSeconds())}},
		}}
	}
	if c, err = patched(c, i.patch); err != nil {
		return c, err
	}
	return i.kept(c)
}

// environment is the KafkaBridge's, and the settings. Secrets are files, never variables.
func (i *injection) environment() []corev1.EnvVar {
	var env []corev1.EnvVar
	for _, e := range i.Bridge.Env {
		env = append(env, *e.DeepCopy())
	}
	return append(env, corev1.EnvVar{Name: names.EnvProperties, Value: properties.Text(i.Bridge.SidecarProperties(model.Sidecar{
		Port: i.port, ManagementPort: i.management, LogLevel: i.logLevel, WaitForKafka: i.wait, StopNotice: i.stopNotice(), Socket: i.socket,
	}))})
}

// requirements are the KafkaBridge's with those of the annotations over them. A request that nobody wrote gives way to a
// lower limit, and a limit that nobody wrote to a higher request.
func (i *injection) requirements() (corev1.ResourceRequirements, error) {
	out := corev1.ResourceRequirements{Requests: maps.Clone(i.Bridge.Resources.Requests), Limits: maps.Clone(i.Bridge.Resources.Limits)}
	for _, r := range []struct {
		name           corev1.ResourceName
		request, limit string
	}{
		{corev1.ResourceCPU, names.AnnotationCPURequest, names.AnnotationCPULimit},
		{corev1.ResourceMemory, names.AnnotationMemoryRequest, names.AnnotationMemoryLimit},
	} {
		request, hasRequest := i.resources[r.request]
		limit, hasLimit := i.resources[r.limit]
		if hasRequest {
			out.Requests = with(out.Requests, r.name, request)
		}
		if hasLimit {
			out.Limits = with(out.Limits, r.name, limit)
		}
		wanted, bound := out.Requests[r.name], out.Limits[r.name]
		if bound.IsZero() || wanted.Cmp(bound) <= 0 {
			continue
		}
		switch {
		case hasRequest && hasLimit:
			return out, fmt.Errorf("annotation %s: %s is more than %s in %s: lower it", r.request, request.String(), limit.String(), r.limit)
		case hasLimit:
			out.Requests[r.name] = limit
		default:
			out.Limits[r.name] = request
		}
	}
	return out, nil
}

// with sets an amount in a list that may be nil.
func with(list corev1.ResourceList, name corev1.ResourceName, q resource.Quantity) corev1.ResourceList {
	if list == nil {
		list = corev1.ResourceList{}
	}
	list[name] = q
	return list
}

// security is what the Pod Security Standard "restricted" asks for, and no writable file system. The image says who runs;
// a pod whose containers run as root by default is contradicted, since its user would be the bridge's too.
func (i *injection) security() *corev1.SecurityContext {
	s := &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		ReadOnlyRootFilesystem:   new(true),
		RunAsNonRoot:             new(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		SeccompProfile:           &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if p := i.pod.Spec.SecurityContext; p != nil && p.RunAsUser != nil && *p.RunAsUser == 0 {
		s.RunAsUser = new(imageUser)
	}
	return s
}

const (
	// imageUser is the user of the bridge's image.
	imageUser = int64(1001)
	// startSeconds is how long a bridge may take until it listens; it takes well under one.
	startSeconds = 60
)

// waitSeconds rounds up, so that a probe never ends before the wait.
func (i *injection) waitSeconds() int32 { return int32((i.wait + time.Second - 1) / time.Second) }

// startupProbe is over as soon as the bridge listens, or after the wait for Kafka that the pod asked for. It is asked every
// second, since the application starts after it.
func (i *injection) startupProbe() *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     i.handler(names.PathStarted),
		PeriodSeconds:    1,
		TimeoutSeconds:   1,
		SuccessThreshold: 1,
		FailureThreshold: startSeconds + i.waitSeconds(),
	}
}

// probe has every field that the API server would fill in, so that a second injection finds what the first has made.
func (i *injection) probe(p v1.Probe, path string) *corev1.Probe {
	or := func(p *int32, standard int32) int32 {
		if p != nil {
			return *p
		}
		return standard
	}
	return &corev1.Probe{
		ProbeHandler:        i.handler(path),
		InitialDelaySeconds: or(p.InitialDelaySeconds, 0),
		TimeoutSeconds:      or(p.TimeoutSeconds, 5),
		PeriodSeconds:       or(p.PeriodSeconds, 5), // a pod is ready when its sidecar is
		SuccessThreshold:    or(p.SuccessThreshold, 1),
		FailureThreshold:    or(p.FailureThreshold, 3),
	}
}

// handler asks the management port. The scheme is what the API server would fill in.
func (i *injection) handler(path string) corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString(names.PortNameSidecarManagement), Scheme: corev1.URISchemeHTTP}}
}

// loopback is where a sidecar listens; a port follows.
const loopback = "http://127.0.0.1:"

// url is the API's address for the pod's own containers, or the management port's.
func url(port int32) string { return loopback + strconv.Itoa(int(port)) }

// quitURL is where the bridge is told to end. It answers on loopback only.
func (i *injection) quitURL() string { return url(i.management) + names.PathQuit }

// toldBy returns what a sidecar has brought to a pod's containers, by its settings.
func toldBy(c corev1.Container, native bool) told {
	at := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == names.EnvProperties })
	var before told
	for line := range strings.Lines(c.Env[at].Value) {
		line = strings.TrimSpace(line)
		if port, ok := strings.CutPrefix(line, "http.port="); ok {
			before.url = loopback + port
		}
		if port, ok := strings.CutPrefix(line, "http.management.port="); ok && !native {
			before.quit = loopback + port + names.PathQuit
		}
		if path, ok := strings.CutPrefix(line, "http.socket="); ok {
			before.socket = path
		}
	}
	return before
}
