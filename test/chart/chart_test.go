//go:build helm

// Package chart holds the chart against what the operator is: what Helm renders of it, which rights it asks for, which flags
// it sets. It needs the helm program; test/lab builds one.
package chart

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/steg-kafka/steg/internal/golden"
)

const (
	chartDir = "../../charts/steg-operator"
	release  = "kafka-operator"
	space    = "kafka"
)

// program finds helm: the variable HELM, the PATH, or what test/lab has built last.
func program(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("HELM"); path != "" {
		return path
	}
	if path, err := exec.LookPath("helm"); err == nil {
		return path
	}
	cache := os.Getenv("STEG_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(home, ".cache", "steg")
	}
	newest, at := "", time.Time{}
	found, _ := filepath.Glob(filepath.Join(cache, "lab", "*", "bin", "helm"))
	for _, path := range found {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			newest, at = path, info.ModTime()
		}
	}
	if newest == "" {
		t.Fatal("no helm: test/lab/lab install builds one; HELM=PATH names another")
	}
	return newest
}

// helm runs it without a cluster, with values on its standard input.
func helm(t *testing.T, values string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG=/nonexistent")
	cmd.Stdin = strings.NewReader(values)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	return out.String(), problems.String(), err
}

// object is one that was rendered.
type object map[string]any

func (o object) at(path ...string) any {
	var in any = map[string]any(o)
	for _, key := range path {
		m, _ := in.(map[string]any)
		in = m[key]
	}
	return in
}

func (o object) text(path ...string) string {
	s, _ := o.at(path...).(string)
	return s
}

// name is how tests call an object.
func (o object) name() string { return o.text("kind") + "/" + o.text("metadata", "name") }

// rendered returns the chart's objects with these values, hooks too, in Helm's order, for a cluster that has some further APIs.
func rendered(t *testing.T, values string, apis ...string) []object {
	t.Helper()
	args := []string{"template", release, chartDir, "--namespace", space, "--kube-version", "1.33.0", "--values", "/dev/stdin"}
	for _, api := range apis {
		args = append(args, "--api-versions", api)
	}
	out, problems, err := helm(t, values, args...)
	if err != nil {
		t.Fatalf("%v: %s", err, problems)
	}
	var objects []object
	for _, doc := range strings.Split("\n"+out, "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		if len(o) > 0 {
			objects = append(objects, o)
		}
	}
	return objects
}

func valuesFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(chartDir, "testdata", "*.values.yaml"))
	if err != nil || len(paths) < 6 {
		t.Fatalf("%d files of values: %v", len(paths), err)
	}
	files := map[string]string{"production": filepath.Join(chartDir, "values-production.yaml")}
	for _, path := range paths {
		files[strings.TrimSuffix(filepath.Base(path), ".values.yaml")] = path
	}
	return files
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The chart with each file of values is what it was. Of a CustomResourceDefinition only the head is kept: the rest is
// generated elsewhere.
func TestRendered(t *testing.T) {
	for name, path := range valuesFiles(t) {
		t.Run(name, func(t *testing.T) {
			objects := rendered(t, content(t, path))
			slices.SortStableFunc(objects, func(a, b object) int { return strings.Compare(a.name(), b.name()) })
			var out bytes.Buffer
			for _, o := range objects {
				if o.text("kind") == "CustomResourceDefinition" {
					delete(o, "spec")
				}
				text, err := yaml.Marshal(o)
				if err != nil {
					t.Fatal(err)
				}
				out.WriteString("---\n")
				out.Write(text)
			}
			golden.Equal(t, filepath.Join("..", chartDir, "testdata", name+".golden.yaml"), out.Bytes())
		})
	}
}

// The command of the study lab works as it stands there.
func TestCommandOfTheLab(t *testing.T) {
	stdin := "tolerations: [{key: node-role.kubernetes.io/master, operator: Exists, effect: NoSchedule}]\n"
	out, problems, err := helm(t, stdin, "install", release, chartDir, "--namespace", space,
		"--set", `nodeSelector.kubernetes\.io/hostname=k8s-m`, "--values", "/dev/stdin", "--dry-run=client")
	if err != nil {
		t.Fatal(err, problems)
	}
	for _, text := range []string{"kubernetes.io/hostname: k8s-m", "key: node-role.kubernetes.io/master", "name: strimzi-cluster-operator"} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is missing", text)
		}
	}
	if strings.Contains(out, "have no effect") {
		t.Error("something is said to have no effect")
	}
}

// Values that mean nothing are named when they are set.
func TestValuesWithoutEffect(t *testing.T) {
	out, problems, err := helm(t, content(t, filepath.Join(chartDir, "testdata", "strimzi.values.yaml")),
		"install", release, chartDir, "--namespace", space, "--values", "/dev/stdin", "--dry-run=client")
	if err != nil {
		t.Fatal(err, problems)
	}
	_, named, found := strings.Cut(out, "These values have no effect:\n")
	if !found {
		t.Fatal(out[max(0, len(out)-2000):])
	}
	want := []string{
		"connectBuildTimeoutMs", "featureGates", "jmxTrans", "labelsExclusionPattern", "logConfigMap", "logConfiguration",
		"logVolume", "tmpDirSizeLimit", "zookeeper",
	}
	got := strings.Fields(named)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Values that cannot be meant are refused with their name.
func TestBadValues(t *testing.T) {
	for values, want := range map[string]string{
		"nodeSelecter: {}":                     "additional properties 'nodeSelecter' not allowed",
		"controllers: []":                      "/controllers",
		"controllers: [sidecar]":               "/controllers/0",
		"replicas: many":                       "/replicas",
		"webhook: {failurePolicy: fail}":       "/webhook/failurePolicy",
		"webhook: {timeoutSeconds: 30}":        "/webhook/timeoutSeconds",
		"webhook: {certManager: {enable: 1}}":  "/webhook/certManager",
		"native: always":                       "/native",
		"topics: {finalizerPolicy: never}":     "/topics/finalizerPolicy",
		"watchdog: {interval: 30}":             "/watchdog/interval",
		"watchNamespaces: [Team]":              "/watchNamespaces/0",
		"logLevel: loud":                       "/logLevel",
		"image: {imagePullPolicy: Sometimes}":  "/image/imagePullPolicy",
		"fullReconciliationIntervalMs: 1":      "/fullReconciliationIntervalMs",
		"uninstall: {timeoutSeconds: forever}": "/uninstall/timeoutSeconds",
	} {
		_, problems, err := helm(t, values, "template", release, chartDir, "--values", "/dev/stdin")
		if err == nil || !strings.Contains(problems, want) {
			t.Errorf("%s: %v %s", values, err, problems)
		}
	}
}

// pods returns the pod specs among objects.
func pods(objects []object) map[string]object {
	found := map[string]object{}
	for _, o := range objects {
		if spec, ok := o.at("spec", "template", "spec").(map[string]any); ok {
			found[o.name()] = spec
		}
	}
	return found
}

// Every pod keeps to the Pod Security Standard restricted, and where it runs is what the values say, hooks too.
func TestPods(t *testing.T) {
	for name, path := range valuesFiles(t) {
		objects := rendered(t, content(t, path))
		all := pods(objects)
		if len(all) == 0 {
			t.Fatal("no pods")
		}
		for pod, spec := range all {
			if spec.at("securityContext", "runAsNonRoot") != true || spec.text("securityContext", "seccompProfile", "type") != "RuntimeDefault" {
				t.Errorf("%s: %s: %v", name, pod, spec["securityContext"])
			}
			containers, _ := spec["containers"].([]any)
			if len(containers) != 1 || spec["initContainers"] != nil || spec["hostNetwork"] != nil {
				t.Fatalf("%s: %s: %d containers", name, pod, len(containers))
			}
			c, _ := containers[0].(map[string]any)
			security := object(c)
			drop, _ := security.at("securityContext", "capabilities", "drop").([]any)
			if security.at("securityContext", "allowPrivilegeEscalation") != false || security.at("securityContext", "readOnlyRootFilesystem") != true ||
				len(drop) != 1 || drop[0] != "ALL" || security.at("resources", "limits", "memory") == nil {
				t.Errorf("%s: %s: %v", name, pod, c["securityContext"])
			}
			if name == "seed" && (spec.text("nodeSelector", "kubernetes.io/hostname") != "k8s-m" || spec["tolerations"] == nil) {
				t.Errorf("%s may run anywhere", pod)
			}
		}
	}
}

// What finds the operator's pods finds them, and nothing that is made by hooks.
func TestSelectors(t *testing.T) {
	objects := rendered(t, content(t, filepath.Join(chartDir, "values-production.yaml"))+"podMonitor: {enabled: true}\n")
	template := map[string]map[string]any{}
	for _, o := range objects {
		if labels, ok := o.at("spec", "template", "metadata", "labels").(map[string]any); ok {
			template[o.name()] = labels
		}
	}
	matches := func(labels, selector map[string]any) bool {
		return len(selector) > 0 && maps.Equal(selector, intersection(labels, selector))
	}
	for _, at := range []struct {
		name string
		path []string
	}{
		{"Service/steg-operator-webhook", []string{"spec", "selector"}},
		{"Deployment/steg-operator", []string{"spec", "selector", "matchLabels"}},
		{"PodDisruptionBudget/steg-operator", []string{"spec", "selector", "matchLabels"}},
		{"NetworkPolicy/steg-operator", []string{"spec", "podSelector", "matchLabels"}},
		{"PodMonitor/steg-operator", []string{"spec", "selector", "matchLabels"}},
	} {
		i := slices.IndexFunc(objects, func(o object) bool { return o.name() == at.name })
		if i < 0 {
			t.Fatalf("no %s", at.name)
		}
		selector, _ := objects[i].at(at.path...).(map[string]any)
		if !matches(template["Deployment/steg-operator"], selector) || matches(template["Job/steg-operator-uninstall"], selector) {
			t.Errorf("%s selects %v", at.name, selector)
		}
	}
}

func intersection(a, b map[string]any) map[string]any {
	both := map[string]any{}
	for key := range b {
		if value, ok := a[key]; ok {
			both[key] = value
		}
	}
	return both
}

// The API server puts the finalizer on KafkaTopics where it can, or where it is told to, and nowhere but where the operator is
// there to take it off.
func TestFinalizerPolicy(t *testing.T) {
	const api = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
	for _, tc := range []struct {
		values string
		apis   []string
		want   bool
	}{
		{"{}", nil, false},
		{"{}", []string{api}, true},
		{"topics: {finalizerPolicy: false}", []string{api}, false},
		{"topics: {finalizerPolicy: 'true'}", nil, true},
		{"controllers: [kafka, user]", []string{api}, false},
		{"createGlobalResources: false", []string{api}, false},
		{"watchNamespaces: [team]", []string{api}, true},
	} {
		found := 0
		for _, o := range rendered(t, tc.values, tc.apis...) {
			switch o.name() {
			case "MutatingAdmissionPolicy/steg-operator-topics":
				found++
				if o.text("spec", "failurePolicy") != "Ignore" {
					t.Errorf("%s: %v", tc.values, o["spec"])
				}
			case "MutatingAdmissionPolicyBinding/steg-operator-topics":
				found++
				where, _ := yaml.Marshal(o.at("spec", "matchResources"))
				if everywhere := !strings.Contains(tc.values, "watch"); everywhere != (string(where) == "null\n") || !everywhere && !strings.Contains(string(where), "team") {
					t.Errorf("%s: it counts in %s", tc.values, where)
				}
			}
		}
		if (found == 2) != tc.want || found == 1 {
			t.Errorf("%s with %v: %d objects", tc.values, tc.apis, found)
		}
	}
}

// Versions that were given up are served where somebody asks for them.
func TestOlderVersions(t *testing.T) {
	for values, want := range map[string]bool{"{}": false, "crds: {olderVersions: true}": true} {
		served := map[string]any{}
		for _, o := range rendered(t, values) {
			versions, _ := o.at("spec", "versions").([]any)
			for _, version := range versions {
				v, _ := version.(map[string]any)
				served[o.text("metadata", "name")+" "+object(v).text("name")] = v["served"]
			}
		}
		for _, kind := range []string{"kafkatopics", "kafkausers"} {
			for version, is := range map[string]bool{"v1": true, "v1beta2": true, "v1beta1": want, "v1alpha1": want} {
				if name := kind + ".kafka.strimzi.io " + version; served[name] != is {
					t.Errorf("%s: %s: served %v", values, name, served[name])
				}
			}
		}
	}
}

// What is left behind is left on purpose, and no hook waits for ever.
func TestUninstall(t *testing.T) {
	var kept, hooks []string
	for _, o := range rendered(t, "{}") {
		if o.text("metadata", "annotations", "helm.sh/resource-policy") == "keep" {
			kept = append(kept, o.name())
		}
		if hook := o.text("metadata", "annotations", "helm.sh/hook"); hook != "" {
			hooks = append(hooks, hook+" "+o.name())
			if policy := o.text("metadata", "annotations", "helm.sh/hook-delete-policy"); policy != "before-hook-creation,hook-succeeded,hook-failed" {
				t.Errorf("%s stays behind: %s", o.name(), policy)
			}
		}
		if o.text("kind") == "Job" && o.at("spec", "activeDeadlineSeconds") != 90.0 {
			t.Errorf("%s may hang: %v", o.name(), o.at("spec", "activeDeadlineSeconds"))
		}
	}
	slices.Sort(hooks)
	definitions := []string{
		"CustomResourceDefinition/kafkabridges.kafka.strimzi.io", "CustomResourceDefinition/kafkanodepools.kafka.strimzi.io",
		"CustomResourceDefinition/kafkas.kafka.strimzi.io", "CustomResourceDefinition/kafkatopics.kafka.strimzi.io",
		"CustomResourceDefinition/kafkausers.kafka.strimzi.io", "CustomResourceDefinition/strimzipodsets.core.strimzi.io",
	}
	if slices.Sort(kept); !slices.Equal(kept, definitions) {
		t.Errorf("kept: %v", kept)
	}
	want := []string{"pre-delete Job/steg-operator-uninstall"}
	if !slices.Equal(hooks, want) {
		t.Errorf("hooks: %v", hooks)
	}
}
