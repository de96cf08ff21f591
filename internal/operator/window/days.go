package window

import (
	"fmt"
	"strings"
	"time"
)

// dayRule says on which days a window is open. Only one kind of rule is set.
type dayRule struct {
	// plain are days of the month, or of the week, from the field's first one on.
	plain set
	week  bool
	// special, if set, decides alone. It gets the day and the last day of its month, both from 1 on, and the weekday.
	special func(day, last int, weekday time.Weekday) bool
}

func (r dayRule) matches(t time.Time) bool {
	switch {
	case r.special != nil:
		return r.special(t.Day(), lastDay(t), t.Weekday())
	case r.week:
		return r.plain.has(int(t.Weekday()))
	}
	return r.plain.has(t.Day() - 1)
}

func lastDay(t time.Time) int { return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// maxBefore is the largest n of L-n: so that every month but February has the day.
const maxBefore = 29

// readDay reads the days of a month that have no number: L, L-3, LW, L-3W and 15W. It is false for all others.
func readDay(text string) (dayRule, bool, error) {
	day, nearest := strings.CutSuffix(text, "W")
	before := 0
	switch number, isLast := strings.CutPrefix(day, "L"); {
	case isLast && number != "":
		n, err := dayField.before(number)
		if err != nil {
			return dayRule{}, false, err
		}
		before = n
	case isLast:
	case !nearest:
		return dayRule{}, false, nil
	default:
		n, err := dayField.value(day)
		if err != nil {
			return dayRule{}, false, fmt.Errorf("before W stands one day, like 15W: %w", err)
		}
		return dayRule{special: func(day, last int, weekday time.Weekday) bool { return nearestWeekday(n, day, last, weekday) }}, true, nil
	}
	return dayRule{special: func(day, last int, weekday time.Weekday) bool {
		if nearest {
			return nearestWeekday(last-before, day, last, weekday)
		}
		return day == last-before
	}}, true, nil
}

// before reads the -3 of L-3.
func (f field) before(text string) (int, error) {
	digits, ok := strings.CutPrefix(text, "-")
	n, err := number(digits)
	if !ok || err != nil || n > maxBefore {
		return 0, fmt.Errorf("behind L stands nothing, W, or - and a number up to %d", maxBefore)
	}
	return n, nil
}

// nearestWeekday reports whether day is the day from Monday to Friday that is nearest to wanted, within the month. A month
// that has no such day has no weekday near it either.
func nearestWeekday(wanted, day, last int, weekday time.Weekday) bool {
	if wanted < 1 || wanted > last {
		return false
	}
	switch wantedOn := (int(weekday) + wanted - day + 5*7) % 7; time.Weekday(wantedOn) {
	case time.Saturday:
		if wanted == 1 {
			return day == 3
		}
		return day == wanted-1
	case time.Sunday:
		if wanted == last {
			return day == wanted-2
		}
		return day == wanted+1
	}
	return day == wanted
}

// readWeekday reads the days of the week that depend on the month: 6L, FRIL and 6#3, and L, which is Saturday. It is false
// for all others.
func readWeekday(text string) (dayRule, bool, error) {
	if text == "L" {
		return dayRule{special: func(_, _ int, weekday time.Weekday) bool { return weekday == time.Saturday }}, true, nil
	}
	if of, nth, ok := strings.Cut(text, "#"); ok {
		on, err := dayOfWeekField.value(of)
		if err != nil {
			return dayRule{}, false, err
		}
		n, err := number(nth)
		if err != nil || n < 1 || n > 5 {
			return dayRule{}, false, fmt.Errorf("behind # stands a number from 1 to 5, not %q", nth)
		}
		return dayRule{special: func(day, _ int, weekday time.Weekday) bool {
			return int(weekday) == on-1 && (day-1)/7 == n-1
		}}, true, nil
	}
	of, ok := strings.CutSuffix(text, "L")
	if !ok {
		return dayRule{}, false, nil
	}
	on, err := dayOfWeekField.value(of)
	if err != nil {
		return dayRule{}, false, err
	}
	return dayRule{special: func(day, last int, weekday time.Weekday) bool {
		return int(weekday) == on-1 && day > last-7
	}}, true, nil
}
