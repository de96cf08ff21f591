package bridge

import (
	"io"
	"math"
	"net/http"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/ratelimit"
	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
)

// limitRequests is the class of refusals by the number of requests running.
const limitRequests = "requests"

// answerPatience is how long a client of HTTP/2 may take for an answer, beside a second for each slowestAnswer bytes. The
// writes of HTTP/1 have bounds of their own, in the connection; here the client may keep the connection alive and yet
// never open its window.
const (
	answerPatience = 30 * time.Second
	slowestAnswer  = 16 << 10
)

// rates holds clients to their rates.
type rates struct {
	*ratelimit.Limiter
	header string // canonical name; empty: clients are told apart by address
}

// newRates returns nil where no rate is limited.
func newRates(c bridgeconfig.RateLimit) *rates {
	if c.Requests <= 0 && c.Bytes <= 0 {
		return nil
	}
	return &rates{Limiter: ratelimit.New(c.Requests, c.Bytes), header: http.CanonicalHeaderKey(c.Header)}
}

// client says who sent a request.
func (l *rates) client(r *http.Request) ratelimit.Client {
	if lines := r.Header[l.header]; len(lines) > 0 {
		if c, ok := l.Named(lines[len(lines)-1]); ok {
			return c
		}
	}
	return l.At(r.RemoteAddr)
}

// admit counts a request of the API in, and returns the answer to one that may not run: 503 when there are as many as
// there may be connections, which takes the streams of HTTP/2; 429 when its client is beyond its rate.
func (s *Server) admit(c *call) error {
	if running := s.running.Add(1); s.maxRunning > 0 && running > int64(s.maxRunning) {
		return refused(wire.Overloaded(1), limitRequests)
	}
	if s.rates == nil {
		return nil
	}
	c.client = s.rates.client(c.r)
	if wait := s.rates.Take(c.began, c.client); wait > 0 {
		return refused(wire.TooManyRequests(int(math.Ceil(wait.Seconds()))), limitRate)
	}
	s.rates.Charge(c.began, c.client, c.r.ContentLength)
	if c.r.ContentLength < 0 {
		counted := *c.r // net/http looks at the body of its own
		counted.Body = &metered{ReadCloser: c.r.Body, rates: s.rates, client: c.client}
		c.r = &counted
	}
	return nil
}

// leave counts a request out, and its answer's bytes to its client's debit.
func (s *Server) leave(c *call) {
	s.running.Add(-1)
	if s.rates != nil && c.status != http.StatusTooManyRequests {
		s.rates.Charge(time.Now(), c.client, c.bytes)
	}
}

// ambiguous reports whether two servers might cut a request differently: one with a length and an encoding, as far as its
// connection can tell.
func (c *call) ambiguous() bool {
	if len(c.r.TransferEncoding) == 0 {
		return false
	}
	conn, ok := c.r.Context().Value(connKey{}).(interface{ TwoLengths() bool })
	return ok && conn.TwoLengths()
}

// metered is a body of unknown length, whose bytes count when they come.
type metered struct {
	io.ReadCloser
	rates  *rates
	client ratelimit.Client
}

func (m *metered) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.rates.Charge(time.Now(), m.client, int64(n))
	return n, err
}

// boundAnswer bounds the time that a client of HTTP/2 may take for an answer of size bytes.
func (c *call) boundAnswer(size int64) {
	if c.r.ProtoMajor < 2 {
		return
	}
	patience := answerPatience + time.Duration(size/slowestAnswer)*time.Second
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(patience)) // a stream always can
}
