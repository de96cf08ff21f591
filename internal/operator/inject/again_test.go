package inject_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/properties"
)

const threeContainers = `metadata: {labels: {steg.dev/bridge: my-bridge}}
spec:
  initContainers: [{name: migrate, image: m}]
  containers: [{name: app, image: a}, {name: web, image: w, env: [{name: KAFKA_HTTP_URL, value: "http://own"}]}]
`

// TestChangedBetween: a pod that has a sidecar and is injected with other settings becomes what it would have been at once;
// what is the same in both stays in its place.
func TestChangedBetween(t *testing.T) {
	plain, mtls := bridge(t, "plain"), bridge(t, "mtls")
	annotate := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			if p.Annotations == nil {
				p.Annotations = map[string]string{}
			}
			p.Annotations[key] = value
		}
	}
	nothing := func(*corev1.Pod) {}
	for name, c := range map[string]struct {
		first, second inject.Request
		before, after func(*corev1.Pod)
	}{
		"fallback":     {inject.Request{Bridge: plain, Native: true}, inject.Request{Bridge: plain}, nothing, nothing},
		"native":       {inject.Request{Bridge: plain}, inject.Request{Bridge: plain, Native: true}, nothing, nothing},
		"mTLS":         {inject.Request{Bridge: plain, Native: true}, inject.Request{Bridge: mtls, Native: true}, nothing, nothing},
		"no mTLS":      {inject.Request{Bridge: mtls, Native: true}, inject.Request{Bridge: plain, Native: true}, nothing, nothing},
		"socket":       {inject.Request{Bridge: mtls, Native: true}, inject.Request{Bridge: mtls, Native: true}, nothing, annotate(names.AnnotationSocket, "true")},
		"no socket":    {inject.Request{Bridge: mtls, Native: true}, inject.Request{Bridge: mtls, Native: true}, annotate(names.AnnotationSocket, "true"), annotate(names.AnnotationSocket, "false")},
		"socket ends":  {inject.Request{Bridge: mtls, Native: true}, inject.Request{Bridge: mtls}, annotate(names.AnnotationSocket, "true"), annotate(names.AnnotationSocket, "false")},
		"port":         {inject.Request{Bridge: plain}, inject.Request{Bridge: plain}, nothing, annotate(names.AnnotationPort, "9999")},
		"other name":   {inject.Request{Bridge: plain, Native: true}, inject.Request{Bridge: plain, Native: true}, nothing, annotate(names.AnnotationContainerName, "kafka")},
		"other volume": {inject.Request{Bridge: bridge(t, "oauth"), Native: true}, inject.Request{Bridge: mtls, Native: true}, nothing, nothing},
	} {
		t.Run(name, func(t *testing.T) {
			one := pod(t, threeContainers)
			c.before(one)
			injected, _, err := inject.Pod(one, c.first)
			if err != nil {
				t.Fatal(err)
			}
			c.after(injected)
			got, _, err := inject.Pod(injected, c.second)
			if err != nil {
				t.Fatal(err)
			}
			other := pod(t, threeContainers)
			c.before(other)
			c.after(other)
			want, _, err := inject.Pod(other, c.second)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range []*corev1.Pod{got, want} {
				sortVariables(p)
				if p.Annotations[names.AnnotationSocket] == "false" {
					p.Annotations[names.AnnotationSocket] = ""
				}
			}
			if diff := differs(t, want, got); diff != "" {
				t.Errorf("(-at once +one after the other):\n%s", diff)
			}
		})
	}
}

// sortVariables forgets the order of the application's variables: one that comes later stands further in front.
func sortVariables(p *corev1.Pod) {
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			slices.SortFunc(list[i].Env, func(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) })
		}
	}
}

// TestNotOurs: a container with our name or our variable in a pod that was not injected is the user's.
func TestNotOurs(t *testing.T) {
	in := pod(t, `metadata: {labels: {steg.dev/bridge: my-bridge}}
spec: {containers: [{name: own, image: a, ports: [{containerPort: 8080}], env: [{name: STEG_PROPERTIES, value: "http.port=8080"}]}]}`)
	out, _, err := inject.Pod(in, inject.Request{Namespace: "shop", Bridge: bridge(t, "plain"), Native: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Spec.Containers) != 1 || len(out.Spec.InitContainers) != 1 || out.Spec.Containers[0].Env[0].Value != "http://127.0.0.1:18080" {
		t.Error(asYAML(t, out))
	}
	if inject.Injected(in) || inject.Stale(in, "x") {
		t.Error("taken for a sidecar of ours")
	}
}

// TestImage: the request's image counts more than the KafkaBridge's, and a pull policy is passed on.
func TestImage(t *testing.T) {
	b := bridge(t, "plain")
	b.ImagePullPolicy = corev1.PullAlways
	out, _, err := inject.Pod(pod(t, threeContainers), inject.Request{Bridge: b, Native: true, Image: "other:1"})
	if err != nil {
		t.Fatal(err)
	}
	if s := sidecarOf(t, out); s.Image != "other:1" || s.ImagePullPolicy != corev1.PullAlways {
		t.Errorf("%s %s", s.Image, s.ImagePullPolicy)
	}
}

// TestStopNotice: in the fallback the sidecar goes on for a while, and leaves most of the grace period for its end.
func TestStopNotice(t *testing.T) {
	for grace, want := range map[string]string{"": "10000", "terminationGracePeriodSeconds: 6": "2000", "terminationGracePeriodSeconds: 0": "0", "terminationGracePeriodSeconds: 3600": "10000"} {
		out, _, err := inject.Pod(pod(t, threeContainers+"  "+grace), inject.Request{Bridge: bridge(t, "plain")})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(sidecarOf(t, out).Env[0].Value, "bridge.stop.notice.ms="+want+"\n") {
			t.Errorf("%s: %s", grace, sidecarOf(t, out).Env[0].Value)
		}
	}
}

// TestSettingsAreTheBridges: what the sidecar reads is the KafkaBridge's, and no secret is among it.
func TestSettingsAreTheBridges(t *testing.T) {
	b := bridge(t, "mtls")
	out, _, err := inject.Pod(pod(t, threeContainers), inject.Request{Bridge: b, Native: true})
	if err != nil {
		t.Fatal(err)
	}
	want := properties.Text(b.SidecarProperties(model.Sidecar{Port: 8080, ManagementPort: 8081}))
	if got := sidecarOf(t, out).Env; len(got) != 1 || got[0].Value != want {
		t.Errorf("%+v", got)
	}
}

// FuzzJSONPatch: no patch gets more than the container, none makes the injection fail in another way than by a refusal, and
// what it did is done once.
func FuzzJSONPatch(f *testing.F) {
	for _, patch := range []string{
		`[]`, `[{"op":"add","path":"/env/-","value":{"name":"A"}}]`, `[{"op":"copy","from":"/env","path":"/envFrom"}]`, `[{"op":"remove","path":""}]`,
		`[{"op":"move","from":"/image","path":"/name"}]`, `[{"op":"test","path":"/a~1b~0","value":null}]`, `[{"op":"add","path":"/ports/9999999999","value":1}]`,
		`[{"op":"replace","path":"","value":{"name":"steg-bridge"}}]`, `[{"op":"add","path":"/env/-1","value":{}}]`, `[{}]`, `null`, `[{"op":1}]`,
	} {
		f.Add(patch)
	}
	b := bridge(f, "plain")
	f.Fuzz(func(t *testing.T, patch string) {
		in := pod(t, threeContainers)
		in.Annotations = map[string]string{names.AnnotationJSONPatch: patch}
		out, _, err := inject.Pod(in, inject.Request{Namespace: "shop", Bridge: b, Native: true})
		if err != nil {
			var refusal *inject.Refusal
			if !errors.As(err, &refusal) || strings.ContainsAny(refusal.Message, "\r\n") {
				t.Fatal(err)
			}
			return
		}
		invariants(t, in, out, inject.Request{Namespace: "shop", Bridge: b, Native: true})
	})
}
