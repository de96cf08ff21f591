//go:build envtest

package envtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/webhook"
)

const day = 24 * time.Hour

func serving(t *testing.T, c client.Client, namespace string) pki.Serving {
	t.Helper()
	secret := &corev1.Secret{}
	if err := c.Get(deadline(t), client.ObjectKey{Namespace: namespace, Name: "serving"}, secret); err != nil {
		t.Fatal(err)
	}
	s, err := pki.ParseServing(secret.Data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRenewalUnderRequests moves the clock over the renewal of a leaf and over the replacement of its authority while pods
// are created all the time. None may fail: not for a certificate that is not trusted yet, nor for one that no longer is.
func TestRenewalUnderRequests(t *testing.T) {
	// The API server's clock can't be moved: the operator's begins in the past, so that all certificates are valid today.
	moved := &clock{}
	moved.set(-560 * day)
	c, op := startWithHooks(t, operatorOptions{clock: moved, settle: 3 * time.Second})
	first := serving(t, c, op.namespace)
	moved.set(-15 * day) // the authority is 545 of its 730 days old, the leaf is long over
	eventually(t, "a new leaf", func() error {
		if serving(t, c, op.namespace).Leaf.Certificate.Equal(first.Leaf.Certificate) {
			return errors.New("the old one")
		}
		return op.certificates.Ready(nil)
	})
	second := serving(t, c, op.namespace)
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	eventually(t, "pods are admitted", func() error { return c.Create(deadline(t), labelled(op.namespace, "x"), client.DryRunAll) })

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var asked, failures atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				asked.Add(1)
				if err := c.Create(context.WithoutCancel(ctx), labelled(op.namespace, "x"), client.DryRunAll); err != nil {
					failures.Add(1)
					t.Errorf("a pod was not admitted: %v", err)
				}
			}
		})
	}
	moved.set(0) // 170 days before the authority's end: it is replaced
	var third pki.Serving
	eventually(t, "a second authority", func() error {
		if third = serving(t, c, op.namespace); len(third.Trusted) != 2 {
			return fmt.Errorf("%d authorities", len(third.Trusted))
		}
		return nil
	})
	if !third.Leaf.Certificate.Equal(second.Leaf.Certificate) {
		t.Error("the leaf was replaced together with its authority")
	}
	eventually(t, "a leaf of the second authority", func() error {
		s := serving(t, c, op.namespace)
		return pki.Verify(s.Leaf.Certificate, s.Trusted[:1], time.Now())
	})
	before := asked.Load()
	eventually(t, "many more pods", func() error {
		if n := asked.Load() - before; n < 200 {
			return fmt.Errorf("%d pods", n)
		}
		return nil
	})
	cancel()
	wg.Wait()
	t.Logf("%d pods, %d not admitted", asked.Load(), failures.Load())
	if !bytes.Equal(caBundle(t, c, op.namespace), third.Bundle()) {
		t.Error("the API server does not have both authorities")
	}
}

func caBundle(t *testing.T, c client.Client, name string) []byte {
	t.Helper()
	found := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := c.Get(deadline(t), client.ObjectKey{Name: name}, found); err != nil {
		t.Fatal(err)
	}
	for _, hook := range found.Webhooks[1:] {
		if !bytes.Equal(hook.ClientConfig.CABundle, found.Webhooks[0].ClientConfig.CABundle) {
			t.Errorf("%s has another bundle than %s", hook.Name, found.Webhooks[0].Name)
		}
	}
	return found.Webhooks[0].ClientConfig.CABundle
}

// TestTrustIsMinimal: the operator owns the caBundles and nothing else, Helm's next write keeps them, and what somebody
// takes away comes back.
func TestTrustIsMinimal(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	found := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := c.Get(deadline(t), client.ObjectKey{Name: op.namespace}, found); err != nil {
		t.Fatal(err)
	}
	var owned string
	for _, m := range found.ManagedFields {
		if m.Manager == "steg-operator" {
			owned += m.FieldsV1.GetRawString()
		}
	}
	hook := func(name string) string {
		return `"k:{\"name\":\"` + name + `\"}":{".":{},"f:clientConfig":{"f:caBundle":{}},"f:name":{}}`
	}
	want := `{"f:webhooks":{` + hook("bridge.pods.steg.dev") + `,` + hook("cluster.pods.steg.dev") + `}}`
	if diff := cmp.Diff(want, owned); diff != "" {
		t.Errorf("owned fields (-want +got)\n%s", diff)
	}
	chart := &unstructured.Unstructured{Object: map[string]any{"webhooks": []any{map[string]any{"name": "bridge.pods.steg.dev", "timeoutSeconds": int64(3)}}}}
	chart.SetAPIVersion("admissionregistration.k8s.io/v1")
	chart.SetKind("MutatingWebhookConfiguration")
	chart.SetName(op.namespace)
	if err := c.Apply(deadline(t), client.ApplyConfigurationFromUnstructured(chart), client.FieldOwner("helm"), client.ForceOwnership); err != nil {
		t.Fatal(err)
	}
	bundle := serving(t, c, op.namespace).Bundle()
	if !bytes.Equal(caBundle(t, c, op.namespace), bundle) {
		t.Error("the chart's upgrade took the bundle away")
	}
	version := func() string {
		if err := c.Get(deadline(t), client.ObjectKey{Name: op.namespace}, found); err != nil {
			t.Fatal(err)
		}
		return found.ResourceVersion
	}
	for was, end := version(), time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now := version(); now != was {
			t.Fatal("the operator writes although nothing has changed")
		}
	}
	for i := range found.Webhooks {
		found.Webhooks[i].ClientConfig.CABundle = nil
	}
	if err := c.Update(deadline(t), found); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the bundle is back", func() error {
		if !bytes.Equal(caBundle(t, c, op.namespace), bundle) {
			return errors.New("it is not")
		}
		return nil
	})
}

// TestFollower: a replica that does not lead issues a certificate if there is none, and from then on serves with what the
// leader issues.
func TestFollower(t *testing.T) {
	c, namespace := cluster(t)
	anotherLeads(t, c, namespace)
	port, moved := freePort(t), &clock{}
	moved.set(-65 * day)
	hooks(t, c, namespace, "https://127.0.0.1:"+strconv.Itoa(port))
	op := start(t, c, namespace, operatorOptions{follower: true, port: port, clock: moved})
	kubectlApply(t, bridge(namespace, "my-bridge"))
	eventually(t, "pods are admitted", func() error { return c.Create(deadline(t), labelled(namespace, "x"), client.DryRunAll) })
	issued := serving(t, c, namespace).Leaf.Certificate
	moved.set(0) // 25 days before the end: the leader's to renew
	leader := start(t, c, namespace, operatorOptions{noWaiting: true})
	eventually(t, "the follower shows what the leader issued", func() error {
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(deadline(t), "tcp", strings.TrimPrefix(op.url, "https://"))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		shown := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
		if shown.Equal(issued) || !shown.Equal(serving(t, c, namespace).Leaf.Certificate) {
			return fmt.Errorf("it shows %s", pki.Describe(shown))
		}
		return nil
	})
	if n := strings.Count(op.log.String(), "new serving certificate"); n != 1 || !strings.Contains(leader.log.String(), "new serving certificate: it expires at") {
		t.Errorf("the follower issued %d times, the leader logged\n%s", n, leader.log)
	}
}

// TestReinstalled: the Secret of the operator before is there and its Lease still runs, but the webhook configurations are
// new: the operator is ready all the same.
func TestReinstalled(t *testing.T) {
	c, namespace := cluster(t)
	t.Run("before", func(t *testing.T) {
		start(t, c, namespace, operatorOptions{noWaiting: true})
		eventually(t, "there is a certificate", func() error {
			return c.Get(deadline(t), client.ObjectKey{Namespace: namespace, Name: "serving"}, &corev1.Secret{})
		})
	})
	before := serving(t, c, namespace).Leaf.Certificate
	anotherLeads(t, c, namespace)
	port := freePort(t)
	hooks(t, c, namespace, "https://127.0.0.1:"+strconv.Itoa(port))
	start(t, c, namespace, operatorOptions{follower: true, port: port})
	if now := serving(t, c, namespace).Leaf.Certificate; !now.Equal(before) {
		t.Errorf("a new certificate was issued: %s", pki.Describe(now))
	}
}

// anotherLeads makes a Lease that followers find taken.
func anotherLeads(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	held := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "taken", Namespace: namespace}, Spec: coordinationv1.LeaseSpec{
		HolderIdentity: new("another"), LeaseDurationSeconds: new(int32(3600)), AcquireTime: &metav1.MicroTime{Time: time.Now()}, RenewTime: &metav1.MicroTime{Time: time.Now()},
	}}
	if err := c.Create(deadline(t), held); err != nil {
		t.Fatal(err)
	}
}

// TestSecretIsMended: a Secret that somebody broke or deleted is issued anew, and pods are admitted again.
func TestSecretIsMended(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	for _, damage := range []struct {
		name string
		do   func(*corev1.Secret) error
	}{
		{"deleted", func(s *corev1.Secret) error { return c.Delete(deadline(t), s) }},
		{"garbage", func(s *corev1.Secret) error { s.Data["tls.crt"] = []byte("x"); return c.Update(deadline(t), s) }},
		{"without authority", func(s *corev1.Secret) error { delete(s.Data, "ca.key"); return c.Update(deadline(t), s) }},
	} {
		secret := &corev1.Secret{}
		if err := c.Get(deadline(t), client.ObjectKey{Namespace: op.namespace, Name: "serving"}, secret); err != nil {
			t.Fatal(err)
		}
		if err := damage.do(secret); err != nil {
			t.Fatal(err)
		}
		eventually(t, damage.name+": the Secret is whole", func() error {
			got := &corev1.Secret{}
			if err := c.Get(deadline(t), client.ObjectKeyFromObject(secret), got); err != nil {
				return err
			}
			s, err := pki.ParseServing(got.Data)
			if err == nil && !s.Usable(time.Now()) {
				err = errors.New("not usable")
			}
			return err
		})
		eventually(t, damage.name+": pods are admitted", func() error { return c.Create(deadline(t), labelled(op.namespace, "x"), client.DryRunAll) })
	}
	if strings.Contains(op.log.String(), "PRIVATE KEY") {
		t.Error("a key was logged")
	}
}

// TestNotReady: as long as the API server can't trust it, the operator is not ready, and says why.
func TestNotReady(t *testing.T) {
	c, namespace := cluster(t)
	op := start(t, c, namespace, operatorOptions{noWaiting: true}) // its webhook configurations are not there
	eventually(t, "it says why", func() error {
		if !strings.Contains(op.log.String(), "MutatingWebhookConfiguration "+namespace) {
			return errors.New(op.log.String())
		}
		return nil
	})
	if err := op.certificates.Ready(nil); err == nil || !strings.Contains(err.Error(), "does not trust") {
		t.Errorf("ready: %v", err)
	}
	hooks(t, c, namespace, op.url)
	eventually(t, "it is ready", func() error { return op.certificates.Ready(nil) })
}

// TestConversion: the API server converts by the real webhook, in both directions, and without it after the end.
func TestConversion(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{convert: true})
	t.Cleanup(func() {
		if err := webhook.RemoveConversion(context.WithoutCancel(t.Context()), c, []string{definition}); err != nil {
			t.Error(err)
		}
	})
	conversion := func() *apiextensionsv1.CustomResourceConversion {
		found := &apiextensionsv1.CustomResourceDefinition{}
		if err := c.Get(deadline(t), client.ObjectKey{Name: definition}, found); err != nil {
			t.Fatal(err)
		}
		return found.Spec.Conversion
	}
	if got := conversion(); got.Strategy != apiextensionsv1.WebhookConverter || !bytes.Equal(got.Webhook.ClientConfig.CABundle, serving(t, c, op.namespace).Bundle()) {
		t.Fatalf("conversion %+v", got)
	}
	old := object(t, `{apiVersion: kafka.strimzi.io/v1beta2, kind: KafkaBridge, metadata: {name: old, namespace: `+op.namespace+`, labels: {a: b}},
		spec: {replicas: 2, bootstrapServers: "k:9092", enableMetrics: true, http: {port: 8080, cors: {allowedOrigins: ["*"], allowedMethods: [GET]}},
		resources: {limits: {cpu: 1000m}}, producer: {config: {acks: "1", linger.ms: 5}}}}`)
	converted := func() float64 { return counted(t, op, "convert", "admitted", "Converted") }
	eventually(t, "the API server has the conversion", func() error {
		if err := c.Create(deadline(t), old.DeepCopy()); client.IgnoreAlreadyExists(err) != nil {
			return err
		}
		if err := c.Get(deadline(t), client.ObjectKeyFromObject(old), in("v1beta2", old)); err != nil {
			return err
		}
		if converted() == 0 {
			return errors.New("nobody was asked")
		}
		return nil
	})
	for _, version := range []string{"v1", "v1beta2"} {
		got := in(version, old)
		if err := c.Get(deadline(t), client.ObjectKeyFromObject(old), got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(content(old)["spec"], content(got)["spec"]); diff != "" || got.GetAPIVersion() != "kafka.strimzi.io/"+version {
			t.Errorf("read as %s (-want +got)\n%s", version, diff)
		}
		if err := unstructured.SetNestedField(got.Object, version+":9092", "spec", "bootstrapServers"); err != nil {
			t.Fatal(err)
		}
		if err := c.Update(deadline(t), got); err != nil {
			t.Errorf("written as %s: %v", version, err)
		}
		_ = unstructured.SetNestedField(old.Object, version+":9092", "spec", "bootstrapServers")
	}
	op.stop()
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(old), in("v1beta2", old)); err == nil {
		t.Error("converted without a webhook: it is not what was tried here")
	}
	if err := webhook.RemoveConversion(deadline(t), c, []string{definition, "nothing.kafka.strimzi.io"}); err != nil {
		t.Fatal(err)
	}
	if got := conversion(); got.Strategy != apiextensionsv1.NoneConverter || got.Webhook != nil {
		t.Errorf("after the end: %+v", got)
	}
	eventually(t, "read without an operator", func() error {
		return c.Get(deadline(t), client.ObjectKeyFromObject(old), in("v1beta2", old))
	})
	if err := c.Delete(deadline(t), old); err != nil && !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}

// TestForeignConversion: a definition that converts by somebody else's webhook is left alone at the end.
func TestForeignConversion(t *testing.T) {
	c, _ := cluster(t)
	found := &apiextensionsv1.CustomResourceDefinition{}
	if err := c.Get(deadline(t), client.ObjectKey{Name: definition}, found); err != nil {
		t.Fatal(err)
	}
	foreign := found.DeepCopy()
	foreign.ObjectMeta = metav1.ObjectMeta{Name: "foreigners.example.org"}
	foreign.Spec.Group = "example.org"
	foreign.Spec.Names = apiextensionsv1.CustomResourceDefinitionNames{Plural: "foreigners", Singular: "foreigner", Kind: "Foreigner", ListKind: "ForeignerList"}
	foreign.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.WebhookConverter, Webhook: &apiextensionsv1.WebhookConversion{
		ConversionReviewVersions: []string{"v1"}, ClientConfig: &apiextensionsv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/x"), CABundle: server.CAData},
	}}
	if err := c.Create(deadline(t), foreign); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), foreign) })
	if err := webhook.RemoveConversion(deadline(t), c, []string{foreign.Name}); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(foreign), found); err != nil || found.Spec.Conversion.Strategy != apiextensionsv1.WebhookConverter {
		t.Errorf("%v, %+v", err, found.Spec.Conversion)
	}
}

func counted(t *testing.T, op *operator, labels ...string) (n float64) {
	t.Helper()
	families, err := op.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "steg_operator_webhook_answers_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetValue()] = true
			}
			all := true
			for _, l := range labels {
				all = all && has[l]
			}
			if all {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// TestStopUnderRequests: an operator that is told to end admits pods until nobody comes any more.
func TestStopUnderRequests(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{linger: 2 * time.Second})
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	eventually(t, "pods are admitted", func() error { return c.Create(deadline(t), labelled(op.namespace, "x"), client.DryRunAll) })
	begin := time.Now()
	stopped := make(chan struct{})
	go func() { defer close(stopped); op.stop() }()
	asked := 0
	for ; time.Since(begin) < time.Second; asked++ {
		if err := c.Create(deadline(t), labelled(op.namespace, "x"), client.DryRunAll); err != nil {
			t.Fatalf("after %s: %v", time.Since(begin), err)
		}
	}
	<-stopped
	t.Logf("%d pods after it was told to end", asked)
	if asked == 0 {
		t.Error("nothing was asked")
	}
	if err := c.Create(deadline(t), labelled(op.namespace, "x"), client.DryRunAll); err == nil {
		t.Error("admitted by a webhook that is gone")
	}
}
