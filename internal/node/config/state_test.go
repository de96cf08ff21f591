package config

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStates(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []Event
		want   State
	}{
		{"nothing yet", nil, State{NotRunning, false}},
		{"an answer of nobody", []Event{Served}, State{NotRunning, false}},
		{"starting", []Event{Started, Unreachable, Unreachable}, State{Starting, false}},
		{"starting, fenced", []Event{Started, Unreachable, Fenced}, State{Starting, false}},
		{"ready", []Event{Started, Fenced, Served}, State{Running, true}},
		{"recovering", []Event{Started, RecoveryBegan, Unreachable}, State{InRecovery, false}},
		{"recovered", []Event{Started, RecoveryBegan, RecoveryEnded}, State{Starting, false}},
		{"ready although the end of the recovery was not seen", []Event{Started, RecoveryBegan, Served}, State{Running, true}},
		{"a line that looks like a recovery later", []Event{Started, Served, RecoveryBegan}, State{Running, true}},
		{"fenced again", []Event{Started, Served, Fenced}, State{Running, false}},
		{"hangs", []Event{Started, Served, Unreachable}, State{Unknown, false}},
		{"hangs, then is fenced", []Event{Started, Served, Unreachable, Fenced}, State{Running, false}},
		{"hung", []Event{Started, Served, Unreachable, Served}, State{Running, true}},
		{"stopping", []Event{Started, Served, StopAsked, Served, Unreachable}, State{ControlledShutdown, false}},
		{"stopping during recovery", []Event{Started, RecoveryBegan, StopAsked, RecoveryEnded}, State{ControlledShutdown, false}},
		{"stopped", []Event{Started, Served, StopAsked, Exited}, State{NotRunning, false}},
		{"crashed", []Event{Started, Served, Exited, Served}, State{NotRunning, false}},
	} {
		var s State
		for _, e := range c.events {
			s = s.After(e)
		}
		if s != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, s, c.want)
		}
	}
}

// Whatever happens in whatever order: ready means running and served last, a stop is final until the end, and each state is
// one that the operator knows.
func TestStatesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		asked := false
		for _, n := range rapid.SliceOfN(rapid.IntRange(int(Started), int(Exited)), 0, 30).Draw(t, "events") {
			e := Event(n)
			was := s
			s = s.After(e)
			if e == Started || e == Exited {
				asked = false
			}
			asked = asked || e == StopAsked && was.Broker != NotRunning
			switch s.Broker {
			case NotRunning, Starting, InRecovery, Running, ControlledShutdown, Unknown:
			default:
				t.Fatalf("state %d", s.Broker)
			}
			if s.Ready && (s.Broker != Running || asked) {
				t.Fatalf("ready in state %d after event %d, asked to stop: %v", s.Broker, e, asked)
			}
			if s.Ready && !was.Ready && e != Served {
				t.Fatalf("ready after event %d", e)
			}
			if asked && s.Broker != ControlledShutdown {
				t.Fatalf("state %d although it was asked to stop", s.Broker)
			}
		}
	})
}

// The lines are those of Kafka 3.9.1 and 4.3.1 after a kill, with two patterns.
const recoveryLog = `[2026-11-22 23:00:00,001] INFO Loading logs from log dirs ArrayBuffer(/data-0/kafka-log0, /data-1/kafka-log0) (kafka.log.LogManager)
[2026-11-22 23:00:00,002] INFO Recovering 3 logs from /data-0/kafka-log0 since no clean shutdown file was found (kafka.log.LogManager)
[2026-11-22 23:00:00,002] INFO Skipping recovery of 2 logs from /data-1/kafka-log0 since clean shutdown file was found (kafka.log.LogManager)
[2026-11-22 23:00:00,003] INFO [LogLoader partition=t-0, dir=/data-0/kafka-log0] Recovering unflushed segment 0. 0/3 recovered for t-0. (kafka.log.LogLoader)
23:00:00.003 INFO [LogLoader partition=a.b-12, dir=/data-0/kafka-log0] Recovering unflushed segment 4711. 0/1 recovered for a.b-12.
[2026-11-22 23:00:00,004] INFO [LogLoader partition=t-0, dir=/data-0/kafka-log0] Recovering unflushed segment 100. 1/3 recovered for t-0. (kafka.log.LogLoader)
23:00:00.005 INFO Completed load of Log(dir=/data-0/kafka-log0/a.b-12, topicId=x, topic=a.b, partition=12, highWatermark=0, lastStableOffset=0, logStartOffset=0, logEndOffset=9) with 1 segments, local-log-start-offset 0 and log-end-offset 9 in 12ms (1/3 completed in /data-0/kafka-log0)
[2026-11-22 23:00:00,006] INFO Completed load of Log(dir=/data-1/kafka-log0/u-0, topic=u, partition=0, highWatermark=0) with 1 segments in 1ms (1/2 completed in /data-1/kafka-log0) (kafka.log.LogManager)
[2026-11-22 23:00:00,007] INFO Completed load of Log(dir=/data-0/kafka-log0/t-0, topic=t, partition=0, highWatermark=0) with 3 segments in 40ms (2/3 completed in /data-0/kafka-log0) (kafka.log.LogManager)
[2026-11-22 23:00:00,008] INFO Loaded 5 logs in 512ms (unclean log dirs = ArrayBuffer(/data-0/kafka-log0)) (kafka.log.LogManager)
[2026-11-22 23:00:09,008] INFO Recovering 3 logs from /x since no clean shutdown file was found (kafka.log.LogManager)
`

func TestRecovery(t *testing.T) {
	var r Recovery
	var got []string
	for line := range strings.Lines(recoveryLog) {
		changed := r.Line(strings.TrimSpace(line))
		logs, segments := r.Remaining()
		got = append(got, fmt.Sprint(changed, r.Active(), logs, segments))
	}
	want := []string{
		"false false 0 0", "true true 3 0", "false true 3 0", "true true 3 3", "true true 3 4", "true true 3 3",
		"true true 2 2", "false true 2 2", "true true 1 0", "true false 0 0", "false false 0 0",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: got %s, want %s", i+1, got[i], want[i])
		}
	}
	if !r.Finished() {
		t.Error("not finished")
	}
}

func TestRecoveryIgnores(t *testing.T) {
	for _, line := range []string{
		"", "Recovering ", "Recovering x logs from /d since no clean shutdown file was found", "Recovering -1 logs from /d since no clean shutdown file was found",
		"Recovering file a by renaming from b files.", "Recovering unflushed segment 0. 0/1 recovered for t-0.", "Recovering unflushed segment 0. 2/1 recovered for t-0.",
		"Completed load of Log(dir=/d/t-0) (1/2 completed in /d)", "Completed load of", "Loaded stray log: x", "Loaded x logs in 1ms",
	} {
		var r Recovery
		if r.Line(line) || r.Active() || r.Finished() {
			t.Errorf("%q counts", line)
		}
	}
}

// A log can say anything: what remains is never negative, and nothing is active after the end.
func FuzzRecovery(f *testing.F) {
	f.Add(recoveryLog)
	f.Add("Recovering 1 logs from /d since no clean shutdown file\nCompleted load of x (9/2 completed in /d)\nLoaded 1 logs in 1ms")
	f.Fuzz(func(t *testing.T, text string) {
		var r Recovery
		for line := range strings.Lines(text) {
			r.Line(line)
			if logs, segments := r.Remaining(); logs < 0 || segments < 0 || r.Finished() && r.Active() {
				t.Fatalf("%d logs, %d segments after %q", logs, segments, line)
			}
		}
	})
}
