package main

import (
	"os"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
)

// TestInjectDirect: workloads that name a Kafka and a KafkaUser, which are among the manifests in either version.
func TestInjectDirect(t *testing.T) {
	got := try(t, "", nil, "inject", "--bridge-image", "steg-bridge:1", "-f", "testdata/direct.yaml", "-f", "testdata/cluster.yaml")
	if got.code != 0 || got.stderr != "" {
		t.Fatalf("%d: %s", got.code, got.stderr)
	}
	golden.Equal(t, "direct.golden.yaml", []byte(got.stdout))
	cluster, err := os.ReadFile("testdata/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Log("its output is as good an input, and comes out the same")
	again := try(t, got.stdout+"---\n"+string(cluster), nil, "inject", "--bridge-image", "steg-bridge:1", "-f", "-")
	if again.code != 0 || again.stdout != got.stdout {
		t.Errorf("%d: %s\n%s", again.code, again.stderr, again.stdout)
	}
	t.Log("the older version says the same")
	older := strings.ReplaceAll(string(cluster), "kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2")
	again = try(t, older, nil, "inject", "--bridge-image", "steg-bridge:1", "-f", "testdata/direct.yaml", "-f", "-")
	if again.code != 0 || again.stdout != got.stdout {
		t.Errorf("%d: %s", again.code, again.stderr)
	}
}

// TestInjectDirectErrors: each is one line that names the pod, and what is missing or does not go together.
func TestInjectDirectErrors(t *testing.T) {
	const (
		pod   = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {steg.dev/cluster: my-cluster}, annotations: {steg.dev/user: my-app}}\nspec: {containers: [{name: a, image: i}]}\n"
		kafka = "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: my-cluster}\nspec: {kafka: {listeners: [{name: tls, port: 9093, type: internal, tls: true, authentication: {type: tls}}]}}\n"
		user  = "apiVersion: kafka.strimzi.io/v1\nkind: KafkaUser\nmetadata: {name: my-app, labels: {strimzi.io/cluster: my-cluster}}\nspec: {authentication: {type: tls}}\n"
	)
	elsewhere := func(manifest string, metadata string) string {
		return strings.Replace(manifest, "metadata: {", "metadata: {namespace: kafka, "+metadata, 1)
	}
	far := strings.Replace(pod, "steg.dev/user: ", "steg.dev/user: kafka/", 1)
	for name, c := range map[string]struct {
		manifests []string
		want      string
	}{
		"no Kafka":              {[]string{pod, user}, "Pod p: there is no Kafka my-cluster of namespace default among the manifests"},
		"Kafka elsewhere":       {[]string{pod, user, elsewhere(kafka, "")}, "Pod p: there is no Kafka my-cluster of namespace default among the manifests"},
		"no user":               {[]string{pod, kafka}, "Pod p: KafkaUser my-app of namespace default is not among the manifests"},
		"user elsewhere":        {[]string{pod, kafka, elsewhere(user, "")}, "Pod p: KafkaUser my-app of namespace default is not among the manifests"},
		"another cluster's":     {[]string{pod, kafka, strings.Replace(user, "cluster: my-cluster", "cluster: other", 1)}, `Pod p: KafkaUser my-app belongs to Kafka "other" (its label strimzi.io/cluster), not to my-cluster`},
		"not allowed":           {[]string{far, elsewhere(kafka, ""), elsewhere(user, "")}, "Pod p: KafkaUser my-app of namespace kafka may not be used in namespace default: add that to its annotation steg.dev/allowed-namespaces"},
		"a wrong list":          {[]string{far, elsewhere(kafka, ""), elsewhere(user, `annotations: {steg.dev/allowed-namespaces: "A"}, `)}, `Pod p: KafkaUser my-app: metadata.annotations[steg.dev/allowed-namespaces]: "A" is no name of a namespace`},
		"no listener":           {[]string{pod, strings.Replace(kafka, "internal", "nodeport", 1), user}, "Pod p: no internal listener of Kafka my-cluster is for KafkaUser my-app (authentication tls): add one"},
		"nobody":                {[]string{strings.Replace(pod, ", annotations: {steg.dev/user: my-app}", "", 1), kafka, user}, "Pod p: every listener of Kafka my-cluster for pods asks who connects: name a KafkaUser in the annotation steg.dev/user"},
		"nobody, nameless user": {[]string{strings.Replace(pod, ", annotations: {steg.dev/user: my-app}", "", 1), kafka, strings.Replace(user, "name: my-app, ", "", 1)}, "Pod p: every listener of Kafka my-cluster for pods asks who connects: name a KafkaUser"},
		"both labels":           {[]string{strings.Replace(pod, "labels: {", "labels: {steg.dev/bridge: b, ", 1), kafka, user}, "Pod p: labels steg.dev/bridge and steg.dev/cluster exclude each other: remove one"},
		"misspelled user":       {[]string{pod, kafka, user + "specs: {}\n"}, "-: document 3: KafkaUser my-app: "},
		"misspelled Kafka":      {[]string{pod, kafka + "specs: {}\n"}, "-: document 2: Kafka my-cluster: "},
		"version of the Kafka":  {[]string{strings.Replace(kafka, "/v1", "/v1alpha1", 1)}, `Kafka my-cluster: apiVersion "kafka.strimzi.io/v1alpha1": kafka.strimzi.io/v1 or kafka.strimzi.io/v1beta2`},
	} {
		got := try(t, strings.Join(c.manifests, "---\n"), nil, "inject", "--bridge-image", "i", "-f", "-")
		if got.code != 1 || !strings.Contains(got.stderr, c.want) || strings.Count(got.stderr, "\n") != 1 || got.stdout != "" {
			t.Errorf("%s: %+v, want %q", name, got, c.want)
		}
	}
}
