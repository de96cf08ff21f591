package cluster_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// pods is a change of the templates of pods and of Kafka's container.
func pods(do func(p *v1.KafkaPodTemplate, c *v1.ContainerTemplate)) change {
	return func(k *v1.KafkaClusterSpec) {
		p, c := &v1.KafkaPodTemplate{}, &v1.ContainerTemplate{}
		do(p, c)
		k.Template = &v1.KafkaClusterTemplate{Pod: p, KafkaContainer: c}
	}
}

// volumes is a change that adds volumes to the pods, before the comma those of volumes and behind it those of templatedVolumes.
func volumes(plain, templated string) change {
	source := &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}}
	return pods(func(p *v1.KafkaPodTemplate, _ *v1.ContainerTemplate) {
		for _, name := range strings.Fields(plain) {
			p.Volumes = append(p.Volumes, v1.AdditionalVolume{Name: name, ConfigMap: source})
		}
		for _, name := range strings.Fields(templated) {
			p.TemplatedVolumes = append(p.TemplatedVolumes, v1.TemplatedVolume{Name: name, ConfigMap: source})
		}
	})
}

// TestPodsThatKubernetesRefuses: a pod that the API server would not take is refused before the pod that it replaces is deleted.
func TestPodsThatKubernetesRefuses(t *testing.T) {
	const plain, templated = "spec.kafka.template.pod.volumes", "spec.kafka.template.pod.templatedVolumes"
	mounts := func(paths ...string) change {
		return func(k *v1.KafkaClusterSpec) {
			volumes("a", "")(k)
			for _, path := range paths {
				k.Template.KafkaContainer.VolumeMounts = append(k.Template.KafkaContainer.VolumeMounts, corev1.VolumeMount{Name: "a", MountPath: path})
			}
		}
	}
	for _, r := range []refusal{
		{"name of the data", volumes("data", ""), plain, "data is a volume of the operator's"},
		{"name of /tmp", volumes("strimzi-tmp", ""), plain, "strimzi-tmp is a volume of the operator's"},
		{"templated, name of /tmp", volumes("", "strimzi-tmp"), templated, "strimzi-tmp is a volume of the operator's"},
		{"templated, name of the operator's", volumes("", "steg-node"), templated, "names that begin with steg- are the operator's"},
		{"twice", volumes("a a", ""), plain, "a is there twice"},
		{"templated twice", volumes("", "a a"), templated, "a is there twice"},
		{"once in each", volumes("a", "a"), templated, "a is there twice"},
		{"dots", volumes("a.b", ""), plain, `"a.b" is no name of a volume`},
		{"capitals", volumes("", "A"), templated, `"A" is no name of a volume`},
		{"long", volumes(strings.Repeat("v", 64), ""), plain, "at most 63 lower-case letters"},
		{"one place for two", mounts("/mnt/a", "/mnt/b", "/mnt/a"), "spec.kafka.template.kafkaContainer.volumeMounts", "/mnt/a is there twice"},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, _, err := cluster.For(with(t, r.change))
			refused(t, err, r.field, r.text)
		})
	}
	for name, good := range map[string]change{
		"both": volumes("a data-7", "b"), "long enough": volumes(strings.Repeat("v", 63), ""), "places": mounts("/mnt/a", "/mnt/a/b", "/mnt/aa"),
	} {
		if _, _, err := cluster.For(with(t, good)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	jbod := with(t, volumes("data-7", ""))
	jbod.Kafka.Spec.Kafka.Storage = &v1.Storage{Type: v1.StorageJBOD, Volumes: []v1.JBODVolume{{ID: 7, Type: v1.StorageEphemeral}}}
	_, _, err := cluster.For(jbod)
	refused(t, err, plain, "data-7 is a volume of the operator's")
}

// TestWhoseTemplate: what is wrong in a pool's template is said of the pool, and what the pool has from the Kafka of the Kafka.
func TestWhoseTemplate(t *testing.T) {
	r := resources(t, pooled)
	container := &v1.ContainerTemplate{VolumeMounts: []corev1.VolumeMount{{Name: "nothing", MountPath: "/mnt/a"}}}
	r.Pools[1].Spec.Template = &v1.KafkaNodePoolTemplate{KafkaContainer: container}
	volumes("data", "")(&r.Kafka.Spec.Kafka)
	_, _, err := cluster.For(r)
	refused(t, err, "KafkaNodePool b: spec.template.kafkaContainer.volumeMounts", "nothing is not one of spec.kafka.template.pod.volumes")
	refused(t, err, "spec.kafka.template.pod.volumes", "data is a volume of the operator's")
	if strings.Contains(err.Error(), "KafkaNodePool b: spec.template.pod") {
		t.Errorf("the pool has no template of pods: %v", err)
	}
}

// TestMetadataThatKubernetesRefuses: names and values of labels, and names of annotations, of any object.
func TestMetadataThatKubernetesRefuses(t *testing.T) {
	type metadata = v1.MetadataTemplate
	for _, c := range []struct {
		name   string
		given  metadata
		field  string // behind metadata
		text   string
		forKey bool // not of the value
	}{
		{"name of a label", metadata{Labels: map[string]string{"two words": "x"}}, ".labels", `"two words" is no name of a label`, true},
		{"name without a name", metadata{Labels: map[string]string{"example.com/": "x"}}, ".labels", `"example.com/" is no name of a label`, true},
		{"value of a label", metadata{Labels: map[string]string{"a": "two words"}}, ".labels", `a: "two words" is no value of a label`, false},
		{"long value", metadata{Labels: map[string]string{"a": strings.Repeat("x", 64)}}, ".labels", "at most 63 letters", false},
		{"name of an annotation", metadata{Annotations: map[string]string{"-a": "x"}}, ".annotations", `"-a" is no name of an annotation`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := cluster.For(with(t, pods(func(p *v1.KafkaPodTemplate, _ *v1.ContainerTemplate) { p.Metadata = &c.given })))
			refused(t, err, "spec.kafka.template.pod.metadata"+c.field, c.text)
			_, _, err = cluster.For(with(t, func(k *v1.KafkaClusterSpec) {
				k.Template = &v1.KafkaClusterTemplate{BrokersService: &v1.InternalServiceTemplate{Metadata: &c.given}}
			}))
			refused(t, err, "spec.kafka.template.brokersService.metadata"+c.field, c.text)
			_, _, err = cluster.For(with(t, configured(v1.ListenerNodePort, func(l *v1.ListenerConfiguration) {
				l.Bootstrap = &v1.ListenerBootstrap{Labels: c.given.Labels, Annotations: c.given.Annotations}
			})))
			refused(t, err, "spec.kafka.listeners[0].configuration.bootstrap"+c.field, c.text)
			if !c.forKey {
				return
			}
			_, _, err = cluster.For(with(t, configured(v1.ListenerNodePort, func(l *v1.ListenerConfiguration) {
				l.PerBrokerLabelsTemplate, l.PerBrokerAnnotationsTemplate = c.given.Labels, c.given.Annotations
			})))
			refused(t, err, "spec.kafka.listeners[0].configuration.brokers"+c.field, c.text)
		})
	}
	mustFor(t, with(t, pods(func(p *v1.KafkaPodTemplate, _ *v1.ContainerTemplate) {
		p.Metadata = &metadata{
			Labels: map[string]string{"example.com/team": "", "a": strings.Repeat("x", 63)}, Annotations: map[string]string{"Example.com/note": "any text\n"},
		}
	})))
	_, _, err := cluster.For(with(t, configured(v1.ListenerNodePort, func(l *v1.ListenerConfiguration) {
		l.Bootstrap = &v1.ListenerBootstrap{Labels: map[string]string{names.LabelCluster: "x"}}
	})))
	refused(t, err, "spec.kafka.listeners[0].configuration.bootstrap.labels", "is a label of the operator's")
}

// TestSecretsWithLongNames: the volume of a Secret can't have all names that a Secret can, and two Secrets never share one.
func TestSecretsWithLongNames(t *testing.T) {
	long := strings.Repeat("s", 200)
	seen := map[string]string{}
	for _, secret := range []string{"users", "my.users", "my-users", long, long + "2", strings.Repeat("s", 48)} {
		r := with(t, listener(func(l *v1.Listener) {
			l.Authentication = &v1.ListenerAuthentication{
				Type: v1.AuthenticationCustom, Secrets: []v1.GenericSecretSource{{SecretName: secret, Key: "k"}},
				ListenerConfig: setting("a.file", `"/opt/kafka/custom-authn-secrets/custom-listener-plain-9092/`+secret+`/k"`),
			}
		}))
		c, _ := mustFor(t, r)
		e := c.External[0]
		if volume := names.VolumeExternal + e.Name; len(volume) > 63 || strings.Contains(volume, ".") {
			t.Errorf("%s: no name of a volume: %s", secret, volume)
		}
		if e.Secret != secret || seen[e.Name] != "" {
			t.Errorf("%s: %+v, which is the name of %s too", secret, e, seen[e.Name])
		}
		seen[e.Name] = secret
		if got := c.ListenerConfig["listener.name.plain-9092.a.file"]; got != names.DirExternal+"/"+e.Name+"/k" {
			t.Errorf("%s: Kafka looks for it at %s", secret, got)
		}
	}
	if seen["plain-9092-users"] != "users" {
		t.Errorf("names that fit stay: %v", seen)
	}
}
