package bridgeconfig

import (
	"fmt"
	"log/slog"
	"time"
)

// Layer is one source of settings. Origin is what messages call it: a path, "environment", "--set". Lines are the numbers
// of the lines that keys stand in, from 1, where the source has lines: messages name them too.
type Layer struct {
	Origin string
	Values map[string]string
	Lines  map[string]int
}

// origin is where one of the layer's keys stands.
func (l Layer) origin(key string) string {
	if line, ok := l.Lines[key]; ok {
		return fmt.Sprintf("%s, line %d", l.Origin, line)
	}
	return l.Origin
}

// Config is the settings of one bridge, defaults filled in.
type Config struct {
	ID      string // prefix of generated consumer names
	Metrics Metrics
	// ExecutorPool and ExecutorQueue are the sizes that the executor metrics report; nothing waits for a place in a pool
	// here. Pool 0: by the number of processors, see PoolSize.
	ExecutorPool  int
	ExecutorQueue int
	Tracing       string // opentelemetry, or empty: off
	// NullValue is what a JSON null becomes in the embedded formats json and text: NullUpstream or NullTombstone.
	NullValue string
	// StopNotice is how long /ready fails before the listeners close.
	StopNotice time.Duration
	// StartWait is how long after its start a bridge that Kafka has not answered yet says that it has not started.
	StartWait time.Duration
	HTTP      HTTP
	Consumers Consumers
	Log       Log
	Kafka     Properties

	origins map[string]string // key → origin of its value; keys at their defaults are absent
}

// Values of Config.NullValue.
const (
	NullUpstream  = "upstream"
	NullTombstone = "tombstone"
)

// Metrics is bridge.metrics: empty (no /metrics), MetricsJMX or MetricsReporter.
type Metrics struct {
	Type       string
	ConfigPath string // accepted and warned of: the rules of MetricsJMX are built in
}

// Values of Metrics.Type.
const (
	MetricsJMX      = "jmxPrometheusExporter"
	MetricsReporter = "strimziMetricsReporter"
)

// Log is what is logged, and how.
type Log struct {
	Level  string // debug, info, warn or error
	Format string // text or json
	// Operations are the levels of the lines of single operations, by operationId. Those of the probes are warn unless
	// they are named.
	Operations map[string]slog.Level
}

// Consumers is how consumer instances are treated beyond Kafka's own settings.
type Consumers struct {
	JoinWait time.Duration // the first poll's wait for its assignment; 0: none
	Replace  bool          // creating an existing name closes the old instance instead of answering 409
	Max      int           // instances at once; 0: by memory, see Limits
}

// AnyHost is the host of a listener on all addresses, those of IPv4 and of IPv6.
const AnyHost = "*"

// HTTP is the bridge's listeners. A host is an address, a name of one, or AnyHost.
type HTTP struct {
	Host           string
	Port           int
	ManagementHost string // empty in the file: Host
	ManagementPort int
	Socket         string // path of a Unix socket for the API beside its port; empty: none

	ConsumerEnabled bool
	ProducerEnabled bool
	// IdleConsumerTimeout closes consumers without requests; negative: never.
	IdleConsumerTimeout time.Duration

	CORS CORS
	TLS  HTTPTLS

	Pprof bool // profiles under /debug/pprof on the management listener, for loopback only

	MaxBodyBytes     int64 // one request body; 0: by memory, see Limits
	MaxInflightBytes int64 // all request bodies together; 0: by memory, see Limits
	MaxConnections   int   // of the API listener, and requests running at once; 0: by memory, see Limits

	RateLimit RateLimit
}

// RateLimit is what one client may do in a second; 0: anything. A client is the value of a header, or else an address.
type RateLimit struct {
	Requests int
	Bytes    int64 // of bodies, requests and answers together
	Header   string
}

// CORS is http.cors.*. AllowedOrigins and AllowedMethods are texts as given, since the rules for their form belong to
// the HTTP contract: package origins reads the first, and the second is answered as it is.
type CORS struct {
	Enabled        bool
	AllowedOrigins string
	AllowedMethods string
}

// HTTPTLS is http.ssl.*. Either both locations (paths of PEM files), or both texts (PEM), or nothing is set when
// Enabled is false.
type HTTPTLS struct {
	Enabled             bool
	CertificateLocation string
	KeyLocation         string
	Certificate         string
	Key                 string
	Protocols           []string
	CipherSuites        []string // JSSE names; empty: the library's choice
}

// Properties is the kafka.* settings by prefix, prefixes stripped: those of all clients, and those of one.
type Properties struct {
	Common, Admin, Producer, Consumer map[string]string
}

// Effective is one line of --print-config.
type Effective struct {
	Key    string
	Value  string // masked where the key holds a secret
	Origin string // a Layer's origin, or "default"
}

// Limits is the memory budget of one bridge, in bytes, and what else is bounded by memory; always positive.
type Limits struct {
	BodyBytes     int64 // one request body
	InflightBytes int64 // all request bodies together
	FetchBytes    int64 // fetched records of all consumers together
	Connections   int   // of clients, and requests running at once
	Consumers     int   // instances at once
}
