package cluster_test

import (
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/properties"
)

// TestUpgrade goes from 3.9 to the newest version pod by pod, as a roll does: nothing of what is wanted moves on the way, the
// metadata follow when all pods are new, and then there is no way back.
func TestUpgrade(t *testing.T) {
	r := resources(t, small)
	r.Kafka.Spec.Kafka.Version = "3.9.1"
	old, _ := mustFor(t, r)
	r = carryOut(r, old)
	newest := kafkaconf.Default()
	r.Kafka.Spec.Kafka.Version = newest.Number
	var wanted string
	for _, id := range []int32{2, 0, 1} {
		c, _ := mustFor(t, r)
		if c.From.Number != "3.9.1" || c.FormatMetadata != old.Metadata || c.Metadata != newest.Metadata {
			t.Fatalf("from %s, format %s, metadata %s", c.From.Number, c.FormatMetadata, c.Metadata)
		}
		if got := c.Pools[0].Nodes[0].ConfigurationHash; wanted != "" && got != wanted {
			t.Fatal("what is wanted moves while the nodes are rolled")
		}
		wanted = c.Pools[0].Nodes[0].ConfigurationHash
		r.Observed.Pods[id] = cluster.PodFacts{Version: newest.Number, Broker: true}
	}
	c, _ := mustFor(t, r)
	if c.From != c.Version || c.FormatMetadata != old.Metadata {
		t.Errorf("from %s, format %s", c.From.Number, c.FormatMetadata)
	}
	back := r
	back.Kafka = r.Kafka.DeepCopy()
	back.Kafka.Spec.Kafka.Version = "3.9.1"
	mustFor(t, back) // as long as the metadata are the old ones
	r, back.Observed.MetadataVersion = carryOut(r, c), newest.Metadata
	mustFor(t, r)
	_, _, err := cluster.For(back)
	refused(t, err, "spec.kafka.version", "set spec.kafka.metadataVersion to "+old.Metadata)
}

// TestRandomStorage changes storage at random, and asks after each change whether data would be lost by it: a volume that stays
// is of the same type and class, claims never shrink, and a change that is refused changes nothing.
func TestRandomStorage(t *testing.T) {
	for seed := range int64(40) {
		random := rand.New(rand.NewSource(seed))
		r := resources(t, claimed)
		before, _ := mustFor(t, r)
		for step := range 15 {
			r = carryOut(r, before)
			r.Observed.Expandable = map[string]bool{"": random.Intn(2) == 0, "fast": random.Intn(2) == 0, "slow": true}
			r.Kafka = r.Kafka.DeepCopy()
			r.Kafka.Spec.Kafka.Storage = randomStorage(random)
			after, _ := mustFor(t, r)
			if problem := storageProblem(before, after); problem != "" {
				t.Fatalf("seed %d step %d: %s\nbefore %s\nafter  %s", seed, step, problem, asYAML(before.Pools[0].Storage), asYAML(after.Pools[0].Storage))
			}
			before = after
		}
	}
}

func randomStorage(random *rand.Rand) *v1.Storage {
	s := &v1.Storage{Type: v1.StorageJBOD}
	if random.Intn(8) == 0 {
		s.Type = v1.StorageEphemeral
	}
	for id := range int32(4) {
		if random.Intn(2) == 0 && (id < 3 || len(s.Volumes) > 0) {
			continue
		}
		v := v1.JBODVolume{Type: v1.StoragePersistentClaim, ID: id}
		if random.Intn(6) == 0 {
			v.Type = v1.StorageEphemeral
		} else {
			v.Size = ptr(*resource.NewQuantity(int64(5+random.Intn(10))<<30, resource.BinarySI))
			v.Class = []string{"", "fast", "fast", "slow"}[random.Intn(4)]
		}
		s.Volumes = append(s.Volumes, v)
	}
	return s
}

// storageProblem says what would be lost.
func storageProblem(before, after cluster.Cluster) string {
	claims := map[string]cluster.Claim{}
	for _, n := range before.Pools[0].Nodes {
		for _, c := range n.Claims {
			claims[c.Name] = c
		}
	}
	for _, n := range after.Pools[0].Nodes {
		for _, c := range n.Claims {
			was, ok := claims[c.Name]
			switch {
			case !ok:
			case c.Settings.Class != was.Settings.Class:
				return "the claim " + c.Name + " has another class"
			case c.Settings.Size.Cmp(*was.Settings.Size) < 0:
				return "the claim " + c.Name + " shrinks"
			}
		}
		if dirs := strings.Split(n.Config["log.dirs"], ","); len(dirs) != len(after.Pools[0].Volumes) || !slices.Contains(dirs, n.Config["metadata.log.dir"]) {
			return "directories do not fit the volumes: " + n.Config["log.dirs"] + ", metadata in " + n.Config["metadata.log.dir"]
		}
	}
	for _, v := range after.Pools[0].Volumes {
		for _, was := range before.Pools[0].Volumes {
			if v.Name == was.Name && v.Claim != was.Claim {
				return "the volume " + v.Name + " changes between claim and pod"
			}
		}
	}
	return ""
}

// TestNodesAreWhole: in each cluster of the files each node has all that it needs to start: its listeners have a protocol and an
// address, its keys are where steg-node puts them, and Kafka's table of options knows its settings.
func TestNodesAreWhole(t *testing.T) {
	for _, name := range clusters(t) {
		r := file(t, name)
		c, _ := mustFor(t, r)
		c, _ = mustFor(t, carryOut(r, c))
		voters := cluster.Voters(map[string]string{names.FileServerConfig: properties.Text(c.Shared)})
		for _, p := range c.Pools {
			for _, n := range p.Nodes {
				wholeNode(t, name, c, n)
				if slices.Contains(voters, n.ID) != n.Controller {
					t.Errorf("%s: node %d: controller=%v, voters %v", name, n.ID, n.Controller, voters)
				}
				if !slices.Contains(n.DNSNames, n.Host) {
					t.Errorf("%s: the certificate of node %d is not for its own name", name, n.ID)
				}
			}
		}
	}
}

func wholeNode(t *testing.T, name string, c cluster.Cluster, n cluster.Node) {
	t.Helper()
	all := maps.Clone(c.Shared)
	maps.Copy(all, c.ListenerConfig)
	maps.Copy(all, n.Config)
	protocols := map[string]string{}
	for _, entry := range strings.Split(all["listener.security.protocol.map"], ",") {
		listener, protocol, _ := strings.Cut(entry, ":")
		protocols[listener] = protocol
	}
	for _, bound := range strings.Split(all["listeners"], ",") {
		listener, _, _ := strings.Cut(bound, "://")
		protocol := protocols[listener]
		if protocol == "" || n.Advertised[listener].Host == "" || n.Advertised[listener].Port == 0 {
			t.Errorf("%s: node %d: %s has the protocol %q and the address %v", name, n.ID, listener, protocol, n.Advertised[listener])
		}
		store := all["listener.name."+strings.ToLower(listener)+".ssl.keystore.location"]
		if strings.HasSuffix(protocol, "SSL") != strings.HasPrefix(store, names.DirRun+"/") {
			t.Errorf("%s: node %d: %s of %s has its key in %q", name, n.ID, listener, protocol, store)
		}
		if strings.HasPrefix(protocol, "SASL") && all["listener.name."+strings.ToLower(listener)+".sasl.enabled.mechanisms"] == "" {
			t.Errorf("%s: node %d: %s has no mechanisms", name, n.ID, listener)
		}
	}
	for key, value := range all {
		if strings.Contains(value, "${") {
			delete(all, key)
		}
	}
	if bad, _ := c.Version.Check(all); len(bad) > 0 {
		t.Errorf("%s: node %d: %v", name, n.ID, bad)
	}
}

// TestClaimsOfNodesThatComeBack: a claim that was kept is taken up as it is.
func TestClaimsOfNodesThatComeBack(t *testing.T) {
	r := scaled(t, running(t, claimed), cluster.VirtualPool, 4)
	pvc := corev1.PersistentVolumeClaim{}
	pvc.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("50Gi")}
	r.Observed.Claims["data-0-my-cluster-kafka-3"] = pvc
	c, warnings := mustFor(t, r)
	if got := c.Pools[0].Nodes[3].Claims[0].Settings.Size.String(); got != "50Gi" {
		t.Error(got)
	}
	if !warned(warnings, cluster.ReasonStorage, "data-0-my-cluster-kafka-3 stays at 50Gi") {
		t.Errorf("%v", warnings)
	}
}
