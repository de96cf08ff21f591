package roll

import (
	"testing"
	"time"
)

func TestQuorum(t *testing.T) {
	const lags = DefaultFetchTimeout
	quorum := func(out int32, lags ...time.Duration) func(*scene) {
		return func(s *scene) { s.voters(lags...); s.old(out) }
	}
	tryScenes(t, []sceneCase{
		{"of three", quorum(0, 0, 0, lags-1), "restart 0"},
		{"of three, one lags", quorum(0, 0, 0, lags), "wait 0 QuorumAtRisk"},
		{"of three, the one that lags", quorum(2, 0, 0, lags), "restart 2"},
		{"of three, the leader's lag doesn't count", quorum(0, 0, lags, 0), "restart 0"},
		{"of four", quorum(0, 0, 0, 0, 0), "restart 0"},
		{"of four, one lags", quorum(0, 0, 0, 0, lags), "wait 0 QuorumAtRisk"},
		{"of five, one lags", quorum(0, 0, 0, 0, 0, lags), "restart 0"},
		{"of five, two lag", quorum(0, 0, 0, 0, lags, lags), "wait 0 QuorumAtRisk"},
		{"of two", quorum(0, 0, 0), "restart 0"},
		{"of two, the other lags", quorum(1, lags, 0), "wait 1 QuorumAtRisk"},
		{"a broker doesn't matter", quorum(5, 0, 0, lags), "restart 5"},
		{"a broker, and no leader", func(s *scene) { s.old(5); s.seen.Kafka.Leader = None }, "wait 5 KafkaNotReachable"},
		{"no leader", func(s *scene) { s.old(0); s.seen.Kafka.Leader = None }, "wait 0 KafkaNotReachable"},
		{"no voters", func(s *scene) { s.old(0); s.seen.Kafka.Voters = nil }, "wait 0 KafkaNotReachable"},
		{"one that just went has no lag yet", func(s *scene) {
			s.old(0)
			s.unready(0, time.Hour, "")
			s.pod(2, func(p *Pod) { p.Deleting = true })
		}, "wait 0 QuorumAtRisk"},
		{"a voter that isn't wanted counts", func(s *scene) {
			s.old(0)
			s.seen.Kafka.Voters[2].ID = 77
		}, "restart 0"},
		{"the only one, with its claim", func(s *scene) {
			s.voters(0)
			s.seen.Kafka.Leader = 0
			s.pod(0, func(p *Pod) { p.DropClaims, p.Claims = true, 1 })
		}, "wait 0 QuorumAtRisk"},
		{"a voter without the role", func(s *scene) {
			s.old(0)
			s.voters(0, 0, lags)
			s.want.Nodes[0].Controller = false
		}, "wait 0 QuorumAtRisk"},
	})
	s := newScene()
	s.voters(0)
	s.seen.Kafka.Leader = 0
	s.old(0)
	if step := Next(s.want, s.seen, noon); brief(step) != "restart 0" || step.Warning == "" {
		t.Errorf("%+v", step)
	}
}

func TestPartitions(t *testing.T) {
	partition := func(minISR int, replicas, isr []int32) func(*scene) {
		return func(s *scene) { s.partition(minISR, replicas, isr); s.old(3) }
	}
	tryScenes(t, []sceneCase{
		{"enough", partition(2, []int32{3, 4, 5}, []int32{3, 4, 5}), "restart 3"},
		{"one catches up", partition(2, []int32{3, 4, 5}, []int32{3, 5}), "wait 3 PartitionAtRisk"},
		{"it catches up itself, enough without it", partition(2, []int32{3, 4, 5}, []int32{4, 5}), "restart 3"},
		{"it catches up itself, below", partition(2, []int32{3, 4, 5}, []int32{4}), "wait 3 PartitionAtRisk"},
		{"it can't catch up, the partition is offline", func(s *scene) {
			partition(2, []int32{3, 4, 5}, []int32{9})(s)
			s.seen.Kafka.Partitions[0].Leader = None
		}, "restart 3"},
		{"the partition is offline, but for a moment", func(s *scene) {
			partition(2, []int32{3, 4, 5}, []int32{3})(s)
			s.seen.Kafka.Partitions[0].Leader = None
		}, "wait 3 PartitionAtRisk"},
		{"not its own", partition(2, []int32{4, 5, 9}, []int32{4}), "restart 3"},
		{"can never be safe", partition(3, []int32{3, 4, 5}, []int32{3, 4, 5}), "restart 3"},
		{"one replica", partition(1, []int32{3}, []int32{3}), "restart 3"},
		{"one replica, more wanted", partition(2, []int32{3}, []int32{3}), "restart 3"},
		{"two replicas", partition(1, []int32{3, 4}, []int32{4, 3}), "restart 3"},
		{"two replicas, one in sync", partition(1, []int32{3, 4}, []int32{3}), "wait 3 PartitionAtRisk"},
		{"one of those in sync has just gone", func(s *scene) {
			s.pod(3, func(p *Pod) { p.Certificates = "0" })
			s.unready(4, 1, "Unschedulable")
			s.partition(2, []int32{3, 4, 5}, []int32{3, 4, 5})
		}, "wait 3 PartitionAtRisk"},
		{"a replica on a node that isn't wanted", partition(2, []int32{3, 4, 9}, []int32{3, 4, 9}), "restart 3"},
	})
	s := newScene()
	partition(2, []int32{3, 4, 5}, []int32{3, 5})(s)
	if why := Next(s.want, s.seen, noon).Why; why != "node 3 has to stay: t-0 would have 1 replicas in sync of at least 2" {
		t.Error(why)
	}
}

func TestBatch(t *testing.T) {
	batch := func(n int, change func(*scene)) func(*scene) {
		return func(s *scene) {
			s.want.Batch = n
			s.old(3, 4, 5)
			change(s)
		}
	}
	tryScenes(t, []sceneCase{
		{"all", batch(9, func(*scene) {}), "restart 3 4 5"},
		{"two", batch(2, func(*scene) {}), "restart 3 4"},
		{"zero is one", batch(0, func(*scene) {}), "restart 3"},
		{"controllers go alone", batch(9, func(s *scene) { s.old(0, 2) }), "restart 0"},
		{"shared", batch(9, func(s *scene) { s.partition(2, []int32{3, 4, 9}, []int32{3, 4, 9}) }), "restart 3 5"},
		{"shared, enough is left", batch(9, func(s *scene) { s.partition(1, []int32{3, 4, 9}, []int32{3, 4, 9}) }), "restart 3 4 5"},
		{"shared by three, enough of one", batch(9, func(s *scene) { s.partition(1, []int32{3, 4, 5}, []int32{3, 4, 5}) }), "restart 3 4"},
		{"can never be safe, but not all at once", batch(9, func(s *scene) { s.partition(2, []int32{3, 4}, []int32{3, 4}) }), "restart 3 5"},
		{"one rack", batch(9, func(s *scene) {
			s.want.Nodes[3].Rack, s.want.Nodes[4].Rack, s.want.Nodes[5].Rack = "a", "b", "a"
		}), "restart 3 5"},
		{"one unready", batch(9, func(s *scene) { s.unready(4, time.Hour, "") }), "restart 4"},
		{"one can't be placed", func(s *scene) {
			s.want.Batch = 9
			s.unready(5, 1, "Unschedulable")
			for _, id := range []int32{3, 4} {
				s.pod(id, func(p *Pod) { p.Certificates = "0" })
			}
		}, "restart 3"},
		{"claims go alone", batch(9, func(s *scene) { s.pod(3, func(p *Pod) { p.DropClaims, p.Claims = true, 1 }) }), "delete claims 3"},
		{"and are in no batch", batch(9, func(s *scene) { s.pod(4, func(p *Pod) { p.DropClaims, p.Claims = true, 1 }) }), "restart 3 5"},
		{"a voter among them", batch(9, func(s *scene) {
			s.want.Nodes[3].Controller, s.want.Nodes[4].Controller = false, false
			s.seen.Kafka.Voters[0].ID, s.seen.Kafka.Voters[1].ID, s.seen.Kafka.Leader = 3, 4, 2
		}), "restart 3 5"},
		{"Kafka can't be asked", batch(9, func(s *scene) {
			s.seen.Kafka, s.seen.BlindSince = nil, noon.Add(-time.Hour)
		}), "restart 3 forced"},
	})
}

func TestBlind(t *testing.T) {
	blind := func(since time.Duration, change func(*scene)) func(*scene) {
		return func(s *scene) {
			s.seen.Kafka, s.seen.BlindSince = nil, noon.Add(-since)
			s.old(3)
			change(s)
		}
	}
	none := func(*scene) {}
	tryScenes(t, []sceneCase{
		{"not yet", blind(DefaultAdminTimeout-1, none), "wait 3 KafkaNotReachable"},
		{"long enough", blind(DefaultAdminTimeout, none), "restart 3 forced"},
		{"since when isn't known", blind(0, func(s *scene) { s.seen.BlindSince = time.Time{} }), "wait 3 KafkaNotReachable"},
		{"another was ready a moment ago", blind(time.Hour, func(s *scene) {
			s.pod(4, func(p *Pod) { p.Since = noon.Add(1 - DefaultAdminTimeout) })
		}), "wait 3 KafkaNotReachable"},
		{"another is unready", blind(time.Hour, func(s *scene) { s.unready(4, time.Hour, "") }), "wait 4 PodNotReady"},
		{"unready itself", blind(time.Hour, func(s *scene) { s.unready(3, time.Hour, "") }), "restart 3 forced"},
		{"unready itself, and another starts", blind(time.Hour, func(s *scene) {
			s.unready(3, time.Hour, "")
			s.unready(4, time.Second, "")
		}), "wait 4 PodNotReady"},
		{"unready itself, and another hangs", blind(time.Hour, func(s *scene) {
			s.unready(3, time.Hour, "")
			s.unready(4, time.Hour, "")
		}), "restart 3 forced"},
		{"nothing to do, as far as is known", func(s *scene) { s.seen.Kafka = nil }, "wait 0 KafkaNotReachable"},
		{"one doesn't answer", func(s *scene) { s.broker(4, Broker{Unreachable: noon}) }, "wait 4 KafkaNotReachable"},
	})
}
