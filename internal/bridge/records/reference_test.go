package records

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// reference reads a body that Decode has accepted, slowly and with another
// parser.
func reference(format wire.Format, body []byte, o Options) ([]sent, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &top); err != nil {
		return nil, err
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(top["records"], &list); err != nil {
		return nil, err
	}
	out := []sent{}
	for _, members := range list {
		s, err := referenceRecord(format, members, o)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func referenceRecord(format wire.Format, members map[string]json.RawMessage, o Options) (s sent, err error) {
	if raw, ok := members["key"]; ok {
		if s.Key, err = referenceContent(format, raw, o); err != nil {
			return s, err
		}
	}
	if s.Value, err = referenceContent(format, members["value"], o); err != nil {
		return s, err
	}
	s.Partition = NoPartition
	if raw, ok := members["partition"]; ok {
		if err := json.Unmarshal(raw, &s.Partition); err != nil {
			return s, err
		}
	}
	if raw, ok := members["timestamp"]; ok {
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return s, err
		}
		s.Timestamp = n + 1
	}
	var headers []map[string]json.RawMessage
	if raw, ok := members["headers"]; ok {
		if err := json.Unmarshal(raw, &headers); err != nil {
			return s, err
		}
	}
	for _, h := range headers {
		var key string
		if err := json.Unmarshal(h["key"], &key); err != nil {
			return s, err
		}
		var value []byte
		if err := json.Unmarshal(h["value"], &value); err != nil {
			return s, err
		}
		s.Headers = append(s.Headers, key+"="+string(value))
	}
	return s, nil
}

func referenceContent(format wire.Format, raw json.RawMessage, o Options) (*string, error) {
	if string(raw) == "null" && (format == wire.Binary || o.NullValue == Tombstone) {
		return nil, nil
	}
	if format == wire.JSON {
		normal, err := rawjson.Normal(raw)
		return text(string(normal)), err
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	if format == wire.Text {
		return &s, nil
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
	return text(string(decoded)), err
}

// checkDecode holds what must be true of every body.
func checkDecode(t *testing.T, format wire.Format, body []byte, o Options) {
	t.Helper()
	recs, err := Decode(format, body, o)
	if err == nil {
		want, err := reference(format, body, o)
		if err != nil {
			t.Fatalf("Decode accepts %q, the reference says %v", body, err)
		}
		got := summary(recs)
		// Half a surrogate pair is a question mark to Java.
		spelling := cmp.Transformer("Java", func(s string) string { return strings.ReplaceAll(s, "\ufffd", "?") })
		if diff := cmp.Diff(want, got, spelling); diff != "" {
			t.Fatalf("%s %q (-reference +got):\n%s", format, body, diff)
		}
		return
	}
	var refusal *wire.Error
	if !errors.As(err, &refusal) || recs != nil {
		t.Fatalf("%q: %v with %d records", body, err, len(recs))
	}
	if why := verdict(body, refusal, o); why != "" {
		t.Fatalf("%q is refused with %+v, but %s", body, refusal, why)
	}
}

// verdict compares a refusal with what parser and schema say about the whole
// body, which Decode asks only when it must.
func verdict(body []byte, refusal *wire.Error, o Options) string {
	if len(body) == 0 {
		return ""
	}
	normal, err := rawjson.Normal(body)
	undecodable := refusal.Code == 400 && refusal.Validation == nil
	if (err != nil) != undecodable {
		return fmt.Sprintf("the parser says %v", err)
	}
	if err != nil {
		return ""
	}
	list := violations(normal, o)
	switch {
	case !cmp.Equal(list, refusal.Validation):
		return fmt.Sprintf("the schema says %q", list)
	case refusal.Code != 400 && refusal.Code != 422:
		return "the contract has no such status"
	default:
		return ""
	}
}

func bodies() []string {
	return []string{
		``, ` `, `{}`, `[]`, `null`, `{"records":null}`, `{"records":[]}`, `{"records":[],"x":1}`, `{"records":[null]}`, `{"records":[{}]}`,
		`{"records":[{"key":"a2V5","value":"dmFsdWU="}]}`, `{"records":[{"value":null},{"value":"","key":""}]}`,
		"\xef\xbb\xbf{ \"records\" : [ { \"value\" : { \"a\" : [ 1.10 , 1E400 ] } , \"key\" : [ ] } ] }",
		`{"records":[{"value":{"a":1,"b":2,"a":3},"key":"\u0061\/\ud83d\ude00\ud83d"}]}`,
		`{"records":[{"value":"x","value":"YWI","v\u0061lue":"YWJj"}]}`, `{"records":1,"records":[{"value":"YWJj"}]}`,
		`{"records":[{"value":"v","partition":-1,"timestamp":-1}]}`, `{"records":[{"value":"v","partition":1.0,"timestamp":1e3}]}`,
		`{"records":[{"value":"v","partition":-0,"timestamp":0}]}`, `{"records":[{"value":"v","partition":2147483648}]}`,
		`{"records":[{"value":"v","headers":[{"key":"h","value":"YQ==","x":1},{"k\u0065y":"h","value":"Y\u0051=="}]}]}`,
		`{"records":[{"value":"v","headers":[{"key":"h","value":"YQ"}]}]}`, `{"records":[{"value":"v","headers":[{"key":"h","value":""}]}]}`,
		`{"records":[{"value":"v","headers":[{"key":"h","value":"YQ==","value":"Yg=="}]}]}`, `{"records":[{"value":"v","headers":{}}]}`,
		`{"records":[{"value":1}]}`, `{"records":[{"value":"x","key":null}]}`, `{"records":[{"value":"====","key":"ab_d"}]}`,
		`{"records":[{"value":"x","headers":[{"key":"h","value":"a"}],"x":1}`,
		`{"records":[{"value":[]},{"value":[]`, `{"records":[{"value":[]},{"value":[],]}`, `{"records":[{"value":"v","headers":[{"key":"h","value":"YQ=="`,
	}
}

func TestDecodeAgainstReference(t *testing.T) {
	for _, body := range bodies() {
		for _, format := range []wire.Format{wire.Binary, wire.JSON, wire.Text} {
			for _, o := range []Options{{}, {ToPartition: true}, {NullValue: Tombstone}} {
				checkDecode(t, format, []byte(body), o)
			}
		}
	}
}

func fuzzDecode(f *testing.F, format wire.Format) {
	for _, body := range bodies() {
		f.Add([]byte(body), false, false)
	}
	f.Fuzz(func(t *testing.T, body []byte, toPartition, tombstone bool) {
		o := Options{ToPartition: toPartition}
		if tombstone {
			o.NullValue = Tombstone
		}
		checkDecode(t, format, body, o)
	})
}

func FuzzDecodeJSON(f *testing.F)   { fuzzDecode(f, wire.JSON) }
func FuzzDecodeText(f *testing.F)   { fuzzDecode(f, wire.Text) }
func FuzzDecodeBinary(f *testing.F) { fuzzDecode(f, wire.Binary) }
