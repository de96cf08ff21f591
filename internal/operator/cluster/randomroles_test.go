package cluster_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
)

// TestRandomRoles changes roles and sizes of three pools at random, carries out what comes of it, and asks each time whether a rule
// is broken: controllers stay, brokers with replicas stay brokers, nobody is without a role, and asking again changes nothing.
// What is refused leaves everything as it was.
func TestRandomRoles(t *testing.T) {
	roles := [][]string{{v1.RoleController}, {v1.RoleBroker}, {v1.RoleController, v1.RoleBroker}}
	const third = "---\nkind: KafkaNodePool\nmetadata: {name: c}\nspec: {replicas: 2, roles: [controller, broker], storage: {type: ephemeral}}\n"
	refusals, passes := 0, 0
	for seed := range int64(12) {
		random := rand.New(rand.NewSource(seed))
		r := resources(t, pooled+third)
		r.Kafka.Spec.Kafka.Config = nil
		before, _ := mustFor(t, r)
		for step := range 15 {
			occupied := map[int32]bool{}
			r = carryOut(r, before)
			for _, p := range before.Pools {
				for _, n := range p.Nodes {
					occupied[n.ID] = n.Broker && random.Intn(3) == 0
				}
			}
			r.Observed.Occupied = occupied
			if random.Intn(8) == 0 {
				r.Observed.Occupied = nil // Kafka could not be asked
			}
			r.Pools = slices.Clone(r.Pools)
			at := random.Intn(3)
			r.Pools[at].Spec.Roles = roles[random.Intn(3)]
			r.Pools[at].Spec.Replicas = int32(random.Intn(5))
			after, _, err := cluster.For(r)
			if err != nil {
				refusals++
				if strings.Contains(err.Error(), "\n") {
					t.Fatalf("seed %d step %d: %q", seed, step, err)
				}
				r.Pools[at].Spec.Roles, r.Pools[at].Spec.Replicas = roles[2], 3 // the user's way out
				continue
			}
			passes++
			if problem := roleProblem(before, after, r); problem != "" {
				t.Fatalf("seed %d step %d: %s\nbefore %s\nafter  %s\noccupied %v", seed, step, problem, rolesOf(before), rolesOf(after), r.Observed.Occupied)
			}
			before = after
		}
	}
	if passes < 60 || refusals == 0 {
		t.Errorf("%d passes and %d refusals show little", passes, refusals)
	}
}

// nodesOf are the nodes of all pools by their ids.
func nodesOf(c cluster.Cluster) map[int32]cluster.Node {
	all := map[int32]cluster.Node{}
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			all[n.ID] = n
		}
	}
	return all
}

// rolesOf is a cluster's nodes as texts such as a0cb.
func rolesOf(c cluster.Cluster) string {
	var all []string
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			all = append(all, fmt.Sprint(p.Name, n.ID, map[bool]string{true: "c"}[n.Controller], map[bool]string{true: "b"}[n.Broker]))
		}
	}
	return strings.Join(all, " ")
}

// roleProblem says which rule a pass has broken.
func roleProblem(before, after cluster.Cluster, r cluster.Resources) string {
	was, is := nodesOf(before), nodesOf(after)
	for id, n := range was {
		now, there := is[id]
		controller, broker := there && now.Controller, there && now.Broker
		mayHold := r.Observed.Occupied == nil || r.Observed.Occupied[id]
		switch {
		case n.Controller && !controller:
			return fmt.Sprintf("the controller %d goes", id)
		case n.Broker && mayHold && !broker:
			return fmt.Sprintf("the broker %d goes with its replicas", id)
		case there && now.Pod != n.Pod:
			return fmt.Sprintf("node %d moves from %s to %s", id, n.Pod, now.Pod)
		case controller && !n.Controller:
			return fmt.Sprintf("node %d becomes a controller of a quorum that runs", id)
		}
	}
	for id, n := range is {
		if !n.Broker && !n.Controller {
			return fmt.Sprintf("node %d has no role", id)
		}
		if want := strings.Trim(map[bool]string{true: "controller"}[n.Controller]+","+map[bool]string{true: "broker"}[n.Broker], ","); n.Config["process.roles"] != want {
			return fmt.Sprintf("node %d is %s and runs as %s", id, want, n.Config["process.roles"])
		}
	}
	if after.Shared["controller.quorum.voters"] != before.Shared["controller.quorum.voters"] {
		return "the voters change"
	}
	then := carryOut(r, after)
	then.Observed.Occupied = r.Observed.Occupied
	again, _, err := cluster.For(then)
	if err != nil {
		return "it is refused once it is there: " + err.Error()
	}
	if rolesOf(again) != rolesOf(after) {
		return "asked again: " + rolesOf(again)
	}
	return ""
}
