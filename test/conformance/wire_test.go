package conformance

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Media types of the bridge contract, 1.1.
const (
	typeV2     = "application/vnd.kafka.v2+json"
	typeJSON   = "application/vnd.kafka.json.v2+json"
	typeBinary = "application/vnd.kafka.binary.v2+json"
	typeText   = "application/vnd.kafka.text.v2+json"
	typePlain  = "application/json"
)

// request is what goes over the wire, nothing added but Host, the length of the
// body and the empty line. net/http's client is not used for these: it rewrites
// targets, joins headers and hides what follows an answer.
type request struct {
	method, target string
	header         []string // "name: value", in this order
	body           string
	noLength       bool // the header says how the body ends, or nothing does
	noHost         bool
	proto          string // "HTTP/1.1" when empty
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	length bool // a content-length header was there
	closes bool // the server closes the connection
}

// conn is one HTTP/1.1 connection, used for one request at a time.
type conn struct {
	nc   net.Conn
	in   *bufio.Reader
	host string
}

// dial connects to a bridge's listener within the context's time.
func dial(ctx context.Context, base *url.URL) (*conn, error) {
	var (
		nc  net.Conn
		err error
	)
	switch base.Scheme {
	case "https":
		nc, err = new(tls.Dialer).DialContext(ctx, "tcp", withPort(base.Host, "443"))
	default:
		nc, err = new(net.Dialer).DialContext(ctx, "tcp", withPort(base.Host, "80"))
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to the bridge: %w", err)
	}
	return &conn{nc: nc, in: bufio.NewReader(nc), host: base.Host}, nil
}

func withPort(host, port string) string {
	if strings.LastIndexByte(host, ':') > strings.LastIndexByte(host, ']') {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// bytes returns the request as it is sent.
func (r request) bytes(host string) []byte {
	var b bytes.Buffer
	proto := r.proto
	if proto == "" {
		proto = "HTTP/1.1"
	}
	fmt.Fprintf(&b, "%s %s %s\r\n", r.method, r.target, proto)
	if !r.noHost && !hasHeader(r.header, "host") {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, line := range r.header {
		b.WriteString(line + "\r\n")
	}
	if !r.noLength && (r.body != "" || r.method == http.MethodPost) {
		b.WriteString("Content-Length: " + strconv.Itoa(len(r.body)) + "\r\n")
	}
	b.WriteString("\r\n" + r.body)
	return b.Bytes()
}

func hasHeader(lines []string, name string) bool {
	for _, line := range lines {
		if key, _, ok := strings.Cut(line, ":"); ok && strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// do sends a request and reads its answer. It writes and reads at once, since a
// bridge may refuse a large body before it has read all of it.
func (c *conn) do(ctx context.Context, r request) (answer, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return answer{}, errors.New("request without a deadline")
	}
	if err := c.nc.SetDeadline(deadline); err != nil {
		return answer{}, fmt.Errorf("setting the deadline: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	go func() { _, _ = c.nc.Write(r.bytes(c.host)) }() // a failed write shows as a missing answer
	return c.read(r.method)
}

// read reads one answer and insists that nothing follows it.
func (c *conn) read(method string) (answer, error) {
	resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusContinue {
		return c.read(method)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("reading the body of a %d: %w", resp.StatusCode, err)
	}
	if n := c.in.Buffered(); n > 0 {
		return answer{}, fmt.Errorf("%d bytes follow the answer %d", n, resp.StatusCode)
	}
	_, length := resp.Header["Content-Length"]
	return answer{
		status: resp.StatusCode, header: resp.Header, body: string(body), length: length, closes: resp.Close,
	}, nil
}

func (c *conn) close() { _ = c.nc.Close() }

// check holds an answer to what the bridge contract owes on every one (1.1, 1.2):
// a body has its length announced, a 204 has neither body nor content-type, and
// an error is the error object with its members in order.
func (a answer) check() error {
	if a.status == http.StatusNoContent {
		if a.body != "" || a.length || a.header.Get("Content-Type") != "" || a.header.Get("Transfer-Encoding") != "" {
			return fmt.Errorf("a 204 with %d bytes, headers %v", len(a.body), a.header)
		}
		return nil
	}
	if a.body != "" && !a.length {
		return fmt.Errorf("a %d with a body of %d bytes and no content-length", a.status, len(a.body))
	}
	if a.body == "" && a.header.Get("Content-Type") != "" && a.length {
		return fmt.Errorf("a %d without a body has content-type %q", a.status, a.header.Get("Content-Type"))
	}
	if a.status >= 400 && a.header.Get("Content-Type") == typeV2 {
		want := fmt.Sprintf(`{"error_code":%d,"message":`, a.status)
		if !strings.HasPrefix(a.body, want) {
			return fmt.Errorf("the error object does not begin with %s: %.200s", want, a.body)
		}
	}
	return nil
}
