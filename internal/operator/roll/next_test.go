package roll

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scene is a cluster of three controllers 0 to 2 (the active one is 1) and three brokers 3 to 5, in which all is as wanted and
// the pods have been ready for an hour. A case changes it.
type scene struct {
	want Want
	seen Seen
}

func (s *scene) pod(id int32, change func(*Pod)) {
	p := s.seen.Pods[id]
	change(&p)
	s.seen.Pods[id] = p
}

func (s *scene) broker(id int32, b Broker) { s.seen.Brokers[id] = b }

func (s *scene) partition(minISR int, replicas, isr []int32) {
	leader := None
	if len(isr) > 0 {
		leader = isr[0]
	}
	s.seen.Kafka.Partitions = append(s.seen.Kafka.Partitions,
		Partition{Topic: "t", Number: int32(len(s.seen.Kafka.Partitions)), Leader: leader, Replicas: replicas, ISR: isr, MinISR: minISR})
}

// old makes pods that are to be restarted.
func (s *scene) old(ids ...int32) {
	for _, id := range ids {
		s.pod(id, func(p *Pod) { p.Revision = "0" })
	}
}

func (s *scene) unready(id int32, since time.Duration, waiting string) {
	s.pod(id, func(p *Pod) { p.Ready, p.Since, p.Waiting = false, noon.Add(-since), waiting })
}

func (s *scene) voters(lags ...time.Duration) {
	s.seen.Kafka.Voters = nil
	for i, lag := range lags {
		s.seen.Kafka.Voters = append(s.seen.Kafka.Voters, Voter{ID: int32(i), Lag: lag})
	}
}

func newScene() *scene {
	s := &scene{seen: Seen{Pods: map[int32]Pod{}, Brokers: map[int32]Broker{}, Kafka: &Kafka{Leader: 1}}}
	marks := Marks{
		Revision: "1", ResourceRevision: "1", Configuration: "1", Certificates: "1", Trust: "1",
		ClusterCAKey: 4, ClusterCACert: 5, ClientsCACert: 6,
	}
	for id := range int32(6) {
		s.want.Nodes = append(s.want.Nodes, Node{ID: id, Pool: "p", Controller: id < 3, Options: "1", Marks: marks})
		ago := noon.Add(-time.Hour)
		s.seen.Pods[id] = Pod{Name: "c-p-" + string('0'+id), UID: "u" + string('0'+id), Marks: marks, Options: "1", Created: ago, Ready: true, Since: ago}
	}
	s.voters(0, 0, 0)
	return s
}

// brief is a step as the tables write it: the action, the nodes, and the reason of a wait.
func brief(s Step) string {
	out := []string{s.Do.String()}
	for _, t := range s.Targets {
		out = append(out, string('0'+t.Node))
	}
	if s.Reason != "" {
		out = append(out, string(s.Reason))
	}
	if s.Forced {
		out = append(out, "forced")
	}
	return strings.Join(out, " ")
}

type sceneCase struct {
	name   string
	change func(s *scene)
	want   string
}

func tryScenes(t *testing.T, cases []sceneCase) {
	t.Helper()
	for _, c := range cases {
		s := newScene()
		c.change(s)
		step := Next(s.want, s.seen, noon)
		if got := brief(step); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, step, c.want)
		}
		if step.Do == Wait && (!step.Again.After(noon) || step.Why == "" || step.Reason == "") {
			t.Errorf("%s: %+v", c.name, step)
		}
	}
}

func TestOrder(t *testing.T) {
	all := []int32{0, 1, 2, 3, 4, 5}
	tryScenes(t, []sceneCase{
		{"converged", func(*scene) {}, "nothing"},
		{"no nodes", func(s *scene) { s.want.Nodes = nil }, "nothing"},
		{"controllers first", func(s *scene) { s.old(all...) }, "restart 0"},
		{"active controller after the others", func(s *scene) { s.old(1, 2, 3) }, "restart 2"},
		{"active controller before brokers", func(s *scene) { s.old(1, 3) }, "restart 1"},
		{"brokers by id", func(s *scene) { s.old(5, 4) }, "restart 4"},
		{"brokers by rack", func(s *scene) {
			s.want.Nodes[3].Rack, s.want.Nodes[4].Rack, s.want.Nodes[5].Rack = "c", "b", "a"
			s.old(3, 4, 5)
		}, "restart 5"},
		{"trust before all others", func(s *scene) {
			s.old(0, 3)
			s.pod(5, func(p *Pod) { p.ClusterCAKey = 3 })
		}, "restart 5"},
		{"an unready broker before controllers", func(s *scene) {
			s.old(0, 5)
			s.unready(5, time.Hour, "")
		}, "restart 5"},
		{"an unready active controller isn't waited for by those that wait for it", func(s *scene) {
			s.old(0, 1, 2)
			s.unready(1, time.Hour, "")
		}, "restart 1"},
		{"nor for others that are unready", func(s *scene) {
			s.old(0, 1)
			s.unready(0, time.Hour, "")
			s.unready(1, time.Hour, "")
			s.broker(0, Broker{Recovering: true})
		}, "restart 1"},
		{"not wanted", func(s *scene) {
			s.old(5)
			s.want.Nodes = s.want.Nodes[:5]
		}, "nothing"},
		{"not wanted and unready", func(s *scene) {
			s.old(3)
			s.unready(5, time.Hour, "CrashLoopBackOff")
			s.want.Nodes = s.want.Nodes[:5]
		}, "restart 3"},
		{"new and missing", func(s *scene) { delete(s.seen.Pods, 5) }, "wait 5 PodMissing"},
		{"new ones are waited for", func(s *scene) {
			s.old(3)
			delete(s.seen.Pods, 5)
		}, "wait 5 PodMissing"},
		{"one that is held doesn't hold up its group", func(s *scene) {
			s.old(3, 4)
			s.partition(2, []int32{3, 5, 9}, []int32{3, 5})
		}, "restart 4"},
		{"but the next group", func(s *scene) {
			s.old(0, 4)
			s.voters(0, 0, time.Minute)
		}, "wait 0 QuorumAtRisk"},
		{"and the active controller", func(s *scene) {
			s.old(0, 1)
			s.partition(2, []int32{0, 5, 9}, []int32{0, 5})
		}, "wait 0 PartitionAtRisk"},
	})
}

func TestOneAtATime(t *testing.T) {
	tryScenes(t, []sceneCase{
		{"another is going", func(s *scene) {
			s.old(3)
			s.pod(4, func(p *Pod) { p.Deleting = true })
		}, "wait 4 PodTerminating"},
		{"it is going itself", func(s *scene) {
			s.old(3)
			s.pod(3, func(p *Pod) { p.Deleting = true })
		}, "wait 3 PodTerminating"},
		{"another starts", func(s *scene) { s.old(3); s.unready(4, time.Second, "") }, "wait 4 PodNotReady"},
		{"another hangs", func(s *scene) { s.old(3); s.unready(4, time.Hour, "") }, "wait 4 PodNotReady"},
		{"another is stuck", func(s *scene) { s.old(3); s.unready(4, time.Hour, "CrashLoopBackOff") }, "wait 4 PodStuck"},
		{"a node is gone, and the template is new", func(s *scene) { s.old(3); s.unready(4, time.Hour, "Unschedulable") }, "wait 4 PodStuck"},
		{"a node is gone, and certificates are new", func(s *scene) {
			s.pod(3, func(p *Pod) { p.Certificates = "0" })
			s.unready(4, time.Hour, "Unschedulable")
		}, "restart 3"},
		{"two nodes are gone", func(s *scene) {
			s.pod(3, func(p *Pod) { p.Certificates = "0" })
			s.unready(4, time.Hour, "Unschedulable")
			s.unready(5, time.Hour, "ImagePullBackOff")
		}, "wait 4 PodStuck"},
		{"a node is gone, and Kafka can't be asked", func(s *scene) {
			s.pod(3, func(p *Pod) { p.Certificates = "0" })
			s.unready(4, time.Hour, "Unschedulable")
			s.seen.Kafka, s.seen.BlindSince = nil, noon.Add(-time.Hour)
		}, "wait 4 PodStuck"},
	})
}

func TestUnready(t *testing.T) {
	tryScenes(t, []sceneCase{
		{"starts", func(s *scene) { s.old(3); s.unready(3, DefaultStartTimeout-1, "") }, "wait 3 PodNotReady"},
		{"has had its time", func(s *scene) { s.old(3); s.unready(3, DefaultStartTimeout, "") }, "restart 3"},
		{"has had its time, nothing newer", func(s *scene) { s.unready(3, time.Hour, "") }, "wait 3 PodNotReady"},
		{"starts, and by hand", func(s *scene) {
			s.unready(3, 1, "")
			s.pod(3, func(p *Pod) { p.Roll = true })
		}, "restart 3"},
		{"log recovery", func(s *scene) {
			s.old(3)
			s.unready(3, time.Hour, "")
			s.broker(3, Broker{Recovering: true, Logs: 2, Segments: 7})
		}, "wait 3 LogRecovery"},
		{"log recovery, and by hand", func(s *scene) {
			s.unready(3, time.Hour, "")
			s.pod(3, func(p *Pod) { p.Roll = true })
			s.broker(3, Broker{Recovering: true})
		}, "wait 3 LogRecovery"},
		{"stuck, nothing newer", func(s *scene) { s.unready(3, time.Second, "ImagePullBackOff") }, "wait 3 PodStuck"},
		{"being created", func(s *scene) { s.unready(3, time.Second, "ContainerCreating") }, "wait 3 PodNotReady"},
		{"being created for long", func(s *scene) { s.unready(3, time.Hour, "ContainerCreating") }, "wait 3 PodStuck"},
		{"being created of something old", func(s *scene) { s.old(3); s.unready(3, 1, "ContainerCreating") }, "restart 3"},
		{"stuck, and by hand", func(s *scene) {
			s.unready(3, time.Second, "CrashLoopBackOff")
			s.pod(3, func(p *Pod) { p.Roll = true })
		}, "restart 3"},
		{"stuck, all of them at once", func(s *scene) {
			s.old(0, 2, 5)
			for _, id := range []int32{0, 1, 2, 5} {
				s.unready(id, time.Second, "CrashLoopBackOff")
			}
			s.seen.Kafka = nil
		}, "restart 0 2 5"},
		{"stuck with a file system to grow isn't replaced again and again", func(s *scene) {
			s.unready(3, time.Second, "CrashLoopBackOff")
			s.pod(3, func(p *Pod) { p.ResizePending = noon.Add(-time.Hour).Add(-1) })
		}, "wait 3 PodStuck"},
		{"out of sync, of a partition below", func(s *scene) {
			s.old(3)
			s.unready(3, time.Hour, "")
			s.partition(2, []int32{3, 4, 5}, []int32{4})
		}, "restart 3"},
		{"in sync, of a partition that would be below", func(s *scene) {
			s.old(3)
			s.unready(3, time.Hour, "")
			s.partition(2, []int32{3, 4, 5}, []int32{4, 3})
		}, "wait 3 PartitionAtRisk"},
		{"last in sync, of a partition that is offline", func(s *scene) {
			s.old(3)
			s.unready(3, time.Hour, "")
			s.partition(2, []int32{3, 4, 5}, []int32{3})
			s.seen.Kafka.Partitions[0].Leader = None
		}, "restart 3"},
		{"many, the first of them", func(s *scene) {
			s.old(3, 4, 5)
			for _, id := range []int32{3, 4, 5} {
				s.unready(id, time.Hour, "")
			}
		}, "restart 3"},
		{"many, the first is on its way", func(s *scene) {
			s.old(4, 5)
			delete(s.seen.Pods, 3)
			s.unready(4, time.Hour, "")
			s.unready(5, time.Hour, "")
		}, "restart 4"},
	})
}

func TestOverdue(t *testing.T) {
	s := newScene()
	s.unready(3, DefaultStartTimeout-time.Second, "")
	step := Next(s.want, s.seen, noon)
	if step.Overdue || !step.Again.Equal(noon.Add(time.Second)) {
		t.Errorf("%+v", step)
	}
	if step = Next(s.want, s.seen, step.Again); !step.Overdue || !step.Again.After(noon.Add(time.Second)) {
		t.Errorf("%+v", step)
	}
	s.broker(3, Broker{Recovering: true, Logs: 2, Segments: 7})
	if why := Next(s.want, s.seen, noon).Why; why != "node 3 reads its logs after a hard stop, 2 logs and 7 segments left" {
		t.Error(why)
	}
}

func TestReconfigure(t *testing.T) {
	drift := Broker{Drift: []string{"a", "b"}}
	tryScenes(t, []sceneCase{
		{"drift", func(s *scene) { s.broker(4, drift) }, "reconfigure 4"},
		{"before a restart", func(s *scene) { s.broker(4, drift); s.old(4, 3) }, "reconfigure 4"},
		{"not without a connection", func(s *scene) {
			s.broker(4, Broker{Drift: []string{"a"}, Unreachable: noon})
			s.old(3)
		}, "restart 3"},
		{"not without a process", func(s *scene) { s.broker(4, drift); s.unready(4, 1, "CrashLoopBackOff") }, "wait 4 PodStuck"},
		{"a stuck pod first", func(s *scene) {
			s.broker(4, drift)
			s.unready(3, 1, "CrashLoopBackOff")
			s.old(3)
		}, "restart 3"},
	})
	s := newScene()
	s.broker(4, drift)
	if step := Next(s.want, s.seen, noon); !slices.Equal(step.Keys, drift.Drift) {
		t.Errorf("%+v", step)
	}
	s.broker(4, Broker{Drift: []string{"a", "b"}, Refused: true})
	if step := Next(s.want, s.seen, noon); step.Do != Nothing || step.Warning != "node 4 refuses to change a, b" {
		t.Errorf("%+v", step)
	}
}

func TestByHand(t *testing.T) {
	roll := func(p *Pod) { p.Roll = true }
	drop := func(p *Pod) { p.DropClaims, p.Claims = true, 2 }
	tryScenes(t, []sceneCase{
		{"pod", func(s *scene) { s.pod(4, roll) }, "restart 4"},
		{"pool, first to its pods", func(s *scene) {
			s.seen.RollPools = []string{"p"}
			s.want.Nodes[5].Pool = "other"
			s.pod(3, roll)
			s.pod(2, func(p *Pod) { p.Deleting = true })
		}, "mark 0 1 4"},
		{"pool, then away from it", func(s *scene) {
			s.seen.RollPools = []string{"p"}
			for id := range s.seen.Pods {
				s.pod(id, roll)
			}
		}, "unmark"},
		{"pool without pods", func(s *scene) { s.seen.RollPools = []string{"empty"} }, "unmark"},
		{"claims first", func(s *scene) { s.pod(4, drop) }, "delete claims 4"},
		{"then the pod", func(s *scene) { s.pod(4, func(p *Pod) { p.DropClaims, p.ClaimsDeleting = true, true }) }, "restart 4"},
		{"claims of a pod that has none", func(s *scene) { s.pod(4, func(p *Pod) { p.DropClaims = true }) }, "restart 4"},
		{"claims, and Kafka can't be asked", func(s *scene) {
			s.pod(4, drop)
			s.seen.Kafka, s.seen.BlindSince = nil, noon.Add(-time.Hour)
		}, "wait 4 KafkaNotReachable"},
		{"a claim that somebody deleted, with the last replica in sync", func(s *scene) {
			s.old(4)
			s.unready(4, time.Hour, "CrashLoopBackOff")
			s.pod(4, func(p *Pod) { p.ClaimsDeleting = true })
			s.partition(2, []int32{4, 5}, []int32{4})
		}, "wait 4 PartitionAtRisk"},
		{"claims, one after the other", func(s *scene) { s.pod(4, drop); s.pod(3, drop) }, "delete claims 3"},
		{"claims of a stuck pod", func(s *scene) {
			s.old(4)
			s.pod(4, drop)
			s.unready(4, 1, "CrashLoopBackOff")
		}, "delete claims 4"},
		{"claims in log recovery", func(s *scene) {
			s.pod(4, drop)
			s.unready(4, 1, "")
			s.broker(4, Broker{Recovering: true})
		}, "delete claims 4"},
		{"claims, while another is unready", func(s *scene) { s.pod(4, drop); s.unready(5, 1, "") }, "wait 5 PodNotReady"},
		{"claims with the only replica", func(s *scene) { s.pod(4, drop); s.partition(1, []int32{4}, []int32{4}) }, "delete claims 4"},
		{"claims with the last replica in sync", func(s *scene) {
			s.pod(4, drop)
			s.partition(2, []int32{4, 5}, []int32{4})
		}, "wait 4 PartitionAtRisk"},
		{"claims with the last replica in sync, stuck", func(s *scene) {
			s.pod(4, drop)
			s.unready(4, 1, "CrashLoopBackOff")
			s.partition(2, []int32{3, 4, 5}, []int32{4})
			s.seen.Kafka.Partitions[0].Leader = None
		}, "wait 4 PartitionAtRisk"},
	})
	s := newScene()
	s.seen.RollPools = []string{"z", "p"}
	if step := Next(s.want, s.seen, noon); step.Do != Mark {
		t.Errorf("%+v", step)
	}
	s.want.Nodes = nil
	if step := Next(s.want, s.seen, noon); step.Pool != "p" {
		t.Errorf("%+v", step)
	}
}

// TestArgumentsStay: the caller's maps and slices are as they were, and the order of nodes has no meaning.
func TestArgumentsStay(t *testing.T) {
	s, same := newScene(), newScene()
	for _, x := range []*scene{s, same} {
		x.old(5, 3, 0)
		x.want.Batch = 3
	}
	slices.Reverse(s.want.Nodes)
	first := Next(s.want, s.seen, noon)
	slices.Reverse(s.want.Nodes)
	if diff := cmp.Diff(same.want, s.want) + cmp.Diff(same.seen, s.seen); diff != "" {
		t.Error(diff)
	}
	if second := Next(s.want, s.seen, noon); !cmp.Equal(first, second) {
		t.Errorf("%s, then %s", first, second)
	}
	s.want.Nodes = append(s.want.Nodes, s.want.Nodes[4])
	if third := Next(s.want, s.seen, noon); !cmp.Equal(first, third) {
		t.Errorf("%s, then %s", first, third)
	}
}

func TestString(t *testing.T) {
	for want, step := range map[string]Step{
		"nothing":                              {},
		"restart forced 3[PodStuck] 4[A B]":    {Do: Restart, Forced: true, Targets: []Target{{Node: 3, Reasons: []Reason{PodStuck}}, {Node: 4, Reasons: []Reason{"A", "B"}}}},
		"unmark pool-a":                        {Do: Unmark, Pool: "pool-a"},
		"reconfigure 1 a,b":                    {Do: Reconfigure, Targets: []Target{{Node: 1}}, Keys: []string{"a", "b"}},
		"wait 2 PodMissing: node 2 has no pod": {Do: Wait, Targets: []Target{{Node: 2}}, Reason: PodMissing, Why: "node 2 has no pod"},
	} {
		if got := step.String(); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	if got := DeleteClaims.String() + " " + Removing.String(); got != "delete claims removing" {
		t.Error(got)
	}
}
