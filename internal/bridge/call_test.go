package bridge

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// deadlines is an answer's writer that notes the time that reading was given.
type deadlines struct {
	http.ResponseWriter
	read time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.read = at
	return nil
}

// TestUnreadBodyIsBounded: a body that was announced and never comes must not hold back the answer of an operation that
// does not read it.
func TestUnreadBodyIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		major, minor int
		length       int64
		bounded      bool
	}{
		"no body": {1, 1, 0, false}, "known length": {1, 1, 10, true}, "chunked": {1, 1, -1, true},
		"HTTP/1.0": {1, 0, 10, true}, "HTTP/2": {2, 0, 10, false},
	} {
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		r := httptest.NewRequest(http.MethodDelete, "/", bytes.NewReader(nil))
		r.ProtoMajor, r.ProtoMinor, r.ContentLength = c.major, c.minor, c.length
		(&call{w: w, r: r}).boundBody()
		if got := !w.read.IsZero(); got != c.bounded || got && time.Until(w.read) > bodyPatience {
			t.Errorf("%s: deadline %v", name, w.read)
		}
	}
}

func TestLastingOutlivesTheRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodGet, "/topics", nil).WithContext(ctx)
	cancel()
	if err := (&call{r: r}).lasting().Err(); err != nil {
		t.Errorf("it ended with the request: %v", err)
	}
}
