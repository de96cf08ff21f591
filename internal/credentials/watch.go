package credentials

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
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
	name  string // for the log
	paths []string
	build func(snapshot) (T, error)
	log   *slog.Logger

	current atomic.Pointer[T]
	seen    [sha256.Size]byte
	cancel  context.CancelFunc
	done    chan struct{}
}

// open builds the material for the first time, and watches its files until ctx ends or close is called. The error is
// that of build. Without paths nothing is watched.
func (m *material[T]) open(ctx context.Context, poll time.Duration) error {
	// Watching starts before the first read, so that no change falls between the two.
	watcher := m.watchDirectories()
	first := read(m.paths)
	built, err := m.build(first)
	if err != nil {
		if watcher != nil {
			_ = watcher.Close()
		}
		return err
	}
	m.current.Store(&built)
	m.seen = first.sum()
	if len(m.paths) == 0 {
		return nil
	}
	ctx, m.cancel = context.WithCancel(ctx)
	m.done = make(chan struct{})
	go m.run(ctx, watcher, poll)
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

// watchDirectories asks for events of the directories, not of the files: Kubernetes exchanges a mounted Secret by
// renaming the link ..data beside them, and editors replace files by renaming too. Nil means that only the poll is left.
func (m *material[T]) watchDirectories() *fsnotify.Watcher {
	if len(m.paths) == 0 {
		return nil
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		m.log.Warn("changed files are noticed late: no file system events", "material", m.name, "error", err)
		return nil
	}
	m.addDirectories(watcher)
	return watcher
}

// addDirectories may be repeated: a directory that was removed and made again needs a new watch.
func (m *material[T]) addDirectories(watcher *fsnotify.Watcher) {
	for _, path := range m.paths {
		// A missing directory is found by the poll once it is there; build has complained about the file.
		_ = watcher.Add(filepath.Dir(path))
	}
}

// run is the only place that changes the material after open. It ends with ctx.
func (m *material[T]) run(ctx context.Context, watcher *fsnotify.Watcher, poll time.Duration) {
	defer close(m.done)
	var events chan fsnotify.Event
	var failures chan error
	if watcher != nil {
		defer func() { _ = watcher.Close() }()
		events, failures = watcher.Events, watcher.Errors
	}
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-events:
			if settled == nil {
				settled = time.After(settle)
			}
		case err := <-failures: // most likely an overflow of the event queue: what was lost is read at once
			m.log.Debug("file system events were lost", "material", m.name, "error", err)
			m.refresh()
		case <-settled:
			settled = nil
			m.refresh()
		case <-ticker.C:
			if watcher != nil {
				m.addDirectories(watcher)
			}
			m.refresh()
		}
	}
}

// refresh reads the files and, if they are not what they were, builds anew.
func (m *material[T]) refresh() {
	next := read(m.paths)
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
	m.current.Store(&built)
	m.log.Info("changed files are in use for new connections", "material", m.name)
}

// get returns what is current.
func (m *material[T]) get() T { return *m.current.Load() }
