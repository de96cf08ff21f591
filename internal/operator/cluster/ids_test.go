package cluster_test

import (
	"fmt"
	"math/rand"
	"reflect"
	"slices"
	"strings"
	"testing"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// scaled returns a running cluster with another number of nodes in a pool.
func scaled(t *testing.T, r cluster.Resources, pool string, replicas int32) cluster.Resources {
	t.Helper()
	if pool == cluster.VirtualPool && len(r.Pools) == 0 {
		r.Kafka = r.Kafka.DeepCopy()
		r.Kafka.Spec.Kafka.Replicas = &replicas
		return r
	}
	r.Pools = slices.Clone(r.Pools)
	for i := range r.Pools {
		if r.Pools[i].Name == pool {
			r.Pools[i].Spec.Replicas = replicas
		}
	}
	return r
}

// running is a cluster that has been carried out.
func running(t *testing.T, text string) cluster.Resources {
	t.Helper()
	r := resources(t, text)
	c, _ := mustFor(t, r)
	return carryOut(r, c)
}

// annotated gives a pool an annotation.
func annotated(r cluster.Resources, pool, key, value string) cluster.Resources {
	r.Pools = slices.Clone(r.Pools)
	for i := range r.Pools {
		if r.Pools[i].Name == pool {
			r.Pools[i].Annotations = map[string]string{key: value}
		}
	}
	return r
}

// TestIDs: which ids come and which go.
func TestIDs(t *testing.T) {
	start := running(t, pooled) // a 0-2, b 3-5
	for _, c := range []struct {
		name       string
		annotation string
		value      string
		replicas   int32
		want       []int32
	}{
		{"more", "", "", 5, []int32{3, 4, 5, 6, 7}},
		{"more by range", names.AnnotationNextNodeIDs, "[10-11]", 5, []int32{3, 4, 5, 10, 11}},
		{"more, counted down", names.AnnotationNextNodeIDs, "[11-10]", 4, []int32{3, 4, 5, 11}},
		{"more than the range has", names.AnnotationNextNodeIDs, "[5-6]", 5, []int32{3, 4, 5, 6, 7}},
		{"range that is taken", names.AnnotationNextNodeIDs, "[0-2]", 4, []int32{3, 4, 5, 6}},
		{"list", names.AnnotationNextNodeIDs, " [ 9, 20-21 ] ", 6, []int32{3, 4, 5, 9, 20, 21}},
		{"without brackets", names.AnnotationNextNodeIDs, "8", 4, []int32{3, 4, 5, 8}},
		{"less", "", "", 2, []int32{3, 4}},
		{"less by range", names.AnnotationRemoveNodeIDs, "[3-4]", 2, []int32{4, 5}},
		{"less, counted down", names.AnnotationRemoveNodeIDs, "[4-3]", 2, []int32{3, 5}},
		{"less, others named", names.AnnotationRemoveNodeIDs, "[0-2]", 2, []int32{3, 4}},
		{"less than the range has", names.AnnotationRemoveNodeIDs, "[3]", 1, []int32{4}},
		{"none", "", "", 3, []int32{3, 4, 5}},
		{"annotation without need", names.AnnotationNextNodeIDs, "[100]", 3, []int32{3, 4, 5}},
		{"bad annotation", names.AnnotationNextNodeIDs, "[x]", 4, []int32{3, 4, 5, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := scaled(t, start, "b", c.replicas)
			r.Kafka = r.Kafka.DeepCopy()
			r.Kafka.Spec.Kafka.Config = nil
			if c.annotation != "" {
				r = annotated(r, "b", c.annotation, c.value)
			}
			got, warnings := mustFor(t, r)
			if !slices.Equal(ids(got)["b"], c.want) {
				t.Errorf("%v instead of %v", ids(got)["b"], c.want)
			}
			if bad := c.name == "bad annotation"; bad != warned(warnings, "FieldsWithoutEffect", c.annotation) {
				t.Errorf("warnings: %v", warnings)
			}
			for _, id := range []int32{3, 4, 5} {
				if left := slices.Contains(got.Pools[1].Leaving, id); left == slices.Contains(c.want, id) {
					t.Errorf("leaving: %v", got.Pools[1].Leaving)
				}
			}
		})
	}
}

// A node whose id is in two pools, or of which something is left, is nobody else's.
func TestIDsOfOthers(t *testing.T) {
	r := running(t, pooled)
	r.Observed.NodeIDs["a"] = []int32{0, 1, 3}
	_, _, err := cluster.For(r)
	refused(t, err, "KafkaNodePool b: status.nodeIds", "node 3 is in the pool a too")

	r = scaled(t, running(t, pooled), "b", 5)
	r.Observed.Pods[6] = cluster.PodFacts{}                                // is ending
	r.Observed.Occupied[7] = true                                          // was never asked to leave
	r.Observed.NodeIDs["gone"], r.Observed.Occupied[9] = []int32{8}, false // a pool that is being deleted
	c, _ := mustFor(t, r)
	if want := []int32{3, 4, 5, 9, 10}; !slices.Equal(ids(c)["b"], want) {
		t.Errorf("%v instead of %v", ids(c)["b"], want)
	}
}

// A status that was lost does not give the nodes of the pods that are there to others, nor the controllers.
func TestLostStatus(t *testing.T) {
	r := running(t, pooled)
	r.Observed.NodeIDs, r.Observed.Pods = nil, nil
	c, _ := mustFor(t, r)
	if want := (map[string][]int32{"a": {0, 1, 2}, "b": {3, 4, 5}}); !reflect.DeepEqual(ids(c), want) {
		t.Errorf("%v instead of %v", ids(c), want)
	}
}

// TestRandomScaling walks through scalings and asks after each whether a rule is broken: ids are unique, those of nodes that
// are there do not move, an id that is given up does not come back in the same pass, controllers stay, and asking again
// changes nothing.
func TestRandomScaling(t *testing.T) {
	for seed := range int64(25) {
		random := rand.New(rand.NewSource(seed))
		r := resources(t, pooled+"---\nkind: KafkaNodePool\nmetadata: {name: c}\nspec: {replicas: 1, roles: [controller, broker], storage: {type: ephemeral}}\n")
		r.Kafka.Spec.Kafka.Config = nil
		before, _ := mustFor(t, r)
		voters := before.Shared["controller.quorum.voters"]
		for step := range 25 {
			r = carryOut(r, before)
			pool := r.Pools[random.Intn(3)].Name
			r = scaled(t, r, pool, int32(1+random.Intn(6)))
			if random.Intn(3) == 0 {
				first, last := random.Intn(12), random.Intn(12)
				key := []string{names.AnnotationNextNodeIDs, names.AnnotationRemoveNodeIDs}[random.Intn(2)]
				r = annotated(r, pool, key, fmt.Sprintf("[%d-%d]", first, last))
			}
			for id := range r.Observed.Pods {
				r.Observed.Occupied[id] = random.Intn(4) == 0
			}
			after, _ := mustFor(t, r)
			if problem := scalingProblem(before, after, r); problem != "" {
				t.Fatalf("seed %d step %d: %s\nbefore %v\nafter  %v", seed, step, problem, ids(before), ids(after))
			}
			if after.Shared["controller.quorum.voters"] != voters {
				t.Fatalf("seed %d step %d: the controllers changed", seed, step)
			}
			before = after
		}
	}
}

// scalingProblem says which rule a pass has broken.
func scalingProblem(before, after cluster.Cluster, r cluster.Resources) string {
	was, is := map[int32]string{}, map[int32]string{}
	for _, p := range before.Pools {
		for _, n := range p.Nodes {
			was[n.ID] = n.Pod
		}
	}
	for _, p := range after.Pools {
		for _, n := range p.Nodes {
			if is[n.ID] != "" {
				return fmt.Sprintf("node %d is there twice", n.ID)
			}
			is[n.ID] = n.Pod
			if was[n.ID] != "" && was[n.ID] != n.Pod {
				return fmt.Sprintf("node %d moved from %s to %s", n.ID, was[n.ID], n.Pod)
			}
			if !n.Broker && !n.Controller {
				return fmt.Sprintf("node %d has no role", n.ID)
			}
		}
		for _, id := range p.Leaving {
			if r.Observed.Occupied[id] {
				return fmt.Sprintf("node %d leaves with replicas", id)
			}
		}
	}
	for _, p := range after.Pools {
		for _, id := range p.Leaving {
			if is[id] != "" {
				return fmt.Sprintf("node %d leaves and is there", id)
			}
		}
	}
	then := carryOut(r, after)
	then.Observed.Occupied = r.Observed.Occupied
	again, _, err := cluster.For(then)
	if err != nil {
		return err.Error()
	}
	if !reflect.DeepEqual(ids(again), ids(after)) {
		return fmt.Sprintf("asked again: %v", ids(again))
	}
	return ""
}

// TestScaleDownCheck: brokers with replicas stay, and so do those of which nobody knows.
func TestScaleDownCheck(t *testing.T) {
	down := scaled(t, running(t, pooled), "b", 2)
	down.Kafka.Spec.Kafka.Config = nil
	occupied := func(r cluster.Resources, ids ...int32) cluster.Resources {
		r.Observed.Occupied = map[int32]bool{}
		for _, id := range ids {
			r.Observed.Occupied[id] = true
		}
		return r
	}
	unknown := down
	unknown.Observed.Occupied = nil
	skipped := unknown
	skipped.Kafka = skipped.Kafka.DeepCopy()
	skipped.Kafka.Annotations = map[string]string{names.AnnotationSkipScaleDownCheck: "true"}
	for _, c := range []struct {
		name string
		in   cluster.Resources
		want int
		warn string
		ask  bool
	}{
		{"empty", occupied(down, 3, 4), 2, "", false},
		{"occupied", occupied(down, 5), 3, "5 have replicas: move those to other brokers first", false},
		{"unknown", unknown, 3, "could not be asked", true},
		{"skipped", skipped, 2, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, warnings := mustFor(t, c.in)
			if n := len(ids(got)["b"]); n != c.want || got.AskOccupied != c.ask {
				t.Errorf("%d brokers, ask=%v", n, got.AskOccupied)
			}
			if w := warned(warnings, cluster.ReasonScaleDown, c.warn); w != (c.warn != "") {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

// A pool that is no longer one of brokers keeps its brokers while they have replicas.
func TestBrokerRoleStays(t *testing.T) {
	r := running(t, strings.ReplaceAll(pooled, "roles: [controller]", "roles: [controller, broker]"))
	r.Kafka.Spec.Kafka.Config = nil
	r.Pools[0].Spec.Roles = []string{v1.RoleController}
	for _, c := range []struct {
		name     string
		occupied map[int32]bool
		want     bool
	}{{"unknown", nil, true}, {"occupied", map[int32]bool{1: true}, true}, {"empty", map[int32]bool{}, false}} {
		r.Observed.Occupied = c.occupied
		got, _ := mustFor(t, r)
		if got.Pools[0].Broker != c.want || !got.Pools[0].Controller || got.AskOccupied != (c.occupied == nil) {
			t.Errorf("%s: broker=%v controller=%v ask=%v", c.name, got.Pools[0].Broker, got.Pools[0].Controller, got.AskOccupied)
		}
	}
}
