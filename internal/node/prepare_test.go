package node

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/node/config"
)

// TestFacts: what a node learns only when it has its place, from the operator by its pod's annotations, and what it does without.
func TestFacts(t *testing.T) {
	const address, rack = `steg.dev/node-address="203.0.113.5"` + "\n", `steg.dev/rack="zone-b"` + "\n"
	draft := func(values ...string) config.Settings {
		s := config.Settings{}
		for _, value := range values {
			s["key."+value] = "a" + value + "b"
		}
		return s
	}
	for _, c := range []struct {
		name, annotations, hostIP string
		draft                     config.Settings
		want                      config.Facts
		err, said                 string
	}{
		{name: "nothing is needed", draft: draft(), want: config.Facts{}},
		{name: "both", annotations: address + rack, draft: draft("${node.address}", "${node.rack}"), want: config.Facts{Address: "203.0.113.5", Rack: "zone-b"}},
		{name: "address alone", annotations: address, draft: draft("${node.address}"), want: config.Facts{Address: "203.0.113.5"}},
		{name: "no address, but the internal one", hostIP: "10.0.0.1", draft: draft("${node.address}"), want: config.Facts{Address: "10.0.0.1"}, said: "its internal one is taken"},
		{name: "no address at all", draft: draft("${node.address}"), err: "and STEG_HOST_IP is not set"},
		{name: "no rack", annotations: address, hostIP: "10.0.0.1", draft: draft("${node.address}", "${node.rack}"), err: "has the Kubernetes node the label of the rack's topologyKey?"},
		{name: "empty rack", annotations: `steg.dev/rack=""` + "\n", draft: draft("${node.rack}"), err: "has had no steg.dev/rack for 50ms"},
		{name: "annotations that are none", annotations: "steg.dev/rack=zone\n", draft: draft("${node.rack}"), err: "pod/annotations: line 1 is not written as"},
		{name: "unknown placeholder", draft: draft("${node.name}"), err: "nobody knows ${node.name}"},
		{name: "file elsewhere", draft: draft("${steg.file:/etc/passwd}"), err: "is not a clean path below /etc/steg/"},
		{name: "file that is missing", draft: draft("${steg.file:/etc/steg/external/x}"), err: "external/x: no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPod(t)
			if c.annotations != "" {
				p.write("etc/steg/pod/annotations", c.annotations)
			}
			got, err := p.options.facts(t.Context(), identity{pod: testPod, hostIP: c.hostIP}, c.draft)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || got.Address != c.want.Address || got.Rack != c.want.Rack || got.Pod != testPod {
				t.Errorf("%+v, %v", got, err)
			}
			if warned := strings.Contains(p.printed.String(), "level=WARN"); warned != (c.said != "") || !strings.Contains(p.printed.String(), c.said) {
				t.Errorf("said: %s", p.printed.String())
			}
		})
	}
}

// TestFactsThatComeLater: a node waits for what its pod is told only after it was scheduled, says so, and gives up when it is to
// stop.
func TestFactsThatComeLater(t *testing.T) {
	p := newPod(t)
	p.options.Wait = patience
	draft := config.Settings{"broker.rack": "${node.rack}"}
	type result struct {
		facts config.Facts
		err   error
	}
	learn := func(ctx context.Context) chan result {
		done := make(chan result, 1)
		go func() {
			facts, err := p.options.facts(ctx, identity{pod: testPod}, draft)
			done <- result{facts, err}
		}()
		return done
	}
	done := learn(t.Context())
	p.says("waiting for the operator to say where the pod runs")
	p.write("etc/steg/pod/annotations", "other=\"x\"\nsteg.dev/rack=\"zone-c\"\n")
	if got := <-done; got.err != nil || got.facts.Rack != "zone-c" {
		t.Errorf("%+v", got)
	}
	p.write("etc/steg/pod/annotations", "")
	ctx, cancel := context.WithCancel(t.Context())
	done = learn(ctx)
	cancel()
	if got := <-done; !errors.Is(got.err, context.Canceled) {
		t.Errorf("%+v", got)
	}
}

// TestFilesOfPlaceholders: the content of a file gets into the settings without its last line end, and into errors never.
func TestFilesOfPlaceholders(t *testing.T) {
	const secret = "lamp \"7\"\n"
	p := newPod(t)
	p.write("etc/steg/external/login/password", secret)
	p.node("broker", `listener.name.tls-9093.plain.sasl.jaas.config=x password=${steg.jaas:/etc/steg/external/login/password};
my.file=${steg.file:/etc/steg/external/login/password}
my.place=${pod.name} ${node.id} ${env:HOME} ${
`)
	settings, _, err := p.options.prepare(t.Context(), identity{pod: testPod})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"listener.name.tls-9093.plain.sasl.jaas.config": `x password="lamp \"7\"";`, "my.file": `lamp "7"`, "my.place": testPod + " 0 ${env:HOME} ${",
	} {
		if settings[key] != want {
			t.Errorf("%s=%s", key, settings[key])
		}
	}
	if info, err := os.Stat(p.options.propertiesFile()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if strings.Contains(p.printed.String(), "lamp") {
		t.Error("the secret was printed")
	}
	p.write("etc/steg/external/login/password", "")
	if _, _, err := p.options.prepare(t.Context(), identity{pod: testPod}); err == nil || !strings.Contains(err.Error(), "stands for nothing: it is missing or empty") {
		t.Errorf("an empty file: %v", err)
	}
}

// TestEmptyTemp: what a killed JVM has left goes, and nobody else may write there.
func TestEmptyTemp(t *testing.T) {
	p := newPod(t)
	p.write("tmp/steg/libnetty-1234.so", "left")
	if err := p.options.emptyTemp(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(p.path("tmp/steg"))
	info, statErr := os.Stat(p.path("tmp/steg"))
	if err != nil || statErr != nil || len(left) > 0 || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v %v %v", left, err, info, statErr)
	}
	if err := os.RemoveAll(p.path("tmp")); err != nil {
		t.Fatal(err)
	}
	p.write("tmp", "a file")
	if err := p.options.emptyTemp(); err == nil {
		t.Error("a file was taken for a directory")
	}
}

// TestWriteStores: the stores of all certificates but one are made, and made again only where something is other.
func TestWriteStores(t *testing.T) {
	p := newPod(t)
	p.certificate("tls-9093", "first")
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, testPod + " tls-9093"},
		{func() {}, ""},
		{func() { p.certificate("tls-9093", "second") }, "tls-9093"},
		{func() {
			if err := os.Remove(p.path("run/steg/tls-9093.pem")); err != nil {
				t.Fatal(err)
			}
		}, "tls-9093"},
	} {
		step.change()
		changed, err := p.options.writeStores("")
		if err != nil || strings.Join(changed, " ") != step.want {
			t.Errorf("%v, %v", changed, err)
		}
	}
	p.certificate(testPod, "another")
	p.certificate("tls-9093", "third")
	if changed, err := p.options.writeStores(testPod); err != nil || strings.Join(changed, " ") != "tls-9093" {
		t.Errorf("%v, %v", changed, err)
	}
	for _, name := range []string{testPod, "tls-9093"} {
		if info, err := os.Stat(p.path("run/steg", name+".pem")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	left, err := os.ReadDir(p.path("run/steg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), ".") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
}

// TestIdentity: who a node is stands in its environment, of which the last word counts.
func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		environ []string
		id      int
		err     string
	}{
		{[]string{"STEG_NODE_ID=7", "STEG_POD_NAME=p"}, 7, ""},
		{[]string{"STEG_NODE_ID=7", "STEG_POD_NAME=p", "STEG_NODE_ID=8"}, 8, ""},
		{[]string{"STEG_POD_NAME=p"}, 0, `STEG_NODE_ID="" is not the number of a node`},
		{[]string{"STEG_NODE_ID=-1", "STEG_POD_NAME=p"}, 0, `STEG_NODE_ID="-1" is not the number of a node`},
		{[]string{"STEG_NODE_ID=7"}, 0, "STEG_POD_NAME is not set"},
		{[]string{"STEG_NODE_ID=7", "STEG_POD_NAME=../p"}, 0, "STEG_POD_NAME is not set"},
	} {
		who, err := Options{Environ: c.environ}.identity()
		if c.err == "" && (err != nil || who.id != c.id || who.pod != "p") || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v: %+v, %v", c.environ, who, err)
		}
	}
}
