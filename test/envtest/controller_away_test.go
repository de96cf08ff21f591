//go:build envtest

package envtest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/steg-kafka/steg/internal/operator/controller"
)

// wire is a way to the API server that can be cut.
type wire struct {
	t      *testing.T
	listen net.Listener
	to     string

	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

// newWire returns a wire and the configuration of clients that use it.
func newWire(t *testing.T) (*wire, *rest.Config) {
	t.Helper()
	listen, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, listen: listen, to: strings.Trim(strings.TrimPrefix(server.Host, "https:"), "/"), conns: make(map[net.Conn]bool)}
	t.Cleanup(func() {
		w.set(true)
		_ = listen.Close()
	})
	go w.accept()
	config := rest.CopyConfig(server)
	config.Host = "https://" + listen.Addr().String()
	return w, config
}

func (w *wire) accept() {
	for {
		from, err := w.listen.Accept()
		if err != nil {
			return
		}
		to, err := net.Dial("tcp", w.to)
		if err != nil || !w.add(from, to) {
			_ = from.Close()
			continue
		}
		for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
				_ = pair[1].Close()
			}()
		}
	}
}

// add notes two ends, unless the wire is cut.
func (w *wire) add(ends ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range ends {
		if w.cut {
			_ = end.Close()
			continue
		}
		w.conns[end] = true
	}
	return !w.cut
}

// set cuts the wire, or mends it.
func (w *wire) set(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	for end := range w.conns {
		_ = end.Close()
	}
	w.conns = make(map[net.Conn]bool)
}

// TestServerAway: controllers that lose the API server for a while go on when it is back, with what they missed.
func TestServerAway(t *testing.T) {
	admin, namespace := cluster(t)
	w, config := newWire(t)
	c := controllersAt(t, config, admin, namespace, func(o *controller.Options, _ *controller.WatchdogOptions) {
		o.Interval = 200 * time.Millisecond
	})
	b := c.newBridge("my-bridge", nil)
	c.serve("my-bridge-bridge")
	c.becomes("my-bridge", "Ready")
	w.set(true)
	c.patch(b, `{"spec":{"replicas":2}}`)
	c.newBridge("another", nil)
	until(t, "some passes to fail", func() (bool, string) { return c.metric("strimzi_reconciliations_failed_total") >= 1, "none" })
	w.set(false)
	c.becomes("my-bridge", creating)
	c.becomes("another", "NotReady Creating: …")
	c.serve("my-bridge-bridge")
	c.becomes("my-bridge", "Ready")
}
