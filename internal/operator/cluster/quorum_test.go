package cluster_test

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// warned reports whether there is a warning of a reason with a text.
func warned(warnings []model.Warning, reason, text string) bool {
	return slices.ContainsFunc(warnings, func(w model.Warning) bool { return w.Reason == reason && strings.Contains(w.Message, text) })
}

// controllers are the ids of a cluster's controllers, and brokersOnly those of its other nodes.
func controllers(c cluster.Cluster) (controllers, brokersOnly []int32) {
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			if n.Controller {
				controllers = append(controllers, n.ID)
			} else {
				brokersOnly = append(brokersOnly, n.ID)
			}
		}
	}
	return controllers, brokersOnly
}

// TestVirtualPoolScales: 3 → 4 → 3, with the three controllers that the cluster was made with.
func TestVirtualPoolScales(t *testing.T) {
	r := scaled(t, running(t, small), cluster.VirtualPool, 4)
	up, warnings := mustFor(t, r)
	with, without := controllers(up)
	if !slices.Equal(with, []int32{0, 1, 2}) || !slices.Equal(without, []int32{3}) {
		t.Errorf("controllers %v, others %v", with, without)
	}
	if !warned(warnings, cluster.ReasonControllersStay, "the nodes 3 are brokers only") {
		t.Errorf("warnings: %v", warnings)
	}
	if got := up.Pools[0].Nodes[3].Config; got["process.roles"] != "broker" || strings.Contains(got["listeners"], names.ListenerControlPlane) {
		t.Errorf("settings of the new node: %v", got)
	}
	r = scaled(t, carryOut(r, up), cluster.VirtualPool, 3)
	down, _ := mustFor(t, r)
	if got := ids(down)[cluster.VirtualPool]; !slices.Equal(got, []int32{0, 1, 2}) || !slices.Equal(down.Pools[0].Leaving, []int32{3}) {
		t.Errorf("nodes %v, leaving %v", got, down.Pools[0].Leaving)
	}
	if before, _ := mustFor(t, running(t, small)); before.Pools[0].Nodes[0].ConfigurationHash != up.Pools[0].Nodes[0].ConfigurationHash {
		t.Error("another broker restarts the others")
	}
}

// TestControllersStay: whatever the pools say, the controllers of a running cluster are those it has.
func TestControllersStay(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(r *cluster.Resources)
		warn   string
	}{
		{"fewer", func(r *cluster.Resources) { r.Pools[0].Spec.Replicas = 1 }, "3 nodes stay, since 0, 1, 2 are controllers"},
		{"more", func(r *cluster.Resources) { r.Pools[0].Spec.Replicas = 5 }, "there are 3 nodes and not 5"},
		{"brokers too", func(r *cluster.Resources) { r.Pools[1].Spec.Roles = []string{v1.RoleBroker, v1.RoleController} }, "the nodes 3, 4, 5 are brokers only"},
		{"brokers instead", func(r *cluster.Resources) {
			r.Pools[0].Spec.Roles, r.Pools[1].Spec.Roles = []string{v1.RoleBroker}, []string{v1.RoleController}
		}, "the nodes 0, 1, 2 are controllers still"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := running(t, pooled)
			before := mustVoters(t, r)
			c.change(&r)
			got, warnings := mustFor(t, r)
			if with, _ := controllers(got); !slices.Equal(with, []int32{0, 1, 2}) || got.Shared["controller.quorum.voters"] != before {
				t.Errorf("controllers: %v", with)
			}
			if !warned(warnings, cluster.ReasonControllersStay, c.warn) {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

func mustVoters(t *testing.T, r cluster.Resources) string {
	t.Helper()
	c, _ := mustFor(t, r)
	return c.Shared["controller.quorum.voters"]
}

// A pool that shrinks gives up its brokers before it touches controllers, though those have the higher ids.
func TestShrinkSparesControllers(t *testing.T) {
	r := resources(t, "kind: KafkaNodePool\nmetadata: {name: a, annotations: {strimzi.io/next-node-ids: '[5-7]'}}\nspec: {replicas: 3, roles: [controller, broker], storage: {type: ephemeral}}\n---"+small)
	r.Kafka.Spec.Kafka.Replicas, r.Kafka.Spec.Kafka.Storage, r.Kafka.Spec.Kafka.Config = nil, nil, nil
	c, _ := mustFor(t, r)
	r = carryOut(r, c)
	r.Pools[0].Annotations = nil
	r = scaled(t, r, "a", 5)
	c, _ = mustFor(t, r)
	if !slices.Equal(ids(c)["a"], []int32{0, 1, 5, 6, 7}) {
		t.Fatalf("%v", ids(c))
	}
	c, _ = mustFor(t, scaled(t, carryOut(r, c), "a", 3))
	if !slices.Equal(ids(c)["a"], []int32{5, 6, 7}) {
		t.Errorf("%v", ids(c))
	}
}

// Controllers whose pool is gone are asked for by their ids.
func TestControllersGone(t *testing.T) {
	r := running(t, pooled)
	r.Pools = r.Pools[1:]
	r.Pools[0].Spec.Roles = []string{v1.RoleBroker, v1.RoleController}
	delete(r.Observed.NodeIDs, "a")
	_, _, err := cluster.For(r)
	refused(t, err, "KafkaNodePools", `the nodes 0, 1, 2, which keep the cluster's metadata, are in none: make their pool again, with the annotation strimzi.io/next-node-ids: "[0, 1, 2]"`)
}

// TestPoolRefusals: what pools can't be.
func TestPoolRefusals(t *testing.T) {
	for _, c := range []struct {
		name        string
		change      func(r *cluster.Resources)
		field, text string
	}{
		{"no controllers", func(r *cluster.Resources) { r.Pools = r.Pools[1:] }, "KafkaNodePools", "has the role controller and more than 0 replicas"},
		{"no brokers", func(r *cluster.Resources) { r.Pools = r.Pools[:1] }, "KafkaNodePools", "has the role broker and more than 0 replicas"},
		{"brokers of 0 replicas", func(r *cluster.Resources) { r.Pools[1].Spec.Replicas = 0 }, "KafkaNodePools", "has the role broker"},
		{"no roles", func(r *cluster.Resources) { r.Pools[1].Spec.Roles = nil }, "KafkaNodePool b: spec.roles", "is missing: [controller], [broker] or [controller, broker]"},
		{"unknown role", func(r *cluster.Resources) { r.Pools[1].Spec.Roles = []string{"observer"} }, "KafkaNodePool b: spec.roles", `"observer" is not one of`},
		{"negative", func(r *cluster.Resources) { r.Pools[1].Spec.Replicas = -1 }, "KafkaNodePool b: spec.replicas", "-1 is not from 0 to 1000"},
		{"label of the operator's", func(r *cluster.Resources) { r.Pools[1].Labels = map[string]string{"strimzi.io/name": "x"} }, "KafkaNodePool b: metadata.labels", "remove it"},
		{"storage", func(r *cluster.Resources) { r.Pools[1].Spec.Storage.Type = "x" }, "KafkaNodePool b: spec.storage.type", "is not one of"},
		{"dots", func(r *cluster.Resources) { r.Pools[1].Name = "b.c" }, "KafkaNodePool b.c: metadata.name", "has dots"},
		{"long", func(r *cluster.Resources) { r.Pools[1].Name = strings.Repeat("b", 60) }, "metadata.name", "the pod of node 3 would be called my-cluster-bbb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := resources(t, pooled)
			c.change(&r)
			_, _, err := cluster.For(r)
			refused(t, err, c.field, c.text)
		})
	}
}

// The nodes of a Kafka without KafkaNodePools go on in one that is called kafka, and in no other.
func TestLeavingTheVirtualPool(t *testing.T) {
	r := running(t, small)
	pools := resources(t, strings.ReplaceAll(pooled, "[controller]", "[controller, broker]")).Pools
	r.Pools = pools
	_, _, err := cluster.For(r)
	refused(t, err, "KafkaNodePool kafka", "make one that is called kafka, with replicas: 3")
	r.Pools[0].Name = cluster.VirtualPool
	c, warnings := mustFor(t, r)
	if before, _ := mustFor(t, running(t, small)); !slices.Equal(ids(c)[cluster.VirtualPool], []int32{0, 1, 2}) ||
		c.Pools[1].Nodes[0].ConfigurationHash != before.Pools[0].Nodes[0].ConfigurationHash {
		t.Error("the nodes are others")
	}
	if !warned(warnings, model.ReasonNoEffect, "spec.kafka.replicas has no effect: the KafkaNodePools say it") {
		t.Errorf("warnings: %v", warnings)
	}
}

// TestControllerCount: one controller of several nodes, and even numbers, are warned of.
func TestControllerCount(t *testing.T) {
	for n, want := range map[int32]string{1: "", 2: "there are 2 controllers", 3: "", 4: "there are 4 controllers", 5: ""} {
		_, warnings := mustFor(t, func() cluster.Resources {
			r := scaled(t, resources(t, small), cluster.VirtualPool, n)
			r.Kafka.Spec.Kafka.Config = nil
			return r
		}())
		if got := warned(warnings, cluster.ReasonControllerCount, want); got != (want != "") {
			t.Errorf("%d: %v", n, warnings)
		}
	}
	_, warnings := mustFor(t, scaled(t, resources(t, pooled), "a", 1))
	if !warned(warnings, cluster.ReasonControllerCount, "there is one controller") {
		t.Errorf("%v", warnings)
	}
}

// TestVoters reads the controllers back from what was written of them.
func TestVoters(t *testing.T) {
	for text, want := range map[string][]int32{
		"": nil,
		"a=b\ncontroller.quorum.voters=0@a:9090,10@b:9090,2@c:9090\nz=1\n": {0, 2, 10},
		"controller.quorum.voters=0@a:9090,0@a:9090":                       {0},
		"controller.quorum.voters=x@a:9090":                                nil,
		"controller.quorum.voters=":                                        nil,
		"controller.quorum.voters=4294967296@a":                            nil,
	} {
		if got := cluster.Voters(map[string]string{names.FileServerConfig: text}); !slices.Equal(got, want) {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Voters are written in the order of their ids, not of their texts.
func TestVotersAreSorted(t *testing.T) {
	r := scaled(t, resources(t, small), cluster.VirtualPool, 12)
	voters := mustVoters(t, r)
	if !strings.HasPrefix(voters, "0@") || strings.Index(voters, ",2@") > strings.Index(voters, ",10@") {
		t.Error(voters)
	}
}
