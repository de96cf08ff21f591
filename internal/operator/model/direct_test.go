package model_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// decoded reads a resource's YAML.
func decoded[T any](t *testing.T, text string) *T {
	t.Helper()
	into := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatal(err)
	}
	return into
}

const (
	plainListener = "{name: plain, port: 9092, type: internal, tls: false}"
	tlsListener   = "{name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}"
	nodeListener  = "{name: external, port: 9094, type: nodeport, tls: true, authentication: {type: tls}}"
	ownListener   = "{name: own, port: 9095, type: cluster-ip, tls: true, authentication: {type: scram-sha-512}, configuration: {brokerCertChainAndKey: {secretName: mine, certificate: tls.crt, key: tls.key}}}"
	bareListener  = "{name: bare, port: 9096, type: internal, tls: false, authentication: {type: tls}}"
)

// direct asks for a Kafka of namespace kafka as a user of the given authentication, which may be none; without one there is no
// user.
func direct(t *testing.T, namespace, auth string, listeners ...string) (*v1.KafkaBridge, error) {
	t.Helper()
	r := model.DirectResources{Namespace: namespace}
	r.Kafka = decoded[v1.Kafka](t, "{metadata: {name: my-cluster, namespace: kafka}, spec: {kafka: {listeners: ["+strings.Join(listeners, ", ")+"]}}}")
	if auth != "" {
		r.User = decoded[v1.KafkaUser](t, "{metadata: {name: my-app, namespace: kafka, labels: {strimzi.io/cluster: my-cluster}}, spec: {authentication: {type: "+auth+"}}, status: {secret: prefix-my-app}}")
	}
	if auth == "none" {
		r.User.Spec.Authentication, r.User.Status.Secret = nil, ""
	}
	return model.Direct(r)
}

// TestDirect: the listener, who is trusted, and the user's Secret are found without a KafkaBridge.
func TestDirect(t *testing.T) {
	all := []string{nodeListener, bareListener, plainListener, tlsListener, ownListener}
	for name, c := range map[string]struct{ namespace, auth, want string }{
		"certificate": {"kafka", "tls", `{replicas: 0, bootstrapServers: "my-cluster-kafka-bootstrap.kafka.svc:9093",
			tls: {trustedCertificates: [{secretName: my-cluster-cluster-ca-cert, pattern: "*.crt"}]},
			authentication: {type: tls, certificateAndKey: {secretName: prefix-my-app, certificate: user.crt, key: user.key}}}`},
		"password": {"kafka", "scram-sha-512", `{replicas: 0, bootstrapServers: "my-cluster-kafka-own-bootstrap.kafka.svc:9095",
			tls: {trustedCertificates: [{secretName: mine, certificate: tls.crt}]},
			authentication: {type: scram-sha-512, username: my-app, passwordSecret: {secretName: prefix-my-app, password: password}}}`},
		"nobody":                 {"kafka", "", `{replicas: 0, bootstrapServers: "my-cluster-kafka-bootstrap.kafka.svc:9092"}`},
		"no authentication, far": {"shop", "none", `{replicas: 0, bootstrapServers: "my-cluster-kafka-bootstrap.kafka.svc:9092"}`},
		"another namespace": {"shop", "tls", `{replicas: 0, bootstrapServers: "my-cluster-kafka-bootstrap.kafka.svc:9093",
			tls: {trustedCertificates: [{secretName: my-app.kafka-2629e3c2, certificate: cluster-ca.crt}]},
			authentication: {type: tls, certificateAndKey: {secretName: my-app.kafka-2629e3c2, certificate: user.crt, key: user.key}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			bridge, err := direct(t, c.namespace, c.auth, all...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*decoded[v1.KafkaBridgeSpec](t, c.want), bridge.Spec); diff != "" {
				t.Error(diff)
			}
			if bridge.Namespace != c.namespace || bridge.Name != "my-cluster" {
				t.Errorf("it is %s/%s", bridge.Namespace, bridge.Name)
			}
			if _, _, err := model.ForBridge(model.BridgeResources{Bridge: bridge, DefaultImage: "i"}); err != nil {
				t.Errorf("no sidecar can be made of it: %v", err)
			}
		})
	}
}

// TestDirectRefused: what can't be is told with what to change, and where.
func TestDirectRefused(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, auth string
		listeners       []string
		want            string
	}{
		"no listener for the user": {"kafka", "tls", []string{plainListener, nodeListener}, "no internal listener of Kafka my-cluster is for KafkaUser my-app (authentication tls): add one to spec.kafka.listeners, such as {name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}"},
		"nobody is let in":         {"kafka", "", []string{tlsListener}, "every listener of Kafka my-cluster for pods asks who connects: name a KafkaUser in the annotation steg.dev/user"},
		"somebody else's":          {"kafka", "tls-external", []string{tlsListener}, "KafkaUser my-app has a certificate that the operator does not know (tls-external): write a KafkaBridge, and its name into the label steg.dev/bridge"},
		"own certificate, far":     {"shop", "scram-sha-512", []string{ownListener}, "listener own of Kafka my-cluster has a certificate of its own, which pods of other namespaces can't check: write a KafkaBridge, and its name into the label steg.dev/bridge"},
		"no Secret, far":           {"shop", "none", []string{"{name: open, port: 9097, type: internal, tls: true}", plainListener}, "KafkaUser my-app has no authentication and so no Secret, which would tell pods of other namespaces the authority of Kafka my-cluster: write a KafkaBridge, and its name into the label steg.dev/bridge"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := direct(t, c.namespace, c.auth, c.listeners...); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestDirectOtherCluster: a user of another Kafka is no user of this one.
func TestDirectOtherCluster(t *testing.T) {
	r := model.DirectResources{
		Namespace: "kafka",
		Kafka:     decoded[v1.Kafka](t, "{metadata: {name: my-cluster, namespace: kafka}, spec: {kafka: {listeners: ["+tlsListener+"]}}}"),
		User:      decoded[v1.KafkaUser](t, "{metadata: {name: my-app, namespace: kafka, labels: {strimzi.io/cluster: other}}, spec: {authentication: {type: tls}}}"),
	}
	const want = `KafkaUser my-app belongs to Kafka "other" (its label strimzi.io/cluster), not to my-cluster: correct the pod's label steg.dev/cluster`
	if _, err := model.Direct(r); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestDirectSecretPrefix: before the KafkaUser has a status, its Secret's name follows from the Kafka, as the user operator's
// does.
func TestDirectSecretPrefix(t *testing.T) {
	r := model.DirectResources{
		Namespace: "kafka",
		Kafka:     decoded[v1.Kafka](t, "{metadata: {name: my-cluster, namespace: kafka}, spec: {kafka: {listeners: ["+tlsListener+"]}, entityOperator: {userOperator: {secretPrefix: of-}}}}"),
		User:      decoded[v1.KafkaUser](t, "{metadata: {name: my-app, namespace: kafka, labels: {strimzi.io/cluster: my-cluster}}, spec: {authentication: {type: tls}}}"),
	}
	for status, want := range map[string]string{"": "of-my-app", "former-my-app": "former-my-app"} {
		r.User.Status.Secret = status
		bridge, err := model.Direct(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := bridge.Spec.Authentication.CertificateAndKey.SecretName; got != want {
			t.Errorf("with status.secret %q it is %s, want %s", status, got, want)
		}
	}
}
