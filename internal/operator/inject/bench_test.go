package inject_test

import (
	"os"
	"testing"

	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// BenchmarkAdmission is what one pod costs the webhook beside reading and writing JSON.
func BenchmarkAdmission(b *testing.B) {
	text, err := os.ReadFile("../../../examples/bridge/mtls.yaml")
	if err != nil {
		b.Fatal(err)
	}
	kb := &v1.KafkaBridge{}
	if err := yaml.Unmarshal(text, kb); err != nil {
		b.Fatal(err)
	}
	in := pod(b, threeContainers)
	b.ReportAllocs()
	for b.Loop() {
		settings, _, err := model.ForBridge(model.BridgeResources{Bridge: kb, DefaultImage: "i"})
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := inject.Pod(in, inject.Request{Bridge: settings, Native: true}); err != nil {
			b.Fatal(err)
		}
	}
}
