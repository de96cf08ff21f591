package http1

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// net/http keeps what it closes in front of unread bytes for half a second.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// testPatience bounds every wait; none takes that long unless something is broken.
const testPatience = 10 * time.Second

// rig is a server of plain requests in front of net/http, as package serve puts them together.
type rig struct {
	*Server
	testing.TB
	addr string
	rest *http.Server

	mu     sync.Mutex
	handed int // connections
	states map[http.ConnState]int
	log    bytes.Buffer
}

// Write takes the servers' log.
func (r *rig) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(line)
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *rig) state(_ net.Conn, state http.ConnState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.states[state]++
}

func (r *rig) count(state http.ConnState) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.states[state]
}

func (r *rig) handedOver() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handed
}

// replayed is a connection of which bytes have been read.
type replayed struct {
	net.Conn
	early []byte
}

func (c *replayed) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	return n, nil
}

// NetConn returns the connection below.
func (c *replayed) NetConn() net.Conn { return c.Conn }

// replaying accepts connections that can be handed over.
type replaying struct{ net.Listener }

func (l replaying) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &replayed{Conn: nc}, nil
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func reference(handler http.Handler, log *log.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: testPatience, IdleTimeout: testPatience, ErrorLog: log,
		DisableGeneralOptionsHandler: true, MaxHeaderBytes: 16 << 10,
	}
}

// serving starts a rig; change may be nil.
func serving(t testing.TB, handler http.HandlerFunc, change func(*Options)) *rig {
	t.Helper()
	r := &rig{TB: t, states: make(map[http.ConnState]int)}
	lines := log.New(r, "", 0)
	o := Options{
		Handler: handler, HeaderTimeout: testPatience, IdleTimeout: testPatience, ErrorLog: lines,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		ConnState:   r.state,
		HandOver: func(c net.Conn, read []byte, _ time.Time) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.handed++
			c.(*replayed).early = read
		},
	}
	if change != nil {
		change(&o)
	}
	r.Server, r.rest = New(o), reference(handler, lines)
	ln := listen(t)
	r.addr = ln.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- r.rest.Serve(r.Listen(replaying{ln})) }()
	t.Cleanup(func() {
		_ = r.rest.Close() // its listener may be closed already
		r.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("net/http ended with %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), testPatience)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			t.Errorf("connections are left: %v", err)
		}
	})
	return r
}

type connKey struct{}

// dial opens a connection that ends with the test, and with its patience.
func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(testPatience)) // a connection that was just opened can
	return nc.(*net.TCPConn)
}

// exchange sends bytes, by pieces of size, closes its side, and returns all that comes back.
func exchange(t *testing.T, addr, text string, size int) string {
	t.Helper()
	nc := dial(t, addr)
	defer func() { _ = nc.Close() }()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
			if _, err := io.WriteString(nc, rest[:min(size, len(rest))]); err != nil {
				return // the server has closed
			}
		}
		_ = nc.CloseWrite() // as above
	}()
	answer, err := io.ReadAll(nc)
	if err != nil {
		answer = append(answer, " …"+errText(err)...)
	}
	<-sent
	return string(answer)
}

// errText is what can be compared of an error.
func errText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(testPatience); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}
