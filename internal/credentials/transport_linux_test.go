package credentials

import (
	"crypto/tls"
	"testing"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/socket"
)

// TestRequestsHoldTheirProcessor: what is sent to brokers and read from them goes by package socket, below TLS as well.
func TestRequestsHoldTheirProcessor(t *testing.T) {
	ca := newAuthority(t, "ca")
	for name, c := range map[string]struct {
		server   *tls.Config
		security kafka.Security
	}{
		"plain": {nil, kafka.Security{Protocol: "PLAINTEXT"}},
		"TLS":   {serverConfig(ca.issue(1), nil), ssl(ca)},
	} {
		t.Run(name, func(t *testing.T) {
			tr, _ := opened(t, c.security)
			dialed, _, err := dialed(t, tr, listen(t, c.server).Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = dialed.Close() }()
			below := dialed.(*stallConn).Conn
			if secured, ok := below.(*tls.Conn); ok {
				below = secured.NetConn()
			}
			if _, ok := below.(*socket.Conn); !ok {
				t.Errorf("the socket is a %T", below)
			}
		})
	}
}
