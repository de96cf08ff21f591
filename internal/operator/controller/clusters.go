package controller

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// secretsAge is the time after which the Secrets of a connection that works are read again, to leave an old certificate long
// before it ends. One that does not work has them read at once.
const secretsAge = time.Hour

// ClustersOptions is how NewClusters reaches Kafka clusters.
type ClustersOptions struct {
	// Live reads Secrets past the cache, one by one.
	Live client.Reader
	// Bootstrap returns the addresses of a cluster's brokers; nil: the listener for brokers and operators, by the bootstrap Service.
	Bootstrap func(cluster client.ObjectKey) string
	// Limits are of each cluster.
	Limits kafkaadmin.Limits
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Clusters has one connection to each Kafka cluster that the operator looks after, for all that runs in it. It connects to the
// listener that is for operators and brokers alone, by the operator's own certificate, and follows both Secrets that it is
// made of.
type Clusters struct {
	ClustersOptions

	mu     sync.Mutex
	known  map[client.ObjectKey]*connection
	closed bool
}

// connection is one cluster's. Its turn is taken by whoever reads the Secrets; others wait for that.
type connection struct {
	turn  chan struct{}
	doubt bool      // the Secrets are to be read again; under Clusters.mu
	read  time.Time // when they were; the rest is under turn
	hash  [sha256.Size]byte
	now   *lease
}

// lease is a client, and how many use it. It is closed when it is retired and nobody does. Its fields are under Clusters.mu.
type lease struct {
	client  *kgo.Client
	admin   *kafkaadmin.Admin
	users   int
	retired bool
}

// NewClusters knows no cluster yet.
func NewClusters(o ClustersOptions) *Clusters {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Bootstrap == nil {
		o.Bootstrap = func(c client.ObjectKey) string {
			return fmt.Sprintf("%s.%s.svc:%d", names.KafkaBootstrapService(c.Name), c.Namespace, names.PortReplication)
		}
	}
	return &Clusters{ClustersOptions: o, known: make(map[client.ObjectKey]*connection)}
}

// Use calls do with an Admin of the cluster of a Kafka resource, which is do's until it returns. It returns do's error, or why
// there is no connection: a status.Missing if it lacks a Secret. After an error the next Use reads the Secrets again, and
// connects anew if they have changed.
func (c *Clusters) Use(ctx context.Context, cluster client.ObjectKey, do func(context.Context, *kafkaadmin.Admin) error) error {
	l, err := c.acquire(ctx, cluster)
	if err != nil {
		return err
	}
	defer c.release(l)
	if err := do(ctx, l.admin); err != nil {
		c.Doubt(cluster)
		return err
	}
	return nil
}

// Doubt has the next Use read the Secrets again.
func (c *Clusters) Doubt(cluster client.ObjectKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[cluster]; known != nil {
		known.doubt = true
	}
}

// Forget closes the connection to a cluster that is gone, when nobody uses it any more.
func (c *Clusters) Forget(cluster client.ObjectKey) {
	c.mu.Lock()
	known := c.known[cluster]
	delete(c.known, cluster)
	c.mu.Unlock()
	if known != nil {
		c.drop(known)
	}
}

// Close forgets all clusters, for good.
func (c *Clusters) Close() {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.known))
	c.closed = true
	clear(c.known)
	c.mu.Unlock()
	for _, known := range all {
		c.drop(known)
	}
}

// drop retires what a connection has. A Use that makes a client at this moment retires it by itself.
func (c *Clusters) drop(known *connection) {
	known.turn <- struct{}{} // whoever has it does so for a bounded time
	defer func() { <-known.turn }()
	c.replace(known, nil)
}

// acquire returns a client that is up to date, and counts its user.
func (c *Clusters) acquire(ctx context.Context, cluster client.ObjectKey) (*lease, error) {
	known, err := c.connection(cluster)
	if err != nil {
		return nil, err
	}
	select {
	case known.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("connect to the Kafka cluster %s: %w", cluster.Name, ctx.Err())
	}
	defer func() { <-known.turn }()
	if err := c.refresh(ctx, cluster, known); err != nil && known.now == nil {
		return nil, err // with a client that is there it is tried all the same: what is wrong may be the API server
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := known.now
	l.users++
	if c.known[cluster] != known {
		known.now, l.retired = nil, true // forgotten meanwhile: for this once
	}
	return l, nil
}

func (c *Clusters) connection(cluster client.ObjectKey) (*connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("connect to the Kafka cluster %s: the operator ends", cluster.Name)
	}
	known := c.known[cluster]
	if known == nil {
		known = &connection{turn: make(chan struct{}, 1)}
		c.known[cluster] = known
	}
	return known, nil
}

// refresh reads the Secrets if that is due, and makes a client of them if they are not what the present one was made of.
func (c *Clusters) refresh(ctx context.Context, cluster client.ObjectKey, known *connection) error {
	c.mu.Lock()
	due := known.now == nil || known.doubt || c.Now().Sub(known.read) >= secretsAge
	known.doubt = false
	c.mu.Unlock()
	if !due {
		return nil
	}
	access, err := c.access(ctx, cluster)
	if err != nil {
		c.Doubt(cluster)
		return err
	}
	known.read = c.Now()
	hash := fingerprint(access)
	if known.now != nil && hash == known.hash {
		return nil
	}
	made, err := kafkaadmin.Connect(access)
	if err != nil {
		return fmt.Errorf("connect to the Kafka cluster %s: %w", cluster.Name, err)
	}
	known.hash = hash
	c.replace(known, &lease{client: made, admin: kafkaadmin.New(made, c.Limits)})
	return nil
}

// replace puts another client, or none, in the place of a connection's present one; its turn is taken.
func (c *Clusters) replace(known *connection, next *lease) {
	c.mu.Lock()
	before := known.now
	known.now = next
	unused := before != nil && before.users == 0
	if before != nil {
		before.retired = true
	}
	c.mu.Unlock()
	if unused {
		before.client.Close()
	}
}

func (c *Clusters) release(l *lease) {
	c.mu.Lock()
	l.users--
	last := l.retired && l.users == 0
	c.mu.Unlock()
	if last {
		l.client.Close()
	}
}

// access reads what a connection is made of. While the authority's key is exchanged, brokers with an old certificate and with
// a new one run side by side: whom they trust among each other is trusted here too.
func (c *Clusters) access(ctx context.Context, cluster client.ObjectKey) (kafkaadmin.Access, error) {
	trusted, err := c.trusted(ctx, cluster)
	if err != nil {
		return kafkaadmin.Access{}, err
	}
	own, err := c.secret(ctx, cluster, names.OperatorCertificate(cluster.Name))
	if err != nil {
		return kafkaadmin.Access{}, err
	}
	return kafkaadmin.Access{
		Bootstrap: c.Bootstrap(cluster), Trusted: trusted, Certificate: own[names.KeyOperatorCert], Key: own[names.KeyOperatorKey],
	}, nil
}

// trusted reads the trust bundle, and the authority's own Secret where there is no bundle, as beside another operator.
func (c *Clusters) trusted(ctx context.Context, cluster client.ObjectKey) (trusted []byte, err error) {
	var missing *status.Missing
	bundle, err := c.secret(ctx, cluster, names.TrustBundle(cluster.Name))
	if err == nil {
		return bundle[names.KeyClusterCA], nil
	} else if !errors.As(err, &missing) {
		return nil, err
	}
	authority, err := c.secret(ctx, cluster, names.ClusterCACert(cluster.Name))
	for _, key := range slices.Sorted(maps.Keys(authority)) {
		if strings.HasSuffix(key, names.SuffixCertificate) {
			trusted = append(append(trusted, authority[key]...), '\n')
		}
	}
	return trusted, err
}

func (c *Clusters) secret(ctx context.Context, cluster client.ObjectKey, name string) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found := &corev1.Secret{}
	err := c.Live.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: name}, found)
	if client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	}
	if err != nil {
		return nil, &status.Missing{Message: fmt.Sprintf("Secret %s does not exist", name)}
	}
	return found.Data, nil
}

func fingerprint(a kafkaadmin.Access) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(a.Bootstrap), a.Trusted, a.Certificate, a.Key} {
		_, _ = fmt.Fprintf(h, "%d\n", len(part))
		_, _ = h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
