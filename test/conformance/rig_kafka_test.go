//go:build kafka

package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/steg-kafka/steg/test/kafkarig"
	"github.com/twmb/franz-go/pkg/kadm"
)

// developmentBroker tells that the Kafka behind our bridges is not a real one.
const developmentBroker = false

// startRig starts a broker of Apache Kafka with the stock delay of a group's
// first rebalance, which lets everybody in on one listener and knows a user
// without rights on another.
func startRig(t *testing.T) rig {
	t.Helper()
	r := kafkarig.New(t, kafkarig.Options{
		SASL: true, RebalanceDelay: 3 * time.Second, Config: map[string]string{"auto.create.topics.enable": "false"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), ordinary)
	defer cancel()
	if _, err := kadm.NewClient(r.Client(t)).CreateTopic(ctx, 1, 1, nil, guardedTopic); err != nil {
		t.Fatal(err)
	}
	login := func(password string) []string {
		return []string{
			"kafka.bootstrap.servers=" + r.Bootstrap(kafkarig.SCRAM), "kafka.security.protocol=SASL_PLAINTEXT", "kafka.sasl.mechanism=SCRAM-SHA-512",
			`kafka.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="` + kafkarig.OrdinaryUser + `" password="` + password + `";`,
		}
	}
	creating := func() string {
		return kafkarig.New(t, kafkarig.Options{Heap: "256m", Config: map[string]string{"auto.create.topics.enable": "true"}}).Bootstrap(kafkarig.Plain)
	}
	return rig{bootstrap: r.Bootstrap(kafkarig.Plain), creating: creating, denied: login(kafkarig.OrdinaryPassword), refused: login("wrong")}
}
