package wire

// The error object (bridge contract 1.2):
//
//	{"error_code":<int>,"message":<string>}
//
// and, only when there are some, "validation_errors":[<string>…] as the third
// member. The status of the HTTP answer equals error_code; the only error
// objects without a status of their own are those inside the 200 list of a send.

import (
	"strconv"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
)

// Error is a refusal or failure as a client sees it. The zero value is not
// meaningful: Code is always an HTTP status of 400 or above.
type Error struct {
	// Code is the HTTP status and the error_code member.
	Code int
	// Message is the text of the message member, in clear.
	Message string
	// Validation lists the schema violations in the order of contract 1.3; the
	// member is left out when there are none.
	Validation []string
	// RetryAfter is the value of the Retry-After header in whole seconds; 0
	// means no header. It is not part of the body.
	RetryAfter int
}

// Error returns the message, so that *Error travels as an error.
func (e *Error) Error() string { return e.Message }

// Append appends the JSON error object to dst and returns the longer slice.
func (e *Error) Append(dst []byte) []byte {
	dst = append(dst, `{"error_code":`...)
	dst = strconv.AppendInt(dst, int64(e.Code), 10)
	dst = append(dst, `,"message":`...)
	dst = rawjson.AppendQuoteString(dst, e.Message)
	if len(e.Validation) > 0 {
		dst = append(dst, `,"validation_errors":`...)
		dst = appendStrings(dst, e.Validation)
	}
	return append(dst, '}')
}

// appendStrings appends a JSON array of strings; nil is an empty array.
func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = rawjson.AppendQuoteString(dst, s)
	}
	return append(dst, ']')
}
