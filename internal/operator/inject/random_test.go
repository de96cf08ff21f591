package inject_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// randomPod fills every field of a pod from the seed, and gives it what the injection looks at from short lists, so that
// clashes, meshes, annotations and pods that have a sidecar already happen often.
func randomPod(seed int64) *corev1.Pod {
	p := &corev1.Pod{}
	fill := randfill.NewWithSeed(seed).NilChance(.5).NumElements(0, 2).MaxDepth(12).Funcs(
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewMilliQuantity(int64(c.Uint32()), resource.DecimalSI)
		},
		func(t *metav1.Time, _ randfill.Continue) { *t = metav1.Time{} },
		func(f *metav1.FieldsV1, _ randfill.Continue) { *f = *metav1.NewFieldsV1("{}") },
		func(v *intstr.IntOrString, c randfill.Continue) { *v = intstr.FromInt32(port(c)) },
		func(v *corev1.ContainerPort, c randfill.Continue) {
			*v = corev1.ContainerPort{ContainerPort: port(c), Protocol: pick(c, corev1.ProtocolTCP, corev1.ProtocolUDP, "")}
		},
		func(v *corev1.EnvVar, c randfill.Continue) {
			*v = corev1.EnvVar{Name: pick(c, "A", names.EnvURL, names.EnvSocket, "B"), Value: pick(c, "", "x", "http://127.0.0.1:8080", names.Socket)}
		},
		func(v *corev1.VolumeMount, c randfill.Continue) {
			*v = corev1.VolumeMount{Name: pick(c, "data", "steg-socket"), MountPath: pick(c, "/data", "/run/steg", "/run")}
		},
		func(v *corev1.Volume, c randfill.Continue) {
			c.FillNoCustom(v)
			v.Name = pick(c, "data", "other", "data-2", "steg-mnt-x", "steg-auth")
		},
	)
	fill.Fill(p)
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	p.Spec.HostNetwork, p.Spec.OS, p.Spec.NodeSelector = false, nil, nil
	label(r, p)
	free := []string{"app", "web", "istio-proxy", "vault-agent", "linkerd-init", "istio-init", "linkerd-proxy", "migrate", "worker", "steg-bridge", "x", "y", "z"}
	r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	for i := range p.Spec.InitContainers {
		p.Spec.InitContainers[i].Name, free = free[0], free[1:]
	}
	for i := range p.Spec.Containers {
		p.Spec.Containers[i].Name, free = free[0], free[1:]
	}
	p.Spec.Volumes = slices.CompactFunc(p.Spec.Volumes, func(a, b corev1.Volume) bool { return a.Name == b.Name })
	return p
}

// label makes the pod ask for a sidecar, with annotations that mostly are right.
func label(r *rand.Rand, p *corev1.Pod) {
	p.Labels = map[string]string{names.LabelBridge: "my-bridge", "app": "a"}
	p.Annotations = map[string]string{"other": "annotation"}
	for key, values := range map[string][]string{
		names.AnnotationPort: {"9000", "8080", "x"}, names.AnnotationSocket: {"true", "false"}, names.AnnotationNative: {"auto", "true", "false"},
		names.AnnotationMemoryLimit: {"64Mi", "1Gi"}, names.AnnotationMemoryRequest: {"16Mi", "100Mi"}, names.AnnotationWaitForKafka: {"true", "3s"},
		names.AnnotationContainerName: {"kafka", "x"}, names.AnnotationDefaultContainer: {"app"}, names.AnnotationInjected: {"shop/my-bridge"},
		names.AnnotationJSONPatch: {`[{"op":"add","path":"/env/-","value":{"name":"A","value":"b"}}]`, `[{"op":"remove","path":"/image"}]`},
	} {
		if r.IntN(5) == 0 {
			p.Annotations[key] = values[r.IntN(len(values))]
		}
	}
}

func port(c randfill.Continue) int32 {
	return pick(c, int32(1), 8080, 8081, 9000, 9001, 9002, 9003, 18080, 28080)
}

func pick[T any](c randfill.Continue, from ...T) T { return from[c.Intn(len(from))] }

// TestRandomPods: for any pod the injection is refused in one line, or adds the sidecar and nothing else, and doing it again
// changes nothing.
func TestRandomPods(t *testing.T) {
	const pods = 1500
	injected := 0
	bridges := []model.Bridge{bridge(t, "plain"), bridge(t, "mtls"), bridge(t, "oauth"), bridge(t, "template")}
	for seed := range int64(pods) {
		if random(t, seed, bridges) {
			injected++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if injected < pods/4 {
		t.Errorf("only %d of %d pods got a sidecar: the property was hardly tried", injected, pods)
	}
}

// FuzzPods is TestRandomPods for seeds of the fuzzer's.
func FuzzPods(f *testing.F) {
	bridges := []model.Bridge{bridge(f, "plain"), bridge(f, "mtls"), bridge(f, "oauth"), bridge(f, "template")}
	f.Add(int64(1))
	f.Fuzz(func(t *testing.T, seed int64) { random(t, seed, bridges) })
}

func random(t testing.TB, seed int64, bridges []model.Bridge) (injected bool) {
	t.Helper()
	in := randomPod(seed)
	before := in.DeepCopy()
	request := inject.Request{Namespace: "shop", Bridge: bridges[uint64(seed)%uint64(len(bridges))], Native: seed%3 != 0}
	out, _, err := inject.Pod(in, request)
	if diff := differs(t, before, in); diff != "" {
		t.Fatalf("the pod that came in was changed:\n%s", diff)
	}
	if err != nil {
		var refusal *inject.Refusal
		if !errors.As(err, &refusal) || strings.ContainsAny(refusal.Message, "\n\r") || out != nil {
			t.Fatalf("%v", err)
		}
		return false
	}
	invariants(t, in, out, request)
	ownPorts(t, in, out)
	othersStay(t, out, request, seed)
	return true
}

// ownPorts: the sidecar listens where nobody else does.
func ownPorts(t testing.TB, in, out *corev1.Pod) {
	t.Helper()
	sidecar := sidecarOf(t, out)
	var properties string
	for _, e := range sidecar.Env {
		if e.Name == names.EnvProperties {
			properties = e.Value
		}
	}
	for _, c := range slices.Concat(in.Spec.InitContainers, in.Spec.Containers) {
		for _, p := range c.Ports {
			if p.Protocol == corev1.ProtocolUDP {
				continue
			}
			for _, key := range []string{"http.port", "http.management.port"} {
				if strings.Contains(properties, fmt.Sprintf("\n%s=%d\n", key, p.ContainerPort)) {
					t.Fatalf("%s is %d, which is the port of %s", key, p.ContainerPort, c.Name)
				}
			}
		}
	}
}

// othersStay: between two injections other webhooks change the sidecar, and add a container that takes its ports. Their
// changes stay, and the sidecar gives way.
func othersStay(t testing.TB, out *corev1.Pod, r inject.Request, seed int64) {
	t.Helper()
	if out.Annotations[names.AnnotationJSONPatch] != "" {
		return
	}
	changed := out.DeepCopy()
	sidecar := sidecarOf(t, changed)
	sidecar.Image = "mirror.example.com/steg-bridge:1"
	sidecar.Env = append(sidecar.Env, corev1.EnvVar{Name: "PROXY", Value: "p"})
	sidecar.VolumeMounts = append(sidecar.VolumeMounts, corev1.VolumeMount{Name: "token", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true})
	newcomer := corev1.Container{Name: "newcomer", Image: "n", Ports: []corev1.ContainerPort{{ContainerPort: 8080}, {ContainerPort: 8081}}}
	changed.Spec.Containers = slices.Insert(changed.Spec.Containers, 0, newcomer)
	second, _, err := inject.Pod(changed, r)
	if err != nil {
		if changed.Annotations[names.AnnotationPort] == "8080" {
			return // the newcomer has the port that the pod asks for
		}
		t.Fatalf("seed %d: %v", seed, err)
	}
	after := sidecarOf(t, second)
	has := func(name string) bool {
		return slices.ContainsFunc(after.Env, func(e corev1.EnvVar) bool { return e.Name == name })
	}
	mounted := slices.ContainsFunc(after.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "token" })
	if after.Image != "mirror.example.com/steg-bridge:1" || !has("PROXY") || !mounted {
		t.Fatalf("what others made of the sidecar is gone: %s", asYAML(t, after))
	}
	if len(after.Ports) != 1 {
		t.Fatalf("ports %+v", after.Ports)
	}
	ownPorts(t, &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{newcomer}}}, second)
	third, _, err := inject.Pod(second, r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := differs(t, second, third); diff != "" {
		t.Fatalf("a third time is not the second:\n%s", diff)
	}
}
