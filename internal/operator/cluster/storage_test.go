package cluster_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
)

const claimed = `
kind: Kafka
metadata: {name: my-cluster}
spec:
  kafka:
    replicas: 3
    storage:
      type: jbod
      volumes:
        - {id: 0, type: persistent-claim, size: 10Gi, class: fast}
        - {id: 3, type: persistent-claim, size: 20Gi, deleteClaim: true}
    listeners: [{name: plain, port: 9092, type: internal, tls: false}]
    config: {default.replication.factor: 3, min.insync.replicas: 2}
`

// TestStorageChanges: what of a change is carried out, and that all of it is left alone if one part can't be.
func TestStorageChanges(t *testing.T) {
	volume := func(s *v1.Storage, i int) *v1.StorageSettings { return &s.Volumes[i].StorageSettings }
	for _, c := range []struct {
		name   string
		change func(s *v1.Storage)
		warn   string // empty: it is carried out
	}{
		{"nothing", func(*v1.Storage) {}, ""},
		{"grow", func(s *v1.Storage) { volume(s, 0).Size = quantity("11Gi") }, ""},
		{"same size in other words", func(s *v1.Storage) { volume(s, 0).Size = quantity("10240Mi") }, ""},
		{"keep claims", func(s *v1.Storage) { volume(s, 1).DeleteClaim = ptr(false) }, ""},
		{"metadata elsewhere", func(s *v1.Storage) { volume(s, 1).KraftMetadata = v1.KraftMetadataShared }, ""},
		{"attributes", func(s *v1.Storage) { volume(s, 1).VolumeAttributesClass = "gold" }, ""},
		{"a volume more", func(s *v1.Storage) {
			s.Volumes = append(s.Volumes, v1.JBODVolume{Type: v1.StorageEphemeral, ID: 7})
		}, ""},
		{"a volume less", func(s *v1.Storage) { s.Volumes = s.Volumes[1:] }, ""},
		{"shrink", func(s *v1.Storage) { volume(s, 0).Size = quantity("9Gi") }, "volume 0: size can't shrink from 10Gi to 9Gi"},
		{"shrink and grow", func(s *v1.Storage) {
			volume(s, 0).Size, volume(s, 1).Size = quantity("9Gi"), quantity("30Gi")
		}, "volume 0: size can't shrink"},
		{"class", func(s *v1.Storage) { volume(s, 0).Class = "slow" }, `volume 0: class can't change from "fast" to "slow"`},
		{"selector", func(s *v1.Storage) { volume(s, 1).Selector = map[string]string{"a": "b"} }, "volume 3: selector can't change"},
		{"overrides", func(s *v1.Storage) {
			volume(s, 1).Overrides = []v1.StorageOverride{{Broker: ptr(int32(1)), Class: "x"}}
		}, "volume 3: overrides can't change"},
		{"type of a volume", func(s *v1.Storage) { s.Volumes[1].Type = v1.StorageEphemeral }, "volume 3: type can't change from persistent-claim to ephemeral"},
		{"type", func(s *v1.Storage) {
			*s = v1.Storage{Type: v1.StorageEphemeral}
		}, "type can't change from jbod to ephemeral"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := running(t, claimed)
			before, _ := mustFor(t, r)
			r.Kafka = r.Kafka.DeepCopy()
			c.change(r.Kafka.Spec.Kafka.Storage)
			r.Observed.Expandable = map[string]bool{"fast": true, "": true}
			after, warnings := mustFor(t, r)
			want := *r.Kafka.Spec.Kafka.Storage
			if c.warn != "" {
				want = before.Pools[0].Storage
			}
			if got := after.Pools[0].Storage; !sameStorage(got, want) {
				t.Errorf("storage is %s", asYAML(got))
			}
			if warned(warnings, cluster.ReasonStorage, c.warn) != (c.warn != "") {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

func sameStorage(a, b v1.Storage) bool { return asYAML(a) == asYAML(b) }

// TestClaimSizes: a claim grows if its class lets it, and never shrinks, whatever was wanted of it in between.
func TestClaimSizes(t *testing.T) {
	for _, c := range []struct {
		name       string
		has        string
		expandable bool
		want       string
		reason     string
	}{
		{"as wanted", "10Gi", false, "10Gi", ""},
		{"may grow", "5Gi", true, "10Gi", ""},
		{"may not grow", "5Gi", false, "5Gi", cluster.ReasonResizing},
		{"is larger", "20Gi", true, "20Gi", cluster.ReasonStorage},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := running(t, claimed)
			claim := r.Observed.Claims["data-0-my-cluster-kafka-1"]
			claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(c.has)}
			r.Observed.Claims["data-0-my-cluster-kafka-1"] = claim
			r.Observed.Expandable = map[string]bool{"fast": c.expandable}
			got, warnings := mustFor(t, r)
			for _, n := range got.Pools[0].Nodes {
				want := "10Gi"
				if n.ID == 1 {
					want = c.want
				}
				if size := n.Claims[0].Settings.Size.String(); size != want {
					t.Errorf("node %d: %s", n.ID, size)
				}
			}
			if warned(warnings, c.reason, "the claim data-0-my-cluster-kafka-1 stays at "+c.has) != (c.reason != "") {
				t.Errorf("warnings: %v", warnings)
			}
		})
	}
}

// A volume that the nodes' metadata are on can be chosen, and the classes of single brokers.
func TestVolumes(t *testing.T) {
	r := resources(t, strings.Replace(claimed, "deleteClaim: true", "deleteClaim: true, kraftMetadata: shared, overrides: [{broker: 2, class: zone-c}, {broker: 1, class: ''}]", 1))
	c, _ := mustFor(t, r)
	for _, n := range c.Pools[0].Nodes {
		if got := n.Config["metadata.log.dir"]; !strings.HasPrefix(got, "/var/lib/kafka/data-3/kafka-log") {
			t.Errorf("the metadata of node %d are in %s", n.ID, got)
		}
		want := map[int32]string{2: "zone-c"}[n.ID]
		if got := n.Claims[1].Settings.Class; got != want {
			t.Errorf("class of node %d is %q", n.ID, got)
		}
		if !n.Claims[1].Delete || n.Claims[0].Delete {
			t.Errorf("node %d: claims to delete: %+v", n.ID, n.Claims)
		}
	}
}
