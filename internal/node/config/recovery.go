package config

import (
	"path"
	"strconv"
	"strings"
)

// Recovery follows, by Kafka's log lines, what a broker still has to read after it was not stopped in good order. The lines
// are those of LogManager and LogLoader at level INFO, the same words from 3.9 to 4.3; where the author of a logging
// configuration has switched them off, there is nothing to follow. The zero value has seen no line. It is not for concurrent
// use.
type Recovery struct {
	logs     map[string]int // still to be loaded, by log directory
	segments map[string]int // still to be recovered, by partition
	finished bool
}

// Line reads one line of the log, whatever the pattern puts in front of the message, and reports whether it changed
// anything.
func (r *Recovery) Line(line string) bool {
	if r.finished {
		return false
	}
	for _, kind := range []struct {
		words string
		read  func(*Recovery, string) bool
	}{
		{"Recovering unflushed segment ", (*Recovery).segment},
		{"Completed load of ", (*Recovery).loaded},
		{"Recovering ", (*Recovery).directory},
		{"Loaded ", (*Recovery).end},
	} {
		if _, after, found := strings.Cut(line, kind.words); found {
			return kind.read(r, after)
		}
	}
	return false
}

// directory reads "30 logs from /data since no clean shutdown file was found".
func (r *Recovery) directory(rest string) bool {
	digits, rest, found := strings.Cut(rest, " logs from ")
	dir, _, clean := strings.Cut(rest, " since no clean shutdown file")
	count, err := strconv.Atoi(digits)
	if !found || !clean || err != nil || count < 0 {
		return false
	}
	if r.logs == nil {
		r.logs, r.segments = make(map[string]int), make(map[string]int)
	}
	r.logs[dir] = count
	return true
}

// segment reads "42. 1/3 recovered for topic-0.".
func (r *Recovery) segment(rest string) bool {
	_, rest, found := strings.Cut(rest, ". ")
	counts, partition, of := strings.Cut(rest, " recovered for ")
	done, all, ok := fraction(counts)
	if !found || !of || !ok || r.logs == nil {
		return false
	}
	partition, _, _ = strings.Cut(strings.TrimSpace(partition)+" ", ". ") // no name of a topic has a blank
	r.segments[partition] = all - done
	return true
}

// loaded reads "Log(dir=/data/topic-0, …) with 3 segments, … in 12ms (7/30 completed in /data)".
func (r *Recovery) loaded(rest string) bool {
	before, after, found := strings.Cut(rest, " completed in ")
	counts := before[strings.LastIndex(before, "(")+1:]
	dir, _, _ := strings.Cut(after, ")")
	done, all, ok := fraction(counts)
	if _, unclean := r.logs[dir]; !found || !ok || !unclean {
		return false
	}
	r.logs[dir] = all - done
	if _, log, named := strings.Cut(before, "dir="); named {
		log, _, _ = strings.Cut(log, ",")
		delete(r.segments, path.Base(log))
	}
	return true
}

// end reads "30 logs in 512ms (unclean log dirs = [/data])".
func (r *Recovery) end(rest string) bool {
	digits, rest, found := strings.Cut(rest, " logs in ")
	if _, err := strconv.Atoi(digits); err != nil || !found || !strings.Contains(rest, "ms") {
		return false
	}
	*r = Recovery{finished: true}
	return true
}

// fraction reads "1/3".
func fraction(text string) (done, all int, ok bool) {
	a, b, found := strings.Cut(text, "/")
	done, errDone := strconv.Atoi(a)
	all, errAll := strconv.Atoi(b)
	return done, all, found && errDone == nil && errAll == nil && done >= 0 && done <= all
}

// Active reports whether the broker is recovering logs.
func (r *Recovery) Active() bool { return len(r.logs) > 0 }

// Finished reports whether all logs are loaded: no later line changes anything.
func (r *Recovery) Finished() bool { return r.finished }

// Remaining returns how many logs are still to be loaded, in the directories that were not closed in good order, and how
// many segments of those that have been begun are still to be read.
func (r *Recovery) Remaining() (logs, segments int) {
	for _, n := range r.logs {
		logs += n
	}
	for _, n := range r.segments {
		segments += n
	}
	return logs, segments
}
