package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// decoder is one of the body decoders with its schema.
type decoder struct {
	schema *schema.Schema
	decode func(body []byte) error
	// narrower says that the decoder refuses some of what the schema admits.
	narrower bool
}

// decoders lists them all, for FuzzDecode.
func decoders() []decoder {
	return []decoder{
		{schema.Consumer(), func(b []byte) error { _, err := DecodeCreateConsumer(MediaV2, b); return err }, false},
		{schema.Topics(), func(b []byte) error { _, err := DecodeSubscription(MediaV2, b); return err }, false},
		{schema.Partitions(), func(b []byte) error { _, err := DecodePartitions(MediaV2, b); return err }, false},
		{schema.OffsetCommitSeekList(), func(b []byte) error { _, err := DecodeOffsets(MediaV2, b); return err }, false},
		{schema.NewTopic(), func(b []byte) error { _, err := DecodeNewTopic(MediaJSON, b); return err }, true},
	}
}

func TestNewTopic(t *testing.T) {
	tooLarge := func(name, format string) *Error {
		return violation(
			`Property "`+name+`" does not match schema`, `Integer does not match the format "`+format+`"`,
			`Property "`+name+`" does not match additional properties schema`,
		)
	}
	for _, c := range []struct {
		name, contentType, body string
		want                    NewTopic
		err                     *Error
	}{
		{"a name alone", MediaJSON, `{"topic_name":"t"}`, NewTopic{Name: "t"}, nil},
		{
			"all", MediaJSON, `{"topic_name":"t","partitions_count":3,"replication_factor":2}`,
			NewTopic{Name: "t", Partitions: new(int32(3)), ReplicationFactor: new(int16(2))},
			nil,
		},
		{"null means absent", MediaJSON, `{"topic_name":"t","partitions_count":null,"replication_factor":null}`, NewTopic{Name: "t"}, nil},
		{
			"integral numbers", MediaJSON, `{"topic_name":"t","partitions_count":1.0,"replication_factor":1e1}`,
			NewTopic{Name: "t", Partitions: new(int32(1)), ReplicationFactor: new(int16(10))},
			nil,
		},
		{
			"what Kafka will refuse", MediaJSON, `{"topic_name":"","partitions_count":-1,"replication_factor":0}`,
			NewTopic{Partitions: new(int32(-1)), ReplicationFactor: new(int16(0))},
			nil,
		},
		{
			"the largest", MediaJSON, `{"topic_name":"t","partitions_count":2147483647,"replication_factor":32767}`,
			NewTopic{Name: "t", Partitions: new(int32(1<<31 - 1)), ReplicationFactor: new(int16(1<<15 - 1))},
			nil,
		},
		{"a factor that upstream cuts to 1", MediaJSON, `{"topic_name":"t","replication_factor":65537}`, NewTopic{}, tooLarge("replication_factor", "int16")},
		{"a factor just above", MediaJSON, `{"topic_name":"t","replication_factor":32768}`, NewTopic{}, tooLarge("replication_factor", "int16")},
		{"a factor below", MediaJSON, `{"topic_name":"t","replication_factor":-32769}`, NewTopic{}, tooLarge("replication_factor", "int16")},
		{"too many partitions", MediaJSON, `{"topic_name":"t","partitions_count":2147483648}`, NewTopic{}, tooLarge("partitions_count", "int32")},
		{"far too many", MediaJSON, `{"topic_name":"t","partitions_count":` + "1000000000000000000000000000000" + `}`, NewTopic{}, tooLarge("partitions_count", "int32")},
		{"no name", MediaJSON, `{}`, NewTopic{}, violation(`Instance does not have required property "topic_name"`)},
		{"no body", MediaJSON, ``, NewTopic{}, MissingBody()},
		{"the consumers' content type", MediaV2, `{"topic_name":"t"}`, NewTopic{}, UnsupportedBody()},
		{
			"a string for a number", MediaJSON, `{"topic_name":"t","replication_factor":"2"}`,
			NewTopic{},
			violation(
				`Property "replication_factor" does not match schema`, "Instance type string is invalid. Expected integer, null",
				`Property "replication_factor" does not match additional properties schema`,
			),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeNewTopic(c.contentType, []byte(c.body))
			wantRefusal(t, err, c.err)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTopicAnswers(t *testing.T) {
	partitions := []Partition{
		{ID: 0, Leader: 1, Replicas: []Replica{{Broker: 1, Leader: true, InSync: true}, {Broker: 2}}},
		{ID: 1, Leader: -1},
	}
	const (
		first  = `{"partition":0,"leader":1,"replicas":[{"broker":1,"leader":true,"in_sync":true},{"broker":2,"leader":false,"in_sync":false}]}`
		second = `{"partition":1,"leader":-1,"replicas":[]}`
	)
	for _, c := range []struct{ got, want string }{
		{string(AppendTopics(nil, nil)), `[]`},
		{string(AppendTopics(nil, []string{"a", "b"})), `["a","b"]`},
		{string(AppendPartition(nil, partitions[0])), first},
		{string(AppendPartitions(nil, partitions)), `[` + first + `,` + second + `]`},
		{string(AppendPartitions(nil, nil)), `[]`},
		{string(AppendTopic(nil, Topic{Name: "t"})), `{"name":"t","configs":{},"partitions":[]}`},
		{
			string(AppendTopic(nil, Topic{
				Name: "t", Partitions: partitions[1:],
				Configs: []ConfigEntry{{"compression.type", new("producer")}, {"secret", nil}, {"empty", new("")}},
			})),
			`{"name":"t","configs":{"compression.type":"producer","secret":null,"empty":""},"partitions":[` + second + `]}`,
		},
		{string(AppendOffsetRange(nil, 0, 5)), `{"beginning_offset":0,"end_offset":5}`},
		{EmptyObject, `{}`},
	} {
		if c.got != c.want {
			t.Errorf("%s\nwant %s", c.got, c.want)
		}
	}
}

// BenchmarkTopic: an answer into a buffer that is large enough allocates nothing.
func BenchmarkTopic(b *testing.B) {
	topic := Topic{Name: "orders", Configs: []ConfigEntry{{"retention.ms", new("604800000")}}, Partitions: make([]Partition, 50)}
	dst := make([]byte, 0, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendTopic(dst[:0], topic)
	}
}
