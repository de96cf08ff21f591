package configsource

import (
	"path/filepath"
	"testing"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/kafka"
)

// TestExamples: every file in examples is read without a word of complaint, by the bridge and by each of its clients.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*.properties")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, path := range files {
		file, err := ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		cfg, findings, err := bridgeconfig.Parse([]bridgeconfig.Layer{file})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, f := range findings {
			t.Errorf("%s: %s: %s", path, f.Key, f.Text)
		}
		for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
			_, findings := kafka.Interpret(role, cfg.ClientProperties(role))
			for _, f := range findings {
				t.Errorf("%s, %s client: %s: %s", path, role, f.Key, f.Text)
			}
		}
	}
}
