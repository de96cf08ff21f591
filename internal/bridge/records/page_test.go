package records

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// polledRecord is a record as the client hands it over.
func polledRecord(key, value []byte, headers ...kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{
		Topic: "orders", Partition: 2, Offset: 41, Timestamp: time.UnixMilli(1790000000123),
		Key: key, Value: value, Headers: headers,
	}
}

func TestAppendMessage(t *testing.T) {
	const tail = `,"partition":2,"offset":41,"timestamp":1790000000123`
	for _, test := range []struct {
		name   string
		format wire.Format
		record *kgo.Record
		want   string
	}{
		{"json", wire.JSON, polledRecord([]byte(`"k"`), []byte(`{"a":1.10}`)), `{"topic":"orders","key":"k","value":{"a":1.10}` + tail + `}`},
		{"json is normalised", wire.JSON, polledRecord([]byte(` 7 `), []byte("{ \"a\" : \"\\u0041\" ,\n\"a\":2} rest")), `{"topic":"orders","key":7,"value":{"a":2}` + tail + `}`},
		{"json nothing", wire.JSON, polledRecord(nil, []byte{}), `{"topic":"orders","key":null,"value":null` + tail + `}`},
		{"json blank", wire.JSON, polledRecord([]byte(" "), []byte("null")), `{"topic":"orders","key":null,"value":null` + tail + `}`},
		{"text", wire.Text, polledRecord([]byte("k"), []byte("<é\n😀\xff>")), `{"topic":"orders","key":"k","value":"<é\n\uD83D\uDE00` + "\ufffd" + `>"` + tail + `}`},
		{"text nothing", wire.Text, polledRecord(nil, []byte{}), `{"topic":"orders","key":null,"value":""` + tail + `}`},
		{"binary", wire.Binary, polledRecord([]byte("k"), []byte{0xfb, 0xff}), `{"topic":"orders","key":"aw==","value":"+/8="` + tail + `}`},
		{"binary nothing", wire.Binary, polledRecord(nil, []byte{}), `{"topic":"orders","key":null,"value":""` + tail + `}`},
		{
			"headers", wire.Text,
			polledRecord(nil, nil, kgo.RecordHeader{Key: "h\"", Value: []byte("v")}, kgo.RecordHeader{Key: "", Value: nil}, kgo.RecordHeader{Key: "h\"", Value: []byte{}}),
			`{"topic":"orders","key":null,"value":null` + tail + `,"headers":[{"key":"h\"","value":"dg=="},{"key":"","value":null},{"key":"h\"","value":""}]}`,
		},
		{
			"no timestamp", wire.Text, &kgo.Record{Topic: "t", Timestamp: time.UnixMilli(-1)},
			`{"topic":"t","key":null,"value":null,"partition":0,"offset":0,"timestamp":-1}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := AppendMessage([]byte("x"), test.format, test.record)
			if err != nil || string(got) != "x"+test.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
}

func TestAppendMessageNotDecodable(t *testing.T) {
	for _, test := range []struct {
		key, value string
		want       string
	}{
		{`"k"`, `plain`, "the value is not JSON: expected a JSON value at offset 0, in the record of topic orders, partition 2, offset 41"},
		{`{"a"`, `plain`, "the key is not JSON: unexpected end of JSON text at offset 4, in the record of topic orders, partition 2, offset 41"},
		{`1`, `1x`, "the value is not JSON: unexpected text after the JSON value at offset 1, in the record of topic orders, partition 2, offset 41"},
	} {
		got, err := AppendMessage([]byte("x"), wire.JSON, polledRecord([]byte(test.key), []byte(test.value)))
		var bad *NotDecodable
		if !errors.As(err, &bad) || err.Error() != test.want || string(got) != "x" {
			t.Errorf("%s %s: %q, %v", test.key, test.value, got, err)
			continue
		}
		if bad.Topic != "orders" || bad.Partition != 2 || bad.Offset != 41 {
			t.Errorf("it says %+v", bad)
		}
	}
}

func TestPlan(t *testing.T) {
	good := polledRecord(nil, []byte(`"good"`))
	bad := polledRecord(nil, []byte(`bad`))
	message, err := AppendMessage(nil, wire.JSON, good)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(message)) + 2                                        // one alone in its brackets
	badSize := n - int64(len(`null`)+len(`"good"`)) + int64(len(`bad`)) // contents as they are: no key is no bytes
	const undecodable = "Failed to decode:the value is not JSON: expected a JSON value at offset 0, in the record of topic orders, partition 2, offset 41"
	const tooMany = "Response exceeds the maximum number of bytes the consumer can receive"
	for _, test := range []struct {
		name string
		recs []*kgo.Record
		max  int64
		want Page
	}{
		{"nothing", nil, math.MaxInt64, Page{Size: 2}},
		{"nothing in two bytes", nil, 2, Page{Size: 2}},
		{"nothing in one byte", nil, 1, Page{Err: wire.TooManyBytes()}},
		{"negative", nil, -5, Page{Err: wire.TooManyBytes()}},
		{"one", []*kgo.Record{good}, math.MaxInt64, Page{N: 1, Size: n}},
		{"one that just fits", []*kgo.Record{good}, n, Page{N: 1, Size: n}},
		{"one too large", []*kgo.Record{good}, n - 1, Page{Err: &wire.Error{Code: 422, Message: tooMany}}},
		{"three", []*kgo.Record{good, good, good}, math.MaxInt64, Page{N: 3, Size: 3*n - 2}},
		{"three that just fit", []*kgo.Record{good, good, good}, 3*n - 2, Page{N: 3, Size: 3*n - 2}},
		{"the third waits", []*kgo.Record{good, good, good}, 3*n - 3, Page{N: 2, Size: 2*n - 1}},
		{"bad one alone", []*kgo.Record{bad}, math.MaxInt64, Page{N: 1, Err: &wire.Error{Code: 406, Message: undecodable}}},
		{"bad one first", []*kgo.Record{bad, good}, math.MaxInt64, Page{N: 1, Err: &wire.Error{Code: 406, Message: undecodable}}},
		{"bad one second", []*kgo.Record{good, bad, good}, math.MaxInt64, Page{N: 1, Size: n}},
		{"bad one that just fits", []*kgo.Record{bad}, badSize, Page{N: 1, Err: &wire.Error{Code: 406, Message: undecodable}}},
		{"bad one too large", []*kgo.Record{bad}, badSize - 1, Page{Err: &wire.Error{Code: 422, Message: tooMany}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Plan(wire.JSON, test.recs, test.max), cmpopts.IgnoreUnexported(Page{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlanBadKey(t *testing.T) {
	page := Plan(wire.JSON, []*kgo.Record{polledRecord([]byte("bad"), []byte("1"))}, math.MaxInt64)
	if page.Err == nil || page.Err.Code != 406 || !strings.Contains(page.Err.Message, "the key is not JSON") || page.N != 1 {
		t.Errorf("%+v", page)
	}
}

// checkPage checks that plan, append and write agree, and that the answer is
// what an independent parser makes the records of.
func checkPage(t *testing.T, f wire.Format, recs []*kgo.Record) {
	t.Helper()
	page := Plan(f, recs, math.MaxInt64)
	if page.Err != nil {
		return
	}
	recs = recs[:page.N]
	answer := AppendPage(nil, f, recs)
	if int64(len(answer)) != page.Size {
		t.Fatalf("planned %d bytes, appended %d: %.200s", page.Size, len(answer), answer)
	}
	if planned := page.Append([]byte("x"), f, recs); string(planned) != "x"+string(answer) {
		t.Fatalf("as planned %.200s, without a plan %.200s", planned[1:], answer)
	}
	var written bytes.Buffer
	if err := WritePage(&written, f, recs); err != nil || !bytes.Equal(written.Bytes(), answer) {
		t.Fatalf("written %d bytes, %v; appended %d", written.Len(), err, len(answer))
	}
	written.Reset()
	used := bytes.Repeat([]byte("#"), writeBuffer)
	if kept, err := page.Write(&written, used, f, recs); err != nil || !bytes.Equal(written.Bytes(), answer) || cap(kept) < writeBuffer {
		t.Fatalf("written as planned %d bytes, %v; appended %d; a buffer of %d", written.Len(), err, len(answer), cap(kept))
	}
	if _, normal, err := rawjson.Prefix(answer); err != nil || !normal {
		t.Fatalf("the answer %.200s: normal %v, %v", answer, normal, err)
	}
	var messages []map[string]json.RawMessage
	if err := json.Unmarshal(answer, &messages); err != nil || len(messages) != len(recs) {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	for i, r := range recs {
		checkContent(t, f, r.Key, messages[i]["key"])
		checkContent(t, f, r.Value, messages[i]["value"])
	}
}

// checkContent compares an encoded content with the bytes of the record.
func checkContent(t *testing.T, f wire.Format, b []byte, encoded json.RawMessage) {
	t.Helper()
	if b == nil || f == wire.JSON && len(bytes.Trim(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")) == 0 {
		if string(encoded) != "null" {
			t.Fatalf("%q is encoded as %s", b, encoded)
		}
		return
	}
	switch f {
	case wire.JSON:
		prefix, _, err := rawjson.Prefix(b)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := rawjson.Normal(prefix); err != nil || !bytes.Equal(want, encoded) {
			t.Fatalf("%q is encoded as %s", b, encoded)
		}
	case wire.Text:
		var s string
		if err := json.Unmarshal(encoded, &s); err != nil || utf8.Valid(b) && s != string(b) {
			t.Fatalf("%q is encoded as %s (%v)", b, encoded, err)
		}
	default:
		var s []byte
		if err := json.Unmarshal(encoded, &s); err != nil || !bytes.Equal(s, b) {
			t.Fatalf("%q is encoded as %s (%v)", b, encoded, err)
		}
	}
}

// What a plan found to be copied, and what it must not.
func TestPlanMarksWhatIsCopied(t *testing.T) {
	for _, test := range []struct {
		key, value string
		want       bool
	}{
		{``, `{"a":[1,"b"]}`, true},
		{`"k"`, `null`, true},
		{`"k"`, ``, true},
		{``, ` {}`, false},
		{``, `{} `, false},
		{``, ` `, false},
		{` `, `{}`, false},
		{`"k" x`, `{}`, false},
		{``, "\ufeff{}", false},
		{``, `{"a":1,"a":2}`, false},
		{``, `"\u0041"`, false},
		{`"😀"`, `1`, false},
	} {
		recs := []*kgo.Record{polledRecord([]byte(test.key), []byte(test.value))}
		for _, format := range []wire.Format{wire.JSON, wire.Binary, wire.Text} {
			page := Plan(format, recs, math.MaxInt64)
			if got := page.copied.has(0); page.Err != nil || got != (test.want && format == wire.JSON) {
				t.Errorf("%s, key %s, value %s: copied %v, %v", format, test.key, test.value, got, page.Err)
			}
			checkPage(t, format, recs)
		}
	}
}

// Pages of more records than a plan remembers, in normal form and not.
func TestPageOfManyRecords(t *testing.T) {
	var none marks
	recs := polled(64*len(none)+100, `{"a":1}`)
	for i, r := range recs {
		if r.Offset += int64(i) * 1e6; i%3 == 0 {
			r.Value = []byte(` {"a": 1}`)
		}
	}
	page := Plan(wire.JSON, recs, math.MaxInt64)
	if page.N != len(recs) || !page.copied.has(1) || page.copied.has(3) || page.copied.has(len(recs)-1) {
		t.Errorf("%d records planned, marks %x", page.N, page.copied)
	}
	checkPage(t, wire.JSON, recs)
}

// The length of an envelope is counted; this is what it is counted after.
func TestEnvelopeLength(t *testing.T) {
	numbers := []int64{math.MinInt64, math.MaxInt64, math.MinInt32, math.MaxInt32, 0, -1}
	for n := int64(1); n > 0 && n <= math.MaxInt64/10; n *= 10 {
		numbers = append(numbers, n-1, n, n+1, -n, 1-n)
	}
	headers := []kgo.RecordHeader{{Key: "a"}, {Key: "é\"\n", Value: []byte{}}, {Key: strings.Repeat("long", 100), Value: []byte("1234")}}
	var m measure
	for i, n := range numbers {
		if got, want := digits(n), len(strconv.FormatInt(n, 10)); got != want {
			t.Errorf("%d has %d digits, not %d", n, want, got)
		}
		r := &kgo.Record{
			Topic: []string{"", "orders", "a\"b"}[i/2%3], Partition: int32(n), Offset: n,
			Timestamp: time.UnixMilli(n), Headers: headers[:i%len(headers)],
		}
		message, err := AppendMessage(nil, wire.Binary, r)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(len(message) - len("nullnull")); m.envelope(r) != want {
			t.Errorf("the envelope of %s has %d bytes, not %d", message, want, m.envelope(r))
		}
	}
}

// Contents around the sizes where writing goes piece by piece.
func TestPageOfLargeRecords(t *testing.T) {
	var recs []*kgo.Record
	for _, n := range []int{0, writeChunk - 2, writeChunk, 2*writeChunk - 1, writeBuffer} {
		for _, unit := range []string{"x", "橋", "é\n", "\x80", "\xe6\xa9", "\xf0\x9f\x98\x80"} {
			content := []byte("xyz" + strings.Repeat(unit, n/len(unit)+1)[:n])
			for shift := range 3 { // so that the pieces end at every place of a character
				recs = append(recs, polledRecord(nil, content[shift:]))
			}
		}
	}
	checkPage(t, wire.Text, recs)
	checkPage(t, wire.Binary, recs)
	for i, r := range recs {
		quoted := rawjson.AppendQuote(nil, r.Value)
		if i%2 == 1 {
			quoted = append([]byte("[ "), append(quoted, ']')...)
		}
		recs[i] = polledRecord(quoted, quoted)
	}
	recs = append(recs, polledRecord(nil, bytes.Repeat([]byte(" "), 2*writeChunk)))
	checkPage(t, wire.JSON, recs)
}

func FuzzPage(f *testing.F) {
	for _, value := range []string{``, ` `, `{"a":1,"a":[ ]}`, `"\ud83d\u0041" x`, "\xff\xe6\xa9", `1x`, "\xef\xbb\xbf"} {
		f.Add([]byte(value), []byte(`"key"`), "header", []byte("v"), uint8(3))
	}
	f.Fuzz(func(t *testing.T, value, key []byte, header string, headerValue []byte, shape uint8) {
		r := polledRecord(key, value)
		if shape&1 != 0 {
			r.Headers = []kgo.RecordHeader{{Key: header, Value: headerValue}, {Key: header}}
		}
		if shape&2 != 0 {
			r.Key = nil
		}
		for _, format := range []wire.Format{wire.Binary, wire.JSON, wire.Text} {
			checkPage(t, format, []*kgo.Record{r, polledRecord(nil, nil), r})
		}
		checkRoundTrip(t, r)
	})
}

// checkRoundTrip sends what was polled and expects the record again, in the
// format that keeps every byte.
func checkRoundTrip(t *testing.T, r *kgo.Record) {
	t.Helper()
	encode := base64.StdEncoding.EncodeToString
	body := map[string]any{"value": encode(r.Value)}
	if r.Key != nil {
		body["key"] = encode(r.Key)
	}
	message, err := AppendMessage(nil, wire.Binary, r)
	if err != nil {
		t.Fatal(err)
	}
	var polled map[string]any
	if err := json.Unmarshal(message, &polled); err != nil {
		t.Fatal(err)
	}
	for name, want := range body {
		if r.Value != nil && polled[name] != want {
			t.Fatalf("%s of %s is not %v", name, message, want)
		}
	}
	request, err := json.Marshal(map[string]any{"records": []any{body}})
	if err != nil {
		t.Fatal(err)
	}
	recs, err := Decode(wire.Binary, request, Options{})
	if err != nil || len(recs) != 1 || !bytes.Equal(recs[0].Value, r.Value) || !bytes.Equal(recs[0].Key, r.Key) {
		t.Fatalf("%s comes back as %v, %v", request, recs, err)
	}
}

// A record that Plan would not have let through is not silently half written.
func TestUnplannedRecords(t *testing.T) {
	recs := []*kgo.Record{polledRecord(nil, []byte("bad")), polledRecord(nil, []byte("1")), polledRecord([]byte("bad"), nil), polledRecord(nil, []byte("2"))}
	want := AppendPage(nil, wire.JSON, []*kgo.Record{recs[1], recs[3]})
	if got := AppendPage(nil, wire.JSON, recs); !bytes.Equal(got, want) {
		t.Errorf("AppendPage = %s", got)
	}
	var bad *NotDecodable
	large := polledRecord([]byte("["+strings.Repeat("1,", writeChunk)), nil)
	for _, list := range [][]*kgo.Record{recs, recs[2:], {large}} {
		if err := WritePage(&bytes.Buffer{}, wire.JSON, list); !errors.As(err, &bad) {
			t.Errorf("WritePage: %v", err)
		}
	}
}

// An error of the writer ends the page, wherever it comes.
func TestWritePageFails(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 10*writeChunk)
	for _, format := range []wire.Format{wire.Binary, wire.JSON, wire.Text} {
		value := large
		if format == wire.JSON {
			value = rawjson.AppendQuote(nil, large)
		}
		recs := []*kgo.Record{polledRecord(nil, value), polledRecord(value, nil)}
		for _, n := range []int64{0, 1, 100, 100 << 10, 300 << 10} {
			if err := WritePage(&failing{left: n}, format, recs); !errors.Is(err, iotest.ErrTimeout) {
				t.Errorf("%s after %d bytes: %v", format, n, err)
			}
		}
	}
}

// failing is a writer that accepts a number of bytes.
type failing struct{ left int64 }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= int64(len(b)); f.left < 0 {
		return 0, iotest.ErrTimeout
	}
	return len(b), nil
}

func TestPageAllocations(t *testing.T) {
	recs := polled(50, event(500))
	recs[7].Headers = []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}
	room := make([]byte, 0, 1<<20)
	for _, format := range []wire.Format{wire.Binary, wire.JSON, wire.Text} {
		if n := testing.AllocsPerRun(10, func() { Plan(format, recs, math.MaxInt64) }); n != 0 {
			t.Errorf("%s: Plan allocates %v times", format, n)
		}
		if n := testing.AllocsPerRun(10, func() { AppendPage(room, format, recs) }); n != 0 {
			t.Errorf("%s: AppendPage allocates %v times", format, n)
		}
	}
}
