package wire

// Parameters in paths and queries (bridge contract 1.3).
//
//	partitionid   path, integer, not negative
//	async         query of the two sends, boolean, default false
//	timeout       query of poll, milliseconds, default 100
//	max_bytes     query of poll, default no limit
//
// A value is decoded as JSON and, failing that, taken as a string, so that
// karel is a string that is no integer, and true%20 is true. Of a repeated
// parameter the first counts; a parameter without a value is the empty string.
//
// Deviations: upstream answers timeout=1.0, 1e3 and numbers beyond 64 bits with
// a plain-text 500, and timeout=-1 with a JSON 500; all are 400 here.

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// defaultPollTimeout is how long a poll waits that does not say.
const defaultPollTimeout = 100 * time.Millisecond

// PollParams are the parameters of a poll.
type PollParams struct {
	// Timeout is how long to wait for the first record, never negative.
	Timeout time.Duration
	// MaxBytes bounds the encoded answer; math.MaxInt64 means no bound. It may
	// be negative or zero, and then no answer fits.
	MaxBytes int64
}

// PartitionID reads the partition of a path, in decoded form. What violates the
// schema (text, a fraction, a negative number) is 400; what passes it and is no
// int32 (3000000000, 1.0) is the 422 of InvalidPartition.
func PartitionID(raw string) (int32, error) {
	if _, err := parameter("path", "partitionid", raw, schema.PartitionID()); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(raw, 10, 32)
	if err != nil {
		return 0, InvalidPartition()
	}
	return int32(n), nil
}

// Async reads the async parameter of a send. The error is a 400 *Error.
func Async(q url.Values) (bool, error) {
	raw, ok := first(q, "async")
	if !ok {
		return false, nil
	}
	value, err := parameter("query", "async", raw, schema.Boolean())
	return value == "true", err
}

// Poll reads the parameters of a poll. The error is a 400 *Error; a negative timeout is none, since it is only refused by
// who polls, as upstream (1.6).
func Poll(q url.Values) (PollParams, error) {
	p := PollParams{Timeout: defaultPollTimeout, MaxBytes: math.MaxInt64}
	if raw, ok := first(q, "timeout"); ok {
		ms, err := integer("timeout", raw, schema.Long())
		if err != nil {
			return PollParams{}, err
		}
		const longest = int64(math.MaxInt64 / time.Millisecond)
		p.Timeout = time.Duration(max(min(ms, longest), -longest)) * time.Millisecond
	}
	if raw, ok := first(q, "max_bytes"); ok {
		n, err := integer("max_bytes", raw, schema.Long())
		if err != nil {
			return PollParams{}, err
		}
		p.MaxBytes = n
	}
	return p, nil
}

// first returns the first value of a query parameter and whether there is one.
func first(q url.Values, name string) (string, bool) {
	values := q[name]
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// integer reads a query parameter whose schema admits 64-bit integers only.
func integer(name, raw string, s *schema.Schema) (int64, error) {
	value, err := parameter("query", name, raw, s)
	if err != nil {
		return 0, err
	}
	return number([]byte(value), 64), nil
}

// parameter decodes a parameter's value and judges it. It returns the JSON text
// of the value without white space around it.
func parameter(in, name, raw string, s *schema.Schema) (string, error) {
	value, ok := parameterJSON(raw)
	if !ok {
		return "", UndecodableParameter(in, name)
	}
	if err := conforms([]byte(value), s); err != nil {
		return "", err
	}
	return value, nil
}

// parameterJSON returns the JSON text that a parameter's value stands for: the
// value itself where it is JSON, else the value between quotation marks. What
// begins with a quotation mark gets no second chance.
func parameterJSON(raw string) (string, bool) {
	if value, ok := document(raw); ok {
		return value, true
	}
	if strings.HasPrefix(raw, `"`) {
		return "", false
	}
	return document(`"` + raw + `"`)
}
