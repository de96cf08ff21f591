package kafkarig

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// ClientOptions are a client's way in as a super user: addresses, certificates,
// credentials.
func (r *Rig) ClientOptions(l Listener) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(r.Addrs(l)...)}
	if l == SCRAM || l == SCRAMTLS {
		opts = append(opts, kgo.SASL(scram.Auth{User: AdminUser, Pass: AdminPassword}.AsSha512Mechanism()))
	}
	if l == Plain || l == SCRAM {
		return opts
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: r.CA.Pool()}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(r.Files.Admin.Cert, r.Files.Admin.Key)
		return &pair, err
	}
	return append(opts, kgo.DialTLSConfig(config))
}

// Client returns a super user's client on the Plain listener, closed with the
// test.
func (r *Rig) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(r.ClientOptions(Plain), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// Resource is what a right is for: a topic or a group, by name or by the start
// of its name.
type Resource struct {
	Topic, Group string
	Prefix       bool
}

// Allow gives a principal ("user" or "CN=user", without "User:") rights until
// the test ends. With Brokers 3 a right may take a moment to reach each broker.
func (r *Rig) Allow(t testing.TB, principal string, on Resource, operations ...kadm.ACLOperation) {
	t.Helper()
	acl := kadm.NewACLs().Allow("User:" + principal).AllowHosts().Operations(operations...)
	if on.Topic != "" {
		acl.Topics(on.Topic)
	}
	if on.Group != "" {
		acl.Groups(on.Group)
	}
	acl.ResourcePatternType(kadm.ACLPatternLiteral)
	if on.Prefix {
		acl.ResourcePatternType(kadm.ACLPatternPrefixed)
	}
	adm := kadm.NewClient(r.Client(t))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	created, err := adm.CreateACLs(ctx, acl)
	if err != nil {
		t.Fatal("allow:", err)
	}
	for _, c := range created {
		if c.Err != nil {
			t.Fatalf("allow %s: %v", principal, c.Err)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if _, err := adm.DeleteACLs(ctx, acl); err != nil {
			t.Log("revoke:", err) // the rig may be gone
		}
	})
}

// UnsignedToken is a token for OAUTHBEARER that a rig with OAuth takes.
func UnsignedToken(subject string, expires time.Time) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("maps of plain values: %v", err))
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]any{"alg": "none"}) + "." +
		part(map[string]any{"sub": subject, "iat": time.Now().Unix(), "exp": expires.Unix()}) + "."
}
