package cluster_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// TestFactorsAndBrokers: each number of copies is refused above the number of brokers, and taken at it, with the numbers in words.
func TestFactorsAndBrokers(t *testing.T) {
	for _, key := range []string{
		"default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
		"share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr",
	} {
		for brokers := int32(1); brokers <= 3; brokers++ {
			r := scaled(t, resources(t, small), cluster.VirtualPool, brokers)
			r.Kafka.Spec.Kafka.Config = nil
			c, _ := mustFor(t, set(r, map[string]string{key: fmt.Sprint(brokers)}))
			if c.Shared[key] != fmt.Sprint(brokers) {
				t.Errorf("%s: %s of %d brokers", key, c.Shared[key], brokers)
			}
			_, _, err := cluster.For(set(r, map[string]string{key: fmt.Sprint(brokers + 1)}))
			refused(t, err, "spec.kafka.config."+key, fmt.Sprintf("%d is more than the number of brokers, which is %d: write %d at most", brokers+1, brokers, brokers))
		}
	}
	r := resources(t, pooled) // three controllers and three brokers: controllers hold no copies
	_, _, err := cluster.For(set(r, map[string]string{"default.replication.factor": "4"}))
	refused(t, err, "spec.kafka.config.default.replication.factor", "the number of brokers, which is 3")
}

// TestFactorsAfterScaling: brokers that stay because of their replicas still count.
func TestFactorsAfterScaling(t *testing.T) {
	down := scaled(t, running(t, pooled), "b", 2)
	down.Observed.Occupied = map[int32]bool{5: true}
	mustFor(t, down)
	down.Observed.Occupied = map[int32]bool{}
	_, _, err := cluster.For(down)
	refused(t, err, "spec.kafka.config.default.replication.factor", "3 is more than the number of brokers, which is 2")
}

// TestBadValues: a value that Kafka would not start with is refused by its key, with what it may be.
func TestBadValues(t *testing.T) {
	for _, c := range []struct{ key, value, text string }{
		{"num.io.threads", "0", "0 is not"},
		{"num.io.threads", `"many"`, `"many" is not a whole number`},
		{"min.insync.replicas", "0", "0 is not between 1 and 2147483647"},
		{"num.io.threads", "2147483648", "2147483648"},
		{"num.io.threads", "1.5", "is not a whole number"},
		{"auto.create.topics.enable", `"yes"`, "true"},
		{"compression.type", `"zip"`, "gzip"},
		{"log.cleanup.policy", `"compress"`, "compact"},
		{"log.message.timestamp.type", `"Now"`, "CreateTime"},
		{"default.replication.factor", `""`, `"" is not a whole number`},
		{"num.io.threads", "null", "is neither a text, a number, a boolean nor a list of them"},
		{"num.io.threads", `{"a":1}`, "is neither a text"},
		{"num.io.threads", `[[1]]`, "is neither a text"},
	} {
		_, _, err := cluster.For(set(resources(t, small), map[string]string{c.key: c.value}))
		if err == nil {
			t.Errorf("%s=%s is taken", c.key, c.value)
			continue
		}
		refused(t, err, "spec.kafka.config."+c.key, c.text)
	}
}

// TestPlaceholdersOfNobody: what steg-node would end at is refused, and what it or Kafka knows is not.
func TestPlaceholdersOfNobody(t *testing.T) {
	for _, bad := range []string{"${node.bogus}", "a${pod.ip}b", "${steg.env:A}", "${steg.file:/etc/passwd}", "${steg.file:/etc/steg/../passwd}"} {
		_, _, err := cluster.For(set(resources(t, small), map[string]string{"my.plugin": `"` + bad + `"`}))
		refused(t, err, "spec.kafka", "my.plugin")
	}
	for _, good := range []string{"${node.id}", "${pod.name}", "${node.address}", "${strimzidir:/mnt/a:b}", "${file:/x:y}", "$(A)", "${", "${node.id", "${env:A}-${node.id}"} {
		if _, _, err := cluster.For(set(resources(t, small), map[string]string{"my.plugin": `"` + good + `"`})); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// TestJavaAndNode: whatever is taken of jvmOptions is taken by steg-node too, which would end otherwise, and nothing is refused
// that people write.
func TestJavaAndNode(t *testing.T) {
	for _, c := range []struct {
		name, value string
		taken       bool
	}{
		{"UseG1GC", "true", true},
		{"MaxGCPauseMillis", `"20"`, true},
		{"MaxGCPauseMillis", "20", true},
		{"HeapDumpPath", `"/var/lib/kafka/data/dump-%p.hprof"`, true},
		{"MaxRAMPercentage", "62.5", true},
		{"OnOutOfMemoryError", `"kill -9 %p"`, false},
		{"OnOutOfMemoryError", `"a\"b"`, false},
		{"A", `"a\\b"`, false},
		{"A", `"{x}"`, false},
		{"A", `"a&b"`, false},
		{"A", `"<a>"`, false},
		{"A", `"ä"`, false},
		{"A", `["1"]`, false},
		{"A", `{"a":1}`, false},
		{"A", "null", false},
		{"Max-GC", "1", false},
		{"+UseG1GC", "true", false},
		{"9Lives", "1", false},
		{"Größe", "1", false},
		{"A=B", "1", false},
	} {
		r := resources(t, small)
		r.Kafka.Spec.Kafka.JvmOptions = &v1.JvmOptions{XX: setting(c.name, c.value)}
		_, _, err := cluster.For(r)
		text, _ := json.Marshal(r.Kafka.Spec.Kafka.JvmOptions)
		_, nodes := config.ParseJVMOptions(string(text))
		if (err == nil) != c.taken || err == nil && nodes != nil {
			t.Errorf("%s=%s: %v, and steg-node says %v", c.name, c.value, err, nodes)
		}
		if err != nil && !strings.Contains(err.Error(), "spec.kafka.jvmOptions.-XX") {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
	for name, taken := range map[string]bool{"a.b": true, "a b": false, "a\rb": false, "a\u00a0b": false, "a=b": false, "": false, "ä": true} {
		r := resources(t, small)
		r.Kafka.Spec.Kafka.JvmOptions = &v1.JvmOptions{JavaSystemProperties: []v1.SystemProperty{{Name: name, Value: "any <&> \"text\"\n"}}}
		_, _, err := cluster.For(r)
		text, _ := json.Marshal(r.Kafka.Spec.Kafka.JvmOptions)
		if _, nodes := config.ParseJVMOptions(string(text)); (err == nil) != taken || err == nil && nodes != nil {
			t.Errorf("property %q: %v, and steg-node says %v", name, err, nodes)
		}
	}
	for size, taken := range map[string]bool{"512m": true, "2g": true, "1024": true, "1G": true, "0": false, "5mm": false, "1t": false, "-1": false, "m": false, "1.5g": false, "99999999g": false} {
		r := resources(t, small)
		r.Kafka.Spec.Kafka.JvmOptions = &v1.JvmOptions{Xmx: size}
		_, _, err := cluster.For(r)
		if _, nodes := config.ParseJVMOptions(`{"-Xmx":"` + size + `"}`); (err == nil) != taken || err == nil && nodes != nil {
			t.Errorf("-Xmx%s: %v, and steg-node says %v", size, err, nodes)
		}
	}
}

// TestDaysOfAuthorities: as long as is said, and no number that turns into another one.
func TestDaysOfAuthorities(t *testing.T) {
	for days, taken := range map[int32]bool{31: true, 365: true, 36500: true, 100_000: true, 100_001: false, 106_752: false, 213_504: false, 250_000: false, 2147483647: false, -1: false} {
		r := resources(t, small)
		r.Kafka.Spec.ClusterCa = &v1.CertificateAuthority{ValidityDays: &days}
		c, _, err := cluster.For(r)
		if !taken {
			refused(t, err, "spec.clusterCa.validityDays", fmt.Sprintf("%d is not at least 1 and at most 100000", days))
		} else if err != nil || c.ClusterCA.Validity != time.Duration(days)*24*time.Hour {
			t.Errorf("%d days: %s, %v", days, c.ClusterCA.Validity, err)
		}
	}
	r := resources(t, small)
	r.Kafka.Spec.ClientsCa = &v1.CertificateAuthority{RenewalDays: ptr(int32(250_000))}
	_, _, err := cluster.For(r)
	refused(t, err, "spec.clientsCa.renewalDays", "250000 is not at least 1 and at most 100000")
}

// TestOtherTypes: a field that is for another type of what it stands in is named, and the right one is not.
func TestOtherTypes(t *testing.T) {
	storage := func(kind string, s v1.StorageSettings) change {
		return func(k *v1.KafkaClusterSpec) {
			k.Storage = &v1.Storage{Type: kind, StorageSettings: s}
			if kind == v1.StorageJBOD {
				k.Storage.Volumes = []v1.JBODVolume{{Type: v1.StorageEphemeral}}
			}
		}
	}
	claim := v1.StorageSettings{Size: quantity("1Gi"), Class: "c", Selector: map[string]string{"a": "b"}, DeleteClaim: ptr(true), VolumeAttributesClass: "v"}
	levels := &v1.ExternalConfiguration{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{Key: "k"}}
	legacy := func(kind string) change {
		return func(k *v1.KafkaClusterSpec) {
			k.Authorization = &v1.KafkaAuthorization{Type: kind, AuthorizerClass: map[string]string{"custom": "C"}[kind]}
			k.Authorization.URL, k.Authorization.GrantsAlwaysLatest = "http://opa.example.com", ptr(true)
		}
	}
	oauth := func(kind string) change {
		return listener(func(l *v1.Listener) {
			l.TLS, l.Authentication = true, &v1.ListenerAuthentication{Type: kind}
			l.Authentication.ValidIssuerURI, l.Authentication.FailFast = "https://id.example.com", ptr(false)
		})
	}
	for _, c := range []struct {
		name   string
		do     change
		fields string // that have no effect
	}{
		{"claim", storage(v1.StoragePersistentClaim, claim), ""},
		{"ephemeral", storage(v1.StorageEphemeral, v1.StorageSettings{SizeLimit: quantity("1Gi")}), ""},
		{"ephemeral like a claim", storage(v1.StorageEphemeral, claim), "storage.size storage.class storage.selector storage.deleteClaim storage.volumeAttributesClass"},
		{"claim with a limit", storage(v1.StoragePersistentClaim, v1.StorageSettings{Size: quantity("1Gi"), SizeLimit: quantity("1Gi")}), "storage.sizeLimit"},
		{"jbod like a claim", storage(v1.StorageJBOD, claim), "storage.size storage.class storage.selector storage.deleteClaim storage.volumeAttributesClass"},
		{"id of a single volume", func(k *v1.KafkaClusterSpec) { k.Storage.ID = ptr(int32(0)) }, "storage.id"},
		{"rack", func(k *v1.KafkaClusterSpec) { k.Rack = &v1.Rack{TopologyKey: "zone", EnvVarName: "ZONE"} }, "rack.envVarName"},
		{"rack by a variable", func(k *v1.KafkaClusterSpec) {
			k.Rack = &v1.Rack{Type: v1.RackEnvironmentVariable, TopologyKey: "zone", EnvVarName: "ZONE"}
		}, "rack.topologyKey"},
		{"inline", func(k *v1.KafkaClusterSpec) { k.Logging = &v1.Logging{Type: v1.LoggingInline, ValueFrom: levels} }, "logging.valueFrom"},
		{"external", func(k *v1.KafkaClusterSpec) {
			k.Logging = &v1.Logging{Type: v1.LoggingExternal, ValueFrom: levels, Loggers: setting("a", `"INFO"`)}
		}, "logging.loggers"},
		{"simple", legacy(v1.AuthorizationSimple), "authorization.url authorization.grantsAlwaysLatest"},
		{"custom", legacy(v1.AuthorizationCustom), "authorization.url authorization.grantsAlwaysLatest"},
		{"tls", oauth(v1.AuthenticationTLS), "listeners[0].authentication.validIssuerUri listeners[0].authentication.failFast"},
		{"scram", oauth(v1.AuthenticationScramSHA512), "listeners[0].authentication.validIssuerUri listeners[0].authentication.failFast"},
		{"routes", func(k *v1.KafkaClusterSpec) {
			k.Template = &v1.KafkaClusterTemplate{ExternalBootstrapRoute: &v1.ResourceTemplate{}, PerPodRoute: &v1.ResourceTemplate{}, PerPodIngress: &v1.ResourceTemplate{}}
		}, "template.externalBootstrapRoute template.perPodRoute"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warnings := mustFor(t, with(t, c.do))
			found := 0
			for _, w := range warnings {
				if w.Reason == model.ReasonNoEffect {
					found++
				}
			}
			for _, field := range strings.Fields(c.fields) {
				if !warned(warnings, model.ReasonNoEffect, "spec.kafka."+field+" has no effect: ") {
					t.Errorf("%s is not named: %v", field, warnings)
				}
			}
			if found != len(strings.Fields(c.fields)) {
				t.Errorf("%d fields are named: %v", found, warnings)
			}
		})
	}
	r := resources(t, pooled)
	r.Pools[1].Spec.Template = &v1.KafkaNodePoolTemplate{PerPodRoute: &v1.ResourceTemplate{}}
	if _, warnings := mustFor(t, r); !warned(warnings, model.ReasonNoEffect, "KafkaNodePool b: spec.template.perPodRoute has no effect") {
		t.Errorf("%v", warnings)
	}
}
