package logging

import (
	"io"
	"sync"
	"time"
)

const (
	// heldBytes is how much is held back at most: one write to the system then serves some 300 requests.
	heldBytes = 64 << 10
	// heldTime is how long a line is held back at most.
	heldTime = 100 * time.Millisecond
)

// output writes lines in their order. Those of requests wait for company, up to heldBytes and heldTime; every other line
// takes what waits with it at once, so that what a crash can lose is a moment of requests and no warning.
type output struct {
	mu     sync.Mutex
	w      io.Writer
	held   []byte
	armed  bool // the timer will flush
	closed bool // nothing is held back any more
	timer  *time.Timer
	second int64  // Unix time of stamp
	stamp  []byte // "2006-01-02T15:04:05"
	zone   []byte // "Z" or "+02:00"
}

func newOutput(w io.Writer) *output {
	o := &output{w: w}
	o.timer = time.AfterFunc(time.Hour, o.flush)
	o.timer.Stop()
	return o
}

// Write is slog's way in: a whole line.
func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = append(o.held, line...)
	return len(line), o.emit()
}

// hold lets add append one line to what waits.
func (o *output) hold(add func(o *output, dst []byte) []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = add(o, o.held)
	switch {
	case o.closed, len(o.held) >= heldBytes:
		_ = o.emit() // a log that can't be written has nowhere to say so
	case !o.armed:
		o.armed = true
		o.timer.Reset(heldTime)
	}
}

// emit writes what is held; mu is held.
func (o *output) emit() error {
	if o.armed {
		o.armed = false
		o.timer.Stop()
	}
	if len(o.held) == 0 {
		return nil
	}
	_, err := o.w.Write(o.held)
	o.held = o.held[:0]
	if cap(o.held) > 2*heldBytes {
		o.held = nil
	}
	return err
}

func (o *output) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.emit()
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	_ = o.emit()
}

// appendTime appends a time as slog writes it: RFC 3339 with milliseconds. The part down to the second is kept from one
// line to the next, since finding it costs more than the rest of a line; mu is held.
func (o *output) appendTime(dst []byte, at time.Time) []byte {
	if second := at.Unix(); second != o.second || o.stamp == nil {
		o.second = second
		o.stamp = at.AppendFormat(o.stamp[:0], "2006-01-02T15:04:05")
		o.zone = at.AppendFormat(o.zone[:0], "Z07:00")
	}
	ms := at.Nanosecond() / int(time.Millisecond)
	dst = append(dst, o.stamp...)
	dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return append(dst, o.zone...)
}
