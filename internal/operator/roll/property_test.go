package roll

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func drawShape(t *rapid.T) shape {
	s := shape{
		Combined:    rapid.Bool().Draw(t, "combined"),
		Controllers: rapid.IntRange(1, 5).Draw(t, "controllers"),
		Brokers:     rapid.IntRange(1, 8).Draw(t, "brokers"),
		Partitions:  rapid.IntRange(0, 24).Draw(t, "partitions"),
		Racks:       rapid.SampledFrom([]int{0, 0, 2, 3}).Draw(t, "racks"),
		Batch:       rapid.SampledFrom([]int{0, 1, 2, 4}).Draw(t, "batch"),
	}
	s.Controllers = min(s.Controllers, s.Brokers) // of combined nodes each is a broker
	return s
}

func drawWorld(t *rapid.T) *world {
	w := build(drawShape(t), rapid.Uint64().Draw(t, "seed"))
	w.boot = rapid.IntRange(1, 20).Draw(t, "boot")
	w.catchUp = rapid.IntRange(0, 40).Draw(t, "catch up")
	w.shrink = rapid.IntRange(0, 9).Draw(t, "shrink")
	return w
}

// enough is how many ticks a roll needs at most once the world is well: each node takes all its time, twice.
func (w *world) enough() int {
	return 2*simStart + 2*simAdmin + len(w.ids)*2*(simStart+w.stop+w.boot+w.catchUp+10)
}

// change makes the pods old in one way or another.
func (w *world) change(t *rapid.T, label string) {
	switch kind := rapid.SampledFrom([]string{"revision", "key", "trust", "config", "options", "refused", "manual", "pool", "claims", "one"}).Draw(t, label); kind {
	case "revision":
		w.roll(label)
	case "key":
		w.each(func(_ int32, n *Node) { n.ClusterCAKey++ })
	case "trust":
		w.each(func(_ int32, n *Node) { n.Trust += "x" })
	case "config":
		w.each(func(id int32, n *Node) { n.Configuration += fmt.Sprint(id % 2) })
	case "options", "refused":
		w.each(func(id int32, n *Node) {
			n.Options += "b"
			w.nodes[id].refuses = kind == "refused" && id%2 == 0
		})
	case "pool":
		w.pools = []string{"p"}
	default:
		n := &w.want.Nodes[rapid.IntRange(0, len(w.ids)-1).Draw(t, label+" node")]
		if pod := w.nodes[n.ID].pod; pod != nil {
			pod.Roll = kind == "manual"
			pod.DropClaims = kind == "claims" && (n.ID > 0 || w.voters() > 1) // not the only one
		}
		if kind == "one" {
			n.Certificates += "y"
		}
	}
}

func (w *world) voters() (n int) {
	for _, m := range w.nodes {
		n += boolToInt(m.voter)
	}
	return n
}

// TestNothingBreaks: while nothing dies by itself, each partition and the quorum stand at each moment, whatever is changed,
// even in the middle of a roll, and however often the operator is killed; and the roll ends.
func TestNothingBreaks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.kill = rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "kill")
		w.silence = rapid.SampledFrom([]float64{0, 0.05}).Draw(t, "silence")
		for i := range rapid.IntRange(1, 3).Draw(t, "changes") {
			w.change(t, fmt.Sprint("change ", i))
			// Not for long: the roll is in its middle when the next change comes.
			if err := w.runFor(rapid.IntRange(0, 60).Draw(t, "ticks"), w.safe); err != nil {
				t.Fatal(err)
			}
		}
		w.kill, w.silence = 0, 0
		if err := w.run(w.enough(), w.safe); err != nil {
			t.Fatal(err)
		}
		if step := Next(w.want, w.see(), w.now); step.Do != Nothing {
			t.Fatal("converged, but", step)
		}
	})
}

// runFor lets the world go on for so many ticks, whether there is something to do or not.
func (w *world) runFor(ticks int, watch func() error) error {
	for range ticks {
		if _, err := w.operate(); err != nil {
			return err
		}
		w.tick()
		if err := watch(); err != nil {
			return fmt.Errorf("%w after\n%q", err, w.trace)
		}
	}
	return nil
}

// TestNothingIsMadeWorse: pods crash, hang and get stuck, Kafka gives no answer, the operator is killed; no act takes a
// partition below its min ISR or the quorum below a majority, and when the world recovers the roll ends.
func TestNothingIsMadeWorse(t *testing.T) {
	fates := []string{"", "crash", "hang", "ImagePullBackOff", "Unschedulable"}
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		w.crash = rapid.SampledFrom([]float64{0, 0.002, 0.02}).Draw(t, "crash")
		w.kill = rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "kill")
		w.silence = rapid.SampledFrom([]float64{0, 0.02}).Draw(t, "silence")
		for i := range rapid.IntRange(1, 3).Draw(t, "changes") {
			label := fmt.Sprint("change ", i)
			w.fate[label] = rapid.SampledFrom(fates).Draw(t, "fate")
			w.change(t, label)
			if err := w.runFor(rapid.IntRange(0, 300).Draw(t, "ticks"), func() error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		w.crash, w.kill, w.silence = 0, 0, 0
		w.roll("mended")
		w.byHand()
		if err := w.run(300+w.enough(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// byHand takes away the pods that don't work and that records would be lost with: nobody but a human may decide that.
func (w *world) byHand() {
	for _, m := range w.nodes {
		if m.pod != nil && !m.pod.Ready && (m.pod.DropClaims || m.pod.ClaimsDeleting) {
			m.lostClaim, m.pod = m.pod.ClaimsDeleting, nil
		}
	}
}

// TestKilledAtEachStep: an operator that is killed before, in or after any of its acts ends where it would have ended, and
// restarts no pod twice.
func TestKilledAtEachStep(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"revision": func(w *world) { w.roll("2") },
		"pool":     func(w *world) { w.pools = []string{"p"} },
		"claims":   func(w *world) { w.nodes[4].pod.DropClaims = true },
		"key":      func(w *world) { w.each(func(_ int32, n *Node) { n.ClusterCAKey++ }) },
		"options":  func(w *world) { w.each(func(_ int32, n *Node) { n.Options = "b" }) },
		"refused": func(w *world) {
			w.each(func(id int32, n *Node) { n.Options, w.nodes[id].refuses = "b", id == 3 })
		},
	} {
		for _, batch := range []int{1, 3} {
			t.Run(fmt.Sprint(name, " batch ", batch), func(t *testing.T) {
				killed := func(at int, seed uint64) *world {
					w := build(shape{Controllers: 3, Brokers: 6, Partitions: 12, Batch: batch}, seed)
					w.killAt = at
					change(w)
					if err := w.run(w.enough(), w.safe); err != nil {
						t.Fatalf("killed at act %d, seed %d: %v", at, seed, err)
					}
					return w
				}
				undisturbed := killed(-1, 1)
				for at := range undisturbed.acts {
					for seed := range uint64(4) {
						if w := killed(at, seed); fmt.Sprint(w.restarts) != fmt.Sprint(undisturbed.restarts) {
							t.Errorf("killed at act %d, seed %d: restarts %v, not %v", at, seed, w.restarts, undisturbed.restarts)
						}
					}
				}
			})
		}
	}
}

// TestSameSeedSameWorld: what fails can be looked at again.
func TestSameSeedSameWorld(t *testing.T) {
	once := func() []string {
		w := build(shape{Controllers: 3, Brokers: 6, Partitions: 12, Batch: 2}, 42)
		w.crash, w.kill, w.silence = 0.01, 0.3, 0.02
		w.roll("2")
		if err := w.runFor(400, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		return w.trace
	}
	if a, b := once(), once(); len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("%q\n%q", a, b)
	}
}

// TestMixedVersionsGoOn: wherever a roll was stopped, and by whatever order some pods came to be new, the rest follows in one
// order: controllers, the active one last, then brokers.
func TestMixedVersionsGoOn(t *testing.T) {
	for done := range 1 << 5 {
		w := build(shape{Controllers: 3, Brokers: 2}, uint64(done))
		w.roll("2")
		var want []int32
		for _, id := range []int32{0, 1, 2, 3, 4} {
			if done>>id&1 == 1 {
				w.nodes[id].pod.Revision = "2"
			} else if id != w.leader {
				want = append(want, id)
			}
		}
		if done>>w.leader&1 == 0 {
			controllers := slices.IndexFunc(append(want, 9), func(id int32) bool { return id > 2 })
			want = slices.Insert(want, controllers, w.leader)
		}
		var got []int32
		for range w.enough() {
			step, err := w.operate()
			if err != nil {
				t.Fatal(err)
			}
			if step.Do == Nothing {
				break
			}
			if step.Do == Restart {
				got = append(got, step.Targets[0].Node)
			}
			w.tick()
		}
		if !slices.Equal(got, want) {
			t.Errorf("%05b: %v, not %v", done, got, want)
		}
	}
}

// TestBlindForLong: Kafka never answers again until all pods are new, as it is when the operator's certificate is no longer
// trusted. The roll ends all the same, one pod at a time, and each ready one after all others were ready for the bound.
func TestBlindForLong(t *testing.T) {
	for _, fate := range []string{"", "hang", "crash"} {
		w := build(shape{Combined: true, Controllers: 3, Brokers: 4, Partitions: 6, Batch: 4}, 5)
		w.silentUntil = w.now.Add(time.Hour)
		if fate != "" {
			w.fate["bad"] = fate
			w.each(func(id int32, n *Node) {
				n.Revision = "bad"
				w.nodes[id].pod = nil
			})
			if err := w.runFor(2*simStart, func() error { return nil }); err != nil {
				t.Fatal(err)
			}
		}
		w.roll("2")
		silent := w.now
		answers := func() error {
			if w.made("2") {
				w.silentUntil = w.now
			}
			return nil
		}
		if err := w.run(4*(simAdmin+simStart+30), answers); err != nil {
			t.Errorf("%q: %v", fate, err)
		}
		for id, n := range w.restarts {
			if n != 1 {
				t.Errorf("%q: node %d was restarted %d times", fate, id, n)
			}
		}
		if took := w.now.Sub(silent); fate == "" && took < 4*simAdmin*time.Second {
			t.Errorf("four pods in %s, without waiting between them", took)
		}
	}
}

// made reports whether all pods are ready and of a revision.
func (w *world) made(revision string) bool {
	return !slices.ContainsFunc(w.ids, func(id int32) bool { return !w.ready(id) || w.nodes[id].pod.Revision != revision })
}

// TestStuckWhole: all pods hang on to a bad revision; the next one gets all of them out, and does not wait for each.
func TestStuckWhole(t *testing.T) {
	for _, fate := range []string{"crash", "ImagePullBackOff", "Unschedulable", "CreateContainerConfigError"} {
		w := build(shape{Combined: true, Controllers: 3, Brokers: 3, Partitions: 6}, 3)
		w.fate["bad"] = fate
		w.each(func(id int32, n *Node) {
			n.Revision = "bad"
			w.nodes[id].pod = nil
		})
		for range w.boot + 10 {
			w.tick()
		}
		if step, err := w.operate(); err != nil || step.Do != Wait || step.Reason != PodStuck {
			t.Errorf("%s: %s, %v", fate, step, err)
		}
		w.roll("good")
		begun := w.now
		if err := w.run(w.enough(), nil); err != nil {
			t.Errorf("%s: %v", fate, err)
		}
		if took := w.now.Sub(begun); took > 30*time.Second || len(w.trace) != 1 {
			t.Errorf("%s: it took %s and %d acts: %q", fate, took, len(w.trace), w.trace)
		}
	}
}

// TestBadRevisionStops: a revision that doesn't come up takes one pod with it and no more, until a better one is wanted.
func TestBadRevisionStops(t *testing.T) {
	for _, fate := range []string{"crash", "hang", "ImagePullBackOff", "Unschedulable"} {
		for _, batch := range []int{1, 3} {
			w := build(shape{Controllers: 3, Brokers: 6, Partitions: 12, Batch: batch}, 3)
			w.fate["2"] = fate
			w.roll("2")
			if err := w.runFor(1000, w.safe); err != nil {
				t.Fatal(err)
			}
			if len(w.restarts) != 1 {
				t.Errorf("%s: %v were restarted", fate, w.restarts)
			}
			w.roll("3")
			if err := w.run(w.enough(), w.safe); err != nil {
				t.Errorf("%s: %v", fate, err)
			}
		}
	}
}

// TestBatchesAreFaster: 50 brokers in five racks, each partition in three of them.
func TestBatchesAreFaster(t *testing.T) {
	roll := func(batch int) (acts int, took time.Duration) {
		w := build(shape{Controllers: 3, Brokers: 50, Racks: 5, Batch: batch}, 1)
		for i := range 600 {
			r := []int32{int32(3 + i%50), int32(3 + (i*3+1+i%50)%50), int32(3 + (i*7+2+i%50)%50)}
			if w.node(r[0]).Rack != w.node(r[1]).Rack && w.node(r[0]).Rack != w.node(r[2]).Rack && w.node(r[1]).Rack != w.node(r[2]).Rack {
				w.parts = append(w.parts, &Partition{Topic: "t", Number: int32(i), Replicas: r, ISR: slices.Clone(r), Leader: r[0], MinISR: 2})
			}
		}
		if len(w.parts) < 100 {
			t.Fatalf("only %d partitions", len(w.parts))
		}
		w.roll("2")
		begun := w.now
		if err := w.run(w.enough(), w.safe); err != nil {
			t.Fatal(err)
		}
		return w.acts, w.now.Sub(begun)
	}
	one, slow := roll(1)
	ten, fast := roll(10)
	t.Logf("one by one %d acts, %s; batches of ten %d acts, %s", one, slow, ten, fast)
	if one != 53 || ten > 13 || fast*4 > slow {
		t.Errorf("%d acts in %s, %d in %s", one, slow, ten, fast)
	}
}

// TestJudgeCanFail: the properties above rest on it.
func TestJudgeCanFail(t *testing.T) {
	w := build(shape{Controllers: 3, Brokers: 3, Partitions: 12}, 1)
	target := func(ids ...int32) Step {
		s := Step{Do: Restart}
		for _, id := range ids {
			s.Targets = append(s.Targets, Target{Node: id, UID: w.nodes[id].pod.UID})
		}
		return s
	}
	forced := target(3)
	forced.Forced = true
	for name, step := range map[string]Step{"two": target(3, 4), "two controllers": target(0, 1), "forced": forced, "unknown": {Do: Restart, Targets: []Target{{Node: 9}}}} {
		if w.judge(step) == nil {
			t.Errorf("%s: nothing was said", name)
		}
	}
	w.want.Batch = 3
	if w.judgePartitions(Step{}, []int32{3, 4}) == nil || w.judgeQuorum(Step{}, []int32{0, 1}) == nil {
		t.Error("nothing was said")
	}
	if err := errors.Join(w.judge(target(3)), w.safe(), w.converged()); err != nil {
		t.Error(err)
	}
}

// BenchmarkNext is a batch of ten out of 50 brokers with 20,000 partitions.
func BenchmarkNext(b *testing.B) {
	w := build(shape{Controllers: 3, Brokers: 50, Partitions: 20_000, Batch: 10}, 1)
	w.each(func(id int32, n *Node) { n.Revision = fmt.Sprint(1 + id/3) })
	for _, p := range w.parts {
		p.MinISR = min(p.MinISR, len(p.Replicas)-1)
	}
	seen := w.see()
	b.ReportAllocs()
	for b.Loop() {
		if step := Next(w.want, seen, w.now); step.Do != Restart {
			b.Fatal(step)
		}
	}
}
