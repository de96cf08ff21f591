// Package window reads maintenance windows as Kafka resources give them, Quartz cron expressions in UTC, and says when they
// are open. A window is the set of the seconds that an expression matches: `* * 8-10 * * ?` is open daily from 8:00:00 to
// 10:59:59. The package reads no clock.
//
// An expression has six or seven fields, separated by blanks: seconds, minutes, hours, day of month, month, day of week and
// perhaps the year. Each is a list with commas of
//
//   - every value
//     ?          no say: for one of both kinds of day, which Quartz demands of exactly one of them
//     5  MON     a value; months and days of the week have names too, and Sunday is 1
//     8-10       a range, which may go over the end: 22-2, FRI-MON
//     0/15  */15  2-20/4    steps: from the value (or the first one) to the end, or to the end of the range
//     L  L-3     day of month: the last one, the third before the last one
//     15W  LW    day of month: the weekday (Monday to Friday) that is nearest to the 15th, or to the last day, in the same month
//     L  6L      day of week: Saturday, the last Friday of the month
//     6#3        day of week: the third Friday of the month
//
// Quartz refuses L, W and # in lists; here they may be mixed with other days.
package window

import (
	"errors"
	"fmt"
	"time"
)

// Window is the meaning of one expression. The zero Window is never open.
type Window struct {
	text                                   string
	seconds, minutes, hours, months, years set
	days                                   []dayRule
}

// set is a set of the values of one field, which are counted from the field's first one: 130 years are the longest.
type set [3]uint64

func (s *set) add(i int) { s[i/64] |= 1 << (i % 64) }

func (s *set) has(i int) bool { return i >= 0 && i < 64*len(s) && s[i/64]&(1<<(i%64)) != 0 }

// next returns the first member that is at least i and less than limit.
func (s *set) next(i, limit int) (int, bool) {
	for ; i < limit; i++ {
		if s.has(i) {
			return i, true
		}
	}
	return 0, false
}

// String is the expression as it was read.
func (w Window) String() string { return w.text }

// Brief reports whether the window is never open for a whole minute: `0 0 3 * * ?` is what cron users write for "at three",
// and it is open for one second. Who looks now and then will miss it.
func (w Window) Brief() bool {
	for second := range 60 {
		if !w.seconds.has(second) {
			return true
		}
	}
	return false
}

// In reports whether the window is open in the second of t.
func (w Window) In(t time.Time) bool {
	t = t.UTC()
	return w.seconds.has(t.Second()) && w.minutes.has(t.Minute()) && w.hours.has(t.Hour()) && w.day(t)
}

// day reports whether the window is open at some time of the day of t.
func (w Window) day(t time.Time) bool {
	if !w.months.has(int(t.Month())-1) || !w.years.has(t.Year()-firstYear) {
		return false
	}
	for _, rule := range w.days {
		if rule.matches(t) {
			return true
		}
	}
	return false
}

// Next returns the first second later than after in which the window is open. It is false if that never happens again, as
// after the last of the years, or on February 30.
func (w Window) Next(after time.Time) (time.Time, bool) {
	after = after.UTC()
	t := after.Truncate(time.Second)
	if !t.After(after) {
		t = t.Add(time.Second)
	}
	if t.Year() < firstYear {
		t = time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	for t.Year() <= lastYear {
		if w.day(t) {
			if second, ok := w.time(t.Hour(), t.Minute(), t.Second()); ok {
				return midnight(t).Add(time.Duration(second) * time.Second), true
			}
		}
		t = midnight(t).AddDate(0, 0, 1)
	}
	return time.Time{}, false
}

// time returns the first open second of a day, counted from its beginning, at or after a time.
func (w Window) time(hour, minute, second int) (int, bool) {
	h, ok := w.hours.next(hour, 24)
	if !ok {
		return 0, false
	}
	if h > hour {
		minute, second = 0, 0
	}
	m, ok := w.minutes.next(minute, 60)
	if !ok {
		return w.time(h+1, 0, 0)
	}
	if m > minute {
		second = 0
	}
	s, ok := w.seconds.next(second, 60)
	if !ok {
		return w.time(h, m+1, 0)
	}
	return (h*60+m)*60 + s, true
}

func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// Windows are those of one resource.
type Windows []Window

// ParseAll reads all expressions of a resource. The error has a line for each bad one, which says its place in
// maintenanceTimeWindows; the good ones are returned beside it.
func ParseAll(texts []string) (Windows, error) {
	var all Windows
	var errs []error
	for i, text := range texts {
		w, err := Parse(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("maintenanceTimeWindows[%d] %q: %w", i, text, err))
			continue
		}
		all = append(all, w)
	}
	return all, errors.Join(errs...)
}

// Open reports whether one of the windows is open at the time now. Who names no window has one that is always open.
func (w Windows) Open(now time.Time) bool {
	for _, one := range w {
		if one.In(now) {
			return true
		}
	}
	return len(w) == 0
}

// Next returns the first second later than after in which one of the windows is open; it is false if there is none.
func (w Windows) Next(after time.Time) (first time.Time, ok bool) {
	for _, one := range w {
		if t, found := one.Next(after); found && (!ok || t.Before(first)) {
			first, ok = t, true
		}
	}
	return first, ok
}
