//go:build !kafka

package conformance

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// developmentBroker tells that the Kafka behind our bridges is not a real one.
const developmentBroker = true

// startRig starts development brokers in this process: one that lets everybody
// in, and one where a user named weak may do nothing.
func startRig(t *testing.T) rig {
	t.Helper()
	open := cluster(t, kfake.NumBrokers(1), kfake.DefaultNumPartitions(1))
	guarded := cluster(t, kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "admin", "admin-secret"), kfake.User("PLAIN", "weak", "weak-secret"),
		kfake.SeedTopics(1, guardedTopic))
	login := func(password string) []string {
		return []string{
			"kafka.bootstrap.servers=" + guarded, "kafka.security.protocol=SASL_PLAINTEXT", "kafka.sasl.mechanism=PLAIN",
			`kafka.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="weak" password="` + password + `";`,
		}
	}
	creating := func() string {
		return cluster(t, kfake.NumBrokers(1), kfake.DefaultNumPartitions(1), kfake.AllowAutoTopicCreation())
	}
	return rig{bootstrap: open, creating: creating, denied: login("weak-secret"), refused: login("wrong-secret")}
}

func cluster(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()[0]
}
