//go:build envtest

package envtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlenvtest "sigs.k8s.io/controller-runtime/pkg/envtest"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// What the operator's process may take: memory at rest and with a thousand labelled pods, in MiB, and the time to its first
// ready answer. The time is generous, since tests share the machine; it is printed.
const (
	restMemory  = 40
	podsMemory  = 64
	readyWithin = 15 * time.Second
)

// built builds the operator once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "steg", "envtest", "steg-operator")
	out, err := exec.Command("go", "build", "-ldflags", "-s -w", "-o", path, "github.com/steg-kafka/steg/cmd/steg-operator").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// process is the operator as a program.
type process struct {
	t       *testing.T
	command *exec.Cmd
	http    string // where /ready is
	log     *lines
	ready   time.Duration // from the start to the first ready answer
	ended   chan error
}

// operatorCommand is the program with arguments, as the API server's administrator.
func operatorCommand(ctx context.Context, t *testing.T, config *rest.Config, args ...string) *exec.Cmd {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["c"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	kubeconfig.AuthInfos["u"] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}
	kubeconfig.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	kubeconfig.CurrentContext = "x"
	if err := clientcmd.WriteToFile(*kubeconfig, file); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, path, args...)
	command.Env = []string{"KUBECONFIG=" + file}
	return command
}

// startProcess runs the operator for one namespace, with its webhooks, and waits until it is ready.
func startProcess(t *testing.T, c client.Client, config *rest.Config, namespace string, args ...string) *process {
	t.Helper()
	port := freePort(t)
	url := "https://127.0.0.1:" + strconv.Itoa(port)
	hooks(t, c, namespace, url)
	p := &process{t: t, http: "http://127.0.0.1:" + strconv.Itoa(freePort(t)), log: &lines{}, ended: make(chan error, 1)}
	p.command = operatorCommand(context.WithoutCancel(t.Context()), t, config, append([]string{
		"--namespace", namespace, "--watch-namespaces", namespace, "--http-address", strings.TrimPrefix(p.http, "http://"),
		"--webhook-port", strconv.Itoa(port), "--webhook-url", url, "--webhook-mutating", namespace, "--webhook-validating", namespace,
		"--bridge-image", "steg-bridge:test", "--node-image", "steg-node:test",
	}, args...)...)
	p.command.Stdout, p.command.Stderr = p.log, p.log
	began := time.Now()
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		if t.Failed() {
			t.Logf("the operator logged:\n%s", p.log)
		}
	})
	until(t, "the operator to be ready", func() (bool, string) {
		status, body := p.get("/ready")
		return status == http.StatusNoContent, fmt.Sprintf("%d %s", status, body)
	})
	p.ready = time.Since(began)
	return p
}

// get asks one of the process's own paths; the status is 0 if nobody answers.
func (p *process) get(path string) (status int, body string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(deadline(p.t), http.MethodGet, p.http+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, strings.TrimSpace(string(text))
}

// memory returns the process's resident memory in MiB, the least of some looks: what it needs, not what is about to go.
func (p *process) memory() float64 {
	p.t.Helper()
	least := 1e9
	for range 20 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
		if err != nil {
			p.t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "VmRSS:")
		kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		if err != nil {
			p.t.Fatal(err)
		}
		least = min(least, kib/1024)
		time.Sleep(100 * time.Millisecond) // the looks are spread; nothing is waited for
	}
	return least
}

// end asks the process to stop and returns how it did.
func (p *process) end() error {
	p.t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		return errors.New("it did not stop")
	}
}

// TestProcess runs the operator as it is shipped: it becomes ready, does its work, and stops when it is asked to.
func TestProcess(t *testing.T) {
	c, namespace := cluster(t)
	p := startProcess(t, c, server, namespace)
	info, err := os.Stat(p.command.Path)
	if err != nil {
		t.Fatal(err)
	}
	memory := p.memory()
	t.Logf("ready after %s, %.1f MiB at rest, %.1f MB of program", p.ready.Round(time.Millisecond), memory, float64(info.Size())/1e6)
	if p.ready > readyWithin || memory > restMemory {
		t.Errorf("more than %s or %d MiB", readyWithin, restMemory)
	}
	if status, body := p.get("/healthy"); status != http.StatusNoContent {
		t.Errorf("/healthy: %d %s", status, body)
	}
	bridge := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: "my-bridge", Namespace: namespace}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "kafka:9092"}}
	if err := c.Create(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	pod := asking("app", nil, "")
	pod.Namespace = namespace
	if err := c.Create(deadline(t), pod); err != nil {
		t.Fatal(err)
	}
	if len(pod.Spec.InitContainers) != 1 || pod.Spec.InitContainers[0].Image != "steg-bridge:test" {
		t.Errorf("the pod has the init containers %v", pod.Spec.InitContainers)
	}
	until(t, "the bridge to be deployed", func() (bool, string) {
		err := c.Get(deadline(t), client.ObjectKey{Namespace: namespace, Name: "my-bridge-bridge"}, &appsv1.Deployment{})
		return err == nil, fmt.Sprint(err)
	})
	counted := `strimzi_reconciliations_successful_total{kind="KafkaBridge",namespace="` + namespace + `",selector=""}`
	var metrics string
	until(t, "the pass to be counted", func() (bool, string) {
		_, metrics = p.get("/metrics")
		return strings.Contains(metrics, counted), "not yet"
	})
	for _, name := range []string{
		`strimzi_resources{`, "steg_pods_evicted_total 0", "controller_runtime_reconcile_total", "go_goroutines",
	} {
		if !strings.Contains(metrics, name) {
			t.Errorf("/metrics has no %s", name)
		}
	}
	if err := p.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	lease := &coordinationv1.Lease{}
	if err := c.Get(deadline(t), client.ObjectKey{Namespace: namespace, Name: "steg-operator"}, lease); err != nil {
		t.Fatal(err)
	}
	if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is still held by %s", *holder)
	}
	if strings.Contains(p.log.String(), "level=ERROR") {
		t.Errorf("it logged errors:\n%s", p.log)
	}
}

// TestProcessWithPods measures the operator beside a thousand labelled pods.
func TestProcessWithPods(t *testing.T) {
	c, namespace := cluster(t)
	p := startProcess(t, c, server, namespace)
	bridge := &v1.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: "my-bridge", Namespace: namespace}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "kafka:9092"}}
	if err := c.Create(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	const pods, atOnce = 1000, 20
	queue, failed := make(chan int), make(chan error, atOnce)
	for range atOnce {
		go func() {
			var errs []error
			for i := range queue {
				pod := asking("app-"+strconv.Itoa(i), nil, "")
				pod.Namespace = namespace
				errs = append(errs, c.Create(t.Context(), pod))
			}
			failed <- errors.Join(errs...)
		}()
	}
	began := time.Now()
	for i := range pods {
		queue <- i
	}
	close(queue)
	for range atOnce {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	memory := p.memory()
	t.Logf("%d pods in %s, then %.1f MiB", pods, time.Since(began).Round(time.Millisecond), memory)
	if memory > podsMemory {
		t.Errorf("more than %d MiB", podsMemory)
	}
	if err := p.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// TestProcessBesideOlder: on a cluster whose KafkaBridges, Kafkas and KafkaUsers are another operator's and in the older version
// alone, sidecars are injected from them, and nothing else is done. Then it is uninstalled.
func TestProcessBesideOlder(t *testing.T) {
	config, c := olderServer(t)
	namespace := "beside"
	if err := c.Create(deadline(t), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	p := startProcess(t, c, config, namespace, "--controllers", "inject")
	bridge := &v1beta2.KafkaBridge{ObjectMeta: metav1.ObjectMeta{Name: "my-bridge", Namespace: namespace}, Spec: v1.KafkaBridgeSpec{BootstrapServers: "kafka:9092"}}
	if err := c.Create(deadline(t), bridge); err != nil {
		t.Fatal(err)
	}
	pod := asking("app", nil, "")
	pod.Namespace = namespace
	if err := c.Create(deadline(t), pod); err != nil {
		t.Fatal(err)
	}
	if got := pod.Annotations[names.AnnotationInjected]; got != namespace+"/my-bridge" || len(pod.Spec.InitContainers) != 1 {
		t.Errorf("injected %q, init containers %v", got, pod.Spec.InitContainers)
	}
	injectBesideOlder(t, c, namespace)
	until(t, "a pass over the KafkaBridge", func() (bool, string) {
		_, metrics := p.get("/metrics")
		return strings.Contains(metrics, `steg_pods_stale{bridge="my-bridge",cluster="",namespace="beside"} 0`), "none"
	})
	before := bridge.ResourceVersion
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(bridge), bridge); err != nil || bridge.ResourceVersion != before {
		t.Errorf("%v: the KafkaBridge was written", err)
	}
	made := &controlled{Client: c, t: t, namespace: namespace}
	equal(t, []string(nil), made.made())
	if err := p.end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	uninstall(t, config, c, bridge)
}

// injectBesideOlder has a pod reach a Kafka as a KafkaUser.
func injectBesideOlder(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	kafka, app := kafkaWithTLS(namespace), kafkaUser(namespace, "my-app", "tls")
	older := &v1beta2.KafkaUser{ObjectMeta: app.ObjectMeta, Spec: app.Spec}
	for _, o := range []client.Object{
		&v1beta2.Kafka{ObjectMeta: kafka.ObjectMeta, Spec: kafka.Spec}, older,
		plainSecret(namespace, "my-cluster-cluster-ca-cert", "ca.crt"), plainSecret(namespace, "my-app", "user.crt", "user.key"),
	} {
		if err := c.Create(deadline(t), o); err != nil {
			t.Fatal(err)
		}
	}
	older.Status.Secret = "my-app"
	if err := c.Status().Update(deadline(t), older); err != nil {
		t.Fatal(err)
	}
	pod := asksFor(namespace, "direct", "my-app")
	if err := c.Create(deadline(t), pod); err != nil {
		t.Fatal(err)
	}
	checkDirect(t, pod, "my-cluster-kafka-bootstrap."+namespace+".svc:9093", "my-cluster-cluster-ca-cert", "my-app")
}

// olderServer starts an API server of its own, with what sidecars are configured from in v1beta2 alone.
func olderServer(t *testing.T) (*rest.Config, client.Client) {
	t.Helper()
	var definitions []*apiextensionsv1.CustomResourceDefinition
	for _, kind := range []string{"kafkabridges", "kafkas", "kafkausers"} {
		definition := &apiextensionsv1.CustomResourceDefinition{}
		convert(t, documents(t, files+"crds/"+kind+".yaml")[0], definition)
		older := definition.Spec.Versions[:0]
		for _, version := range definition.Spec.Versions {
			if version.Name == "v1beta2" {
				version.Storage = true
				older = append(older, version)
			}
		}
		definition.Spec.Versions = older
		definitions = append(definitions, definition)
	}
	env := &ctrlenvtest.Environment{CRDs: definitions, ControlPlaneStartTimeout: time.Minute, ControlPlaneStopTimeout: time.Minute}
	config, err := env.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	return config, clientFor(t, config)
}

// uninstall tries `steg-operator uninstall`: conversion and finalizers of ours go, those of others stay, and a second time
// there is nothing to do.
func uninstall(t *testing.T, config *rest.Config, c client.Client, bridge *v1beta2.KafkaBridge) {
	t.Helper()
	patch := func(o client.Object, text string) {
		t.Helper()
		if err := c.Patch(deadline(t), o, client.RawPatch("application/merge-patch+json", []byte(text)), client.FieldOwner(names.FieldOwner)); err != nil {
			t.Fatal(err)
		}
	}
	patch(bridge, `{"metadata":{"finalizers":["steg.dev/one","example.com/theirs","steg.dev/two"]}}`)
	definition := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "kafkabridges.kafka.strimzi.io"}}
	patch(definition, `{"spec":{"conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{"url":"https://127.0.0.1:1/convert"}}}}}`)
	binding := &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "topics"},
		Spec:       admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{PolicyName: "topics"},
	}
	if err := c.Create(deadline(t), binding); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"taken off 1 custom resources", "taken off 0 custom resources"} {
		var out bytes.Buffer
		command := operatorCommand(deadline(t), t, config, "uninstall", "--crds", "kafkabridges.kafka.strimzi.io,none.kafka.strimzi.io", "--finalizer-policy", "topics")
		command.Stdout, command.Stderr = &out, &out
		if err := command.Run(); err != nil || !strings.Contains(out.String(), want) {
			t.Fatalf("%v: %s", err, out.String())
		}
	}
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(bridge), bridge); err != nil {
		t.Fatal(err)
	}
	equal(t, []string{"example.com/theirs"}, bridge.Finalizers)
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(binding), binding); !apierrors.IsNotFound(err) {
		t.Errorf("the policy counts still: %v", err)
	}
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(definition), definition); err != nil {
		t.Fatal(err)
	}
	equal(t, apiextensionsv1.NoneConverter, definition.Spec.Conversion.Strategy)
	t.Log("without an API server it ends in time")
	gone := rest.CopyConfig(config)
	gone.Host = "https://127.0.0.1:1"
	command := operatorCommand(deadline(t), t, gone, "uninstall", "--timeout", "1s")
	if out, err := command.CombinedOutput(); err == nil || bytes.Count(out, []byte("\n")) > 2 {
		t.Errorf("%v: %s", err, out)
	}
}

// convert reads an unstructured object as a typed one.
func convert(t *testing.T, from interface{ UnstructuredContent() map[string]any }, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(from.UnstructuredContent(), into); err != nil {
		t.Fatal(err)
	}
}
