package serve

import (
	"net"
	"testing"

	"github.com/steg-kafka/steg/internal/socket"
)

// TestAnswersHoldTheirProcessor: what is accepted reads and writes by package socket, with TLS as well.
func TestAnswersHoldTheirProcessor(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(ln, Listener{Name: "api", MaxConnections: 1}, discard)
	defer func() { _ = g.Close() }()
	dial(t, ln.Addr().String())
	accepted, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = accepted.Close() }()
	below := accepted.(*conn).Conn
	if _, ok := below.(*socket.Conn); !ok {
		t.Errorf("the socket is a %T", below)
	}
}
