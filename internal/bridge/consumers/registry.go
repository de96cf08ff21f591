package consumers

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Settings is what all instances of a registry share.
type Settings struct {
	// BridgeID is the prefix of generated names; empty: "kafka-bridge-consumer".
	BridgeID string
	// Configure lays overrides (Java keys) over the bridge's consumer properties. It opens nothing. Its error is a
	// *kafka.Error, or an *InvalidError for a value that the Java client refuses.
	Configure func(overrides map[string]string) (kafka.Config, error)
	// Transport returns how to reach and convince the brokers: dialer and SASL. Asked for each client anew.
	Transport func() []kgo.Opt

	IdleTimeout time.Duration // unused for longer: the instance is closed; zero or less: never
	JoinWait    time.Duration // how long the first poll after a subscription waits for the assignment
	Replace     bool          // creating a name again closes the old instance instead of failing
	Max         int           // instances at once; 0: any number
	FetchBytes  int64         // bound of all records fetched and not yet delivered, in bytes; 0: none

	// Joined, if set, is told how long a member waited for its partitions: after joining its group, or in a rebalance.
	// It must not block.
	Joined func(rebalance bool, took time.Duration)
	Logger *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// Spec says what to create.
type Spec struct {
	Group     string
	Name      string            // empty: generated
	Format    string            // carried for the caller; means nothing here
	Overrides map[string]string // Java consumer properties of this instance
}

// Status describes an instance for people.
type Status struct {
	Group, Name, Format string
	Mode                string // created, subscribed or assigned
	Busy                bool   // an operation is in progress or waits
	LastUsed            time.Time
	Assignment          []TopicPartitions
	BufferedRecords     int
	BufferedBytes       int64
	Activity
}

type identity struct{ group, name string }

// Registry holds the instances of one bridge. Its methods may be called from any number of goroutines.
type Registry struct {
	settings     Settings
	budget       *budget
	decompressor kgo.Decompressor
	versions     *kversion.Versions
	closing      sync.WaitGroup // instances that close in the background
	stopSweep    context.CancelFunc

	mu        sync.Mutex
	instances map[identity]*Instance
	closed    bool
}

// New returns an empty registry. With an IdleTimeout it keeps one goroutine until Close.
func New(s Settings) *Registry {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Registry{
		settings:     s,
		budget:       &budget{limit: s.FetchBytes},
		decompressor: kgo.DefaultDecompressor(),
		versions:     byName(),
		stopSweep:    cancel,
		instances:    make(map[identity]*Instance),
	}
	if s.IdleTimeout > 0 {
		r.closing.Go(func() { r.sweepEvery(ctx, max(s.IdleTimeout/2, time.Millisecond)) })
	}
	return r
}

// byName returns the protocol versions to speak: the newest, except where a newer one replaces topic names by ids.
// Offsets are committed for topics that this client never looked up, and a topic that was just created has an id that
// not every broker knows yet.
func byName() *kversion.Versions {
	const fetch, offsetCommit, offsetFetch = 1, 8, 9
	v := kversion.Stable()
	v.SetMaxKeyVersion(fetch, 12)
	v.SetMaxKeyVersion(offsetCommit, 9)
	v.SetMaxKeyVersion(offsetFetch, 9)
	return v
}

// Create adds an instance. It opens no connection and does not block. Errors: ErrExists, ErrTooMany, ErrClosed, and those
// of Settings.Configure.
func (r *Registry) Create(spec Spec) (*Instance, error) {
	if spec.Name == "" {
		prefix := r.settings.BridgeID
		if prefix == "" {
			prefix = "kafka-bridge-consumer"
		}
		spec.Name = prefix + "-" + uuid.NewString()
	}
	cfg, err := r.configure(spec)
	if err != nil {
		return nil, err
	}
	i := newInstance(r, spec, cfg)
	id := identity{spec.Group, spec.Name}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	old := r.instances[id]
	if old != nil && !r.settings.Replace {
		return nil, ErrExists
	}
	if old == nil && r.settings.Max > 0 && len(r.instances) >= r.settings.Max {
		return nil, ErrTooMany
	}
	if old != nil {
		r.settings.Logger.Info("consumer instance replaced", "group", spec.Group, "name", spec.Name)
		old.interrupt()
		r.closeLater(old)
	}
	r.instances[id] = i
	return i, nil
}

// configure interprets the properties of an instance: those of the bridge, the group, the request's, and the name as
// client.id (bridge contract 1.6).
func (r *Registry) configure(spec Spec) (kafka.Config, error) {
	overrides := map[string]string{"group.id": spec.Group}
	for k, v := range spec.Overrides {
		overrides[k] = v
	}
	overrides["client.id"] = spec.Name
	cfg, err := r.settings.Configure(overrides)
	if err != nil {
		return kafka.Config{}, err
	}
	cfg.Consumer.Group, cfg.ClientID = spec.Group, spec.Name
	if err := kgo.ValidateOpts(cfg.Options()...); err != nil {
		return kafka.Config{}, &kafka.Error{Class: classKafka, Message: "Failed to construct kafka consumer", Cause: err}
	}
	return cfg, nil
}

// Get returns an instance, or ErrNotFound.
func (r *Registry) Get(group, name string) (*Instance, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := r.instances[identity{group, name}]; i != nil {
		return i, nil
	}
	return nil, ErrNotFound
}

// Delete closes an instance after the operation in progress and those that wait before it: the group is left and, with
// auto-commit, positions are committed. It waits for that until ctx ends; the deletion goes on without the caller. Two
// deletions at once both succeed. Errors: ErrNotFound, or ctx's.
func (r *Registry) Delete(ctx context.Context, group, name string) error {
	done := make(chan struct{})
	r.mu.Lock()
	i := r.instances[identity{group, name}]
	if i == nil {
		r.mu.Unlock()
		return ErrNotFound
	}
	r.closing.Go(func() {
		defer close(done)
		i.close()
		r.forget(i)
	})
	r.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close refuses new instances, ends polls in progress with what they have, and closes all instances at once. It
// returns when they are closed, or with ctx's error when that ends first.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	for id, i := range r.instances {
		delete(r.instances, id)
		i.interrupt()
		r.closeLater(i)
	}
	r.mu.Unlock()
	r.stopSweep()

	done := make(chan struct{})
	go func() {
		r.closing.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("consumer instances still closing"), ctx.Err())
	}
}

// Snapshot returns the instances in no particular order.
func (r *Registry) Snapshot() []Status {
	r.mu.Lock()
	instances := make([]*Instance, 0, len(r.instances))
	for _, i := range r.instances {
		instances = append(instances, i)
	}
	r.mu.Unlock()
	all := make([]Status, len(instances))
	for n, i := range instances {
		all[n] = i.status()
	}
	return all
}

// closeLater closes an instance in the background; r.mu is held, so that Close can't have begun to wait.
func (r *Registry) closeLater(i *Instance) {
	r.closing.Go(i.close)
}

// forget removes an instance, unless its name belongs to another one by now.
func (r *Registry) forget(i *Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := (identity{i.group, i.name}); r.instances[id] == i {
		delete(r.instances, id)
	}
}

// sweepEvery evicts at intervals of half the idle timeout, as upstream does: an instance is gone after 1 to 1.5 times it
// (bridge contract 2.3).
func (r *Registry) sweepEvery(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.evict()
		}
	}
}

// evict closes every instance that was unused for longer than IdleTimeout, each in the background. An operation in
// progress, a long poll above all, is use.
func (r *Registry) evict() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	now := r.settings.Now()
	for id, i := range r.instances {
		if unused := i.unused(now); unused > r.settings.IdleTimeout {
			r.settings.Logger.Warn("consumer instance closed because it was not used",
				"group", i.group, "name", i.name, "unused", unused)
			delete(r.instances, id)
			r.closeLater(i)
		}
	}
}
