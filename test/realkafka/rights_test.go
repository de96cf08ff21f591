//go:build kafka

package realkafka

import (
	"net/http"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/test/kafkarig"
)

const (
	topicClass = "org.apache.kafka.common.errors.TopicAuthorizationException: "
	groupClass = "org.apache.kafka.common.errors.GroupAuthorizationException: "
)

// element is the answer to a send of one record that failed.
func element(message string) string { return `{"offsets":[` + failure(500, message) + `]}` }

// Without a right, by what the right is for (contract 1.5 to 1.7).
func TestKafkaDenied(t *testing.T) {
	r := sharedRig(t)
	whole := start(t, append(asUser().at(r), brief...)...)

	t.Run("produce", func(t *testing.T) {
		b := whole.in(t)
		name := topic(t, r)
		want(t, b.produce(name, `"x"`), 200, element("Not authorized to access topics: ["+name+"]"))
	})
	t.Run("produce to what may be seen", func(t *testing.T) {
		b := whole.in(t)
		name := topic(t, r)
		// A right to write elsewhere gives the idempotent producer its id (KIP-679).
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: "elsewhere"}, kadm.OpWrite)
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpDescribe)
		want(t, b.produce(name, `"x"`), 200, element("Not authorized to access topics: ["+name+"]"))
	})
	t.Run("create by producing", func(t *testing.T) {
		b := whole.in(t)
		name := fresh("absent")
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpWrite)
		got := b.produce(name, `"x"`)
		want(t, got, 200, element("Not authorized to access topics: ["+name+"]"))
		inTime(t, got)
	})
	t.Run("describe", func(t *testing.T) {
		b := whole.in(t)
		name := topic(t, r)
		for _, path := range []string{"", "/partitions", "/partitions/0", "/partitions/0/offsets"} {
			want(t, b.get("/topics/"+name+path), 500, failure(500, topicClass+"Topic authorization failed."))
		}
		want(t, b.get("/topics"), 200, "[") // only what may be seen
	})
	t.Run("describe settings", func(t *testing.T) {
		b := whole.in(t)
		name := topic(t, r)
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpDescribe)
		want(t, b.get("/topics/"+name+"/partitions/0"), 200, `{"partition":0,"leader":0,`)
		want(t, b.get("/topics/"+name), 500, topicClass)
	})
	t.Run("create topic", func(t *testing.T) {
		b := whole.in(t)
		want(t, b.post("/admin/topics", asJSON, `{"topic_name":"`+fresh("topic")+`"}`), 500, failure(500, "Authorization failed."))
	})
	t.Run("consume", func(t *testing.T) {
		b := whole.in(t)
		name, group := topic(t, r), fresh("group")
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Group: group}, kadm.OpRead)
		b.consumer(group, "", name)
		want(t, b.poll(group), 500, failure(500, topicClass+"Not authorized to access topics: ["+name+"]"))
		want(t, b.remove(group), 204, "")
	})
	t.Run("read what may be seen", func(t *testing.T) {
		b := whole.in(t)
		name, group := topic(t, r), fresh("group")
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Group: group}, kadm.OpRead)
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpDescribe)
		b.consumer(group, "", name)
		want(t, b.poll(group), 500, failure(500, topicClass+"Not authorized to access topics: ["+name+"]"))
		want(t, b.remove(group), 204, "")
	})
	t.Run("group", func(t *testing.T) {
		b := whole.in(t)
		name, group := topic(t, r), fresh("group")
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpRead)
		b.consumer(group, "", name)
		want(t, b.poll(group), 500, failure(500, groupClass+"Not authorized to access group: "+group))
		want(t, b.remove(group), 204, "")
	})
	t.Run("commit", func(t *testing.T) {
		b := whole.in(t)
		name, group := topic(t, r), fresh("group")
		r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpRead)
		at := "/consumers/" + group
		want(t, b.post(at, v2, `{"name":"c"}`), 200, "")
		want(t, b.post(at+"/instances/c/assignments", v2, `{"partitions":[{"topic":"`+name+`","partition":0}]}`), 204, "")
		want(t, b.post(at+"/instances/c/offsets", v2, `{"offsets":[{"topic":"`+name+`","partition":0,"offset":0}]}`), 500,
			failure(500, groupClass+"Not authorized to access group: "+group))
		want(t, b.remove(group), 204, "")
	})
}

// The rights of the sidecar article are enough, and a right that comes later is used without a restart.
func TestKafkaLeastRights(t *testing.T) {
	r := sharedRig(t)
	name, group := topic(t, r), fresh("group")
	b := start(t, append(asUser().at(r), brief...)...)
	want(t, b.produce(name, `"x"`), 200, "Not authorized")
	r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Topic: name}, kadm.OpRead, kadm.OpWrite)
	r.Allow(t, kafkarig.OrdinaryUser, kafkarig.Resource{Group: group}, kadm.OpRead)
	b.wait("the right to write", func() bool { return b.produce(name, `"x"`).body == `{"offsets":[{"partition":0,"offset":0}]}` })
	b.consumer(group, "", name)
	want(t, b.poll(group), 200, `"value":"x"`)
	want(t, b.post("/consumers/"+group+"/instances/c/offsets", "", ""), http.StatusNoContent, "")
	want(t, b.remove(group), 204, "")
}
