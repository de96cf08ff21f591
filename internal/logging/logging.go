// Package logging writes the logs of Steg's programs: slog lines for what happens, and one line per request by an encoder
// of its own, since a request costs less than slog's general one. Levels are words of a configuration and may be changed
// at any time. The package opens no file, knows no setting's name and no HTTP: it is told values, and writes them.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Format is how a log line is written.
type Format string

// The formats that Open takes.
const (
	Text Format = "text"
	JSON Format = "json"
)

// Options is what a Log is made of.
type Options struct {
	Writer io.Writer
	Level  string // see ParseLevel
	Format Format
	// Operations are levels of single operations, by name; all others have Level. See ParseOperations.
	Operations map[string]slog.Level
}

// Log is the logger of a program and the levels that it goes by. All methods may be called from any goroutine.
type Log struct {
	*slog.Logger
	out    *output
	format Format
	level  slog.LevelVar

	mu         sync.Mutex
	operations map[string]*Threshold
}

// Open returns a log that writes to o.Writer until Close. An unknown level or format is an error that lists what there is.
func Open(o Options) (*Log, error) {
	level, err := ParseLevel(o.Level)
	if err != nil {
		return nil, err
	}
	l := &Log{out: newOutput(o.Writer), format: o.Format, operations: make(map[string]*Threshold)}
	l.level.Set(level)
	options := &slog.HandlerOptions{Level: &l.level}
	switch o.Format {
	case Text:
		l.Logger = slog.New(slog.NewTextHandler(l.out, options))
	case JSON:
		l.Logger = slog.New(slog.NewJSONHandler(l.out, options))
	default:
		return nil, fmt.Errorf("log format %q: text or json", o.Format)
	}
	for name, level := range o.Operations {
		l.Threshold(name).set(level)
	}
	return l, nil
}

// Level returns the level of everything that has none of its own.
func (l *Log) Level() slog.Level { return l.level.Level() }

// SetLevel changes it.
func (l *Log) SetLevel(level slog.Level) { l.level.Set(level) }

// Threshold returns the level of one operation, the same for every call with its name.
func (l *Log) Threshold(operation string) *Threshold {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.operations[operation]
	if t == nil {
		t = &Threshold{common: &l.level}
		l.operations[operation] = t
	}
	return t
}

// Operations returns the levels of the operations that have one of their own, by name.
func (l *Log) Operations() map[string]slog.Level {
	l.mu.Lock()
	defer l.mu.Unlock()
	own := make(map[string]slog.Level)
	for name, t := range l.operations {
		if level, ok := t.own(); ok {
			own[name] = level
		}
	}
	return own
}

// SetOperation gives an operation a level of its own; nil takes it away.
func (l *Log) SetOperation(name string, level *slog.Level) {
	t := l.Threshold(name)
	if level == nil {
		t.level.Store(nil)
		return
	}
	t.set(*level)
}

// Flush writes what is held back.
func (l *Log) Flush() { l.out.flush() }

// Close writes what is held back; what is logged afterwards is written at once.
func (l *Log) Close() { l.out.close() }

// ParseLevel reads debug, info, warn or error, in any case. The words of log4j are taken too, since they stand in the
// configuration of those who come from a Java bridge: trace is debug, fatal and off are error.
func ParseLevel(word string) (slog.Level, error) {
	switch strings.ToLower(word) {
	case "trace", "debug", "all":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn", "warning":
		return slog.LevelWarn, nil
	case "error", "fatal", "off":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log level %q: debug, info, warn or error", word)
}

// Word is what ParseLevel reads as the level.
func Word(level slog.Level) string { return strings.ToLower(level.String()) }

// ParseOperations reads levels of operations, each written as name=level; the last of a name counts. An error names the
// entry.
func ParseOperations(entries []string) (map[string]slog.Level, error) {
	levels := make(map[string]slog.Level)
	for _, entry := range entries {
		name, word, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not written as operation=level", entry)
		}
		level, err := ParseLevel(strings.TrimSpace(word))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		levels[name] = level
	}
	return levels, nil
}

// RenderOperations is the inverse of ParseOperations, sorted by name.
func RenderOperations(levels map[string]slog.Level) []string {
	entries := make([]string, 0, len(levels))
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		entries = append(entries, name+"="+Word(levels[name]))
	}
	return entries
}
