package roll

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReasons(t *testing.T) {
	mark := func(change func(*Marks)) func(*scene) {
		return func(s *scene) { s.pod(4, func(p *Pod) { change(&p.Marks) }) }
	}
	pod := func(change func(*Pod)) func(*scene) {
		return func(s *scene) { s.pod(4, change) }
	}
	for _, c := range []struct {
		name   string
		change func(*scene)
		want   []Reason
	}{
		{"nothing", func(*scene) {}, nil},
		{"key", mark(func(m *Marks) { m.ClusterCAKey = 3 }), []Reason{ClusterCaCertKeyReplaced}},
		{"key and all it brings", mark(func(m *Marks) { m.ClusterCAKey, m.Trust = 3, "0" }), []Reason{ClusterCaCertKeyReplaced}},
		{"renewed", mark(func(m *Marks) { m.ClusterCACert, m.Trust = 4, "0" }), []Reason{CaCertRenewed}},
		{"clients' renewed", mark(func(m *Marks) { m.ClientsCACert = 5 }), []Reason{CaCertRenewed}},
		{"missed a roll", mark(func(m *Marks) { m.ClusterCACert = 3 }), []Reason{CaCertHasOldGeneration}},
		{"no generation", mark(func(m *Marks) { m.ClientsCACert = 0 }), []Reason{CaCertHasOldGeneration}},
		{"newer than wanted", mark(func(m *Marks) { m.ClientsCACert = 9 }), []Reason{CaCertHasOldGeneration}},
		{"removed", mark(func(m *Marks) { m.Trust = "0" }), []Reason{CaCertRemoved}},
		{"certificates", mark(func(m *Marks) { m.Certificates = "0" }), []Reason{KafkaCertificatesChanged}},
		{"revision", mark(func(m *Marks) { m.Revision = "0" }), []Reason{PodHasOldRevision}},
		{"configuration", mark(func(m *Marks) { m.Configuration = "0" }), []Reason{ConfigChangeRequiresRestart}},
		{"resources", mark(func(m *Marks) { m.ResourceRevision = "0" }), []Reason{PodHasOldResourceRevision}},
		{"resources in place", func(s *scene) {
			s.want.Nodes[4].ResizeInPlace = true
			s.pod(4, func(p *Pod) { p.ResourceRevision = "0" })
		}, nil},
		{"resources don't fit in place", func(s *scene) {
			s.want.Nodes[4].ResizeInPlace = true
			s.pod(4, func(p *Pod) { p.ResourceRevision, p.ResizeInfeasible = "0", true })
		}, []Reason{PodResourcesChanged}},
		{"nothing known of the pod", mark(func(m *Marks) { *m = Marks{} }), []Reason{
			ClusterCaCertKeyReplaced, CaCertHasOldGeneration, KafkaCertificatesChanged, PodHasOldRevision, PodHasOldResourceRevision, ConfigChangeRequiresRestart,
		}},
		{"by hand", pod(func(p *Pod) { p.Roll = true }), []Reason{ManualRollingUpdate}},
		{"file system", pod(func(p *Pod) { p.ResizePending = noon }), []Reason{FileSystemResizeNeeded}},
		{"file system, pod is newer", pod(func(p *Pod) { p.ResizePending = p.Created.Add(-1) }), nil},
		{"refused", func(s *scene) {
			s.want.Nodes[4].Options = "2"
			s.broker(4, Broker{Drift: []string{"a"}, Refused: true})
		}, []Reason{PodForceRestartOnError}},
		{"refused, and started with it", func(s *scene) { s.broker(4, Broker{Drift: []string{"a"}, Refused: true}) }, nil},
		{"unresponsive", func(s *scene) { s.broker(4, Broker{Unreachable: noon.Add(-DefaultAdminTimeout)}) }, []Reason{PodUnresponsive}},
		{"unresponsive for a moment", func(s *scene) { s.broker(4, Broker{Unreachable: noon.Add(1 - DefaultAdminTimeout)}) }, nil},
		{"unresponsive, pod is younger", func(s *scene) {
			s.broker(4, Broker{Unreachable: noon.Add(-time.Hour)})
			s.pod(4, func(p *Pod) { p.Since = noon.Add(1 - DefaultAdminTimeout) })
		}, nil},
		{"nobody answers", func(s *scene) {
			s.broker(4, Broker{Unreachable: noon.Add(-time.Hour)})
			s.seen.Kafka = nil
		}, nil},
	} {
		s := newScene()
		c.change(s)
		var got []Reason
		if step := Next(s.want, s.seen, noon); step.Do == Restart {
			want := Target{Node: 4, Pod: "c-p-4", UID: "u4", Reasons: step.Targets[0].Reasons}
			if diff := cmp.Diff([]Target{want}, step.Targets); diff != "" {
				t.Error(c.name, diff)
			}
			got = step.Targets[0].Reasons
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", c.name, got, c.want)
		}
	}
}
