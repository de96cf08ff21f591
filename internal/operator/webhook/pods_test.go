package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// objects is a client.Reader that has what it is given; a real one is tried in test/envtest.
type objects struct {
	have  map[string]client.Object // by type and name
	fails map[string]error
	reads atomic.Int32
}

func having(all ...client.Object) *objects {
	o := &objects{have: map[string]client.Object{}, fails: map[string]error{}}
	for _, object := range all {
		o.have[identify(object, client.ObjectKeyFromObject(object))] = object
	}
	return o
}

func identify(object client.Object, key client.ObjectKey) string {
	return fmt.Sprintf("%T %s", object, key)
}

func (o *objects) Get(ctx context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	o.reads.Add(1)
	id := identify(into, key)
	if err := o.fails[id]; err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	found, ok := o.have[id]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "things"}, key.Name)
	}
	reflect.ValueOf(into).Elem().Set(reflect.ValueOf(found.DeepCopyObject()).Elem())
	return nil
}

func (*objects) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("nothing is listed while answering")
}

func scheme(t testing.TB) *runtime.Scheme {
	t.Helper()
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), v1.AddToScheme(s)); err != nil {
		t.Fatal(err)
	}
	return s
}

func injecting(t testing.TB, cache, live client.Reader) *pods {
	t.Helper()
	m, _ := testMetrics(t)
	return &pods{
		reader:  reader{cache: cache, live: live, defaults: model.BridgeResources{DefaultImage: "steg-bridge:test"}},
		decoder: admission.NewDecoder(scheme(t)), checkSecrets: true, native: func() bool { return true }, metrics: m, log: slog.New(slog.DiscardHandler),
	}
}

func kafkaBridge(change ...func(*v1.KafkaBridge)) *v1.KafkaBridge {
	b := &v1.KafkaBridge{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1.GroupVersion.String(), Kind: "KafkaBridge"},
		ObjectMeta: metav1.ObjectMeta{Name: "my-bridge", Namespace: "shop"},
		Spec:       v1.KafkaBridgeSpec{BootstrapServers: "my-cluster-kafka-bootstrap:9092", HTTP: &v1.BridgeHTTP{}},
	}
	for _, c := range change {
		c(b)
	}
	return b
}

func withTLS(b *v1.KafkaBridge) {
	b.Spec.TLS = &v1.ClientTLS{TrustedCertificates: []v1.CertSecretSource{
		{SecretName: "ca", Certificate: "ca.crt"}, {SecretName: "more", Pattern: "*.crt"},
	}}
}

func secret(name string, keys ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Data: map[string][]byte{}}
	for _, k := range keys {
		s.Data[k] = []byte("x")
	}
	return s
}

func pod(change ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "app-", Labels: map[string]string{"steg.dev/bridge": "my-bridge"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
	}
	for _, c := range change {
		c(p)
	}
	return p
}

func request(t testing.TB, operation admissionv1.Operation, object, old any) admission.Request {
	t.Helper()
	r := admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{UID: "u", Namespace: "shop", Operation: operation}}
	for into, from := range map[*runtime.RawExtension]any{&r.Object: object, &r.OldObject: old} {
		text, err := json.Marshal(from)
		if err != nil {
			t.Fatal(err)
		}
		into.Raw = text
	}
	return r
}

// admittedPod applies the answer's patch, as the API server would.
func admittedPod(t testing.TB, req admission.Request, response admission.Response) *corev1.Pod {
	t.Helper()
	if !response.Allowed {
		t.Fatalf("not admitted: %s", response.Result.Message)
	}
	text, err := json.Marshal(applied(t, req.Object.Raw, response.Patch))
	if err != nil {
		t.Fatal(err)
	}
	out := &corev1.Pod{}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPodGetsSidecar(t *testing.T) {
	p := injecting(t, having(kafkaBridge()), having())
	req := request(t, admissionv1.Create, pod(), nil)
	response := p.Handle(t.Context(), req)
	got := admittedPod(t, req, response)
	if len(got.Spec.InitContainers) != 1 || got.Spec.InitContainers[0].Name != "steg-bridge" || got.Spec.InitContainers[0].Image != "steg-bridge:test" {
		t.Fatalf("init containers %+v", got.Spec.InitContainers)
	}
	if got.Annotations["steg.dev/injected"] != "shop/my-bridge" {
		t.Errorf("annotations %v: the namespace is the request's", got.Annotations)
	}
	if response.PatchType == nil || *response.PatchType != admissionv1.PatchTypeJSONPatch {
		t.Error("the patch has no type")
	}
	if n := testutil.ToFloat64(p.metrics.answers.WithLabelValues("pods", "admitted", "Injected")); n != 1 {
		t.Errorf("%v answers counted", n)
	}
	// The API server calls again when another webhook changed the pod.
	again := request(t, admissionv1.Create, got, nil)
	if response := p.Handle(t.Context(), again); !response.Allowed || response.Patch != nil {
		t.Errorf("at the second call: allowed %v, patch %s", response.Allowed, response.Patch)
	}
}

func TestFallback(t *testing.T) {
	p := injecting(t, having(kafkaBridge()), having())
	p.native = func() bool { return false }
	req := request(t, admissionv1.Create, pod(func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }), nil)
	response := p.Handle(t.Context(), req)
	got := admittedPod(t, req, response)
	if len(got.Spec.Containers) != 2 || got.Spec.Containers[0].Name != "steg-bridge" {
		t.Fatalf("containers %+v", got.Spec.Containers)
	}
	if len(response.Warnings) == 0 || !strings.Contains(strings.Join(response.Warnings, " "), "KAFKA_HTTP_QUIT_URL") {
		t.Errorf("warnings %q", response.Warnings)
	}
}

// TestOthersAreLeftAlone: a pod without the label costs no read and gets no patch.
func TestOthersAreLeftAlone(t *testing.T) {
	cache, live := having(), having()
	p := injecting(t, cache, live)
	response := p.Handle(t.Context(), request(t, admissionv1.Create, pod(func(p *corev1.Pod) { p.Labels = nil }), nil))
	if !response.Allowed || response.Patch != nil || cache.reads.Load()+live.reads.Load() != 0 {
		t.Errorf("allowed %v, patch %s, %d reads", response.Allowed, response.Patch, cache.reads.Load()+live.reads.Load())
	}
}

// TestBridgeJustCreated: what the cache does not have yet is asked of the API server.
func TestBridgeJustCreated(t *testing.T) {
	cache := having()
	live := having(kafkaBridge())
	req := request(t, admissionv1.Create, pod(), nil)
	if got := admittedPod(t, req, injecting(t, cache, live).Handle(t.Context(), req)); len(got.Spec.InitContainers) != 1 {
		t.Error("no sidecar")
	}
	cache.fails[identify(&v1.KafkaBridge{}, client.ObjectKey{Namespace: "shop", Name: "my-bridge"})] = errors.New("unknown namespace for the cache")
	if response := injecting(t, cache, live).Handle(t.Context(), req); !response.Allowed {
		t.Errorf("with a cache that has other namespaces only: %s", response.Result.Message)
	}
}

func TestPodRefused(t *testing.T) {
	ca, more := secret("ca", "ca.crt"), secret("more", "a.crt")
	for _, c := range []struct {
		name            string
		pod             *corev1.Pod
		have            []client.Object
		outcome, reason string
		code            int32
		want            string
	}{
		{
			name: "no bridge", pod: pod(), outcome: refused, reason: "KafkaBridgeMissing", code: 403,
			want: `there is no KafkaBridge "my-bridge" in namespace "shop": create it, or correct the pod's label steg.dev/bridge`,
		},
		{
			name: "both labels", pod: pod(func(p *corev1.Pod) { p.Labels["steg.dev/cluster"] = "c" }), outcome: refused, reason: "PodNotInjectable", code: 403,
			want: `labels steg.dev/bridge and steg.dev/cluster exclude each other: remove one`,
		},
		{
			name: "unknown annotation", pod: pod(func(p *corev1.Pod) { p.Annotations = map[string]string{"steg.dev/prot": "1"} }), have: []client.Object{kafkaBridge()},
			outcome: refused, reason: "PodNotInjectable", code: 403, want: "annotation steg.dev/prot is not known: did you mean steg.dev/port?",
		},
		{
			name: "bad bridge", pod: pod(), have: []client.Object{kafkaBridge(func(b *v1.KafkaBridge) { b.Spec.BootstrapServers = "" })},
			outcome: refused, reason: "KafkaBridgeInvalid", code: 403, want: `KafkaBridge "my-bridge" can't be used: spec.bootstrapServers: `,
		},
		{
			name: "no Secret", pod: pod(), have: []client.Object{kafkaBridge(withTLS), ca}, outcome: refused, reason: "SecretMissing", code: 403,
			want: `there is no Secret "more" in namespace "shop": create it, or correct spec.tls.trustedCertificates[1] of KafkaBridge "my-bridge"`,
		},
		{
			name: "no Secrets: the first by name", pod: pod(), have: []client.Object{kafkaBridge(withTLS)}, outcome: refused, reason: "SecretMissing", code: 403,
			want: `there is no Secret "ca" in`,
		},
		{
			name: "no key", pod: pod(), have: []client.Object{kafkaBridge(withTLS), secret("ca", "other"), more}, outcome: refused, reason: "SecretMissing", code: 403,
			want: `Secret "ca" has no key "ca.crt": add it, or correct spec.tls.trustedCertificates[0] of KafkaBridge "my-bridge"`,
		},
		{
			name: "no key like", pod: pod(), have: []client.Object{kafkaBridge(withTLS), ca, secret("more", "a.pem")}, outcome: refused, reason: "SecretMissing", code: 403,
			want: `Secret "more" has no key that matches "*.crt": add one, or correct spec.tls.trustedCertificates[1]`,
		},
		{name: "all there", pod: pod(), have: []client.Object{kafkaBridge(withTLS), ca, more}, outcome: admitted, reason: "Injected", code: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := injecting(t, having(c.have...), having(c.have...))
			response := p.Handle(t.Context(), request(t, admissionv1.Create, c.pod, nil))
			if response.Result.Code != c.code || response.Allowed != (c.outcome == admitted) {
				t.Errorf("allowed %v, code %d, want %d", response.Allowed, response.Result.Code, c.code)
			}
			if got := response.Result.Message; !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
				t.Errorf("message\n %q, want\n %q", got, c.want)
			}
			if n := testutil.ToFloat64(p.metrics.answers.WithLabelValues("pods", c.outcome, c.reason)); n != 1 {
				t.Errorf("%v answers counted as %s %s", n, c.outcome, c.reason)
			}
		})
	}
}

func TestSecretsUnchecked(t *testing.T) {
	live := having()
	p := injecting(t, having(kafkaBridge(withTLS)), live)
	p.checkSecrets = false
	if response := p.Handle(t.Context(), request(t, admissionv1.Create, pod(), nil)); !response.Allowed || live.reads.Load() != 0 {
		t.Errorf("allowed %v with %d reads", response.Allowed, live.reads.Load())
	}
}

// TestOperatorFails: what is not the user's fault is an error on which controllers try again.
func TestOperatorFails(t *testing.T) {
	ca := identify(&corev1.Secret{}, client.ObjectKey{Namespace: "shop", Name: "ca"})
	resource := schema.GroupResource{Resource: "secrets"}
	over, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		err    error
		code   int32
		reason string
		want   string
	}{
		{"forbidden", t.Context(), apierrors.NewForbidden(resource, "ca", errors.New("no")), 500, "NotAllowedToRead", `steg-operator lacks a right: reading Secret "ca": `},
		{"no answer", t.Context(), apierrors.NewTimeoutError("slow", 1), 503, "Timeout", "steg-operator got no answer from the API server in time, try again: "},
		{"busy", t.Context(), apierrors.NewTooManyRequests("busy", 1), 503, "Timeout", "steg-operator got no answer"},
		{"broken", t.Context(), errors.New("connection refused"), 500, "Internal", `steg-operator failed: reading Secret "ca": connection refused`},
		{"deadline", over, nil, 503, "Timeout", "steg-operator got no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			live := having(secret("ca", "ca.crt"), secret("more", "a.crt"))
			if c.err != nil {
				live.fails[ca] = c.err
			}
			p := injecting(t, having(kafkaBridge(withTLS)), live)
			response := p.Handle(c.ctx, request(t, admissionv1.Create, pod(), nil))
			if response.Allowed || response.Result.Code != c.code || !strings.HasPrefix(response.Result.Message, c.want) {
				t.Errorf("allowed %v, %d %q", response.Allowed, response.Result.Code, response.Result.Message)
			}
			if n := testutil.ToFloat64(p.metrics.answers.WithLabelValues("pods", failed, c.reason)); n != 1 {
				t.Errorf("%v answers counted as %s", n, c.reason)
			}
		})
	}
	// A missing Secret is told even when another one can't be read.
	live := having()
	live.fails[ca] = errors.New("connection refused")
	response := injecting(t, having(kafkaBridge(withTLS)), live).Handle(t.Context(), request(t, admissionv1.Create, pod(), nil))
	if response.Result.Code != http.StatusForbidden || !strings.Contains(response.Result.Message, `no Secret "more"`) {
		t.Errorf("%d %q", response.Result.Code, response.Result.Message)
	}
}

func TestUndecodablePod(t *testing.T) {
	req := request(t, admissionv1.Create, pod(), nil)
	req.Object.Raw = []byte(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":7}}`)
	response := injecting(t, having(), having()).Handle(t.Context(), req)
	if response.Allowed || !strings.HasPrefix(response.Result.Message, "the pod can't be decoded: ") {
		t.Errorf("%v %q", response.Allowed, response.Result.Message)
	}
}

func judging(t testing.TB, have ...client.Object) *bridges {
	t.Helper()
	m, _ := testMetrics(t)
	return &bridges{reader: reader{cache: having(), live: having(have...), defaults: model.BridgeResources{DefaultImage: "i"}}, decoder: admission.NewDecoder(scheme(t)), metrics: m}
}

func TestValidate(t *testing.T) {
	bad := kafkaBridge(func(b *v1.KafkaBridge) { b.Spec.BootstrapServers = ""; b.Spec.HTTP.Port = new(int32(80)) })
	touched := bad.DeepCopy()
	touched.Finalizers = []string{"somebody.example/else"}
	leaving := bad.DeepCopy()
	leaving.DeletionTimestamp = &metav1.Time{}
	relabelled := bad.DeepCopy()
	relabelled.Annotations = map[string]string{"a": "b"}
	for _, c := range []struct {
		name      string
		operation admissionv1.Operation
		now, old  *v1.KafkaBridge
		reason    string
		allowed   bool
		warned    string
	}{
		{name: "good", operation: admissionv1.Create, now: kafkaBridge(), allowed: true, reason: "Valid"},
		{name: "deprecated", operation: admissionv1.Create, now: kafkaBridge(func(b *v1.KafkaBridge) { b.Spec.EnableMetrics = new(true) }), allowed: true, reason: "Valid", warned: "spec.enableMetrics"},
		{name: "bad", operation: admissionv1.Create, now: bad, reason: "KafkaBridgeInvalid"},
		{name: "made bad", operation: admissionv1.Update, now: bad, old: kafkaBridge(), reason: "KafkaBridgeInvalid"},
		{name: "bad as before", operation: admissionv1.Update, now: touched, old: bad, allowed: true, reason: "Unchanged", warned: "spec.bootstrapServers"},
		{name: "bad and annotated", operation: admissionv1.Update, now: relabelled, old: bad, reason: "KafkaBridgeInvalid"},
		{name: "bad and leaving", operation: admissionv1.Update, now: leaving, old: bad, allowed: true, reason: "Unchanged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.now.DeletionTimestamp != nil {
				now := metav1.Now()
				c.now.DeletionTimestamp = &now
			}
			b := judging(t)
			response := b.Handle(t.Context(), request(t, c.operation, c.now, c.old))
			outcome := admitted
			if !c.allowed {
				outcome = refused
			}
			if response.Allowed != c.allowed || testutil.ToFloat64(b.metrics.answers.WithLabelValues("kafkabridges", outcome, c.reason)) != 1 {
				t.Fatalf("allowed %v: %+v", response.Allowed, response.Result)
			}
			if c.warned != "" && !slices.ContainsFunc(response.Warnings, func(w string) bool { return strings.Contains(w, c.warned) }) {
				t.Errorf("warnings %q, want one about %s", response.Warnings, c.warned)
			}
			if c.allowed {
				return
			}
			if response.Result.Code != http.StatusUnprocessableEntity || response.Result.Reason != metav1.StatusReasonInvalid {
				t.Errorf("%d %s", response.Result.Code, response.Result.Reason)
			}
			var fields []string
			for _, cause := range response.Result.Details.Causes {
				fields = append(fields, cause.Field)
			}
			if !slices.Contains(fields, "spec.bootstrapServers") || len(fields) < 2 {
				t.Errorf("fields %q: all that is wrong is to be told", fields)
			}
		})
	}
}

func TestValidateUndecodable(t *testing.T) {
	req := request(t, admissionv1.Create, kafkaBridge(), nil)
	req.Object.Raw = []byte(`{"apiVersion":"kafka.strimzi.io/v1","kind":"KafkaBridge","spec":[]}`)
	if response := judging(t).Handle(t.Context(), req); response.Allowed || !strings.HasPrefix(response.Result.Message, "the KafkaBridge can't be decoded: ") {
		t.Errorf("%v %q", response.Allowed, response.Result.Message)
	}
}

func TestCauses(t *testing.T) {
	err := fmt.Errorf("outer: %w", errors.Join(model.Invalid{Field: "a", Message: "x"}, fmt.Errorf("inner: %w", model.Invalid{Field: "b", Message: "y"}), errors.New("other")))
	want := []metav1.StatusCause{
		{Type: metav1.CauseTypeFieldValueInvalid, Field: "a", Message: "x"}, {Type: metav1.CauseTypeFieldValueInvalid, Field: "b", Message: "y"},
	}
	if diff := cmp.Diff(want, causes(err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// BenchmarkPod is the work for one pod whose KafkaBridge has three Secrets, without the requests for them.
func BenchmarkPod(b *testing.B) {
	bridge := kafkaBridge(withTLS, func(k *v1.KafkaBridge) {
		k.Spec.Authentication = &v1.ClientAuthentication{Type: "scram-sha-512", Username: "u", PasswordSecret: &v1.PasswordSecretSource{SecretName: "user", Password: "password"}}
	})
	have := having(bridge, secret("ca", "ca.crt"), secret("more", "a.crt"), secret("user", "password"))
	p := injecting(b, have, have)
	req := request(b, admissionv1.Create, pod(), nil)
	b.ReportAllocs()
	for b.Loop() {
		if response := p.Handle(b.Context(), req); !response.Allowed {
			b.Fatal(response.Result.Message)
		}
	}
}
