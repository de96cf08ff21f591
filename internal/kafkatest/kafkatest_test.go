package kafkatest

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestWriteAndReadNatively(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]Option{
		"plain":       {Topic("t", 3)},
		"three":       {Topic("t", 3), Brokers(3)},
		"TLS":         {Topic("t", 3), TLS()},
		"mTLS":        {Topic("t", 3), MTLS()},
		"SASL":        {Topic("t", 3), SASL()},
		"ACLs, TLS":   {Topic("t", 3), ACLs(), TLS()},
		"on demand":   {DefaultPartitions(3)},
		"with config": {Topic("t", 3), BrokerConfig(map[string]string{"message.max.bytes": "2000"})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Start(t, opts...)
			c.Produce(
				&kgo.Record{Topic: "t", Partition: 2, Value: []byte("c")},
				&kgo.Record{Topic: "t", Partition: 0, Value: []byte("a")},
				&kgo.Record{Topic: "t", Partition: 0, Value: []byte("b")},
			)
			var got []string
			for _, r := range c.Read("t", 3) {
				got = append(got, string(r.Value))
			}
			if s := strings.Join(got, ""); s != "abc" {
				t.Errorf("read %q", s)
			}
		})
	}
}

func TestBrokerConfigCounts(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1), BrokerConfig(map[string]string{"message.max.bytes": "2000"}))
	r := &kgo.Record{Topic: "t", Value: make([]byte, 4000)}
	err := c.Client(kgo.ProducerBatchCompression(kgo.NoCompression())).ProduceSync(within(t, 10*time.Second), r).FirstErr()
	if !errors.Is(err, kerr.MessageTooLarge) {
		t.Errorf("4000 bytes: %v", err)
	}
}

func TestNoAutoCreate(t *testing.T) {
	t.Parallel()
	c := Start(t, NoAutoCreate())
	cl := c.Client(kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	if err := cl.ProduceSync(within(t, 10*time.Second), &kgo.Record{Topic: "t"}).FirstErr(); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("produce: %v", err)
	}
	c.CreateTopic("t", 2)
	c.Produce(&kgo.Record{Topic: "t", Partition: 1, Value: []byte("v")})
}

func TestBadTopicName(t *testing.T) {
	t.Parallel()
	c := Start(t)
	cl := c.Client(kgo.AllowAutoTopicCreation())
	if err := cl.ProduceSync(within(t, 10*time.Second), &kgo.Record{Topic: "a b"}).FirstErr(); !errors.Is(err, kerr.InvalidTopicException) {
		t.Errorf("produce: %v", err)
	}
}

func TestCommitted(t *testing.T) {
	t.Parallel()
	c := Start(t, Topic("t", 1))
	if got := c.Committed("nobody"); len(got) != 0 {
		t.Errorf("a group that isn't: %v", got)
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset("t", 0, 7, -1)
	if err := kadm.NewClient(c.Client()).CommitAllOffsets(within(t, 10*time.Second), "g", offsets); err != nil {
		t.Fatal(err)
	}
	if got := c.Committed("g")["t"][0]; got != 7 {
		t.Errorf("committed %d", got)
	}
}

func TestSecurityKeepsOthersOut(t *testing.T) {
	t.Parallel()
	s512 := func(u, p string) kgo.Opt { return kgo.SASL(scram.Auth{User: u, Pass: p}.AsSha512Mechanism()) }
	bob := User{Name: "bob", Password: "bob-secret", Mechanism: Plain, ACLs: []kfake.ACL{{
		Resource: kmsg.ACLResourceTypeTopic, Name: "bobs", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true,
	}}}
	bobs := kgo.SASL(plain.Auth{User: "bob", Pass: "bob-secret"}.AsMechanism())
	secured := Start(t, MTLS(), Topic("t", 1))
	authenticated := Start(t, SASL(bob), Topic("t", 1))
	limited := Start(t, ACLs(bob), Topic("t", 1), Topic("bobs", 1))
	stranger, err := pki.NewCA("stranger")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := stranger.Issue(pki.Subject{CommonName: AdminName})
	if err != nil {
		t.Fatal(err)
	}
	config := func(certs ...tls.Certificate) kgo.Opt {
		return kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: secured.CA.Pool(), Certificates: certs})
	}
	expired := secured.Issue(pki.Subject{CommonName: AdminName, NotAfter: time.Now().Add(-time.Minute)})
	for _, c := range []struct {
		name    string
		cluster *Cluster
		topic   string
		opt     kgo.Opt
		ok      bool
	}{
		{"no TLS", secured, "t", kgo.ClientID("x"), false},
		{"no certificate", secured, "t", config(), false},
		{"a stranger's certificate", secured, "t", config(theirs.TLS), false},
		{"an expired certificate", secured, "t", config(expired.TLS), false},
		{"a certificate", secured, "t", config(secured.Cert.TLS), true},
		{"no SASL", authenticated, "t", kgo.ClientID("x"), false},
		{"wrong password", authenticated, "t", s512(AdminName, "x"), false},
		{"admin", authenticated, "t", s512(AdminName, AdminPassword), true},
		{"bob", authenticated, "t", bobs, true},
		{"bob without right", limited, "t", bobs, false},
		{"bob with right", limited, "bobs", bobs, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl, err := kgo.NewClient(kgo.SeedBrokers(c.cluster.Addrs()...), kgo.RetryTimeout(time.Second), kgo.RecordRetries(1), c.opt)
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			err = cl.ProduceSync(within(t, 2*time.Second), &kgo.Record{Topic: c.topic}).FirstErr()
			if (err == nil) != c.ok {
				t.Errorf("produce: %v", err)
			}
		})
	}
}
