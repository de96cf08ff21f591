package credentials

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"
)

const (
	// pollPeriod is how long a change can go unnoticed when the file system tells nothing: network mounts, a file
	// mounted by subPath, no inotify watches left.
	pollPeriod = 60 * time.Second
	// settle lets the writer of several files finish before they are read. A shorter one works too: half-written pairs
	// are refused and read again at the next change.
	settle = 50 * time.Millisecond
)

// material is something built from files, rebuilt whenever they change. What was built last without an error is what
// counts: a broken new file changes nothing but the log.
type material[T any] struct {
	name     string // for the log
	paths    []string
	patterns []string // of further paths, see isPattern
	build    func(snapshot) (T, error)
	retire   func(T) // is given what was replaced; may be nil
	changes  *Changes
	log      *slog.Logger

	current atomic.Pointer[T]
	seen    [sha256.Size]byte
	cancel  context.CancelFunc
	done    chan struct{}
}

// open builds the material for the first time, and watches its files until ctx ends or close is called. The error is
// that of build. Without paths nothing is watched.
func (m *material[T]) open(ctx context.Context, poll time.Duration) error {
	// Watching starts before the first read, so that no change falls between the two.
	var told <-chan struct{}
	leave := func() {}
	if len(m.paths)+len(m.patterns) > 0 {
		told, leave = m.changes.in(m.directories())
	}
	first := read(m.paths, m.patterns)
	built, err := m.build(first)
	if err != nil {
		leave()
		return err
	}
	m.current.Store(&built)
	m.seen = first.sum()
	if told == nil {
		return nil
	}
	ctx, m.cancel = context.WithCancel(ctx)
	m.done = make(chan struct{})
	go func() {
		defer close(m.done)
		defer leave()
		m.run(ctx, told, poll)
	}()
	return nil
}

// close ends the watching and waits for it. The material stays usable.
func (m *material[T]) close() {
	if m.cancel == nil {
		return
	}
	m.cancel()
	<-m.done
}

// directories are where the files are: Kubernetes exchanges a mounted Secret by renaming the link ..data beside them, and
// editors replace files by renaming too, of which the files themselves tell nothing.
func (m *material[T]) directories() []string {
	var dirs []string
	for _, path := range append(m.paths[:len(m.paths):len(m.paths)], m.patterns...) {
		dirs = append(dirs, filepath.Dir(path))
	}
	return dirs
}

// run is the only place that changes the material after open. It ends with ctx.
func (m *material[T]) run(ctx context.Context, told <-chan struct{}, poll time.Duration) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-told:
			if settled == nil {
				settled = time.After(settle)
			}
		case <-settled:
			settled = nil
			m.refresh()
		case <-ticker.C:
			m.changes.watch(m.directories())
			m.refresh()
		}
	}
}

// refresh reads the files and, if they are not what they were, builds anew.
func (m *material[T]) refresh() {
	next := read(m.paths, m.patterns)
	sum := next.sum()
	if sum == m.seen {
		return
	}
	// Before the build: files that do not build are not tried, and not complained about, again until they change.
	m.seen = sum
	built, err := m.build(next)
	if err != nil {
		m.log.Error("changed files are not usable, the previous ones stay in use", "material", m.name, "error", err)
		return
	}
	old := m.current.Swap(&built)
	if m.retire != nil {
		m.retire(*old)
	}
	m.log.Info("changed files are in use for new connections", "material", m.name)
}

// get returns what is current.
func (m *material[T]) get() T { return *m.current.Load() }
