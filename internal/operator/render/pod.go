package render

import (
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
	spec := as[corev1.PodSpecApplyConfiguration](scheduling(template, standards{
		grace: 30, pullSecrets: r.ImagePullSecrets, rackKey: r.RackKey,
		security: core.PodSecurityContext{
			RunAsNonRoot:   new(true),
			SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		},
	})).
		WithServiceAccountName(names.BridgeServiceAccount(r.Name)).WithAutomountServiceAccountToken(r.NeedsToken).
		WithContainers(r.container()).WithVolumes(r.volumes()...)
	return corev1.PodTemplateSpec().WithLabels(r.labels(template.Metadata)).
		WithAnnotations(annotations(template.Metadata, hashes)).WithSpec(spec)
}

// container is the bridge. Its program is the image's entry point.
func (r bridge) container() *corev1.ContainerApplyConfiguration {
	c := corev1.Container().WithName(names.BridgeContainer(r.Name)).WithImage(r.Image).
		WithArgs("--config-file", path.Join(names.DirConfig, names.FileConfig)).
		WithEnv(each[corev1.EnvVarApplyConfiguration](r.Env)...).
		WithPorts(containerPort(names.PortNameAPI, r.HTTP.Port), containerPort(names.PortNameManagement, names.PortManagement)).
		WithResources(as[corev1.ResourceRequirementsApplyConfiguration](r.Resources)).
		WithSecurityContext(as[corev1.SecurityContextApplyConfiguration](containerSecurity(r.Template.BridgeContainer))).
		WithLivenessProbe(probe(r.Liveness, names.PathHealthy)).
		WithReadinessProbe(probe(r.Readiness, names.PathReady)).
		WithVolumeMounts(r.mounts()...)
	if r.ImagePullPolicy != "" {
		c.WithImagePullPolicy(r.ImagePullPolicy)
	}
	return c
}

// probe asks a path of the management port. A bridge starts in well under a second, so that nothing waits before the first.
func probe(p v1.Probe, path string) *corev1.ProbeApplyConfiguration {
	return timed(p, 0, 10).WithHTTPGet(corev1.HTTPGetAction().WithPath(path).WithPort(intstr.FromString(names.PortNameManagement)))
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
