//go:build envtest

package envtest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/webhook"
)

// definition is the CustomResourceDefinition whose conversion is tried.
const definition = "kafkabridges.kafka.strimzi.io"

// operator is a manager with the webhooks, whose rights are those that the chart gives.
type operator struct {
	namespace    string
	url          string
	certificates *webhook.Certificates
	registry     *prometheus.Registry
	log          *lines
	stop         func() // and wait for the end
}

// clock is a time that can be moved.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time      { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) set(d time.Duration) { c.ahead.Store(int64(d)) }

// lines keeps what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// operatorOptions change how an operator is started.
type operatorOptions struct {
	clock     *clock
	convert   bool
	follower  bool // another replica leads
	port      int  // of the webhook; 0: a free one
	checkNone bool // Secrets are not checked
	mirror    webhook.Mirror
	prepare   func(manager.Manager)
	settle    time.Duration
	noWaiting bool // return before it is ready
	directory string
	linger    time.Duration // none if zero
}

// hooks creates the webhook configurations of a namespace, as the chart has them but for the address. They concern pods and
// bridges of this namespace only.
func hooks(t *testing.T, c client.Client, namespace, url string) {
	t.Helper()
	here := &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}}
	rule := func(operations []admissionregistrationv1.OperationType, group, resource string) []admissionregistrationv1.RuleWithOperations {
		return []admissionregistrationv1.RuleWithOperations{{
			Operations: operations, Rule: admissionregistrationv1.Rule{
				APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: []string{resource}, Scope: new(admissionregistrationv1.NamespacedScope),
			},
		}}
	}
	exists, lacks := metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist
	pods := func(name string, effects admissionregistrationv1.SideEffectClass, labels ...metav1.LabelSelectorRequirement) admissionregistrationv1.MutatingWebhook {
		return admissionregistrationv1.MutatingWebhook{
			Name: name, AdmissionReviewVersions: []string{"v1"}, SideEffects: &effects,
			FailurePolicy: new(admissionregistrationv1.Fail), ReinvocationPolicy: new(admissionregistrationv1.IfNeededReinvocationPolicy), TimeoutSeconds: new(int32(5)),
			ClientConfig:      admissionregistrationv1.WebhookClientConfig{URL: new(url + "/mutate/pods/bridge")},
			Rules:             rule([]admissionregistrationv1.OperationType{admissionregistrationv1.Create}, "", "pods"),
			NamespaceSelector: here,
			ObjectSelector:    &metav1.LabelSelector{MatchExpressions: labels},
		}
	}
	configurations := []client.Object{
		&admissionregistrationv1.MutatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: namespace},
			Webhooks: []admissionregistrationv1.MutatingWebhook{
				pods("bridge.pods.steg.dev", admissionregistrationv1.SideEffectClassNone, metav1.LabelSelectorRequirement{Key: "steg.dev/bridge", Operator: exists}),
				pods("cluster.pods.steg.dev", admissionregistrationv1.SideEffectClassNoneOnDryRun,
					metav1.LabelSelectorRequirement{Key: "steg.dev/cluster", Operator: exists}, metav1.LabelSelectorRequirement{Key: "steg.dev/bridge", Operator: lacks}),
			},
		},
		&admissionregistrationv1.ValidatingWebhookConfiguration{
			ObjectMeta: metav1.ObjectMeta{Name: namespace},
			Webhooks: []admissionregistrationv1.ValidatingWebhook{{
				Name: "kafkabridge.steg.dev", AdmissionReviewVersions: []string{"v1"}, SideEffects: new(admissionregistrationv1.SideEffectClassNone),
				FailurePolicy: new(admissionregistrationv1.Fail), TimeoutSeconds: new(int32(5)),
				ClientConfig:      admissionregistrationv1.WebhookClientConfig{URL: new(url + "/validate/kafkabridge")},
				Rules:             rule([]admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update}, group, "kafkabridges"),
				NamespaceSelector: here,
			}},
		},
	}
	for _, o := range configurations {
		if err := c.Create(deadline(t), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Delete(context.WithoutCancel(t.Context()), o); err != nil {
				t.Error(err)
			}
		})
	}
}

// rights gives a service account what the chart gives the operator for its webhooks, and returns the configuration of a
// client that has no more than that.
func rights(t *testing.T, c client.Client, namespace string) *rest.Config {
	t.Helper()
	who := rbacv1.Subject{Kind: "ServiceAccount", Name: "steg-operator", Namespace: namespace}
	meta := metav1.ObjectMeta{Name: "webhook-" + namespace, Namespace: namespace}
	global := metav1.ObjectMeta{Name: meta.Name}
	for _, o := range []client.Object{
		&rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"serving"}, Verbs: []string{"get", "update"}},
			{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}},
		}},
		&rbacv1.RoleBinding{ObjectMeta: meta, Subjects: []rbacv1.Subject{who}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: meta.Name}},
		&rbacv1.ClusterRole{ObjectMeta: global, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations"}, ResourceNames: []string{namespace}, Verbs: []string{"get", "patch"}},
			{APIGroups: []string{"apiextensions.k8s.io"}, Resources: []string{"customresourcedefinitions"}, ResourceNames: []string{definition}, Verbs: []string{"get", "patch"}},
			{APIGroups: []string{""}, Resources: []string{"secrets", "configmaps"}, Verbs: []string{"get"}},
			{APIGroups: []string{group}, Resources: []string{"kafkabridges"}, Verbs: []string{"get", "list", "watch"}},
			{APIGroups: []string{group}, Resources: []string{"kafkas", "kafkausers"}, Verbs: []string{"get"}},
		}},
		&rbacv1.ClusterRoleBinding{ObjectMeta: global, Subjects: []rbacv1.Subject{who}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: meta.Name}},
	} {
		if err := c.Create(deadline(t), o); err != nil && client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	}
	config := rest.CopyConfig(server)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + namespace + ":steg-operator"}
	config.QPS = -1
	return config
}

// start runs an operator whose webhooks concern the given namespace, and waits until it is ready.
func start(t *testing.T, c client.Client, namespace string, o operatorOptions) *operator {
	t.Helper()
	if o.port == 0 {
		o.port = freePort(t)
	}
	if o.clock == nil {
		o.clock = &clock{}
	}
	op := &operator{namespace: namespace, url: "https://127.0.0.1:" + strconv.Itoa(o.port), registry: prometheus.NewRegistry(), log: &lines{}}
	log := slog.New(slog.NewTextHandler(op.log, nil))
	options := webhook.CertificateOptions{
		Namespace: namespace, Secret: "serving", URL: op.url, Mutating: []string{namespace}, Validating: []string{namespace}, Directory: o.directory,
		Interval: 200 * time.Millisecond, Settle: o.settle, Linger: cmp.Or(o.linger, -1), Log: log, Now: o.clock.now,
	}
	if o.convert {
		options.CustomResources = []string{definition}
	}
	var err error
	if op.certificates, err = webhook.NewCertificates(options); err != nil {
		t.Fatal(err)
	}
	mgr, err := ctrl.NewManager(rights(t, c, namespace), ctrl.Options{
		Scheme: c.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:          cache.Options{ReaderFailOnMissingInformer: true},
		WebhookServer:  op.certificates.Server(ctrlwebhook.Options{Host: "127.0.0.1", Port: o.port}),
		LeaderElection: o.follower, LeaderElectionID: "taken", LeaderElectionNamespace: namespace,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := webhook.Setup(mgr, webhook.Options{
		Certificates: op.certificates, Defaults: model.BridgeResources{DefaultImage: "steg-bridge:test"}, Native: func() bool { return true },
		CheckSecrets: !o.checkNone, Mirror: o.mirror, Validate: true, Convert: o.convert, Registerer: op.registry, Log: log,
	}); err != nil {
		t.Fatal(err)
	}
	if o.prepare != nil {
		o.prepare(mgr)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	op.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended with %v", err)
		}
		if t.Failed() {
			t.Logf("the operator logged:\n%s", op.log)
		}
	})
	t.Cleanup(op.stop)
	if !o.noWaiting {
		eventually(t, "the operator is ready", func() error { return op.certificates.Ready(nil) })
	}
	return op
}

// startWithHooks is start with the webhook configurations.
func startWithHooks(t *testing.T, o operatorOptions) (client.Client, *operator) {
	t.Helper()
	c, namespace := cluster(t)
	o.port = freePort(t)
	hooks(t, c, namespace, "https://127.0.0.1:"+strconv.Itoa(o.port))
	return c, start(t, c, namespace, o)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually asks until there is no error, for as long as the tests' patience.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = check(); err == nil {
			return
		}
	}
	t.Fatalf("not in %s: %s: %v", patience, what, err)
}

// kubectl runs the real one as the administrator, with a text as its standard input.
func kubectl(t *testing.T, input string, args ...string) (output string, err error) {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if block, _ := pem.Decode(server.KeyData); block == nil {
		t.Fatal("the administrator has no key")
	}
	all := append([]string{
		"--server", server.Host, "--certificate-authority", file("ca", server.CAData), "--client-certificate", file("crt", server.CertData),
		"--client-key", file("key", server.KeyData), "--cache-dir", dir, "--request-timeout", "20s",
	}, args...)
	command := exec.CommandContext(deadline(t), filepath.Join(os.Getenv("KUBEBUILDER_ASSETS"), "kubectl"), all...)
	command.Env = []string{"HOME=" + dir, "KUBECONFIG=" + file("none", nil)}
	command.Stdin = strings.NewReader(input)
	text, err := command.CombinedOutput()
	return strings.TrimSpace(string(text)), err
}

// bridge is a KafkaBridge without TLS.
func bridge(namespace, name string) string {
	return fmt.Sprintf(`{apiVersion: kafka.strimzi.io/v1, kind: KafkaBridge, metadata: {name: %s, namespace: %s}, spec: {bootstrapServers: "k:9092", http: {port: 8080}}}`, name, namespace)
}

// labelled is a pod that asks for a sidecar.
func labelled(namespace, name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: map[string]string{"steg.dev/bridge": "my-bridge"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}, AutomountServiceAccountToken: new(false)},
	}
}
