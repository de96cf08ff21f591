package main

import (
	"context"
	"log/slog"
)

// libraryLog is where the Kubernetes libraries log to. What they think is worth knowing, such as each thing that they start and
// stop, is worth it only to who looks for a fault; and while the operator stops, what they call an error is the stop.
type libraryLog struct {
	slog.Handler
	stopping func() bool
}

// level is what a line of theirs counts for here.
func (l libraryLog) level(of slog.Level) slog.Level {
	if of <= slog.LevelInfo || l.stopping() {
		return min(of, slog.LevelDebug)
	}
	return of
}

// Enabled says whether a line of theirs would be written.
func (l libraryLog) Enabled(ctx context.Context, level slog.Level) bool {
	return l.Handler.Enabled(ctx, l.level(level))
}

// Handle writes a line at the level that it counts for. Not every library asks Enabled before.
func (l libraryLog) Handle(ctx context.Context, r slog.Record) error {
	r.Level = l.level(r.Level)
	if !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs returns a log with attributes, and the same levels.
func (l libraryLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return libraryLog{l.Handler.WithAttrs(attrs), l.stopping}
}

// WithGroup returns a log whose attributes are in a group, and with the same levels.
func (l libraryLog) WithGroup(name string) slog.Handler {
	return libraryLog{l.Handler.WithGroup(name), l.stopping}
}
