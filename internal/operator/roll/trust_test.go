package roll

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTrustPhase(t *testing.T) {
	type gens struct{ key, cert int64 }
	for _, c := range []struct {
		name   string
		former bool
		pods   []gens
		want   Phase
	}{
		{"no pods", false, nil, Settled},
		{"no pods, and a former key", true, nil, Removing},
		{"all is new", false, []gens{{2, 2}, {2, 2}}, Settled},
		{"nobody knows the key", true, []gens{{1, 1}, {1, 1}}, Trusting},
		{"one doesn't know it", true, []gens{{2, 1}, {1, 1}}, Trusting},
		{"one doesn't know it, though others use it", true, []gens{{2, 2}, {1, 1}}, Trusting},
		{"all know it", true, []gens{{2, 1}, {2, 1}}, Signing},
		{"one uses it", true, []gens{{2, 2}, {2, 1}}, Signing},
		{"all use it", true, []gens{{2, 2}, {2, 2}}, Removing},
		{"renewed with the same key", false, []gens{{2, 1}, {2, 2}}, Signing},
	} {
		var pods []Marks
		for _, g := range c.pods {
			pods = append(pods, Marks{ClusterCAKey: g.key, ClusterCACert: g.cert})
		}
		if got := TrustPhase(2, 2, c.former, pods); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}

// authority is the cluster CA's Secrets: after the key was replaced, the certificate of the former one is trusted too.
type authority struct{ former bool }

// render sets what the phase wants of all nodes.
func (a *authority) render(w *world) Phase {
	var pods []Marks
	for _, id := range w.ids {
		made := w.node(id).Marks
		if pod := w.nodes[id].pod; pod != nil {
			made = pod.Marks
		}
		pods = append(pods, made)
	}
	phase := TrustPhase(2, 2, a.former, pods)
	if phase == Removing {
		a.former = false
	}
	w.each(func(_ int32, n *Node) {
		n.ClusterCAKey, n.ClusterCACert, n.Trust = 2, 2, "new"
		if a.former {
			n.Trust = "old new"
		}
		if phase == Trusting {
			n.ClusterCACert = 1
		}
	})
	return phase
}

// understand says which two pods could not talk to each other.
func (w *world) understand() error {
	for _, a := range w.ids {
		for _, b := range w.ids {
			from, to := w.nodes[a].pod, w.nodes[b].pod
			if from != nil && to != nil && !strings.Contains(to.Trust, []string{"", "old", "new"}[from.ClusterCACert]) {
				return fmt.Errorf("node %d shows certificate %d, node %d trusts %q", a, from.ClusterCACert, b, to.Trust)
			}
		}
	}
	return nil
}

// TestKeyReplacement: while the cluster CA's key is replaced, any two pods trust each other at each moment, though pods crash
// and the operator is killed; it takes three rolls, and ends.
func TestKeyReplacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.crash = rapid.SampledFrom([]float64{0, 0.005}).Draw(t, "crash")
		w.kill = rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "kill")
		w.each(func(id int32, n *Node) {
			n.Marks = Marks{Revision: "1", ClusterCAKey: 1, ClusterCACert: 1, Trust: "old"}
			w.nodes[id].pod.Marks = n.Marks
		})
		ca, phases := &authority{former: true}, []Phase{}
		for tick := 0; ; tick++ {
			phases = slices.Compact(append(phases, ca.render(w)))
			step, err := w.operate()
			if err != nil {
				t.Fatal(err)
			}
			if step.Do == Nothing {
				break
			}
			if tick > 500 {
				w.crash, w.kill = 0, 0
			}
			if tick > 1000+3*w.enough() {
				t.Fatal("no end:", phases[max(0, len(phases)-9):], step)
			}
			w.tick()
			if err := w.understand(); err != nil {
				t.Fatal(err, phases)
			}
		}
		if want := []Phase{Trusting, Signing, Removing, Settled}; !slices.Equal(phases, want) {
			t.Error(phases)
		}
		for _, id := range w.ids {
			if got := w.nodes[id].pod.Marks; got != (Marks{Revision: "1", ClusterCAKey: 2, ClusterCACert: 2, Trust: "new"}) {
				t.Errorf("node %d: %+v", id, got)
			}
		}
	})
}
