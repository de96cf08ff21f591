// Package kafkatest gives fast tests a Kafka cluster in the test's own process:
// kfake behind a listener that can hold answers, delay or change them, and cut
// brokers off. Every cluster and client ends with its test.
//
//	c := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Topic("orders", 4))
//	release := c.Hold(0, kmsg.Produce) // broker 0 gets records and does not answer
//
// It is no replacement for Apache Kafka, which test/kafkarig starts: a wrong
// password ends the connection without saying why, unknown topic settings are
// taken, min.insync.replicas is not honoured, and a certificate is no principal.
package kafkatest

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/devbroker"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

// The SASL mechanisms that a User can have.
const (
	Plain       = "PLAIN"
	ScramSHA256 = "SCRAM-SHA-256"
	ScramSHA512 = "SCRAM-SHA-512"
)

// The super user that each cluster with SASL has, by ScramSHA512.
const (
	AdminName     = "admin"
	AdminPassword = "admin-secret"
)

// User is somebody who may authenticate; what he may do only counts with ACLs.
type User struct {
	Name, Password string
	// Mechanism is the one way in, such as ScramSHA512.
	Mechanism string
	// ACLs are the user's rights; their Principal is filled in.
	ACLs []kfake.ACL
}

// Option changes what Start starts. Without any it is one broker without
// security that creates topics of one partition on first use.
type Option func(*settings)

type settings struct {
	brokers        int
	partitions     int
	noAutoCreate   bool
	tls, mtls      bool
	away           bool
	kfake          []kfake.Opt
	authentication bool
}

// Brokers sets the number of brokers, with ids from 0.
func Brokers(n int) Option { return func(s *settings) { s.brokers = n } }

// Topic creates a topic before the cluster is ready.
func Topic(name string, partitions int32) Option {
	return func(s *settings) { s.kfake = append(s.kfake, kfake.SeedTopics(partitions, name)) }
}

// NoAutoCreate leaves topics unknown until somebody creates them.
func NoAutoCreate() Option { return func(s *settings) { s.noAutoCreate = true } }

// DefaultPartitions sets the number of partitions of topics created on first use.
func DefaultPartitions(n int) Option { return func(s *settings) { s.partitions = n } }

// TLS makes every connection TLS, with a certificate for localhost by Cluster.CA.
func TLS() Option { return func(s *settings) { s.tls = true } }

// MTLS is TLS that requires a client certificate by Cluster.CA.
func MTLS() Option { return func(s *settings) { s.tls, s.mtls = true, true } }

// SASL requires authentication, as one of the users or as AdminName.
func SASL(users ...User) Option {
	return func(s *settings) {
		s.authentication = true
		s.kfake = append(s.kfake, kfake.EnableSASL(), kfake.Superuser(ScramSHA512, AdminName, AdminPassword))
		for _, u := range users {
			s.kfake = append(s.kfake, kfake.User(u.Mechanism, u.Name, u.Password, u.ACLs...))
		}
	}
}

// ACLs is SASL with users who may do nothing but what their ACLs say.
func ACLs(users ...User) Option {
	return func(s *settings) {
		SASL(users...)(s)
		s.kfake = append(s.kfake, kfake.EnableACLs())
	}
}

// Away leaves all brokers unreachable, on their addresses, until Cluster.Up.
func Away() Option { return func(s *settings) { s.away = true } }

// BrokerConfig sets broker-wide settings; see kfake.BrokerConfigs for which.
func BrokerConfig(config map[string]string) Option {
	return func(s *settings) { s.kfake = append(s.kfake, kfake.BrokerConfigs(config)) }
}

// Cluster is a running cluster.
type Cluster struct {
	// Fake is the cluster itself, for faults by error code and for looking
	// inside. With brokers Away, use only what needs no connection.
	Fake *kfake.Cluster
	// CA signs the brokers' certificate and whatever the test issues; nil
	// without TLS.
	CA *pki.CA
	// Cert is a client's certificate, CN=admin; nil without TLS.
	Cert *pki.Pair

	t     testing.TB
	gates []*gate
	rules ruleBook
	sasl  bool
}

// Start starts a cluster that ends with the test.
func Start(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	s := settings{brokers: 1, partitions: 1}
	for _, o := range opts {
		o(&s)
	}
	c := &Cluster{t: t, sasl: s.authentication}
	server := c.tlsConfig(s)
	for id := range s.brokers {
		c.gates = append(c.gates, newGate(t, int32(id), s.away))
	}
	next := 0
	listen := func(string, string) (net.Listener, error) {
		g := c.gates[next]
		next++
		var ln net.Listener = g
		if server != nil {
			ln = tls.NewListener(ln, server)
		}
		return &tapListener{Listener: devbroker.Guard(ln), node: g.node, rules: &c.rules}, nil
	}
	all := append([]kfake.Opt{
		kfake.NumBrokers(s.brokers), kfake.DefaultNumPartitions(s.partitions), kfake.ListenFn(listen),
	}, s.kfake...)
	if !s.noAutoCreate {
		all = append(all, kfake.AllowAutoTopicCreation())
	}
	fake, err := kfake.NewCluster(all...)
	if err != nil {
		t.Fatal("test cluster:", err)
	}
	t.Cleanup(func() {
		fake.Close()
		for _, g := range c.gates {
			_ = g.Close()
		}
	})
	devbroker.RefuseBadTopicNames(fake)
	c.Fake = fake
	return c
}

// tlsConfig makes the certificates; nil without TLS.
func (c *Cluster) tlsConfig(s settings) *tls.Config {
	if !s.tls {
		return nil
	}
	ca, err := pki.NewCA("kafkatest")
	if err != nil {
		c.t.Fatal(err)
	}
	c.CA = ca
	c.Cert = c.Issue(pki.Subject{CommonName: AdminName})
	server := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{c.Issue(pki.Subject{CommonName: "broker", Server: true}).TLS},
	}
	if s.mtls {
		server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, ca.Pool()
	}
	return server
}

// Issue makes a certificate by the cluster's CA.
func (c *Cluster) Issue(s pki.Subject) *pki.Pair {
	c.t.Helper()
	p, err := c.CA.Issue(s)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// Addrs returns each broker's host:port, by id.
func (c *Cluster) Addrs() []string {
	var out []string
	for _, g := range c.gates {
		out = append(out, g.addr.String())
	}
	return out
}

// Bootstrap returns the addresses as bootstrap.servers has them.
func (c *Cluster) Bootstrap() string { return strings.Join(c.Addrs(), ",") }

// Requests returns how many requests of a kind have arrived so far.
func (c *Cluster) Requests(key kmsg.Key) int { return c.rules.count(int16(key)) }

// fixedListener listens on a free loopback port that no outgoing connection is
// given by the kernel, so that it is still free after having been closed.
func fixedListener(t testing.TB) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	for range 100 {

		ln, err := lc.Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			return ln
		}
	}
	t.Fatal("test cluster: no free port from 20000 to 31999")
	return nil
}
