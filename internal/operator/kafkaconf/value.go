package kafkaconf

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// These decide on a text's form. Kafka's list separator is a comma with any blanks around it.
var (
	javaClass   = regexp.MustCompile(`^[\p{L}_$][\p{L}\p{N}_$]*(\.[\p{L}_$][\p{L}\p{N}_$]*)*$`)
	javaDouble  = regexp.MustCompile(`^[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)$`)
	versionText = regexp.MustCompile(`^\d+\.\d+(\.\d+)*(-IV\d+)?$`)
	reference   = regexp.MustCompile(`\$\{[^}]*?:[^}]*\}`)
)

// trim removes what Java's String.trim does: everything up to and including the blank.
func trim(text string) string { return strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }) }

// elements splits a list. An empty text is an empty list; otherwise empty elements count.
func elements(text string) []string {
	text = trim(text)
	if text == "" {
		return nil
	}
	list := strings.Split(text, ",")
	for i := range list {
		list[i] = strings.TrimFunc(list[i], javaSpace)
	}
	return list
}

// javaSpace is \s of Java's patterns.
func javaSpace(r rune) bool { return strings.ContainsRune(" \t\n\v\f\r", r) }

// Equal reports whether a server of this version reads two texts of an option as the same value: numbers by their value,
// booleans in any case, lists by their elements in order, everything without the blanks around it. Texts of an option that is
// not known, and texts of which one can't be read or refers to a config provider, are equal only if they are the same.
func (v Version) Equal(option, a, b string) bool {
	if a == b {
		return true
	}
	o, ok := v.Option(option)
	if !ok || o.check(a) != "" || o.check(b) != "" || reference.MatchString(a+b) {
		return false
	}
	a, b = trim(a), trim(b)
	switch o.Type {
	case TypeBoolean:
		return strings.EqualFold(a, b)
	case TypeInt, TypeShort, TypeLong:
		return integer(a) == integer(b)
	case TypeDouble:
		x, y := double(a), double(b)
		return x == y || math.IsNaN(x) && math.IsNaN(y)
	case TypeList:
		return slices.Equal(elements(a), elements(b))
	default:
		return a == b || o.AnyCase && strings.EqualFold(a, b)
	}
}

// integer and double read a text that check has nothing against.
func integer(text string) int64 {
	n, _ := strconv.ParseInt(trim(text), 10, 64)
	return n
}

func double(text string) float64 {
	text = trim(text)
	switch {
	case strings.HasSuffix(text, "NaN"): // with a sign, too
		return math.NaN()
	case !strings.HasSuffix(text, "Infinity"):
		text = strings.TrimRight(text, "fFdD")
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range: an infinity, as in Java
	return f
}

// check returns what a server says against a text of this option, in one line without the option's name; nothing if it takes
// it. A reference to a config provider, ${…:…}, is taken as it stands, because only the server can resolve it.
func (o Option) check(text string) string {
	if reference.MatchString(text) {
		return ""
	}
	value := trim(text)
	switch o.Type {
	case TypeBoolean:
		if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
			return quote(value) + " is neither true nor false"
		}
	case TypeInt, TypeShort, TypeLong:
		return o.checkInteger(value)
	case TypeDouble:
		return o.checkDouble(value)
	case TypeList:
		return o.checkList(elements(text))
	case TypeClass:
		if !javaClass.MatchString(value) {
			return quote(value) + " is not the name of a Java class"
		}
	case TypeString:
		return o.checkText(value)
	}
	return ""
}

func (o Option) checkText(value string) string {
	switch {
	case o.NonEmpty && value == "":
		return "it may not be empty"
	case o.metadata && !versionText.MatchString(value):
		return quote(value) + " is not a version such as 3.9-IV0"
	case len(o.Values) > 0 && !o.allows(value):
		return quote(value) + " is none of " + strings.Join(o.Values, ", ")
	}
	return ""
}

// allows reports whether a value is one of the option's.
func (o Option) allows(value string) bool {
	return slices.ContainsFunc(o.Values, func(v string) bool { return v == value || o.AnyCase && strings.EqualFold(v, value) })
}

func (o Option) checkList(list []string) string {
	if o.NonEmpty && len(list) == 0 {
		return "the list may not be empty"
	}
	for i, e := range list {
		switch {
		case len(o.Values) > 0 && !o.allows(e):
			return quote(e) + " is none of " + strings.Join(o.Values, ", ")
		case o.Filled && e == "":
			return "the list has an empty element"
		case o.Unique && slices.Contains(list[:i], e):
			return "the list has " + quote(e) + " twice"
		}
	}
	return ""
}

func (o Option) checkInteger(value string) string {
	bits := map[Type]int{TypeShort: 16, TypeInt: 32, TypeLong: 64}[o.Type]
	n, err := strconv.ParseInt(value, 10, 64)
	outside := errors.Is(err, strconv.ErrRange)
	if err != nil && !outside {
		return quote(value) + " is not a whole number"
	}
	smallest, largest := o.bounds(bits)
	if !outside && n >= smallest && n <= largest || slices.Contains(o.Values, strconv.FormatInt(n, 10)) {
		return ""
	}
	return fmt.Sprintf("%s is not between %d and %d%s", clip(value), smallest, largest, o.besides())
}

// bounds returns the smallest and the largest whole number of the option.
func (o Option) bounds(bits int) (smallest, largest int64) {
	smallest, largest = -1<<(bits-1), 1<<(bits-1)-1
	if o.Min != "" {
		smallest = max(smallest, integer(o.Min))
	}
	if o.Max != "" {
		largest = min(largest, integer(o.Max))
	}
	return smallest, largest
}

// besides names what is allowed besides a number's range.
func (o Option) besides() string {
	if len(o.Values) == 0 {
		return ""
	}
	return ", nor is it " + strings.Join(o.Values, " or ")
}

func (o Option) checkDouble(value string) string {
	if !javaDouble.MatchString(value) {
		return quote(value) + " is not a number"
	}
	f := double(value)
	below, above := o.Min != "" && f < double(o.Min), o.Max != "" && f > double(o.Max)
	switch {
	case !below && !above: // NaN neither, as in Kafka
		return ""
	case o.Min == "":
		return fmt.Sprintf("%s is more than %s", clip(value), o.Max)
	case o.Max == "":
		return fmt.Sprintf("%s is less than %s", clip(value), o.Min)
	}
	return fmt.Sprintf("%s is not between %s and %s", clip(value), o.Min, o.Max)
}

// longest is how much of a value a message repeats, in characters.
const longest = 64

// clip shortens a text that a message repeats.
func clip(text string) string {
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

// quote shortens a text that a message repeats, and makes it one line.
func quote(text string) string { return strconv.Quote(clip(text)) }
