package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// ownKafka is a Kafka of a namespace, with a listener for each kind of user and one for everybody.
func ownKafka(namespace string, change ...func(*v1.Kafka)) *v1.Kafka {
	listener := func(name string, port int32, tls bool, auth string) v1.Listener {
		l := v1.Listener{Name: name, Port: port, Type: v1.ListenerInternal, TLS: tls}
		if auth != "" {
			l.Authentication = &v1.ListenerAuthentication{Type: auth}
		}
		return l
	}
	k := &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "my-cluster", Namespace: namespace}}
	k.Spec.Kafka.Listeners = []v1.Listener{
		listener("plain", 9092, false, ""), listener("tls", 9093, true, v1.AuthenticationTLS), listener("scram", 9094, true, v1.AuthenticationScramSHA512),
	}
	for _, c := range change {
		c(k)
	}
	return k
}

func onlyPlain(k *v1.Kafka) { k.Spec.Kafka.Listeners = k.Spec.Kafka.Listeners[:1] }

// ownUser is a KafkaUser of my-cluster with a certificate, as the user operator leaves it.
func ownUser(namespace string, change ...func(*v1.KafkaUser)) *v1.KafkaUser {
	u := &v1.KafkaUser{
		ObjectMeta: metav1.ObjectMeta{Name: "my-app", Namespace: namespace, Labels: map[string]string{"strimzi.io/cluster": "my-cluster"}, Annotations: map[string]string{}},
		Spec:       v1.KafkaUserSpec{Authentication: &v1.KafkaUserAuthentication{Type: v1.AuthenticationTLS}},
		Status:     v1.KafkaUserStatus{Secret: "my-app"},
	}
	for _, c := range change {
		c(u)
	}
	return u
}

func allowing(namespaces string) func(*v1.KafkaUser) {
	return func(u *v1.KafkaUser) { u.Annotations["steg.dev/allowed-namespaces"] = namespaces }
}

func withoutSecret(u *v1.KafkaUser) { u.Status.Secret = "" }

func withPassword(u *v1.KafkaUser) { u.Spec.Authentication.Type = v1.AuthenticationScramSHA512 }

func withoutAuthentication(u *v1.KafkaUser) { u.Spec.Authentication, u.Status.Secret = nil, "" }

func ofCluster(name string) func(*v1.KafkaUser) {
	return func(u *v1.KafkaUser) { u.Labels["strimzi.io/cluster"] = name }
}

// asks is a pod of namespace shop that asks for my-cluster, as a user if it names one.
func asks(as string, change ...func(*corev1.Pod)) *corev1.Pod {
	return pod(append([]func(*corev1.Pod){func(p *corev1.Pod) {
		p.Labels = map[string]string{"steg.dev/cluster": "my-cluster"}
		if as != "" {
			p.Annotations = map[string]string{"steg.dev/user": as}
		}
	}}, change...)...)
}

// authority and credentials are the Secrets that operators make in the Kafka's namespace, mirror what stands elsewhere.
func authority() *corev1.Secret   { return secret("my-cluster-cluster-ca-cert", "ca.crt", "ca.p12") }
func credentials() *corev1.Secret { return secret("my-app", "user.crt", "user.key", "ca.crt") }
func mirror() *corev1.Secret {
	return secret(names.KafkaUserMirror("kafka", "my-app"), "user.crt", "user.key", "cluster-ca.crt")
}

// mirroring makes p bring Secrets into other namespaces, and returns who was asked for as "namespace/name into namespace".
func mirroring(p *pods, err error) *[]string {
	asked := &[]string{}
	p.mirror = func(_ context.Context, of *v1.KafkaUser, namespace string) (string, error) {
		*asked = append(*asked, of.Namespace+"/"+of.Name+" into "+namespace)
		return names.KafkaUserMirror(of.Namespace, of.Name), err
	}
	return asked
}

// properties are the sidecar's own settings.
func properties(t testing.TB, p *corev1.Pod) string {
	t.Helper()
	if len(p.Spec.InitContainers) != 1 {
		t.Fatalf("init containers %+v", p.Spec.InitContainers)
	}
	for _, e := range p.Spec.InitContainers[0].Env {
		if e.Name == names.EnvProperties {
			return e.Value
		}
	}
	t.Fatal("the sidecar has no settings")
	return ""
}

// mounted are the Secrets that the pod mounts.
func mounted(t testing.TB, p *corev1.Pod) string {
	t.Helper()
	text, err := json.Marshal(p.Spec.Volumes)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDirectSidecar: a pod that names a Kafka and a KafkaUser gets a sidecar that reaches the one as the other, whether the cache
// has them or only the API server.
func TestDirectSidecar(t *testing.T) {
	for _, c := range []struct {
		name    string
		as      string
		have    []client.Object
		expects []string // in the settings
		mounts  []string
	}{
		{
			name: "certificate", as: "my-app", have: []client.Object{ownKafka("shop"), ownUser("shop"), authority(), credentials()},
			expects: []string{"kafka.bootstrap.servers=my-cluster-kafka-bootstrap.shop.svc:9093\n", "kafka.security.protocol=SSL\n"},
			mounts:  []string{`"my-cluster-cluster-ca-cert"`, `"my-app"`},
		},
		{
			name: "its own namespace by name", as: "shop/my-app", have: []client.Object{ownKafka("shop"), ownUser("shop"), authority(), credentials()},
			expects: []string{"kafka.security.protocol=SSL\n"}, mounts: []string{`"my-app"`},
		},
		{
			name: "password", as: "my-app", have: []client.Object{ownKafka("shop"), ownUser("shop", withPassword), authority(), secret("my-app", "password")},
			expects: []string{"my-cluster-kafka-bootstrap.shop.svc:9094\n", "kafka.security.protocol=SASL_SSL\n", "kafka.sasl.mechanism=SCRAM-SHA-512\n"},
			mounts:  []string{`"my-app"`},
		},
		{
			name: "nobody", have: []client.Object{ownKafka("shop")},
			expects: []string{"my-cluster-kafka-bootstrap.shop.svc:9092\n"},
		},
		{
			name: "another namespace", as: "kafka/my-app", have: []client.Object{ownKafka("kafka"), ownUser("kafka", allowing("shop")), mirror()},
			expects: []string{"kafka.bootstrap.servers=my-cluster-kafka-bootstrap.kafka.svc:9093\n", "kafka.security.protocol=SSL\n"},
			mounts:  []string{`"` + names.KafkaUserMirror("kafka", "my-app") + `"`},
		},
		{
			name: "another namespace, no authentication", as: "kafka/my-app", have: []client.Object{ownKafka("kafka"), ownUser("kafka", allowing("*"), withoutAuthentication)},
			expects: []string{"my-cluster-kafka-bootstrap.kafka.svc:9092\n"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seen []*corev1.Pod
			for _, cache := range []*objects{having(c.have...), having()} {
				p := injecting(t, cache, having(c.have...))
				mirroring(p, nil)
				req := request(t, admissionv1.Create, asks(c.as), nil)
				seen = append(seen, admittedPod(t, req, p.Handle(t.Context(), req)))
				if n := testutil.ToFloat64(p.metrics.answers.WithLabelValues("pods", admitted, "Injected")); n != 1 {
					t.Errorf("%v answers counted", n)
				}
			}
			if diff := cmp.Diff(seen[0], seen[1]); diff != "" {
				t.Errorf("with an empty cache it is another pod (-cached +live)\n%s", diff)
			}
			settings := properties(t, seen[0])
			for _, want := range c.expects {
				if !strings.Contains(settings, want) {
					t.Errorf("settings\n%s\nwithout %q", settings, want)
				}
			}
			for _, want := range c.mounts {
				if volumes := mounted(t, seen[0]); !strings.Contains(volumes, want) {
					t.Errorf("volumes %s without %s", volumes, want)
				}
			}
			if got := seen[0].Annotations["steg.dev/injected"]; got != "shop/my-cluster" {
				t.Errorf("injected %q", got)
			}
		})
	}
}

// TestDirectReinvoked: the second call for a pod brings it to the same state.
func TestDirectReinvoked(t *testing.T) {
	have := having(ownKafka("shop"), ownUser("shop"), authority(), credentials())
	p := injecting(t, have, have)
	req := request(t, admissionv1.Create, asks("my-app"), nil)
	again := request(t, admissionv1.Create, admittedPod(t, req, p.Handle(t.Context(), req)), nil)
	if response := p.Handle(t.Context(), again); !response.Allowed || response.Patch != nil {
		t.Errorf("allowed %v, patch %s", response.Allowed, response.Patch)
	}
}

// TestDirectStaleCache: nobody is refused because of what the cache has not heard of yet.
func TestDirectStaleCache(t *testing.T) {
	for name, c := range map[string]struct {
		as    string
		cache []client.Object
		live  []client.Object
	}{
		"no Secret yet":   {"my-app", []client.Object{ownKafka("shop"), ownUser("shop", withoutSecret)}, []client.Object{ownKafka("shop"), ownUser("shop"), authority(), credentials()}},
		"another cluster": {"my-app", []client.Object{ownKafka("shop"), ownUser("shop", ofCluster("old"))}, []client.Object{ownKafka("shop"), ownUser("shop"), authority(), credentials()}},
		"no listener":     {"my-app", []client.Object{ownKafka("shop", onlyPlain), ownUser("shop")}, []client.Object{ownKafka("shop"), ownUser("shop"), authority(), credentials()}},
		"no Kafka":        {"my-app", []client.Object{ownUser("shop")}, []client.Object{ownKafka("shop"), ownUser("shop"), authority(), credentials()}},
		"not allowed":     {"kafka/my-app", []client.Object{ownKafka("kafka"), ownUser("kafka")}, []client.Object{ownKafka("kafka"), ownUser("kafka", allowing("shop")), mirror()}},
	} {
		t.Run(name, func(t *testing.T) {
			p := injecting(t, having(c.cache...), having(c.live...))
			mirroring(p, nil)
			if response := p.Handle(t.Context(), request(t, admissionv1.Create, asks(c.as), nil)); !response.Allowed {
				t.Error(response.Result.Message)
			}
		})
	}
}

// TestDirectRefused: each refusal is one line that says what to change, and is counted by its reason.
func TestDirectRefused(t *testing.T) {
	const (
		waits      = `: the conditions of Kafka "my-cluster" and KafkaUser "my-app" say what it waits for`
		notAllowed = `there is no KafkaUser "my-app" in namespace "kafka" that pods of namespace "shop" may use: create it, add shop to its annotation steg.dev/allowed-namespaces, or correct the pod's annotation steg.dev/user`
	)
	both := func(more ...client.Object) []client.Object {
		return append([]client.Object{ownKafka("shop"), ownUser("shop")}, more...)
	}
	far := func(change ...func(*v1.KafkaUser)) []client.Object {
		return []client.Object{ownKafka("kafka"), ownUser("kafka", change...)}
	}
	for _, c := range []struct {
		name, as string
		have     []client.Object
		reason   string
		want     string
	}{
		{"no user", "my-app", []client.Object{ownKafka("shop")}, reasonNoUser, `there is no KafkaUser "my-app" in namespace "shop": create it, or correct the pod's annotation steg.dev/user`},
		{"no Kafka", "my-app", []client.Object{ownUser("shop")}, reasonNoUser, `there is no Kafka "my-cluster" in namespace "shop": create it, or correct the pod's label steg.dev/cluster`},
		{"no Kafka, nobody", "", nil, reasonNoUser, `there is no Kafka "my-cluster" in namespace "shop": create it, or correct the pod's label steg.dev/cluster`},
		{
			"user of another cluster", "my-app",
			[]client.Object{ownKafka("shop"), ownUser("shop", ofCluster("other"))},
			reasonPod,
			`KafkaUser my-app belongs to Kafka "other" (its label strimzi.io/cluster), not to my-cluster: correct the pod's label steg.dev/cluster`,
		},
		{"no Secret yet", "my-app", []client.Object{ownKafka("shop"), ownUser("shop", withoutSecret)}, reasonNoSecret, `KafkaUser "my-app" has no Secret yet: its conditions say what it waits for`},
		{"no listener", "my-app", []client.Object{ownKafka("shop", onlyPlain), ownUser("shop")}, reasonPod, `no internal listener of Kafka my-cluster is for KafkaUser my-app (authentication tls): add one to spec.kafka.listeners, such as {name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}`},
		{"no authority", "my-app", both(credentials()), reasonNoSecret, `there is no Secret "my-cluster-cluster-ca-cert" in namespace "shop"` + waits},
		{"Secret is gone", "my-app", both(authority()), reasonNoSecret, `there is no Secret "my-app" in namespace "shop"` + waits},
		{"Secret without a key", "my-app", both(authority(), secret("my-app", "user.crt")), reasonNoSecret, `Secret "my-app" has no key "user.key"` + waits},
		{"authority without a key", "my-app", both(secret("my-cluster-cluster-ca-cert", "ca.p12"), credentials()), reasonNoSecret, `Secret "my-cluster-cluster-ca-cert" has no key that matches "*.crt"` + waits},
		{"user elsewhere is missing", "kafka/my-app", []client.Object{ownKafka("kafka")}, reasonNotAllowed, notAllowed},
		{"user elsewhere is not allowed", "kafka/my-app", far(), reasonNotAllowed, notAllowed},
		{"others are allowed", "kafka/my-app", far(allowing("shop-2,warehouse")), reasonNotAllowed, notAllowed},
		{"nobody is allowed by a wrong list", "kafka/my-app", far(allowing("shop,Bad_One")), reasonNotAllowed, notAllowed},
		{"not allowed, of another cluster", "kafka/my-app", far(ofCluster("secret-project")), reasonNotAllowed, notAllowed},
		{"mirror is not there", "kafka/my-app", far(allowing("*")), reasonNoSecret, `there is no Secret "` + names.KafkaUserMirror("kafka", "my-app") + `" in namespace "shop"` + waits},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, cache := range []*objects{having(c.have...), having()} {
				p := injecting(t, cache, having(c.have...))
				mirroring(p, nil)
				response := p.Handle(t.Context(), request(t, admissionv1.Create, asks(c.as), nil))
				if response.Allowed || response.Result.Code != 403 || response.Result.Message != c.want {
					t.Errorf("allowed %v, %d\n got  %s\n want %s", response.Allowed, response.Result.Code, response.Result.Message, c.want)
				}
				if n := testutil.ToFloat64(p.metrics.answers.WithLabelValues("pods", refused, c.reason)); n != 1 {
					t.Errorf("%v answers counted as %s", n, c.reason)
				}
			}
		})
	}
}

// TestDirectSecretsUnchecked: without the check a pod is admitted before its Secrets are there, as far as their names are known,
// and by the cache alone.
func TestDirectSecretsUnchecked(t *testing.T) {
	for as, c := range map[string]struct {
		home    string
		user    []func(*v1.KafkaUser)
		allowed bool
	}{
		"my-app":       {"shop", nil, true},
		"shop/my-app":  {"shop", []func(*v1.KafkaUser){withoutSecret}, false},
		"kafka/my-app": {"kafka", []func(*v1.KafkaUser){withoutSecret, allowing("shop")}, true},
	} {
		p := injecting(t, having(ownKafka(c.home), ownUser(c.home, c.user...)), having())
		p.checkSecrets = false
		mirroring(p, nil)
		if response := p.Handle(t.Context(), request(t, admissionv1.Create, asks(as), nil)); response.Allowed != c.allowed {
			t.Errorf("%s: allowed %v: %+v", as, response.Allowed, response.Result)
		}
	}
}

// TestDirectMirrors: the user's Secret is brought into another namespace once, only if nothing is left to refuse, and not by a
// dry run, whose answer is the same otherwise.
func TestDirectMirrors(t *testing.T) {
	for name, c := range map[string]struct {
		as      string
		kafka   []func(*v1.Kafka)
		user    []func(*v1.KafkaUser)
		want    []string
		refused bool
	}{
		"allowed":           {as: "kafka/my-app", user: []func(*v1.KafkaUser){allowing("shop")}, want: []string{"kafka/my-app into shop"}},
		"everybody":         {as: "kafka/my-app", user: []func(*v1.KafkaUser){allowing("*")}, want: []string{"kafka/my-app into shop"}},
		"no authentication": {as: "kafka/my-app", user: []func(*v1.KafkaUser){allowing("*"), withoutAuthentication}},
		"not allowed":       {as: "kafka/my-app", refused: true},
		"no listener":       {as: "kafka/my-app", kafka: []func(*v1.Kafka){onlyPlain}, user: []func(*v1.KafkaUser){allowing("shop")}, refused: true},
		"another cluster":   {as: "kafka/my-app", user: []func(*v1.KafkaUser){allowing("shop"), ofCluster("other")}, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			have := having(ownKafka("kafka", c.kafka...), ownUser("kafka", c.user...), mirror())
			p := injecting(t, have, have)
			asked := mirroring(p, nil)
			for _, dry := range []bool{true, false} {
				req := request(t, admissionv1.Create, asks(c.as), nil)
				req.DryRun = new(dry)
				if response := p.Handle(t.Context(), req); response.Allowed == c.refused {
					t.Errorf("dry run %v: allowed %v: %+v", dry, response.Allowed, response.Result)
				}
				want := c.want
				if dry {
					want = nil
				}
				if diff := cmp.Diff(want, *asked, cmp.Transformer("empty", func(s []string) string { return strings.Join(s, ", ") })); diff != "" {
					t.Errorf("dry run %v: mirrored (-want +got)\n%s", dry, diff)
				}
			}
		})
	}
}

// TestDirectDryRunBeforeMirror: a dry run does not miss the Secret that only the real request would bring.
func TestDirectDryRunBeforeMirror(t *testing.T) {
	have := having(ownKafka("kafka"), ownUser("kafka", allowing("shop")))
	p := injecting(t, have, have)
	asked := mirroring(p, nil)
	req := request(t, admissionv1.Create, asks("kafka/my-app"), nil)
	req.DryRun = new(true)
	response := p.Handle(t.Context(), req)
	if got := admittedPod(t, req, response); len(got.Spec.InitContainers) != 1 || len(*asked) != 0 {
		t.Errorf("init containers %+v, mirrored %q", got.Spec.InitContainers, *asked)
	}
}

// TestDirectMirrorFails: what the mirror refuses is told to the user; what it could not do is tried again; where nobody mirrors,
// it is said even by a dry run.
func TestDirectMirrorFails(t *testing.T) {
	far := having(ownKafka("kafka"), ownUser("kafka", allowing("shop")), mirror())
	handle := func(p *pods, dry bool) admission.Response {
		req := request(t, admissionv1.Create, asks("kafka/my-app"), nil)
		req.DryRun = new(dry)
		return p.Handle(t.Context(), req)
	}
	for _, c := range []struct {
		err             error
		code            int32
		outcome, reason string
		want            string
	}{
		{user.Problem{Reason: user.ReasonConflict, Message: "Secret x exists"}, 403, refused, reasonNotAllowed, "Secret x exists"},
		{errors.New("connection refused"), 500, failed, reasonInternal, "steg-operator failed: connection refused"},
		{apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "x", errors.New("no")), 500, failed, reasonForbidden, "steg-operator lacks a right: "},
		{context.DeadlineExceeded, 503, failed, reasonTimeout, "steg-operator got no answer from the API server in time"},
	} {
		p := injecting(t, far, far)
		mirroring(p, c.err)
		if r := handle(p, false); r.Allowed || r.Result.Code != c.code || !strings.HasPrefix(r.Result.Message, c.want) {
			t.Errorf("allowed %v, %+v, want %d %q", r.Allowed, r.Result, c.code, c.want)
		}
		if n := testutil.ToFloat64(p.metrics.answers.WithLabelValues("pods", c.outcome, c.reason)); n != 1 {
			t.Errorf("%v answers counted as %s", n, c.reason)
		}
	}
	const nobody = `this operator looks after no KafkaUsers, so that nobody can bring the Secret of "my-app" into namespace "shop": write a KafkaBridge, and its name into the label steg.dev/bridge`
	for _, dry := range []bool{true, false} {
		if r := handle(injecting(t, far, far), dry); r.Allowed || r.Result.Code != 403 || r.Result.Message != nobody {
			t.Errorf("dry run %v: allowed %v, %+v", dry, r.Allowed, r.Result)
		}
	}
}

// TestDirectOperatorFails: what can't be read is not the user's fault.
func TestDirectOperatorFails(t *testing.T) {
	kafka := identify(&v1.Kafka{}, client.ObjectKey{Namespace: "shop", Name: "my-cluster"})
	app := identify(&v1.KafkaUser{}, client.ObjectKey{Namespace: "shop", Name: "my-app"})
	for id, want := range map[string]string{
		kafka: `steg-operator failed: reading Kafka "my-cluster": connection refused`, app: `steg-operator failed: reading KafkaUser "my-app": connection refused`,
	} {
		have := having(ownKafka("shop"), ownUser("shop"), authority(), credentials())
		have.fails[id] = errors.New("connection refused")
		if r := injecting(t, have, have).Handle(t.Context(), request(t, admissionv1.Create, asks("my-app"), nil)); r.Allowed || r.Result.Code != 500 || r.Result.Message != want {
			t.Errorf("allowed %v, %+v, want %s", r.Allowed, r.Result, want)
		}
	}
	over, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	live := having(ownKafka("shop"), ownUser("shop"))
	r := injecting(t, having(ownKafka("shop"), ownUser("shop")), live).Handle(over, request(t, admissionv1.Create, asks("my-app"), nil))
	if r.Allowed || r.Result.Code != 503 || live.reads.Load() != 0 {
		t.Errorf("too late: allowed %v, %+v, %d reads past the cache", r.Allowed, r.Result, live.reads.Load())
	}
}
