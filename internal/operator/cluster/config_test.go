package cluster_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// set adds settings to spec.kafka.config, each a JSON value.
func set(r cluster.Resources, settings map[string]string) cluster.Resources {
	r.Kafka = r.Kafka.DeepCopy()
	config := v1.Config{}
	maps.Copy(config, r.Kafka.Spec.Kafka.Config)
	for key, value := range settings {
		one := config[key]
		if err := json.Unmarshal([]byte(value), &one); err != nil {
			panic(err)
		}
		config[key] = one
	}
	r.Kafka.Spec.Kafka.Config = config
	return r
}

// TestConfig: which settings go where.
func TestConfig(t *testing.T) {
	for _, c := range []struct {
		key, value   string
		want         string // in the end, empty: left out
		reason, warn string
	}{
		{"log.retention.hours", "24", "24", "", ""},
		{"log.retention.hours", `"24"`, "24", "", ""},
		{"auto.create.topics.enable", "false", "false", "", ""},
		{"log.cleanup.policy", `["compact","delete"]`, "compact,delete", "", ""},
		{"listeners", `"PLAIN://:9092"`, "", model.ReasonForbiddenFields, "listeners is left out: only the operator sets it"},
		{"zookeeper.connect", `"x"`, "", model.ReasonForbiddenFields, "there is no ZooKeeper"},
		{"node.id", "7", "", model.ReasonForbiddenFields, "node.id"},
		{"inter.broker.protocol.version", `"3.1"`, "", cluster.ReasonInterBroker, "spec.kafka.metadataVersion"},
		{"log.message.format.version", `"3.1"`, "", cluster.ReasonMessageFormat, "newest format"},
		{"my.plugin", `"x"`, "x", cluster.ReasonUnknownOption, "my.plugin"},
		{"num.partition", "3", "3", cluster.ReasonUnknownOption, "num.partitions"},
		{"ssl.cipher.suites", `"TLS_AES_256_GCM_SHA384"`, "TLS_AES_256_GCM_SHA384", "", ""},
		{"controller.quorum.append.linger.ms", "0", "0", "", ""},
		{"min.insync.replicas", "3", "3", "", ""},
		{"min.insync.replicas", "4", "4", cluster.ReasonMinISR, "nobody can write with acks=all"},
		{"num.io.threads", `"${strimzienv:THREADS}"`, "${strimzienv:THREADS}", "", ""},
	} {
		t.Run(c.key+"="+c.value, func(t *testing.T) {
			got, warnings := mustFor(t, set(resources(t, small), map[string]string{c.key: c.value}))
			value, ok := got.Shared[c.key]
			if value != c.want || ok != (c.want != "") {
				t.Errorf("%q", value)
			}
			if c.reason == "" && len(warnings) > 0 || c.reason != "" && !warned(warnings, c.reason, c.warn) {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

// TestDynamicSettings: what Kafka changes while it runs restarts nobody, and what it does not does.
func TestDynamicSettings(t *testing.T) {
	base, _ := mustFor(t, resources(t, small))
	for key, c := range map[string]struct {
		value   string
		dynamic bool
	}{
		"message.max.bytes": {"2000000", true},
		"num.io.threads":    {"9", true},
		"num.partitions":    {"9", false},
		"my.plugin":         {`"x"`, false},
		"log.retention.ms":  {`"${strimzienv:RETENTION}"`, false},
		"listener.name.plain-9092.max.connections":              {"9", true},
		"listener.name.plain-9092.max.connection.creation.rate": {"9", true},
	} {
		got, _ := mustFor(t, set(resources(t, small), map[string]string{key: c.value}))
		restart := got.Pools[0].Nodes[0].ConfigurationHash != base.Pools[0].Nodes[0].ConfigurationHash
		if restart == c.dynamic || (got.DynamicHash != base.DynamicHash) != c.dynamic {
			t.Errorf("%s: restart=%v, other dynamic settings=%v", key, restart, got.DynamicHash != base.DynamicHash)
		}
		if _, ok := got.ClusterWide[key]; ok != c.dynamic {
			if _, ok := got.PerBroker[key]; ok != c.dynamic {
				t.Errorf("%s is in %v and %v", key, got.ClusterWide, got.PerBroker)
			}
		}
	}
}

// TestListenersRestart: how clients are let in is read at the start only, but for the limits of a listener.
func TestListenersRestart(t *testing.T) {
	base, _ := mustFor(t, resources(t, small))
	for name, c := range map[string]struct {
		change  change
		restart bool
	}{
		"authentication": {listener(func(l *v1.Listener) {
			l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationScramSHA512}
		}), true},
		"another one": {func(k *v1.KafkaClusterSpec) {
			k.Listeners = append(k.Listeners, v1.Listener{Name: "more", Port: 9093, Type: v1.ListenerInternal})
		}, true},
		"limit": {listener(func(l *v1.Listener) { l.Configuration = &v1.ListenerConfiguration{MaxConnections: ptr(int32(5))} }), false},
		"authorization": {func(k *v1.KafkaClusterSpec) {
			k.Authorization = &v1.KafkaAuthorization{Type: v1.AuthorizationSimple}
		}, true},
	} {
		got, _ := mustFor(t, with(t, c.change))
		if restart := got.Pools[0].Nodes[0].ConfigurationHash != base.Pools[0].Nodes[0].ConfigurationHash; restart != c.restart {
			t.Errorf("%s: restart=%v", name, restart)
		}
	}
}

// TestReplication: the internal topics fit a small cluster unless the user says otherwise.
func TestReplication(t *testing.T) {
	const offsets, state, stateISR = "offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr"
	for _, c := range []struct {
		name    string
		brokers int32
		config  map[string]string
		want    map[string]string
	}{
		{"one", 1, nil, map[string]string{offsets: "1", state: "1", stateISR: "1"}},
		{"two", 2, nil, map[string]string{offsets: "2", state: "2", stateISR: ""}},
		{"three", 3, nil, map[string]string{offsets: "", state: "", stateISR: ""}},
		{"three, one wanted", 3, map[string]string{state: "1"}, map[string]string{offsets: "", state: "1", stateISR: "1"}},
		{"all said", 1, map[string]string{offsets: "1", state: "1", stateISR: "1"}, map[string]string{offsets: "1", state: "1", stateISR: "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := scaled(t, resources(t, small), cluster.VirtualPool, c.brokers)
			r.Kafka.Spec.Kafka.Config = nil
			r = set(r, c.config)
			got, warnings := mustFor(t, r)
			for key, want := range c.want {
				if got.Shared[key] != want {
					t.Errorf("%s=%s", key, got.Shared[key])
				}
			}
			if got.Shared["min.insync.replicas"] != "1" {
				t.Errorf("min.insync.replicas=%s", got.Shared["min.insync.replicas"])
			}
			for _, reason := range []string{cluster.ReasonReplication, cluster.ReasonMinISR} {
				if warned(warnings, reason, "is missing") != (c.brokers > 1) {
					t.Errorf("%s: %v", reason, warnings)
				}
			}
		})
	}
}

// TestLinger: the wait before a change of metadata is short unless the user wants it otherwise.
func TestLinger(t *testing.T) {
	const key = "controller.quorum.append.linger.ms"
	c, _ := mustFor(t, resources(t, small))
	if c.Shared[key] != "1" {
		t.Error(c.Shared[key])
	}
	c, _ = mustFor(t, set(resources(t, small), map[string]string{key: "25"}))
	if c.Shared[key] != "25" {
		t.Error(c.Shared[key])
	}
}

// TestProviders declares the config providers that are used, and adds them to the user's own.
func TestProviders(t *testing.T) {
	const class = "org.apache.kafka.common.config.provider."
	c, _ := mustFor(t, set(resources(t, small), map[string]string{
		"my.a": `"${strimzifile:/mnt/a:b}"`, "my.b": `"${strimzidir:/mnt/a:b}"`, "config.providers": `"own"`, "config.providers.own.class": `"org.example.Own"`,
	}))
	for key, want := range map[string]string{
		"config.providers":                                "strimzifile,strimzidir,own",
		"config.providers.strimzifile.class":              class + "FileConfigProvider",
		"config.providers.strimzidir.class":               class + "DirectoryConfigProvider",
		"config.providers.strimzidir.param.allowed.paths": "/opt/kafka,/mnt,/etc/steg",
		"config.providers.strimzienv.class":               "",
		"config.providers.own.class":                      "org.example.Own",
	} {
		if c.Shared[key] != want {
			t.Errorf("%s=%s", key, c.Shared[key])
		}
	}
}

// TestQuotas: Kafka's own are taken, those of a plugin have no effect.
func TestQuotas(t *testing.T) {
	r := resources(t, small)
	r.Kafka.Spec.Kafka.Quotas = &v1.KafkaQuotas{Type: v1.QuotasKafka, ProducerByteRate: ptr(int64(5)), ExcludedPrincipals: []string{"x"}}
	c, warnings := mustFor(t, r)
	if c.Quotas == nil || *c.Quotas.ProducerByteRate != 5 || !warned(warnings, model.ReasonNoEffect, "excludedPrincipals") {
		t.Errorf("%v %v", c.Quotas, warnings)
	}
	r.Kafka.Spec.Kafka.Quotas = &v1.KafkaQuotas{Type: v1.QuotasStrimzi}
	c, warnings = mustFor(t, set(r, map[string]string{"client.quota.callback.class": `"org.example.Quotas"`}))
	if c.Quotas != nil || !warned(warnings, model.ReasonNoEffect, "spec.kafka.quotas of type strimzi") || !warned(warnings, cluster.ReasonQuotas, "") {
		t.Errorf("%v %v", c.Quotas, warnings)
	}
}

// TestPlainSecrets: a secret among the settings is warned of, and not repeated; a reference is none.
func TestPlainSecrets(t *testing.T) {
	const login = "org.apache.kafka.common.security.plain.PlainLoginModule required "
	r := with(t, listener(func(l *v1.Listener) {
		l.Authentication = &v1.ListenerAuthentication{Type: v1.AuthenticationCustom, SASL: ptr(true)}
	}))
	for value, warn := range map[string]bool{
		login + `user_a=\"x\" password=\"hunter2\";`: true, login + `password=\"${strimzidir:/mnt/a:b}\";`: false, login + ";": false,
	} {
		r.Kafka.Spec.Kafka.Listeners[0].Authentication.ListenerConfig = setting("plain.sasl.jaas.config", `"`+value+`"`)
		_, warnings := mustFor(t, r)
		if warned(warnings, model.ReasonPlainSecret, "listenerConfig.plain.sasl.jaas.config holds a secret") != warn {
			t.Errorf("%s: %v", value, warnings)
		}
		for _, w := range warnings {
			if strings.Contains(w.Message, "hunter2") {
				t.Error("the secret is repeated")
			}
		}
	}
	for key, warn := range map[string]bool{"my.plugin.password": true, "my.plugin.secret": true, "my.plugin.user": false} {
		_, warnings := mustFor(t, set(resources(t, small), map[string]string{key: `"hunter2"`}))
		if warned(warnings, model.ReasonPlainSecret, key) != warn {
			t.Errorf("%s: %v", key, warnings)
		}
	}
}
