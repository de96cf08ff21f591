package render

import (
	"cmp"
	"encoding/json"
	"path"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// podTemplate is the pods of a deployed bridge. Its annotations change with the settings and with passwords, and so roll the
// pods; certificates are not in them, since the bridge reads those again.
func (r bridge) podTemplate() *corev1.PodTemplateSpecApplyConfiguration {
	var template v1.PodTemplate
	if t := r.Template.Pod; t != nil {
		template = *t
	}
	hashes := map[string]string{names.AnnotationConfigHash: r.DeploymentHash()}
	if r.AuthHash != "" {
		hashes[names.AnnotationAuthHash] = r.AuthHash
	}
	spec := as[corev1.PodSpecApplyConfiguration](r.scheduling(template)).
		WithServiceAccountName(names.BridgeServiceAccount(r.Name)).WithAutomountServiceAccountToken(r.NeedsToken).
		WithContainers(r.container()).WithVolumes(r.volumes()...)
	return corev1.PodTemplateSpec().WithLabels(r.labels(template.Metadata)).
		WithAnnotations(annotations(template.Metadata, hashes)).WithSpec(spec)
}

// scheduling is the part of a pod that the template passes on as it is. PodSpec's fields that every pod has are not among
// them: as JSON they are absent when empty.
func (r bridge) scheduling(t v1.PodTemplate) any {
	grace := int64(30)
	if t.TerminationGracePeriodSeconds != nil {
		grace = *t.TerminationGracePeriodSeconds
	}
	security := t.SecurityContext
	if security == nil {
		security = &core.PodSecurityContext{
			RunAsNonRoot:   new(true),
			SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		}
	}
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
		grace, security, r.ImagePullSecrets, r.affinity(t.Affinity), t.Tolerations, t.TopologySpreadConstraints, t.PriorityClassName,
		t.SchedulerName, t.HostAliases, t.HostUsers, t.DNSPolicy, t.DNSConfig, t.EnableServiceLinks,
	}
}

// affinity keeps bridges on nodes whose rack is known, beside what the template asks for.
func (r bridge) affinity(a *core.Affinity) *core.Affinity {
	if r.RackKey == "" {
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
		term.MatchExpressions = append(term.MatchExpressions, core.NodeSelectorRequirement{Key: r.RackKey, Operator: core.NodeSelectorOpExists})
	}
	return a
}

// container is the bridge. Its program is the image's entry point.
func (r bridge) container() *corev1.ContainerApplyConfiguration {
	c := corev1.Container().WithName(names.BridgeContainer(r.Name)).WithImage(r.Image).
		WithArgs("--config-file", path.Join(names.DirConfig, names.FileConfig)).
		WithEnv(each[corev1.EnvVarApplyConfiguration](r.Env)...).
		WithPorts(containerPort(names.PortNameAPI, r.HTTP.Port), containerPort(names.PortNameManagement, names.PortManagement)).
		WithResources(as[corev1.ResourceRequirementsApplyConfiguration](r.Resources)).
		WithSecurityContext(as[corev1.SecurityContextApplyConfiguration](r.containerSecurity())).
		WithLivenessProbe(probe(r.Liveness, names.PathHealthy)).
		WithReadinessProbe(probe(r.Readiness, names.PathReady)).
		WithVolumeMounts(r.mounts()...)
	if r.ImagePullPolicy != "" {
		c.WithImagePullPolicy(r.ImagePullPolicy)
	}
	return c
}

// containerSecurity is what the Pod Security Standard "restricted" asks for, or the user's.
func (r bridge) containerSecurity() core.SecurityContext {
	if t := r.Template.BridgeContainer; t != nil && t.SecurityContext != nil {
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

// containerPort names the protocol too: by port and protocol the API server tells a list's elements apart.
func containerPort(name string, port int32) *corev1.ContainerPortApplyConfiguration {
	return corev1.ContainerPort().WithName(name).WithContainerPort(port).WithProtocol(core.ProtocolTCP)
}

// probe asks a path of the management port. A bridge starts in well under a second, so that nothing waits before the first.
func probe(p v1.Probe, path string) *corev1.ProbeApplyConfiguration {
	return corev1.Probe().
		WithHTTPGet(corev1.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(names.PortNameManagement))).
		WithInitialDelaySeconds(or(p.InitialDelaySeconds, 0)).WithTimeoutSeconds(or(p.TimeoutSeconds, 5)).
		WithPeriodSeconds(or(p.PeriodSeconds, 10)).WithSuccessThreshold(or(p.SuccessThreshold, 1)).
		WithFailureThreshold(or(p.FailureThreshold, 3))
}

// or is a probe's number, or what the bridge makes of a missing one.
func or(p *int32, standard int32) int32 {
	if p != nil {
		return *p
	}
	return standard
}

// secretVolumes are all volumes with keys, certificates and passwords.
func (r bridge) secretVolumes() []model.Volume {
	volumes := r.Volumes
	if r.HTTP.TLS {
		volumes = append(volumes[:len(volumes):len(volumes)], r.HTTP.Volume)
	}
	return volumes
}

// volumes are the settings, the credentials, and the user's own.
func (r bridge) volumes() []*corev1.VolumeApplyConfiguration {
	volumes := []*corev1.VolumeApplyConfiguration{
		corev1.Volume().WithName(names.VolumeConfig).WithConfigMap(corev1.ConfigMapVolumeSource().WithName(names.BridgeConfigMap(r.Name))),
	}
	for _, v := range r.secretVolumes() {
		volumes = append(volumes, secretVolume(v))
	}
	return append(volumes, each[corev1.VolumeApplyConfiguration](r.Extra)...)
}

// secretVolume is one Secret, or several whose files the kubelet exchanges at once.
func secretVolume(v model.Volume) *corev1.VolumeApplyConfiguration {
	if len(v.Sources) == 1 {
		s := v.Sources[0]
		return corev1.Volume().WithName(v.Name).WithSecret(corev1.SecretVolumeSource().WithSecretName(s.Secret).WithItems(items(s)...))
	}
	projected := corev1.ProjectedVolumeSource()
	for _, s := range v.Sources {
		projected.WithSources(corev1.VolumeProjection().WithSecret(corev1.SecretProjection().WithName(s.Secret).WithItems(items(s)...)))
	}
	return corev1.Volume().WithName(v.Name).WithProjected(projected)
}

// items are the keys that become files; none means all of them.
func items(s model.Source) []*corev1.KeyToPathApplyConfiguration {
	var all []*corev1.KeyToPathApplyConfiguration
	for _, i := range s.Items {
		all = append(all, corev1.KeyToPath().WithKey(i.Key).WithPath(i.File))
	}
	return all
}

// mounts are those of volumes. None is of a single file (subPath), which the kubelet would not exchange.
func (r bridge) mounts() []*corev1.VolumeMountApplyConfiguration {
	mounts := []*corev1.VolumeMountApplyConfiguration{mount(names.VolumeConfig, names.DirConfig)}
	for _, v := range r.secretVolumes() {
		mounts = append(mounts, mount(v.Name, v.Path))
	}
	return append(mounts, each[corev1.VolumeMountApplyConfiguration](r.Mounts)...)
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
