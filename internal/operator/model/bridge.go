package model

import (
	"cmp"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// BridgeResources is a KafkaBridge with the observed facts that its meaning depends on.
type BridgeResources struct {
	Bridge *v1.KafkaBridge
	// DefaultImage is the image where the KafkaBridge names none.
	DefaultImage string
	// ImagePullPolicy of the bridge's containers; empty: Kubernetes' default.
	ImagePullPolicy corev1.PullPolicy
	// ImagePullSecrets of deployed bridges where template.pod names none.
	ImagePullSecrets []corev1.LocalObjectReference
	// SecretHashes are HashSecret of the values that BridgeSecrets marks as Rolls, by "secret/key". Whoever only injects
	// sidecars may leave them out: those are not part of ConfigHash.
	SecretHashes map[string]string
	// ConfigMaps are the data of the ConfigMaps that BridgeConfigMaps names, by name; one that does not exist is left out.
	ConfigMaps map[string]map[string]string
	// WithoutNetworkPolicy and WithoutPodDisruptionBudget leave those objects out.
	WithoutNetworkPolicy, WithoutPodDisruptionBudget bool
}

// Bridge is a checked KafkaBridge: what a central bridge is deployed from, and what sidecars are configured from.
type Bridge struct {
	Name, Namespace string
	UID             types.UID         // of the KafkaBridge, empty without a cluster
	Labels          map[string]string // that the user gave the KafkaBridge and that its objects carry too

	// Rollout is names.RolloutNone or names.RolloutWorkload: what becomes of pods whose sidecar is of another ConfigHash.
	Rollout string

	Replicas        int32
	Image           string // of the KafkaBridge or the default one
	ImagePullPolicy corev1.PullPolicy

	// Volumes hold what the bridge shows to Kafka and believes of it, in sidecars and in deployed bridges alike.
	Volumes []Volume
	// Mounts are the user's own, of Extra volumes.
	Mounts []corev1.VolumeMount
	Extra  []corev1.Volume
	// Env is added to the bridge's container in sidecars and in deployed bridges alike.
	Env       []corev1.EnvVar
	Resources corev1.ResourceRequirements
	Liveness  v1.Probe // nil fields: the renderer's defaults
	Readiness v1.Probe
	// NeedsToken says that settings refer to Secrets or ConfigMaps by the Kubernetes API, so that the container needs a
	// service account's token.
	NeedsToken bool

	// HTTP is the API of deployed bridges; sidecars answer plain HTTP on loopback.
	HTTP HTTP
	// Template changes the objects of a deployed bridge. Its metadata hold no labels of the operator's own.
	Template v1.BridgeTemplate
	// ImagePullSecrets of deployed bridges.
	ImagePullSecrets []corev1.LocalObjectReference
	// RackKey is the node's label that deployed bridges need, so that their rack is known; empty: none.
	RackKey string
	// AuthHash changes with the passwords and tokens that the bridge reads; empty: there are none.
	AuthHash string

	NetworkPolicy, PodDisruptionBudget bool // whether those objects are wanted

	settings map[string]string // of sidecars and deployed bridges alike
	api      map[string]string // of the API of deployed bridges
	image    string            // that the KafkaBridge names
}

// HTTP is the API of a deployed bridge.
type HTTP struct {
	Port int32
	TLS  bool
	// Volume has the certificate and the key, with TLS.
	Volume Volume
}

// Volume is files from Secrets in one directory. The kubelet exchanges all of them at once.
type Volume struct {
	Name    string
	Path    string
	Sources []Source
}

// Source is a Secret of which a Volume has all keys, or those of Items.
type Source struct {
	Secret string
	Items  []Item
}

// Item is a key of a Secret and the name of its file.
type Item struct{ Key, File string }

// ForBridge checks a KafkaBridge and fills in its defaults. The warnings are about what is ignored or will be; the error is
// one line, and errors.As finds an Invalid in it. The same resources always give the same result.
func ForBridge(r BridgeResources) (Bridge, []Warning, error) {
	b := &bridgeBuilder{in: r, spec: r.Bridge.DeepCopy().Spec, settings: map[string]setting{}}
	b.metadata()
	b.kafka()
	b.http()
	b.clients()
	b.observability()
	b.own()
	b.pod()
	b.providers()
	b.judge()
	if err := b.Err(); err != nil {
		return Bridge{}, b.Warnings(), err
	}
	b.out.settings, b.out.api = b.split()
	b.out.AuthHash = b.authHash()
	return b.out, b.Warnings(), nil
}

// setting is a value and the field of the resource that it is from.
type setting struct {
	value, field string
	api          bool // of the API of deployed bridges only
}

// bridgeBuilder is one call of ForBridge.
type bridgeBuilder struct {
	Findings
	in       BridgeResources
	spec     v1.KafkaBridgeSpec
	out      Bridge
	settings map[string]setting // by the bridge's keys
}

// set gives a key its value; field is where it is from, "" if nobody asked for it.
func (b *bridgeBuilder) set(key, value, field string) {
	b.settings[key] = setting{value: value, field: field}
}

// setAPI is set for keys that sidecars do not get.
func (b *bridgeBuilder) setAPI(key, value, field string) {
	b.settings[key] = setting{value: value, field: field, api: true}
}

// split returns the settings of all bridges and those of deployed ones only.
func (b *bridgeBuilder) split() (common, api map[string]string) {
	common, api = map[string]string{}, map[string]string{}
	for key, s := range b.settings {
		if s.api {
			api[key] = s.value
		} else {
			common[key] = s.value
		}
	}
	return common, api
}

// metadata takes over what does not depend on Kafka.
func (b *bridgeBuilder) metadata() {
	meta := b.in.Bridge.ObjectMeta
	b.out.Name, b.out.Namespace, b.out.UID = meta.Name, meta.Namespace, meta.UID
	b.out.Labels = b.InheritedLabels(meta.Labels)
	b.annotations(meta.Annotations)
	b.out.Replicas = 1
	if b.spec.Replicas != nil {
		b.out.Replicas = *b.spec.Replicas
	}
	if b.out.Replicas < 0 {
		b.Invalid("spec.replicas", "%d is negative: 0 keeps the objects and serves sidecars only", b.out.Replicas)
	}
	b.out.image = b.spec.Image
	b.out.Image = cmp.Or(b.spec.Image, b.in.DefaultImage)
	if b.out.Image == "" {
		b.Invalid("spec.image", "is missing, and the operator has no default image of bridges")
	}
	b.out.ImagePullPolicy = b.in.ImagePullPolicy
	b.out.NetworkPolicy, b.out.PodDisruptionBudget = !b.in.WithoutNetworkPolicy, !b.in.WithoutPodDisruptionBudget
	b.set("bridge.id", meta.Name, "metadata.name")
}

// annotations takes ours on the KafkaBridge.
func (b *bridgeBuilder) annotations(annotations map[string]string) {
	b.out.Rollout = names.RolloutNone
	for _, key := range sortedKeys(annotations) {
		switch value := annotations[key]; {
		case key == names.AnnotationRolloutStrategy && (value == names.RolloutNone || value == names.RolloutWorkload):
			b.out.Rollout = value
		case key == names.AnnotationRolloutStrategy:
			b.Invalid("metadata.annotations."+key, "%q is not one of %s and %s", value, names.RolloutNone, names.RolloutWorkload)
		case strings.HasPrefix(key, names.Domain):
			hint := "those of pods go into a pod's metadata"
			if near := kafka.Suggest(key, []string{names.AnnotationRolloutStrategy}); near != "" {
				hint = "did you mean " + near + "?"
			}
			b.Warn(ReasonUnknownFields, "metadata.annotations: %s has no meaning on a KafkaBridge: %s", key, hint)
		}
	}
}

// Properties returns the settings of a deployed bridge by the bridge's keys. The map is the caller's.
func (b Bridge) Properties() map[string]string {
	all := maps.Clone(b.settings)
	maps.Copy(all, b.api)
	return all
}

// URL is where a deployed bridge is reached within the cluster.
func (b Bridge) URL() string {
	scheme := "http"
	if b.HTTP.TLS {
		scheme = "https"
	}
	return scheme + "://" + names.BridgeService(b.Name) + "." + b.Namespace + ".svc:" + decimal(b.HTTP.Port)
}

// Selector returns the labels by which the pods of deployed bridges are found. The map is the caller's.
func (b Bridge) Selector() map[string]string {
	return names.Selector(names.KindKafkaBridge, b.Name, names.BridgeDeployment(b.Name))
}
