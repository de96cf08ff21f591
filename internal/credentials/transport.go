package credentials

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/socket"
)

// Options is what Open and OpenServer need beyond settings. The zero value works.
type Options struct {
	// Logger is told of exchanged and of broken files and tokens; nil discards.
	Logger *slog.Logger
	// LookupEnv returns an environment variable; Strimzi's OAuth options may come from it. Nil: no environment.
	LookupEnv func(name string) (string, bool)
	// Now is the clock of tokens; nil: time.Now.
	Now func() time.Time
	// Changes tells of changed files; nil: what is opened has its own. One for all of a process saves it what the kernel
	// has few of.
	Changes *Changes
	// Live is set where the settings came out of files that may change; nil: they are as they are.
	Live *Live
	// Poll is how often files are read without having been told of a change; 0: every 60 s.
	Poll time.Duration
	// ConnectTimeout bounds one attempt to connect to a broker, its TLS handshake included; 0: 10 s, Java's
	// socket.connection.setup.timeout.ms.
	ConnectTimeout time.Duration
	// SendBuffer and ReceiveBuffer are the sockets' buffers in bytes; 0 or less: the system's choice.
	SendBuffer, ReceiveBuffer int
}

// Live is settings that files are behind, other than those that the settings name themselves: references to config
// providers.
type Live struct {
	Files []string
	// Read returns the settings as the files are now. Its error leaves what was known last in use.
	Read func(ctx context.Context) (kafka.Security, error)
}

// withDefaults fills what was left out. It returns what has to be closed in the end, nil if that is the caller's.
func (o Options) withDefaults() (_ Options, own *Changes) {
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
	if o.Changes == nil {
		own = NewChanges(o.Logger)
		o.Changes = own
	}
	return o, own
}

// Transport is how Kafka clients reach brokers and prove who they are. It is safe for concurrent use, and several
// clients can share one.
type Transport struct {
	options   Options
	own       *Changes // nil: the caller's are used
	encrypted bool
	mechanism string // empty: no authentication
	means     *material[*means]
	stalls    stalls
	giveUp    context.CancelFunc // ends the waiting for signs of life
}

// Open prepares a transport for what s describes. Files are read now, and again whenever they change, until ctx ends or
// Close is called; nothing is sent to a broker or to a token endpoint yet, and no new token is asked for after that end.
// With Options.Live the same holds for the settings themselves: whatever new connections show is what the files say at
// that time. Only the protocol and the mechanism stay what they were. An error is one line that names the setting, and the
// file where there is one.
//
// Differences to Java that a user can notice: a broker's certificate needs its name among the alternative names, the
// common name alone does not do; a PEM key may also be of the older forms (RSA PRIVATE KEY, EC PRIVATE KEY); without a
// trust store the system's authorities count instead of the JVM's.
func Open(ctx context.Context, s kafka.Security, o Options) (*Transport, error) {
	switch s.Protocol {
	case "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL":
	default:
		return nil, fmt.Errorf("security.protocol: %q is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", s.Protocol)
	}
	t := &Transport{encrypted: s.UsesTLS()}
	if s.UsesSASL() {
		t.mechanism = s.SASL.Mechanism
	}
	t.options, t.own = o.withDefaults()
	waits, giveUp := context.WithCancel(ctx)
	t.giveUp = giveUp
	t.stalls = stalls{first: stallAfter, now: t.options.Now, lives: func(address string) bool { return t.lives(waits, address) }}
	t.means = &material[*means]{name: "kafka credentials", changes: t.options.Changes, log: t.options.Logger, retire: (*means).retire}
	first := true // run opens one after the other
	t.means.build = func(snapshot) (*means, error) {
		if !first {
			return t.again(ctx, s)
		}
		first = false
		return openMeans(ctx, s, t.options)
	}
	if o.Live != nil {
		t.means.paths = o.Live.Files
	}
	if err := t.means.open(ctx, t.options.Poll); err != nil {
		giveUp()
		t.own.Close()
		return nil, err
	}
	return t, nil
}

// again opens the means that the settings describe now. was is what the clients were made for.
func (t *Transport) again(ctx context.Context, was kafka.Security) (*means, error) {
	s, err := t.options.Live.Read(ctx)
	if err != nil {
		return nil, err
	}
	if s.Protocol != was.Protocol || s.UsesSASL() && s.SASL.Mechanism != was.SASL.Mechanism {
		return nil, errors.New("security.protocol and sasl.mechanism do not change while a client runs: restart it")
	}
	return openMeans(ctx, s, t.options)
}

// Options returns the client options: a dialer, and the SASL mechanism if there is one. They must not be combined with
// kgo.DialTLSConfig or kgo.DialTimeout.
func (t *Transport) Options() []kgo.Opt {
	opts := []kgo.Opt{kgo.Dialer(t.dial)}
	if t.mechanism != "" {
		opts = append(opts, kgo.SASL(present{t}))
	}
	return opts
}

// NotAfter returns when the client's own certificate, or one of its chain, ends: that of the files as they are now. Zero
// without a certificate.
func (t *Transport) NotAfter() time.Time {
	if !t.encrypted {
		return time.Time{}
	}
	return t.means.get().tls.get().notAfter
}

// Close ends the watching of files, the renewing of tokens and the waiting for brokers that hang. Connections stay open, and new ones use what was known
// last.
func (t *Transport) Close() {
	t.giveUp()
	t.stalls.close()
	t.means.close()
	t.means.get().close()
	t.own.Close()
}

// present is the mechanism of the moment in which a session begins.
type present struct{ t *Transport }

var _ sasl.Mechanism = present{}

// Name is the same for all means of a transport.
func (p present) Name() string { return p.t.mechanism }

// Authenticate begins a session.
func (p present) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	return p.t.means.get().mechanism.Authenticate(ctx, host)
}

// dial connects to a broker. One that hangs is not waited for: the client library sends the requests to a broker one after
// the other, each with an attempt of its own to connect, and metadata that any broker could give wait in that line too.
func (t *Transport) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if t.stalls.hangs(address) {
		return nil, fmt.Errorf("%s does not answer: %w", address, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded})
	}
	limited, cancel := context.WithTimeout(ctx, t.options.ConnectTimeout)
	defer cancel()
	conn, err := t.connect(limited, network, address)
	if err == nil {
		return &stallConn{Conn: conn, address: address, stalls: &t.stalls}, nil
	}
	if limited.Err() != nil && ctx.Err() == nil {
		t.stalls.undialed(address)
	}
	return nil, err
}

// connect connects with the material of this moment.
func (t *Transport) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := t.buffers(conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("socket buffers of %s: %w", address, err)
	}
	if !t.encrypted {
		return socket.New(conn), nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	// A copy, since the server name is per connection; key and roots are shared. There is no session cache: a resumed
	// session would go on under the certificate of its first handshake.
	config := t.means.get().tls.get().config.Clone()
	config.ServerName = host
	secured := tls.Client(socket.New(conn), config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("tls handshake with %s: %w", address, err)
	}
	return secured, nil
}

// lives asks a broker which API versions it has, which it tells to anybody who can connect, and reports whether anything
// came of it but silence.
func (t *Transport) lives(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, t.options.ConnectTimeout+2*t.stalls.patience())
	defer cancel()
	conn, err := t.connect(ctx, "tcp", address)
	if err != nil {
		return ctx.Err() == nil
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err = conn.Write(apiVersionsRequest); err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	return err == nil || ctx.Err() == nil
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
