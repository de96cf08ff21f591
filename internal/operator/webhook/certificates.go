package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

// How long certificates live, and how long before their end the next one is made. A year and a half without a running
// operator is survived by the authority, two months by the leaf; an operator that comes later mends both at its start.
const (
	authorityValidity = 730 * 24 * time.Hour
	authorityRenewal  = 180 * 24 * time.Hour
	leafValidity      = 90 * 24 * time.Hour
	leafRenewal       = 30 * 24 * time.Hour

	// defaultInterval is how often the Secret and what the API server trusts are looked at.
	defaultInterval = 10 * time.Second
	// defaultSettle is longer than a watch of the API server takes to bring a changed webhook configuration to all of its
	// replicas.
	defaultSettle = time.Minute
	// defaultLinger is longer than it takes to take an address out of a Service on every node.
	defaultLinger = 5 * time.Second
	// passTimeout bounds one look with all its requests.
	passTimeout = 30 * time.Second
)

// CertificateOptions say where the serving certificate is kept and who has to trust it.
type CertificateOptions struct {
	// Namespace and Secret are where the certificate, its authority and their keys are kept.
	Namespace, Secret string
	// Service is the name, in Namespace, under which the API server reaches the webhook.
	Service string
	// URL is used instead of the Service when the operator runs outside of the cluster: https://host:port.
	URL string
	// Directory, if set, holds tls.crt and tls.key, such as a mounted Secret of cert-manager. Then nothing is issued, no
	// trust is installed, and the options above and the next three have no meaning.
	Directory string
	// Mutating and Validating name the webhook configurations whose caBundle is kept; CustomResources the definitions
	// ("kafkabridges.kafka.strimzi.io") that are converted by this webhook. All of them must exist.
	Mutating, Validating, CustomResources []string
	// Interval is how often to look, 10 s if zero; Settle how long a new authority is trusted before it is used, 1 min if
	// zero.
	Interval, Settle time.Duration
	// Linger is how long the server goes on after it was told to end, 5 s if zero, not at all if negative: until then an API
	// server may still send requests to a pod that goes, and a pod that isn't admitted is one too many.
	Linger time.Duration
	// Log is where changes and failures go.
	Log *slog.Logger
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Certificates is the webhook server's certificate: issued or read, renewed, exchanged without a restart.
//
// Before the manager's caches are filled the API server may need /convert to list what they hold. So a replica that finds no
// usable certificate issues one at its start, leader or not; of several the API server lets one win. From then on only the
// leader renews.
type Certificates struct {
	o      CertificateOptions
	policy pki.ServingPolicy
	live   client.Reader
	writer client.Client
	gauge  func(time.Time) // told the end of the certificate in use

	current   atomic.Pointer[tls.Certificate]
	installed atomic.Bool // what the API server trusts was seen to fit once

	// The leader's memory of when the API server was given what bundle; used by one goroutine at a time.
	leading chan struct{}
	told    time.Time
	bundle  string
}

// NewCertificates checks the options. Server must be made the manager's webhook server, and the whole given to Setup.
func NewCertificates(o CertificateOptions) (*Certificates, error) {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.Settle <= 0 {
		o.Settle = defaultSettle
	}
	if o.Linger == 0 {
		o.Linger = defaultLinger
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Certificates{o: o, gauge: func(time.Time) {}, leading: make(chan struct{}, 1)}
	if o.Directory != "" {
		return c, nil
	}
	if o.Namespace == "" || o.Secret == "" {
		return nil, errors.New("webhook certificate: the namespace and the name of its Secret are needed")
	}
	leaf := pki.Template{
		Subject:  pkix.Name{CommonName: "steg-operator-webhook"},
		Usages:   []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		Validity: leafValidity, RenewBefore: leafRenewal,
	}
	if err := o.addNames(&leaf); err != nil {
		return nil, fmt.Errorf("webhook certificate: %w", err)
	}
	c.policy = pki.ServingPolicy{
		Authority: pki.Template{
			Subject:  pkix.Name{CommonName: "steg-operator-webhook-ca"},
			Validity: authorityValidity, RenewBefore: authorityRenewal,
		},
		Leaf: leaf, Settle: o.Settle,
	}
	return c, nil
}

// addNames adds the names by which the API server calls: of a Service it is always name.namespace.svc.
func (o CertificateOptions) addNames(leaf *pki.Template) error {
	if o.URL == "" {
		if o.Service == "" {
			return errors.New("the name of the Service is needed")
		}
		leaf.DNSNames = []string{o.Service + "." + o.Namespace + ".svc", o.Service + "." + o.Namespace, o.Service}
		return nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Path != "" {
		return fmt.Errorf("the URL %q is not of the form https://host:port", o.URL)
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		leaf.Addresses = []netip.Addr{a}
	} else {
		leaf.DNSNames = []string{u.Hostname()}
	}
	return nil
}

// setup connects with a manager that is not started yet.
func (c *Certificates) setup(mgr manager.Manager, gauge func(time.Time)) error {
	c.live, c.writer, c.gauge = mgr.GetAPIReader(), mgr.GetClient(), gauge
	if c.o.Directory != "" {
		return nil
	}
	return mgr.Add(manager.RunnableFunc(c.lead)) // a RunnableFunc runs on the leader only
}

// Server returns the webhook server that shows this certificate; it loads the certificate while it runs.
func (c *Certificates) Server(o ctrlwebhook.Options) ctrlwebhook.Server {
	o.TLSOpts = append(o.TLSOpts, func(t *tls.Config) {
		t.MinVersion = tls.VersionTLS12
		t.GetCertificate = c.certificate
	})
	return &server{Server: ctrlwebhook.NewServer(o), certificates: c}
}

// server is a webhook server that looks after its certificate. Being a webhook.Server the manager starts it before the
// caches.
type server struct {
	ctrlwebhook.Server
	certificates *Certificates
}

// Start serves, and loads certificates, until the context ends and Linger is over.
func (s *server) Start(ctx context.Context) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { s.certificates.follow(serving) })
	wg.Go(func() {
		defer stop()
		select {
		case <-ctx.Done():
			pause(serving, s.certificates.o.Linger)
		case <-serving.Done():
		}
	})
	err := s.Server.Start(serving)
	stop()
	wg.Wait()
	return err
}

// pause waits, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Ready is a health check: an error as long as the API server could not call this replica.
func (c *Certificates) Ready(*http.Request) error {
	current := c.current.Load()
	switch {
	case current == nil:
		return errors.New("webhook: no certificate is loaded yet")
	case !c.o.Now().Before(current.Leaf.NotAfter):
		return fmt.Errorf("webhook: the certificate expired at %s", current.Leaf.NotAfter.UTC().Format(time.RFC3339))
	case !c.installed.Load():
		return errors.New("webhook: the API server does not trust the certificate yet")
	}
	return nil
}

func (c *Certificates) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if current := c.current.Load(); current != nil {
		return current, nil
	}
	return nil, errors.New("no certificate is loaded yet")
}

// follow loads the certificate again and again. Failures are logged when they begin, not each time.
func (c *Certificates) follow(ctx context.Context) {
	c.repeat(ctx, "loading the webhook's certificate failed", func(ctx context.Context) error {
		if c.o.Directory != "" {
			return c.loadDirectory()
		}
		usable, err := c.loadSecret(ctx)
		if err == nil && !usable {
			err = c.maintain(ctx)
		}
		return err
	})
}

// lead issues, renews and installs until the context ends.
func (c *Certificates) lead(ctx context.Context) error {
	c.repeat(ctx, "maintaining the webhook's certificate failed", c.maintain)
	return nil
}

// repeat calls act at once and then every Interval, a tenth of it as long as act fails.
func (c *Certificates) repeat(ctx context.Context, failure string, act func(context.Context) error) {
	last := ""
	for {
		bounded, cancel := context.WithTimeout(ctx, passTimeout)
		err := act(bounded)
		cancel()
		wait, text := c.o.Interval, ""
		if err != nil {
			wait = c.o.Interval / 10
		}
		if err != nil && !errors.Is(err, errOvertaken) {
			text = err.Error()
		}
		if text != "" && text != last && ctx.Err() == nil {
			c.o.Log.Error(failure, "error", text)
		}
		last = text
		if pause(ctx, wait); ctx.Err() != nil {
			return
		}
	}
}

// loadDirectory reads the certificate that somebody else keeps.
func (c *Certificates) loadDirectory() error {
	chain, err := os.ReadFile(filepath.Join(c.o.Directory, pki.ServingCertificate))
	if err != nil {
		return fmt.Errorf("reading the certificate: %w", err)
	}
	key, err := os.ReadFile(filepath.Join(c.o.Directory, pki.ServingKey))
	if err != nil {
		return fmt.Errorf("reading the key: %w", err)
	}
	pair, err := pki.ParsePair(chain, key) // checks that they fit: both are not exchanged at one moment
	if err != nil {
		return fmt.Errorf("directory %s: %w", c.o.Directory, err)
	}
	all, err := pki.ParseCertificates(chain)
	if err != nil {
		return fmt.Errorf("directory %s: %w", c.o.Directory, err)
	}
	c.installed.Store(true) // whoever issues it installs the trust as well
	c.show(pair, all[1:])
	return nil
}

// show makes a certificate the one that new connections see.
func (c *Certificates) show(p pki.Pair, chain []*x509.Certificate) {
	if old := c.current.Load(); old != nil && old.Leaf.Equal(p.Certificate) {
		return
	}
	shown := &tls.Certificate{Certificate: [][]byte{p.Certificate.Raw}, PrivateKey: p.Key, Leaf: p.Certificate}
	for _, issuer := range chain {
		shown.Certificate = append(shown.Certificate, issuer.Raw)
	}
	c.current.Store(shown)
	c.gauge(p.Certificate.NotAfter)
	c.o.Log.Info("webhook certificate loaded", "certificate", pki.Describe(p.Certificate))
}
