package kafka

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// value is one setting's value after Java's ConfigDef has parsed it.
type value struct {
	given bool // set by somebody, instead of being the default
	null  bool // not given, and there is no default
	text  string
	list  []string
	whole int64
	float float64
	flag  bool
}

// millis returns the value as a duration in milliseconds, the longest one where it does not fit.
func (v value) millis() time.Duration { return saturated(v.whole, time.Millisecond) }

// seconds returns the value as a duration in seconds.
func (v value) seconds() time.Duration { return saturated(v.whole, time.Second) }

// saturated multiplies without overflow: Java's limits are numbers of milliseconds that a time.Duration can't always hold.
func saturated(n int64, unit time.Duration) time.Duration {
	if limit := int64(math.MaxInt64 / unit); n > limit || n < -limit {
		n = max(min(n, limit), -limit)
	}
	return time.Duration(n) * unit
}

// parse reads a text as ConfigDef.parseType and the setting's validator do. The error's text is the ConfigException's.
func (s Setting) parse(raw string) (value, error) {
	v := value{text: javaTrim(raw)}
	var err error
	switch s.Type {
	case "boolean":
		v.flag, err = s.boolean(raw, v.text)
	case "short":
		v.whole, err = s.integer(raw, v.text, 16)
	case "int":
		v.whole, err = s.integer(raw, v.text, 32)
	case "long":
		v.whole, err = s.integer(raw, v.text, 64)
	case "double":
		v.float, err = s.double(raw, v.text)
	case "list":
		v.list, err = s.split(v.text)
	}
	if err != nil {
		return value{}, err
	}
	return v, s.validate(v)
}

// fallback returns the default.
func (s Setting) fallback() value {
	if !s.HasDefault {
		return value{null: true}
	}
	v, err := s.parse(s.Default)
	if err != nil {
		panic(fmt.Sprintf("the default of %s: %v", s.Name, err)) // a test parses every default
	}
	return v
}

// invalid is a ConfigException with a value. Values of passwords never come here: nothing of that type is refused.
func (s Setting) invalid(shown, reason string) error {
	return fmt.Errorf("Invalid value %s for configuration %s: %s", shown, s.Name, reason) //nolint:staticcheck // Java's text
}

// boolean takes true and false in any case, and nothing else.
func (s Setting) boolean(raw, text string) (bool, error) {
	switch {
	case strings.EqualFold(text, "true"):
		return true, nil
	case strings.EqualFold(text, "false"):
		return false, nil
	}
	return false, s.invalid(raw, "Expected value to be either true or false")
}

// integer takes what Integer.parseInt takes: decimal digits with an optional sign, within the type's bounds. The text of
// the error repeats the value as it was given, blanks included.
func (s Setting) integer(raw, text string, bits int) (int64, error) {
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, s.invalid(raw, "Not a number of type "+strings.ToUpper(s.Type))
	}
	return n, nil
}

// double reads a number as Double.parseDouble does: a suffix f or d is allowed and too large is infinite. NaN, which the
// Java clients let through every range, is refused.
func (s Setting) double(raw, text string) (float64, error) {
	digits := text
	if n := len(text); n > 1 && strings.ContainsRune("fFdD", rune(text[n-1])) && text[n-2] <= '9' {
		digits = text[:n-1]
	}
	f, err := strconv.ParseFloat(digits, 64)
	if math.IsNaN(f) || err != nil && !math.IsInf(f, 0) {
		return 0, s.invalid(raw, "Not a number of type DOUBLE")
	}
	return f, nil
}

// split cuts a list at commas with white space around them. Duplicates are dropped, as the Java clients do; empty
// elements are an error, and so is an empty list where one is required.
func (s Setting) split(text string) ([]string, error) {
	if text == "" {
		if s.Required {
			return nil, fmt.Errorf("Configuration '%s' must not be empty. Valid values include: any non-empty value", s.Name) //nolint:staticcheck // Java's text
		}
		return nil, nil
	}
	var list []string
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.Trim(part, " \t\n\v\f\r")
		if part == "" {
			return nil, fmt.Errorf("Configuration '%s' values must not be empty.", s.Name) //nolint:staticcheck // Java's text
		}
		if !seen[part] {
			seen[part] = true
			list = append(list, part)
		}
	}
	return list, nil
}

// validate applies the Java validator by its own description, which has five forms: a range, a range or one number, a
// choice, a choice whose case does not matter, and a text that is not empty.
func (s Setting) validate(v value) error {
	switch s.Name { // validators whose texts are their own
	case "auto.offset.reset":
		if _, ok := parseReset(v.text); !ok {
			return s.invalid(v.text, "Invalid value `"+v.text+"` for configuration auto.offset.reset. The value must be "+
				"either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.")
		}
		return nil
	case "share.acknowledgement.mode", "share.acquire.mode":
		return s.validateShareMode(v.text)
	}
	switch {
	case s.Valid == "":
		return nil
	case s.Valid == "non-empty string":
		if v.text == "" {
			return s.invalid("", "String must be non-empty")
		}
		return nil
	case strings.HasPrefix(s.Valid, "(case insensitive) "):
		return s.validateChoice(v.text, strings.TrimPrefix(s.Valid, "(case insensitive) "), strings.EqualFold, " (case insensitive)")
	case s.Type == "string":
		return s.validateChoice(v.text, s.Valid, func(a, b string) bool { return a == b }, "")
	default:
		return s.validateRange(v)
	}
}

// validateShareMode refuses with a text of its own, in which the value stands twice.
func (s Setting) validateShareMode(text string) error {
	choices := strings.Split(strings.Trim(s.Valid, "[]"), ", ")
	for _, c := range choices {
		if strings.EqualFold(text, c) {
			return nil
		}
	}
	return s.invalid(text, fmt.Sprintf("Invalid value `%s` for configuration %s. The value must either be '%s' or '%s'.",
		text, s.Name, choices[0], choices[1]))
}

// validateChoice compares with a list such as [a, b]; the text repeats the list in the jar's order.
func (s Setting) validateChoice(text, choices string, equal func(a, b string) bool, how string) error {
	choices = strings.Trim(choices, "[]")
	for c := range strings.SplitSeq(choices, ", ") {
		if equal(text, c) {
			return nil
		}
	}
	return s.invalid(text, "String must be one of"+how+": "+choices)
}

// validateRange reads descriptions such as [0,...], [0.5,...,1.0] and [1,...,9] or -1.
func (s Setting) validateRange(v value) error {
	body, except, _ := strings.Cut(s.Valid, " or ")
	bounds := strings.Split(strings.Trim(body, "[]"), ",")
	n, shown := v.float, javaDouble(v.float)
	if s.Type != "double" {
		n, shown = float64(v.whole), strconv.FormatInt(v.whole, 10)
	}
	low, _ := strconv.ParseFloat(bounds[0], 64)
	high, tooHigh := math.Inf(1), ""
	if len(bounds) == 3 {
		high, _ = strconv.ParseFloat(bounds[2], 64)
		tooHigh = bounds[2]
	}
	switch {
	case except != "" && shown != except && (n < low || n > high):
		return s.invalid(shown, fmt.Sprintf("Value must be between %s and %s or equal to %s", bounds[0], tooHigh, except))
	case except != "":
		return nil
	case n < low:
		return s.invalid(shown, "Value must be at least "+bounds[0])
	case n > high:
		return s.invalid(shown, "Value must be no more than "+tooHigh)
	}
	return nil
}

// javaDouble writes a number as Double.toString does between 0.001 and 10,000,000.
func javaDouble(f float64) string {
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// javaTrim is String.trim: everything up to the blank goes, no other white space does.
func javaTrim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
