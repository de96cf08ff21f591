package roll

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// anything draws what no cluster would show: ids twice, voters and replicas that don't exist, times that contradict each other.
func anything(t *rapid.T) (want Want, seen Seen) {
	id := rapid.Int32Range(-1, 6)
	text := rapid.SampledFrom([]string{"", "1", "2"})
	generation := rapid.Int64Range(-1, 2)
	flag := rapid.Bool()
	when := rapid.Custom(func(t *rapid.T) time.Time {
		if flag.Draw(t, "no time") {
			return time.Time{}
		}
		return noon.Add(time.Duration(rapid.IntRange(-600, 60).Draw(t, "s")) * time.Second)
	})
	marks := rapid.Custom(func(t *rapid.T) Marks {
		return Marks{
			Revision: text.Draw(t, "revision"), ResourceRevision: text.Draw(t, "resources"), Configuration: text.Draw(t, "configuration"),
			Certificates: text.Draw(t, "certificates"), Trust: text.Draw(t, "trust"),
			ClusterCAKey: generation.Draw(t, "key"), ClusterCACert: generation.Draw(t, "cert"), ClientsCACert: generation.Draw(t, "clients"),
		}
	})
	want.Nodes = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Node {
		return Node{
			ID: id.Draw(t, "id"), Pool: text.Draw(t, "pool"), Rack: text.Draw(t, "rack"), Controller: flag.Draw(t, "controller"),
			ResizeInPlace: flag.Draw(t, "in place"), Options: text.Draw(t, "options"), Marks: marks.Draw(t, "marks"),
		}
	}), 0, 7).Draw(t, "nodes")
	want.Batch = rapid.IntRange(-1, 4).Draw(t, "batch")
	seen.Pods = rapid.MapOf(id, rapid.Custom(func(t *rapid.T) Pod {
		return Pod{
			UID: text.Draw(t, "uid"), Marks: marks.Draw(t, "marks"), Options: text.Draw(t, "options"), Created: when.Draw(t, "created"),
			Ready: flag.Draw(t, "ready"), Since: when.Draw(t, "since"), Deleting: flag.Draw(t, "deleting"),
			Waiting: rapid.SampledFrom([]string{"", "", "Unschedulable", "CrashLoopBackOff", "?"}).Draw(t, "waiting"),
			Roll:    flag.Draw(t, "roll"), DropClaims: flag.Draw(t, "drop"), Claims: rapid.IntRange(0, 1).Draw(t, "claims"), ClaimsDeleting: flag.Draw(t, "claims deleting"),
			ResizePending: when.Draw(t, "resize"), ResizeInfeasible: flag.Draw(t, "infeasible"),
		}
	})).Draw(t, "pods")
	seen.Brokers = rapid.MapOf(id, rapid.Custom(func(t *rapid.T) Broker {
		return Broker{
			Unreachable: when.Draw(t, "unreachable"), Recovering: flag.Draw(t, "recovering"),
			Drift: rapid.SliceOfN(text, 0, 2).Draw(t, "drift"), Refused: flag.Draw(t, "refused"),
		}
	})).Draw(t, "brokers")
	seen.RollPools = rapid.SliceOfN(text, 0, 1).Draw(t, "pools")
	seen.BlindSince = when.Draw(t, "blind")
	if flag.Draw(t, "blind") {
		return want, seen
	}
	ids := rapid.SliceOfN(id, 0, 4)
	seen.Kafka = &Kafka{
		Leader: id.Draw(t, "leader"),
		Voters: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Voter {
			return Voter{ID: id.Draw(t, "id"), Lag: time.Duration(rapid.IntRange(-1, 3).Draw(t, "lag")) * time.Second}
		}), 0, 5).Draw(t, "voters"),
		Partitions: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Partition {
			return Partition{
				Leader: id.Draw(t, "leader"), Replicas: ids.Draw(t, "replicas"), ISR: ids.Draw(t, "isr"),
				MinISR: rapid.IntRange(-1, 3).Draw(t, "min"),
			}
		}), 0, 4).Draw(t, "partitions"),
	}
	return want, seen
}

// sound: whatever is given, there is a step, it is the same again, it can be done, and a wait has an end.
func sound(t *rapid.T) {
	want, seen := anything(t)
	step := Next(want, seen, noon)
	if again := Next(want, seen, noon); !cmp.Equal(step, again) {
		t.Fatalf("%s, then %s", step, again)
	}
	_ = step.String()
	for i, target := range step.Targets {
		pod, exists := seen.Pods[target.Node]
		if !slices.ContainsFunc(want.Nodes, func(n Node) bool { return n.ID == target.Node }) || pod.UID != target.UID {
			t.Fatal("not wanted:", step)
		}
		if step.Do != Wait && (!exists || pod.Deleting) {
			t.Fatal("no pod to do it to:", step)
		}
		if i > 0 && step.Targets[i-1].Node == target.Node {
			t.Fatal("twice:", step)
		}
	}
	switch step.Do {
	case Wait:
		if !step.Again.After(noon) || step.Reason == "" || step.Why == "" || len(step.Targets) != 1 {
			t.Fatalf("%+v", step)
		}
	case Restart, Mark:
		if len(step.Targets) == 0 {
			t.Fatalf("%+v", step)
		}
	case Reconfigure, DeleteClaims:
		if len(step.Targets) != 1 {
			t.Fatalf("%+v", step)
		}
	}
}

func TestSound(t *testing.T) { rapid.Check(t, sound) }

func FuzzNext(f *testing.F) { f.Fuzz(rapid.MakeFuzz(sound)) }
