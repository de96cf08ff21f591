package chaos

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/test/chaos/check"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// The topics of a run. Consumers read durable and growing.
const (
	durable = "durable" // stays as it is
	growing = "growing" // gets partitions
	doomed  = "doomed"  // is deleted and created again

	durablePartitions, growingPartitions, doomedPartitions = 6, 3, 2
)

// group is a consumer group that is held to everything; it has a member at each bridge.
type group struct {
	name   string
	topics []string
	commit commitment
}

func groups() []group {
	read := []string{durable, growing}
	return []group{{"automatic", read, automatic}, {"polled", read, polled}, {"explicit", read, explicit}}
}

// Options of a run.
type Options struct {
	// Seed decides the order, the targets and the lengths of the faults.
	Seed uint64
	// Time is how long faults are begun for; at least one round of Faults is made if it is 0.
	Time time.Duration
	// Faults are the kinds to use, all for none. Within each round every kind comes once.
	Faults []string
	// Dir keeps logs and the report; "" means a temporary directory, which is kept if the verdict is not clean.
	Dir string
	// Binary is the bridge to run; "" means that of this tree.
	Binary string
	// Sets are further settings of the bridges, key=value; {"kafka.producer.acks=1"} makes them lose records.
	Sets []string
	// Out gets a line for each fault, and the summary.
	Out io.Writer
	// Recovery is how long the bridges may take to serve again once the partitions have leaders; 0 means 10 s.
	Recovery time.Duration
	// Slack is added to each request's bound; 0 means 3 s.
	Slack time.Duration
}

// run is a run that is going on.
type run struct {
	options Options
	cluster *cluster
	bridges []*bridge
	journal *journal
	bounds  bounds
}

// Run makes a run and returns its report. The error is of the run itself: what the bridges did is in the report.
func Run(ctx context.Context, o Options) (report *Report, err error) {
	o.Recovery, o.Slack = cmp.Or(o.Recovery, 10*time.Second), cmp.Or(o.Slack, 3*time.Second)
	chosen, err := choose(o.Faults)
	if err != nil {
		return nil, err
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "steg-chaos-"); err != nil {
			return nil, fmt.Errorf("chaos: %w", err)
		}
		defer func() {
			if err == nil && report.OK() {
				err = os.RemoveAll(o.Dir)
			}
		}()
	}
	if slices.ContainsFunc(chosen, func(f fault) bool { return f.name == clockJump }) {
		restore, err := fakeClocks(ctx, o.Dir)
		if err != nil {
			return nil, err
		}
		defer restore()
	}
	r := &run{options: o, journal: newJournal(), bounds: settingBounds()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	return r.carryOut(ctx, chosen)
}

// choose returns the named faults, all for none.
func choose(names []string) ([]fault, error) {
	all := faults()
	if len(names) == 0 {
		return all, nil
	}
	var out []fault
	for _, name := range names {
		i := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("chaos: there is no fault %q", name)
		}
		out = append(out, all[i])
	}
	return out, nil
}

// open starts brokers and bridges.
func (r *run) open(ctx context.Context) error {
	binary := r.options.Binary
	var err error
	if binary == "" {
		if binary, err = Build(ctx, r.options.Dir); err != nil {
			return err
		}
	}
	if r.cluster, err = startCluster(ctx, r.options.Dir); err != nil {
		return err
	}
	if err := r.topics(ctx); err != nil {
		return err
	}
	for i := range ways {
		b := newBridge(i, binary, r.options.Dir, append(r.cluster.bridgeSets(i), r.options.Sets...))
		r.bridges = append(r.bridges, b)
		if err := b.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// topics makes topics and rights.
func (r *run) topics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for topic, n := range map[string]int32{durable: durablePartitions, growing: growingPartitions, doomed: doomedPartitions} {
		if err := r.cluster.create(ctx, topic, n); err != nil {
			return err
		}
	}
	for _, rights := range []*kadm.ACLBuilder{topicRights(), groupRights()} {
		if err := r.cluster.grant(ctx, rights); err != nil {
			return err
		}
	}
	return r.cluster.healthy(ctx)
}

func (r *run) close() error {
	var errs []error
	for _, b := range r.bridges {
		errs = append(errs, b.kill())
	}
	if r.cluster != nil {
		errs = append(errs, r.cluster.close())
	}
	return errors.Join(errs...)
}

// traffic starts writers, readers and the watcher; the functions end them.
func (r *run) traffic(ctx context.Context) (endWriters, endReaders, endWatcher func(), w *watcher, err error) {
	if w, err = newWatcher(r.journal, r.cluster.rig); err != nil {
		return nil, nil, nil, nil, err
	}
	var writers, readers []func(context.Context)
	for i, b := range r.bridges {
		for n, t := range []writer{
			{topic: durable, keyed: true, batch: 5}, {topic: durable, batch: 3}, {topic: growing, batch: 5}, {topic: doomed, batch: 3},
		} {
			t.client, t.bound, t.pace = newClient(r.journal, b), r.bounds.send, 40*time.Millisecond
			t.random = rand.New(rand.NewPCG(r.options.Seed, uint64(10*i+n)))
			writers = append(writers, t.run)
		}
		for _, g := range groups() {
			reader := reader{client: newClient(r.journal, b), bounds: r.bounds, group: g.name, topics: g.topics, commit: g.commit}
			readers = append(readers, reader.run)
		}
	}
	return start(ctx, writers...), start(ctx, readers...), start(ctx, w.run), w, nil
}

// start runs all until the returned function is called, which waits for them.
func start(ctx context.Context, all ...func(context.Context)) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	for _, f := range all {
		wait.Go(func() { f(ctx) })
	}
	return func() {
		cancel()
		wait.Wait()
	}
}

// carryOut makes the faults under traffic, and has the outcome judged.
func (r *run) carryOut(ctx context.Context, chosen []fault) (*Report, error) {
	endWriters, endReaders, endWatcher, w, err := r.traffic(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	report := &Report{Seed: r.options.Seed, Recovery: r.options.Recovery, Dir: r.options.Dir}
	if err := r.nemesis(ctx, chosen, report); err != nil {
		report.Notes = append(report.Notes, "the faults ended early: "+err.Error())
	}
	ctx = context.WithoutCancel(ctx) // who interrupts a run wants to know what it has shown
	endWriters()
	failed := r.settle(ctx, report)
	endReaders()
	endWatcher()
	if failed != nil {
		return nil, failed
	}
	if err := r.collect(ctx, w); err != nil {
		return nil, err
	}
	for _, b := range r.bridges {
		if err := b.stop(); err != nil {
			report.Notes = append(report.Notes, err.Error())
		}
	}
	report.Ran = r.journal.now()
	report.Verdict = check.Check(&r.journal.history)
	report.print(r.options.Out)
	return report, nil
}

// settle waits until the groups have read everything that is in the logs.
func (r *run) settle(ctx context.Context, report *Report) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := r.cluster.healthy(ctx); err != nil {
		return err
	}
	ends, err := r.cluster.admin.ListEndOffsets(ctx, durable, growing)
	if err != nil {
		return wrap("reading the ends of the logs", err)
	}
	wanted := make(map[check.Place]int64)
	for topic, partitions := range ends {
		for p, end := range partitions {
			if end.Offset > 0 {
				wanted[check.Place{Topic: topic, Partition: p}] = end.Offset - 1
			}
		}
	}
	if missing := r.reach(ctx, wanted); missing != "" {
		report.Notes = append(report.Notes, "at the end: "+missing)
	}
	return nil
}

// reach waits until every group has been given the wanted offsets, and says what is missing when ctx ends before.
func (r *run) reach(ctx context.Context, wanted map[check.Place]int64) (missing string) {
	for _, g := range groups() {
		for {
			places, changed := r.journal.behind(g.name, wanted)
			if len(places) == 0 {
				break
			}
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return fmt.Sprintf("group %s has not been given the latest of %v", g.name, places)
			}
		}
	}
	return ""
}

// collect reads the logs and the rest of what the groups did.
func (r *run) collect(ctx context.Context, w *watcher) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	ends, err := r.cluster.admin.ListEndOffsets(ctx, offsetsTopic)
	if err != nil {
		return wrap("reading the ends of the logs", err)
	}
	upTo := make(map[int32]int64)
	for p, end := range ends[offsetsTopic] {
		upTo[p] = end.Offset
	}
	if err := w.finish(ctx, upTo); err != nil {
		return err
	}
	log, err := readLogs(ctx, r.cluster.rig.ClientOptions(kafkarig.Plain), durable, growing, doomed)
	if err != nil {
		return err
	}
	h := &r.journal.history
	h.Log, h.Slack = log, r.options.Slack
	for _, g := range groups() {
		h.Groups = append(h.Groups, check.Group{Name: g.name, Topics: g.topics})
	}
	return r.dump()
}

// readLogs reads topics whole.
func readLogs(ctx context.Context, to []kgo.Opt, topics ...string) (map[check.Place][]check.Logged, error) {
	client, err := kgo.NewClient(append(to, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		return nil, wrap("reading the logs", err)
	}
	defer client.Close()
	left, err := endsOf(ctx, client, topics)
	if err != nil {
		return nil, err
	}
	log := make(map[check.Place][]check.Logged)
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil, wrap("reading the logs", ctx.Err())
		}
		fetches.EachRecord(func(r *kgo.Record) {
			place := check.Place{Topic: r.Topic, Partition: r.Partition}
			var v value
			_ = json.Unmarshal(r.Value, &v) // what is not ours has the zero ID, which nobody sent
			log[place] = append(log[place], check.Logged{ID: check.ID{Connection: v.Connection, Number: v.Number}, Offset: r.Offset})
			if end, ok := left[place]; ok && r.Offset+1 >= end {
				delete(left, place)
			}
		})
	}
	return log, nil
}

// dump keeps the history beside the logs of the bridges.
func (r *run) dump() error {
	f, err := os.Create(filepath.Join(r.options.Dir, "history.json"))
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	return errors.Join(json.NewEncoder(f).Encode(&r.journal.history), f.Close())
}
