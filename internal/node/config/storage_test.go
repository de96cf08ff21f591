package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	thisCluster  = "AAAAAAAAAAAAAAAAAAAAAA"
	otherCluster = "BBBBBBBBBBBBBBBBBBBBBA"
)

func TestPlanStorage(t *testing.T) {
	mine := &Meta{ClusterID: thisCluster, NodeID: "3"}
	for _, c := range []struct {
		name string
		dirs []Dir
		want StoragePlan
		err  string
	}{
		{"new", []Dir{{Path: "/a"}, {Path: "/b"}}, StoragePlan{Format: true}, ""},
		{"formatted", []Dir{{Path: "/a", Meta: mine, Metadata: true}, {Path: "/b", Meta: mine}}, StoragePlan{}, ""},
		{"formatted, without a record yet", []Dir{{Path: "/a", Meta: mine}}, StoragePlan{}, ""},
		{"a volume more", []Dir{{Path: "/a", Meta: mine, Metadata: true}, {Path: "/b"}}, StoragePlan{Format: true}, ""},
		{"moved", []Dir{{Path: "/a", Meta: mine}, {Path: "/b", Meta: mine, Metadata: true}}, StoragePlan{MoveFrom: "/b"}, ""},
		{"moved to a volume more", []Dir{{Path: "/a"}, {Path: "/b", Meta: mine, Metadata: true}}, StoragePlan{Format: true, MoveFrom: "/b"}, ""},
		{"interrupted after the copy", []Dir{{Path: "/a", Meta: mine, Metadata: true}, {Path: "/b", Meta: mine, Metadata: true}}, StoragePlan{Stale: []string{"/b"}}, ""},
		{
			"interrupted, then a third",
			[]Dir{{Path: "/a", Meta: mine}, {Path: "/b", Meta: mine, Metadata: true}, {Path: "/c", Meta: mine, Metadata: true}},
			StoragePlan{},
			"metadata.log.dir: /a has no metadata, but each of /b, /c has: remove __cluster_metadata-0 from all but the newest of them",
		},
		{
			"another cluster",
			[]Dir{{Path: "/a", Meta: mine}, {Path: "/b", Meta: &Meta{otherCluster, "3"}}},
			StoragePlan{},
			"/b/meta.properties has data of cluster " + otherCluster + ", but node/cluster.id says " + thisCluster + ": use the volume of this cluster, or empty it",
		},
		{
			"another node",
			[]Dir{{Path: "/a", Meta: &Meta{thisCluster, "4"}}},
			StoragePlan{},
			"/a/meta.properties has data of node 4, but this is node 3: the volume of another node is mounted",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := PlanStorage(c.dirs, "/a", thisCluster, 3)
			if text := errorText(err); text != c.err {
				t.Errorf("got  %s\nwant %s", text, c.err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseMeta(t *testing.T) {
	got, err := ParseMeta("#\n#Sun Nov 22 23:00:00 UTC 2026\ncluster.id=x\ndirectory.id=y\nnode.id=7\nversion=1\n")
	if err != nil || got != (Meta{"x", "7"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range []string{"", "version=0\nbroker.id=1\ncluster.id=x\n", "cluster.id=\\u0\n"} {
		if _, err := ParseMeta(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzParseMeta(f *testing.F) {
	f.Add("cluster.id=x\nnode.id=7\n")
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := ParseMeta(text); err == nil && (m.ClusterID == "" || m.NodeID == "") {
			t.Errorf("%+v", m)
		}
	})
}

func TestClusterID(t *testing.T) {
	if id, err := ClusterID(" " + thisCluster + "\n"); id != thisCluster || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	for _, bad := range []string{"", thisCluster[1:], thisCluster + "A", strings.Repeat("A", 21) + "=", strings.Repeat("ä", 11)} {
		if _, err := ClusterID(bad); err == nil || !strings.HasPrefix(err.Error(), "node/cluster.id: ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestFormatArguments(t *testing.T) {
	for _, c := range []struct {
		version, extra string
		want           []string
	}{
		{"4.3-IV0\n", "", []string{"--release-version", "4.3-IV0"}},
		{"", " --no-initial-controllers\n--feature kraft.version=1", []string{"--no-initial-controllers", "--feature", "kraft.version=1"}},
	} {
		want := append([]string{"format", "--cluster-id", "x", "--config", "/f", "--ignore-formatted"}, c.want...)
		if diff := cmp.Diff(want, FormatArguments("/f", "x", c.version, c.extra)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
