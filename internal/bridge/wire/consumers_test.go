package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCreateConsumer(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    CreateConsumer
		properties              map[string]string
		err                     *Error
	}{
		{"no body, no content type", "", "", CreateConsumer{}, map[string]string{}, nil},
		{"no body, another content type", "text/plain", "", CreateConsumer{}, map[string]string{}, nil},
		{"an empty object", MediaV2, "{}", CreateConsumer{}, map[string]string{}, nil},
		{"a charset", MediaV2 + ";charset=utf-8", "{}", CreateConsumer{}, map[string]string{}, nil},
		{
			"everything", MediaV2,
			`{"name":"n","format":"json","auto.offset.reset":"earliest","fetch.min.bytes":10,` +
				`"consumer.request.timeout.ms":30000,"enable.auto.commit":false,"isolation.level":"read_committed"}`,
			CreateConsumer{
				Name: "n", HasName: true, Format: "json", HasFormat: true,
				AutoOffsetReset: new("earliest"), IsolationLevel: new("read_committed"), EnableAutoCommit: new(false),
				FetchMinBytes: new("10"), RequestTimeoutMs: new("30000"),
			},
			map[string]string{
				"auto.offset.reset": "earliest", "isolation.level": "read_committed", "enable.auto.commit": "false",
				"fetch.min.bytes": "10", "request.timeout.ms": "30000",
			},
			nil,
		},
		{
			"what Kafka will refuse", MediaV2, `{"fetch.min.bytes":1e2,"consumer.request.timeout.ms":-1,"auto.offset.reset":"foo","enable.auto.commit":true}`,
			CreateConsumer{AutoOffsetReset: new("foo"), EnableAutoCommit: new(true), FetchMinBytes: new("1e2"), RequestTimeoutMs: new("-1")},
			map[string]string{
				"auto.offset.reset": "foo", "enable.auto.commit": "true", "fetch.min.bytes": "1e2", "request.timeout.ms": "-1",
			},
			nil,
		},
		{"a byte order mark", MediaV2, "\xEF\xBB\xBF{\"name\":\"n\"}\n", CreateConsumer{Name: "n", HasName: true}, map[string]string{}, nil},
		{"the empty name", MediaV2, `{"name":""}`, CreateConsumer{}, map[string]string{}, nil},
		{"a name twice", MediaV2, `{"name":"a","na\u006de":"b\n\u00e9"}`, CreateConsumer{Name: "b\né", HasName: true}, map[string]string{}, nil},

		{"a body without content type", "", "{}", CreateConsumer{}, nil, UnsupportedBody()},
		{"plain JSON", MediaPlainJSON, "{}", CreateConsumer{}, nil, UnsupportedBody()},
		{"embedded JSON", MediaJSON, "{}", CreateConsumer{}, nil, UnsupportedBody()},
		{"upper case", "application/vnd.kafka.v2+JSON", "{}", CreateConsumer{}, nil, UnsupportedBody()},
		{"white space", MediaV2, " ", CreateConsumer{}, nil, UndecodableBody()},
		{"half an object", MediaV2, "{", CreateConsumer{}, nil, UndecodableBody()},
		{"text behind the value", MediaV2, "{}x", CreateConsumer{}, nil, UndecodableBody()},
		{"invalid UTF-8", MediaV2, "{\"name\":\"\xff\"}", CreateConsumer{}, nil, UndecodableBody()},
		{
			"a string for a boolean", MediaV2, `{"name":"a","enable.auto.commit":"foo"}`,
			CreateConsumer{},
			nil,
			violation(
				`Property "enable.auto.commit" does not match schema`, `Instance type string is invalid. Expected boolean`,
				`Property "enable.auto.commit" does not match additional properties schema`,
			),
		},
		{"null", MediaV2, `null`, CreateConsumer{}, nil, violation("Instance type null is invalid. Expected object")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeCreateConsumer(c.contentType, []byte(c.body))
			wantRefusal(t, err, c.err)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.err != nil {
				return
			}
			if diff := cmp.Diff(c.properties, got.Properties()); diff != "" {
				t.Errorf("properties (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEmbeddedFormat(t *testing.T) {
	for body, want := range map[string]Format{
		`{}`: Binary, `{"format":"binary"}`: Binary, `{"format":"json"}`: JSON, `{"format":"text"}`: Text,
	} {
		in, err := DecodeCreateConsumer(MediaV2, []byte(body))
		wantRefusal(t, err, nil)
		if f, err := in.EmbeddedFormat(); err != nil || f != want {
			t.Errorf("%s: %v, %v; want %v", body, f, err, want)
		}
	}
	for _, body := range []string{`{"format":""}`, `{"format":"JSON"}`, `{"format":"foo"}`} {
		in, err := DecodeCreateConsumer(MediaV2, []byte(body))
		wantRefusal(t, err, nil)
		_, err = in.EmbeddedFormat()
		wantRefusal(t, err, InvalidFormat())
	}
}

func TestCreated(t *testing.T) {
	got := string(AppendCreated(nil, `a"b`, "http://h:80/consumers/g/instances/a%22b"))
	if want := `{"instance_id":"a\"b","base_uri":"http://h:80/consumers/g/instances/a%22b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSubscription(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    Subscription
		err, check              *Error
	}{
		{"topics", MediaV2, `{"topics":["a","b"]}`, Subscription{Topics: []string{"a", "b"}, HasTopics: true}, nil, nil},
		{"no topics", MediaV2, `{"topics":[]}`, Subscription{Topics: []string{}, HasTopics: true}, nil, nil},
		{"a pattern", MediaV2, `{"topic_pattern":"a\\..*"}`, Subscription{Pattern: `a\..*`, HasPattern: true}, nil, nil},
		{"the empty pattern", MediaV2, `{"topic_pattern":""}`, Subscription{HasPattern: true}, nil, nil},
		{
			"both", MediaV2, `{"topic_pattern":"x","topics":["a"]}`,
			Subscription{Topics: []string{"a"}, HasTopics: true, Pattern: "x", HasPattern: true},
			nil, Exclusive(),
		},
		{"neither", MediaV2, `{}`, Subscription{}, nil, MissingSubscription()},
		{"the last list counts", MediaV2, `{"topics":["a"],"topics":["b"]}`, Subscription{Topics: []string{"b"}, HasTopics: true}, nil, nil},
		{"no body", MediaV2, ``, Subscription{}, MissingBody(), nil},
		{"neither body nor content type", "", ``, Subscription{}, MissingBody(), nil},
		{"another content type", MediaJSON, `{}`, Subscription{}, UnsupportedBody(), nil},
		{
			"null for the topics", MediaV2, `{"topics":null}`,
			Subscription{},
			violation(
				`Property "topics" does not match schema`, "Instance type null is invalid. Expected array",
				`Property "topics" does not match additional properties schema`,
			),
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeSubscription(c.contentType, []byte(c.body))
			wantRefusal(t, err, c.err)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.err == nil {
				wantRefusal(t, got.Check(), c.check)
			}
		})
	}
}

func TestAppendSubscription(t *testing.T) {
	for _, c := range []struct {
		topics   []string
		assigned []TopicPartitions
		want     string
	}{
		{nil, nil, `{"topics":[],"partitions":[]}`},
		{[]string{"t"}, []TopicPartitions{{"t", []int32{0, 1}}}, `{"topics":["t"],"partitions":[{"t":[0,1]}]}`},
		{
			[]string{"a", "b"},
			[]TopicPartitions{{"a", []int32{2}}, {"b", nil}},
			`{"topics":["a","b"],"partitions":[{"a":[2]},{"b":[]}]}`,
		},
	} {
		if got := string(AppendSubscription(nil, c.topics, c.assigned)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		want                    PartitionList
		err                     *Error
	}{
		{
			"two", MediaV2, `{"partitions":[{"topic":"a","partition":0},{"partition":7,"topic":"b"}]}`,
			PartitionList{Partitions: []TopicPartition{{"a", 0}, {"b", 7}}, Present: true},
			nil,
		},
		{"none", MediaV2, `{"partitions":[]}`, PartitionList{Present: true}, nil},
		{"an empty object", MediaV2, `{}`, PartitionList{}, nil},
		{
			"the last list counts", MediaV2, `{"partitions":[{"topic":"a","partition":0}],"partitions":[]}`,
			PartitionList{Present: true},
			nil,
		},
		{"no body", MediaV2, ``, PartitionList{}, MissingBody()},
		{"no content type", "", `{}`, PartitionList{}, UnsupportedBody()},
		{
			"no number", MediaV2, `{"partitions":[{"topic":"a"}]}`,
			PartitionList{},
			violation(
				`Property "partitions" does not match schema`, "Items did not match schema", "A subschema had errors",
				`Instance does not have required property "partition"`,
				`Property "partitions" does not match additional properties schema`,
			),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodePartitions(c.contentType, []byte(c.body))
			wantRefusal(t, err, c.err)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOffsets(t *testing.T) {
	const two = `{"offsets":[{"topic":"a","partition":0,"offset":5},{"topic":"b","partition":1,"offset":9223372036854775807}]}`
	list := OffsetList{Offsets: []TopicPartitionOffset{{"a", 0, 5}, {"b", 1, 1<<63 - 1}}, Present: true}
	for _, c := range []struct {
		name, contentType, body string
		want                    OffsetList
		commit, seek            *Error
	}{
		{"two", MediaV2, two, list, nil, nil},
		{"none", MediaV2, `{"offsets":[]}`, OffsetList{Present: true}, nil, nil},
		{"an empty object", MediaV2, `{}`, OffsetList{}, nil, nil},
		{"no body", "", ``, OffsetList{}, nil, MissingBody()},
		{"no content type", "", two, OffsetList{}, UnsupportedBody(), UnsupportedBody()},
		{"no JSON", MediaV2, `{"offsets":}`, OffsetList{}, UndecodableBody(), UndecodableBody()},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := DecodeOffsets(c.contentType, []byte(c.body))
			wantRefusal(t, err, c.commit)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("commit (-want +got):\n%s", diff)
			}
			got, err = DecodeSeek(c.contentType, []byte(c.body))
			wantRefusal(t, err, c.seek)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("seek (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckCommit(t *testing.T) {
	for body, want := range map[string]*Error{
		`{}`:             nil,
		`{"offsets":[]}`: nil,
		`{"offsets":[{"topic":"a","partition":0,"offset":0}]}`:                                         nil,
		`{"offsets":[{"topic":"a","partition":0,"offset":1},{"topic":"a","partition":0,"offset":-1}]}`: NegativeCommit(),
	} {
		in, err := DecodeOffsets(MediaV2, []byte(body))
		wantRefusal(t, err, nil)
		wantRefusal(t, in.CheckCommit(), want)
	}
}

// FuzzDecode: a decoder accepts what its schema accepts, never panics, and its
// refusals are 400.
func FuzzDecode(f *testing.F) {
	for i, seed := range []string{
		`{"name":"a","fetch.min.bytes":1}`, `{"topics":["a"],"topic_pattern":"b"}`, `{"partitions":[{"topic":"a","partition":0}]}`,
		`{"offsets":[{"topic":"a","partition":0,"offset":1}]}`, `{"topic_name":"t","partitions_count":1.0,"replication_factor":null}`,
	} {
		f.Add(byte(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		decoder := decoders()[int(which)%len(decoders())]
		texts, invalid := decoder.schema.Validate(body)
		err := decoder.decode(body)
		if err == nil {
			if len(body) > 0 && (invalid != nil || len(texts) > 0) {
				t.Errorf("%q is accepted against its schema: %v %q", body, invalid, texts)
			}
			return
		}
		e := refusal(t, err)
		if e.Code != 400 {
			t.Errorf("%q: status %d", body, e.Code)
		}
		if invalid == nil && len(texts) == 0 && !decoder.narrower {
			t.Errorf("%q fits its schema and is refused: %v", body, e)
		}
	})
}
