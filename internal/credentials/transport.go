package credentials

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Options is what Open and OpenServer need beyond settings. The zero value works.
type Options struct {
	// Logger is told of exchanged and of broken files and tokens; nil discards.
	Logger *slog.Logger
	// LookupEnv returns an environment variable; Strimzi's OAuth options may come from it. Nil: no environment.
	LookupEnv func(name string) (string, bool)
	// Now is the clock of tokens; nil: time.Now.
	Now func() time.Time
	// Poll is how often files are read without having been told of a change; 0: every 60 s.
	Poll time.Duration
	// ConnectTimeout bounds one attempt to connect to a broker, its TLS handshake included; 0: 10 s, Java's
	// socket.connection.setup.timeout.ms.
	ConnectTimeout time.Duration
	// SendBuffer and ReceiveBuffer are the sockets' buffers in bytes; 0 or less: the system's choice.
	SendBuffer, ReceiveBuffer int
}

// withDefaults fills what was left out.
func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.LookupEnv == nil {
		o.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Poll <= 0 {
		o.Poll = pollPeriod
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 10 * time.Second
	}
	return o
}

// Transport is how Kafka clients reach brokers and prove who they are. It is safe for concurrent use, and several
// clients can share one.
type Transport struct {
	options   Options
	tls       *material[clientTLS] // nil: no encryption
	mechanism sasl.Mechanism       // nil: no authentication
	tokens    *tokenSource         // nil: no token endpoint
	oauthTLS  *material[clientTLS] // of the token endpoint; nil: none, or without encryption
	stalls    stalls
}

// Open prepares a transport for what s describes. Files are read now, and again whenever they change, until ctx ends or
// Close is called; nothing is sent to a broker or to a token endpoint yet, and no new token is asked for after that end.
// An error is one line that names the setting, and the file where there is one.
//
// Differences to Java that a user can notice: a broker's certificate needs its name among the alternative names, the
// common name alone does not do; a PEM key may also be of the older forms (RSA PRIVATE KEY, EC PRIVATE KEY); without a
// trust store the system's authorities count instead of the JVM's.
func Open(ctx context.Context, s kafka.Security, o Options) (*Transport, error) {
	t := &Transport{options: o.withDefaults()}
	t.stalls = stalls{first: stallAfter, now: t.options.Now}
	switch s.Protocol {
	case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
	default:
		return nil, fmt.Errorf("security.protocol: %q is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", s.Protocol)
	}
	if s.UsesTLS() {
		plan, err := planClient(s.TLS, kafkaKeys())
		if err != nil {
			return nil, err
		}
		t.tls = &material[clientTLS]{name: "kafka tls", paths: plan.paths(), build: plan.build, log: t.options.Logger}
		if err := t.tls.open(ctx, t.options.Poll); err != nil {
			return nil, err
		}
	}
	if s.UsesSASL() {
		if err := t.openSASL(ctx, s.SASL); err != nil {
			t.Close()
			return nil, err
		}
	}
	return t, nil
}

// Options returns the client options: a dialer, and the SASL mechanism if there is one. They must not be combined with
// kgo.DialTLSConfig or kgo.DialTimeout.
func (t *Transport) Options() []kgo.Opt {
	opts := []kgo.Opt{kgo.Dialer(t.dial)}
	if t.mechanism != nil {
		opts = append(opts, kgo.SASL(t.mechanism))
	}
	return opts
}

// NotAfter returns when the client's own certificate, or one of its chain, ends: that of the files as they are now. Zero
// without a certificate.
func (t *Transport) NotAfter() time.Time {
	if t.tls == nil {
		return time.Time{}
	}
	return t.tls.get().notAfter
}

// Close ends the watching of files and the renewing of tokens. Connections stay open, and new ones use what was known
// last.
func (t *Transport) Close() {
	if t.tls != nil {
		t.tls.close()
	}
	if t.oauthTLS != nil {
		t.oauthTLS.close()
	}
	if t.tokens != nil {
		t.tokens.close()
	}
}

// dial connects to a broker with the material of this moment.
func (t *Transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.options.ConnectTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := t.buffers(conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("socket buffers of %s: %w", address, err)
	}
	if t.tls == nil {
		return t.watched(conn, address), nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	// A copy, since the server name is per connection; key and roots are shared. There is no session cache: a resumed
	// session would go on under the certificate of its first handshake.
	config := t.tls.get().config.Clone()
	config.ServerName = host
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("tls handshake with %s: %w", address, err)
	}
	return t.watched(secured, address), nil
}

// watched returns a connection that does not wait for a broker that hangs; see stallConn.
func (t *Transport) watched(conn net.Conn, address string) net.Conn {
	return &stallConn{Conn: conn, address: address, stalls: &t.stalls}
}

// buffers sets the sizes before the first byte, when they can still shape the window.
func (t *Transport) buffers(conn net.Conn) error {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	if t.options.SendBuffer > 0 {
		if err := c.SetWriteBuffer(t.options.SendBuffer); err != nil {
			return err
		}
	}
	if t.options.ReceiveBuffer > 0 {
		return c.SetReadBuffer(t.options.ReceiveBuffer)
	}
	return nil
}
