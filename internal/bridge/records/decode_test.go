package records

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// sent is what a test cares about in a decoded record. Nil and empty contents
// are told apart by a pointer.
type sent struct {
	Key, Value *string
	Partition  int32
	Timestamp  int64 // 0 for none, else milliseconds + 1
	Headers    []string
}

func text(s string) *string { return &s }

func summary(recs []kgo.Record) []sent {
	out := []sent{}
	for _, r := range recs {
		s := sent{Partition: r.Partition}
		if r.Key != nil {
			s.Key = text(string(r.Key))
		}
		if r.Value != nil {
			s.Value = text(string(r.Value))
		}
		if !r.Timestamp.IsZero() {
			s.Timestamp = r.Timestamp.UnixMilli() + 1
		}
		for _, h := range r.Headers {
			s.Headers = append(s.Headers, h.Key+"="+string(h.Value))
		}
		out = append(out, s)
	}
	return out
}

func TestDecode(t *testing.T) {
	tombstone := Options{NullValue: Tombstone}
	value := func(v string) []sent { return []sent{{Value: text(v), Partition: NoPartition}} }
	keyed := func(k, v string) []sent {
		return []sent{{Key: text(k), Value: text(v), Partition: NoPartition}}
	}
	for _, test := range []struct {
		name   string
		format wire.Format
		o      Options
		body   string
		want   []sent
	}{
		{"no records", wire.JSON, Options{}, `{"records":[]}`, []sent{}},
		{"json string keeps its quotes", wire.JSON, Options{}, `{"records":[{"key":"abc","value":"x"}]}`, keyed(`"abc"`, `"x"`)},
		{"json containers", wire.JSON, Options{}, `{"records":[{"key":[1],"value":{"a":{}}}]}`, keyed(`[1]`, `{"a":{}}`)},
		{"json is normalised", wire.JSON, Options{}, `{"records":[{"key":"\u0061\/","value":{ "a" : 1.10 , "b":2, "a":1E400 }}]}`, keyed(`"a/"`, `{"a":1E400,"b":2}`)},
		{"json outside the basic plane", wire.JSON, Options{}, `{"records":[{"value":"😀"}]}`, value(`"\uD83D\uDE00"`)},
		{"json null", wire.JSON, Options{}, `{"records":[{"value":null}]}`, value(`null`)},
		{"json tombstone", wire.JSON, tombstone, `{"records":[{"value":null}]}`, []sent{{Partition: NoPartition}}},
		{"text", wire.Text, Options{}, `{"records":[{"key":"abc","value":"é\n😀\ud83d"}]}`, keyed("abc", "é\n😀?")},
		{"text empty", wire.Text, Options{}, `{"records":[{"key":"","value":""}]}`, keyed("", "")},
		{"text tombstone", wire.Text, tombstone, `{"records":[{"value":null}]}`, []sent{{Partition: NoPartition}}},
		{"binary", wire.Binary, Options{}, `{"records":[{"key":"a2V5","value":"dmFsdWU="}]}`, keyed("key", "value")},
		{"binary without padding", wire.Binary, Options{}, `{"records":[{"key":"a2V5eQ","value":"dmFsdWU"}]}`, keyed("keyy", "value")},
		{"binary with escapes", wire.Binary, Options{}, `{"records":[{"key":"\u00612V5","value":"dmFsdWU\u003d"}]}`, keyed("key", "value")},
		{"binary empty", wire.Binary, Options{}, `{"records":[{"key":"","value":""}]}`, keyed("", "")},
		{"binary null is a tombstone", wire.Binary, Options{}, `{"records":[{"value":null}]}`, []sent{{Partition: NoPartition}}},
		{
			"all members, any order, any space", wire.JSON,
			Options{},
			" { \"records\" : [ { \"headers\" : [ { \"value\" : \"dg==\" , \"key\" : \"h\" } ] ,\n\"timestamp\" : 1790000000000 , \"partition\" : 2 , \"value\" : \"v\" , \"key\" : \"k\" } ] } \n",
			[]sent{{Key: text(`"k"`), Value: text(`"v"`), Partition: 2, Timestamp: 1790000000001, Headers: []string{"h=v"}}},
		},
		{"timestamp 0, partition 0", wire.JSON, Options{}, `{"records":[{"timestamp":0,"partition":-0,"value":"v"}]}`, []sent{{Value: text(`"v"`), Timestamp: 1}}},
		{"largest numbers", wire.JSON, Options{}, `{"records":[{"timestamp":9223372036854,"partition":2147483647,"value":"v"}]}`, []sent{{Value: text(`"v"`), Partition: math.MaxInt32, Timestamp: 9223372036855}}},
		{
			"headers repeat and may have more members", wire.Text,
			Options{},
			`{"records":[{"value":"v","headers":[{"key":"h","value":"YQ==","x":{"y":1}},{"key":"\u0068","value":"Yg\u003d="},{"key":"é","value":"YWI="}]}]}`,
			[]sent{{Value: text("v"), Partition: NoPartition, Headers: []string{"h=a", "h=b", "é=ab"}}},
		},
		{
			"header names spelled oddly", wire.Text,
			Options{},
			`{"records":[{"value":"v","headers":[{"k\u0065y":"h","value":"YQ=="}]}]}`,
			[]sent{{Value: text("v"), Partition: NoPartition, Headers: []string{"h=a"}}},
		},
		{"no headers", wire.Text, Options{}, `{"records":[{"value":"v","headers":[]}]}`, value("v")},
		{"member names spelled oddly", wire.JSON, Options{}, `{"rec\u006frds":[{"v\u0061lue":"x"}]}`, value(`"x"`)},
		{"last of repeated members", wire.JSON, Options{}, `{"records":0,"records":[{"value":1,"key":"a","value":"x","key":"b"}]}`, keyed(`"b"`, `"x"`)},
		{"first of repeated members is bad", wire.Binary, Options{}, `{"records":[{"value":"_"}],"records":[]}`, []sent{}},
		{
			"repeated members in a header", wire.Text,
			Options{},
			`{"records":[{"value":"v","headers":[{"key":"h","k\u0065y":"i","value":"a","value":"YQ=="}],"headers":[{"key":"h","k\u0065y":"i","value":"a","value":"YQ=="}]}]}`,
			[]sent{{Value: text("v"), Partition: NoPartition, Headers: []string{"i=a"}}},
		},
		{"byte order mark", wire.JSON, Options{}, "\xef\xbb\xbf" + `{"records":[{"value":"x"}]}`, value(`"x"`)},
		{
			"to a partition", wire.JSON,
			Options{ToPartition: true},
			`{"records":[{"key":"k","value":"x","headers":[{"key":"h","value":"YQ=="}]}]}`,
			[]sent{{Key: text(`"k"`), Value: text(`"x"`), Partition: NoPartition, Headers: []string{"h=a"}}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := []byte(test.body)
			recs, err := Decode(test.format, body, test.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, summary(recs)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if string(body) != test.body {
				t.Errorf("the body has become %q", body)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	const schemaMessage = "Validation error on: Schema validation error"
	const notDecodable = "Validation error on: The request body can't be decoded"
	record := func(members string) string { return `{"records":[{` + members + `}]}` }
	for _, test := range []struct {
		name       string
		format     wire.Format
		o          Options
		body       string
		code       int
		message    string
		validation string // one of the texts
	}{
		{"no body", wire.JSON, Options{}, ``, 400, "Validation error on: The related request does not contain the required body.", ""},
		{"not JSON", wire.JSON, Options{}, `{"records":[{"value":"x"}]`, 400, notDecodable, ""},
		{"only space", wire.JSON, Options{}, ` `, 400, notDecodable, ""},
		{"text behind", wire.JSON, Options{}, record(`"value":"x"`) + `,`, 400, notDecodable, ""},
		{"bad UTF-8", wire.JSON, Options{}, record("\"value\":\"\xff\""), 400, notDecodable, ""},
		{"UTF-16", wire.JSON, Options{}, "{\x00\"\x00", 400, notDecodable, ""},
		{"too deep", wire.JSON, Options{}, record(`"value":` + strings.Repeat("[", 998) + strings.Repeat("]", 998)), 400, notDecodable, ""},
		{"number too long", wire.JSON, Options{}, record(`"value":[` + strings.Repeat("1", 1001) + `]`), 400, notDecodable, ""},

		{"no records", wire.JSON, Options{}, `{}`, 422, "A list of records must be specified.", ""},
		{"an array", wire.JSON, Options{}, `[]`, 400, schemaMessage, "Instance type array is invalid. Expected object"},
		{"records null", wire.JSON, Options{}, `{"records":null}`, 400, schemaMessage, "Instance type null is invalid. Expected array"},
		{"another member", wire.JSON, Options{}, `{"records":[],"x":1}`, 400, schemaMessage, `Property "x" does not match additional properties schema`},
		{"no value", wire.JSON, Options{}, record(`"key":"k"`), 400, schemaMessage, `Instance does not have required property "value"`},
		{"unknown member", wire.JSON, Options{}, record(`"value":"v","x":1`), 400, schemaMessage, `Property "x" does not match additional properties schema`},
		{"null key", wire.Binary, Options{}, record(`"value":"dg==","key":null`), 400, schemaMessage, `Instance does not match exactly one subschema (0 matches)`},
		{"number as value", wire.JSON, Options{}, record(`"value":1`), 400, schemaMessage, `Instance does not match exactly one subschema (0 matches)`},
		{"boolean as key", wire.JSON, Options{}, record(`"value":"v","key":true`), 400, schemaMessage, `Instance does not match exactly one subschema (0 matches)`},
		{"int32 overflow", wire.JSON, Options{}, record(`"value":"v","partition":2147483648`), 400, schemaMessage, `Integer does not match the format "int32"`},
		{"int64 overflow", wire.JSON, Options{}, record(`"value":"v","timestamp":9223372036854775808`), 400, schemaMessage, `Integer does not match the format "int64"`},
		{"timestamp string", wire.JSON, Options{}, record(`"value":"v","timestamp":"1"`), 400, schemaMessage, `Instance type string is invalid. Expected integer`},
		{"header without a value", wire.JSON, Options{}, record(`"value":"v","headers":[{"key":"h"}]`), 400, schemaMessage, `Instance does not have required property "value"`},
		{"header value null", wire.JSON, Options{}, record(`"value":"v","headers":[{"key":"h","value":null}]`), 400, schemaMessage, `Instance type null is invalid. Expected string`},
		{"header value no base64", wire.JSON, Options{}, record(`"value":"v","headers":[{"key":"h","value":"a"}]`), 400, schemaMessage, `String does not match format "byte"`},
		{"header value with a line break", wire.JSON, Options{}, record(`"value":"v","headers":[{"key":"h","value":"YWJj\n\n\n\n"}]`), 400, schemaMessage, `String does not match format "byte"`},
		{"headers no array", wire.JSON, Options{}, record(`"value":"v","headers":{}`), 400, schemaMessage, `Instance type object is invalid. Expected array`},
		{"partition twice", wire.JSON, Options{ToPartition: true}, record(`"value":"v","partition":1`), 400, schemaMessage, `Property "partition" does not match additional properties schema`},
		{"timestamp to a partition", wire.JSON, Options{ToPartition: true}, record(`"value":"v","timestamp":1`), 400, schemaMessage, `Property "timestamp" does not match additional properties schema`},
		{"shape before content", wire.Binary, Options{}, `{"records":[{"value":"_"},{"value":1}]}`, 400, schemaMessage, `Items did not match schema`},
		{"shape before content, twice", wire.Binary, Options{}, `{"records":[{"value":"_"}],"records":1}`, 400, schemaMessage, `Instance type number is invalid. Expected array`},

		{"text key", wire.Text, Options{}, record(`"value":1,"value":"v","key":{}`), 422, "Because the embedded format is 'text', the key must be a string", ""},
		{"text value", wire.Text, Options{}, record(`"value":["v"]`), 422, "Because the embedded format is 'text', the value must be a string", ""},
		{"text null", wire.Text, Options{}, record(`"value":null`), 422, "Because the embedded format is 'text', the value must be a string", ""},
		{"binary key", wire.Binary, Options{}, record(`"value":"dg==","key":["k"]`), 422, "Because the embedded format is 'binary', the key must be a base64 encoded string", ""},
		{"binary value", wire.Binary, Options{}, record(`"value":{}`), 422, "Because the embedded format is 'binary', the value must be a base64 encoded string", ""},
		{"not base64", wire.Binary, Options{}, record(`"value":"ab_d"`), 422, "Illegal base64 character 5f", ""},
		{"base64 with a line break", wire.Binary, Options{}, record(`"value":"abcd\nabc"`), 422, "Illegal base64 character a", ""},
		{"negative timestamp", wire.JSON, Options{}, record(`"value":"v","partition":-1,"timestamp":-1`), 422, "Invalid timestamp: -1. Timestamp should always be non-negative or null.", ""},
		{"timestamp past the client's range", wire.JSON, Options{}, record(`"value":"v","timestamp":9223372036855`), 422, "Invalid timestamp: 9223372036855. Timestamp should be at most 9223372036854.", ""},
		{"largest timestamp", wire.JSON, Options{}, record(`"value":"v","timestamp":9223372036854775807`), 422, "Invalid timestamp: 9223372036854775807. Timestamp should be at most 9223372036854.", ""},
		{"negative partition", wire.JSON, Options{}, record(`"value":"v","partition":-1`), 422, "Invalid partition: -1. Partition number should always be non-negative or null.", ""},
		{"content before numbers", wire.Text, Options{}, record(`"timestamp":-1,"value":[],"key":[]`), 422, "Because the embedded format is 'text', the key must be a string", ""},
		{"first bad record", wire.Text, Options{}, `{"records":[{"value":"v"},{"value":"v","timestamp":-2},{"value":[]}]}`, 422, "Invalid timestamp: -2. Timestamp should always be non-negative or null.", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			recs, err := Decode(test.format, []byte(test.body), test.o)
			var refusal *wire.Error
			if !errors.As(err, &refusal) || recs != nil {
				t.Fatalf("Decode = %v, %v", recs, err)
			}
			if refusal.Code != test.code || refusal.Message != test.message {
				t.Errorf("refused with %d %q", refusal.Code, refusal.Message)
			}
			if test.validation != "" && !strings.Contains(strings.Join(refusal.Validation, "\n")+"\n", test.validation+"\n") {
				t.Errorf("validation %q", refusal.Validation)
			}
			if test.validation == "" && refusal.Validation != nil {
				t.Errorf("validation %q", refusal.Validation)
			}
		})
	}
}

// Many records, so that the slabs for records, headers and contents are
// replaced while earlier records point into them.
func TestDecodeMany(t *testing.T) {
	const count = 9000
	var body strings.Builder
	var want []sent
	for i := range count {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"value":"a\n` + strings.Repeat("x", i%97) + `"`)
		s := sent{Value: text("a\n" + strings.Repeat("x", i%97)), Partition: NoPartition}
		for k := range i % 4 {
			if k == 0 {
				body.WriteString(`,"headers":[`)
			} else {
				body.WriteByte(',')
			}
			key := string(rune('a' + (i+k)%26))
			body.WriteString(`{"key":"` + key + `","value":"YWJj"}`)
			s.Headers = append(s.Headers, key+"=abc")
		}
		if i%4 > 0 {
			body.WriteByte(']')
		}
		body.WriteByte('}')
		want = append(want, s)
	}
	recs, err := Decode(wire.Text, []byte(`{"records":[`+body.String()+`]}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, summary(recs)); diff != "" {
		t.Errorf("(-want +got):\n%.2000s", diff)
	}
}

// Appending to a content of one record must not write into another's.
func TestDecodedContentsAreClosed(t *testing.T) {
	recs, err := Decode(wire.Text, []byte(`{"records":[{"key":"\n1","value":"\n2"},{"key":"\n3","value":"\n4"}]}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	_ = append(recs[0].Key, "overwritten"...)
	if got := string(recs[0].Value); got != "\n2" {
		t.Errorf("the value has become %q", got)
	}
}

// What needs no change is a slice of the body.
func TestDecodeSharesTheBody(t *testing.T) {
	body := []byte(`{"records":[{"key":"k","value":{"a":1}}]}`)
	inBody := func(b []byte) bool {
		at := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
		start := uintptr(unsafe.Pointer(unsafe.SliceData(body)))
		return at >= start && at < start+uintptr(len(body))
	}
	recs, err := Decode(wire.JSON, body, Options{})
	if err != nil || !inBody(recs[0].Key) || !inBody(recs[0].Value) {
		t.Errorf("%v, %v", recs, err)
	}
}

// A small first record must not make Decode reserve a slab for millions.
func TestDecodeReservesLittle(t *testing.T) {
	body := []byte(`{"records":[{"value":""},{"value":""},{"value":"` + strings.Repeat("x", 4<<20) + `"}]}`)
	recs, err := Decode(wire.Text, body, Options{})
	if err != nil || len(recs) != 3 || cap(recs) > slab+1 {
		t.Errorf("%d records with room for %d, %v", len(recs), cap(recs), err)
	}
}

func TestDecodeReservesFewHeaders(t *testing.T) {
	header := `{"key":"","value":"AA=="},`
	body := []byte(`{"records":[{"value":"","headers":[` + strings.Repeat(header, 9) + header[:len(header)-1] +
		`]},{"value":"` + strings.Repeat("x", 4<<20) + `"}]}`)
	d := decoder{format: wire.Text}
	if !d.read(body) || len(d.records[0].Headers) != 10 || cap(d.headers) > 2*slab {
		t.Errorf("%d headers with room for %d", len(d.headers), cap(d.headers))
	}
}

func TestDecodeAllocations(t *testing.T) {
	for _, test := range []struct {
		name   string
		format wire.Format
		body   []byte
		want   float64
	}{
		{"json, one record", wire.JSON, produceBody(1, `"x"`), 1},
		{"json, many records", wire.JSON, produceBody(100, event(300)), 2},
		{"text, many records", wire.Text, produceBody(100, `"x"`), 2},
		{"binary, many records", wire.Binary, produceBody(100, `"YWJj"`), 3},
	} {
		if n := testing.AllocsPerRun(10, func() { _, _ = Decode(test.format, test.body, Options{}) }); n > test.want {
			t.Errorf("%s: %v allocations, want %v", test.name, n, test.want)
		}
	}
}

func TestAppendResults(t *testing.T) {
	for _, test := range []struct {
		results []Result
		want    string
	}{
		{nil, `{"offsets":[]}`},
		{[]Result{{Partition: 3, Offset: math.MaxInt64}}, `{"offsets":[{"partition":3,"offset":9223372036854775807}]}`},
		{
			[]Result{
				{Partition: 0, Offset: -1},
				{Err: &wire.Error{Code: 404, Message: `Topic "t" not present`}},
				{Partition: 1, Offset: 0},
			},
			`{"offsets":[{"partition":0,"offset":-1},{"error_code":404,"message":"Topic \"t\" not present"},{"partition":1,"offset":0}]}`,
		},
	} {
		if got := string(AppendResults([]byte("x"), test.results)); got != "x"+test.want {
			t.Errorf("AppendResults = %s, want %s", got, test.want)
		}
	}
}

// The timestamp's unit is milliseconds.
func TestTimestampUnit(t *testing.T) {
	recs, err := Decode(wire.JSON, []byte(`{"records":[{"value":"v","timestamp":1500}]}`), Options{})
	if err != nil || !recs[0].Timestamp.Equal(time.Unix(1, 500e6)) {
		t.Errorf("%v, %v", recs, err)
	}
}

func TestDecodeBoundsTheNumberOfRecords(t *testing.T) {
	body := func(n int, record string) []byte {
		return []byte(`{"records":[` + strings.TrimSuffix(strings.Repeat(record+",", n), ",") + `]}`)
	}
	// The second spelling takes the way through the normal form.
	for _, record := range []string{`{"value":""}`, `{"value":"","value":"x"}`} {
		if got, err := Decode(wire.JSON, body(3, record), Options{MaxRecords: 3}); err != nil || len(got) != 3 {
			t.Errorf("%s: %d records, %v", record, len(got), err)
		}
		_, err := Decode(wire.JSON, body(4, record), Options{MaxRecords: 3})
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != 413 {
			t.Errorf("%s: %v, want 413", record, err)
		}
	}
}
