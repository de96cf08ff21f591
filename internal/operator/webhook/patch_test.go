package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"

	"github.com/google/go-cmp/cmp"
)

// applied returns the document that a patch makes of raw, as the API server would.
func applied(t testing.TB, raw, patch []byte) any {
	t.Helper()
	if patch != nil {
		p, err := jsonpatch.DecodePatch(patch)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = p.Apply(raw); err != nil {
			t.Fatal(err)
		}
	}
	out, err := decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPatchKeepsUnknownFields: fields of a newer API server survive, wherever the change is.
func TestPatchKeepsUnknownFields(t *testing.T) {
	const raw = `{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"a-","annotations":{"own":"1"},"newField":1},
		"spec":{"containers":[
			{"name":"app","image":"a","newField":{"a":[1]},"env":[{"name":"A","value":"1","newField":true}],"resources":{"newField":9007199254740993}},
			{"name":"other","image":"b","newField":"kept"}],
		"initContainers":[{"name":"setup","image":"c","newField":"setup's"}],"newField":["x"],"nodeName":"gone"},"status":{"newField":1}}`
	before := &corev1.Pod{}
	if err := json.Unmarshal([]byte(raw), before); err != nil {
		t.Fatal(err)
	}
	after := before.DeepCopy()
	after.Annotations["steg.dev/injected"] = "ns/b"
	after.Spec.NodeName = ""
	after.Spec.InitContainers = append([]corev1.Container{{Name: "steg-bridge"}}, after.Spec.InitContainers...)
	after.Spec.InitContainers[1].Env = []corev1.EnvVar{{Name: "URL", Value: "u"}}
	after.Spec.Containers[0].Env = append(after.Spec.Containers[0].Env, corev1.EnvVar{Name: "URL", Value: "u"})
	after.Spec.Volumes = []corev1.Volume{{Name: "v"}}
	patch, err := jsonPatch([]byte(raw), before, after)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decode([]byte(`{"kind":"Pod","apiVersion":"v1","metadata":{"generateName":"a-","annotations":{"own":"1","steg.dev/injected":"ns/b"},"newField":1},
		"spec":{"containers":[
			{"name":"app","image":"a","newField":{"a":[1]},"env":[{"name":"A","value":"1","newField":true},{"name":"URL","value":"u"}],"resources":{"newField":9007199254740993}},
			{"name":"other","image":"b","newField":"kept"}],
		"initContainers":[{"name":"steg-bridge","resources":{}},{"name":"setup","image":"c","newField":"setup's","env":[{"name":"URL","value":"u"}]}],
		"volumes":[{"name":"v"}],"newField":["x"]},"status":{"newField":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, applied(t, []byte(raw), patch)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var steps []operation
	if err := json.Unmarshal(patch, &steps); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, s := range steps {
		paths = append(paths, s.Op+" "+s.Path)
	}
	wantPaths := []string{"add /metadata/annotations", "add /spec/containers", "add /spec/initContainers", "add /spec/volumes", "remove /spec/nodeName"}
	if diff := cmp.Diff(wantPaths, paths); diff != "" {
		t.Errorf("steps (-want +got)\n%s", diff)
	}
}

func TestPatchOfNothing(t *testing.T) {
	const raw = `{"metadata":{"name":"a"},"spec":{"containers":[{"name":"app","newField":1}]}}`
	pod := &corev1.Pod{}
	if err := json.Unmarshal([]byte(raw), pod); err != nil {
		t.Fatal(err)
	}
	patch, err := jsonPatch([]byte(raw), pod, pod.DeepCopy())
	if err != nil || patch != nil {
		t.Errorf("patch %s, error %v", patch, err)
	}
}

func TestPatchPaths(t *testing.T) {
	got := replaced("metadata", map[string]any{"a/b": 1, "old~": 1}, map[string]any{"a/b": 2})
	want := []operation{{Op: "add", Path: "/metadata/a~1b", Value: 2}, {Op: "remove", Path: "/metadata/old~0"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPatchRefusesWhatIsNoJSON(t *testing.T) {
	if _, err := jsonPatch([]byte("{"), &corev1.Pod{}, &corev1.Pod{}); err == nil || !strings.Contains(err.Error(), "decoding the object") {
		t.Errorf("error %v", err)
	}
}

// FuzzPatch: whatever a pod is and becomes, the patch makes of the raw pod what it became, as far as the types know it.
func FuzzPatch(f *testing.F) {
	f.Add(`{"metadata":{"name":"a"},"spec":{"containers":[{"name":"x"}]}}`, `{"metadata":{"name":"a","labels":{"a":"b"}},"spec":{"containers":[{"name":"y"},{"name":"x","image":"i"}]}}`)
	f.Add(`{"spec":{"containers":[{"name":"x","newField":1},{"name":"x"}]}}`, `{"spec":{"volumes":[{"name":"v"}],"containers":[{"name":"x"},{"name":"x"},{"name":"z"}]}}`)
	f.Add(`{"metadata":{},"spec":{}}`, `{}`)
	f.Fuzz(func(t *testing.T, raw, becomes string) {
		before, after := &corev1.Pod{}, &corev1.Pod{}
		if json.Unmarshal([]byte(raw), before) != nil || json.Unmarshal([]byte(becomes), after) != nil {
			t.Skip("no pods")
		}
		document, err := decode([]byte(raw))
		if top, ok := document.(map[string]any); err != nil || !ok || !sections(top) {
			t.Skip("the API server always sends metadata and spec, under these names")
		}
		after.Status, after.TypeMeta = before.Status, before.TypeMeta // not ours to change
		patch, err := jsonPatch([]byte(raw), before, after)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(applied(t, []byte(raw), patch))
		if err != nil {
			t.Fatal(err)
		}
		got := &corev1.Pod{}
		if err := json.Unmarshal(text, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(normal(t, after), normal(t, got)); diff != "" {
			t.Errorf("patch %s (-want +got)\n%s", patch, diff)
		}
	})
}

func sections(top map[string]any) bool {
	_, metadata := top["metadata"].(map[string]any)
	_, spec := top["spec"].(map[string]any)
	return metadata && spec
}

func normal(t testing.TB, pod *corev1.Pod) any {
	out, err := tree(pod)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
