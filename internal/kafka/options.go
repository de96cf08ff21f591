package kafka

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Options returns what does not change during a client's life: addresses, timeouts, retries, sizes, acks, compression.
// Who opens the client adds the rest: dialer and SASL, group, topics and whether they may be created, positions and
// commits, partitioning and buffers. Any Config that Interpret returns without a Refused or Invalid finding gives options that kgo accepts: values
// that Java takes and kgo does not are moved to kgo's nearest bound, as the settings reference says.
func (c Config) Options() []kgo.Opt {
	maxAge := clamp(c.MetadataMaxAge, 10*time.Millisecond, time.Hour)
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Bootstrap...),
		kgo.ConnIdleTimeout(c.idleTimeout()),
		kgo.MetadataMaxAge(maxAge),
		// As in Java, a missing leader is asked for again after the retry backoff; kgo's own 5 s would be noticed.
		kgo.MetadataMinAge(clamp(c.RetryBackoff, 10*time.Millisecond, maxAge)),
		kgo.RetryBackoffFn(c.backoff),
	}
	if c.ClientID != "" {
		opts = append(opts, kgo.ClientID(c.ClientID))
	}
	if !c.PushMetrics {
		opts = append(opts, kgo.DisableClientMetrics())
	}
	switch c.Role {
	case Producer:
		return append(opts, c.producerOptions()...)
	case Consumer:
		return append(opts, c.consumerOptions()...)
	default:
		return append(opts, c.adminOptions()...)
	}
}

// adminOptions bound a call by default.api.timeout.ms, retries included.
func (c Config) adminOptions() []kgo.Opt {
	return []kgo.Opt{
		kgo.RequestTimeoutOverhead(c.overhead()),
		kgo.RequestRetries(c.Retries),
		kgo.RetryTimeout(max(c.DefaultAPITimeout, time.Millisecond)), // 0 would be no limit
	}
}

// producerOptions splits request.timeout.ms between the broker's wait for replicas and the way there and back, so that a
// broker that has gone away is noticed after the whole of it, as with the Java producer. kgo's batch limit is the largest
// batch ever built, whereas Java's batch.size is a size to aim at, so max.request.size is the limit here: a record that
// Java would send is sent.
func (c Config) producerOptions() []kgo.Opt {
	const least = 100 * time.Millisecond // of both parts, kgo's bound
	p := c.Producer
	way := clamp(min(10*time.Second, c.RequestTimeout/2), least, 15*time.Minute)
	batch := clamp(p.MaxRequestBytes, 512, 1<<30)
	opts := []kgo.Opt{
		kgo.RequestTimeoutOverhead(way),
		kgo.ProduceRequestTimeout(clamp(c.RequestTimeout-way, least, math.MaxInt32*time.Millisecond)),
		kgo.RequestRetries(math.MaxInt32),
		kgo.RetryTimeout(max(p.DeliveryTimeout, time.Second)),
		kgo.RecordDeliveryTimeout(max(p.DeliveryTimeout, time.Second)),
		kgo.ProducerLinger(clamp(p.Linger, 0, time.Minute)),
		kgo.ProducerBatchMaxBytes(batch),
		kgo.BrokerMaxWriteBytes(max(batch, 100<<20)),
		kgo.ProducerBatchCompression(p.codec()),
		kgo.RequiredAcks(map[int16]kgo.Acks{-1: kgo.AllISRAcks(), 0: kgo.NoAck(), 1: kgo.LeaderAck()}[p.Acks]),
	}
	if !p.Idempotent {
		// One request at a time keeps the order that the broker can't check without sequence numbers.
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1))
	}
	if c.Retries < math.MaxInt32 {
		opts = append(opts, kgo.RecordRetries(c.Retries)) // beyond the first attempt, as Java counts
	}
	return opts
}

// consumerOptions leave out everything that belongs to one mode of consuming, group or assignment, since a consumer's
// client is replaced when it goes from one to the other.
func (c Config) consumerOptions() []kgo.Opt {
	const joinGroup, heartbeat, syncGroup = 11, 12, 14 // request keys
	s := c.Consumer
	fetch := min(s.FetchMaxBytes, 1<<29)
	opts := []kgo.Opt{
		kgo.RequestTimeoutOverhead(c.overhead()),
		kgo.RequestRetries(math.MaxInt32),
		kgo.RetryTimeoutFn(func(key int16) time.Duration {
			if key == joinGroup || key == heartbeat || key == syncGroup {
				return max(s.SessionTimeout, time.Millisecond)
			}
			return max(c.DefaultAPITimeout, time.Millisecond)
		}),
		kgo.FetchMaxWait(max(s.FetchMaxWait, 10*time.Millisecond)),
		kgo.FetchMinBytes(s.FetchMinBytes),
		kgo.FetchMaxBytes(fetch),
		kgo.FetchMaxPartitionBytes(s.MaxPartitionFetchBytes),
		// One batch larger than asked for is delivered all the same, KIP-74, so an answer may exceed the limit.
		kgo.BrokerMaxReadBytes(max(2*fetch, 100<<20)),
	}
	if c.ClientRack != "" {
		opts = append(opts, kgo.Rack(c.ClientRack))
	}
	if s.ReadCommitted {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if !s.CheckCRCs {
		opts = append(opts, kgo.DisableFetchCRCValidation())
	}
	return opts
}

// overhead is request.timeout.ms within kgo's bounds. kgo adds to it the time that a request itself asks the broker to
// wait, such as a fetch's.
func (c Config) overhead() time.Duration {
	return clamp(c.RequestTimeout, 100*time.Millisecond, 15*time.Minute)
}

// idleTimeout maps Java's "never" (a negative number) to kgo's longest time.
func (c Config) idleTimeout() time.Duration {
	if c.ConnectionsMaxIdle < 0 {
		return 15 * time.Minute
	}
	return clamp(c.ConnectionsMaxIdle, 100*time.Millisecond, 15*time.Minute)
}

// backoff is the Java clients' exponential backoff, KIP-580: it doubles from retry.backoff.ms to retry.backoff.max.ms, give or
// take a fifth so that clients that lost the same broker do not come back together. fails counts from 1.
func (c Config) backoff(fails int) time.Duration {
	if c.RetryBackoff >= c.RetryBackoffMax {
		return c.RetryBackoffMax
	}
	wait := float64(c.RetryBackoff) * math.Pow(2, float64(fails-1)) * (0.8 + 0.4*rand.Float64())
	return time.Duration(min(wait, float64(c.RetryBackoffMax)))
}

// codec turns Java's codec and level into kgo's, whose levels are those of the compressing packages: four of them for
// zstd, 1 to 9 as powers of two for lz4.
func (p ProducerConfig) codec() kgo.CompressionCodec {
	switch p.Compression {
	case "gzip":
		return kgo.GzipCompression().WithLevel(p.CompressionLevel)
	case "snappy":
		return kgo.SnappyCompression()
	case "lz4":
		const javaDefault = 9 // the fast compressor; any other number is the one with levels
		if p.CompressionLevel == javaDefault {
			return kgo.Lz4Compression()
		}
		return kgo.Lz4Compression().WithLevel(1 << (8 + clamp(p.CompressionLevel, 1, 9)))
	case "zstd":
		group := 1
		for _, from := range []int{3, 6, 10} {
			if p.CompressionLevel >= from {
				group++
			}
		}
		return kgo.ZstdCompression().WithLevel(group)
	default:
		return kgo.NoCompression()
	}
}

// clamp moves v to the nearest value between low and high.
func clamp[T int | int32 | time.Duration](v, low, high T) T { return max(low, min(v, high)) }
