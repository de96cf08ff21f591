//go:build kafka

package realkafka

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// load produces from a few clients until stop is called, which returns how many records were acknowledged. A request that
// fails, or a record in it, fails the test.
func (b *bridge) load(topic string) (acknowledged *atomic.Int64, stop func() int64) {
	acknowledged = new(atomic.Int64)
	var clients sync.WaitGroup
	end := make(chan struct{})
	for id := range 4 {
		clients.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-end:
					return
				case <-time.After(time.Millisecond):
				}
				body := fmt.Sprintf(`{"records":[{"key":"%d","value":"%d"}]}`, id, n)
				got, err := b.try("POST", "/topics/"+topic, asJSON, body)
				if err != nil || got.status != 200 || !offsetOnly.MatchString(got.body) {
					b.t.Errorf("client %d, record %d: %v %s", id, n, err, got)
					return
				}
				acknowledged.Add(1)
			}
		})
	}
	stop = sync.OnceValue(func() int64 {
		close(end)
		clients.Wait()
		return acknowledged.Load()
	})
	b.t.Cleanup(func() { stop() })
	return acknowledged, stop
}

// more waits until the load goes on.
func (b *bridge) more(acknowledged *atomic.Int64) {
	b.t.Helper()
	from := acknowledged.Load()
	b.wait("more acknowledged records", func() bool { return acknowledged.Load() > from+20 })
}

// readable reports whether a consumer of the bridge gets a record of the topic now. It makes connections of its own.
func (b *bridge) readable(topic string) answer {
	b.t.Helper()
	group := fresh("group")
	b.consumer(group, "", topic)
	got := b.poll(group)
	want(b.t, b.remove(group), 204, "")
	return got
}

// A client certificate is exchanged while requests run: another subject, which may read.
func TestKafkaRotatedCertificate(t *testing.T) {
	r := sharedRig(t)
	dir, name := t.TempDir(), topic(t, r)
	for _, principal := range []string{"CN=before", "CN=after"} {
		r.Allow(t, principal, kafkarig.Resource{Topic: name}, kadm.OpWrite, kadm.OpRead)
	}
	r.Allow(t, "CN=after", kafkarig.Resource{Group: "group-", Prefix: true}, kadm.OpRead)
	files, err := r.Issue(dir, "app", pki.Subject{CommonName: "before"})
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, concat(way{"", kafkarig.MTLS, concat(trust(t, r, "PEM"), keys(t, files, "PEM"))}.at(r), brief)...)
	acknowledged, stop := b.load(name)
	b.more(acknowledged)
	want(t, b.readable(name), 500, groupClass)

	if files, err = r.Issue(dir, "app", pki.Subject{CommonName: "after"}); err != nil {
		t.Fatal(err)
	}
	privateKey(t, files)
	b.wait("the new certificate", func() bool { return b.readable(name).status == 200 })
	b.more(acknowledged)
	stop()
}

// The brokers get certificates of a new authority while requests run: first the bridge is told to trust both, by the swap
// of a link as Kubernetes makes it, then the broker changes.
func TestKafkaRotatedTruststore(t *testing.T) {
	r := sharedRig(t)
	name, dir := topic(t, r), t.TempDir()
	volume(t, dir, "1", map[string][]byte{"ca.crt": r.CA.PEM})
	settings := []string{"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location=" + filepath.Join(dir, "ca.crt")}
	b := start(t, concat(way{"", kafkarig.TLS, settings}.at(r), brief)...)
	acknowledged, stop := b.load(name)
	b.more(acknowledged)
	want(t, b.readable(name), 200, `"value":`)

	next, err := pki.NewCA("next-ca")
	if err != nil {
		t.Fatal(err)
	}
	changeBroker(t, r, next)
	want(t, b.readable(name), 500, tlsClass+": SSL handshake failed") // connections in use go on

	volume(t, dir, "2", map[string][]byte{"ca.crt": append(append([]byte(nil), r.CA.PEM...), next.PEM...)})
	b.wait("the new authority", func() bool { return b.readable(name).status == 200 })
	b.more(acknowledged)
	stop()
}

// volume puts files into dir as the kubelet does: a new folder, and a link to it that is exchanged at once. The files of
// version 1 are the names for good.
func volume(t *testing.T, dir, version string, files map[string][]byte) {
	t.Helper()
	steps := []error{os.MkdirAll(filepath.Join(dir, "..v"+version), 0o755)}
	for name, content := range files {
		steps = append(steps, os.WriteFile(filepath.Join(dir, "..v"+version, name), content, 0o644))
		if version == "1" {
			steps = append(steps, os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		}
	}
	steps = append(steps, os.Symlink("..v"+version, filepath.Join(dir, "..data_tmp")),
		os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	for _, err := range steps {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// changeBroker gives the TLS listener a certificate by another authority, until the test ends.
func changeBroker(t *testing.T, r *kafkarig.Rig, by *pki.CA) {
	t.Helper()
	pair, err := by.Issue(pki.Subject{CommonName: "broker", Server: true})
	if err != nil {
		t.Fatal(err)
	}
	files, err := pair.WriteFiles(t.TempDir(), "broker", kafkarig.StorePassword)
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "listener.name.tls.ssl.keystore."
	alter := func(change kadm.IncrementalOp, store string) error {
		ctx, cancel := context.WithTimeout(context.Background(), bound)
		defer cancel()
		kind, location := "PEM", store
		answers, err := kadm.NewClient(r.Client(t)).AlterBrokerConfigs(ctx, []kadm.AlterConfig{
			{Op: change, Name: prefix + "type", Value: &kind}, {Op: change, Name: prefix + "location", Value: &location},
		}, 0)
		for _, a := range answers {
			if err == nil {
				err = a.Err
			}
		}
		return err
	}
	if err := alter(kadm.SetConfig, files.Store); err != nil {
		t.Fatal(err)
	}
	shown(t, r, by)
	t.Cleanup(func() {
		if err := alter(kadm.DeleteConfig, ""); err != nil {
			t.Error(err)
		}
		shown(t, r, r.CA)
	})
}

// shown waits until the TLS listener shows a certificate by an authority: the broker takes settings over in its own time.
func shown(t *testing.T, r *kafkarig.Rig, by *pki.CA) {
	t.Helper()
	for limit := time.Now().Add(bound); ; time.Sleep(20 * time.Millisecond) {
		conn, err := tls.Dial("tcp", r.Bootstrap(kafkarig.TLS), &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: by.Pool()})
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(limit) {
			t.Fatal("the broker does not show its new certificate:", err)
		}
	}
}
