package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The texts that most cases need, by short names.
func badProperty(name string) string { return fmt.Sprintf("Property %q does not match schema", name) }

func additional(name string) string {
	return fmt.Sprintf("Property %q does not match additional properties schema", name)
}

func missing(name string) string {
	return fmt.Sprintf("Instance does not have required property %q", name)
}

func badType(actual, expected string) string {
	return fmt.Sprintf("Instance type %s is invalid. Expected %s", actual, expected)
}

const (
	badItem   = "Items did not match schema"
	badSub    = "A subschema had errors"
	noMatch   = "Instance does not match exactly one subschema (0 matches)"
	badInt32  = `Integer does not match the format "int32"`
	badInt64  = `Integer does not match the format "int64"`
	badBase64 = `String does not match format "byte"`
)

// inRecord wraps the texts of one record's violations.
func inRecord(texts ...string) []string {
	return append(append([]string{badProperty("records"), badItem, badSub}, texts...), additional("records"))
}

// TestValidate: bodies and the exact lists they get (bridge contract 1.3).
func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name   string
		schema *Schema
		body   string
		want   []string
	}{
		// The contract's own examples.
		{
			"a string for a boolean", Consumer(), `{"name":"a","enable.auto.commit":"foo"}`,
			[]string{badProperty("enable.auto.commit"), badType("string", "boolean"), additional("enable.auto.commit")},
		},
		{"an unknown key", Consumer(), `{"foo":1}`, []string{additional("foo")}},
		{"a record without value", ProducerRecordList(), `{"records":[{"key":"k"}]}`, inRecord(missing("value"))},
		{
			"a partition in a record for a partition", ProducerRecordToPartitionList(),
			`{"records":[{"value":"v","partition":0}]}`, inRecord(additional("partition")),
		},
		{
			"0.0 where a format is declared", Partitions(), `{"partitions":[{"topic":"t","partition":0.0}]}`,
			[]string{
				badProperty("partitions"), badItem, badSub, badProperty("partition"), badInt32,
				additional("partition"), additional("partitions"),
			},
		},
		{
			"null where a format is declared", Partitions(), `{"partitions":[{"topic":"t","partition":null}]}`,
			[]string{
				badProperty("partitions"), badItem, badSub, badProperty("partition"), badType("null", "integer"), badInt32,
				additional("partition"), additional("partitions"),
			},
		},
		{"a topic without name", NewTopic(), `{}`, []string{missing("topic_name")}},

		// The top level.
		{"a string for a body", Topics(), `"x"`, []string{badType("string", "object")}},
		{"null for a body", Topics(), `null`, []string{badType("null", "object")}},
		{"an array for a body", Topics(), `[]`, []string{badType("array", "object")}},
		{"a number for a body", NewTopic(), `7`, []string{badType("number", "object")}},
		{"an empty object", Consumer(), `{}`, nil},
		{"white space and a byte order mark", Consumer(), "\xEF\xBB\xBF \n{ } ", nil},

		// Create consumer.
		{
			"all members", Consumer(),
			`{"name":"n","format":"json","auto.offset.reset":"x","fetch.min.bytes":1,"consumer.request.timeout.ms":2,"enable.auto.commit":true,"isolation.level":"y"}`,
			nil,
		},
		{"integral numbers", Consumer(), `{"fetch.min.bytes":1.0,"consumer.request.timeout.ms":1e3}`, nil},
		{"a number of any size", Consumer(), `{"fetch.min.bytes":99999999999999999999999}`, nil},
		{
			"a fraction", Consumer(), `{"fetch.min.bytes":1.5}`,
			[]string{badProperty("fetch.min.bytes"), badType("number", "integer"), additional("fetch.min.bytes")},
		},
		{
			"a number beyond a double", Consumer(), `{"fetch.min.bytes":1e400}`,
			[]string{badProperty("fetch.min.bytes"), badType("number", "integer"), additional("fetch.min.bytes")},
		},
		{
			"violations in schema order, leftovers in the body's order", Consumer(), `{"zzz":1,"format":1,"name":null,"aaa":2}`,
			[]string{
				badProperty("name"), badType("null", "string"), badProperty("format"), badType("number", "string"),
				additional("zzz"), additional("format"), additional("name"), additional("aaa"),
			},
		},
		{"the last of two members counts", Consumer(), `{"name":1,"name":"a"}`, nil},
		{
			"at the first one's place", Consumer(), `{"name":"a","x":1,"name":2,"x":2}`,
			[]string{badProperty("name"), badType("number", "string"), additional("name"), additional("x")},
		},
		{"an escaped name", Consumer(), `{"n\u0061me":"a"}`, nil},
		{"a name to be quoted as it is", Consumer(), `{"a\"b\n":1}`, []string{"Property \"a\"b\n\" does not match additional properties schema"}},

		// Subscribe.
		{"topics and pattern", Topics(), `{"topics":["a","b"],"topic_pattern":"c"}`, nil},
		{
			"topics that are no strings", Topics(), `{"topics":["a",1,null]}`,
			[]string{
				badProperty("topics"), badItem, badType("number", "string"), badItem, badType("null", "string"),
				additional("topics"),
			},
		},
		{"topics that are no list", Topics(), `{"topics":"a"}`, []string{badProperty("topics"), badType("string", "array"), additional("topics")}},

		// Assign and the seeks to an end.
		{"partitions", Partitions(), `{"partitions":[{"topic":"t","partition":2147483647}]}`, nil},
		{"no partitions", Partitions(), `{"partitions":[]}`, nil},
		{
			"a partition without number", Partitions(), `{"partitions":[{"topic":"t"}]}`,
			[]string{badProperty("partitions"), badItem, badSub, missing("partition"), additional("partitions")},
		},
		{
			"a partition beyond 32 bits", Partitions(), `{"partitions":[{"topic":"t","partition":2147483648}]}`,
			[]string{
				badProperty("partitions"), badItem, badSub, badProperty("partition"), badInt32,
				additional("partition"), additional("partitions"),
			},
		},
		{
			"null for the list", Partitions(), `{"partitions":null}`,
			[]string{badProperty("partitions"), badType("null", "array"), additional("partitions")},
		},

		// Commit and seek.
		{"offsets", OffsetCommitSeekList(), `{"offsets":[{"topic":"t","partition":0,"offset":9223372036854775807}]}`, nil},
		{"negative numbers", OffsetCommitSeekList(), `{"offsets":[{"topic":"t","partition":-1,"offset":-0}]}`, nil},
		{
			"three members missing", OffsetCommitSeekList(), `{"offsets":[{}]}`,
			[]string{
				badProperty("offsets"), badItem, badSub, missing("topic"), missing("partition"), missing("offset"),
				additional("offsets"),
			},
		},
		{
			"metadata, and an offset beyond 64 bits", OffsetCommitSeekList(),
			`{"offsets":[{"topic":"t","partition":0,"offset":9223372036854775808,"metadata":"m"}]}`,
			[]string{
				badProperty("offsets"), badItem, badSub, badProperty("offset"), badInt64,
				additional("offset"), additional("metadata"), additional("offsets"),
			},
		},

		// Records.
		{
			"keys and values of all good types", ProducerRecordList(),
			`{"records":[{"value":null},{"key":"k","value":"v"},{"key":[],"value":[1]},{"key":{"a":1},"value":{}}]}`, nil,
		},
		{"no records", ProducerRecordList(), `{"records":[]}`, nil},
		{
			"a key that is null", ProducerRecordList(), `{"records":[{"key":null,"value":1}]}`,
			inRecord(
				badProperty("value"), badSub, noMatch, badType("number", "array"), badType("number", "object"),
				badType("number", "string"), badType("number", "null"),
				badProperty("key"), badSub, noMatch, badType("null", "array"), badType("null", "object"), badType("null", "string"),
				additional("key"), additional("value"),
			),
		},
		{
			"a boolean value", ProducerRecordToPartitionList(), `{"records":[{"value":true}]}`,
			inRecord(
				badProperty("value"), badSub, noMatch, badType("boolean", "array"), badType("boolean", "object"),
				badType("boolean", "string"), badType("boolean", "null"), additional("value"),
			),
		},
		{
			"a string for a timestamp", ProducerRecordList(), `{"records":[{"value":"v","timestamp":"1"}]}`,
			inRecord(badProperty("timestamp"), badType("string", "integer"), badInt64, additional("timestamp")),
		},
		{
			"headers", ProducerRecordList(),
			`{"records":[{"value":"v","headers":[{"key":"k","value":"QQ=="},{"key":"k","value":"QUJD","more":1}]}]}`, nil,
		},
		{
			"headers that are bad", ProducerRecordList(), `{"records":[{"value":"v","headers":[{"key":"k","value":"Q"},{"value":1}]}]}`,
			inRecord(
				badProperty("headers"), badSub,
				badItem, badSub, badProperty("value"), badBase64,
				badItem, badSub, missing("key"), badProperty("value"), badType("number", "string"),
				additional("headers"),
			),
		},
		{
			"a header that is null", ProducerRecordToPartitionList(), `{"records":[{"value":"v","headers":[null]}]}`,
			inRecord(badProperty("headers"), badSub, badItem, badSub, badType("null", "object"), additional("headers")),
		},

		// Create topic.
		{"numbers or null", NewTopic(), `{"topic_name":"t","partitions_count":null,"replication_factor":3}`, nil},
		{
			"a string for a number", NewTopic(), `{"topic_name":"t","partitions_count":"1"}`,
			[]string{badProperty("partitions_count"), badType("string", "integer, null"), additional("partitions_count")},
		},

		// Parameters.
		{"a partition", PartitionID(), `3000000000`, nil},
		{"the first partition", PartitionID(), `0`, nil},
		{"a partition that is text", PartitionID(), `"karel"`, []string{badType("string", "integer")}},
		{"a negative partition", PartitionID(), `-1`, []string{"-1 is less than 0"}},
		{"a negative fraction", PartitionID(), `-1.5`, []string{badType("number", "integer"), "-1.5 is less than 0"}},
		{"far below zero", PartitionID(), `-1e400`, []string{badType("number", "integer"), "-1e400 is less than 0"}},
		{"a boolean", Boolean(), `false`, nil},
		{"a word for a boolean", Boolean(), `"wrong"`, []string{badType("string", "boolean")}},
		{"a long", Long(), `9223372036854775807`, nil},
		{"a long of a bit more", Long(), `9223372036854775808`, []string{badInt64}},
		{"a long with a point", Long(), `1.0`, []string{badInt64}},
		{"a fraction for a long", Long(), `1.5`, []string{badType("number", "integer")}},
		{"a word for a long", Long(), `"abc"`, []string{badType("string", "integer")}},
		{"a negative long", Long(), `-1`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.schema.Validate([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.body, diff)
			}
		})
	}
}

func TestNotJSON(t *testing.T) {
	for _, body := range []string{
		"", " ", "{", `{"a":1}x`, `{"a":1,}`, `{'a':1}`, `{"name":"a"} {}`, "{\"a\":\"\xff\"}", "NaN",
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001),
		`{"fetch.min.bytes":` + strings.Repeat("1", 1001) + `}`,
	} {
		if texts, err := Consumer().Validate([]byte(body)); err == nil {
			t.Errorf("%.40q is taken for JSON: %q", body, texts)
		}
	}
}

// TestBase64: upstream's rule for header values, in which padding is needed and
// the empty string is none.
func TestBase64(t *testing.T) {
	for value, want := range map[string]bool{
		"QQ==": true, "QUI=": true, "QUJD": true, "QUJDQQ==": true, "+/+/": true,
		"": false, "Q": false, "QQ": false, "QQ=": false, "Q===": false, "====": false, "QQ==QQ==": false,
		"QQ-_": false, "QQ= ": false, "QQ==\n": false, "QÄ=": false,
	} {
		if got := isBase64(value); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

// TestBounds: what a report may grow to does not depend on the body.
func TestBounds(t *testing.T) {
	badRecords := `{"records":[` + strings.Repeat(`{"key":1},`, 100_000) + `{}]}`
	unknown := `{`
	for i := range 5000 {
		unknown += fmt.Sprintf(`"k%d":0,`, i)
	}
	unknown += `"name":"a"}`
	for name, c := range map[string]struct {
		schema *Schema
		body   string
		begins []string
	}{
		"records": {ProducerRecordList(), badRecords, inRecord(
			missing("value"), badProperty("key"), badSub, noMatch, badType("number", "array"), badType("number", "object"),
			badType("number", "string"), additional("key"), badItem, badSub, missing("value"),
		)[:14]},
		"a second bad list": {Topics(), `{"topics":[` + strings.Repeat("1,", 200) + `1],"topic_pattern":1}`, []string{
			badProperty("topics"), badItem, badType("number", "string"), badItem,
		}},
		"members": {Consumer(), unknown, []string{additional("k0"), additional("k1")}},
	} {
		texts, err := c.schema.Validate([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if len(texts) != maxTexts {
			t.Fatalf("%s: %d texts, want %d", name, len(texts), maxTexts)
		}
		if diff := cmp.Diff(c.begins, texts[:len(c.begins)]); diff != "" {
			t.Errorf("%s: the list does not begin as a whole one would (-want +got):\n%s", name, diff)
		}
	}

	if got := len(Consumer().collect([]byte(unknown)).order); got != maxTexts+1 {
		t.Errorf("%d names are kept, want the declared one and %d", got, maxTexts)
	}

	texts, err := Consumer().Validate([]byte(`{"` + strings.Repeat("é", 10_000) + `":1}`))
	if err != nil {
		t.Fatal(err)
	}
	want := additional(strings.Repeat("é", maxName/2) + "…")
	if diff := cmp.Diff([]string{want}, texts); diff != "" {
		t.Errorf("a long name (-want +got):\n%s", diff)
	}
}

// FuzzValidate: no input makes Validate panic, the report is bounded, and white
// space around the body changes nothing.
func FuzzValidate(f *testing.F) {
	schemas := []*Schema{
		Consumer(), Topics(), Partitions(), OffsetCommitSeekList(), ProducerRecordList(), ProducerRecordToPartitionList(),
		NewTopic(), Boolean(), PartitionID(), Long(),
	}
	for i, seed := range []string{
		`{"name":"a"}`, `{"topics":["a"]}`, `{"partitions":[{"partition":0}]}`, `{"offsets":[{"offset":1.5}]}`,
		`{"records":[{"key":null,"value":1,"headers":[{"key":"a","value":"QQ=="}]}]}`, `{"records":[{"value":{}}]}`,
		`{"topic_name":"t","partitions_count":1e3}`, `true`, `-1`, `1.0`, `7`,
	} {
		f.Add(byte(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		s := schemas[int(which)%len(schemas)]
		texts, err := s.Validate(body)
		if err != nil {
			return
		}
		if len(texts) > maxTexts {
			t.Errorf("%d texts", len(texts))
		}
		padded, err := s.Validate([]byte(" " + strings.TrimPrefix(string(body), "\xEF\xBB\xBF") + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(texts, padded); diff != "" {
			t.Errorf("padding changes the report:\n%s", diff)
		}
	})
}

func BenchmarkValidate(b *testing.B) {
	body := []byte(`{"offsets":[{"topic":"orders","partition":3,"offset":12345678},{"topic":"orders","partition":4,"offset":9}]}`)
	b.ReportAllocs()
	for b.Loop() {
		if texts, err := OffsetCommitSeekList().Validate(body); err != nil || len(texts) > 0 {
			b.Fatal(texts, err)
		}
	}
}
