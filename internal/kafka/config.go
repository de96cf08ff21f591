package kafka

import "time"

// Role is the Java client that a set of properties is meant for. The same key can have another default, or no
// meaning, in another role.
type Role string

// The roles that the bridge plays towards Kafka.
const (
	Admin    Role = "admin"
	Producer Role = "producer"
	Consumer Role = "consumer"
)

// Level says what a Finding does to the start.
type Level uint8

const (
	// Warning findings are logged; the setting is without effect, or without its whole effect.
	Warning Level = iota
	// Refused findings stop the start: going on would give the user something other than was asked for.
	Refused
	// Invalid findings stop the start, or are the 422 of a consumer's creation: the Java client refuses the value too,
	// and Text is its ConfigException's message.
	Invalid
)

// String returns the level as it is printed: warning, refused or invalid.
func (l Level) String() string {
	switch l {
	case Warning:
		return "warning"
	case Refused:
		return "refused"
	default:
		return "invalid"
	}
}

// Finding is one remark about one setting. Text never contains the value of a secret.
type Finding struct {
	Key     string
	Level   Level
	Text    string
	Unknown bool // the key is no setting at all, rather than one with a problem
}

// Config is what the properties of one client mean, defaults filled in. Only the part of its role is filled: a
// Config for Consumer has a zero Producer.
type Config struct {
	Role      Role
	Bootstrap []string // host:port, as given
	ClientID  string   // empty: the client library's own default
	// ClientRack is where this client is, for fetching from the nearest replica.
	ClientRack string
	Security   Security

	RequestTimeout    time.Duration
	DefaultAPITimeout time.Duration // admin and consumer: bound of one call that names none
	MetadataMaxAge    time.Duration

	ConnectionsMaxIdle time.Duration // zero or less: connections are never closed for idleness
	ConnectTimeout     time.Duration // one attempt to connect, its handshakes apart
	RetryBackoff       time.Duration
	RetryBackoffMax    time.Duration
	Retries            int
	SendBuffer         int  // bytes, SO_SNDBUF; -1: the system's choice
	ReceiveBuffer      int  // bytes, SO_RCVBUF; -1: the system's choice
	PushMetrics        bool // KIP-714

	Producer ProducerConfig
	Consumer ConsumerConfig
}

// ProducerConfig is the producer's part of a Config.
type ProducerConfig struct {
	Acks             int16 // -1 (all), 0 or 1
	Idempotent       bool
	Linger           time.Duration
	MaxBlock         time.Duration // bound of a wait for metadata or for buffer space
	DeliveryTimeout  time.Duration
	BatchBytes       int32 // keyless records go on to another partition after this many
	MaxRequestBytes  int32 // bound of one record and of one batch
	BufferMemory     int64 // bytes of records waiting to be sent
	Compression      string
	CompressionLevel int // of Compression, by Java's numbers; 0 for none and snappy

	// RoundRobin is partitioner.class=RoundRobinPartitioner: keys do not matter, partitions take turns.
	RoundRobin bool
	// IgnoreKeys partitions keyed records as if they had no key.
	IgnoreKeys bool
}

// ResetKind says where a partition is read from when the group has no committed offset, or one out of range.
type ResetKind uint8

// The values of auto.offset.reset.
const (
	Latest ResetKind = iota
	Earliest
	None       // an error instead of a position
	ByDuration // the first record at most Reset.Ago old
)

// Reset is auto.offset.reset. Ago is set with ByDuration only.
type Reset struct {
	Kind ResetKind
	Ago  time.Duration
}

// ConsumerConfig is the consumer's part of a Config.
type ConsumerConfig struct {
	Group      string
	InstanceID string // static membership, KIP-345; empty: dynamic
	Reset      Reset

	AutoCommit         bool
	AutoCommitInterval time.Duration
	MaxPollRecords     int
	MaxPollInterval    time.Duration
	SessionTimeout     time.Duration
	HeartbeatInterval  time.Duration

	FetchMaxWait           time.Duration
	FetchMinBytes          int32
	FetchMaxBytes          int32
	MaxPartitionFetchBytes int32
	CheckCRCs              bool

	ReadCommitted         bool
	ExcludeInternalTopics bool
	AllowAutoCreateTopics bool

	Protocol       string   // classic or consumer (KIP-848)
	RemoteAssignor string   // with Protocol consumer: range, uniform or empty for the broker's choice
	Assignors      []string // with Protocol classic, by preference: range, roundrobin, sticky, cooperative-sticky
}
