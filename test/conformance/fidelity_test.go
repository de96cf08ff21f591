package conformance

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
)

// fidelity is one record's way through the bridge: as it is sent, as it is
// stored, as a consumer of the same format gets it.
type fidelity struct {
	name, format string
	sent         string // the record of the request
	key, value   any    // string: these bytes; nil: null
	polled       string // members key and value of the answer
	mends        string
}

const literal = "numbers pass through a double and lose their digits"

func fidelities() []fidelity {
	return []fidelity{
		{"string", "json", `{"key":"abc","value":"v"}`, `"abc"`, `"v"`, `"key":"abc","value":"v"`, ""},
		{"no-key", "json", `{"value":"v"}`, nil, `"v"`, `"key":null,"value":"v"`, ""},
		{"order-kept", "json", `{"value":{"b":1,"a":{"z":[],"y":{}}}}`, nil, `{"b":1,"a":{"z":[],"y":{}}}`, `"key":null,"value":{"b":1,"a":{"z":[],"y":{}}}`, ""},
		{"white-space-dropped", "json", "{ \"value\" : { \"b\" : [ 1 , 2 ] ,\n\t\"a\" : null } }", nil, `{"b":[1,2],"a":null}`, `"key":null,"value":{"b":[1,2],"a":null}`, ""},
		{"unicode", "json", `{"key":"grüße","value":{"日本":"€"}}`, `"grüße"`, `{"日本":"€"}`, `"key":"grüße","value":{"日本":"€"}`, ""},
		// Jackson's byte writer leaves everything literal but what lies beyond 16 bits.
		{"surrogates", "json", `{"key":"😀","value":"\ud83d\ude00"}`, `"\uD83D\uDE00"`, `"\uD83D\uDE00"`, `"key":"\uD83D\uDE00","value":"\uD83D\uDE00"`, ""},
		{"escaped-letters", "json", `{"key":"\u0061\/b","value":"\u00e9\u65e5"}`, `"a/b"`, `"é日"`, `"key":"a/b","value":"é日"`, ""},
		{"escapes-kept", "json", `{"value":"\"\\\b\f\n\r\t"}`, nil, `"\"\\\b\f\n\r\t"`, `"key":null,"value":"\"\\\b\f\n\r\t"`, ""},
		{"short-escapes-chosen", "json", `{"value":"\u000a\u0022\u005c"}`, nil, `"\n\"\\"`, `"key":null,"value":"\n\"\\"`, ""},
		{"control-in-capitals", "json", `{"value":"\u001f\u0000\u000b"}`, nil, `"\u001F\u0000\u000B"`, `"key":null,"value":"\u001F\u0000\u000B"`, ""},
		{"escaped-member-name", "json", `{"value":{"\u0061":1}}`, nil, `{"a":1}`, `"key":null,"value":{"a":1}`, ""},
		{"no-html-escapes", "json", `{"value":"<a href='x'>&</a>"}`, nil, `"<a href='x'>&</a>"`, `"key":null,"value":"<a href='x'>&</a>"`, ""},
		{"number-literals", "json", `{"value":[1.10,1E2,-0.0,0.1e-7]}`, nil, `[1.10,1E2,-0.0,0.1e-7]`, `"key":null,"value":[1.10,1E2,-0.0,0.1e-7]`, literal},
		{"number-in-key", "json", `{"key":{"n":1.10},"value":"v"}`, `{"n":1.10}`, `"v"`, `"key":{"n":1.10},"value":"v"`, literal},
		{"big-integer", "json", `{"value":{"n":123456789012345678901234567890}}`, nil, `{"n":123456789012345678901234567890}`, `"key":null,"value":{"n":123456789012345678901234567890}`, ""},
		{"duplicate-members", "json", `{"value":{"a":1,"b":2,"a":3}}`, nil, `{"a":3,"b":2}`, `"key":null,"value":{"a":3,"b":2}`, ""},
		{"duplicate-record-members", "json", `{"value":"one","value":"two"}`, nil, `"two"`, `"key":null,"value":"two"`, ""},
		{"null-value-is-text", "json", `{"key":"k","value":null}`, `"k"`, `null`, `"key":"k","value":null`, ""},
		{"empty-things", "json", `{"key":[],"value":{}}`, `[]`, `{}`, `"key":[],"value":{}`, ""},
		{"empty-string", "json", `{"key":"","value":""}`, `""`, `""`, `"key":"","value":""`, ""},
		{"array-key", "json", `{"key":[1,"a",null],"value":[true,false]}`, `[1,"a",null]`, `[true,false]`, `"key":[1,"a",null],"value":[true,false]`, ""},

		{"plain", "text", `{"key":"k","value":"v"}`, "k", "v", `"key":"k","value":"v"`, ""},
		{"no-key", "text", `{"value":"v"}`, nil, "v", `"key":null,"value":"v"`, ""},
		{"empty-string", "text", `{"key":"","value":""}`, "", "", `"key":"","value":""`, ""},
		{"unicode", "text", `{"key":"grüße","value":"日本 \u20ac"}`, "grüße", "日本 €", `"key":"grüße","value":"日本 €"`, ""},
		{"surrogates", "text", `{"value":"\ud83d\ude00😀"}`, nil, "😀😀", `"key":null,"value":"\uD83D\uDE00\uD83D\uDE00"`, ""},
		{"escapes", "text", `{"value":"a\"b\\c\n\u0001"}`, nil, "a\"b\\c\n\x01", `"key":null,"value":"a\"b\\c\n\u0001"`, ""},
		{"json-inside", "text", `{"value":"{\"a\": 1.10}"}`, nil, `{"a": 1.10}`, `"key":null,"value":"{\"a\": 1.10}"`, ""},
		{"no-html-escapes", "text", `{"value":"<&>"}`, nil, "<&>", `"key":null,"value":"<&>"`, ""},

		{"bytes", "binary", `{"key":"AAEC/w==","value":"/v8A"}`, "\x00\x01\x02\xff", "\xfe\xff\x00", `"key":"AAEC/w==","value":"/v8A"`, ""},
		{"no-key", "binary", `{"value":"dg=="}`, nil, "v", `"key":null,"value":"dg=="`, ""},
		{"empty-string", "binary", `{"key":"","value":""}`, "", "", `"key":"","value":""`, ""},
		{"null-value-is-tombstone", "binary", `{"key":"aw==","value":null}`, "k", nil, `"key":"aw==","value":null`, "it is stored as three bytes of junk"},
		{"padding-restored", "binary", `{"value":"dg"}`, nil, "v", `"key":null,"value":"dg=="`, ""},
	}
}

// asBytes turns the table's notation into what Kafka stores.
func asBytes(v any) []byte {
	if v == nil {
		return nil
	}
	return []byte(v.(string))
}

// describe makes bytes comparable: null differs from empty.
func describe(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}

func fidelitySequences() []sequence {
	var out []sequence
	for _, f := range fidelities() {
		out = append(out, sequence{
			name: "1.5/fidelity/" + f.format + "-" + f.name, ops: []string{"send", "poll"}, mends: f.mends,
			play: func(e *env) {
				topic := e.topic("$TOPIC")
				before := time.Now().Add(-time.Minute).UnixMilli()
				e.produce(f.format, topic, f.sent)
				r := e.read(topic, 0, 0, 1)[0]
				if got, want := describe(r.Key), describe(asBytes(f.key)); got != want {
					e.Errorf("stored key %s, want %s", got, want)
				}
				if got, want := describe(r.Value), describe(asBytes(f.value)); got != want {
					e.Errorf("stored value %s, want %s", got, want)
				}
				if ts := r.Timestamp.UnixMilli(); ts < before || ts > time.Now().Add(time.Minute).UnixMilli() {
					e.Errorf("stored timestamp %d is not that of the send", ts)
				}
				e.expectPoll(f.format, topic, fmt.Sprintf(`{"topic":%q,%s,"partition":0,"offset":0,"timestamp":%d}`, topic, f.polled, r.Timestamp.UnixMilli()))
			},
		})
	}
	return append(out, storedMembers(), tombstoneSequence("json"), tombstoneSequence("text"))
}

// expectPoll assigns partition 0 of a topic to a new instance and demands these
// exact records, in as many polls as it takes.
func (e *env) expectPoll(format, topic string, want ...string) {
	e.Helper()
	e.create(format)
	e.assign(topic, 1)
	var got []string
	size, wanted := 0, strings.Join(want, ",")
	for size < len(wanted) {
		page := strings.TrimSuffix(strings.TrimPrefix(e.pollText(format, "?timeout=10000"), "["), "]")
		if page == "" {
			break
		}
		got = append(got, page)
		size += len(page) + 1
	}
	if diff := cmp.Diff(wanted, strings.Join(got, ",")); diff != "" {
		e.Errorf("records (-want +got):\n%s", diff)
	}
}

// pollText polls once and returns the answer's text.
func (e *env) pollText(format, query string) string {
	e.Helper()
	return e.must(200, "GET", "$CONSUMER/records"+query, "", "", "Accept: "+mediaTypes[format])
}

// anHourAgo is a record's time that is not now, and that retention spares.
func anHourAgo() time.Time { return time.Now().Add(-time.Hour).Truncate(time.Millisecond) }

// storedMembers tries headers and timestamps, in each format.
func storedMembers() sequence {
	return sequence{
		name: "1.5/fidelity/headers-and-timestamp", ops: []string{"send", "sendToPartition", "poll"},
		play: func(e *env) {
			topic := e.topic("$TOPIC")
			const headers = `"headers":[{"key":"a","value":"YQ=="},{"key":"b","value":"AAE="},{"key":"a","value":"/wA="},{"key":"","value":"Yg=="}]`
			first := anHourAgo().UnixMilli()
			var want []string
			for i, format := range []string{"json", "binary", "text"} {
				e.produce(format, topic, fmt.Sprintf(`{"value":"dmFs","timestamp":%d,%s}`, first+int64(i), headers))
				r := e.read(topic, 0, int64(i), 1)[0]
				got := make([]string, len(r.Headers))
				for j, h := range r.Headers {
					got[j] = h.Key + "=" + base64.StdEncoding.EncodeToString(h.Value)
				}
				if diff := cmp.Diff("a=YQ== b=AAE= a=/wA= =Yg==", strings.Join(got, " ")); diff != "" {
					e.Errorf("%s: stored headers (-want +got):\n%s", format, diff)
				}
				if ts := r.Timestamp.UnixMilli(); ts != first+int64(i) {
					e.Errorf("%s: stored timestamp %d, want %d", format, ts, first+int64(i))
				}
				want = append(want, fmt.Sprintf(`{"topic":%q,"key":null,"value":%q,"partition":0,"offset":%d,"timestamp":%d,%s}`,
					topic, base64.StdEncoding.EncodeToString(r.Value), i, first+int64(i), headers))
			}
			e.produce("binary", topic+"/partitions/0", `{"value":"dmFs",`+headers+`}`)
			last := e.read(topic, 0, 3, 1)[0]
			want = append(want, fmt.Sprintf(`{"topic":%q,"key":null,"value":"dmFs","partition":0,"offset":3,"timestamp":%d,%s}`, topic, last.Timestamp.UnixMilli(), headers))
			e.expectPoll("binary", topic, want...)
		},
	}
}

// tombstoneSequence tries bridge.null.value=tombstone.
func tombstoneSequence(format string) sequence {
	return sequence{
		name: "1.5/fidelity/tombstone-setting-" + format, ops: []string{"send", "poll"}, bridge: tombstones,
		play: func(e *env) {
			topic := e.topic("$TOPIC")
			e.produce(format, topic, `{"key":"k","value":null}`)
			if r := e.read(topic, 0, 0, 1)[0]; r.Value != nil {
				e.Errorf("stored value %q, want a tombstone", r.Value)
			}
		},
	}
}

// native is a record written past the bridge, as a poll gives it.
type native struct {
	name, format string
	key, value   any
	headers      []kgo.RecordHeader
	polled       string // members key and value
	tail         string // what follows the timestamp
	mends        string
}

func natives() []native {
	null, header := []byte(nil), func(key string, value []byte) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: value} }
	return []native{
		{"nulls", "json", nil, nil, nil, `"key":null,"value":null`, "", ""},
		{"empty-bytes", "json", "", "", nil, `"key":null,"value":null`, "", ""},
		{"number", "json", `5`, `-1.5`, nil, `"key":5,"value":-1.5`, "", ""},
		{"boolean", "json", `true`, `false`, nil, `"key":true,"value":false`, "", ""},
		{"null-text", "json", `null`, `null`, nil, `"key":null,"value":null`, "", ""},
		{"literals", "json", nil, `[1.10,1E2,1e400]`, nil, `"key":null,"value":[1.10,1E2,1e400]`, "", literal},
		{"text-behind", "json", nil, `{"a":1} trailing`, nil, `"key":null,"value":{"a":1}`, "", ""},
		{"white-space", "json", nil, " {\n \"a\" : 1 } ", nil, `"key":null,"value":{"a":1}`, "", ""},
		{"order-and-duplicates", "json", nil, `{"b":1,"a":2,"b":3}`, nil, `"key":null,"value":{"b":3,"a":2}`, "", ""},
		{"unicode", "json", nil, `"\u00e9<&>"`, nil, `"key":null,"value":"é<&>"`, "", ""},
		{"nulls", "text", nil, nil, nil, `"key":null,"value":null`, "", ""},
		{"empty-bytes", "text", "", "", nil, `"key":"","value":""`, "", ""},
		{"malformed", "text", nil, "a\xffb", nil, `"key":null,"value":"a` + "\uFFFD" + `b"`, "", ""},
		{"controls", "text", nil, "\x00\x1f\t\"\\/", nil, `"key":null,"value":"\u0000\u001F\t\"\\/"`, "", ""},
		{"html", "text", nil, "<&>", nil, `"key":null,"value":"<&>"`, "", ""},
		{"nulls", "binary", nil, nil, nil, `"key":null,"value":null`, "", ""},
		{"empty-bytes", "binary", "", "", nil, `"key":"","value":""`, "", ""},
		{"bytes", "binary", "\xfb\xff", "\x00", nil, `"key":"+/8=","value":"AA=="`, "", ""},
		{
			"headers", "binary", nil, "v",
			[]kgo.RecordHeader{header("a", []byte("1")), header("null", null), header("a", []byte{}), header("ü", []byte{0xff})},
			`"key":null,"value":"dg=="`, `,"headers":[{"key":"a","value":"MQ=="},{"key":"null","value":null},{"key":"a","value":""},{"key":"ü","value":"/w=="}]`, "",
		},
		{
			"headers", "json", nil, `1`,
			[]kgo.RecordHeader{header("null", null)},
			`"key":null,"value":1`, `,"headers":[{"key":"null","value":null}]`, "",
		},
	}
}

func nativeSequences() []sequence {
	var out []sequence
	for _, n := range natives() {
		out = append(out, sequence{
			name: "1.6/poll/native-" + n.format + "-" + n.name, ops: []string{"poll"}, mends: n.mends,
			play: func(e *env) {
				topic := e.topic("$TOPIC")
				at := anHourAgo()
				e.write(&kgo.Record{Topic: topic, Key: asBytes(n.key), Value: asBytes(n.value), Headers: n.headers, Timestamp: at})
				e.expectPoll(n.format, topic, fmt.Sprintf(`{"topic":%q,%s,"partition":0,"offset":0,"timestamp":%d%s}`, topic, n.polled, at.UnixMilli(), n.tail))
			},
		})
	}
	return out
}

// javaPartitions are the partitions, of three, that Kafka's Java client 4.3.1
// chooses for keys (Utils.murmur2 of the key's bytes).
func javaPartitions() map[string][]struct {
	key       string
	partition int32
} {
	type list = []struct {
		key       string
		partition int32
	}
	return map[string]list{
		"json": {
			{`"a"`, 2},
			{`"b"`, 2},
			{`"key"`, 0},
			{`"key-1"`, 1},
			{`"abc"`, 0},
			{`""`, 1},
			{`"grüße"`, 1},
			{`"日本"`, 0},
			{`"\ud83d\ude00"`, 2},
			{`{"id":17}`, 0},
			{`{ "b":1, "a":2 }`, 2},
			{`[1, 2, 3]`, 2},
			{`[]`, 2},
			{`{}`, 0},
			{`"a\/b"`, 1},
			{`"<&>"`, 0},
			{`{"n":1.10}`, 0},
			{`"0123456789012345678901234567890123456789"`, 0},
		},
		"text": {
			{`"a"`, 1}, {`"b"`, 2}, {`"key"`, 1}, {`"key-1"`, 0}, {`"abc"`, 0}, {`"grüße"`, 2}, {`"日本"`, 0}, {`"x"`, 1}, {`"hello world"`, 1}, {`""`, 0},
		},
		"binary": {{`"AA=="`, 2}, {`"//4="`, 0}, {`"AQIDBA=="`, 1}, {`""`, 0}, {`"gAAAAP8="`, 0}},
	}
}

// partitionSequences demand the partitions of the Java client.
func partitionSequences() []sequence {
	var out []sequence
	for format, keys := range javaPartitions() {
		out = append(out, sequence{
			name: "1.5/send/java-partitions-" + format, ops: []string{"send"},
			play: func(e *env) {
				topic := e.topic("$TOPIC3")
				var records []string
				var want []string
				next := make(map[int32]int)
				for _, k := range keys {
					records = append(records, `{"key":`+k.key+`,"value":"dmFs"}`)
					want = append(want, fmt.Sprintf(`{"partition":%d,"offset":%d}`, k.partition, next[k.partition]))
					next[k.partition]++
				}
				body := e.must(200, "POST", "/topics/"+topic, mediaTypes[format], `{"records":[`+strings.Join(records, ",")+`]}`)
				if diff := cmp.Diff(`{"offsets":[`+strings.Join(want, ",")+`]}`, body); diff != "" {
					e.Errorf("answer (-want +got):\n%s", diff)
				}
				for p, n := range next {
					if end := e.end(topic, p); end != int64(n) {
						e.Errorf("partition %d has %d records, want %d", p, end, n)
					}
				}
			},
		})
	}
	return out
}
