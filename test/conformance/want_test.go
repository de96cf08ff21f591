package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// want judges a body.
type want func(e *env, body string) error

// is demands exactly this body.
func is(text string) want {
	return func(e *env, body string) error {
		if diff := cmp.Diff(e.expand(text), body); diff != "" {
			return fmt.Errorf("body (-want +got):\n%s", diff)
		}
		return nil
	}
}

// like demands that a regular expression matches the whole body. What
// placeholders become is taken literally.
func like(pattern string) want {
	return func(e *env, body string) error {
		re, err := regexp.Compile(`(?s)\A` + e.expand(pattern) + `\z`)
		if err != nil {
			return fmt.Errorf("pattern of the case: %w", err)
		}
		if !re.MatchString(body) {
			return fmt.Errorf("body %.600s does not match %s", body, re)
		}
		return nil
	}
}

// whatever demands a body and does not judge it.
func whatever(_ *env, body string) error {
	if body == "" {
		return fmt.Errorf("no body")
	}
	return nil
}

// fails demands the error object with exactly this message.
func fails(code int, message string) want {
	return is(fmt.Sprintf(`{"error_code":%d,"message":%s}`, code, quote(message)))
}

// failsLike demands the error object with a message that a pattern matches whole.
func failsLike(code int, pattern string) want {
	return func(e *env, body string) error {
		var object struct {
			Code    int      `json:"error_code"`
			Message string   `json:"message"`
			List    []string `json:"validation_errors"`
		}
		d := json.NewDecoder(strings.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(&object); err != nil {
			return fmt.Errorf("body %.300q is not the error object: %w", body, err)
		}
		if object.Code != code || len(object.List) > 0 {
			return fmt.Errorf("body %.300s, want code %d and no list", body, code)
		}
		re, err := regexp.Compile(`(?s)\A(?:` + e.expand(pattern) + `)\z`)
		if err != nil {
			return fmt.Errorf("pattern of the case: %w", err)
		}
		if !re.MatchString(object.Message) {
			return fmt.Errorf("message %.500q does not match %s", object.Message, re)
		}
		return nil
	}
}

// Texts of the bridge contract, 1.3, 1.6 and 1.7, that many cases share.
const (
	noInstance   = "The specified consumer instance was not found."
	exclusive    = "Subscriptions to topics, partitions, and patterns are mutually exclusive."
	notReading   = "Consumer is not subscribed to any topics or assigned any partitions"
	badFormat    = "Validation error on: The format of the request body is not supported"
	noBody       = "Validation error on: The related request does not contain the required body."
	notJSON      = "Validation error on: The request body can't be decoded"
	unknownTopic = "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition."
	wrongAccept  = "Consumer format does not match the embedded format requested by the Accept header."
	tooManyBytes = "Response exceeds the maximum number of bytes the consumer can receive"
	badPartition = "Specified partition is not a valid number"
)

// violates demands the 400 of a schema violation with exactly these texts.
func violates(texts ...string) want {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return is(`{"error_code":400,"message":"Validation error on: Schema validation error","validation_errors":[` +
		strings.Join(quoted, ",") + `]}`)
}

// violatesSomehow demands the 400 of a schema violation with any texts, for
// rules that the reference does not have.
func violatesSomehow(e *env, body string) error {
	return like(`\{"error_code":400,"message":"Validation error on: Schema validation error","validation_errors":\[".+"\]\}`)(e, body)
}

// property wraps texts as those of a failing member of a closed object.
func property(name string, texts ...string) []string {
	out := append([]string{`Property "` + name + `" does not match schema`}, texts...)
	return append(out, extra(name))
}

// extra is the text for a member that a closed object does not admit.
func extra(name string) string {
	return `Property "` + name + `" does not match additional properties schema`
}

// missing is the text for a required member that is absent.
func missing(name string) string { return `Instance does not have required property "` + name + `"` }

// wrongType is the text for a value of the wrong type.
func wrongType(actual, expected string) string {
	return "Instance type " + actual + " is invalid. Expected " + expected
}

// quote returns a JSON string without HTML escaping, as the bridge writes it.
func quote(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// errText makes the complaint of a want.
func errText(format string, args ...any) error { return fmt.Errorf(format, args...) }
