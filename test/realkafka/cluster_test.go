//go:build kafka

package realkafka

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/test/kafkarig"
)

func itoa(n int) string { return strconv.Itoa(n) }

// TestKafkaOldest runs the sequence on the oldest Kafka that is supported.
func TestKafkaOldest(t *testing.T) {
	r := ownRig(t, kafkarig.Options{Version: "3.9.1", TLS: true, OAuth: true})
	for _, w := range all(t, r) {
		switch w.name {
		case "PLAINTEXT", "mTLS PEM", "SCRAM-SHA-512 over TLS", "PLAIN", "OAUTHBEARER unsecured":
			t.Run(w.name, func(t *testing.T) { article(t, r, start(t, w.at(r)...)) })
		}
	}
	t.Run("topics", func(t *testing.T) {
		b, name := start(t, plainWay.at(r)...), fresh("topic")
		want(t, b.post("/admin/topics", asJSON, `{"topic_name":"`+name+`","partitions_count":2}`), 201, "{}")
		b.wait("the topic", func() bool { return b.get("/topics/"+name).status == 200 })
		want(t, b.get("/topics/"+name), 200, `"configs":{`)
		want(t, b.get("/topics/"+name+"/partitions"), 200, `{"partition":1,"leader":0,"replicas":[{"broker":0,"leader":true,"in_sync":true}]}`)
		want(t, b.get("/topics/absent"), 404, unknownTopic)
	})
}

const unknownTopic = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition."

// Three brokers, one of which goes.
func TestKafkaThreeBrokers(t *testing.T) {
	r := ownRig(t, kafkarig.Options{Brokers: 3})
	lonely, strict, common := fresh("lonely"), fresh("strict"), fresh("common")
	place(t, r, lonely, nil, 2)
	place(t, r, strict, map[string]string{"min.insync.replicas": "3"}, 0, 1, 2)
	place(t, r, common, nil, 2, 0, 1)
	b, patient := start(t, append(plainWay.at(r), brief...)...), start(t, plainWay.at(r)...)
	once := start(t, concat(plainWay.at(r), brief, []string{"kafka.producer.retries=0", "kafka.producer.enable.idempotence=false"})...)
	article(t, r, b)
	for _, name := range []string{lonely, strict, common} {
		want(t, b.produce(name, `"x"`), 200, `"offset":0`)
		want(t, patient.produce(name, `"x"`), 200, `"offset":1`)
	}
	group := fresh("group")
	patient.consumer(group, "", common)
	want(t, patient.poll(group), 200, `"offset":1,`)
	want(t, b.get("/topics/"+lonely+"/partitions/0"), 200,
		`{"partition":0,"leader":2,"replicas":[{"broker":2,"leader":true,"in_sync":true}]}`)
	if err := r.Stop(2); err != nil {
		t.Fatal(err)
	}

	t.Run("leaderless", func(t *testing.T) {
		b := b.in(t)
		b.wait("the loss of the leader", func() bool { return hasNoLeader(b, lonely) })
		want(t, b.get("/topics/"+lonely), 200, `"leader":-1`)
		want(t, b.get("/topics/"+lonely+"/partitions"), 200, `"leader":-1`)
		got := b.get("/topics/" + lonely + "/partitions/0/offsets")
		want(t, got, 500, "org.apache.kafka.common.errors.")
		inTime(t, got)
		got = b.produce(lonely, `"x"`)
		expired(t, got, lonely)
		inTime(t, got)
	})
	t.Run("too few replicas", func(t *testing.T) {
		want(t, once.in(t).produce(strict, `"x"`), 200, element("Messages are rejected since there are fewer in-sync replicas than required."))
		got := b.in(t).produce(strict, `"x"`) // tried again until its time is over
		expired(t, got, strict)
		inTime(t, got)
	})
	t.Run("leader moved", func(t *testing.T) {
		patient := patient.in(t)
		want(t, patient.produce(common, `"x"`), 200, `{"offsets":[{"partition":0,"offset":2}]}`)
		patient.wait("the record", func() bool {
			got := patient.poll(group)
			want(t, got, 200, "[")
			return got.body != "[]"
		})
	})
	if err := r.Start(2); err != nil {
		t.Fatal(err)
	}
	t.Run("back", func(t *testing.T) {
		b := b.in(t)
		for _, name := range []string{lonely, strict} {
			b.wait("a record in "+name, func() bool { return offsetOnly.MatchString(b.produce(name, `"x"`).body) })
		}
	})
}

// expired checks the answer to a record whose delivery.timeout.ms of 4 s is over.
func expired(t *testing.T, got answer, topic string) {
	t.Helper()
	want(t, got, 200, `{"offsets":[{"error_code":500,"message":"Expiring 1 record(s) for `+topic+`-0:`)
	want(t, got, 200, ` ms has passed since batch creation"}]}`)
}

func hasNoLeader(b *bridge, topic string) bool {
	got := b.get("/topics/" + topic + "/partitions/0")
	want(b.t, got, 200, `{"partition":0,"leader":`)
	// It may be in sync still: that is up to the eligible leader replicas of KIP-966.
	return strings.HasPrefix(got.body, `{"partition":0,"leader":-1,"replicas":[{"broker":2,"leader":false,"in_sync":`)
}

// place makes a topic of one partition with replicas where they are wanted, the leader first.
func place(t *testing.T, r *kafkarig.Rig, name string, configs map[string]string, brokers ...int32) {
	t.Helper()
	request := kmsg.NewPtrCreateTopicsRequest()
	want := kmsg.NewCreateTopicsRequestTopic()
	want.Topic, want.NumPartitions, want.ReplicationFactor = name, -1, -1
	assignment := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
	assignment.Replicas = brokers
	want.ReplicaAssignment = append(want.ReplicaAssignment, assignment)
	for k, v := range configs {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = k, &v
		want.Configs = append(want.Configs, c)
	}
	request.Topics = append(request.Topics, want)
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	answers, err := request.RequestWith(ctx, r.Client(t))
	if err != nil || answers.Topics[0].ErrorCode != 0 {
		t.Fatal(name, err, answers)
	}
}
