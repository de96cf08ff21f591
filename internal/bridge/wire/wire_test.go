package wire

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// refusal returns the *Error inside err and fails the test when there is none.
func refusal(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T), want an *Error", err, err)
	}
	return e
}

// wantRefusal compares an error with the expected one; nil means none.
func wantRefusal(t *testing.T, err error, want *Error) {
	t.Helper()
	if want == nil {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	if diff := cmp.Diff(want, refusal(t, err)); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}

// violation is a 400 of the schema.
func violation(texts ...string) *Error {
	return &Error{Code: 400, Message: "Validation error on: Schema validation error", Validation: texts}
}

// TestMessages holds every text of the contract to its letters.
func TestMessages(t *testing.T) {
	for _, c := range []struct {
		got  *Error
		want string
	}{
		{NotFound(), NotFoundBody},
		{NotFound(), `{"error_code":404,"message":"Not Found"}`},
		{BadRequest(), `{"error_code":400,"message":"Bad Request"}`},
		{InternalServerError(), `{"error_code":500,"message":"Internal Server Error"}`},
		{BodyTooLarge(1024), `{"error_code":413,"message":"The request body is larger than the limit of 1024 bytes"}`},
		{Overloaded(3), `{"error_code":503,"message":"Bridge is overloaded, please retry later"}`},
		{
			SchemaViolation([]string{`Property "a" does not match additional properties schema`, "b"}),
			`{"error_code":400,"message":"Validation error on: Schema validation error",` +
				`"validation_errors":["Property \"a\" does not match additional properties schema","b"]}`,
		},
		{MissingBody(), `{"error_code":400,"message":"Validation error on: The related request does not contain the required body."}`},
		{UnsupportedBody(), `{"error_code":400,"message":"Validation error on: The format of the request body is not supported"}`},
		{UndecodableBody(), `{"error_code":400,"message":"Validation error on: The request body can't be decoded"}`},
		{
			MissingParameter("path", "groupid"),
			`{"error_code":400,"message":"Validation error on: The related request does not contain the required path parameter groupid"}`,
		},
		{
			UndecodableParameter("query", "async"),
			`{"error_code":400,"message":"Validation error on: The value of query parameter async can't be decoded."}`,
		},
		{Unprocessable("x"), `{"error_code":422,"message":"x"}`},
		{Failed("x"), `{"error_code":500,"message":"x"}`},
		{Missing("x"), `{"error_code":404,"message":"x"}`},
		{
			ProducerDisabled(),
			`{"error_code":503,"message":"Producer is disabled in config. To enable producer update http.producer.enabled to true"}`,
		},
		{MissingRecords(), `{"error_code":422,"message":"A list of records must be specified."}`},
		{TextKey(), `{"error_code":422,"message":"Because the embedded format is 'text', the key must be a string"}`},
		{TextValue(), `{"error_code":422,"message":"Because the embedded format is 'text', the value must be a string"}`},
		{
			NegativeTimestamp(-1),
			`{"error_code":422,"message":"Invalid timestamp: -1. Timestamp should always be non-negative or null."}`,
		},
		{
			NegativePartition(-1),
			`{"error_code":422,"message":"Invalid partition: -1. Partition number should always be non-negative or null."}`,
		},
		{InvalidPartition(), `{"error_code":422,"message":"Specified partition is not a valid number"}`},
		{
			ConsumerDisabled(),
			`{"error_code":503,"message":"Consumer is disabled in config. To enable consumer update http.consumer.enabled to true"}`,
		},
		{ConsumerNotFound(), `{"error_code":404,"message":"The specified consumer instance was not found."}`},
		{
			ConsumerExists(),
			`{"error_code":409,"message":"A consumer instance with the specified name already exists in the Kafka Bridge."}`,
		},
		{InvalidFormat(), `{"error_code":422,"message":"Invalid format type."}`},
		{InvalidScheme("mqtt"), `{"error_code":500,"message":"mqtt is not a valid schema/proto."}`},
		{
			Exclusive(),
			`{"error_code":409,"message":"Subscriptions to topics, partitions, and patterns are mutually exclusive."}`,
		},
		{
			ModeSwitch(),
			`{"error_code":500,"message":"java.lang.IllegalStateException: Subscription to topics, partitions and pattern are mutually exclusive"}`,
		},
		{MissingSubscription(), `{"error_code":422,"message":"A list (of Topics type) or a topic_pattern must be specified."}`},
		{
			InvalidPattern("unclosed group at position 0"),
			`{"error_code":500,"message":"java.util.regex.PatternSyntaxException: unclosed group at position 0"}`,
		},
		{
			UnsupportedPattern("unsupported look-ahead at position 1"),
			`{"error_code":422,"message":"The topic_pattern is not supported: unsupported look-ahead at position 1"}`,
		},
		{NotSubscribed(), `{"error_code":500,"message":"Consumer is not subscribed to any topics or assigned any partitions"}`},
		{
			NothingSubscribed(),
			`{"error_code":500,"message":"java.lang.IllegalStateException: Consumer is not subscribed to any topics or assigned any partitions"}`,
		},
		{ConsumerClosed(), `{"error_code":500,"message":"java.lang.IllegalStateException: This consumer has already been closed."}`},
		{
			AcceptMismatch(),
			`{"error_code":406,"message":"Consumer format does not match the embedded format requested by the Accept header."}`,
		},
		{Undecodable("x"), `{"error_code":406,"message":"Failed to decode:x"}`},
		{TooManyBytes(), `{"error_code":422,"message":"Response exceeds the maximum number of bytes the consumer can receive"}`},
		{MissingPartitions(), `{"error_code":422,"message":"A list of partitions must be specified."}`},
		{MissingOffsets(), `{"error_code":422,"message":"A list of offsets must be specified."}`},
		{NegativeCommit(), `{"error_code":422,"message":"Invalid negative offset"}`},
		{NegativeSeek(), `{"error_code":500,"message":"seek offset must not be a negative number"}`},
		{NoCurrentAssignment("t", 3), `{"error_code":404,"message":"No current assignment for partition t-3"}`},
		{PartitionNotFound(), `{"error_code":404,"message":"Specified partition does not exist."}`},
		{OffsetsNotFound("t", 3), `{"error_code":404,"message":"Topic 't' does not have partition with id 3"}`},
		{TopicExists("t"), `{"error_code":500,"message":"Topic 't' already exists."}`},
	} {
		if got := string(c.got.Append(nil)); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
		if c.got.Error() != c.got.Message {
			t.Errorf("Error() is %q, want the message %q", c.got.Error(), c.got.Message)
		}
	}
	if got := Overloaded(3).RetryAfter; got != 3 {
		t.Errorf("Retry-After of %d s, want 3", got)
	}
}

// TestAppendKeepsPrefix: encoders append, they do not overwrite.
func TestAppendKeepsPrefix(t *testing.T) {
	got := string((&Error{Code: 400, Message: "m"}).Append([]byte("x")))
	if want := `x{"error_code":400,"message":"m"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestNoHTMLEscaping: what HTML would escape stays as it is.
func TestNoHTMLEscaping(t *testing.T) {
	got := string(Failed("<a href=\"/x\">&'é\u2028</a>\x00\x1f\t").Append(nil))
	want := `{"error_code":500,"message":"<a href=\"/x\">&'é` + "\u2028" + `</a>\u0000\u001F\t"}`
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzError: an answer is JSON that says what was put in, whatever that was.
func FuzzError(f *testing.F) {
	f.Add(`a"b\c`, "\x00é😀")
	f.Add("\xff\xfe", "\u2028</script>")
	f.Fuzz(func(t *testing.T, message, text string) {
		body := (&Error{Code: 400, Message: message, Validation: []string{text}}).Append(nil)
		var got struct {
			ErrorCode        int      `json:"error_code"`
			Message          string   `json:"message"`
			ValidationErrors []string `json:"validation_errors"`
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if utf8.ValidString(message) && got.Message != message {
			t.Errorf("message %q, want %q", got.Message, message)
		}
		if utf8.ValidString(text) && got.ValidationErrors[0] != text {
			t.Errorf("text %q, want %q", got.ValidationErrors[0], text)
		}
	})
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		f           Format
		name, media string
	}{
		{Binary, "binary", "application/vnd.kafka.binary.v2+json"},
		{JSON, "json", "application/vnd.kafka.json.v2+json"},
		{Text, "text", "application/vnd.kafka.text.v2+json"},
	} {
		if c.f.String() != c.name || c.f.MediaType() != c.media {
			t.Errorf("%v: %q %q", c, c.f.String(), c.f.MediaType())
		}
		if f, ok := ParseFormat(c.name); !ok || f != c.f {
			t.Errorf("ParseFormat(%q) is %v, %v", c.name, f, ok)
		}
	}
	for _, name := range []string{"", "JSON", "Binary", "avro", " json"} {
		if f, ok := ParseFormat(name); ok {
			t.Errorf("ParseFormat(%q) is %v", name, f)
		}
	}
	if Format(0) != Binary {
		t.Error("the default is not binary")
	}
}

// TestProduceFormat: the content types of a send (contract 1.3).
func TestProduceFormat(t *testing.T) {
	for contentType, want := range map[string]Format{
		MediaJSON:   JSON,
		MediaBinary: Binary,
		MediaText:   Text,
		"application/vnd.kafka.json.v2+json;charset=utf-8":  JSON,
		"application/vnd.kafka.json.v2+json; charset=UTF-8": JSON,
		" application/vnd.kafka.text.v2+json":               Text,
	} {
		if f, err := ProduceFormat(contentType); err != nil || f != want {
			t.Errorf("%q: %v, %v; want %v", contentType, f, err, want)
		}
	}
	for _, contentType := range []string{
		"", MediaV2, MediaPlainJSON, "Application/vnd.kafka.json.v2+json", "application/vnd.kafka.avro.v2+json", "text/plain", "*/*",
	} {
		_, err := ProduceFormat(contentType)
		wantRefusal(t, err, UnsupportedBody())
	}
}

func TestVersion(t *testing.T) {
	for version, want := range map[string]string{"1.2.0": `{"bridge_version":"1.2.0"}`, "": `{"bridge_version":"null"}`} {
		if got := string(AppendVersion(nil, version)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
