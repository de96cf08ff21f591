package render_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// TestBudget: as many as are allowed may be away, of all nodes of all pools.
func TestBudget(t *testing.T) {
	for _, c := range []struct {
		make func() cluster.Cluster
		away *int32
		want int
	}{
		{lab, nil, 2}, {separated, nil, 4}, {lab, new(int32(0)), 3}, {lab, new(int32(2)), 1}, {lab, new(int32(5)), 0},
	} {
		value := c.make()
		value.Template.PodDisruptionBudget = &v1.PodDisruptionBudgetTemplate{MaxUnavailable: c.away}
		budget := all[*policyv1.PodDisruptionBudget](t, render.Kafka(value, issued(value)))[0]
		if got := budget.Spec.MinAvailable.IntValue(); got != c.want || budget.Spec.MaxUnavailable != nil {
			t.Errorf("%d have to stay, not %d", got, c.want)
		}
	}
	c := lab()
	c.NetworkPolicy, c.PodDisruptionBudget = false, false
	objects := render.Kafka(c, issued(c))
	if len(all[*policyv1.PodDisruptionBudget](t, objects))+len(all[*networkingv1.NetworkPolicy](t, objects)) != 0 {
		t.Error("objects that the installation does not want")
	}
}

// TestKafkaNetworkPolicy: who may reach which port.
func TestKafkaNetworkPolicy(t *testing.T) {
	c := lab()
	c.JMX, c.OperatorNamespace = true, "operators"
	c.Listeners[1].Spec.NetworkPolicyPeers = []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "shop"}}}}
	c.Listeners[2].Spec.NetworkPolicyPeers = []networkingv1.NetworkPolicyPeer{}
	want := map[int][]string{
		9090: {
			"strimzi.io/cluster=my-cluster,strimzi.io/kind=Kafka,strimzi.io/name=my-cluster-kafka",
			"app.kubernetes.io/name=steg-operator in kubernetes.io/metadata.name=operators",
		},
		9091: {
			"strimzi.io/cluster=my-cluster,strimzi.io/kind=Kafka,strimzi.io/name=my-cluster-kafka",
			"app.kubernetes.io/name=steg-operator in kubernetes.io/metadata.name=operators",
		},
		8443: {"app.kubernetes.io/name=steg-operator in kubernetes.io/metadata.name=operators"},
		9092: nil, 9093: {"app=shop"}, 9999: nil,
	}
	if diff := cmp.Diff(want, peers(t, c)); diff != "" {
		t.Error(diff)
	}
	c.OperatorNamespace = "kafka"
	if got := peers(t, c)[8443]; !slices.Equal(got, []string{"app.kubernetes.io/name=steg-operator"}) {
		t.Errorf("an operator beside the cluster: %v", got)
	}
	c.OperatorNamespace = ""
	if got := peers(t, c)[8443]; !slices.Equal(got, []string{"app.kubernetes.io/name=steg-operator in "}) {
		t.Errorf("an operator somewhere: %v", got)
	}
}

// peers reads who may reach each port, nobody in particular if it is open.
func peers(t testing.TB, c cluster.Cluster) map[int][]string {
	t.Helper()
	policy := all[*networkingv1.NetworkPolicy](t, render.Kafka(c, issued(c)))[0]
	got := map[int][]string{}
	for _, rule := range policy.Spec.Ingress {
		var from []string
		for _, peer := range rule.From {
			text := metav1.FormatLabelSelector(peer.PodSelector)
			if s := peer.NamespaceSelector; s != nil {
				text += " in " + strings.TrimPrefix(metav1.FormatLabelSelector(s), "<none>")
			}
			from = append(from, text)
		}
		got[rule.Ports[0].Port.IntValue()] = from
	}
	return got
}
