//go:build envtest

package envtest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

const (
	creators = 20 // at a time
	each     = 15 // pods of one creator
	// slowest is what a pod creation may wait for the webhook at worst: the API server gives up after 5 s, and this machine may
	// be busy with other things.
	slowest = 4 * time.Second
)

// TestWebhookLatency measures what 20 parallel creations of pods wait for the webhook: by themselves at the webhook's door, and
// as creations with the webhook beside creations of pods that it is not asked about. The KafkaBridge is the costly kind: three
// Secrets are looked up for every pod.
func TestWebhookLatency(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	kubectlApply(t, `{apiVersion: kafka.strimzi.io/v1, kind: KafkaBridge, metadata: {name: my-bridge, namespace: `+op.namespace+`}, spec: {bootstrapServers: "k:9093", http: {port: 8080},
		tls: {trustedCertificates: [{secretName: ca, certificate: ca.crt}, {secretName: more, pattern: "*.crt"}]},
		authentication: {type: scram-sha-512, username: u, passwordSecret: {secretName: user, password: password}}}}`)
	for name, key := range map[string]string{"ca": "ca.crt", "more": "a.crt", "user": "password"} {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: op.namespace}, Data: map[string][]byte{key: []byte("x")}}
		if err := c.Create(deadline(t), s); err != nil {
			t.Fatal(err)
		}
	}
	fast := rest.CopyConfig(server)
	fast.QPS = -1
	user := clientFor(t, fast)
	create := func(asks bool) error {
		p := labelled(op.namespace, "")
		p.GenerateName = "measured-"
		if !asks {
			p.Labels = nil
		}
		if err := user.Create(t.Context(), p); err != nil {
			return err
		}
		if (len(sidecars(p)) == 1) != asks {
			return fmt.Errorf("sidecars %v", sidecars(p))
		}
		return nil
	}
	eventually(t, "pods are admitted", func() error { return create(true) })
	review := reviewOf(t, labelled(op.namespace, "x"))
	knock := door(t, op, serving(t, c, op.namespace).Bundle())

	var door, with, without [][]time.Duration
	for range 3 {
		door = append(door, together(t, func() error { return knock(review) }))
		with = append(with, together(t, func() error { return create(true) }))
		without = append(without, together(t, func() error { return create(false) }))
	}
	report := func(what string, rounds [][]time.Duration) time.Duration {
		worst := time.Duration(0)
		for i, took := range rounds {
			p50, p99 := took[len(took)/2], took[len(took)*99/100]
			fmt.Printf("%d at a time, round %d: %-28s p50 %7.1f ms  p99 %7.1f ms\n", creators, i+1, what, ms(p50), ms(p99))
			worst = max(worst, p99)
		}
		return worst
	}
	if worst := report("webhook alone", door); worst > slowest {
		t.Errorf("p99 %s at the webhook's door", worst)
	}
	report("pod created with sidecar", with)
	report("pod created without", without)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// together has all creators do it again and again, and returns how long each took, sorted.
func together(t *testing.T, do func() error) []time.Duration {
	t.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for range creators {
		wg.Go(func() {
			for range each {
				begin := time.Now()
				if err := do(); err != nil {
					t.Error(err)
					return
				}
				d := time.Since(begin)
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(took) != creators*each {
		t.FailNow()
	}
	slices.Sort(took)
	return took
}

// reviewOf is what the API server sends about a pod.
func reviewOf(t *testing.T, pod *corev1.Pod) []byte {
	t.Helper()
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	review, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Request:  &admissionv1.AdmissionRequest{UID: "u", Namespace: pod.Namespace, Operation: admissionv1.Create, Object: runtime.RawExtension{Raw: raw}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return review
}

// door returns a function that asks the webhook as the API server does: by HTTP/2 over connections that stay.
func door(t *testing.T, op *operator, bundle []byte) func([]byte) error {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(bundle) {
		t.Fatal("no authorities")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return func(review []byte) error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, op.url+"/mutate/pods/bridge?timeout=5s", bytes.NewReader(review))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		answer := admissionv1.AdmissionReview{}
		if err := json.Unmarshal(body, &answer); err != nil {
			return err
		}
		if answer.Response == nil || !answer.Response.Allowed || len(answer.Response.Patch) == 0 {
			return fmt.Errorf("not admitted: %s", body)
		}
		return nil
	}
}
