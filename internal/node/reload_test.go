package node

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/node/config"
)

// reloading is a pod with a certificate of a listener's own, and its reloader.
func reloading(t *testing.T) (*pod, *reloader) {
	t.Helper()
	p := newPod(t)
	p.certificate("tls-9093", "first")
	e := p.brokerEye()
	r, err := p.options.newReloader(identity{id: 0, pod: testPod}, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.kafka.close)
	t.Cleanup(e.close)
	return p, r
}

// TestNotice: what has changed is noted once, however often it is looked at, and what has not is not.
func TestNotice(t *testing.T) {
	p, r := reloading(t)
	for _, step := range []struct {
		name   string
		change func()
		want   string // pending, joined
	}{
		{"nothing", func() {}, ""},
		{"the node's own certificate", func() { p.certificate(testPod, "another") }, ""},
		{"the cluster's authorities", func() { p.write("etc/steg/trust/cluster-ca.crt", "another") }, ""},
		{"the first authority of clients", func() { p.write("etc/steg/trust/clients-ca.crt", "a") }, "clients"},
		{"the same again", func() { p.write("etc/steg/trust/clients-ca.crt", "a") }, "clients"},
		{"a listener's certificate", func() { p.certificate("tls-9093", "second") }, "clients tls-9093"},
		{"and again", func() { p.certificate("tls-9093", "third") }, "clients tls-9093"},
		{"a certificate of a listener that comes", func() { p.certificate("more-9095", "new") }, "clients tls-9093 more-9095"},
	} {
		step.change()
		if err := r.notice(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := strings.Fields(strings.Join(r.pending, " "))
		if slices.Contains(r.pending, "") {
			got = append([]string{"clients"}, got...)
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%s: pending are %v", step.name, got)
		}
	}
}

// TestNoticeRefuses: what can't be taken is told of with its file and without its content, and Kafka keeps what it has.
func TestNoticeRefuses(t *testing.T) {
	const secret = "nobody should read this"
	for _, c := range []struct{ name, file, content, want string }{
		{"no key", "etc/steg/certs/tls-9093.key", secret, "tls-9093.crt and its .key: the key file has no private key in PEM"},
		{"no certificate", "etc/steg/certs/tls-9093.crt", secret, "has no certificate in PEM"},
		{"a certificate too many", "etc/steg/certs/lost-1.crt", secret, "the key of"},
		{"authorities without end", "etc/steg/trust/clients-ca.crt", strings.Repeat(secret, maxFile/len(secret)+1), "is larger than 4 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, r := reloading(t)
			before := p.read("run/steg/tls-9093.pem")
			p.write(c.file, c.content)
			err := r.notice()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v", err)
			}
			if len(r.pending) != 0 || p.read("run/steg/tls-9093.pem") != before {
				t.Errorf("pending %v", r.pending)
			}
		})
	}
	p, r := reloading(t)
	other := p.certificate("else", "other")
	p.write("etc/steg/certs/tls-9093.key", string(other.KeyPEM))
	if err := r.notice(); err == nil || !strings.Contains(err.Error(), "the private key is not that of the first certificate") {
		t.Errorf("%v", err)
	}
}

// TestReloadSettings: which settings are taken away for which changes.
func TestReloadSettings(t *testing.T) {
	r := &reloader{listeners: []config.Listener{
		{Name: "CONTROLPLANE-9090", Protocol: "SSL", Controller: true},
		{Name: "PLAIN-9092", Protocol: "PLAINTEXT"},
		{Name: "TLS-9093", Protocol: "SSL"},
		{Name: "SCRAM-9095", Protocol: "SASL_SSL"},
	}}
	const tls, scram = "listener.name.tls-9093.ssl.", "listener.name.scram-9095.ssl."
	for _, c := range []struct {
		name    string
		pending []string
		want    []string
	}{
		{"nothing", nil, nil},
		{"a certificate", []string{"tls-9093"}, []string{tls + "keystore.location"}},
		{"authorities of clients", []string{""}, []string{tls + "truststore.location", scram + "truststore.location"}},
		{"both", []string{"tls-9093", ""}, []string{tls + "keystore.location", scram + "truststore.location"}},
		{"of a listener that has gone", []string{"old-9099"}, nil},
	} {
		r.pending = c.pending
		if got := r.settings(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestReloadOfAnotherListener: Kafka says yes and goes on showing the former certificate. That is told of with the listener's name,
// and asked for again.
func TestReloadOfAnotherListener(t *testing.T) {
	p, r := reloading(t)
	kafka, load := p.broker(), p.listener()
	load()
	asked := granting(kafka)
	p.certificate("tls-9093", "second")
	if err := r.notice(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	err := r.reload(ctx)
	if err == nil || !strings.Contains(err.Error(), "listener TLS-9093: ") || !slices.Equal(r.pending, []string{"tls-9093"}) {
		t.Errorf("pending %v, %v", r.pending, err)
	}
	load()
	if err := r.reload(t.Context()); err != nil || len(r.pending) > 0 {
		t.Errorf("pending %v, %v", r.pending, err)
	}
	if n := len(asked()); n != 2 {
		t.Errorf("Kafka was asked %d times", n)
	}
	p.says(`certificates=[tls-9093] clientAuthorities=false`)
}

// granting has a fake broker say yes to changes of settings, and returns what it was asked for.
func granting(kafka *kfake.Cluster) (asked func() []string) {
	said := make(chan string, 10)
	kafka.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		said <- request.(*kmsg.IncrementalAlterConfigsRequest).Resources[0].ResourceName
		answer := kmsg.NewPtrIncrementalAlterConfigsResponse()
		answer.Version = incrementalAlterVersion
		answer.Resources = append(answer.Resources, kmsg.NewIncrementalAlterConfigsResponseResource())
		return answer, nil, true
	})
	return func() (all []string) {
		for len(said) > 0 {
			all = append(all, <-said)
		}
		return all
	}
}

// TestReloaderEnds: a reloader that has nothing to do ends with its context.
func TestReloaderEnds(t *testing.T) {
	_, r := reloading(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.run(ctx, func() bool { return true })
	}()
	cancel()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("it does not end")
	}
}

// TestNoticeBesideSomethingBroken: a certificate that was renewed reaches Kafka although another one is broken.
func TestNoticeBesideSomethingBroken(t *testing.T) {
	p, r := reloading(t)
	p.certificate("z-9094", "other")
	if err := r.notice(); err != nil {
		t.Fatal(err)
	}
	r.pending = nil
	p.certificate("tls-9093", "second")
	p.write("etc/steg/certs/z-9094.key", "no key")
	if err := r.notice(); err == nil {
		t.Error("a key that is none was taken")
	}
	if !slices.Contains(r.pending, "tls-9093") || slices.Contains(r.pending, "z-9094") {
		t.Errorf("Kafka is asked for %q", r.pending)
	}
	p.certificate("z-9094", "mended")
	if err := r.notice(); err != nil || !slices.Contains(r.pending, "z-9094") {
		t.Errorf("Kafka is asked for %q, %v", r.pending, err)
	}
}
