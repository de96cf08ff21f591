//go:build envtest

package envtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// TestUserRightsAfterRoll: while brokers are rolled to get an authorizer the Kafka stays ready, and its users ask less and less
// often whether there is one. They have their rights at once when the roll is over, which only status.observedGeneration says.
func TestUserRightsAfterRoll(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	kafka := &v1.Kafka{}
	if err := w.read("my-cluster", kafka); err != nil {
		t.Fatal(err)
	}
	observed := func(generation int64) {
		t.Helper()
		kafka.Status.ObservedGeneration = generation
		kafka.Status.Conditions = []v1.Condition{{Type: v1.ConditionReady, Status: "True"}}
		if err := w.Status().Update(deadline(t), kafka); err != nil {
			t.Fatal(err)
		}
	}
	observed(kafka.Generation - 1)
	begin := w.kafka.Rewrite(kmsg.DescribeACLs, func(r kmsg.Response) {
		resp := r.(*kmsg.DescribeACLsResponse)
		resp.ErrorCode, resp.Resources = kerr.SecurityDisabled.Code, nil
	})
	defer begin()
	w.newUser("my-app", "scram-sha-512", nil)
	w.userIs(w.namespace, "my-app", "NotReady KafkaError: Kafka checks no rights yet: they are given when it does")
	until(t, "six passes, after which the pause is more than six seconds", func() (bool, string) {
		n := w.metric("strimzi_reconciliations_total")
		return n >= 6, fmt.Sprint(n)
	})

	t.Log("the roll is over")
	begin()
	over := time.Now()
	observed(kafka.Generation)
	w.userIs(w.namespace, "my-app", "Ready")
	if took := time.Since(over); took > 3*time.Second {
		t.Errorf("the user had its rights after %s", took.Round(time.Millisecond))
	}
	w.inKafka("my-app", "my-app ALLOW READ on TOPIC orders", "password")
}
