package credentials

import (
	"log/slog"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// Changes tells of changes in directories, to all who watch files in one process. There is one of it per process, because
// the kernel gives a user 128 instances of inotify (fs.inotify.max_user_instances), and all the sidecars of a node are one
// user to it. It is safe for concurrent use.
type Changes struct {
	log *slog.Logger

	mu      sync.Mutex
	watcher *fsnotify.Watcher // nil: nobody has asked yet, or there are no events to be had
	opened  bool
	told    map[chan struct{}]struct{}
	ended   sync.WaitGroup
}

// NewChanges watches nothing yet.
func NewChanges(log *slog.Logger) *Changes {
	return &Changes{log: log, told: make(map[chan struct{}]struct{})}
}

// in returns a channel that is told of changes in directories, and of some elsewhere, until leave is called.
func (c *Changes) in(directories []string) (told <-chan struct{}, leave func()) {
	ch := make(chan struct{}, 1)
	c.mu.Lock()
	c.told[ch] = struct{}{}
	c.mu.Unlock()
	c.watch(directories)
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.told, ch)
	}
}

// watch may be repeated: a directory that was removed and made again needs a new watch. One that is missing is left out.
func (c *Changes) watch(directories []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opened {
		c.open()
	}
	if c.watcher == nil {
		return
	}
	for _, dir := range directories {
		// Without a watch a change is noticed by those who read the files now and then.
		_ = c.watcher.Add(dir)
	}
}

func (c *Changes) open() {
	c.opened = true
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		c.log.Warn("changed files are noticed late: no file system events", "error", err)
		return
	}
	c.watcher = watcher
	c.ended.Go(func() { c.run(watcher) })
}

// run passes events on until Close.
func (c *Changes) run(watcher *fsnotify.Watcher) {
	for {
		select {
		case _, more := <-watcher.Events:
			if !more {
				return
			}
		case err, more := <-watcher.Errors: // most likely an overflow of the queue: any file may have changed
			if !more {
				return
			}
			c.log.Debug("file system events were lost", "error", err)
		}
		c.tell()
	}
}

// tell leaves a note with everybody who has none yet.
func (c *Changes) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ch := range c.told {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Close ends the watching. A nil Changes is closed already.
func (c *Changes) Close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	watcher := c.watcher
	c.watcher, c.opened = nil, true
	c.mu.Unlock()
	if watcher != nil {
		_ = watcher.Close()
	}
	c.ended.Wait()
}
