package kafkaadmin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The times of a client are those of the reference operator, but for the last.
const (
	dialTimeout    = 10 * time.Second
	requestTimeout = 10 * time.Second // for the way of a request and its answer
	requestRetries = 3
	retryTimeout   = 40 * time.Second // of a request with all its retries
	metadataMaxAge = 30 * time.Second
	// idleTimeout is a little less than the brokers' own (connections.max.idle.ms): a change after a quiet time does not have to
	// wait for a handshake.
	idleTimeout = 9 * time.Minute
)

// clientID is how brokers' logs, quotas and metrics name the operator.
const clientID = "steg-operator"

// Access is where a cluster is, and how the operator and the cluster know each other.
type Access struct {
	// Bootstrap are brokers' addresses, host:port with commas between them.
	Bootstrap string
	// Trusted are the certificates, PEM, by whose authorities brokers are believed: one for each is enough, and the names in the
	// brokers' own must be those that are connected to.
	Trusted []byte
	// Certificate, with its chain, and Key are the operator's own, PEM.
	Certificate, Key []byte
}

// Connect returns a client of a cluster, which is the caller's to close. Nothing is connected to yet. What was given does not
// change any more: for another certificate another client is needed. Errors name the part that is wrong and none of its
// content.
func Connect(a Access) (*kgo.Client, error) {
	brokers := strings.Split(a.Bootstrap, ",")
	for _, b := range brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return nil, fmt.Errorf("address of brokers %q: %w", b, err)
		}
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.Trusted) {
		return nil, errors.New("trusted certificates: there is none in PEM form")
	}
	own, err := tls.X509KeyPair(a.Certificate, a.Key)
	if err != nil {
		return nil, fmt.Errorf("the operator's certificate and key: %w", err)
	}
	return kgo.NewClient(
		kgo.SeedBrokers(brokers...),
		kgo.ClientID(clientID),
		kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{own}}),
		kgo.DialTimeout(dialTimeout),
		kgo.RequestTimeoutOverhead(requestTimeout),
		kgo.RequestRetries(requestRetries),
		kgo.RetryTimeout(retryTimeout),
		kgo.MetadataMaxAge(metadataMaxAge),
		kgo.ConnIdleTimeout(idleTimeout),
		kgo.DisableClientMetrics(),
	)
}
