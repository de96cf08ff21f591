package logging

import (
	"log/slog"
	"sync/atomic"
)

// Threshold is the least level at which one operation's lines are written.
type Threshold struct {
	common *slog.LevelVar
	level  atomic.Pointer[slog.Level] // nil: the common one
}

// Enabled reports whether a line of this level is to be written.
func (t *Threshold) Enabled(level slog.Level) bool { return level >= t.Level() }

// Level returns what holds now.
func (t *Threshold) Level() slog.Level {
	if own := t.level.Load(); own != nil {
		return *own
	}
	return t.common.Level()
}

func (t *Threshold) own() (slog.Level, bool) {
	if own := t.level.Load(); own != nil {
		return *own, true
	}
	return 0, false
}

func (t *Threshold) set(level slog.Level) { t.level.Store(&level) }
