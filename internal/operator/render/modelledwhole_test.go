package render_test

import (
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// TestModelledWhole renders manifests of the model whole: pools of several kinds with disks and racks, and listeners that are reached
// from elsewhere with what is said of single brokers. Of the brokers' pods, which differ in their names, the first stands for all.
func TestModelledWhole(t *testing.T) {
	for _, name := range []string{"pools", "external", "logins"} {
		t.Run(name, func(t *testing.T) {
			c := modelled(t, "../cluster/testdata/clusters/"+name+".yaml")
			brief(&c)
			objects := render.Kafka(c, issued(c))
			for _, object := range objects {
				if set, ok := object.(*render.PodSet); ok {
					set.Spec.Pods = set.Spec.Pods[:1]
				}
			}
			golden.Equal(t, "kafka/"+name+".golden", documents(t, objects))
		})
	}
}

// TestOwnAuthorities: Secrets that the user brings are mounted and never written, so that nobody takes them away.
func TestOwnAuthorities(t *testing.T) {
	c := modelled(t, "../cluster/testdata/clusters/tiered.yaml") // its cluster's authority is the user's
	if c.ClusterCA.Generate || !c.ClientsCA.Generate {
		t.Fatalf("the manifest says something else: %+v %+v", c.ClusterCA, c.ClientsCA)
	}
	k := issued(c)
	for _, brought := range []string{names.ClusterCA(c.Name), names.ClusterCACert(c.Name)} {
		delete(k.Secrets, brought)
	}
	made := map[string]bool{}
	for _, object := range render.Kafka(c, k) {
		made[typed(t, object).GetName()] = true
	}
	if made[names.ClusterCA(c.Name)] || made[names.ClusterCACert(c.Name)] || !made[names.ClientsCA(c.Name)] || !made[names.TrustBundle(c.Name)] {
		t.Errorf("%v", made)
	}
}
