package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/test/chaos/check"
)

// Times of the nemesis.
const (
	quiet        = time.Second      // between a recovery and the next fault
	brokersHeal  = 2 * time.Minute  // how long the brokers may take to have leaders again
	probePatient = 60 * time.Second // how long a recovery is watched
)

// planned is a fault with what chance has decided for it.
type planned struct {
	fault
	lasts   time.Duration
	random  *rand.Rand // for what begin chooses
	watched bool       // the recovery is watched before the fault's end too; otherwise brokers come back at any moment
}

// schedule yields rounds of the chosen faults in an order of the seed's. What a fault chooses does not depend on the
// faults before it, so that a run with the same seed and kinds makes the same choices.
func schedule(seed uint64, chosen []fault) func() planned {
	order := rand.New(rand.NewPCG(seed, 0))
	var round []int
	made := uint64(0)
	return func() planned {
		if len(round) == 0 {
			round = order.Perm(len(chosen))
		}
		f := chosen[round[0]]
		round = round[1:]
		made++
		random := rand.New(rand.NewPCG(seed, made))
		span := f.lasts[1] - f.lasts[0]
		lasts := f.lasts[0] + time.Duration(random.Int64N(int64(span)+1))
		return planned{fault: f, lasts: lasts, watched: f.leaves > 0 && random.IntN(2) == 0, random: random}
	}
}

// nemesis makes faults, one at a time, until the time is over and every kind has come once.
func (r *run) nemesis(ctx context.Context, chosen []fault, report *Report) error {
	next := schedule(r.options.Seed, chosen)
	before, err := r.recoverOn(ctx, brokers) // everything works before anything is broken
	if err != nil {
		return err
	}
	if before.Missing != "" {
		return fmt.Errorf("chaos: before any fault: %s", before.Missing)
	}
	for n := 0; n < len(chosen) && r.options.Time == 0 || r.journal.now() < r.options.Time; n++ {
		e, err := r.harm(ctx, next())
		if err != nil {
			return err
		}
		e.Number = n + 1
		report.Events = append(report.Events, e)
		_, _ = fmt.Fprintln(r.options.Out, e) // progress
		if !pause(ctx, quiet) {
			return fmt.Errorf("chaos: %w", ctx.Err())
		}
		for _, b := range r.bridges {
			if b.died() {
				report.Notes = append(report.Notes, fmt.Sprintf("bridge %d has ended by itself after %s", b.index, e.Fault))
				if err := b.start(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// harm makes one fault and watches the recovery.
func (r *run) harm(ctx context.Context, p planned) (Event, error) {
	e := Event{Fault: p.name, At: r.journal.now()}
	end, detail, err := p.begin(ctx, r, p.random)
	e.Detail = detail
	if end == nil {
		return e, fmt.Errorf("chaos: %s: %w", p.name, err)
	}
	if err != nil {
		e.Problem = err.Error() // a bridge that does not stop, say
	}
	var failed error
	if p.watched {
		e.Without, failed = r.recoverOn(ctx, p.leaves)
	}
	pause(ctx, p.lasts)
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), brokersHeal) // what was begun is undone
	defer cancel()
	if err := errors.Join(failed, end(limited)); err != nil {
		return e, fmt.Errorf("chaos: %s: %w", p.name, err)
	}
	e.Lasted = r.journal.now() - e.At
	e.After, err = r.recoverOn(ctx, brokers)
	return e, err
}

// Recovery is how long it took until everything worked.
type Recovery struct {
	// Leaders is the time until all partitions had leaders. The others count from there.
	Leaders time.Duration
	// Produce and Consume are when each bridge had written to each partition, and each group had been given those records.
	Produce, Consume time.Duration
	// Missing is what did not work at all.
	Missing string
}

// recoverOn waits until so many brokers lead all partitions, and watches the recovery.
func (r *run) recoverOn(ctx context.Context, alive int) (Recovery, error) {
	limited, cancel := context.WithTimeout(ctx, brokersHeal)
	defer cancel()
	began := r.journal.now()
	places, err := r.cluster.writable(limited, alive)
	if err != nil {
		return Recovery{}, err
	}
	leaders := r.journal.now() - began
	out := r.recover(ctx, places)
	out.Leaders = leaders
	return out, nil
}

// recover probes, from the moment when all partitions have leaders, until each bridge has written to each partition and
// each group has been given those records.
func (r *run) recover(ctx context.Context, places []check.Place) Recovery {
	ctx, cancel := context.WithTimeout(ctx, probePatient)
	defer cancel()
	began := r.journal.now()
	var wait sync.WaitGroup
	var mu sync.Mutex
	wanted := make(map[check.Place]int64)
	missing := ""
	for _, b := range r.bridges {
		for _, place := range places {
			wait.Go(func() {
				offset, ok := r.probe(ctx, b, place)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case !ok:
					missing = fmt.Sprintf("bridge %d does not write to %s", b.index, place)
				case place.Topic != doomed:
					wanted[place] = max(wanted[place], offset)
				}
			})
		}
	}
	wait.Wait()
	out := Recovery{Produce: r.journal.now() - began, Missing: missing}
	if behind := r.reach(ctx, wanted); behind != "" && missing == "" {
		out.Missing = behind
	}
	out.Consume = r.journal.now() - began
	return out
}

// probe writes a record to a place until that works, and returns its offset.
func (r *run) probe(ctx context.Context, to *bridge, place check.Place) (int64, bool) {
	w := &writer{client: newClient(r.journal, to), bound: r.bounds.send, topic: place.Topic}
	defer w.client.close()
	for ctx.Err() == nil {
		if to.address() == "" {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		if s := w.send(fmt.Sprintf("/topics/%s/partitions/%d", place.Topic, place.Partition), 1)[0]; s.Outcome == check.Acknowledged {
			return s.Offset, true
		}
		pause(ctx, 50*time.Millisecond)
	}
	return 0, false
}

// endsOf returns the offset behind the last record of every partition that has any.
func endsOf(ctx context.Context, client *kgo.Client, topics []string) (map[check.Place]int64, error) {
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, wrap("reading the ends of the logs", err)
	}
	out := make(map[check.Place]int64)
	for topic, partitions := range ends {
		for p, end := range partitions {
			if end.Offset > 0 {
				out[check.Place{Topic: topic, Partition: p}] = end.Offset
			}
		}
	}
	if len(out) == 0 {
		return nil, errors.New("chaos: the logs are empty")
	}
	return out, nil
}
