package kafkaconf

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// must returns a supported version.
func must(t testing.TB, number string) Version {
	t.Helper()
	v, ok := Lookup(number)
	if !ok {
		t.Fatalf("Kafka %s is not supported", number)
	}
	return v
}

func TestFactsAboutOptions(t *testing.T) {
	for _, c := range []struct {
		kafka string
		want  Option
	}{
		{"4.3.1", Option{Name: "num.partitions", Type: TypeInt, Default: "1", HasDefault: true, Min: "1"}},
		{"4.3.1", Option{Name: "min.insync.replicas", Type: TypeInt, Default: "1", HasDefault: true, Min: "1", Scope: ClusterWide}},
		{"4.3.1", Option{Name: "offsets.topic.replication.factor", Type: TypeShort, Default: "3", HasDefault: true, Min: "1"}},
		{"4.3.1", Option{Name: "auto.create.topics.enable", Type: TypeBoolean, Default: "true", HasDefault: true}},
		{"4.3.1", Option{
			Name: "compression.type", Type: TypeString, Default: "producer", HasDefault: true, Scope: ClusterWide,
			Values: []string{"uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"},
		}},
		{"4.3.1", Option{
			Name: "compression.gzip.level", Type: TypeInt, Default: "-1", HasDefault: true, Min: "1", Max: "9",
			Values: []string{"-1"}, Scope: ClusterWide,
		}},
		{"3.9.0", Option{
			Name: "log.cleanup.policy", Type: TypeList, Default: "delete", HasDefault: true, Scope: ClusterWide,
			Values: []string{"compact", "delete"},
		}},
		{"4.3.1", Option{
			Name: "log.cleanup.policy", Type: TypeList, Default: "delete", HasDefault: true, Scope: ClusterWide,
			Values: []string{"compact", "delete"}, Unique: true,
		}},
		{"4.3.1", Option{
			Name: "group.consumer.migration.policy", Type: TypeString, Default: "bidirectional", HasDefault: true,
			Values: []string{"BIDIRECTIONAL", "DISABLED", "DOWNGRADE", "UPGRADE"}, AnyCase: true,
		}},
		{"4.3.1", Option{Name: "ssl.keystore.location", Type: TypeString, Scope: PerListener}},
		{"4.3.1", Option{Name: "ssl.keystore.password", Type: TypePassword, Scope: PerListener}},
		{"4.3.1", Option{Name: "ssl.cipher.suites", Type: TypeList, HasDefault: true, Unique: true, Filled: true}},
		{"4.3.1", Option{Name: "log.retention.hours", Type: TypeInt, Default: "168", HasDefault: true}},
		{"4.3.1", Option{Name: "log.retention.ms", Type: TypeLong, Scope: ClusterWide}},
		{"4.3.1", Option{Name: "replica.selector.class", Type: TypeString}},
		{"4.3.1", Option{Name: "process.roles", Type: TypeList, Required: true, Values: []string{"broker", "controller"}, NonEmpty: true, Unique: true}},
		{"4.3.1", Option{Name: "cordoned.log.dirs", Type: TypeList, HasDefault: true, Unique: true, Filled: true, Scope: PerBroker}},
		{"4.3.1", Option{Name: "unstable.feature.versions.enable", Type: TypeBoolean, Default: "false", HasDefault: true, Internal: true}},
		{"3.9.1", Option{Name: "inter.broker.protocol.version", Type: TypeString, Default: "3.9-IV0", HasDefault: true}},
	} {
		got, ok := must(t, c.kafka).Option(c.want.Name)
		if !ok {
			t.Errorf("Kafka %s has no %s", c.kafka, c.want.Name)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmpopts.IgnoreUnexported(Option{})); diff != "" {
			t.Errorf("Kafka %s, %s (-want +got):\n%s", c.kafka, c.want.Name, diff)
		}
	}
}

// TestWhichVersionsHaveIt holds options that came and went.
func TestWhichVersionsHaveIt(t *testing.T) {
	for name, want := range map[string][2]string{
		"log.message.format.version":                     {"3.9.0", "3.9.2"},
		"zookeeper.connect":                              {"3.9.0", "3.9.2"},
		"inter.broker.protocol.version":                  {"3.9.0", "3.9.2"},
		"alter.config.policy.kraft.compatibility.enable": {"3.9.2", "3.9.2"},
		"group.coordinator.append.linger.ms":             {"3.9.0", "4.3.1"},
		"max.decompressed.message.bytes":                 {"4.2.2", "4.2.2"},
		"cordoned.log.dirs":                              {"4.3.0", "4.3.1"},
		"num.partitions":                                 {"3.9.0", "4.3.1"},
	} {
		first, last := must(t, want[0]), must(t, want[1])
		for _, v := range Versions() {
			_, got := v.Option(name)
			if in := v.Compare(first) >= 0 && v.Compare(last) <= 0; got != in {
				t.Errorf("Kafka %s has %s: %t, want %t", v, name, got, in)
			}
		}
	}
}

func TestOptionBehindAListener(t *testing.T) {
	v := Default()
	for name, want := range map[string]struct {
		kind  Type
		scope Scope
	}{
		"listener.name.external-9094.ssl.keystore.location":                 {TypeString, PerBroker},
		"listener.name.external-9094.ssl.truststore.type":                   {TypeString, PerBroker},
		"listener.name.external-9094.max.connections":                       {TypeInt, ClusterWide},
		"listener.name.external-9094.max.connection.creation.rate":          {TypeInt, ClusterWide},
		"listener.name.external-9094.num.network.threads":                   {TypeInt, ClusterWide},
		"listener.name.external-9094.connections.max.reauth.ms":             {TypeLong, ReadOnly},
		"listener.name.external-9094.ssl.cipher.suites":                     {TypeList, ReadOnly},
		"listener.name.external-9094.log.retention.ms":                      {TypeLong, ReadOnly},
		"listener.name.external-9094.scram-sha-512.sasl.jaas.config":        {TypePassword, ReadOnly},
		"listener.name.external-9094.oauthbearer.connections.max.reauth.ms": {TypeLong, ReadOnly},
	} {
		o, ok := v.Option(name)
		if !ok || o.Name != name || o.Type != want.kind || o.Scope != want.scope {
			t.Errorf("%s: %t, %s, %s, %s", name, ok, o.Name, o.Type, o.Scope)
		}
	}
	for _, name := range []string{
		"listener.name.external-9094", "listener.name.", "listener.name..max.connections", "listener.name.a.b.max.connections",
		"listener.name.EXTERNAL-9094.max.connections", "listener.name.a.plain.scram.sasl.jaas.config", "Listener.name.a.max.connections",
		"", "num.partitions ", "NUM.PARTITIONS",
	} {
		if o, ok := v.Option(name); ok {
			t.Errorf("%q is %v", name, o)
		}
	}
	if _, ok := (Version{}).Option("num.partitions"); ok {
		t.Error("no version has an option")
	}
	if all := (Version{}).Options(); len(all) != 0 {
		t.Errorf("no version has %d options", len(all))
	}
}

func TestScopes(t *testing.T) {
	for scope, want := range map[Scope]string{ReadOnly: "read-only", ClusterWide: "cluster-wide", PerBroker: "per-broker", PerListener: "per-listener"} {
		if got := scope.String(); got != want {
			t.Errorf("%d is %s, want %s", scope, got, want)
		}
	}
	// The number of options that a broker takes without a restart. It tells a change of the tables from a loss.
	for number, want := range map[string]int{"3.9.2": 52, "4.0.2": 54, "4.1.2": 54, "4.2.2": 56, "4.3.1": 61} {
		n := 0
		for _, o := range must(t, number).Options() {
			if o.Scope == ClusterWide {
				n++
			}
		}
		if n != want {
			t.Errorf("Kafka %s: %d options are cluster-wide, want %d", number, n, want)
		}
	}
}

func TestSplit(t *testing.T) {
	restart, broker, cluster := Default().Split(map[string]string{
		"log.retention.ms":                                 "1000",
		"num.io.threads":                                   "16",
		"num.partitions":                                   "3",
		"ssl.cipher.suites":                                "TLS_AES_128_GCM_SHA256",
		"plugin.of.mine":                                   "x",
		"principal.builder.class":                          "a.B",
		"ssl.keystore.location":                            "/a",
		"config.providers":                                 "env",
		"config.providers.env.class":                       "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
		"listener.name.tls-9093.ssl.keystore.location":     "/a",
		"listener.name.tls-9093.max.connections":           "10",
		"listener.name.tls-9093.plain.sasl.jaas.config":    "x",
		"listener.name.tls-9093.connections.max.reauth.ms": "1",
	})
	for name, c := range map[string]struct {
		got  map[string]string
		want []string
	}{
		"restart": {restart, []string{
			"num.partitions", "ssl.cipher.suites", "plugin.of.mine", "principal.builder.class", "ssl.keystore.location", "config.providers",
			"config.providers.env.class", "listener.name.tls-9093.plain.sasl.jaas.config", "listener.name.tls-9093.connections.max.reauth.ms",
		}},
		"broker":  {broker, []string{"listener.name.tls-9093.ssl.keystore.location"}},
		"cluster": {cluster, []string{"log.retention.ms", "num.io.threads", "listener.name.tls-9093.max.connections"}},
	} {
		if len(c.got) != len(c.want) {
			t.Errorf("%s: %v", name, c.got)
		}
		for _, key := range c.want {
			if c.got[key] == "" {
				t.Errorf("%s lacks %s", name, key)
			}
		}
	}
}

// TestSplitLosesNothing splits every option of every version, and then some.
func TestSplitLosesNothing(t *testing.T) {
	for _, v := range Versions() {
		config := map[string]string{"": "a", "unknown": "b", "listener.name.x.unknown": "c"}
		for _, o := range v.Options() {
			config[o.Name] = o.Name
			config["listener.name.x-1."+o.Name] = o.Name
		}
		restart, broker, cluster := v.Split(config)
		if n := len(restart) + len(broker) + len(cluster); n != len(config) {
			t.Errorf("Kafka %s: %d settings became %d", v, len(config), n)
		}
		all := maps.Clone(restart)
		maps.Copy(all, broker)
		maps.Copy(all, cluster)
		if !maps.Equal(all, config) {
			t.Errorf("Kafka %s: the parts are not the whole", v)
		}
	}
}
