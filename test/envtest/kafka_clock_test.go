//go:build envtest

package envtest

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
)

// TestKafkaClock: an operator whose clock is a day ahead or behind makes no certificate anew, and restarts nothing. Who has to set
// the clock is told, as far as it can be known.
func TestKafkaClock(t *testing.T) {
	admin, namespace := cluster(t)
	kubelets(t, admin, namespace, nil)
	var skew atomic.Int64
	c := kafkaClusters(t, admin, namespace, brokers(3), func(o *controller.KafkaOptions) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
	})
	c.make(small(3))
	c.podsAre("c-kafka-0", "c-kafka-1", "c-kafka-2")
	c.stateIs("c", v1.ConditionReady, "")
	c.settled()
	pods, secrets := c.uids(), c.secretVersions()
	for _, at := range []struct {
		skew  time.Duration
		warns bool
	}{{24 * time.Hour, false}, {-24 * time.Hour, true}, {0, false}} {
		skew.Store(int64(at.skew))
		passes := c.metric("strimzi_reconciliations_total")
		c.look()
		until(t, "a pass", func() (bool, string) { return c.metric("strimzi_reconciliations_total") > passes, "there was none" })
		c.settled()
		equal(t, pods, c.uids())
		equal(t, secrets, c.secretVersions())
		kafka := c.stateIs("c", v1.ConditionReady, "")
		warned := false
		for _, condition := range kafka.Status.Conditions {
			warned = warned || condition.Reason == "ClockBehind" && strings.Contains(condition.Message, "behind the API server's: have the clock")
		}
		if warned != at.warns {
			t.Errorf("clock %v ahead: the conditions are %+v", at.skew, kafka.Status.Conditions)
		}
	}
	if all := c.restarts(); len(all) > 0 {
		t.Errorf("restarted: %v", all)
	}
}

// secretVersions are the resource versions of the namespace's Secrets.
func (c *controlled) secretVersions() map[string]string {
	c.t.Helper()
	list := &corev1.SecretList{}
	if err := c.List(deadline(c.t), list, client.InNamespace(c.namespace)); err != nil {
		c.t.Fatal(err)
	}
	all := make(map[string]string)
	for _, secret := range list.Items {
		all[secret.Name] = secret.ResourceVersion
	}
	return all
}
