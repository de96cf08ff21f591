package render_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	setv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/podsecurity"
)

// TestKafkaGoldens renders values that were made by hand.
func TestKafkaGoldens(t *testing.T) {
	for name, c := range map[string]cluster.Cluster{"separated": separated(), "everything": everything()} {
		t.Run(name, func(t *testing.T) {
			objects := render.Kafka(c, issued(c))
			golden.Equal(t, "kafka/"+name+".golden", documents(t, objects))
			kafkaWellFormed(t, c, objects)
		})
	}
}

// kafkaWellFormed checks what holds for the objects of any cluster.
func kafkaWellFormed(t testing.TB, c cluster.Cluster, objects []runtime.ApplyConfiguration) {
	t.Helper()
	seen := map[string]bool{}
	for _, object := range objects {
		o := typed(t, object)
		key := fmt.Sprintf("%T %s", o, o.GetName())
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if o.GetNamespace() != c.Namespace {
			t.Errorf("%s is in namespace %q", key, o.GetNamespace())
		}
		for label, value := range names.Labels("Kafka", c.Name, c.Name+"-kafka", "kafka") {
			if o.GetLabels()[label] != value {
				t.Errorf("%s has %s=%q, not %q", key, label, o.GetLabels()[label], value)
			}
		}
		for _, owner := range o.GetOwnerReferences() {
			if owner.UID == "" || owner.APIVersion != "kafka.strimzi.io/v1" || *owner.Controller || !*owner.BlockOwnerDeletion {
				t.Errorf("%s: owner %+v", key, owner)
			}
		}
		claimsNothing(t, key, object)
	}
	pods := podsOf(t, objects)
	for _, pod := range pods {
		podWellFormed(t, pod)
	}
	servicesLead(t, objects, pods)
	refersToWhatIs(t, objects, pods)
}

// claimsNothing: no field is claimed that nobody decided about. Empty are an emptyDir and a selector of all namespaces.
func claimsNothing(t testing.TB, key string, object runtime.ApplyConfiguration) {
	t.Helper()
	text, _ := json.Marshal(object)
	plain := strings.NewReplacer(`"emptyDir":{}`, "", `"namespaceSelector":{}`, "").Replace(string(text))
	for _, empty := range []string{`"status":`, `"creationTimestamp"`, `:null`, `{}`} {
		if strings.Contains(plain, empty) {
			t.Errorf("%s claims %s: %s", key, empty, text)
		}
	}
}

// podsOf are the pods of all pod sets, read as the API server would; each is selected by its set alone.
func podsOf(t testing.TB, objects []runtime.ApplyConfiguration) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	var selectors []labels.Selector
	for _, set := range all[*setv1.StrimziPodSet](t, objects) {
		selector, err := metav1.LabelSelectorAsSelector(&set.Spec.Selector)
		if err != nil {
			t.Fatal(err)
		}
		selectors = append(selectors, selector)
		for _, raw := range set.Spec.Pods {
			var pod corev1.Pod
			decoder := json.NewDecoder(strings.NewReader(string(raw.Raw)))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&pod); err != nil {
				t.Fatal(err)
			}
			if pod.Kind != "Pod" || pod.APIVersion != "v1" || pod.Namespace != set.Namespace || !selector.Matches(labels.Set(pod.Labels)) ||
				pod.Labels[names.LabelControllerName] != set.Name {
				t.Errorf("%s in %s: %+v", pod.Name, set.Name, pod.ObjectMeta)
			}
			pods = append(pods, pod)
		}
	}
	for _, pod := range pods {
		n := 0
		for _, s := range selectors {
			if s.Matches(labels.Set(pod.Labels)) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is selected by %d sets", pod.Name, n)
		}
	}
	return pods
}

var dnsLabel = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// podWellFormed checks what the API server would refuse, and what the node's programs count on.
func podWellFormed(t testing.TB, pod corev1.Pod) {
	t.Helper()
	s := pod.Spec
	if s.Hostname != pod.Name || !dnsLabel.MatchString(s.Hostname) || *s.AutomountServiceAccountToken ||
		s.RestartPolicy != corev1.RestartPolicyAlways {
		t.Errorf("%s: hostname %q, token %t, %s", pod.Name, s.Hostname, *s.AutomountServiceAccountToken, s.RestartPolicy)
	}
	volumes := map[string]bool{}
	for _, v := range s.Volumes {
		if volumes[v.Name] || !dnsLabel.MatchString(v.Name) {
			t.Errorf("%s: volume %q is there twice or no name", pod.Name, v.Name)
		}
		volumes[v.Name] = true
	}
	mounted := map[string]bool{}
	for _, container := range slices.Concat(s.InitContainers, s.Containers) {
		paths, variables, ports := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, m := range container.VolumeMounts {
			if !volumes[m.Name] || paths[m.MountPath] || m.SubPath != "" {
				t.Errorf("%s %s: mount %+v", pod.Name, container.Name, m)
			}
			paths[m.MountPath], mounted[m.Name] = true, true
		}
		for _, e := range container.Env {
			if variables[e.Name] {
				t.Errorf("%s %s: %s is there twice", pod.Name, container.Name, e.Name)
			}
			variables[e.Name] = true
		}
		for _, p := range container.Ports {
			if ports[p.Name] || len(p.Name) > 15 {
				t.Errorf("%s %s: port %q", pod.Name, container.Name, p.Name)
			}
			ports[p.Name] = true
		}
	}
	for name := range volumes {
		if !mounted[name] {
			t.Errorf("%s: nobody mounts %s", pod.Name, name)
		}
	}
	for _, annotation := range marks() {
		if pod.Annotations[annotation] == "" {
			t.Errorf("%s has no %s", pod.Name, annotation)
		}
	}
	if problems := podsecurity.Restricted(s); problems != nil {
		t.Errorf("%s: %v", pod.Name, problems)
	}
}

// marks are what package roll compares, and the version.
func marks() []string {
	return []string{
		"strimzi.io/revision", "strimzi.io/resource-revision", "strimzi.io/configuration-hash", "steg.dev/dynamic-configuration-hash",
		"strimzi.io/server-cert-hash", "strimzi.io/cluster-ca-key-generation", "strimzi.io/cluster-ca-cert-generation",
		"strimzi.io/clients-ca-cert-generation", "steg.dev/trusted-ca-hash", "strimzi.io/kafka-version",
	}
}

// servicesLead: each port of each Service is one of a pod that the Service selects.
func servicesLead(t testing.TB, objects []runtime.ApplyConfiguration, pods []corev1.Pod) {
	t.Helper()
	for _, service := range all[*corev1.Service](t, objects) {
		for _, port := range service.Spec.Ports {
			if !slices.ContainsFunc(pods, func(pod corev1.Pod) bool {
				return labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(pod.Labels)) &&
					slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p corev1.ContainerPort) bool {
						return p.Name == port.TargetPort.StrVal && p.ContainerPort == port.Port
					})
			}) {
				t.Errorf("Service %s: port %s leads nowhere", service.Name, port.Name)
			}
		}
	}
}

// refersToWhatIs: the operator's own volumes are of objects that are made, and Ingresses lead to Services.
func refersToWhatIs(t testing.TB, objects []runtime.ApplyConfiguration, pods []corev1.Pod) {
	t.Helper()
	made := map[string]bool{}
	for _, object := range objects {
		o := typed(t, object)
		made[fmt.Sprintf("%T %s", o, o.GetName())] = true
	}
	for _, pod := range pods {
		if !made["*v1.ServiceAccount "+pod.Spec.ServiceAccountName] || !made["*v1.Service "+pod.Spec.Subdomain] {
			t.Errorf("%s: %s or %s is not made", pod.Name, pod.Spec.ServiceAccountName, pod.Spec.Subdomain)
		}
		for _, v := range pod.Spec.Volumes {
			own := strings.HasPrefix(v.Name, names.VolumePrefix) && !strings.HasPrefix(v.Name, names.VolumeExternal)
			switch {
			case own && v.Secret != nil && !made["*v1.Secret "+v.Secret.SecretName],
				own && v.ConfigMap != nil && !made["*v1.ConfigMap "+v.ConfigMap.Name],
				strings.HasPrefix(v.Name, names.VolumeData) && v.PersistentVolumeClaim != nil &&
					!made["*v1.PersistentVolumeClaim "+v.PersistentVolumeClaim.ClaimName]:
				t.Errorf("%s: volume %s is of something that is not made", pod.Name, v.Name)
			}
		}
	}
	for _, ingress := range all[*networkingv1.Ingress](t, objects) {
		if to := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name; !made["*v1.Service "+to] {
			t.Errorf("Ingress %s leads to %s, which is not made", ingress.Name, to)
		}
	}
}

// all returns the objects of a type.
func all[T metav1.Object](t testing.TB, objects []runtime.ApplyConfiguration) []T {
	t.Helper()
	var found []T
	for _, object := range objects {
		if o, ok := typed(t, object).(T); ok {
			found = append(found, o)
		}
	}
	return found
}

// named returns the object of a type and name.
func named[T metav1.Object](t testing.TB, objects []runtime.ApplyConfiguration, name string) T {
	t.Helper()
	for _, o := range all[T](t, objects) {
		if o.GetName() == name {
			return o
		}
	}
	t.Fatalf("no %T %s", *new(T), name)
	return *new(T)
}

// TestLabServices: names, types and ports of the Services, as the lab shows them. 8443 is the agent's, which the lab's release had
// inside the pods only.
func TestLabServices(t *testing.T) {
	c := lab()
	var got []string
	for _, s := range all[*corev1.Service](t, render.Kafka(c, issued(c))) {
		line := fmt.Sprintf("%s %s %s", s.Name, s.Spec.Type, s.Spec.ClusterIP)
		for _, p := range s.Spec.Ports {
			line += fmt.Sprintf(" %s:%d", p.Name, p.Port)
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		"my-cluster-kafka-0 NodePort  tcp-external:9094",
		"my-cluster-kafka-1 NodePort  tcp-external:9094",
		"my-cluster-kafka-2 NodePort  tcp-external:9094",
		"my-cluster-kafka-bootstrap ClusterIP  tcp-replication:9091 tcp-clients:9092 tcp-clientstls:9093",
		"my-cluster-kafka-brokers ClusterIP None tcp-ctrlplane:9090 tcp-replication:9091 tcp-kafkaagent:8443 tcp-clients:9092 tcp-clientstls:9093",
		"my-cluster-kafka-external-bootstrap NodePort  tcp-external:9094",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestConfigMaps: one of all nodes with five keys, and one of each with three.
func TestConfigMaps(t *testing.T) {
	c := lab()
	maps := all[*corev1.ConfigMap](t, render.Kafka(c, issued(c)))
	want := map[string]map[string]string{
		"my-cluster-kafka-config": {
			"server.config":    "default.replication.factor=3\nmin.insync.replicas=2\n",
			"listeners.config": "listener.security.protocol.map=PLAIN-9092:PLAINTEXT\n",
			"advertised-hostnames.config": `EXTERNAL-9094_0=${node.address}
PLAIN-9092_0=my-cluster-kafka-0.my-cluster-kafka-brokers.kafka.svc
REPLICATION-9091_0=my-cluster-kafka-0.my-cluster-kafka-brokers.kafka.svc
TLS-9093_0=my-cluster-kafka-0.my-cluster-kafka-brokers.kafka.svc
EXTERNAL-9094_1=${node.address}
PLAIN-9092_1=my-cluster-kafka-1.my-cluster-kafka-brokers.kafka.svc
REPLICATION-9091_1=my-cluster-kafka-1.my-cluster-kafka-brokers.kafka.svc
TLS-9093_1=my-cluster-kafka-1.my-cluster-kafka-brokers.kafka.svc
EXTERNAL-9094_2=${node.address}
PLAIN-9092_2=my-cluster-kafka-2.my-cluster-kafka-brokers.kafka.svc
REPLICATION-9091_2=my-cluster-kafka-2.my-cluster-kafka-brokers.kafka.svc
TLS-9093_2=my-cluster-kafka-2.my-cluster-kafka-brokers.kafka.svc
`,
			"advertised-ports.config": `EXTERNAL-9094_0=31000
PLAIN-9092_0=9092
REPLICATION-9091_0=9091
TLS-9093_0=9093
EXTERNAL-9094_1=31001
PLAIN-9092_1=9092
REPLICATION-9091_1=9091
TLS-9093_1=9093
EXTERNAL-9094_2=31002
PLAIN-9092_2=9092
REPLICATION-9091_2=9091
TLS-9093_2=9093
`,
			"log4j2.properties": "rootLogger.level = INFO\n",
		},
	}
	for id := range 3 {
		want[fmt.Sprintf("my-cluster-kafka-%d", id)] = map[string]string{
			"server.config": fmt.Sprintf("node.id=%d\n", id), "cluster.id": "Zm9vYmFyYmF6cXV4cXV1eA", "metadata.version": "4.3-IV0",
		}
	}
	got := map[string]map[string]string{}
	for _, m := range maps {
		got[m.Name] = m.Data
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	c.LogFile = names.FileLog4j // Kafka 3.9
	shared := named[*corev1.ConfigMap](t, render.Kafka(c, issued(c)), "my-cluster-kafka-config").Data
	if _, old := shared["log4j.properties"]; !old || len(shared) != 5 {
		t.Errorf("keys for log4j 1: %v", shared)
	}
}

// TestKafkaOwners: each object goes with the KafkaNodePool that it is of, or with the Kafka, or stays.
func TestKafkaOwners(t *testing.T) {
	c := separated()
	k := issued(c)
	k.Secrets["my-cluster-clients-ca"] = cluster.Secret{Data: map[string][]byte{"ca.key": nil}, Ownerless: true}
	got := map[string]string{}
	for _, object := range render.Kafka(c, k) {
		o := typed(t, object)
		owner := "nobody"
		for _, of := range o.GetOwnerReferences() {
			owner = of.Kind + " " + of.Name + " " + string(of.UID)
		}
		got[strings.TrimPrefix(fmt.Sprintf("%T ", o), "*v1.")+o.GetName()] = owner
	}
	kafka, brokers := "Kafka my-cluster "+string(kafkaUID), "KafkaNodePool brokers "+string(poolUID)+"b"
	for name, want := range map[string]string{
		"ServiceAccount my-cluster-kafka":                    kafka,
		"Service my-cluster-kafka-bootstrap":                 kafka,
		"Service my-cluster-kafka-external-bootstrap":        kafka,
		"Service my-cluster-brokers-10":                      brokers,
		"ConfigMap my-cluster-kafka-config":                  kafka,
		"ConfigMap my-cluster-brokers-10":                    brokers,
		"Secret my-cluster-cluster-ca":                       kafka,
		"Secret my-cluster-clients-ca":                       "nobody",
		"Secret my-cluster-brokers-11":                       brokers,
		"PersistentVolumeClaim data-0-my-cluster-brokers-10": brokers,
		"PersistentVolumeClaim data-7-my-cluster-brokers-10": "nobody",
		"NetworkPolicy my-cluster-network-policy-kafka":      kafka,
		"PodDisruptionBudget my-cluster-kafka":               kafka,
		"StrimziPodSet my-cluster-brokers":                   brokers,
		"StrimziPodSet my-cluster-controllers":               "KafkaNodePool controllers " + string(poolUID),
	} {
		if got[name] != want {
			t.Errorf("%s belongs to %q, not %q", name, got[name], want)
		}
	}
	c = lab()
	if set := all[*setv1.StrimziPodSet](t, render.Kafka(c, issued(c)))[0]; set.OwnerReferences[0].Kind != "Kafka" ||
		set.Name != "my-cluster-kafka" {
		t.Errorf("virtual pool: %+v", set.ObjectMeta)
	}
}

// TestClaims: what a claim asks for, and whether it stays.
func TestClaims(t *testing.T) {
	c := separated()
	objects := render.Kafka(c, issued(c))
	stays := named[*corev1.PersistentVolumeClaim](t, objects, "data-7-my-cluster-brokers-11")
	if s := stays.Spec; stays.Annotations[names.AnnotationDeleteClaim] != "false" || *s.StorageClassName != "fast" ||
		s.Selector.MatchLabels["disk"] != "ssd" ||
		*s.VolumeAttributesClassName != "gold" || s.Resources.Requests.Storage().String() != "5Gi" ||
		*s.VolumeMode != corev1.PersistentVolumeFilesystem ||
		!slices.Equal(s.AccessModes, []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}) {
		t.Errorf("%+v", stays)
	}
	goes := named[*corev1.PersistentVolumeClaim](t, objects, "data-0-my-cluster-brokers-10")
	if s := goes.Spec; goes.Annotations[names.AnnotationDeleteClaim] != "true" || s.StorageClassName != nil || s.Selector != nil ||
		goes.Labels[names.LabelPoolName] != "brokers" || goes.Labels[names.LabelPodName] != "my-cluster-brokers-10" {
		t.Errorf("%+v", goes)
	}
	if n := len(all[*corev1.PersistentVolumeClaim](t, objects)); n != 4 {
		t.Errorf("%d claims", n)
	}
}

// TestSecretsStaySecret: what is in a Secret is in no other object, and the objects of both say whose they are.
func TestSecretsStaySecret(t *testing.T) {
	c := everything()
	k := issued(c)
	k.Secrets["my-cluster-cluster-ca-cert"] = cluster.Secret{
		Data: map[string][]byte{"ca.crt": []byte(hidden)}, Annotations: map[string]string{"a": "ours"},
		Template: &v1.MetadataTemplate{
			Labels:      map[string]string{"copy": "me", names.LabelCluster: "other"},
			Annotations: map[string]string{"a": "theirs", "b": "theirs"},
		},
	}
	objects := render.Kafka(c, k)
	encoded, _ := json.Marshal([]byte(hidden))
	for _, object := range objects {
		text, _ := json.Marshal(object)
		_, ok := typed(t, object).(*corev1.Secret)
		if found := strings.Contains(string(text), strings.Trim(string(encoded), `"`)); found != ok ||
			strings.Contains(string(text), hidden) {
			t.Errorf("%T holds the secret: %t", object, found)
		}
	}
	cert := named[*corev1.Secret](t, objects, "my-cluster-cluster-ca-cert")
	if diff := cmp.Diff(map[string]string{"a": "ours", "b": "theirs"}, cert.Annotations); diff != "" ||
		cert.Labels["copy"] != "me" || cert.Labels[names.LabelCluster] != "my-cluster" {
		t.Error(diff, cert.Labels)
	}
	if len(all[*corev1.Secret](t, objects)) != len(k.Secrets) {
		t.Error("not every Secret is there")
	}
}
