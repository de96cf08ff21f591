package kafkaconf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
)

// TestCheck shows what a spoilt configuration is told, under two versions.
func TestCheck(t *testing.T) {
	config := map[string]string{
		"auto.create.topics.enable":                "false",
		"default.replication.factor":               "three",
		"offsets.topic.replication.factor":         "0",
		"min.insync.replicas":                      "2",
		"log.message.format.version":               "3.0",
		"inter.broker.protocol.version":            "3.9",
		"cordoned.log.dirs":                        "",
		"max.decompressed.message.bytes":           "1000",
		"log.retension.hours":                      "1",
		"LOG_ROLL_MS":                              "1",
		"num.partition":                            "1",
		"my.plugin.setting":                        "x",
		"rsm.config.bucket":                        "x",
		"config.providers":                         "env",
		"config.providers.env.class":               "a.B",
		"listener.name.plain-9092.max.connections": "ten",
		"listener.name.plain-9092.max.conections":  "10",
		"listener.name.PLAIN-9092.max.connections": "10",
		"listener.name.plain-9092.plain.sasl.jaas": "secret",
		"transaction.state.log.replication.factor": "3",
		"ssl.keystore.passwort":                    "secret",
		"":                                         "x",
		strings.Repeat("long", 1000):               "x",
		"compression.type":                         "gz",
		"a key\nof two lines":                      "x",
	}
	var out strings.Builder
	for _, number := range []string{"3.9.1", "4.3.1"} {
		bad, unknown := must(t, number).Check(config)
		fmt.Fprintf(&out, "Kafka %s refuses\n", number)
		for _, p := range bad {
			fmt.Fprintf(&out, "  %q: %s\n", p.Key, p.Message)
		}
		out.WriteString("and has no\n")
		for _, p := range unknown {
			fmt.Fprintf(&out, "  %q: %s\n", clip(p.Key), p.Message)
		}
		for _, list := range [][]Problem{bad, unknown} {
			if !slices.IsSortedFunc(list, func(a, b Problem) int { return strings.Compare(a.Key, b.Key) }) {
				t.Errorf("Kafka %s: not sorted: %v", number, list)
			}
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Error("a value of an option that nobody knows is repeated")
	}
	golden.Equal(t, "check.txt", []byte(out.String()))
}

func TestCheckNothing(t *testing.T) {
	if bad, unknown := Default().Check(nil); bad != nil || unknown != nil {
		t.Errorf("%v %v", bad, unknown)
	}
	if got, want := (Problem{Key: "a", Message: "b"}).String(), "a: b"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestSampleConfigurations are what users give: nothing is to be said about them.
func TestSampleConfigurations(t *testing.T) {
	for _, config := range []map[string]string{
		{
			"offsets.topic.replication.factor": "3", "transaction.state.log.replication.factor": "3",
			"transaction.state.log.min.isr": "2", "default.replication.factor": "3", "min.insync.replicas": "2",
		},
		{"auto.create.topics.enable": "false", "log.retention.hours": "24", "log.segment.bytes": "1073741824", "num.network.threads": "3"},
		{"message.max.bytes": "1048588", "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector"},
		{"group.initial.rebalance.delay.ms": "0", "unclean.leader.election.enable": "true", "listener.name.tls-9093.max.connections": "100"},
	} {
		for _, v := range Versions() {
			if bad, unknown := v.Check(config); len(bad)+len(unknown) > 0 {
				t.Errorf("Kafka %s: %v %v", v, bad, unknown)
			}
		}
	}
}

// TestOneTypo spoils every name in one place: it is found again, unless another name is as close.
func TestOneTypo(t *testing.T) {
	v, found, all := Default(), 0, 0
	for i, o := range v.Options() {
		at := i % len(o.Name)
		key := o.Name[:at] + o.Name[at+1:]
		if _, ok := v.Option(key); ok {
			continue
		}
		_, unknown := v.Check(map[string]string{key: "x"})
		if len(unknown) != 1 {
			t.Fatalf("%s: %v", key, unknown)
		}
		all++
		if strings.HasSuffix(unknown[0].Message, "; did you mean "+o.Name+"?") {
			found++
		}
	}
	if found < all*95/100 {
		t.Errorf("%d of %d names were found again", found, all)
	}
}

// TestSuggestionsAreBounded gives more unknown names than a resource can hold. A suggestion for each would take minutes.
func TestSuggestionsAreBounded(t *testing.T) {
	config := map[string]string{}
	for i := range 50_000 {
		config[fmt.Sprintf("remote.log.manager.follower.thread.pool.sice.%d", i)] = "x"
	}
	_, unknown := Default().Check(config)
	if len(unknown) != len(config) {
		t.Errorf("%d of %d names are unknown", len(unknown), len(config))
	}
	suggested := 0
	for _, p := range unknown {
		if strings.Contains(p.Message, "did you mean remote.log.manager.follower.thread.pool.size?") {
			suggested++
		}
	}
	if suggested != 100 {
		t.Errorf("%d suggestions, want 100", suggested)
	}
}

func FuzzCheck(f *testing.F) {
	for _, key := range []string{"num.partitions", "listener.name.a.max.connections", "num_partitions", "listener.name.", "config.providers", "\xff", "ä.ö"} {
		f.Add(key, "1")
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		for _, v := range []Version{Default(), Versions()[0], {}} {
			config := map[string]string{key: value}
			bad, unknown := v.Check(config)
			o, known := v.Option(key)
			if known && (o.Name != key || len(unknown) > 0) || !known && len(bad) > 0 {
				t.Fatalf("%q: %v %v", key, bad, unknown)
			}
			for _, p := range append(bad, unknown...) {
				if p.Key != key || p.Message == "" || strings.ContainsAny(p.Message, "\n\r") {
					t.Fatalf("%q", p)
				}
			}
			a, b, c := v.Split(config)
			if len(a)+len(b)+len(c) != 1 {
				t.Fatalf("%q: %v %v %v", key, a, b, c)
			}
		}
		if _, option, ok := ListenerOption(key); ok && (Forbidden(key) || !strings.HasSuffix(key, option)) {
			t.Fatalf("%q is allowed and forbidden", key)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	config := map[string]string{}
	for _, o := range Default().Options() {
		if o.HasDefault {
			config[o.Name] = o.Default
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		Default().Check(maps.Clone(config))
	}
}
