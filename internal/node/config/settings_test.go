package config

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/steg-kafka/steg/internal/golden"
)

// podTexts are the files of a pod as the operator renders them.
func podTexts() Texts {
	return Texts{
		SharedFile: `# what all nodes share
controller.quorum.voters=0@my-cluster-kafka-0.my-cluster-kafka-brokers.ns.svc:9090,1@my-cluster-kafka-1.my-cluster-kafka-brokers.ns.svc:9090
controller.listener.names=CONTROLPLANE-9090
inter.broker.listener.name=REPLICATION-9091
min.insync.replicas=1
num.io.threads=8
`,
		ListenersFile: `listener.name.replication-9091.ssl.client.auth=required
listener.name.external-9094.oauthbearer.sasl.jaas.config=org.example.Login required id="kafka" secret=${steg.jaas:/etc/steg/external/oauth/secret};
listener.name.external-9094.basic=${steg.file:/etc/steg/external/oauth/secret}
`,
		NodeFile: `process.roles=broker,controller
node.id=1
num.io.threads=4
broker.rack=${node.rack}
listeners=CONTROLPLANE-9090://0.0.0.0:9090,REPLICATION-9091://0.0.0.0:9091,TLS-9093://:9093,EXTERNAL-9094://[::]:9094
listener.security.protocol.map=CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,TLS-9093:SSL,EXTERNAL-9094:SASL_SSL
log.dirs=/var/lib/kafka/data-0/kafka-log1,/var/lib/kafka/data-1/kafka-log1
ssl.keystore.location=/run/steg/${pod.name}.pem
password.encoder=${directory:/opt/x:y} ${unfinished
umlaut=\u00fc
`,
		AdvertisedHostsFile: `REPLICATION-9091_0=my-cluster-kafka-0.my-cluster-kafka-brokers.ns.svc
REPLICATION-9091_1=my-cluster-kafka-1.my-cluster-kafka-brokers.ns.svc
TLS-9093_0=my-cluster-kafka-0.my-cluster-kafka-brokers.ns.svc
TLS-9093_1=my-cluster-kafka-1.my-cluster-kafka-brokers.ns.svc
EXTERNAL-9094_0=${node.address}
EXTERNAL-9094_1=${node.address}
`,
		AdvertisedPortsFile: "REPLICATION-9091_1=9091\nEXTERNAL-9094_0=31000\nEXTERNAL-9094_1=31001\n",
	}
}

func TestProperties(t *testing.T) {
	draft, err := Merge(podTexts(), 1)
	if err != nil {
		t.Fatal(err)
	}
	needs, err := draft.Needs()
	if err != nil {
		t.Fatal(err)
	}
	want := Needs{Address: true, Rack: true, Files: []string{"/etc/steg/external/oauth/secret"}}
	if diff := cmp.Diff(want, needs); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
	settings, err := draft.Resolve(Facts{
		Pod: "my-cluster-kafka-1", Address: "2001:db8::7", Rack: "zone-a",
		Files: map[string]string{"/etc/steg/external/oauth/secret": "a \"b\\c\nd\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "server.properties", []byte(settings.Text()))
}

func TestSettings(t *testing.T) {
	s, err := Merge(podTexts(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Broker() || !s.Controller() {
		t.Error("roles")
	}
	if got := s.MetadataDir(); got != "/var/lib/kafka/data-0/kafka-log1" {
		t.Errorf("metadata in %s", got)
	}
	s["metadata.log.dir"] = "/var/lib/kafka/meta/"
	want := []string{"/var/lib/kafka/data-0/kafka-log1", "/var/lib/kafka/data-1/kafka-log1", "/var/lib/kafka/meta"}
	if diff := cmp.Diff(want, s.LogDirs()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	own, err := s.Own()
	if err != nil || own.Name != "REPLICATION-9091" || own.Local() != "127.0.0.1:9091" || !own.TLS() || own.Prefix() != "listener.name.replication-9091." {
		t.Errorf("own listener %+v, %v", own, err)
	}
	if got := s.HostName(own, "pod"); got != "my-cluster-kafka-1.my-cluster-kafka-brokers.ns.svc" {
		t.Errorf("host name %s", got)
	}
	s["process.roles"] = "controller"
	own, err = s.Own()
	if err != nil || own.Name != "CONTROLPLANE-9090" || s.HostName(own, "pod") != "my-cluster-kafka-1.my-cluster-kafka-brokers.ns.svc" {
		t.Errorf("own listener %+v, %v", own, err)
	}
	delete(s, "controller.quorum.voters")
	if got := s.HostName(own, "pod"); got != "pod" {
		t.Errorf("host name %s", got)
	}
}

func TestAdvertised(t *testing.T) {
	for _, c := range []struct {
		name, hosts, ports, node, want string
	}{
		{"of another node only", "REPLICATION-9091_0=x", "", "advertised.listeners=REPLICATION-9091://y:1\n", "REPLICATION-9091://y:1"},
		{"a controller's too", "REPLICATION-9091_1=a\nTLS-9093_1=b\nEXTERNAL-9094_1=c\nCONTROLPLANE-9090_1=d", "CONTROLPLANE-9090_1=1", "", "CONTROLPLANE-9090://d:1,REPLICATION-9091://a:9091,TLS-9093://b:9093,EXTERNAL-9094://c:9094"},
		{"IPv6", "REPLICATION-9091_1=::1\nTLS-9093_1=b\nEXTERNAL-9094_1=c", "", "", "REPLICATION-9091://[::1]:9091,TLS-9093://b:9093,EXTERNAL-9094://c:9094"},
		{"of a listener that is gone", "REPLICATION-9091_1=a\nTLS-9093_1=b\nEXTERNAL-9094_1=c\nOLD-9095_1=d", "OLD-9095_1=1", "", "REPLICATION-9091://a:9091,TLS-9093://b:9093,EXTERNAL-9094://c:9094"},
	} {
		t.Run(c.name, func(t *testing.T) {
			texts := podTexts()
			texts[AdvertisedHostsFile], texts[AdvertisedPortsFile] = c.hosts, c.ports
			texts[NodeFile] += c.node
			s, err := Merge(texts, 1)
			if err != nil || s["advertised.listeners"] != c.want {
				t.Errorf("got %s, %v", s["advertised.listeners"], err)
			}
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(Texts)
		want   string
	}{
		{"no file of the node", func(x Texts) { delete(x, NodeFile) }, "node/server.config: no such file: it has the properties of this node"},
		{"broken escape", func(x Texts) { x[SharedFile] = "a=1\nb=\\u00\n" }, `shared/server.config: line 2: \u is not followed by four hexadecimal digits`},
		{"broken escape of a host", func(x Texts) { x[AdvertisedHostsFile] = "b=\\u00\n" }, `shared/advertised-hostnames.config: line 1: \u is not followed by four hexadecimal digits`},
		{"broken escape of a port", func(x Texts) { x[AdvertisedPortsFile] = "b=\\u00\n" }, `shared/advertised-ports.config: line 1: \u is not followed by four hexadecimal digits`},
		{"another node", func(x Texts) { x[NodeFile] += "node.id=2\n" }, "node/server.config: node.id=2, but STEG_NODE_ID says 1: the files of another node are mounted"},
		{"no role", func(x Texts) { x[NodeFile] += "process.roles=zookeeper\n" }, `process.roles="zookeeper": broker, controller or both of them, separated by a comma`},
		{"no listener", func(x Texts) { x[NodeFile] += "listeners=\n" }, "listeners is not set: this node would listen nowhere"},
		{"listener without a name", func(x Texts) { x[NodeFile] += "listeners=:9092\n" }, `listeners: ":9092" is not written as NAME://HOST:PORT`},
		{"listener without a port", func(x Texts) { x[NodeFile] += "listeners=A://host\n" }, `listeners: "A://host" is not written as NAME://HOST:PORT`},
		{"listener with a bad port", func(x Texts) { x[NodeFile] += "listeners=A://host:0\n" }, `listeners: "A://host:0": "0" is not a port: 1 to 65535`},
		{"no protocol", func(x Texts) { x[NodeFile] += "listener.security.protocol.map=A:SSL\n" }, "listener.security.protocol.map has no entry for listener CONTROLPLANE-9090"},
		{"no listener between brokers", func(x Texts) { x[NodeFile] += "inter.broker.listener.name=X\n" }, `inter.broker.listener.name="X" is not among the listeners`},
		{"no controllers' listener", func(x Texts) { x[NodeFile] += "process.roles=controller\ncontroller.listener.names=X\n" }, `controller.listener.names="X": none of them is among the listeners`},
		{"no directory", func(x Texts) { x[NodeFile] += "log.dirs=\n" }, "log.dirs is not set: where is this node to keep its data?"},
		{"relative directory", func(x Texts) { x[NodeFile] += "log.dirs=data\n" }, `log.dirs: "data" is not an absolute path`},
		{"no host", func(x Texts) { x[AdvertisedHostsFile] = "TLS-9093_1=a\n" }, "shared/advertised-hostnames.config: REPLICATION-9091_1 is missing or empty: the address that clients of listener REPLICATION-9091 are told"},
		{"empty host", func(x Texts) { x[AdvertisedHostsFile] = "REPLICATION-9091_1=\n" }, "shared/advertised-hostnames.config: REPLICATION-9091_1 is missing or empty: the address that clients of listener REPLICATION-9091 are told"},
		{"bad port", func(x Texts) { x[AdvertisedPortsFile] = "REPLICATION-9091_1=65536\n" }, `shared/advertised-ports.config: REPLICATION-9091_1: "65536" is not a port: 1 to 65535`},
	} {
		t.Run(c.name, func(t *testing.T) {
			texts := podTexts()
			c.change(texts)
			_, err := Merge(texts, 1)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestMergePutsTheIDIn(t *testing.T) {
	texts := podTexts()
	texts[NodeFile] = strings.Replace(texts[NodeFile], "node.id=1\n", "", 1)
	s, err := Merge(texts, 1)
	if err != nil || s["node.id"] != "1" {
		t.Errorf("node.id=%q, %v", s["node.id"], err)
	}
}

func TestPlaceholdersRefused(t *testing.T) {
	facts := Facts{Pod: "p", Files: map[string]string{"/etc/steg/empty": "\n"}}
	for value, want := range map[string]string{
		"${node.adress}":                        "k: nobody knows ${node.adress}",
		"a ${pod.ip}":                           "k: nobody knows ${pod.ip}",
		"${steg.file:/etc/passwd}":              `k: "/etc/passwd" is not a clean path below /etc/steg/`,
		"${steg.jaas:/etc/steg/../passwd}":      `k: "/etc/steg/../passwd" is not a clean path below /etc/steg/`,
		"${node.rack}":                          "k: ${node.rack} stands for nothing: it is missing or empty",
		"${steg.file:/etc/steg/empty}":          "k: ${steg.file:/etc/steg/empty} stands for nothing: it is missing or empty",
		"${pod.name}${steg.file:/etc/steg/no}x": "k: ${steg.file:/etc/steg/no} stands for nothing: it is missing or empty",
	} {
		s := Settings{"k": value}
		_, err := s.Needs()
		if err == nil {
			_, err = s.Resolve(facts)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", value, err, want)
		}
	}
}

// Whatever stands in the files, there is a result that has every key of theirs, or an error of one line.
func FuzzMerge(f *testing.F) {
	for _, text := range slices.Sorted(maps.Values(podTexts())) {
		f.Add(text, text)
	}
	f.Add("listeners=A://:1\nlistener.security.protocol.map=A:SSL", "A_1=${node.address}")
	f.Fuzz(func(t *testing.T, node, hosts string) {
		texts := podTexts()
		texts[NodeFile] += node
		texts[AdvertisedHostsFile] = hosts
		s, err := Merge(texts, 1)
		if err == nil {
			_, err = s.Needs()
		}
		if err != nil {
			if strings.Contains(err.Error(), "\n") && !strings.Contains(node+hosts, "\n") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		resolved, err := s.Resolve(Facts{Pod: "p", Address: "a", Rack: "r", Files: map[string]string{"/etc/steg/external/oauth/secret": "s"}})
		if err == nil && len(resolved) != len(s) {
			t.Errorf("%d settings became %d", len(s), len(resolved))
		}
		if s["node.id"] != "1" {
			t.Errorf("node.id=%s", s["node.id"])
		}
	})
}

func TestAnnotations(t *testing.T) {
	got, err := Annotations("a=\"1\"\nsteg.dev/rack=\"zone \\\"a\\\"\\n\"\n\n")
	if diff := cmp.Diff(map[string]string{"a": "1", "steg.dev/rack": "zone \"a\"\n"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"a", "a=1", "a=\"1\nb=\"2\""} {
		if _, err := Annotations(bad); err == nil || err.Error() != `line 1 is not written as key="value"` {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzAnnotations(f *testing.F) {
	f.Add("a=\"1\"\n", "k")
	f.Fuzz(func(t *testing.T, text, _ string) {
		if got, err := Annotations(text); err == nil && len(got) > strings.Count(text, "=") {
			t.Errorf("%d annotations out of %q", len(got), text)
		}
	})
}
