//go:build kafka

package chaos

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// balancer is a TCP balancer as they stand before several bridges: it looks at /ready, gives new connections to the
// bridges that are, takes the next one when one refuses, and leaves open connections alone.
type balancer struct {
	ln      net.Listener
	bridges []*bridge

	mu    sync.Mutex
	ready map[int]bool
	turn  int
}

// lookEvery is how often a balancer looks at /ready.
const lookEvery = 50 * time.Millisecond

func newBalancer(t *testing.T, bridges ...*bridge) *balancer {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{ln: ln, bridges: bridges, ready: make(map[int]bool)}
	end := start(context.Background(), b.look, b.accept)
	t.Cleanup(func() {
		_ = ln.Close()
		end()
	})
	return b
}

func (b *balancer) address() string { return b.ln.Addr().String() }
func (b *balancer) number() int     { return -1 }

// look asks every bridge whether it is ready.
func (b *balancer) look(ctx context.Context) {
	for pause(ctx, lookEvery) {
		for i, bridge := range b.bridges {
			ready := isReady(ctx, bridge.management())
			b.mu.Lock()
			b.ready[i] = ready
			b.mu.Unlock()
		}
	}
}

func isReady(ctx context.Context, addr string) bool {
	if addr == "" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/ready", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (b *balancer) accept(context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := b.ln.Accept()
		if err != nil {
			return
		}
		all.Go(func() { b.serve(c) })
	}
}

// serve connects a client to a bridge.
func (b *balancer) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	for range 10 * len(b.bridges) {
		addr := b.next()
		server, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", addr)
		if err != nil {
			time.Sleep(lookEvery / 5) // a refusal is answered at once; readiness is looked at soon
			continue
		}
		defer func() { _ = server.Close() }()
		var both sync.WaitGroup
		both.Go(func() { carry(server, client) })
		both.Go(func() { carry(client, server) })
		both.Wait()
		return
	}
}

func carry(to, from net.Conn) {
	_, _ = io.Copy(to, from) // either side may end it
	if tcp, ok := to.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
}

// next returns the address of a bridge that is ready, in turn.
func (b *balancer) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.bridges {
		b.turn++
		if i := b.turn % len(b.bridges); b.ready[i] {
			return b.bridges[i].address()
		}
	}
	return ""
}
