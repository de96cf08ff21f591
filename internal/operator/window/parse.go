package window

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The years that an expression can name, as Quartz documents them.
const (
	firstYear = 1970
	lastYear  = 2099
)

// longest bounds an expression: each day of a year by name is shorter.
const longest = 4096

// field is one field of an expression: what its values are called and go from and to.
type field struct {
	name     string
	min, max int
	// names stand for min, min+1 and so on.
	names []string
}

var (
	secondField    = field{name: "second", min: 0, max: 59}
	minuteField    = field{name: "minute", min: 0, max: 59}
	hourField      = field{name: "hour", min: 0, max: 23}
	dayField       = field{name: "day of month", min: 1, max: 31}
	monthField     = field{name: "month", min: 1, max: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	dayOfWeekField = field{name: "day of week", min: 1, max: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
	yearField      = field{name: "year", min: firstYear, max: lastYear}
)

// Parse reads one expression. The error names the field and its text.
func Parse(text string) (Window, error) {
	if len(text) > longest {
		return Window{}, fmt.Errorf("it has %d bytes: at most %d are read", len(text), longest)
	}
	texts := strings.Fields(strings.ToUpper(text))
	if len(texts) != 6 && len(texts) != 7 {
		return Window{}, fmt.Errorf("it has %d fields: six or seven are needed, second minute hour day-of-month month day-of-week [year]", len(texts))
	}
	w := Window{text: text}
	var errs [6]error
	errs[0] = secondField.read(&w.seconds, texts[0])
	errs[1] = minuteField.read(&w.minutes, texts[1])
	errs[2] = hourField.read(&w.hours, texts[2])
	w.days, errs[3] = readDays(texts[3], texts[5])
	errs[4] = monthField.read(&w.months, texts[4])
	year := "*"
	if len(texts) == 7 {
		year = texts[6]
	}
	errs[5] = yearField.read(&w.years, year)
	if err := errors.Join(errs[:]...); err != nil {
		return Window{}, err
	}
	return w, nil
}

// readDays reads both fields of days, of which one says something and the other one is a question mark.
func readDays(month, week string) ([]dayRule, error) {
	f, text, parse := dayField, month, readDay
	switch {
	case month == "?" && week == "?":
		return nil, errors.New(`day of month and day of week are both "?": one of them has to say the days, "*" for every day`)
	case month == "?":
		f, text, parse = dayOfWeekField, week, readWeekday
	case week != "?":
		return nil, fmt.Errorf(`day of month %q and day of week %q: one of them has to be "?"`, month, week)
	}
	var rules []dayRule
	var plain dayRule
	for item := range strings.SplitSeq(text, ",") {
		rule, special, err := parse(item)
		if err == nil && !special {
			err = f.item(&plain.plain, item)
		}
		if err != nil {
			return nil, f.wrap(item, err)
		}
		if special {
			rules = append(rules, rule)
		}
	}
	if plain.plain != (set{}) {
		plain.week = week != "?"
		rules = append(rules, plain)
	}
	return rules, nil
}

// read reads a list with commas into s.
func (f field) read(s *set, text string) error {
	for item := range strings.SplitSeq(text, ",") {
		if err := f.item(s, item); err != nil {
			return f.wrap(item, err)
		}
	}
	return nil
}

func (f field) wrap(item string, err error) error { return fmt.Errorf("%s %q: %w", f.name, item, err) }

// item adds the values of one item of a list to s: a star, a value or a range, each perhaps with a step.
func (f field) item(s *set, text string) error {
	values, step, stepped := strings.Cut(text, "/")
	from, to, err := f.bounds(values, stepped)
	if err != nil {
		return err
	}
	by := 1
	if stepped {
		if by, err = number(step); err != nil || by < 1 || by > f.max {
			return fmt.Errorf("the step %q is no number from 1 to %d", step, f.max)
		}
	}
	count := f.max - f.min + 1
	if to < from { // over the end
		to += count
	}
	for v := from; v <= to; v += by {
		s.add((v - f.min) % count)
	}
	return nil
}

// bounds reads what stands before a step. A single value with a step goes on to the field's end.
func (f field) bounds(text string, stepped bool) (from, to int, err error) {
	switch text {
	case "*":
		return f.min, f.max, nil
	case "":
		if stepped { // Quartz reads /5 as */5
			return f.min, f.max, nil
		}
		return 0, 0, errors.New("there is no value")
	case "?":
		return 0, 0, errors.New(`"?" can stand only for the whole day of month or the whole day of week`)
	}
	first, last, isRange := strings.Cut(text, "-")
	if from, err = f.value(first); err != nil {
		return 0, 0, err
	}
	switch {
	case isRange:
		if to, err = f.value(last); err != nil {
			return 0, 0, err
		}
		if to < from && f.name == yearField.name {
			return 0, 0, errors.New("the range ends before it begins")
		}
	case stepped:
		to = f.max
	default:
		to = from
	}
	return from, to, nil
}

// value reads a number or a name.
func (f field) value(text string) (int, error) {
	for i, name := range f.names {
		if text == name {
			return f.min + i, nil
		}
	}
	v, err := number(text)
	if err == nil && v >= f.min && v <= f.max {
		return v, nil
	}
	if len(f.names) > 0 {
		return 0, fmt.Errorf("%q is no number from %d to %d and no name from %s to %s", text, f.min, f.max, f.names[0], f.names[len(f.names)-1])
	}
	return 0, fmt.Errorf("%q is no number from %d to %d", text, f.min, f.max)
}

// number reads digits only: a sign would be taken for a range.
func number(text string) (int, error) {
	v, err := strconv.ParseUint(text, 10, 16)
	return int(v), err
}
