package cluster_test

import (
	"testing"

	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
)

// TestVersions: from one version to another, with what the metadata are to be and what new directories get.
func TestVersions(t *testing.T) {
	newest, old := kafkaconf.Default(), lookup(t, "3.9.1")
	for _, c := range []struct {
		name             string
		version, wanted  string
		inForce          string
		pods             []string // versions
		from             string
		metadata, format string
		refused          string
	}{
		{"new", "", "", "", nil, newest.Number, newest.Metadata, newest.Metadata, ""},
		{"new, older metadata", "", "4.0-IV3", "", nil, newest.Number, "4.0-IV3", "4.0-IV3", ""},
		{"metadata by version", "", "4.0", "", nil, newest.Number, "4.0-IV3", "4.0-IV3", ""},
		{"old", "3.9.1", "", "", nil, "3.9.1", old.Metadata, old.Metadata, ""},
		{"upgrade", "", "", old.Metadata, []string{"3.9.1", "3.9.1", "3.9.1"}, "3.9.1", newest.Metadata, old.Metadata, ""},
		{"in the middle", "", "", old.Metadata, []string{newest.Number, "3.9.1", newest.Number}, "3.9.1", newest.Metadata, old.Metadata, ""},
		{"in the middle, metadata not known", "", "", "", []string{newest.Number, "3.9.1"}, "3.9.1", newest.Metadata, old.Metadata, ""},
		{"all new", "", "", old.Metadata, []string{newest.Number}, newest.Number, newest.Metadata, old.Metadata, ""},
		{"upgrade, metadata kept", "", old.Metadata, old.Metadata, []string{"3.9.1"}, "3.9.1", old.Metadata, old.Metadata, ""},
		{"back", "3.9.1", "", old.Metadata, []string{newest.Number}, newest.Number, old.Metadata, old.Metadata, ""},
		{"back too late", "3.9.1", "", newest.Metadata, []string{newest.Number}, "", "", "", "the cluster can't go to 3.9.1: its metadata version is " + newest.Metadata},
		{"pods of unknown versions", "", "", "", []string{"", "2.8.0"}, newest.Number, newest.Metadata, newest.Metadata, ""},
		{"metadata too new", "3.9.1", newest.Metadata, "", nil, "", "", "", newest.Metadata},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := resources(t, small)
			r.Kafka.Spec.Kafka.Version, r.Kafka.Spec.Kafka.MetadataVersion = c.version, c.wanted
			r.Observed.MetadataVersion = c.inForce
			r.Observed.Pods = map[int32]cluster.PodFacts{}
			for i, version := range c.pods {
				r.Observed.Pods[int32(i)] = cluster.PodFacts{Version: version}
			}
			r.Observed.NodeIDs = map[string][]int32{cluster.VirtualPool: {0, 1, 2}}
			got, _, err := cluster.For(r)
			if c.refused != "" {
				field := "spec.kafka.version"
				if c.wanted != "" {
					field = "spec.kafka.metadataVersion"
				}
				refused(t, err, field, c.refused)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.From.Number != c.from {
				t.Errorf("from %s", got.From.Number)
			}
			if got.Metadata != c.metadata || got.FormatMetadata != c.format {
				t.Errorf("metadata %s, format %s", got.Metadata, got.FormatMetadata)
			}
		})
	}
}

func lookup(t *testing.T, number string) kafkaconf.Version {
	t.Helper()
	v, ok := kafkaconf.Lookup(number)
	if !ok {
		t.Fatalf("%s is not known", number)
	}
	return v
}

// TestImages: the user's image, the one of the version, or the repository with the version as its tag.
func TestImages(t *testing.T) {
	r := resources(t, small)
	image := func() string {
		c, _ := mustFor(t, r)
		return c.Image
	}
	if got := image(); got != "docker.io/apache/kafka:"+kafkaconf.Default().Number {
		t.Error(got)
	}
	r.Defaults.Images = map[string]string{kafkaconf.Default().Number: "mirror/kafka:own"}
	if got := image(); got != "mirror/kafka:own" {
		t.Error(got)
	}
	r.Kafka.Spec.Kafka.Image = "mine"
	if got := image(); got != "mine" {
		t.Error(got)
	}
	r = resources(t, small)
	r.Defaults.ImageRepository = ""
	_, _, err := cluster.For(r)
	refused(t, err, "spec.kafka.image", "the operator has no image of Kafka")
}

// Every supported version gets settings that its own table of options takes, and each in its own logging library.
func TestAllVersions(t *testing.T) {
	for _, v := range kafkaconf.Versions() {
		r := resources(t, small)
		r.Kafka.Spec.Kafka.Version = v.Number
		c, warnings := mustFor(t, r)
		if len(warnings) > 0 {
			t.Errorf("%s: %v", v.Number, warnings)
		}
		if bad, unknown := v.Check(c.Shared); len(bad)+len(unknown) > 0 {
			t.Errorf("%s: %v %v", v.Number, bad, unknown)
		}
		if want := v.Minor() != "3.9"; (c.LogFile == "log4j2.properties") != want {
			t.Errorf("%s logs by %s", v.Number, c.LogFile)
		}
	}
}
