package chaos

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/steg-kafka/steg/test/chaos/check"
)

// endpoint is where an HTTP client finds a bridge, which may be on another port after each start.
type endpoint interface {
	// address returns host:port, "" while there is none.
	address() string
	// number is the bridge's in histories.
	number() int
}

// patience is how much longer than a bound a client waits before it gives up; the checker knows that as no answer.
const patience = 20 * time.Second

// client is one HTTP/1.1 client with one connection, which asks one thing after the other.
type client struct {
	journal    *journal
	to         endpoint
	transport  *http.Transport
	connection int64 // the number of the present connection; a new one after each failure
}

func newClient(j *journal, to endpoint) *client {
	c := &client{journal: j, to: to}
	c.reconnect()
	return c
}

// reconnect gives the connection up.
func (c *client) reconnect() {
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
	c.connection = c.journal.connections.Add(1)
	c.transport = &http.Transport{
		MaxConnsPerHost: 1, DisableCompression: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, c.to.address())
		},
	}
}

// close lets the connection go.
func (c *client) close() { c.transport.CloseIdleConnections() }

// call is a request.
type call struct {
	operation, method, path string
	contentType, accept     string
	body                    []byte
	bound                   time.Duration // by the bridge's settings
}

// answer is what came back; ok is false when nothing whole did.
type answer struct {
	ok         bool
	status     int
	body       []byte
	start, end check.Time
}

// do asks and notes it.
func (c *client) do(q call) answer {
	a := answer{start: c.journal.now()}
	number := c.to.number()
	a.status, a.body, a.ok = c.exchange(q)
	a.end = c.journal.now()
	c.journal.request(check.Request{
		Operation: q.operation, Bridge: number, Start: a.start, End: a.end, Bound: q.bound, Answered: a.ok, Status: a.status,
	})
	if !a.ok {
		c.reconnect()
	}
	return a
}

func (c *client) exchange(q call) (status int, body []byte, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), q.bound+patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, q.method, "http://bridge"+q.path, bytes.NewReader(q.body))
	if err != nil {
		return 0, nil, false
	}
	if q.body != nil {
		req.Header.Set("Content-Type", q.contentType)
	}
	if q.accept != "" {
		req.Header.Set("Accept", q.accept)
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return 0, nil, false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err == nil
}
