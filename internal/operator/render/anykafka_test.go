package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// TestAnyKafka: whatever people write into a Kafka is refused in one line that names a field, or becomes objects that the API server
// takes: a pod that it would not take is found out only after the former one has been deleted.
func TestAnyKafka(t *testing.T) {
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		r := anyResources(rt)
		c, warnings, err := cluster.For(r)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), ": ") {
				rt.Fatalf("%q", err)
			}
			return
		}
		for _, w := range warnings {
			if strings.ContainsAny(w.Message, "\n") {
				rt.Fatalf("%q", w.Message)
			}
		}
		taken++
		objects := render.Kafka(c, issued(c))
		kafkaWellFormed(failing{t, rt}, c, objects)
		podsAreTaken(failing{t, rt}, podsOf(t, objects))
		for _, object := range objects {
			if problem := apiProblem(typed(t, object)); problem != "" {
				rt.Fatalf("%T %s: %s", object, typed(t, object).GetName(), problem)
			}
		}
		if problem := nodePortProblem(t, objects); problem != "" {
			rt.Fatal(problem)
		}
	})
	if taken < 20 {
		t.Errorf("%d were taken, which shows little", taken)
	}
}

// failing is a test whose failures are those of one draw.
type failing struct {
	testing.TB
	draw *rapid.T
}

func (f failing) Errorf(format string, args ...any) { f.draw.Fatalf(format, args...) }
func (f failing) Fatalf(format string, args ...any) { f.draw.Fatalf(format, args...) }
func (f failing) Fatal(args ...any)                 { f.draw.Fatal(args...) }
func (f failing) Error(args ...any)                 { f.draw.Fatal(args...) }
func (f failing) Helper()                           {}

// pick draws one of several.
func pick[T any](rt *rapid.T, label string, of ...T) T { return rapid.SampledFrom(of).Draw(rt, label) }

// one draws the first of several mostly, and now and then any of them: those that are refused.
func one[T any](rt *rapid.T, label string, of ...T) T {
	if rapid.IntRange(0, 9).Draw(rt, label+"?") > 0 {
		return of[0]
	}
	return pick(rt, label, of...)
}

// often draws true three times out of four.
func often(rt *rapid.T, label string) bool { return rapid.IntRange(0, 3).Draw(rt, label) > 0 }

func anyResources(rt *rapid.T) cluster.Resources {
	k := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{
		Name: one(rt, "name", "my-cluster", "c", strings.Repeat("n", 40), "my.cluster"), Namespace: "kafka", UID: kafkaUID, Labels: goodLabels(rt),
	}}
	k.Spec.Kafka = v1.KafkaClusterSpec{
		Replicas: new(pick(rt, "replicas", int32(3), 1, 2)), Storage: anyStorage(rt), Template: anyTemplate(rt),
		Rack: pick(rt, "rack", nil, &v1.Rack{TopologyKey: "zone"}, &v1.Rack{Type: v1.RackEnvironmentVariable, EnvVarName: "ZONE"}),
	}
	if !often(rt, "no jmx") {
		k.Spec.Kafka.JmxOptions = &v1.JmxOptions{Authentication: pick(rt, "password", nil, &v1.JmxAuthentication{Type: "password"})}
	}
	for i := range rapid.IntRange(1, 3).Draw(rt, "listeners") {
		k.Spec.Kafka.Listeners = append(k.Spec.Kafka.Listeners, anyListener(rt, i))
	}
	r := observed(k, nil)
	if !often(rt, "no pools") {
		k.Spec.Kafka.Replicas, k.Spec.Kafka.Storage = nil, nil
		for _, role := range []string{v1.RoleController, v1.RoleBroker} {
			pool := v1.KafkaNodePool{ObjectMeta: metav1.ObjectMeta{Name: role + "s", UID: poolUID, Labels: goodLabels(rt)}}
			pool.Spec = v1.KafkaNodePoolSpec{Replicas: 2, Roles: []string{role}, Storage: *anyStorage(rt)}
			if t := anyTemplate(rt); t != nil {
				pool.Spec.Template = &v1.KafkaNodePoolTemplate{Pod: t.Pod, KafkaContainer: t.KafkaContainer, PerPodService: t.PerPodService}
			}
			r.Pools = append(r.Pools, pool)
		}
	}
	if c, _, err := cluster.For(r); err == nil {
		r.Observed.Services = chosen(c)
	}
	return r
}

// goodLabels are those of a resource, which the API server has taken.
func goodLabels(rt *rapid.T) map[string]string {
	return map[string]string{pick(rt, "label", "team", "example.com/team", "strimzi.io/x", "app.kubernetes.io/instance"): one(rt, "of", "a", "")}
}

func anyLabels(rt *rapid.T) map[string]string {
	if often(rt, "no labels") {
		return nil
	}
	return map[string]string{
		one(rt, "key", "team", "example.com/team", "two words", "strimzi.io/x", "app.kubernetes.io/instance"): one(rt, "value", "a", "", "two words", strings.Repeat("x", 64)),
	}
}

func anyMetadata(rt *rapid.T) *v1.MetadataTemplate {
	return &v1.MetadataTemplate{Labels: anyLabels(rt), Annotations: anyLabels(rt)}
}

func anyStorage(rt *rapid.T) *v1.Storage {
	size := resource.MustParse("1Gi")
	claim := v1.StorageSettings{Size: &size, Class: pick(rt, "class", "", "fast"), DeleteClaim: pick(rt, "delete", nil, new(true))}
	switch pick(rt, "storage", v1.StorageEphemeral, v1.StoragePersistentClaim, v1.StorageJBOD) {
	case v1.StoragePersistentClaim:
		return &v1.Storage{Type: v1.StoragePersistentClaim, StorageSettings: claim}
	case v1.StorageJBOD:
		return &v1.Storage{Type: v1.StorageJBOD, Volumes: []v1.JBODVolume{
			{ID: one(rt, "id", int32(0), 7), Type: v1.StoragePersistentClaim, StorageSettings: claim}, {ID: one(rt, "other id", int32(1), 0, 2147483647), Type: v1.StorageEphemeral},
		}}
	}
	return &v1.Storage{Type: v1.StorageEphemeral, StorageSettings: v1.StorageSettings{SizeLimit: pick(rt, "limit", nil, &size)}}
}

func anyTemplate(rt *rapid.T) *v1.KafkaClusterTemplate {
	if often(rt, "no template") {
		return nil
	}
	volume := func(label string) string {
		return one(rt, label, "a", "b", "data", "data-7", "strimzi-tmp", "steg-node", "A", "a.b", strings.Repeat("v", 64))
	}
	pod := &v1.KafkaPodTemplate{TemplatedVolumes: []v1.TemplatedVolume{
		{Name: volume("templated"), Secret: &corev1.SecretVolumeSource{SecretName: "of-{nodePodName}"}},
	}}
	pod.Metadata = anyMetadata(rt)
	pod.Volumes = []v1.AdditionalVolume{{Name: volume("volume"), EmptyDir: &corev1.EmptyDirVolumeSource{}}}
	container := &v1.ContainerTemplate{Env: []v1.ContainerEnvVar{{Name: one(rt, "variable", "A", "STEG_NODE_ID", "B"), Value: "x"}}}
	for i, name := range []string{pod.Volumes[0].Name, pod.TemplatedVolumes[0].Name} {
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: one(rt, "path", fmt.Sprint("/mnt/", i), "/mnt/x")})
	}
	return &v1.KafkaClusterTemplate{
		Pod: pod, KafkaContainer: container, PerPodService: &v1.ResourceTemplate{Metadata: anyMetadata(rt)},
		BootstrapService: &v1.InternalServiceTemplate{Metadata: anyMetadata(rt)}, PersistentVolumeClaim: &v1.ResourceTemplate{Metadata: anyMetadata(rt)},
	}
}

func anyListener(rt *rapid.T, i int) v1.Listener {
	l := v1.Listener{
		Name: one(rt, "listener", []string{"plain", "tls", "external"}[i], "external", "a1234567890"), Port: one(rt, "port", 9092+int32(i), 9094),
		Type: pick(rt, "type", v1.ListenerInternal, v1.ListenerClusterIP, v1.ListenerNodePort, v1.ListenerLoadBalancer, v1.ListenerIngress), TLS: often(rt, "tls"),
		Configuration: &v1.ListenerConfiguration{},
	}
	c := l.Configuration
	if l.Type == v1.ListenerIngress {
		c.HostTemplate = one(rt, "hosts", fmt.Sprintf("l%d-{nodeId}.example.com", i), fmt.Sprintf("L%d-{nodeId}.example.com", i), "same.example.com", "192.0.2.{nodeId}")
		c.Bootstrap = &v1.ListenerBootstrap{Host: one(rt, "host", fmt.Sprintf("l%d.example.com", i), "same.example.com", "Capital.example.com")}
	} else if l.Type != v1.ListenerInternal && !often(rt, "no bootstrap") {
		c.Bootstrap = &v1.ListenerBootstrap{Labels: anyLabels(rt), Annotations: anyLabels(rt), AlternativeNames: []string{"k.example.com"}}
	}
	if l.Type == v1.ListenerNodePort && !often(rt, "no ports") {
		c.Brokers = []v1.ListenerBroker{{Broker: 0, NodePort: new(one(rt, "node port", int32(31000+i), 31001, 0))}, {Broker: 1, NodePort: new(int32(31001))}}
	}
	switch pick(rt, "authentication", "", v1.AuthenticationTLS, v1.AuthenticationScramSHA512, v1.AuthenticationCustom) {
	case v1.AuthenticationTLS:
		l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationTLS}
	case v1.AuthenticationScramSHA512:
		l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationScramSHA512}
	case v1.AuthenticationCustom:
		l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationCustom, Secrets: []v1.GenericSecretSource{
			{SecretName: pick(rt, "secret", "users", "my.users", strings.Repeat("s", 100)), Key: "passwords"},
		}}
	}
	return l
}

// apiProblem says for what the API server would refuse an object, of what a Kafka can lead to.
func apiProblem(o metav1.Object) string {
	for key, value := range o.GetLabels() {
		if len(validation.IsQualifiedName(key))+len(validation.IsValidLabelValue(value)) > 0 {
			return fmt.Sprintf("label %q=%q", key, value)
		}
	}
	for key := range o.GetAnnotations() {
		if len(validation.IsQualifiedName(strings.ToLower(key))) > 0 {
			return fmt.Sprintf("annotation %q", key)
		}
	}
	if len(validation.IsDNS1123Subdomain(o.GetName())) > 0 {
		return "its name"
	}
	switch o := o.(type) {
	case *corev1.Service:
		if len(validation.IsDNS1035Label(o.Name)) > 0 {
			return "its name is no DNS label"
		}
	case *networkingv1.Ingress:
		for _, rule := range o.Spec.Rules {
			if len(validation.IsDNS1123Subdomain(rule.Host)) > 0 || validation.IsValidIP(nil, rule.Host) == nil {
				return fmt.Sprintf("host %q", rule.Host)
			}
		}
	}
	return ""
}

// nodePortProblem says which node port two Services ask for.
func nodePortProblem(t testing.TB, objects []runtime.ApplyConfiguration) string {
	whose := map[int32]string{}
	for _, s := range all[*corev1.Service](t, objects) {
		for _, p := range s.Spec.Ports {
			if p.NodePort != 0 && whose[p.NodePort] != "" {
				return fmt.Sprintf("%s and %s both ask for the node port %d", s.Name, whose[p.NodePort], p.NodePort)
			}
			whose[p.NodePort] = s.Name
		}
	}
	return ""
}

// podsAreTaken checks pods as the API server does, beyond podWellFormed.
func podsAreTaken(t testing.TB, pods []corev1.Pod) {
	t.Helper()
	for _, pod := range pods {
		if problem := apiProblem(&pod); problem != "" {
			t.Errorf("%s: %s", pod.Name, problem)
		}
		if len(validation.IsDNS1123Label(pod.Spec.Hostname)) > 0 {
			t.Errorf("%s: host name %s", pod.Name, pod.Spec.Hostname)
		}
		var volumes []string
		for _, v := range pod.Spec.Volumes {
			if len(validation.IsDNS1123Label(v.Name)) > 0 || slices.Contains(volumes, v.Name) {
				t.Errorf("%s: volume %q", pod.Name, v.Name)
			}
			volumes = append(volumes, v.Name)
		}
		for _, c := range append(slices.Clone(pod.Spec.InitContainers), pod.Spec.Containers...) {
			var paths []string
			for _, m := range c.VolumeMounts {
				if slices.Contains(paths, m.MountPath) || !slices.Contains(volumes, m.Name) {
					t.Errorf("%s: %s is mounted at %s", pod.Name, m.Name, m.MountPath)
				}
				paths = append(paths, m.MountPath)
			}
		}
	}
}
