package kafkaconf

import (
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
)

func TestForbidden(t *testing.T) {
	for key, want := range map[string]bool{
		"listeners": true, "listener.security.protocol.map": true, "advertised.listeners": true, "advertised.host.name": true,
		"broker.id": true, "broker.rack": true, "broker.id.generation.enable": true, "node.id": true, "process.roles": true,
		"host.name": true, "port": true, "inter.broker.listener.name": true, "sasl.enabled.mechanisms": true,
		"ssl.keystore.location": true, "ssl.client.auth": true, "security.inter.broker.protocol": true, "security.providers": true,
		"password.encoder.secret": true, "log.dir": true, "log.dirs": true, "log.dir.failure.timeout.ms": true,
		"metadata.log.dir": true, "cordoned.log.dirs": true, "authorizer.class.name": true, "super.users": true,
		"controller.quorum.voters": true, "controller.listener.names": true, "controller.quota.window.num": true,
		"zookeeper.connect": true, "zookeeper.ssl.client.enable": true, "zookeeper.set.acl": true,
		"zookeeper.clientCnxnSocket": true, "zookeeper.metadata.migration.enable": true,
		"cruise.control.metrics.topic": true, "cruise.control.metrics.reporter.bootstrap.servers": true,
		"client.quota.callback.static.produce": true, "prometheus.metrics.reporter.port": true,
		"SSL.KeyStore.Location": true, "Listeners": true,

		"broker.session.timeout.ms": false, "broker.heartbeat.interval.ms": false, "controller.socket.timeout.ms": false,
		"controller.quorum.election.timeout.ms": false, "controller.quorum.fetch.timeout.ms": false,
		"controller.quorum.election.backoff.max.ms": false, "ssl.cipher.suites": false, "ssl.protocol": false,
		"ssl.enabled.protocols": false, "ssl.secure.random.implementation": false, "sasl.server.max.receive.size": false,
		"zookeeper.connection.timeout.ms": false, "cruise.control.metrics.topic.num.partitions": false,
		"SSL.Protocol": true, // an exception counts in its own case

		"num.partitions": false, "log.retention.ms": false, "metadata.log.segment.bytes": false, "principal.builder.class": false,
		"min.insync.replicas": false, "early.start.listeners": false, "metric.reporters": false, "": false, "li": false,

		"listener.name.external-9094.max.connections":              false,
		"listener.name.external-9094.max.connection.creation.rate": false,
		"listener.name.external-9094.connections.max.reauth.ms":    false,
		"listener.name.external-9094.ssl.keystore.location":        true,
		"listener.name.external-9094.num.network.threads":          true,
		"listener.name..max.connections":                           true,
		"listener.name.a.b.max.connections":                        true,
	} {
		if got := Forbidden(key); got != want {
			t.Errorf("Forbidden(%q) = %t", key, got)
		}
	}
}

func TestListenerOption(t *testing.T) {
	listener, option, ok := ListenerOption("listener.name.external-9094.max.connections")
	if listener != "external-9094" || option != "max.connections" || !ok {
		t.Errorf("%q %q %t", listener, option, ok)
	}
	for _, key := range []string{"max.connections", "listener.name.a.ssl.protocol", "listener.name.a", "listener.name.a.max.connections.x", ""} {
		if listener, option, ok := ListenerOption(key); ok || listener != "" || option != "" {
			t.Errorf("%q: %q %q %t", key, listener, option, ok)
		}
	}
}

func TestForbiddenInListener(t *testing.T) {
	for key, want := range map[string]bool{
		"ssl.keystore.location": true, "ssl.keystore.type": true, "SSL.KEYSTORE.KEY": true,
		"ssl.truststore.location": false, "ssl.client.auth": false, "sasl.enabled.mechanisms": false, "ssl.keystore": false, "": false,
	} {
		if got := ForbiddenInListener(key); got != want {
			t.Errorf("ForbiddenInListener(%q) = %t", key, got)
		}
	}
}

// TestWordsAreLowerCase keeps the comparison with a lower-case key able to succeed.
func TestWordsAreLowerCase(t *testing.T) {
	for _, words := range []string{forbiddenPrefixes, forbiddenOfAuthentication} {
		if words != strings.ToLower(words) {
			t.Errorf("%q is not in lower case", words)
		}
	}
}

// TestForbiddenOptions shows what the rules come to for the options that there are.
func TestForbiddenOptions(t *testing.T) {
	var out strings.Builder
	for _, o := range Default().Options() {
		if Forbidden(o.Name) {
			out.WriteString(o.Name + "\n")
		}
	}
	golden.Equal(t, "forbidden.txt", []byte(out.String()))
}
