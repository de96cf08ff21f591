package controller

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

func TestNotes(t *testing.T) {
	var n notes
	one, other := client.ObjectKey{Name: "one"}, client.ObjectKey{Name: "other"}
	now := time.Unix(1000, 0)
	if n.due(one, now) {
		t.Error("due without a schedule")
	}
	n.schedule(one, now.Add(time.Minute))
	if n.due(one, now) || !n.due(one, now.Add(time.Minute)) || n.due(other, now.Add(time.Hour)) {
		t.Error("due at another time")
	}
	if !n.news(one, "a") || n.news(one, "a") || !n.news(other, "a") || !n.news(one, "b") {
		t.Error("said more or less than once")
	}
	if !n.due(one, now.Add(time.Minute)) {
		t.Error("what is said changes the schedule")
	}
	n.drop(one)
	if n.due(one, now.Add(time.Hour)) || !n.news(one, "b") {
		t.Error("remembered after being dropped")
	}
}

// TestMetricsLint: our own metrics are named as Prometheus advises; the reference operator's are what they are.
func TestMetricsLint(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	key := client.ObjectKey{Namespace: "ns", Name: "b"}
	m.present(names.KindKafkaBridge, key, true)
	m.begin(names.KindKafkaBridge, key, true)
	m.end(names.KindKafkaBridge, key, time.Second, false)
	m.end(names.KindKafkaBridge, key, time.Second, true)
	m.staleness(key, 3)
	m.withoutSidecar(map[string]int{"ns": 2})
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		got = append(got, f.GetName())
	}
	want := []string{
		"steg_pods_evicted_total", "steg_pods_stale", "steg_pods_without_sidecar",
		"strimzi_reconciliations_duration_seconds", "strimzi_reconciliations_duration_seconds_max",
		"strimzi_reconciliations_failed_total", "strimzi_reconciliations_locked_total",
		"strimzi_reconciliations_periodical_total", "strimzi_reconciliations_successful_total", "strimzi_reconciliations_total",
		"strimzi_resources", "strimzi_resources_paused",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := NewMetrics(registry); err == nil {
		t.Error("registered twice")
	}
	m.gone(names.KindKafkaBridge, key)
	if n := testutil.CollectAndCount(m.stale); n != 0 {
		t.Errorf("%d series of a KafkaBridge that is gone", n)
	}
	if got := testutil.ToFloat64(m.resources); got != 0 {
		t.Errorf("%v resources", got)
	}
}

// TestMetricsTally: resources are counted by kind and namespace, however often they are seen.
func TestMetricsTally(t *testing.T) {
	m, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	a, b := client.ObjectKey{Namespace: "ns", Name: "a"}, client.ObjectKey{Namespace: "ns", Name: "b"}
	counted := func(kind string, all, paused float64) {
		t.Helper()
		if got := testutil.ToFloat64(m.resources.WithLabelValues(kind, "ns", "")); got != all {
			t.Errorf("%v of %s, want %v", got, kind, all)
		}
		if got := testutil.ToFloat64(m.paused.WithLabelValues(kind, "ns", "")); got != paused {
			t.Errorf("%v of %s are paused, want %v", got, kind, paused)
		}
	}
	m.present(names.KindKafkaTopic, a, true)
	m.present(names.KindKafkaTopic, a, true)
	m.present(names.KindKafkaTopic, b, false)
	m.present(names.KindKafkaUser, a, false)
	counted(names.KindKafkaTopic, 2, 1)
	counted(names.KindKafkaUser, 1, 0)
	m.present(names.KindKafkaTopic, a, false)
	m.present(names.KindKafkaTopic, b, true)
	counted(names.KindKafkaTopic, 2, 1)
	m.gone(names.KindKafkaTopic, b)
	m.gone(names.KindKafkaTopic, b)
	counted(names.KindKafkaTopic, 1, 0)
	counted(names.KindKafkaUser, 1, 0)
}

func TestLacks(t *testing.T) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "s"},
		Data:       map[string][]byte{"ca.crt": nil, "ca.p12": nil},
	}
	for name, c := range map[string]struct {
		needed model.SecretKeys
		want   []string
	}{
		"nothing":        {model.SecretKeys{}, nil},
		"key":            {model.SecretKeys{Keys: []string{"ca.crt"}}, nil},
		"another key":    {model.SecretKeys{Keys: []string{"a", "ca.crt", "b"}}, []string{"Secret s has no key a", "Secret s has no key b"}},
		"pattern":        {model.SecretKeys{Patterns: []string{"*.crt"}}, nil},
		"other patterns": {model.SecretKeys{Patterns: []string{"*.pem", "["}}, []string{"Secret s has no key like *.pem", "Secret s has no key like ["}},
	} {
		if diff := cmp.Diff(c.want, lacks(secret, c.needed)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
