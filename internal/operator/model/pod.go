package model

import (
	"path"
	"slices"
	"strings"

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
		b.noEffect("spec.jvmOptions", "the bridge is no Java program")
	}
	if b.spec.ClientRackInitImage != "" {
		b.noEffect("spec.clientRackInitImage", "the rack is learnt without an init container")
	}
}

// inherited returns the labels of the KafkaBridge that its objects carry too: those of tools that manage the KafkaBridge
// would make the tools believe that they manage the objects.
func (b *bridgeBuilder) inherited(labels map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range labels {
		switch {
		case key == names.LabelCluster:
		case strings.HasPrefix(key, names.StrimziDomain):
			b.invalid("metadata.labels", "%s is a label of the operator's: remove it", key)
		case hasPrefix(key, names.Domain, names.KubernetesDomain, "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"):
		default:
			kept[key] = value
		}
	}
	return kept
}

// template checks the changes to the objects of deployed bridges.
func (b *bridgeBuilder) template(t v1.BridgeTemplate) {
	if t.Deployment != nil {
		b.templateMetadata("deployment", t.Deployment.Metadata)
		if s := t.Deployment.DeploymentStrategy; s != "" && s != v1.StrategyRollingUpdate && s != v1.StrategyRecreate {
			b.invalid("spec.template.deployment.deploymentStrategy", "%q is not one of RollingUpdate and Recreate", s)
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
		b.noEffect("spec.template.clusterRoleBinding", "the bridge needs no right to read nodes")
	}
	if t.InitContainer != nil {
		b.noEffect("spec.template.initContainer", "the bridge has no init container")
	}
}

// templateMetadata refuses what would be taken for the operator's own.
func (b *bridgeBuilder) templateMetadata(object string, m *v1.MetadataTemplate) {
	if m == nil {
		return
	}
	field := "spec.template." + object + ".metadata"
	for _, key := range sortedKeys(m.Labels) {
		if hasPrefix(key, names.StrimziDomain, names.Domain) {
			b.invalid(field+".labels", "%s is a label of the operator's: remove it", key)
		}
	}
	for _, key := range sortedKeys(m.Annotations) {
		if hasPrefix(key, names.Domain) {
			b.invalid(field+".annotations", "%s is an annotation of the operator's: remove it", key)
		}
	}
}

// templatePod takes the volumes that containers mount by names of the user's. What else the template says of pods is passed
// on as it is: the API server judges it.
func (b *bridgeBuilder) templatePod(p v1.PodTemplate) {
	b.templateMetadata("pod", p.Metadata)
	if p.TmpDirSizeLimit != nil {
		b.noEffect("spec.template.pod.tmpDirSizeLimit", "the bridge has no /tmp")
	}
	for _, v := range p.Volumes {
		if strings.HasPrefix(v.Name, names.VolumePrefix) {
			b.invalid("spec.template.pod.volumes", "%s: names that begin with %s are the operator's: choose another one", v.Name, names.VolumePrefix)
		}
		b.out.Extra = append(b.out.Extra, corev1.Volume{Name: v.Name, VolumeSource: corev1.VolumeSource{
			Secret: v.Secret, ConfigMap: v.ConfigMap, EmptyDir: v.EmptyDir, PersistentVolumeClaim: v.PersistentVolumeClaim, CSI: v.CSI, Image: v.Image,
		}})
	}
}

// templateContainer checks the bridge's container, whose variables and mounts go into sidecars too.
func (b *bridgeBuilder) templateContainer(c v1.ContainerTemplate) {
	const field = "spec.template.bridgeContainer"
	for _, m := range c.VolumeMounts {
		if !strings.HasPrefix(path.Clean(m.MountPath)+"/", "/mnt/") { // the reference operator's rule
			b.invalid(field+".volumeMounts", "%s is not below /mnt", m.MountPath)
		}
		if !slices.ContainsFunc(b.out.Extra, func(v corev1.Volume) bool { return v.Name == m.Name }) {
			b.invalid(field+".volumeMounts", "%s is not one of spec.template.pod.volumes", m.Name)
		}
	}
	b.out.Mounts = c.VolumeMounts
	for _, e := range c.Env {
		switch {
		case len(validation.IsRelaxedEnvVarName(e.Name)) > 0:
			b.invalid(field+".env", "%q is not a name of a variable", e.Name)
		case slices.Contains(ownVariables(), e.Name):
			b.warn(ReasonForbiddenFields, "%s.env: %s is left out: it is written from other fields", field, e.Name)
		default:
			b.out.Env = append(b.out.Env, variable(e))
		}
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

// variable is a template's variable in Kubernetes' type, which can do more.
func variable(e v1.ContainerEnvVar) corev1.EnvVar {
	out := corev1.EnvVar{Name: e.Name, Value: e.Value}
	if e.ValueFrom != nil {
		out.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: e.ValueFrom.SecretKeyRef, ConfigMapKeyRef: e.ValueFrom.ConfigMapKeyRef}
	}
	return out
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
	for _, name := range sortedKeys(b.out.Resources.Requests) {
		request := b.out.Resources.Requests[name]
		if limit, ok := b.out.Resources.Limits[name]; ok && request.Cmp(limit) > 0 {
			b.invalid("spec.resources.requests."+string(name), "%s is more than the limit %s", request.String(), limit.String())
		}
	}
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
			b.invalid("spec.rack.envVarName", "%q is not a name of a variable", r.EnvVarName)
			return
		}
		b.set("kafka.consumer.client.rack", "${"+names.AliasStrimziEnvironment+":"+r.EnvVarName+"}", "spec.rack")
	default:
		b.invalid("spec.rack.type", "%q is not one of topology-label and environment-variable", r.Type)
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
		b.invalid(field, "is missing: %s or %s", corev1.LabelTopologyZone, corev1.LabelTopologyRegion)
	default:
		b.noEffect(field+" "+key, "of a node's labels a pod is told "+corev1.LabelTopologyZone+" and "+corev1.LabelTopologyRegion+
			" only; write type environment-variable")
	}
}

// probes are the user's times; what is absent the renderer fills in.
func (b *bridgeBuilder) probes() {
	take := func(field string, p *v1.Probe, into *v1.Probe) {
		if p == nil {
			return
		}
		*into = *p
		for name, v := range map[string]*int32{"timeoutSeconds": p.TimeoutSeconds, "periodSeconds": p.PeriodSeconds, "failureThreshold": p.FailureThreshold} {
			if v != nil && *v < 1 {
				b.invalid(field+"."+name, "%d is not at least 1", *v)
			}
		}
		if p.InitialDelaySeconds != nil && *p.InitialDelaySeconds < 0 {
			b.invalid(field+".initialDelaySeconds", "%d is negative", *p.InitialDelaySeconds)
		}
	}
	take("spec.livenessProbe", b.spec.LivenessProbe, &b.out.Liveness)
	take("spec.readinessProbe", b.spec.ReadinessProbe, &b.out.Readiness)
	if s := b.out.Liveness.SuccessThreshold; s != nil && *s != 1 {
		b.invalid("spec.livenessProbe.successThreshold", "%d is not 1, as Kubernetes wants", *s)
	}
}
