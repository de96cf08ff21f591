package bridge

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
)

const (
	// maxID is the longest request ID that is taken over.
	maxID = 128
	// traceIDLength is that of the second field of traceparent (W3C Trace Context, 3.2.2.3).
	traceIDLength = 32
)

// requestID names a request in the log: by X-Request-Id if the client sent one that is fit to be printed, by the trace
// of its traceparent, or by a number drawn at random.
func (c *call) requestID() string {
	if c.ident == "" {
		c.ident = identify(c.r.Header)
	}
	return c.ident
}

func identify(h http.Header) string {
	if v := h["X-Request-Id"]; len(v) > 0 && printable(v[0]) {
		return v[0]
	}
	if v := h["Traceparent"]; len(v) > 0 {
		if _, rest, ok := strings.Cut(v[0], "-"); ok && len(rest) > traceIDLength && rest[traceIDLength] == '-' && isHex(rest[:traceIDLength]) {
			return rest[:traceIDLength]
		}
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], rand.Uint64())
	return hex.EncodeToString(n[:])
}

// printable reports whether a client's ID may stand in the log: visible ASCII, of bounded length.
func printable(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
