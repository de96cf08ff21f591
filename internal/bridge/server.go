package bridge

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/metrics"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridge/records"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/logging"
	"github.com/steg-kafka/steg/internal/tracing"
)

// Options is what a Server is made of. Config, Limits, Log, Producer, Admin and Consumers are required.
type Options struct {
	Config  bridgeconfig.Config
	Limits  bridgeconfig.Limits
	Version string
	Log     *slog.Logger
	// Producer makes the shared producer at the first send. Its error is answered to that send, and the next one tries
	// again: a bridge whose producer is misconfigured still serves consumers.
	Producer  func() (*producer.Producer, error)
	Admin     *admin.Admin
	Consumers *consumers.Registry
	// Logs writes a line per request; nil writes none.
	Logs *logging.Log
	// Kafka is the hook of the clients that knows whether Kafka answers; nil knows nothing.
	Kafka *Reach
	// Certificates lists those in use; may be nil.
	Certificates func() []metrics.Certificate
	// Tracer gives sends and polls their spans; nil: tracing is off.
	Tracer *tracing.Tracer
	// Quit ends the process in order; nil where POST /quitquitquit is not to be answered.
	Quit func()
	// Metrics is nil when bridge.metrics is not set: nothing is counted then, and /metrics answers 404.
	Metrics *metrics.Metrics
	// CallTimeout bounds a consumer's operation other than a poll; 0 means 60 s, the default.api.timeout.ms of the Java
	// clients.
	CallTimeout time.Duration
}

// minRecords is how many records a request may have even where memory is short.
const minRecords = 10_000

// Server answers the HTTP contract on both listeners.
type Server struct {
	cfg         bridgeconfig.Config
	version     string
	log         *slog.Logger
	producer    lazyProducer
	admin       *admin.Admin
	consumers   *consumers.Registry
	counted     *metrics.Metrics
	cors        *cors
	bodies      *bodies
	maxRecords  int // of one body
	rates       *rates
	maxRunning  int // requests of the API at once
	running     atomic.Int64
	buffers     buffers
	nullValue   records.NullValue
	callTimeout time.Duration
	logs        *logging.Log
	watches     map[string]watch
	kafka       *Reach
	certs       func() []metrics.Certificate
	quit        func()
	tracer      *tracing.Tracer
	ready       atomic.Bool
	listened    atomic.Bool // it was ready once
	metKafka    atomic.Bool // hasStarted need not ask again
	started     time.Time
	polls       context.Context // ends when polls have to
	endPolls    context.CancelFunc
}

// New returns a Server that is not ready yet. Errors are settings that cannot be used: a CORS rule, the log level of an
// operation that there is not.
func New(o Options) (*Server, error) {
	rule, err := newCORS(o.Config.HTTP.CORS)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: o.Config, version: o.Version, log: o.Log,
		producer: lazyProducer{build: o.Producer}, admin: o.Admin, consumers: o.Consumers, counted: o.Metrics,
		cors: rule, bodies: newBodies(o.Limits.BodyBytes, o.Limits.InflightBytes),
		maxRecords: max(minRecords, int(o.Limits.BodyBytes)/recordBytes),
		rates:      newRates(o.Config.HTTP.RateLimit), maxRunning: o.Limits.Connections,
		callTimeout: o.CallTimeout, started: time.Now(),
		logs: o.Logs, watches: newWatches(o.Logs, o.Metrics), kafka: o.Kafka, certs: o.Certificates, quit: o.Quit, tracer: o.Tracer,
	}
	if err := s.checkLevels(o.Config.Log.Operations); err != nil {
		return nil, err
	}
	if s.kafka == nil {
		s.kafka = new(Reach)
	}
	if s.counted != nil {
		s.counted.Steg.Watch(s.sources())
	}
	s.polls, s.endPolls = context.WithCancel(context.Background())
	if o.Config.NullValue == bridgeconfig.NullTombstone {
		s.nullValue = records.Tombstone
	}
	if s.callTimeout <= 0 {
		s.callTimeout = time.Minute
	}
	return s, nil
}

// API returns the handler of the listener for applications.
func (s *Server) API() http.Handler { return newEndpoint(s, newRoutes(operations()), api) }

// Management returns the handler of the listener for probes and metrics.
func (s *Server) Management() http.Handler {
	return newEndpoint(s, newRoutes(operations()), management)
}

// ConnContext is given to the API listener, so that a poll can tell whether its client is still there.
func (s *Server) ConnContext(ctx context.Context, c net.Conn) context.Context {
	return withConn(ctx, c)
}

// SetReady tells /healthy and /ready what to answer, and /started that the listeners are there.
func (s *Server) SetReady(ready bool) {
	s.ready.Store(ready)
	if ready {
		s.listened.Store(true)
	}
}

// EndPolls ends the polls that are waiting, and every later one at once, so that a stop does not wait for them.
func (s *Server) EndPolls() { s.endPolls() }

// Close sends what the producer still holds and leaves all groups, side by side and within ctx. Sends that are still
// running are answered with what became of their records.
func (s *Server) Close(ctx context.Context) error {
	var flushing sync.WaitGroup
	flushing.Go(func() { s.producer.close(ctx) })
	err := s.consumers.Close(ctx)
	flushing.Wait()
	return err
}

// lazyProducer makes the producer when it is first needed.
type lazyProducer struct {
	build  func() (*producer.Producer, error)
	mu     sync.Mutex
	shared atomic.Pointer[producer.Producer]
}

func (l *lazyProducer) get() (*producer.Producer, error) {
	if p := l.shared.Load(); p != nil {
		return p, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.shared.Load(); p != nil {
		return p, nil
	}
	p, err := l.build()
	if err != nil {
		return nil, err
	}
	l.shared.Store(p)
	return p, nil
}

func (l *lazyProducer) close(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.shared.Load(); p != nil {
		p.Close(ctx)
	}
}
