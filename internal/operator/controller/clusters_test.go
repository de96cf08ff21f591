package controller

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// safe holds Secrets by name, as the API server would.
type safe struct {
	client.Reader
	mu    sync.Mutex
	all   map[string]map[string][]byte
	err   error
	reads int
}

func (s *safe) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	data, ok := s.all[key.Name]
	secret, isSecret := into.(*corev1.Secret)
	switch {
	case s.err != nil:
		return s.err
	case !ok || !isSecret || key.Namespace != groupA.Namespace:
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	secret.Data = maps.Clone(data)
	return nil
}

func (s *safe) put(secret, key string, value []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[secret] == nil {
		s.all[secret] = make(map[string][]byte)
	}
	s.all[secret][key] = value
}

func (s *safe) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// taken returns how many reads there were since the last time.
func (s *safe) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.reads
	s.reads = 0
	return n
}

// own puts a certificate for the operator into its Secret.
func (s *safe) own(pair *pki.Pair) {
	s.put(names.OperatorCertificate("a"), names.KeyOperatorCert, pair.CertPEM)
	s.put(names.OperatorCertificate("a"), names.KeyOperatorKey, pair.KeyPEM)
}

// connected returns Clusters for the cluster groupA, its Secrets, and a clock to set.
func connected(t *testing.T) (c *Clusters, s *safe, k *kafkatest.Cluster, pass func(time.Duration)) {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, leaks) })
	k = kafkatest.Start(t, kafkatest.MTLS())
	s = &safe{all: make(map[string]map[string][]byte)}
	now, mu := time.Unix(1000, 0), sync.Mutex{}
	c = NewClusters(ClustersOptions{
		Live: s, Bootstrap: func(client.ObjectKey) string { return k.Bootstrap() }, Limits: kafkaadmin.Limits{Timeout: 5 * time.Second},
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		},
	})
	t.Cleanup(c.Close)
	s.put(names.ClusterCACert("a"), names.KeyCACertificate, k.CA.PEM)
	s.put(names.TrustBundle("a"), names.KeyClusterCA, k.CA.PEM)
	s.own(k.Cert)
	return c, s, k, func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
}

// ask uses the cluster for something, and returns the Admin that it was given.
func ask(ctx context.Context, c *Clusters) (used *kafkaadmin.Admin, err error) {
	err = c.Use(ctx, groupA, func(ctx context.Context, a *kafkaadmin.Admin) error {
		used = a
		_, err := a.Cluster(ctx)
		return err
	})
	return used, err
}

// TestClusters: one connection serves all, and Secrets are read again only when there is a reason.
func TestClusters(t *testing.T) {
	c, s, k, pass := connected(t)
	first, err := ask(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.taken(); got != 2 {
		t.Errorf("%d reads", got)
	}
	var many sync.WaitGroup
	for range 10 {
		many.Go(func() {
			if again, err := ask(t.Context(), c); err != nil || again != first {
				t.Error("another connection", err)
			}
		})
	}
	many.Wait()
	pass(secretsAge - time.Second)
	if again, err := ask(t.Context(), c); err != nil || again != first || s.taken() != 0 {
		t.Error("the Secrets were read again without a reason", err)
	}
	t.Log("after an hour, and after an error, they are; what has not changed stays")
	pass(time.Second)
	if again, err := ask(t.Context(), c); err != nil || again != first || s.taken() != 2 {
		t.Error("not read again", err)
	}
	broken := errors.New("broken")
	if err := c.Use(t.Context(), groupA, func(context.Context, *kafkaadmin.Admin) error { return broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
	if again, err := ask(t.Context(), c); err != nil || again != first || s.taken() != 2 {
		t.Error("not read again", err)
	}
	t.Log("a new certificate is a new connection; who has the old one keeps it to the end")
	err = c.Use(t.Context(), groupA, func(ctx context.Context, old *kafkaadmin.Admin) error {
		s.own(k.Issue(pki.Subject{CommonName: "renewed"}))
		c.Doubt(groupA)
		if next, err := ask(ctx, c); err != nil || next == old {
			t.Error("the old connection", err)
		}
		_, err := old.Cluster(ctx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := first.Cluster(t.Context()); err == nil {
		t.Error("the old connection is still open")
	}
	t.Log("the API server is away: what is there serves")
	c.Doubt(groupA)
	s.fail(errors.New("away"))
	s.taken()
	if _, err := ask(t.Context(), c); err != nil || s.taken() == 0 {
		t.Error(err)
	}
	s.fail(nil)
	if _, err := ask(t.Context(), c); err != nil || s.taken() != 2 {
		t.Error("not read when it could be", err)
	}
}

// TestClustersTrust: what the brokers trust among each other counts; without a bundle all certificates of the authority, the
// dated ones of former keys too.
func TestClustersTrust(t *testing.T) {
	c, s, _, _ := connected(t)
	next, err := pki.NewCA("next")
	if err != nil {
		t.Fatal(err)
	}
	s.put(names.ClusterCACert("a"), names.KeyCACertificate, next.PEM) // by a user, who did not keep the former one
	if _, err := ask(t.Context(), c); err != nil {
		t.Error("with the bundle:", err)
	}
	c, s, k, _ := connected(t)
	delete(s.all, names.TrustBundle("a"))
	s.put(names.ClusterCACert("a"), "ca-2026-11-22T10-00-00Z.crt", bytes.TrimSpace(k.CA.PEM))
	s.put(names.ClusterCACert("a"), names.KeyCACertificate, bytes.TrimSpace(next.PEM))
	s.put(names.ClusterCACert("a"), "ca.p12", []byte("not PEM"))
	if _, err := ask(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// TestClustersMissing: what is missing is named, and looked for again.
func TestClustersMissing(t *testing.T) {
	c, s, _, _ := connected(t)
	kept := s.all
	s.all = map[string]map[string][]byte{}
	for _, name := range []string{names.ClusterCACert("a"), names.OperatorCertificate("a")} {
		_, err := ask(t.Context(), c)
		var missing *status.Missing
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), "Secret "+name+" does not exist") {
			t.Errorf("got %v", err)
		}
		s.all[name] = kept[name]
	}
	s.put(names.OperatorCertificate("a"), names.KeyOperatorKey, []byte("a-secret-word"))
	if _, err := ask(t.Context(), c); err == nil || !strings.Contains(err.Error(), "connect to the Kafka cluster a: the operator's certificate and key: ") || strings.Contains(err.Error(), "a-secret-word") {
		t.Errorf("got %v", err)
	}
	s.fail(errors.New("away"))
	if _, err := ask(t.Context(), c); err == nil || !strings.Contains(err.Error(), "read Secret a-trustbundle: away") {
		t.Errorf("got %v", err)
	}
}

// TestClustersForget: a cluster that is forgotten is closed when nobody uses it; another of its name is a new one.
func TestClustersForget(t *testing.T) {
	c, _, _, _ := connected(t)
	var used *kafkaadmin.Admin
	err := c.Use(t.Context(), groupA, func(ctx context.Context, a *kafkaadmin.Admin) error {
		used = a
		c.Forget(groupA)
		_, err := a.Cluster(ctx)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := used.Cluster(t.Context()); err == nil {
		t.Error("still open")
	}
	if again, err := ask(t.Context(), c); err != nil || again == used {
		t.Error("the old one", err)
	}
	c.Forget(groupB)
	c.Close()
	if _, err := ask(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the operator ends") {
		t.Errorf("got %v", err)
	}
}

// TestClustersWait: who waits for another's reading of the Secrets does so no longer than the context lasts.
func TestClustersWait(t *testing.T) {
	c, _, _, _ := connected(t)
	known, err := c.connection(groupA)
	if err != nil {
		t.Fatal(err)
	}
	known.turn <- struct{}{}
	defer func() { <-known.turn }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := ask(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestClustersBootstrap: without another word it is the listener of brokers and operators.
func TestClustersBootstrap(t *testing.T) {
	c := NewClusters(ClustersOptions{})
	if got := c.Bootstrap(client.ObjectKey{Namespace: "kafka", Name: "my-cluster"}); got != "my-cluster-kafka-bootstrap.kafka.svc:9091" {
		t.Error(got)
	}
}
