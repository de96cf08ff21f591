//go:build kafka

// Package realkafka runs the bridge as a process of its own in front of a real
// Apache Kafka: each way in, each refusal, rotated certificates, brokers that go
// away and come back, and the settings that only a real broker can judge. What
// is the same on every Kafka belongs in test/conformance; what needs no broker,
// beside the command.
//
// One rig at a time runs: a test that needs another one stops the shared one. STEG_BRIDGE in the environment is a bridge
// to test instead of one built from this tree.
package realkafka

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/test/kafkarig"
)

// shared is the rig of most tests. Groups of KIP-848 take their assignments at heartbeats, for which the stock broker
// has five seconds.
var shared = kafkarig.Shared{Options: kafkarig.Options{TLS: true, OAuth: true, Config: map[string]string{
	"group.consumer.min.heartbeat.interval.ms": "200", "group.consumer.heartbeat.interval.ms": "200",
}}}

// binary is the bridge, built once, and the folder that it is in.
var binary struct {
	once      sync.Once
	dir, path string
	err       error
}

// transcript is everything that any bridge has printed and answered.
var transcript journal

func TestMain(m *testing.M) {
	code := shared.Main(m)
	for _, found := range transcript.leaks() {
		fmt.Fprintf(os.Stderr, "FAIL: a secret was printed or answered: %s\n", found)
		code = 1
	}
	if binary.dir != "" {
		_ = os.RemoveAll(binary.dir)
	}
	os.Exit(code)
}

// sharedRig returns the shared rig, running.
func sharedRig(t *testing.T) *kafkarig.Rig {
	t.Helper()
	r := shared.Rig(t)
	if err := r.Start(0); err != nil {
		t.Fatal(err)
	}
	return r
}

// ownRig starts a rig for one test, while the shared one does not run.
func ownRig(t *testing.T, o kafkarig.Options) *kafkarig.Rig {
	t.Helper()
	if err := shared.Rig(t).Kill(0); err != nil {
		t.Fatal(err)
	}
	return kafkarig.New(t, o)
}

// program returns the path of the bridge.
func program(t *testing.T) string {
	t.Helper()
	binary.once.Do(func() {
		if binary.path = os.Getenv("STEG_BRIDGE"); binary.path != "" {
			return // one that somebody has built
		}
		if binary.dir, binary.err = os.MkdirTemp("", "realkafka-"); binary.err != nil {
			return
		}
		binary.path = filepath.Join(binary.dir, "steg-bridge")
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		build := exec.CommandContext(ctx, "go", "build", "-o", binary.path, "./cmd/steg-bridge")
		build.Dir = filepath.Join("..", "..")
		if out, err := build.CombinedOutput(); err != nil {
			binary.err = fmt.Errorf("building the bridge: %w\n%s", err, out)
		}
	})
	if binary.err != nil {
		t.Fatal(binary.err)
	}
	return binary.path
}

// journal keeps text and the secrets that must not be in it.
type journal struct {
	mu      sync.Mutex
	text    bytes.Buffer
	secrets map[string]string // what it is of, by secret
}

// secret notes that value must never appear, and returns it.
func (j *journal) secret(what, value string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.secrets == nil {
		j.secrets = make(map[string]string)
	}
	j.secrets[value] = what
	return value
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

// leaks names each secret that is in the text, without repeating it.
func (j *journal) leaks() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []string
	for value, what := range j.secrets {
		at := bytes.Index(j.text.Bytes(), []byte(value))
		if at < 0 {
			continue
		}
		line := j.text.Bytes()[bytes.LastIndexByte(j.text.Bytes()[:at], '\n')+1 : at]
		found = append(found, fmt.Sprintf("%s, after %q", what, line))
	}
	return found
}
