package window

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func parse(t testing.TB, text string) Window {
	t.Helper()
	w, err := Parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return w
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

// TestIn: November 22, 2026 is a Sunday; the month has 30 days and ends on a Monday. August 2026 begins on a Saturday and
// ends on a Monday, May 2026 ends on a Sunday.
func TestIn(t *testing.T) {
	for _, c := range []struct{ text, open, closed string }{
		{"* * 8-10 * * ?", "2026-11-22 08:00:00, 2026-11-22 10:59:59", "2026-11-22 07:59:59, 2026-11-22 11:00:00"},
		{"* * 0-1 ? * SUN,MON,TUE,WED,THU *", "2026-11-22 01:59:59, 2026-11-26 00:00:00", "2026-11-27 00:00:00, 2026-11-28 01:00:00, 2026-11-22 02:00:00"},
		{"0 0 3 * * ?", "2026-11-22 03:00:00", "2026-11-22 03:00:01, 2026-11-22 03:01:00"},
		{"* * 22-2 * * ?", "2026-11-22 22:00:00, 2026-11-22 23:59:59, 2026-11-22 00:00:00, 2026-11-22 02:59:59", "2026-11-22 03:00:00, 2026-11-22 21:59:59"},
		{"0/15 * * * * ?", "2026-11-22 03:00:00, 2026-11-22 03:00:45", "2026-11-22 03:00:01, 2026-11-22 03:00:59"},
		{"* /20 * * * ?", "2026-11-22 03:00:09, 2026-11-22 03:40:45", "2026-11-22 03:10:00"},
		{"* 5/20 * * * ?", "2026-11-22 03:05:00, 2026-11-22 03:25:00, 2026-11-22 03:45:00", "2026-11-22 03:00:00, 2026-11-22 03:20:00"},
		{"* 2-10/4 * * * ?", "2026-11-22 03:02:00, 2026-11-22 03:06:00, 2026-11-22 03:10:00", "2026-11-22 03:14:00, 2026-11-22 03:04:00"},
		{"* 50-10/10 * * * ?", "2026-11-22 03:50:00, 2026-11-22 03:00:00, 2026-11-22 03:10:00", "2026-11-22 03:20:00, 2026-11-22 03:40:00"},
		{"* * * 1,15,31 * ?", "2026-11-01 00:00:00, 2026-11-15 12:00:00, 2026-12-31 00:00:00", "2026-11-30 00:00:00, 2026-11-02 00:00:00"},
		{"* * * ? * 1", "2026-11-22 00:00:00", "2026-11-23 00:00:00, 2026-11-21 00:00:00"},
		{"* * * ? * fri-mon", "2026-11-20 00:00:00, 2026-11-22 00:00:00, 2026-11-23 00:00:00", "2026-11-24 00:00:00, 2026-11-26 00:00:00"},
		{"* * * ? * 2/2", "2026-11-23 00:00:00, 2026-11-25 00:00:00, 2026-11-27 00:00:00", "2026-11-22 00:00:00, 2026-11-24 00:00:00"},
		{"* * * ? NOV-FEB SUN", "2026-11-22 00:00:00, 2027-02-28 00:00:00", "2026-10-25 00:00:00, 2027-03-07 00:00:00"},
		{"* * * * 1/3 ?", "2026-01-01 00:00:00, 2026-04-01 00:00:00, 2026-10-01 00:00:00", "2026-11-22 00:00:00, 2026-12-01 00:00:00"},
		{"* * * * * ? 2027-2029/2,2040", "2027-01-01 00:00:00, 2029-12-31 23:59:59, 2040-02-29 00:00:00", "2026-11-22 00:00:00, 2028-06-01 00:00:00, 2030-01-01 00:00:00"},
		{"* * * L * ?", "2026-11-30 00:00:00, 2028-02-29 23:00:00", "2026-11-29 00:00:00, 2028-02-28 00:00:00"},
		{"* * * L-3 * ?", "2026-11-27 00:00:00, 2026-02-25 00:00:00", "2026-11-30 00:00:00, 2026-11-28 00:00:00"},
		{"* * * LW * ?", "2026-11-30 00:00:00, 2026-05-29 00:00:00, 2026-01-30 00:00:00", "2026-05-31 00:00:00, 2026-05-30 00:00:00"},
		{"* * * L-1W * ?", "2026-11-30 00:00:00, 2026-05-29 00:00:00", "2026-11-29 00:00:00, 2026-05-30 00:00:00"},
		{"* * * 1W * ?", "2026-08-03 00:00:00, 2026-11-02 00:00:00, 2026-09-01 00:00:00", "2026-08-01 00:00:00, 2026-11-01 00:00:00, 2026-07-31 00:00:00"},
		{"* * * 15W * ?", "2026-11-16 00:00:00, 2026-08-14 00:00:00, 2026-09-15 00:00:00", "2026-11-15 00:00:00, 2026-08-15 00:00:00"},
		{"* * * 31W * ?", "2026-05-29 00:00:00, 2026-08-31 00:00:00, 2026-10-30 00:00:00", "2026-11-30 00:00:00, 2026-05-31 00:00:00"},
		{"* * * 1,L * ?", "2026-11-01 00:00:00, 2026-11-30 00:00:00", "2026-11-02 00:00:00"},
		{"* * * ? * L", "2026-11-21 00:00:00, 2026-11-28 00:00:00", "2026-11-22 00:00:00"},
		{"* * * ? * 6L", "2026-11-27 00:00:00, 2026-05-29 00:00:00", "2026-11-20 00:00:00, 2026-11-30 00:00:00"},
		{"* * * ? * sunl", "2026-11-29 00:00:00", "2026-11-22 00:00:00"},
		{"* * * ? * 6#3", "2026-11-20 00:00:00, 2026-08-21 00:00:00", "2026-11-13 00:00:00, 2026-11-27 00:00:00"},
		{"* * * ? * MON#5", "2026-11-30 00:00:00", "2026-11-23 00:00:00"},
		{"* * * ? * MON#1,FRIL", "2026-11-02 00:00:00, 2026-11-27 00:00:00", "2026-11-09 00:00:00, 2026-11-20 00:00:00"},
		{"*\t*   * * * ?", "2026-11-22 00:00:00", ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			w := parse(t, c.text)
			for _, when := range split(c.open) {
				if !w.In(at(t, when)) {
					t.Errorf("closed at %s", when)
				}
			}
			for _, when := range split(c.closed) {
				if w.In(at(t, when)) {
					t.Errorf("open at %s", when)
				}
			}
			if w.String() != c.text {
				t.Errorf("it says it is %q", w)
			}
		})
	}
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ", ")
}

// TestUTC: windows are in UTC, wherever the time is from.
func TestUTC(t *testing.T) {
	w := parse(t, "* * 8 * * ?")
	east := time.FixedZone("east", 5*3600+1800)
	if !w.In(time.Date(2026, 11, 22, 14, 0, 0, 0, east)) || w.In(time.Date(2026, 11, 22, 8, 0, 0, 0, east)) {
		t.Error("the window moved with the time's zone")
	}
	if got, ok := w.Next(time.Date(2026, 11, 22, 15, 0, 0, 0, east)); !ok || !got.Equal(at(t, "2026-11-23 08:00:00")) {
		t.Errorf("next at %s", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "it has 0 fields: six or seven are needed",
		"* * * * *":                "it has 5 fields",
		"* * * * * ? * *":          "it has 8 fields",
		"60 * * * * ?":             `second "60": "60" is no number from 0 to 59`,
		"* 5-61 * * * ?":           `minute "5-61": "61" is no number from 0 to 59`,
		"* * 24 * * ?":             `hour "24": "24" is no number from 0 to 23`,
		"* * * 0 * ?":              `day of month "0": "0" is no number from 1 to 31`,
		"* * * * 13 ?":             `month "13": "13" is no number from 1 to 12 and no name from JAN to DEC`,
		"* * * * JANUARY ?":        `month "JANUARY": "JANUARY" is no number from 1 to 12 and no name`,
		"* * * ? * 0":              `day of week "0": "0" is no number from 1 to 7 and no name from SUN to SAT`,
		"* * * ? * 8":              `day of week "8"`,
		"* * * * * ? 1969":         `year "1969": "1969" is no number from 1970 to 2099`,
		"* * * * * ? 2030-29":      `year "2030-29": "29" is no number`,
		"* * * * * ? 2030-2027":    `year "2030-2027": the range ends before it begins`,
		"* * * * * *":              `day of month "*" and day of week "*": one of them has to be "?"`,
		"* * * 1 * MON":            `day of month "1" and day of week "MON": one of them has to be "?"`,
		"* * * ? * ?":              `are both "?"`,
		"? * * * * ?":              `second "?": "?" can stand only for the whole day`,
		"* * * 1,? * ?":            `day of month "?": "?" can stand only`,
		"* * * ?/2 * ?":            `day of month "?/2": "?" can stand only`,
		"* */0 * * * ?":            `minute "*/0": the step "0" is no number from 1 to 59`,
		"* */ * * * ?":             `minute "*/": the step "" is no number`,
		"* 1/60 * * * ?":           `the step "60" is no number from 1 to 59`,
		"* 1,,2 * * * ?":           `minute "": there is no value`,
		"* 1- * * * ?":             `minute "1-": "" is no number`,
		"* -1 * * * ?":             `minute "-1": "" is no number`,
		"* +1 * * * ?":             `minute "+1": "+1" is no number`,
		"* 1-2-3 * * * ?":          `minute "1-2-3": "2-3" is no number`,
		"* * * L-30 * ?":           `day of month "L-30": behind L stands nothing, W, or - and a number up to 29`,
		"* * * L3 * ?":             `day of month "L3": behind L stands`,
		"* * * L-W * ?":            `day of month "L-W": behind L stands`,
		"* * * 32W * ?":            `day of month "32W": before W stands one day, like 15W: "32" is no number`,
		"* * * 1-5W * ?":           `day of month "1-5W": before W stands one day`,
		"* * * W * ?":              `day of month "W": before W stands one day`,
		"* * * ? * 6#6":            `day of week "6#6": behind # stands a number from 1 to 5, not "6"`,
		"* * * ? * 6#":             `behind # stands a number from 1 to 5, not ""`,
		"* * * ? * X#1":            `day of week "X#1": "X" is no number`,
		"* * * ? * 9L":             `day of week "9L": "9" is no number`,
		"* * * ? * L-3":            `day of week "L-3": "L" is no number`,
		"x y * * * ?":              "second \"X\": \"X\" is no number from 0 to 59\nminute \"Y\": ",
		strings.Repeat("1,", 3000): "it has 6000 bytes: at most 4096 are read",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.30q: error %v, want %q", text, err, want)
		}
	}
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ text, after, want string }{
		{"* * 8-10 * * ?", "2026-11-22 07:00:00", "2026-11-22 08:00:00"},
		{"* * 8-10 * * ?", "2026-11-22 08:00:00", "2026-11-22 08:00:01"},
		{"* * 8-10 * * ?", "2026-11-22 10:59:59", "2026-11-23 08:00:00"},
		{"30 10 8,20 * * ?", "2026-11-22 08:10:30", "2026-11-22 20:10:30"},
		{"30 10 8,20 * * ?", "2026-11-22 08:10:29", "2026-11-22 08:10:30"},
		{"0 59 * * * ?", "2026-11-22 08:59:00", "2026-11-22 09:59:00"},
		{"59 59 23 31 12 ?", "2026-11-22 00:00:00", "2026-12-31 23:59:59"},
		{"0 0 0 29 2 ?", "2026-11-22 00:00:00", "2028-02-29 00:00:00"},
		{"0 0 0 ? 2 SUN#5", "2026-11-22 00:00:00", "2032-02-29 00:00:00"},
		{"0 0 0 30 2 ?", "2026-11-22 00:00:00", ""},
		{"* * * * * ? 2025", "2026-11-22 00:00:00", ""},
		{"* * * * * ? 2099", "2099-12-31 23:59:58", "2099-12-31 23:59:59"},
		{"* * * * * ? 2099", "2099-12-31 23:59:59", ""},
		{"* * * * * ?", "1901-01-01 00:00:00", "1970-01-01 00:00:00"},
	} {
		got, ok := parse(t, c.text).Next(at(t, c.after))
		if ok != (c.want != "") || ok && got.Format(time.DateTime) != c.want {
			t.Errorf("%q after %s: %s %v, want %q", c.text, c.after, got, ok, c.want)
		}
	}
	w := parse(t, "* * * * * ?")
	if got, _ := w.Next(time.Date(2026, 11, 22, 0, 0, 0, 1, time.UTC)); got != at(t, "2026-11-22 00:00:01") {
		t.Errorf("within a second the next one is %s", got)
	}
	if _, ok := (Window{}).Next(at(t, "2026-11-22 00:00:00")); ok || (Window{}).In(at(t, "2026-11-22 00:00:00")) {
		t.Error("the zero window opens")
	}
}

func TestBrief(t *testing.T) {
	for text, want := range map[string]bool{"0 0 3 * * ?": true, "0-58 * * * * ?": true, "* 0 3 * * ?": false, "0/1 * * * * ?": false} {
		if parse(t, text).Brief() != want {
			t.Errorf("%q: brief is %v", text, !want)
		}
	}
}

func TestWindows(t *testing.T) {
	all, err := ParseAll([]string{"* * 3 * * ?", "", "* * 5 * * ?", "* * 24 * * ?"})
	if len(all) != 2 || err == nil {
		t.Fatalf("%d windows, %v", len(all), err)
	}
	want := "maintenanceTimeWindows[1] \"\": it has 0 fields: six or seven are needed, second minute hour day-of-month month day-of-week [year]\n" +
		"maintenanceTimeWindows[3] \"* * 24 * * ?\": hour \"24\": \"24\" is no number from 0 to 23"
	if err.Error() != want {
		t.Errorf("error\n%s\nwant\n%s", err, want)
	}
	for when, open := range map[string]bool{"2026-11-22 03:30:00": true, "2026-11-22 05:30:00": true, "2026-11-22 04:30:00": false} {
		if all.Open(at(t, when)) != open {
			t.Errorf("at %s open is %v", when, !open)
		}
	}
	if next, ok := all.Next(at(t, "2026-11-22 04:00:00")); !ok || next != at(t, "2026-11-22 05:00:00") {
		t.Errorf("next at %s", next)
	}
	if next, ok := all.Next(at(t, "2026-11-22 06:00:00")); !ok || next != at(t, "2026-11-23 03:00:00") {
		t.Errorf("next at %s", next)
	}
	none, err := ParseAll(nil)
	if err != nil || !none.Open(at(t, "2026-11-22 04:30:00")) {
		t.Errorf("without windows it isn't open: %v", err)
	}
	if _, ok := none.Next(at(t, "2026-11-22 04:30:00")); ok {
		t.Error("without windows none can open")
	}
}

// TestNextIsTheFirst draws windows of all kinds. Next has to be open, and nothing between may be.
func TestNextIsTheFirst(t *testing.T) {
	times := []string{"*", "0", "59", "0/7", "50-10/20", "3,30"}
	hours := []string{"*", "0", "23", "22-2", "0/5"}
	days := []string{"* ?", "31 ?", "L ?", "LW ?", "L-4W ?", "1W ?", "31W ?", "29 ?", "? MON-FRI", "? L", "? 2L", "? 6#5", "? SUN", "1,15W ?"}
	months := []string{"*", "2", "NOV-FEB", "1/5"}
	rapid.Check(t, func(r *rapid.T) {
		pick := func(from []string, label string) string { return rapid.SampledFrom(from).Draw(r, label) }
		month, week, _ := strings.Cut(pick(days, "day"), " ")
		text := strings.Join([]string{pick(times, "second"), pick(times, "minute"), pick(hours, "hour"), month, pick(months, "month"), week}, " ")
		w, err := Parse(text)
		if err != nil {
			r.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(1_700_000_000, 2_000_000_000).Draw(r, "after"), 0).UTC()
		next, ok := w.Next(after)
		if strings.Contains(text, " 31 2 ?") || strings.Contains(text, " 31W 2 ?") {
			if ok {
				r.Fatalf("%q opens at %s", text, next)
			}
			return
		}
		if !ok || !next.After(after) || !w.In(next) {
			r.Fatalf("%q after %s: %s %v", text, after, next, ok)
		}
		seconds := int64(next.Sub(after)/time.Second) - 1
		for range min(seconds, 500) {
			between := after.Add(time.Duration(rapid.Int64Range(1, seconds).Draw(r, "between")) * time.Second)
			if w.In(between) {
				r.Fatalf("%q after %s: next is %s, but it is open at %s", text, after, next, between)
			}
		}
	})
}

// spell draws a text for some values of a field and returns both.
func spell(r *rapid.T, f field) (string, map[int]bool) {
	values, items := map[int]bool{}, []string{}
	name := func(v int) string {
		if len(f.names) > 0 && rapid.Bool().Draw(r, "by name") {
			return f.names[v-f.min]
		}
		return strconv.Itoa(v)
	}
	value := rapid.IntRange(f.min, f.max)
	for range rapid.IntRange(1, 3).Draw(r, "items") {
		from, to, by := value.Draw(r, "from"), value.Draw(r, "to"), rapid.IntRange(1, f.max).Draw(r, "by")
		text := ""
		switch rapid.IntRange(0, 4).Draw(r, "kind") {
		case 0:
			text, to, by = name(from), from, 1
		case 1:
			text, by = name(from)+"-"+name(to), 1
		case 2:
			text = name(from) + "-" + name(to) + "/" + strconv.Itoa(by)
		case 3:
			text, to = name(from)+"/"+strconv.Itoa(by), f.max
		case 4:
			text, from, to = "*/"+strconv.Itoa(by), f.min, f.max
		}
		if to < from && f.name == yearField.name {
			text, to, by = name(from), from, 1
		}
		items = append(items, text)
		for v, steps := from, 0; ; steps++ {
			if steps%by == 0 {
				values[v] = true
			}
			if v == to {
				break
			}
			if v++; v > f.max {
				v = f.min
			}
		}
	}
	return strings.Join(items, ","), values
}

// TestListsMeanTheirValues: a window is open in a second exactly if each field names its value there.
func TestListsMeanTheirValues(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		fields := []field{secondField, minuteField, hourField, dayField, monthField, dayOfWeekField, yearField}
		texts, values := make([]string, len(fields)), make([]map[int]bool, len(fields))
		for i, f := range fields {
			texts[i], values[i] = spell(r, f)
		}
		byWeek := rapid.Bool().Draw(r, "by week")
		if byWeek {
			texts[3] = "?"
		} else {
			texts[5] = "?"
		}
		w, err := Parse(strings.Join(texts, " "))
		if err != nil {
			r.Fatal(err)
		}
		for range 50 {
			when := time.Unix(rapid.Int64Range(0, 4_102_444_799).Draw(r, "when"), 0).UTC()
			of := []int{when.Second(), when.Minute(), when.Hour(), when.Day(), int(when.Month()), int(when.Weekday()) + 1, when.Year()}
			want := true
			for i, v := range of {
				skipped := i == 3 && byWeek || i == 5 && !byWeek
				want = want && (skipped || values[i][v])
			}
			if w.In(when) != want {
				r.Fatalf("%q at %s: open is %v", w, when, !want)
			}
		}
	})
}

// TestNearestWeekday compares with a search for the weekday of the month that is the fewest days away.
func TestNearestWeekday(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		first := time.Date(rapid.IntRange(1970, 2099).Draw(r, "year"), time.Month(rapid.IntRange(1, 12).Draw(r, "month")), 1, 0, 0, 0, 0, time.UTC)
		last := lastDay(first)
		wanted := rapid.IntRange(1, 31).Draw(r, "wanted")
		best := 0
		for day := 1; day <= last && wanted <= last; day++ {
			weekday := first.AddDate(0, 0, day-1).Weekday()
			if weekday == time.Saturday || weekday == time.Sunday {
				continue
			}
			if best == 0 || abs(day-wanted) < abs(best-wanted) {
				best = day
			}
		}
		var got []int
		for day := 1; day <= last; day++ {
			if nearestWeekday(wanted, day, last, first.AddDate(0, 0, day-1).Weekday()) {
				got = append(got, day)
			}
		}
		if want := []int{best}; best > 0 && !slices.Equal(got, want) || best == 0 && len(got) > 0 {
			r.Fatalf("%dW in %s: %v, want %v", wanted, first.Format("2006-01"), got, want)
		}
	})
}

func abs(i int) int { return max(i, -i) }

func FuzzParse(f *testing.F) {
	for _, text := range []string{"* * 0-1 ? * SUN,MON *", "0/15 5-10/2 22-2 L-3W NOV-FEB ? 2027/3", "* * * ? * 6#3,FRIL", "* * * LW,15W,1 * ?", "? ? ? ? ? ?"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		after := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		next, ok := w.Next(after)
		if ok && (!w.In(next) || !next.After(after) || next.Year() > lastYear) {
			t.Fatalf("next is %s", next)
		}
		again, err := Parse(strings.ToLower(w.String()))
		if err != nil {
			t.Fatalf("not read again: %v", err)
		}
		if then, found := again.Next(after); found != ok || !then.Equal(next) {
			t.Fatalf("read again it opens at %s, not %s", then, next)
		}
	})
}
