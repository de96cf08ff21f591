package inject_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/podsecurity"
)

// bridge returns an example's KafkaBridge, or one of testdata/bridges.
func bridge(t testing.TB, name string) model.Bridge {
	t.Helper()
	text, err := os.ReadFile("../../../examples/bridge/" + name + ".yaml")
	if errors.Is(err, os.ErrNotExist) {
		text, err = os.ReadFile("testdata/bridges/" + name + ".yaml")
	}
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(text))
}

func parsed(t testing.TB, text string) model.Bridge {
	t.Helper()
	kb := &v1.KafkaBridge{}
	if err := yaml.UnmarshalStrict([]byte(text), kb); err != nil {
		t.Fatal(err)
	}
	kb.Namespace = "shop"
	b, _, err := model.ForBridge(model.BridgeResources{Bridge: kb, DefaultImage: "registry.example.com/steg-bridge:1"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pod(t testing.TB, text string) *corev1.Pod {
	t.Helper()
	p := &corev1.Pod{}
	if err := yaml.UnmarshalStrict([]byte(text), p); err != nil {
		t.Fatal(err)
	}
	return p
}

func asYAML(t testing.TB, value any) string {
	t.Helper()
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// differs returns how the JSON of two pods differs, shown as YAML; "" if it does not.
func differs(t testing.TB, one, other *corev1.Pod) string {
	t.Helper()
	a, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a, b) {
		return ""
	}
	return cmp.Diff(asYAML(t, one), asYAML(t, other))
}

// directive finds "# key: value" at the beginning of a file.
var directive = regexp.MustCompile(`(?m)^# (\w+): (\S+)$`)

// TestPods shows what becomes of each pod in testdata: the warnings, and what is different. Comments in front of a pod name
// the KafkaBridge and say whether the kubelets know native sidecars.
func TestPods(t *testing.T) {
	paths, err := filepath.Glob("testdata/pods/*.yaml")
	if err != nil || len(paths) < 30 {
		t.Fatal(len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			settings := map[string]string{"bridge": "plain", "native": "true"}
			for _, d := range directive.FindAllStringSubmatch(string(text), -1) {
				settings[d[1]] = d[2]
			}
			in := pod(t, string(text))
			request := inject.Request{Namespace: "shop", Bridge: bridge(t, settings["bridge"]), Native: settings["native"] == "true"}
			out, warnings, err := inject.Pod(in, request)
			if err != nil {
				t.Fatal(err)
			}
			var shown strings.Builder
			for _, w := range warnings {
				shown.WriteString("# Warning: " + w + "\n")
			}
			golden.Equal(t, "pods/"+name+".golden", []byte(shown.String()+asYAML(t, out)))
			invariants(t, in, out, request)
		})
	}
}

// invariants are what holds for every pod.
func invariants(t testing.TB, in, out *corev1.Pod, r inject.Request) {
	t.Helper()
	again, _, err := inject.Pod(out, r)
	if err != nil {
		t.Fatalf("a second time: %v", err)
	}
	if diff := differs(t, out, again); diff != "" {
		t.Fatalf("a second time is not the first (-first +second):\n%s", diff)
	}
	if diff := differs(t, in, without(in, out)); diff != "" {
		t.Fatalf("more than the sidecar has changed:\n%s", diff)
	}
	_, asked, _ := inject.Wants(in.Labels, in.Annotations)
	if inject.Injected(out) != asked || inject.Stale(out, r.Bridge.ConfigHash()) || inject.Stale(out, "other") != asked {
		t.Errorf("injected %v, stale %v %v", inject.Injected(out), inject.Stale(out, r.Bridge.ConfigHash()), inject.Stale(out, "other"))
	}
	if !asked {
		return
	}
	if problems := podsecurity.Container(out.Spec, sidecarOf(t, out).Name); problems != nil && in.Annotations[names.AnnotationJSONPatch] == "" {
		t.Errorf("the sidecar is not allowed everywhere: %v", problems)
	}
	if podsecurity.Restricted(in.Spec) == nil && podsecurity.Restricted(out.Spec) != nil {
		t.Errorf("the pod was allowed everywhere and is not any more: %v", podsecurity.Restricted(out.Spec))
	}
}

// sidecarOf returns the container that has the settings.
func sidecarOf(t testing.TB, p *corev1.Pod) *corev1.Container {
	t.Helper()
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			if isSidecar(list[i]) {
				return &list[i]
			}
		}
	}
	t.Fatal("no sidecar")
	return nil
}

func isSidecar(c corev1.Container) bool {
	for _, e := range c.Env {
		if e.Name == names.EnvProperties {
			return true
		}
	}
	return false
}

// without returns the pod with what may be added taken away again, which must be what came in.
func without(in, out *corev1.Pod) *corev1.Pod {
	p := out.DeepCopy()
	for _, key := range []string{names.AnnotationInjected, names.AnnotationConfigHash, names.AnnotationDefaultContainer} {
		if _, had := in.Annotations[key]; !had {
			delete(p.Annotations, key)
		}
	}
	if len(p.Annotations) == 0 && in.Annotations == nil {
		p.Annotations = nil
	}
	p.Spec.InitContainers = strip(in.Spec.InitContainers, p.Spec.InitContainers)
	p.Spec.Containers = strip(in.Spec.Containers, p.Spec.Containers)
	if len(p.Spec.Volumes) >= len(in.Spec.Volumes) {
		p.Spec.Volumes = append(slices.Clone(in.Spec.Volumes[:0]), p.Spec.Volumes[:len(in.Spec.Volumes)]...)
	}
	return p
}

func strip(before, after []corev1.Container) []corev1.Container {
	kept := slices.Clone(before[:0]) // nil if there were none
	for _, c := range after {
		if isSidecar(c) && len(kept) < len(before) && before[len(kept)].Name != c.Name || isSidecar(c) && len(kept) == len(before) {
			continue
		}
		if len(kept) < len(before) {
			b := before[len(kept)]
			if added := len(c.Env) - len(b.Env); added > 0 {
				for _, e := range c.Env[:added] {
					if !strings.HasPrefix(e.Name, "KAFKA_HTTP_") {
						return after
					}
				}
				c.Env = append([]corev1.EnvVar(nil), c.Env[added:]...)
			}
			if len(c.VolumeMounts) == len(b.VolumeMounts)+1 && c.VolumeMounts[len(b.VolumeMounts)].Name == names.VolumeSocket {
				c.VolumeMounts = c.VolumeMounts[:len(b.VolumeMounts)]
			}
		}
		kept = append(kept, c)
	}
	return kept
}
