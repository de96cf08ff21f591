package main

import (
	"slices"
	"strings"
	"testing"
)

func TestHelp(t *testing.T) {
	for _, flag := range []string{"--help", "-h", "-help"} {
		got := ran(t, nil, flag)
		if got.code != 0 || got.stderr != "" {
			t.Errorf("%s: exit %d, %s", flag, got.code, got.stderr)
		}
		for _, text := range []string{
			"\n  steg-bridge --embedded\n",
			"\n  steg-bridge --set kafka.bootstrap.servers=kafka:9092 --set http.host=127.0.0.1\n",
			"\n  steg-bridge --check --config-file application.properties\n  steg-bridge --config-file application.properties\n",
			"STEG_KAFKA_BOOTSTRAP_SERVERS", "-config-file FILE", "-set KEY=VALUE", "-embedded", "-check", "-print-config", "-version",
		} {
			if !strings.Contains(got.stdout, text) {
				t.Errorf("%s: %q is missing", flag, text)
			}
		}
		for line := range strings.Lines(got.stdout) {
			if len(line) > 130 {
				t.Errorf("too long for a terminal: %s", line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	if got := ran(t, nil, "--version"); got != (result{0, version + "\n", ""}) {
		t.Error(got)
	}
}

// Flags that cannot be understood are exit 2, and one line that leads on.
func TestBadFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		text string
	}{
		{[]string{"--nothing"}, "-nothing (see --help)"},
		{[]string{"--config-file"}, "-config-file (see --help)"},
		{[]string{"http.port=1"}, `unexpected argument "http.port=1": settings are given as --set KEY=VALUE (see --help)`},
		{[]string{"--check=maybe"}, "-check"},
	} {
		ran(t, nil, c.args...).fails(t, 2, c.text)
	}
}

func TestEmbeddedFlag(t *testing.T) {
	for _, c := range []struct {
		arg  string
		want embedded
	}{
		{"--embedded", embedded{on: true}},
		{"--embedded=true", embedded{on: true}},
		{"--embedded=false", embedded{}},
		{"--embedded=/data/kafka", embedded{on: true, dir: "/data/kafka"}},
	} {
		o, err := parseFlags([]string{c.arg}, nil)
		if err != nil || o.embedded != c.want {
			t.Errorf("%s: %+v %v", c.arg, o.embedded, err)
		}
	}
}

// Started as the reference's image starts its own.
func TestReferenceArgs(t *testing.T) {
	const mounted = "/opt/strimzi/custom-config/application.properties"
	for _, c := range []struct {
		program    string
		args, want []string
	}{
		{"/opt/strimzi/bin/docker/kafka_bridge_run.sh", nil, []string{"--config-file", mounted}},
		{"/opt/strimzi/bin/kafka_bridge_run.sh", nil, []string{"--config-file", mounted}},
		{"/usr/bin/steg-bridge", []string{"--check"}, []string{"--check"}},
		{"/docker/bin/steg-bridge", nil, nil},
	} {
		if got := referenceArgs(c.program, c.args); !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %v", c.program, c.args, got)
		}
	}
	for _, given := range [][]string{{"--config-file", "own"}, {"--config-file=own"}} {
		o, err := parseFlags(referenceArgs("/opt/strimzi/bin/kafka_bridge_run.sh", given), nil)
		if err != nil || o.configFile != "own" {
			t.Errorf("%v: %q %v", given, o.configFile, err)
		}
	}
}
