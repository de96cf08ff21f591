//go:build kafka

package kafkarig

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/goleak"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var topicNumber atomic.Int64

// roundTrip writes a record to a new topic and reads it back as a group.
func roundTrip(t *testing.T, addrs []string, opts ...kgo.Opt) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	topic := fmt.Sprintf("round-trip-%d", topicNumber.Add(1))
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(addrs...), kgo.AllowAutoTopicCreation(), kgo.DefaultProduceTopic(topic),
		kgo.ConsumeTopics(topic), kgo.ConsumerGroup(topic), kgo.RecordDeliveryTimeout(30*time.Second), kgo.RetryTimeout(30*time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.Ping(ctx); err != nil {
		return err
	}
	if err := cl.ProduceSync(ctx, kgo.StringRecord("hello")).FirstErr(); err != nil {
		return err
	}
	fetches := cl.PollFetches(ctx)
	if err := fetches.Err0(); err != nil {
		return err
	}
	if n := fetches.NumRecords(); n != 1 {
		return fmt.Errorf("%d records read", n)
	}
	return nil
}

// clientTLS trusts the rig's CA and shows a certificate read from files.
func clientTLS(t *testing.T, r *Rig, show ...pki.Files) kgo.Opt {
	t.Helper()
	ca, err := os.ReadFile(r.Files.CA.Cert)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{RootCAs: x509.NewCertPool()}
	c.RootCAs.AppendCertsFromPEM(ca)
	for _, f := range show {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			t.Fatal(err)
		}
		// Shown even where the broker asks for another authority's.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return kgo.DialTLSConfig(c)
}

func TestWhoGetsIn(t *testing.T) {
	for _, version := range []string{DefaultVersion, "3.9.1"} {
		t.Run(version, func(t *testing.T) {
			r := New(t, Options{Version: version, TLS: true, SASL: true, OAuth: true})
			s512 := func(u, p string) kgo.Opt { return kgo.SASL(scram.Auth{User: u, Pass: p}.AsSha512Mechanism()) }
			s256 := func(u, p string) kgo.Opt { return kgo.SASL(scram.Auth{User: u, Pass: p}.AsSha256Mechanism()) }
			pl := func(u, p string) kgo.Opt { return kgo.SASL(plain.Auth{User: u, Pass: p}.AsMechanism()) }
			token := func(sub string, expires time.Duration) kgo.Opt {
				return kgo.SASL(oauth.Auth{Token: UnsignedToken(sub, time.Now().Add(expires))}.AsMechanism())
			}
			anybody := clientTLS(t, r)
			check(t, r, Plain, "anonymous", "")
			check(t, r, TLS, "anonymous", "", anybody)
			check(t, r, TLS, "without the CA", "certificate", kgo.DialTLSConfig(&tls.Config{}))
			check(t, r, MTLS, "admin's certificate", "", clientTLS(t, r, r.Files.Admin))
			check(t, r, MTLS, "user's certificate, no right", "AUTHORIZATION_FAILED", clientTLS(t, r, r.Files.User))
			check(t, r, MTLS, "no certificate", "certificate", anybody)
			check(t, r, MTLS, "stranger's certificate", "certificate", clientTLS(t, r, r.Files.Stranger))
			check(t, r, MTLS, "expired certificate", "certificate", clientTLS(t, r, r.Files.Expired))
			for _, l := range []Listener{SCRAM, SCRAMTLS} {
				var over []kgo.Opt
				if l == SCRAMTLS {
					over = append(over, anybody)
				}
				check(t, r, l, "SCRAM-SHA-512 admin", "", append(over, s512(AdminUser, AdminPassword))...)
				check(t, r, l, "SCRAM-SHA-256 admin", "", append(over, s256(AdminUser, AdminPassword))...)
				check(t, r, l, "PLAIN admin", "", append(over, pl(AdminUser, AdminPassword))...)
				check(t, r, l, "OAUTHBEARER admin", "", append(over, token(AdminUser, time.Hour))...)
				check(t, r, l, "SCRAM-SHA-512 user, no right", "AUTHORIZATION_FAILED", append(over, s512(OrdinaryUser, OrdinaryPassword))...)
				check(t, r, l, "PLAIN user, no right", "AUTHORIZATION_FAILED", append(over, pl(OrdinaryUser, OrdinaryPassword))...)
				check(t, r, l, "OAUTHBEARER user, no right", "AUTHORIZATION_FAILED", append(over, token(OrdinaryUser, time.Hour))...)
				check(t, r, l, "SCRAM-SHA-512 wrong password", "SASL_AUTHENTICATION_FAILED", append(over, s512(AdminUser, "x"))...)
				check(t, r, l, "SCRAM-SHA-256 wrong password", "SASL_AUTHENTICATION_FAILED", append(over, s256(AdminUser, "x"))...)
				check(t, r, l, "PLAIN wrong password", "SASL_AUTHENTICATION_FAILED", append(over, pl(AdminUser, "x"))...)
				check(t, r, l, "OAUTHBEARER expired token", "unexpected data in oauth response", append(over, token(AdminUser, -time.Hour))...)
				check(t, r, l, "no SASL", "SASL is required", over...)
			}
			testAllow(t, r)
			testRotation(t, r)
		})
	}
}

// check tries a round trip; want is a part of the error, "" for none.
func check(t *testing.T, r *Rig, l Listener, name, want string, opts ...kgo.Opt) {
	t.Helper()
	t.Run(l.Name()+"/"+name, func(t *testing.T) {
		err := roundTrip(t, r.Addrs(l), opts...)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	})
}

// testAllow gives the user a right and takes it away.
func testAllow(t *testing.T, r *Rig) {
	user := kgo.SASL(scram.Auth{User: OrdinaryUser, Pass: OrdinaryPassword}.AsSha512Mechanism())
	produce := func(topic string) error {
		cl, err := kgo.NewClient(kgo.SeedBrokers(r.Addrs(SCRAM)...), user, kgo.AllowAutoTopicCreation())
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		return cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic}).FirstErr()
	}
	t.Run("allowed", func(t *testing.T) {
		r.Allow(t, OrdinaryUser, Resource{Topic: "allowed-", Prefix: true}, kadm.OpWrite, kadm.OpCreate)
		if err := produce("allowed-1"); err != nil {
			t.Error(err)
		}
		if err := produce("other"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
			t.Error(err)
		}
	})
	if err := produce("allowed-1"); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Error("after its test the right is still there:", err)
	}
}

// testRotation replaces a certificate's files and comes in with the new one.
func testRotation(t *testing.T, r *Rig) {
	t.Run("rotated", func(t *testing.T) {
		dir := t.TempDir()
		old, err := r.Issue(dir, "app", pki.Subject{CommonName: AdminUser, NotAfter: time.Now().Add(-time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		if err := roundTrip(t, r.Addrs(MTLS), clientTLS(t, r, old)); err == nil {
			t.Error("the expired one is taken")
		}
		rotated, err := r.Issue(dir, "app", pki.Subject{CommonName: AdminUser})
		if err != nil {
			t.Fatal(err)
		}
		if rotated != old {
			t.Errorf("written to %v, not %v", rotated, old)
		}
		if err := roundTrip(t, r.Addrs(MTLS), clientTLS(t, r, rotated)); err != nil {
			t.Error(err)
		}
	})
}

func TestThreeBrokers(t *testing.T) {
	r := New(t, Options{Brokers: 3})
	if err := roundTrip(t, r.Addrs(Plain)); err != nil {
		t.Fatal(err)
	}
	cl := r.Client(t, kgo.AllowAutoTopicCreation(), kgo.RecordRetries(1000))
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t"}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	pid := r.PID(1)
	if err := r.Kill(1); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", r.Addrs(Plain)[1]); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial to a killed broker: %v", err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t"}).FirstErr(); err != nil {
		t.Errorf("two of three: %v", err)
	}
	if err := r.Start(1); err != nil {
		t.Fatal(err)
	}
	if r.PID(1) == pid || r.PID(1) == 0 {
		t.Errorf("process %d after %d", r.PID(1), pid)
	}
	if err := r.Stop(2); err != nil {
		t.Fatal(err)
	}
	if r.PID(2) != 0 {
		t.Error("stopped and running")
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: "t"}).FirstErr(); err != nil {
		t.Errorf("two of three again: %v", err)
	}
}

func TestAwayAndBack(t *testing.T) {
	r := New(t, Options{Away: true})
	if _, err := net.Dial("tcp", r.Bootstrap(Plain)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dial: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- roundTrip(t, r.Addrs(Plain), kgo.RetryTimeout(time.Minute)) }()
	if err := r.Start(0); err != nil {
		t.Fatal(err)
	}
	// A client that met a closed port may give up its first ping; the second
	// must do.
	if err := <-done; err != nil {
		if err := roundTrip(t, r.Addrs(Plain)); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(r.Kill(0), r.Kill(0), r.Start(0), r.Start(0)); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(t, r.Addrs(Plain)); err != nil {
		t.Error("after a kill:", err)
	}
	if err := r.Pause(0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := r.Client(t).Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused broker answers: %v", err)
	}
	if err := r.Resume(0); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(t, r.Addrs(Plain)); err != nil {
		t.Error("after a pause:", err)
	}
}

func TestBadSettingIsTold(t *testing.T) {
	_, err := Up(t.Context(), Options{Config: map[string]string{"num.partitions": "many"}})
	if err == nil || !strings.Contains(err.Error(), "num.partitions") {
		t.Errorf("started, or told nothing: %v", err)
	}
}

func TestUnknownVersionIsTold(t *testing.T) {
	_, err := Up(t.Context(), Options{Version: "0.0.0"})
	if err == nil || !strings.Contains(err.Error(), "0.0.0") {
		t.Errorf("started, or told nothing: %v", err)
	}
}
