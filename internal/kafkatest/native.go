package kafkatest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// nativeTimeout bounds each of the helpers below.
const nativeTimeout = 15 * time.Second

// ClientOptions are a client's way into the cluster with all rights: addresses,
// certificates, credentials.
func (c *Cluster) ClientOptions() []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Addrs()...)}
	if c.CA != nil {
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: c.CA.Pool(), Certificates: []tls.Certificate{c.Cert.TLS},
		}))
	}
	if c.sasl {
		opts = append(opts, kgo.SASL(scram.Auth{User: AdminName, Pass: AdminPassword}.AsSha512Mechanism()))
	}
	return opts
}

// Client returns a client with all rights that is closed with the test.
func (c *Cluster) Client(opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	cl, err := kgo.NewClient(append(c.ClientOptions(), opts...)...)
	if err != nil {
		c.t.Fatal("test client:", err)
	}
	c.t.Cleanup(cl.Close)
	return cl
}

// CreateTopic creates a topic with as many replicas as there are brokers, three at most.
func (c *Cluster) CreateTopic(name string, partitions int32) {
	c.t.Helper()
	if err := c.Fake.CreateTopic(name, partitions, nil); err != nil {
		c.t.Fatalf("topic %s: %v", name, err)
	}
}

// Produce writes the records, each into its Partition, in order, and waits
// until they are there. Offset and Timestamp are filled in.
func (c *Cluster) Produce(records ...*kgo.Record) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nativeTimeout)
	defer cancel()
	cl := c.brief(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.AllowAutoTopicCreation(), kgo.ProducerLinger(0))
	defer cl.Close()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		c.t.Fatal("producing natively:", err)
	}
}

// Read waits until a topic has n records and returns these, and perhaps more,
// by partition and offset.
func (c *Cluster) Read(topic string, n int) []*kgo.Record {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nativeTimeout)
	defer cancel()
	cl := c.brief(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	var out []*kgo.Record
	for len(out) < n {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			c.t.Fatalf("reading %s natively: %d of %d records after %s", topic, len(out), n, nativeTimeout)
		}
		out = append(out, fetches.Records()...)
	}
	slices.SortFunc(out, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return out
}

// Committed returns a group's committed offsets by topic and partition; empty
// for a group that does not exist.
func (c *Cluster) Committed(group string) map[string]map[int32]int64 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), nativeTimeout)
	defer cancel()
	cl := c.brief()
	defer cl.Close()
	offsets, err := kadm.NewClient(cl).FetchOffsets(ctx, group)
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		c.t.Fatalf("offsets of group %s: %v", group, err)
	}
	out := map[string]map[int32]int64{}
	offsets.Each(func(o kadm.OffsetResponse) {
		if out[o.Topic] == nil {
			out[o.Topic] = map[int32]int64{}
		}
		out[o.Topic][o.Partition] = o.At
	})
	return out
}

// brief returns a client that the caller closes.
func (c *Cluster) brief(opts ...kgo.Opt) *kgo.Client {
	c.t.Helper()
	cl, err := kgo.NewClient(append(c.ClientOptions(), opts...)...)
	if err != nil {
		c.t.Fatal("test client:", err)
	}
	return cl
}
