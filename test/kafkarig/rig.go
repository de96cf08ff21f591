// Package kafkarig starts a real Apache Kafka on loopback for tests: one or
// three KRaft nodes, each broker and controller, with the jars from Maven
// Central, every kind of listener, users, certificates and ACLs.
//
//	rig := kafkarig.New(t, kafkarig.Options{TLS: true, SASL: true})
//	rig.Bootstrap(kafkarig.MTLS)
//
// It needs java and, once per version, mvn. Test files that use it have the
// build tag kafka. It knows nothing of the project: what is under test is never
// started here.
package kafkarig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

// DefaultVersion of Apache Kafka, unless KAFKA_VERSION in the environment says
// another.
const DefaultVersion = "4.3.1"

// The users of a rig with SASL, for SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN; by
// OAUTHBEARER the token's subject is the user. AdminUser is a super user,
// OrdinaryUser may do nothing until a test adds ACLs.
const (
	AdminUser        = "admin"
	AdminPassword    = "admin-secret"
	OrdinaryUser     = "user"
	OrdinaryPassword = "user-secret"
)

// Options says what to start. The zero value is one broker with the Plain
// listener.
type Options struct {
	// Version of Apache Kafka; "" means KAFKA_VERSION or DefaultVersion.
	Version string
	// Brokers is 1 or 3; 0 means 1.
	Brokers int
	// TLS adds the listeners TLS and MTLS, SASL adds SCRAM, both add SCRAMTLS.
	TLS, SASL bool
	// OAuth lets the SASL listeners take OAUTHBEARER with unsigned tokens.
	OAuth bool
	// RebalanceDelay is how long a new group waits for members; the stock
	// broker's is 3 s, the zero value none.
	RebalanceDelay time.Duration
	// Config are broker settings, over the rig's own.
	Config map[string]string
	// Advertise returns the host:port that broker i tells clients of a listener to
	// connect to, its own for "". Ports of a proxy, for example; brokers talk to
	// each other by what is advertised for Plain.
	Advertise func(i int, l Listener) string
	// Away leaves the brokers down until Rig.Start or Rig.StartAll.
	Away bool
	// Dir holds all files; "" means a temporary directory, removed at Close.
	Dir string
	// Heap is each JVM's largest heap; "" means 512m for one, 256m for three.
	Heap string
	// JVM are further options of java; nil means those that start quickest. Give
	// {"-XX:+UseG1GC"} to measure a broker's speed.
	JVM []string
}

func (o Options) withDefaults() Options {
	if o.Version == "" {
		o.Version = os.Getenv("KAFKA_VERSION")
	}
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	if o.Heap == "" {
		o.Heap = map[bool]string{true: "512m", false: "256m"}[o.Brokers == 1]
	}
	if o.JVM == nil {
		o.JVM = []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}
	}
	o.SASL = o.SASL || o.OAuth
	return o
}

// Rig is a running Apache Kafka. StandardAuthorizer is on: what is not allowed
// is forbidden, except to the super users ANONYMOUS, admin and CN=admin.
type Rig struct {
	// Version of Apache Kafka and the folder with everything the brokers write.
	Version, Dir string
	// CA is the certificate authority, nil without TLS.
	CA *pki.CA
	// Files are the certificates, with TLS.
	Files Certificates

	options   Options
	jvm       *jvm
	base      int
	release   func()
	temporary bool

	mu    sync.Mutex
	nodes []*process
}

// New starts a rig that ends with the test, which fails if that is impossible.
// If the test fails later, the ends of the brokers' logs are in its log.
func New(t testing.TB, o Options) *Rig {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	r, err := Up(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i := range r.options.Brokers {
			if t.Failed() {
				t.Logf("log of broker %d:\n%s", i, r.LogTail(i, 20))
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Up starts a rig that ends at Close, or with the process, and returns when it
// serves. The first use of a version downloads 45 MB and takes half a minute;
// ctx bounds that.
func Up(ctx context.Context, o Options) (*Rig, error) {
	o = o.withDefaults()
	temporary := o.Dir == ""
	if temporary {
		dir, err := os.MkdirTemp("", "kafkarig-")
		if err != nil {
			return nil, fmt.Errorf("kafkarig: %w", err)
		}
		o.Dir = dir
	}
	r, err := open(ctx, o)
	if err != nil {
		if temporary {
			err = errors.Join(err, os.RemoveAll(o.Dir))
		}
		return nil, err
	}
	r.temporary = temporary
	if !o.Away {
		err = r.StartAll()
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func open(ctx context.Context, o Options) (*Rig, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	o.Dir = dir
	if o.Brokers != 1 && o.Brokers != 3 {
		return nil, fmt.Errorf("kafkarig: %d brokers: 1 or 3", o.Brokers)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	j, err := newJVM(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	if err := j.prepare(ctx, o); err != nil {
		return nil, err
	}
	return create(o, j)
}

// create makes a rig with everything but running brokers.
func create(o Options, j *jvm) (*Rig, error) {
	r := &Rig{Version: o.Version, Dir: o.Dir, options: o, jvm: j, nodes: make([]*process, o.Brokers)}
	var err error
	if r.base, r.release, err = reservePorts(o.Brokers); err != nil {
		return nil, err
	}
	if o.TLS {
		r.Files = tlsFiles(o.Dir)
		if r.CA, err = makeCertificates(o.Dir); err != nil {
			r.release()
			return nil, err
		}
	}
	cluster := newID()
	for i := range o.Brokers {
		err := format(j, o.Dir, cluster, i)
		if err == nil {
			err = os.WriteFile(filepath.Join(nodeDir(o.Dir, i), "server.properties"), []byte(properties(o, o.Dir, r.base, i)), 0o600)
		}
		if err != nil {
			r.release()
			return nil, err
		}
	}
	return r, nil
}

// Close ends the brokers at once and removes the directory if it was temporary.
func (r *Rig) Close() error {
	var errs []error
	for i := range r.options.Brokers {
		errs = append(errs, r.Kill(i))
	}
	r.release()
	if r.temporary {
		errs = append(errs, os.RemoveAll(r.Dir))
	}
	return errors.Join(errs...)
}

// Addrs returns each broker's host:port at a listener, by id.
func (r *Rig) Addrs(l Listener) []string {
	var out []string
	for i := range r.options.Brokers {
		out = append(out, address(r.base, i, int(l)))
	}
	return out
}

// Bootstrap returns the addresses at a listener as bootstrap.servers has them.
func (r *Rig) Bootstrap(l Listener) string { return strings.Join(r.Addrs(l), ",") }

// Listeners are those that the rig has.
func (r *Rig) Listeners() []Listener { return r.options.listeners() }

// Shared is one rig for a test binary, started when a test first asks for it:
//
//	var kafka = kafkarig.Shared{Options: kafkarig.Options{TLS: true}}
//
//	func TestMain(m *testing.M) { os.Exit(kafka.Main(m)) }
type Shared struct {
	Options Options

	once sync.Once
	rig  *Rig
	err  error
}

// Rig returns the rig. Tests share its topics, groups and ACLs, so names should
// be their own.
func (s *Shared) Rig(t testing.TB) *Rig {
	t.Helper()
	s.once.Do(func() { s.rig, s.err = Up(context.Background(), s.Options) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.rig
}

// Main runs the tests, ends the rig and returns the exit code.
func (s *Shared) Main(m *testing.M) int {
	code := m.Run()
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Close ends the rig if it was started.
func (s *Shared) Close() error {
	s.once.Do(func() { s.err = errors.New("kafkarig: the shared rig is closed") })
	if s.rig == nil {
		return nil
	}
	return s.rig.Close()
}
