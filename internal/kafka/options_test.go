package kafka

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// opened builds a client, which connects to nothing by itself, and returns it for looking at its options.
func opened(t *testing.T, c Config) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(c.Options()...)
	if err != nil {
		t.Fatalf("%s: %v", c.Role, err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestOptions(t *testing.T) {
	type props = map[string]string
	for _, tc := range []struct {
		role   Role
		props  props
		option any
		want   string
	}{
		{Producer, props{}, kgo.RequiredAcks, "{-1}"},
		{Producer, props{}, kgo.DisableIdempotentWrite, "false"},
		{Producer, props{}, kgo.ProducerLinger, "0s"},
		{Producer, props{"linger.ms": "5"}, kgo.ProducerLinger, "5ms"},
		{Producer, props{"linger.ms": "70000", "delivery.timeout.ms": "120000"}, kgo.ProducerLinger, "1m0s"},
		{Producer, props{}, kgo.ProducerBatchMaxBytes, "1048576"},
		{Producer, props{"max.request.size": "2097152"}, kgo.ProducerBatchMaxBytes, "2097152"},
		{Producer, props{"max.request.size": "0"}, kgo.ProducerBatchMaxBytes, "512"},
		{Producer, props{}, kgo.RecordDeliveryTimeout, "2m0s"},
		{Producer, props{}, kgo.RequestTimeoutOverhead, "10s"},
		{Producer, props{}, kgo.ProduceRequestTimeout, "20s"},
		{Producer, props{"request.timeout.ms": "4000"}, kgo.RequestTimeoutOverhead, "2s"},
		{Producer, props{"request.timeout.ms": "0"}, kgo.ProduceRequestTimeout, "100ms"},
		// The producer's own look-ups permit it; the client's refreshes would bring a deleted topic back.
		{Producer, props{}, kgo.AllowAutoTopicCreation, "false"},
		{Producer, props{}, kgo.RecordRetries, "9223372036854775807"},
		{Producer, props{"retries": "2"}, kgo.RecordRetries, "2"},
		{Producer, props{"acks": "1"}, kgo.RequiredAcks, "{1}"},
		{Producer, props{"acks": "1"}, kgo.DisableIdempotentWrite, "true"},
		{Producer, props{"acks": "0"}, kgo.MaxProduceRequestsInflightPerBroker, "1"},
		{Producer, props{}, kgo.ConnIdleTimeout, "9m0s"},
		{Producer, props{"connections.max.idle.ms": "-1"}, kgo.ConnIdleTimeout, "15m0s"},
		{Producer, props{"connections.max.idle.ms": "1"}, kgo.ConnIdleTimeout, "100ms"},
		{Producer, props{"client.id": "me"}, kgo.ClientID, "me"},
		{Producer, props{"enable.metrics.push": "false"}, kgo.DisableClientMetrics, "true"},
		{Admin, props{}, kgo.DisableClientMetrics, "true"},
		{Admin, props{}, kgo.RequestTimeoutOverhead, "30s"},
		{Admin, props{"retries": "3"}, kgo.RequestRetries, "3"},
		{Admin, props{"bootstrap.servers": "a:1,b:2"}, kgo.SeedBrokers, "[a:1 b:2]"},
		{Consumer, props{}, kgo.FetchMaxBytes, "52428800"},
		{Consumer, props{"fetch.max.bytes": "2147483647"}, kgo.FetchMaxBytes, "536870912"},
		{Consumer, props{}, kgo.FetchMaxPartitionBytes, "1048576"},
		{Consumer, props{}, kgo.FetchMinBytes, "1"},
		{Consumer, props{}, kgo.FetchMaxWait, "500ms"},
		{Consumer, props{"fetch.max.wait.ms": "0"}, kgo.FetchMaxWait, "10ms"},
		{Consumer, props{"isolation.level": "read_committed"}, kgo.FetchIsolationLevel, "1"},
		{Consumer, props{}, kgo.FetchIsolationLevel, "0"},
		{Consumer, props{"check.crcs": "false"}, kgo.DisableFetchCRCValidation, "true"},
		{Consumer, props{"client.rack": "r"}, kgo.Rack, "r"},
		{Consumer, props{}, kgo.MetadataMaxAge, "5m0s"},
		{Consumer, props{}, kgo.MetadataMinAge, "100ms"},
		{Consumer, props{"metadata.max.age.ms": "0"}, kgo.MetadataMaxAge, "10ms"},
	} {
		client := opened(t, interpret(t, tc.role, tc.props))
		if got := fmt.Sprint(client.OptValue(tc.option)); got != tc.want {
			t.Errorf("%s %v: %s, want %s", tc.role, tc.props, got, tc.want)
		}
	}
}

// TestRetryTimeouts: membership requests are given up with the session, the others after default.api.timeout.ms.
func TestRetryTimeouts(t *testing.T) {
	c := interpret(t, Consumer, map[string]string{"session.timeout.ms": "6000", "default.api.timeout.ms": "0"})
	timeout, ok := opened(t, c).OptValue(kgo.RetryTimeoutFn).(func(int16) time.Duration)
	if !ok {
		t.Fatal("no function")
	}
	for key, want := range map[int16]time.Duration{11: 6 * time.Second, 12: 6 * time.Second, 14: 6 * time.Second, 3: time.Millisecond} {
		if got := timeout(key); got != want {
			t.Errorf("request %d: %s, want %s", key, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	c := interpret(t, Admin, map[string]string{})
	for fails, middle := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond} {
		for range 50 {
			if got := c.backoff(fails); got < middle*8/10 || got > middle*12/10 {
				t.Errorf("after %d failures %s", fails, got)
			}
		}
	}
	if got := c.backoff(1000); got != time.Second {
		t.Errorf("the limit: %s", got)
	}
	c = interpret(t, Admin, map[string]string{"retry.backoff.ms": "5000"})
	if got := c.backoff(1); got != time.Second {
		t.Errorf("a backoff above its limit: %s", got)
	}
}

func TestCodecs(t *testing.T) {
	for _, tc := range []struct {
		kind, key, level string
		want             kgo.CompressionCodec
	}{
		{"none", "compression.gzip.level", "3", kgo.NoCompression()},
		{"snappy", "compression.gzip.level", "3", kgo.SnappyCompression()},
		{"gzip", "compression.gzip.level", "-1", kgo.GzipCompression()},
		{"gzip", "compression.gzip.level", "6", kgo.GzipCompression().WithLevel(6)},
		{"lz4", "compression.lz4.level", "9", kgo.Lz4Compression()},
		{"lz4", "compression.lz4.level", "1", kgo.Lz4Compression().WithLevel(512)},
		{"lz4", "compression.lz4.level", "17", kgo.Lz4Compression().WithLevel(1 << 17)},
		{"zstd", "compression.zstd.level", "-5", kgo.ZstdCompression().WithLevel(1)},
		{"zstd", "compression.zstd.level", "3", kgo.ZstdCompression().WithLevel(2)},
		{"zstd", "compression.zstd.level", "6", kgo.ZstdCompression().WithLevel(3)},
		{"zstd", "compression.zstd.level", "22", kgo.ZstdCompression().WithLevel(4)},
	} {
		c := interpret(t, Producer, map[string]string{"compression.type": tc.kind, tc.key: tc.level})
		if got := c.Producer.codec(); got != tc.want {
			t.Errorf("%s level %s: %+v, want %+v", tc.kind, tc.level, got, tc.want)
		}
		opened(t, c)
	}
}

// TestValidSettingsGiveValidOptions: whatever Interpret lets pass, kgo takes.
func TestValidSettingsGiveValidOptions(t *testing.T) {
	numbers := []string{"0", "1", "5", "99", "1000", "30000", "120000", "2147483647"}
	rapid.Check(t, func(t *rapid.T) {
		role := rapid.SampledFrom([]Role{Admin, Producer, Consumer}).Draw(t, "role")
		props := map[string]string{"bootstrap.servers": "a:1", "group.id": "g"}
		for _, name := range Names() {
			s, ok := setting(role, name)
			if !ok || !rapid.Bool().Draw(t, "set "+name) {
				continue
			}
			switch s.Type {
			case "int", "long", "short":
				props[name] = rapid.SampledFrom(numbers).Draw(t, name)
			case "boolean":
				props[name] = rapid.SampledFrom([]string{"true", "false"}).Draw(t, name)
			}
		}
		if role == Producer {
			props["acks"] = rapid.SampledFrom([]string{"all", "-1", "0", "1"}).Draw(t, "acks")
			props["compression.type"] = rapid.SampledFrom([]string{"none", "gzip", "snappy", "lz4", "zstd"}).Draw(t, "codec")
		}
		c, findings := Interpret(role, props)
		if worst(findings) != Warning {
			t.Skip("no client is made of these")
		}
		if err := kgo.ValidateOpts(c.Options()...); err != nil {
			t.Fatalf("%v: %v", props, err)
		}
	})
}
