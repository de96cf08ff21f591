package model

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// pod takes what belongs to Kubernetes and not to Kafka.
func (b *bridgeBuilder) pod() {
	if b.spec.Template != nil {
		b.out.Template = *b.spec.Template
		b.template(b.out.Template)
	}
	b.resources()
	b.rack()
	b.probes()
	b.out.ImagePullSecrets = b.in.ImagePullSecrets
	if p := b.out.Template.Pod; p != nil && len(p.ImagePullSecrets) > 0 {
		b.out.ImagePullSecrets = p.ImagePullSecrets
	}
	if b.spec.JvmOptions != nil {
		b.NoEffect("spec.jvmOptions", "the bridge is no Java program")
	}
	if b.spec.ClientRackInitImage != "" {
		b.NoEffect("spec.clientRackInitImage", "the rack is learnt without an init container")
	}
}

// templateMetadata checks the metadata of one object of the template.
func (b *bridgeBuilder) templateMetadata(object string, m *v1.MetadataTemplate) {
	b.TemplateMetadata("spec.template."+object+".metadata", m)
}

// template checks the changes to the objects of deployed bridges.
func (b *bridgeBuilder) template(t v1.BridgeTemplate) {
	if t.Deployment != nil {
		b.templateMetadata("deployment", t.Deployment.Metadata)
		if s := t.Deployment.DeploymentStrategy; s != "" && s != v1.StrategyRollingUpdate && s != v1.StrategyRecreate {
			b.Invalid("spec.template.deployment.deploymentStrategy", "%q is not one of RollingUpdate and Recreate", s)
		}
	}
	if t.APIService != nil {
		b.templateMetadata("apiService", t.APIService.Metadata)
	}
	if t.PodDisruptionBudget != nil {
		b.templateMetadata("podDisruptionBudget", t.PodDisruptionBudget.Metadata)
	}
	if t.ServiceAccount != nil {
		b.templateMetadata("serviceAccount", t.ServiceAccount.Metadata)
	}
	if t.Pod != nil {
		b.templatePod(*t.Pod)
	}
	if t.BridgeContainer != nil {
		b.templateContainer(*t.BridgeContainer)
	}
	if t.ClusterRoleBinding != nil {
		b.NoEffect("spec.template.clusterRoleBinding", "the bridge needs no right to read nodes")
	}
	if t.InitContainer != nil {
		b.NoEffect("spec.template.initContainer", "the bridge has no init container")
	}
}

// templatePod takes the volumes that containers mount by names of the user's. What else the template says of pods is passed
// on as it is: the API server judges it.
func (b *bridgeBuilder) templatePod(p v1.PodTemplate) {
	b.templateMetadata("pod", p.Metadata)
	if p.TmpDirSizeLimit != nil {
		b.NoEffect("spec.template.pod.tmpDirSizeLimit", "the bridge has no /tmp")
	}
	b.TemplateVolumes(templateVolumes, p.Volumes, nil, nil)
	for _, v := range p.Volumes {
		b.out.Extra = append(b.out.Extra, corev1.Volume{Name: v.Name, VolumeSource: corev1.VolumeSource{
			Secret: v.Secret, ConfigMap: v.ConfigMap, EmptyDir: v.EmptyDir, PersistentVolumeClaim: v.PersistentVolumeClaim, CSI: v.CSI, Image: v.Image,
		}})
	}
}

// templateVolumes is where the volumes are said that containers may mount.
const templateVolumes = "spec.template.pod.volumes"

// templateContainer checks the bridge's container, whose variables and mounts go into sidecars too.
func (b *bridgeBuilder) templateContainer(c v1.ContainerTemplate) {
	const field = "spec.template.bridgeContainer"
	var volumes []string
	for _, v := range b.out.Extra {
		volumes = append(volumes, v.Name)
	}
	b.TemplateMounts(field+".volumeMounts", c.VolumeMounts, templateVolumes, volumes)
	b.out.Mounts = c.VolumeMounts
	for _, e := range b.TemplateEnv(field+".env", c.Env, func(name string) bool { return slices.Contains(ownVariables(), name) }) {
		b.out.Env = append(b.out.Env, Variable(e))
	}
}

// ownVariables are variables by which a user would move the bridge's listeners away from where others expect them.
func ownVariables() []string {
	owned := []string{names.EnvProperties, names.EnvClientRack}
	for _, key := range []string{"http.host", "http.port", "http.management.host", "http.management.port", "http.socket"} {
		owned = append(owned, key, bridgeconfig.EnvName(key))
	}
	return owned
}

// resources are the user's as they stand, or enough for a sidecar that does little.
func (b *bridgeBuilder) resources() {
	if b.spec.Resources == nil {
		b.out.Resources = corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("25m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")},
		}
		return
	}
	b.out.Resources = *b.spec.Resources
	b.Resources("spec.resources", b.out.Resources)
}

// rack tells consumers the zone that they run in, so that they read from a replica there. Kubernetes copies two labels of
// a node to its pods (KEP-4742, on since 1.35); where it does not, the variable is empty and the rack unset.
func (b *bridgeBuilder) rack() {
	r := b.spec.Rack
	if r == nil {
		return
	}
	switch r.Type {
	case "", v1.RackTopologyLabel:
		b.rackLabel(r.TopologyKey)
	case v1.RackEnvironmentVariable:
		if len(validation.IsRelaxedEnvVarName(r.EnvVarName)) > 0 {
			b.Invalid("spec.rack.envVarName", "%q is not a name of a variable", r.EnvVarName)
			return
		}
		b.set("kafka.consumer.client.rack", "${"+names.AliasStrimziEnvironment+":"+r.EnvVarName+"}", "spec.rack")
	default:
		b.Invalid("spec.rack.type", "%q is not one of topology-label and environment-variable", r.Type)
	}
}

// rackLabel takes the label by a variable, since the value is known only where the pod is placed. Other labels would need a
// right to read nodes in every application's pod, which is not worth a rack.
func (b *bridgeBuilder) rackLabel(key string) {
	const field = "spec.rack.topologyKey"
	switch key {
	case corev1.LabelTopologyZone, corev1.LabelTopologyRegion:
		b.out.RackKey = key
		b.out.Env = append(b.out.Env, corev1.EnvVar{
			Name:      names.EnvClientRack,
			ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['" + key + "']"}},
		})
	case "":
		b.Invalid(field, "is missing: %s or %s", corev1.LabelTopologyZone, corev1.LabelTopologyRegion)
	default:
		b.NoEffect(field+" "+key, "of a node's labels a pod is told "+corev1.LabelTopologyZone+" and "+corev1.LabelTopologyRegion+
			" only; write type environment-variable")
	}
}

// probes are the user's times.
func (b *bridgeBuilder) probes() {
	b.out.Liveness = b.LivenessProbe("spec.livenessProbe", b.spec.LivenessProbe)
	b.out.Readiness = b.Probe("spec.readinessProbe", b.spec.ReadinessProbe)
}
