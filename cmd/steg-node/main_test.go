package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tried is what a run of the program gave.
type tried struct {
	code           int
	stdout, stderr string
}

// try runs the program without a process.
func try(t *testing.T, args ...string) tried {
	t.Helper()
	var stdout, stderr bytes.Buffer
	self := filepath.Join(t.TempDir(), "self")
	if err := os.WriteFile(self, []byte("the program"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := program{stdout: &stdout, stderr: &stderr, executable: func() (string, error) { return self, nil }}
	code := p.run(t.Context(), args)
	return tried{code, stdout.String(), stderr.String()}
}

// TestUsageErrors: what cannot be understood is one line that says what would be, and exit code 2.
func TestUsageErrors(t *testing.T) {
	const commands = "one of install DIR, run, probe ready, probe live and version was expected (see --help)"
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "say what to do: install DIR, run, probe ready, probe live or version (see --help)"},
		{[]string{"start"}, `"start": ` + commands},
		{[]string{"run", "now"}, `"run now": ` + commands},
		{[]string{"run", "--root", "/x"}, `"run --root /x": ` + commands},
		{[]string{"install"}, `"install": ` + commands},
		{[]string{"probe", "started"}, `"probe started": ` + commands},
		{[]string{"version", "1"}, `"version 1": ` + commands},
		{[]string{"--bla", "run"}, "flag provided but not defined: -bla (see --help)"},
		{[]string{"--wait", "1", "run"}, `invalid value "1" for flag -wait: parse error (see --help)`},
		{[]string{"--wait", "0s", "run"}, "--wait 0s: a time above zero (see --help)"},
		{[]string{"--stop-timeout", "-1s", "run"}, "--stop-timeout -1s: a time above zero (see --help)"},
		{[]string{"--no-quorum", "0s", "run"}, "--no-quorum 0s: a time above zero (see --help)"},
		{[]string{"--log-level", "loud", "run"}, `log level "loud": debug, info, warn or error`},
	} {
		got := try(t, c.args...)
		if got.code != 2 || got.stderr != "steg-node: "+c.want+"\n" || got.stdout != "" {
			t.Errorf("%v: %+v, want %s", c.args, got, c.want)
		}
	}
}

// TestHelp: the help has every command, flag and variable, and is no error.
func TestHelp(t *testing.T) {
	got := try(t, "--help")
	if got.code != 0 || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{
		"install /opt/steg", "probe ready", "probe live", "version", "-root", "-kafka-home", "-agent-address", "-wait", "-stop-timeout", "-no-quorum", "-probe-timeout",
		"-log-level", "STEG_NODE_ID", "STEG_POD_NAME", "STEG_HOST_IP", "STEG_JVM_OPTIONS", "KAFKA_OPTS",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the help has no %s", want)
		}
	}
	for line := range strings.Lines(got.stdout) {
		if len(line) > 161 {
			t.Errorf("a line of %d: %s", len(line), line)
		}
	}
}

func TestVersion(t *testing.T) {
	if got := try(t, "version"); got.code != 0 || got.stdout != "dev\n" {
		t.Errorf("%+v", got)
	}
}

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	if got := try(t, "install", dir); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	text, err := os.ReadFile(filepath.Join(dir, "steg-node"))
	if err != nil || string(text) != "the program" {
		t.Errorf("%q, %v", text, err)
	}
	if got := try(t, "install", filepath.Join(dir, "nowhere")); got.code != 1 || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

func TestInstallWithoutAProgram(t *testing.T) {
	var stderr bytes.Buffer
	p := program{stdout: &stderr, stderr: &stderr, executable: func() (string, error) { return "", errors.New("no /proc") }}
	if code := p.run(t.Context(), []string{"install", t.TempDir()}); code != 1 || stderr.String() != "steg-node: no /proc\n" {
		t.Errorf("%d, %s", code, stderr.String())
	}
}

// TestRunSaysWhatIsMissing: exit code 1 and one line on standard error.
func TestRunSaysWhatIsMissing(t *testing.T) {
	got := try(t, "--root", t.TempDir(), "run")
	if got.code != 1 || got.stderr != "steg-node: STEG_NODE_ID=\"\" is not the number of a node\n" {
		t.Errorf("%+v", got)
	}
}

func TestProbeWithoutANode(t *testing.T) {
	got := try(t, "--root", t.TempDir(), "probe", "ready")
	if got.code != 1 || !strings.Contains(got.stderr, "nobody answers there") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}
