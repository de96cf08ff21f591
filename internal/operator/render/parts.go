package render

import (
	"cmp"
	"encoding/json"
	"maps"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// annotations returns those of an object's template, with the operator's over them. The result may be nil.
func annotations(template *v1.MetadataTemplate, own map[string]string) map[string]string {
	if template == nil || len(template.Annotations) == 0 {
		return own
	}
	all := maps.Clone(template.Annotations)
	maps.Copy(all, own)
	return all
}

// metadata is that of an object's template; the template may be nil, and the result too.
func metadata(t *v1.ResourceTemplate) *v1.MetadataTemplate {
	if t == nil {
		return nil
	}
	return t.Metadata
}

// templateLabels are those of an object's template, or none.
func templateLabels(template *v1.MetadataTemplate) map[string]string {
	if template == nil {
		return nil
	}
	return template.Labels
}

// over is what a template says of a group of objects, and over it what the user says of one of them. The result is never nil.
func over(template *v1.MetadataTemplate, own v1.MetadataTemplate) *v1.MetadataTemplate {
	return &v1.MetadataTemplate{
		Labels:      merged(templateLabels(template), own.Labels),
		Annotations: merged(annotations(template, nil), own.Annotations),
	}
}

// merged is a new map with all that is in the given ones; the later one wins.
func merged(all ...map[string]string) map[string]string {
	into := map[string]string{}
	for _, m := range all {
		maps.Copy(into, m)
	}
	return into
}

// servicePort leads to the container's port of the same name.
func servicePort(name string, port int32) *corev1.ServicePortApplyConfiguration {
	return corev1.ServicePort().WithName(name).WithPort(port).WithTargetPort(intstr.FromString(name)).WithProtocol(core.ProtocolTCP)
}

// containerPort names the protocol too: by port and protocol the API server tells a list's elements apart.
func containerPort(name string, port int32) *corev1.ContainerPortApplyConfiguration {
	return corev1.ContainerPort().WithName(name).WithContainerPort(port).WithProtocol(core.ProtocolTCP)
}

// standards are what a pod has where its template says nothing.
type standards struct {
	grace       int64 // seconds from the request to stop to the kill
	security    core.PodSecurityContext
	pullSecrets []core.LocalObjectReference
	rackKey     string // label that the pod's Kubernetes node has to have; empty: none
}

// scheduling is the part of a pod that the template passes on as it is. PodSpec's fields that every pod has are not among
// them: as JSON they are absent when empty.
func scheduling(t v1.PodTemplate, s standards) any {
	return struct {
		TerminationGracePeriodSeconds int64                           `json:"terminationGracePeriodSeconds"`
		SecurityContext               *core.PodSecurityContext        `json:"securityContext,omitempty"`
		ImagePullSecrets              []core.LocalObjectReference     `json:"imagePullSecrets,omitempty"`
		Affinity                      *core.Affinity                  `json:"affinity,omitempty"`
		Tolerations                   []core.Toleration               `json:"tolerations,omitempty"`
		TopologySpreadConstraints     []core.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
		PriorityClassName             string                          `json:"priorityClassName,omitempty"`
		SchedulerName                 string                          `json:"schedulerName,omitempty"`
		HostAliases                   []core.HostAlias                `json:"hostAliases,omitempty"`
		HostUsers                     *bool                           `json:"hostUsers,omitempty"`
		DNSPolicy                     core.DNSPolicy                  `json:"dnsPolicy,omitempty"`
		DNSConfig                     *core.PodDNSConfig              `json:"dnsConfig,omitempty"`
		EnableServiceLinks            *bool                           `json:"enableServiceLinks,omitempty"`
	}{
		*cmp.Or(t.TerminationGracePeriodSeconds, &s.grace), cmp.Or(t.SecurityContext, &s.security), s.pullSecrets,
		affinity(t.Affinity, s.rackKey), t.Tolerations, t.TopologySpreadConstraints, t.PriorityClassName,
		t.SchedulerName, t.HostAliases, t.HostUsers, t.DNSPolicy, t.DNSConfig, t.EnableServiceLinks,
	}
}

// affinity keeps pods on nodes whose rack is known, beside what the template asks for.
func affinity(a *core.Affinity, rackKey string) *core.Affinity {
	if rackKey == "" {
		return a
	}
	a = cmp.Or(a.DeepCopy(), &core.Affinity{})
	a.NodeAffinity = cmp.Or(a.NodeAffinity, &core.NodeAffinity{})
	required := cmp.Or(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution, &core.NodeSelector{})
	a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution = required
	if len(required.NodeSelectorTerms) == 0 {
		required.NodeSelectorTerms = []core.NodeSelectorTerm{{}}
	}
	for i := range required.NodeSelectorTerms { // a node has to meet one of the terms
		term := &required.NodeSelectorTerms[i]
		term.MatchExpressions = append(term.MatchExpressions, core.NodeSelectorRequirement{
			Key:      rackKey,
			Operator: core.NodeSelectorOpExists,
		})
	}
	return a
}

// containerSecurity is what the Pod Security Standard "restricted" asks for, or the user's.
func containerSecurity(t *v1.ContainerTemplate) core.SecurityContext {
	if t != nil && t.SecurityContext != nil {
		return *t.SecurityContext
	}
	return core.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		ReadOnlyRootFilesystem:   new(true),
		RunAsNonRoot:             new(true),
		Capabilities:             &core.Capabilities{Drop: []core.Capability{"ALL"}},
		SeccompProfile:           &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
	}
}

// timed is a probe with the user's times, or with what stands here: five seconds for an answer, three failures in a row, and
// the given delay and period in seconds.
func timed(p v1.Probe, delay, period int32) *corev1.ProbeApplyConfiguration {
	return corev1.Probe().WithInitialDelaySeconds(or(p.InitialDelaySeconds, delay)).WithTimeoutSeconds(or(p.TimeoutSeconds, 5)).
		WithPeriodSeconds(or(p.PeriodSeconds, period)).WithSuccessThreshold(or(p.SuccessThreshold, 1)).
		WithFailureThreshold(or(p.FailureThreshold, 3))
}

// or is a probe's number, or the standard for a missing one.
func or(p *int32, standard int32) int32 {
	if p != nil {
		return *p
	}
	return standard
}

// mount is read-only: Secrets and ConfigMaps are that anyway, and say so.
func mount(volume, path string) *corev1.VolumeMountApplyConfiguration {
	return corev1.VolumeMount().WithName(volume).WithMountPath(path).WithReadOnly(true)
}

// as turns a value into the apply configuration of its type, by their common JSON.
func as[T any](from any) *T {
	into := new(T)
	if err := json.Unmarshal([]byte(encode(from)), into); err != nil {
		panic(err) // the fields of both are generated from one declaration
	}
	return into
}

// each is as for a list.
func each[T, F any](from []F) []*T {
	var all []*T
	for _, f := range from {
		all = append(all, as[T](f))
	}
	return all
}

// encode is JSON of a value of Kubernetes' types, or of ours, which all have one.
func encode(value any) string {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// compact is encode in one line, for annotations and variables.
func compact(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}
