package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// tried is what a run of the program gave.
type tried struct {
	code           int
	stdout, stderr string
}

// try runs the program without a process.
func try(t *testing.T, stdin string, environ []string, args ...string) tried {
	t.Helper()
	var stdout, stderr bytes.Buffer
	p := program{environ: environ, stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr}
	code := p.run(t.Context(), args)
	return tried{code, stdout.String(), stderr.String()}
}

// TestUsageErrors: what cannot be understood is one line that names it, and exit code 2.
func TestUsageErrors(t *testing.T) {
	enough := []string{"POD_NAMESPACE=ns", "STEG_BRIDGE_IMAGE=i", "STEG_NODE_IMAGE=n"}
	for _, c := range []struct {
		args    []string
		environ []string
		want    string
	}{
		{[]string{"bla"}, nil, `unknown command "bla": run, inject, uninstall or version (see --help)`},
		{[]string{"run", "bla"}, nil, `unexpected argument "bla" (see --help)`},
		{[]string{"--bla"}, nil, "flag provided but not defined: -bla (see --help)"},
		{nil, []string{"POD_NAMESPACE=ns", "STEG_NODE_IMAGE=n"}, "--bridge-image is not set: the image of bridges and sidecars"},
		{nil, []string{"STEG_BRIDGE_IMAGE=i", "STEG_NODE_IMAGE=n"}, "the operator's namespace is not known: set --namespace or POD_NAMESPACE"},
		{[]string{"--controllers", "inject,topics"}, enough, `--controllers: unknown "topics": some of kafka, topic, user, bridge, inject`},
		{[]string{"--controllers", ","}, enough, "--controllers names none: some of kafka, topic, user, bridge, inject"},
		{nil, []string{"POD_NAMESPACE=ns", "STEG_BRIDGE_IMAGE=i"}, "--node-image is not set: the image with steg-node, which Kafka's pods take it from"},
		{[]string{"--kafka-images", "4.3.1=a,2.8.0=b"}, enough, `--kafka-images: "2.8.0=b" is not VERSION=IMAGE of a supported version`},
		{[]string{"--dns-domain", "Cluster"}, enough, `--dns-domain: "Cluster" cannot be a domain`},
		{[]string{"--roll-batch", "0"}, enough, "--roll-batch 0 is less than 1"},
		{[]string{"--replication-throttle", "-1"}, enough, "--replication-throttle -1 is negative"},
		{[]string{"--native", "yes"}, enough, `invalid value "yes" for flag -native: one of auto, true, false was expected (see --help)`},
		{nil, append(enough, "STEG_NATIVE=yes"), `invalid value "yes" for STEG_NATIVE: one of auto, true, false was expected (see --help)`},
		{nil, append(enough, "STEG_WEBHOOK_PORT=x"), `invalid value "x" for STEG_WEBHOOK_PORT: parse error (see --help)`},
		{[]string{"--webhook-port", "70000"}, enough, "--webhook-port 70000 is not between 1 and 65535"},
		{[]string{"--watch-namespaces", "a,B"}, enough, `--watch-namespaces: "B" cannot be a namespace`},
		{[]string{"--reconcile-interval", "1ms"}, enough, "--reconcile-interval 1ms is less than 1s"},
		{[]string{"--operation-timeout", "1ms"}, enough, "--operation-timeout 1ms is less than 1s"},
		{[]string{"--watchdog-interval", "1ms"}, enough, "--watchdog-interval 1ms is less than 1s; 0 switches it off"},
		{[]string{"--watchdog-grace", "-1s"}, enough, "--watchdog-grace -1s is negative"},
		{[]string{"--log-level", "loud"}, enough, `log level "loud": debug, info, warn or error`},
		{[]string{"--log-format", "xml"}, enough, `log format "xml": text or json`},
		{[]string{"--webhook-port", "0", "--watchdog-grace", "-1s"}, enough, "--webhook-port 0 is not between 1 and 65535; --watchdog-grace -1s is negative"},
		{[]string{"inject"}, nil, "no manifests: -f FILE, - for standard input (see --help)"},
		{[]string{"uninstall", "x"}, nil, `unexpected argument "x" (see --help)`},
	} {
		got := try(t, "", c.environ, c.args...)
		if got.code != 2 || got.stderr != "steg-operator: "+c.want+"\n" || got.stdout != "" {
			t.Errorf("%q: %+v, want %q", c.args, got, c.want)
		}
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"run", "-h"}, {"help"}, {"inject", "--help"}, {"uninstall", "--help"}} {
		if got := try(t, "", nil, args...); got.code != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "steg-operator") || !strings.Contains(got.stdout, "Flags") {
			t.Errorf("%q: %+v", args, got)
		}
	}
	if got := try(t, "", nil, "version"); got != (tried{0, "dev\n", ""}) {
		t.Errorf("%+v", got)
	}
}

// TestNotInACluster: without any way to an API server it says so, and exits with 1.
func TestNotInACluster(t *testing.T) {
	for _, args := range [][]string{{"--namespace", "ns", "--bridge-image", "i", "--node-image", "n"}, {"uninstall"}} {
		got := try(t, "", nil, args...)
		if got.code != 1 || got.stderr != "steg-operator: not in a cluster, and neither --kubeconfig nor KUBECONFIG is set\n" {
			t.Errorf("%q: %+v", args, got)
		}
		got = try(t, "", []string{"KUBECONFIG=/nowhere"}, args...)
		if got.code != 1 || !strings.Contains(got.stderr, "where the API server is: ") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%q: %+v", args, got)
		}
	}
}

func TestOptions(t *testing.T) {
	environ := []string{
		"STEG_HTTP_ADDRESS=first", "STEG_HTTP_ADDRESS=:1", "STEG_WATCH_NAMESPACES= a , b,a,", "STEG_NETWORK_POLICIES=false", "STEG_LOG_LEVEL=",
		"STEG_IMAGE_PULL_SECRETS=x,y", "STEG_IMAGE_PULL_POLICY=Always", "POD_NAMESPACE=own", "STEG_BRIDGE_IMAGE=env", "STEG_NODE_IMAGE=node",
	}
	o, err := parseOptions([]string{"--bridge-image", "flag", "--controllers", "inject"}, environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.httpAddress != ":1" || o.watchNamespaces.String() != "a,b" || o.networkPolicies || o.logLevel != "info" || o.namespace != "own" {
		t.Errorf("%+v", o)
	}
	d := o.defaults()
	if d.DefaultImage != "flag" || d.ImagePullPolicy != "Always" || len(d.ImagePullSecrets) != 2 || !d.WithoutNetworkPolicy || d.WithoutPodDisruptionBudget {
		t.Errorf("%+v", d)
	}
	if c := o.certificates(nil); len(c.Mutating) != 1 || c.Validating != nil || c.CustomResources != nil || c.Namespace != "own" {
		t.Errorf("who only injects keeps %+v", c)
	}
	o, err = parseOptions([]string{"--watch-namespaces", "a,*", "--webhook-mutating", ""}, environ, nil)
	if err != nil || o.watchNamespaces != nil || !o.runs(controlBridge) || !o.runs(controlInject) {
		t.Errorf("%v, %+v", err, o)
	}
	if c := o.certificates(nil); c.Mutating != nil || !slices.Equal(c.Validating, []string{"steg-operator"}) {
		t.Errorf("%+v", c)
	}
}

// TestInject: each kind of workload, as a user would have it.
func TestInject(t *testing.T) {
	got := try(t, "", nil, "inject", "--bridge-image", "steg-bridge:1", "-f", "testdata/workloads.yaml", "-f", "testdata/bridge.yaml")
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%d: %s", got.code, got.stderr)
	}
	given, err := os.ReadFile("testdata/workloads.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, after := strings.Split(string(given), "---\n"), strings.Split(got.stdout, "---\n")
	if len(before) != len(after) {
		t.Fatalf("%d documents of %d", len(after), len(before))
	}
	for i, text := range after {
		kind, containers := initContainers(t, text)
		switch {
		case i >= 6 && text != before[i]:
			t.Errorf("changed without a label:\n%s", text)
		case i < 6 && !slices.Equal(containers, []string{"steg-bridge steg-bridge:1"}):
			t.Errorf("%s has the init containers %q", kind, containers)
		case i < 6 && (strings.Contains(text, "status:") || strings.Contains(text, "creationTimestamp")):
			t.Errorf("%s has fields that nobody wrote:\n%s", kind, text)
		}
	}

	t.Log("its output is as good an input, and comes out the same")
	bridge, err := os.ReadFile("testdata/bridge.yaml")
	if err != nil {
		t.Fatal(err)
	}
	again := try(t, got.stdout+"---\n"+string(bridge), nil, "inject", "--bridge-image", "steg-bridge:1", "-f", "-")
	if again.code != 0 || again.stdout != got.stdout {
		t.Errorf("%d: %s\n%s", again.code, again.stderr, again.stdout)
	}
	t.Log("the older version says the same")
	older := strings.ReplaceAll(string(bridge), "kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2")
	again = try(t, older, nil, "inject", "--bridge-image", "steg-bridge:1", "-f", "testdata/workloads.yaml", "-f", "-")
	if again.code != 0 || again.stdout != got.stdout {
		t.Errorf("%d: %s", again.code, again.stderr)
	}
	t.Log("a job without a native sidecar is warned of")
	warned := try(t, "", nil, "inject", "--native=false", "--bridge-image", "i", "-f", "testdata/workloads.yaml", "-f", "testdata/bridge.yaml")
	if warned.code != 0 || !regexp.MustCompile(`(?m)^steg-operator: warning: Job job: .*quitquitquit`).MatchString(warned.stderr) {
		t.Errorf("%d: %s", warned.code, warned.stderr)
	}
}

// initContainers reads the kind of a manifest and the init containers of its pods, as "name image".
func initContainers(t *testing.T, text string) (kind string, containers []string) {
	t.Helper()
	var head metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(text), &head); err != nil {
		t.Fatal(err)
	}
	object, _, spec := workload(head)
	if object == nil {
		return head.Kind, nil
	}
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatal(err)
	}
	for _, c := range spec.InitContainers {
		containers = append(containers, c.Name+" "+c.Image)
	}
	return head.Kind, containers
}

// TestInjectErrors: each bad input is one line that names file, document and object.
func TestInjectErrors(t *testing.T) {
	const (
		pod    = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {steg.dev/bridge: my-bridge}}\nspec: {containers: [{name: a, image: i}]}\n"
		bridge = "apiVersion: kafka.strimzi.io/v1\nkind: KafkaBridge\nmetadata: {name: my-bridge}\nspec: {bootstrapServers: 'k:9092'}\n"
	)
	for name, c := range map[string]struct{ in, want string }{
		"no bridge":             {pod, "Pod p: KafkaBridge my-bridge of namespace default is not among the manifests"},
		"bridge elsewhere":      {pod + "---\n" + strings.Replace(bridge, "name: my-bridge", "name: my-bridge, namespace: x", 1), "is not among the manifests"},
		"misspelled bridge":     {pod + "---\n" + bridge + "specs: {}\n", `-: document 2: KafkaBridge my-bridge: `},
		"version of the bridge": {strings.Replace(bridge, "/v1", "/v1alpha1", 1), `KafkaBridge my-bridge: apiVersion "kafka.strimzi.io/v1alpha1": kafka.strimzi.io/v1 or kafka.strimzi.io/v1beta2`},
		"invalid bridge":        {pod + "---\n" + strings.Replace(bridge, "spec: {", "spec: {http: {port: 8081}, ", 1), `Pod p: KafkaBridge "my-bridge": spec.http.port: `},
		"misspelled pod":        {strings.Replace(pod, "spec:", "specs:", 1), "Pod p: "},
		"refused pod":           {strings.Replace(pod, "spec: {", "spec: {hostNetwork: true, ", 1) + "---\n" + bridge, "Pod p: spec.hostNetwork"},
		"no YAML":               {"a: [", "-: document 1: "},
		"missing image":         {pod + "---\n" + bridge, ""},
	} {
		args := []string{"inject", "-f", "-"}
		if name != "missing image" {
			args = append(args, "--bridge-image", "i")
		} else {
			c.want = "spec.image"
		}
		got := try(t, c.in, nil, args...)
		if got.code != 1 || !strings.Contains(got.stderr, c.want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
	if got := try(t, "", nil, "inject", "-f", "/nowhere"); got.code != 1 || got.stderr != "steg-operator: /nowhere: no such file or directory\n" {
		t.Errorf("%+v", got)
	}
}

// FuzzManifests: no input makes it fail otherwise than by an error.
func FuzzManifests(f *testing.F) {
	for _, file := range []string{"testdata/workloads.yaml", "testdata/bridge.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("---\n---\nkind: Pod\napiVersion: v1\nmetadata: {labels: {steg.dev/bridge: x}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var out, notes bytes.Buffer
		p := program{stdin: bytes.NewReader(text), stdout: &out, stderr: &notes}
		p.run(context.Background(), []string{"inject", "--bridge-image", "i", "-f", "-"})
		if strings.Count(notes.String(), "\n") > 1 && !strings.Contains(notes.String(), "warning") {
			t.Errorf("%q", notes.String())
		}
	})
}
