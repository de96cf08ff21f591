package webhook

import (
	"context"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/steg-kafka/steg/internal/operator/pki"
)

func TestCertificateOptions(t *testing.T) {
	good := CertificateOptions{Namespace: "kafka", Secret: "s", Service: "hook"}
	for _, c := range []struct {
		name   string
		change func(*CertificateOptions)
		names  []string
		want   string
	}{
		{name: "service", change: func(*CertificateOptions) {}, names: []string{"hook.kafka.svc", "hook.kafka", "hook"}},
		{name: "host", change: func(o *CertificateOptions) { o.URL = "https://desk.example:9443" }, names: []string{"desk.example"}},
		{name: "address", change: func(o *CertificateOptions) { o.URL = "https://127.0.0.1:9443" }},
		{name: "no namespace", change: func(o *CertificateOptions) { o.Namespace = "" }, want: "the namespace and the name of its Secret are needed"},
		{name: "no secret", change: func(o *CertificateOptions) { o.Secret = "" }, want: "the namespace and the name of its Secret are needed"},
		{name: "no service", change: func(o *CertificateOptions) { o.Service = "" }, want: "the name of the Service is needed"},
		{name: "plain", change: func(o *CertificateOptions) { o.URL = "http://x" }, want: `the URL "http://x" is not of the form https://host:port`},
		{name: "path", change: func(o *CertificateOptions) { o.URL = "https://x/y" }, want: "not of the form"},
		{name: "directory", change: func(o *CertificateOptions) { *o = CertificateOptions{Directory: "/x"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := good
			c.change(&o)
			got, err := NewCertificates(o)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.names, got.policy.Leaf.DNSNames); diff != "" {
				t.Errorf("names (-want +got)\n%s", diff)
			}
			if o.URL == "https://127.0.0.1:9443" && len(got.policy.Leaf.Addresses) != 1 {
				t.Error("the address is no name of the certificate")
			}
		})
	}
}

// issued makes a pair in PEM form, valid from some hours before now for a day.
func issued(t testing.TB, name string, now time.Time) (chain, key []byte) {
	t.Helper()
	ca, err := pki.NewAuthority(rand.Reader, now, pki.Template{Subject: pkix.Name{CommonName: "ca"}, Validity: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := ca.Issue(rand.Reader, now, pki.Template{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, Validity: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if key, err = pki.EncodeKey(leaf.Key); err != nil {
		t.Fatal(err)
	}
	return pki.EncodeCertificates(leaf.Certificate, ca.Certificate), key
}

func write(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDirectory: a certificate of somebody else's is loaded, exchanged, and while it is half written the old one stays.
func TestDirectory(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	clock := now
	c, err := NewCertificates(CertificateOptions{Directory: dir, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.loadDirectory(); err == nil || c.Ready(nil) == nil {
		t.Errorf("of an empty directory: %v, ready %v", err, c.Ready(nil))
	}
	if _, err := c.certificate(nil); err == nil {
		t.Error("a certificate before one was loaded")
	}
	first, firstKey := issued(t, "first", now)
	second, secondKey := issued(t, "second", now)
	for _, step := range []struct {
		name, chainOf string
		chain, key    []byte
		fails         bool
	}{
		{name: "first", chain: first, key: firstKey, chainOf: "first"},
		{name: "half written", chain: second, key: firstKey, chainOf: "first", fails: true},
		{name: "second", chain: second, key: secondKey, chainOf: "second"},
		{name: "broken", chain: []byte("x"), key: secondKey, chainOf: "second", fails: true},
	} {
		write(t, dir, "tls.crt", step.chain)
		write(t, dir, "tls.key", step.key)
		if err := c.loadDirectory(); (err != nil) != step.fails {
			t.Errorf("%s: %v", step.name, err)
		}
		shown, err := c.certificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := shown.Leaf.Subject.CommonName; got != step.chainOf || len(shown.Certificate) != 2 {
			t.Errorf("%s: %s is shown with a chain of %d, want %s", step.name, got, len(shown.Certificate), step.chainOf)
		}
		if err := c.Ready(nil); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	clock = now.Add(24 * time.Hour)
	if err := c.Ready(nil); err == nil || !strings.Contains(err.Error(), "the certificate expired at ") {
		t.Errorf("expired: ready %v", err)
	}
}

func TestReadyWaitsForTrust(t *testing.T) {
	c, err := NewCertificates(CertificateOptions{Namespace: "n", Secret: "s", Service: "h"})
	if err != nil {
		t.Fatal(err)
	}
	chain, key := issued(t, "h.n.svc", time.Now())
	pair, err := pki.ParsePair(chain, key)
	if err != nil {
		t.Fatal(err)
	}
	c.show(pair, nil)
	if err := c.Ready(nil); err == nil || !strings.Contains(err.Error(), "does not trust") {
		t.Errorf("ready %v", err)
	}
	c.installed.Store(true)
	if err := c.Ready(nil); err != nil {
		t.Error(err)
	}
}

// TestRepeat: failures are tried again soon, successes looked at again later, and the end is prompt.
func TestRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := NewCertificates(CertificateOptions{Namespace: "n", Secret: "s", Service: "h"})
		if err != nil {
			t.Fatal(err)
		}
		var calls atomic.Int32
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.repeat(ctx, "failed", func(ctx context.Context) error {
				if _, bounded := ctx.Deadline(); !bounded {
					t.Error("a pass without a bound")
				}
				if calls.Add(1) <= 3 {
					return errors.New("no")
				}
				return nil
			})
		}()
		for _, step := range []struct {
			sleep time.Duration
			want  int32
		}{{time.Millisecond, 1}, {time.Second, 2}, {2 * time.Second, 4}, {9 * time.Second, 4}, {time.Second, 5}} {
			time.Sleep(step.sleep)
			synctest.Wait()
			if got := calls.Load(); got != step.want {
				t.Errorf("%d calls, want %d", got, step.want)
			}
		}
		cancel()
		<-done
	})
}

func TestCovers(t *testing.T) {
	have := map[string]any{"a": "1", "b": []any{map[string]any{"x": int64(1), "y": "z"}}, "c": map[string]any{"d": true}}
	for _, c := range []struct {
		name string
		want any
		ok   bool
	}{
		{"nothing", map[string]any{}, true},
		{"part", map[string]any{"a": "1"}, true},
		{"deep", map[string]any{"b": []any{map[string]any{"x": int64(1)}}}, true},
		{"other value", map[string]any{"a": "2"}, false},
		{"missing", map[string]any{"q": "1"}, false},
		{"longer list", map[string]any{"b": []any{map[string]any{}, map[string]any{}}}, false},
		{"other kind", map[string]any{"a": map[string]any{"b": "c"}}, false},
		{"empty map for a text", map[string]any{"a": map[string]any{}}, false},
		{"list for a text", map[string]any{"a": []any{}}, false},
		{"missing map", map[string]any{"e": map[string]any{"f": "g"}}, false},
	} {
		if got := covers(have, c.want); got != c.ok {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestWanted: what is applied holds the operator's fields and nothing else.
func TestWanted(t *testing.T) {
	c, err := NewCertificates(CertificateOptions{Namespace: "n", Secret: "s", Service: "h", Mutating: []string{"m"}, Validating: []string{"v"}, CustomResources: []string{"d"}})
	if err != nil {
		t.Fatal(err)
	}
	hooks := &unstructured.Unstructured{Object: map[string]any{"webhooks": []any{
		map[string]any{"name": "one", "rules": []any{}, "clientConfig": map[string]any{"caBundle": "old", "service": map[string]any{}}},
		map[string]any{"name": "two"},
	}}}
	targets := c.targets()
	kinds := make([]string, len(targets))
	for i, target := range targets {
		kinds[i] = target.kind.Kind + " " + target.name
	}
	if diff := cmp.Diff([]string{"MutatingWebhookConfiguration m", "ValidatingWebhookConfiguration v", "CustomResourceDefinition d"}, kinds); diff != "" {
		t.Errorf("targets (-want +got)\n%s", diff)
	}
	want := map[string]any{"webhooks": []any{
		map[string]any{"name": "one", "clientConfig": map[string]any{"caBundle": "new"}},
		map[string]any{"name": "two", "clientConfig": map[string]any{"caBundle": "new"}},
	}}
	if diff := cmp.Diff(want, targets[0].wanted(hooks, "new")); diff != "" {
		t.Errorf("webhooks (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"old", ""}, targets[0].bundles(hooks)); diff != "" {
		t.Errorf("bundles (-want +got)\n%s", diff)
	}
	want = map[string]any{"spec": map[string]any{"conversion": map[string]any{"strategy": "Webhook", "webhook": map[string]any{
		"conversionReviewVersions": []any{"v1"},
		"clientConfig": map[string]any{"caBundle": "new", "service": map[string]any{
			"namespace": "n", "name": "h", "path": "/convert", "port": int64(443),
		}},
	}}}}
	if diff := cmp.Diff(want, targets[2].wanted(&unstructured.Unstructured{}, "new")); diff != "" {
		t.Errorf("conversion (-want +got)\n%s", diff)
	}
}

// TestPolicyIsSound: certificates are renewed in time for each other.
func TestPolicyIsSound(t *testing.T) {
	if leafValidity >= authorityRenewal {
		t.Error("a leaf issued just before its authority is due could be cut short by the authority's end")
	}
	if leafRenewal >= leafValidity || authorityRenewal >= authorityValidity {
		t.Error("a certificate would be due at its birth")
	}
	if defaultSettle < 2*defaultInterval {
		t.Error("a new authority is used before all replicas can have looked")
	}
}

// TestLinger: told to end, the server goes on for a while, so that nobody is turned away who does not know yet.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for linger, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Second: time.Second, -1: 0} {
			c, err := NewCertificates(CertificateOptions{Directory: t.TempDir(), Linger: linger})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan time.Duration, 1)
			s := &server{Server: inner{}, certificates: c}
			var told time.Time
			go func() {
				err := s.Start(ctx)
				if err != nil {
					t.Error(err)
				}
				ended <- time.Since(told)
			}()
			time.Sleep(time.Minute)
			told = time.Now()
			cancel()
			if took := <-ended; took != want {
				t.Errorf("linger %s: ended after %s, want %s", linger, took, want)
			}
		}
	})
}

// inner is a webhook server that does nothing until it is told to end.
type inner struct{ ctrlwebhook.Server }

func (inner) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// TestServerFails: a server that can't listen ends at once with its error.
func TestServerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := NewCertificates(CertificateOptions{Directory: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		err = (&server{Server: broken{}, certificates: c}).Start(t.Context())
		if err == nil || err.Error() != "address in use" || time.Since(began) > 0 {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

type broken struct{ ctrlwebhook.Server }

func (broken) Start(context.Context) error { return errors.New("address in use") }
