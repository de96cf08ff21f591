package schema

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
)

// The report of one body is bounded: a body with 100,000 bad records must not
// be answered with a multiple of its size. What is cut off is the tail of the
// list, and of a member's name past maxName bytes.
const (
	// maxTexts is the greatest number of texts in a report.
	maxTexts = 100
	// maxName is the greatest length of a member's name in a text, in bytes.
	maxName = 256
)

// Validate judges one JSON text and returns the violations in the order of the
// bridge contract 1.3, none when the text fits the schema. Evaluation does not
// stop at the first violation, but the list ends after 100 texts, and a member's
// name longer than 256 bytes is cut. The error says that the text is not JSON;
// there is no list then.
//
// Of members that occur twice the last value counts, at the place of the first.
func (s *Schema) Validate(body []byte) ([]string, error) {
	value, err := document(body)
	if err != nil {
		return nil, fmt.Errorf("decoding the request body: %w", err)
	}
	var r report
	s.evaluate(value, &r)
	return r.texts, nil
}

// report collects texts, of which there are none as long as all is well.
type report struct{ texts []string }

// add appends a text unless the report is full.
func (r *report) add(format string, args ...any) {
	if !r.full() {
		r.texts = append(r.texts, fmt.Sprintf(format, args...))
	}
}

// insert puts a text in front of the nested ones that were found before it: the
// texts from at on. What a full report then has too much is dropped at its end.
func (r *report) insert(at int, format string, args ...any) {
	if at == maxTexts {
		return
	}
	if r.full() {
		r.texts = r.texts[:maxTexts-1]
	}
	r.texts = slices.Insert(r.texts, at, fmt.Sprintf(format, args...))
}

// full says that no later text will be recorded.
func (r *report) full() bool { return len(r.texts) == maxTexts }

// evaluate records the violations of one value and reports whether there was
// none. The steps are in the order of the contract's rules 1 to 8.
func (s *Schema) evaluate(value []byte, r *report) bool {
	before := len(r.texts)
	actual := rawjson.KindOf(value)
	valid := s.checkType(actual, value, r)
	valid = s.checkOneOf(value, r) && valid
	switch actual {
	case rawjson.Object:
		valid = s.checkObject(value, r) && valid
	case rawjson.Array:
		valid = s.checkItems(value, r) && valid
	case rawjson.Number:
		valid = s.checkMinimum(value, r) && valid
	}
	valid = s.checkFormat(actual, value, r) && valid
	if s.ref && !valid {
		r.insert(before, "A subschema had errors")
	}
	return valid
}

// checkType is rule 1.
func (s *Schema) checkType(actual rawjson.Kind, value []byte, r *report) bool {
	if len(s.types) == 0 {
		return true
	}
	for _, t := range s.types {
		if t == actual.String() || t == typeInteger && actual == rawjson.Number && integral(value) {
			return true
		}
	}
	r.add("Instance type %s is invalid. Expected %s", actual, strings.Join(s.types, ", "))
	return false
}

// checkOneOf is rule 3. No schema of the contract has both oneOf and required,
// so their order is never seen.
func (s *Schema) checkOneOf(value []byte, r *report) bool {
	if len(s.oneOf) == 0 {
		return true
	}
	matches := 0
	var branches report
	for _, branch := range s.oneOf {
		if branch.evaluate(value, &branches) {
			matches++
		}
	}
	if matches == 1 {
		return true
	}
	r.add("Instance does not match exactly one subschema (%d matches)", matches)
	for _, text := range branches.texts {
		r.add("%s", text)
	}
	return false
}

// checkObject is rules 2, 4 and 5.
func (s *Schema) checkObject(value []byte, r *report) bool {
	m := s.collect(value)
	valid := true
	for _, name := range s.required {
		if m.values[s.declared([]byte(name))] == nil {
			r.add("Instance does not have required property %s", quoted(name))
			valid = false
		}
	}
	good := make([]bool, len(s.properties))
	for i, p := range s.properties {
		if m.values[i] == nil {
			continue
		}
		before := len(r.texts)
		if good[i] = p.schema.evaluate(m.values[i], r); !good[i] {
			r.insert(before, "Property %s does not match schema", quoted(p.name))
			valid = false
		}
	}
	if !s.closed {
		return valid
	}
	for _, name := range m.order {
		if i := s.declared([]byte(name)); i >= 0 && good[i] {
			continue
		}
		r.add("Property %s does not match additional properties schema", quoted(name))
		valid = false
	}
	return valid
}

// members is what a schema needs to know of an object.
type members struct {
	// values are the last values of the declared members, by the place of the
	// declaration; nil when the member is missing.
	values [][]byte
	// order names the members in the order of their first occurrence. It ends
	// after as many undeclared ones as a report can hold.
	order []string
}

// collect reads an object's members. Memory does not grow with their number.
func (s *Schema) collect(object []byte) members {
	m := members{values: make([][]byte, len(s.properties))}
	unknown := 0
	for raw, value := range rawjson.Members(object) {
		name := unescaped(raw)
		if i := s.declared(name); i >= 0 {
			if m.values[i] == nil {
				m.order = append(m.order, s.properties[i].name)
			}
			m.values[i] = value
			continue
		}
		if !s.closed || unknown == maxTexts || slices.Contains(m.order, string(name)) {
			continue
		}
		unknown++
		m.order = append(m.order, string(name))
	}
	return m
}

// declared returns the place of a member among the declared ones, or -1.
func (s *Schema) declared(name []byte) int {
	for i := range s.properties {
		if s.properties[i].name == string(name) {
			return i
		}
	}
	return -1
}

// checkItems is rule 6. It goes on after a bad element until the report is full:
// from then on another look could change nothing.
func (s *Schema) checkItems(value []byte, r *report) bool {
	if s.items == nil {
		return true
	}
	valid := true
	for element := range rawjson.Elements(value) {
		before := len(r.texts)
		if s.items.evaluate(element, r) {
			continue
		}
		r.insert(before, "Items did not match schema")
		if valid = false; r.full() {
			break
		}
	}
	return valid
}

// checkMinimum is the first half of rule 8. The number is printed as the client
// wrote it.
func (s *Schema) checkMinimum(number []byte, r *report) bool {
	if s.atLeast == nil {
		return true
	}
	// A number beyond a double's range becomes an infinity, which compares right.
	f, _ := strconv.ParseFloat(string(number), 64)
	if f >= float64(*s.atLeast) {
		return true
	}
	r.add("%s is less than %d", number, *s.atLeast)
	return false
}

// checkFormat is the second half of rule 8. The integer formats judge values of
// every type, the byte format strings only.
func (s *Schema) checkFormat(actual rawjson.Kind, value []byte, r *report) bool {
	switch s.format {
	case formatInt32:
		return fits(actual, value, 32) || r.refuse("Integer does not match the format %s", s.format)
	case formatInt64:
		return fits(actual, value, 64) || r.refuse("Integer does not match the format %s", s.format)
	case formatLong:
		return actual != rawjson.Number || !integral(value) || fits(actual, value, 64) || r.refuse("Integer does not match the format %s", formatInt64)
	case formatByte:
		return actual != rawjson.String || isBase64(text(value)) || r.refuse("String does not match format %s", s.format)
	}
	return true
}

// refuse adds a text about a format and returns false.
func (r *report) refuse(text, format string) bool {
	r.add(text, quoted(format))
	return false
}

// integral says whether a number has no fractional part, however it is written.
// It judges as upstream does, by the number's double: 1.0 and 1e2 are integral,
// 1e400 is not.
func integral(number []byte) bool {
	if !hasFractionOrExponent(number) {
		return true
	}
	f, err := strconv.ParseFloat(string(number), 64)
	return err == nil && f == math.Trunc(f)
}

// fits says whether a value is an integer literal of at most the given size. A
// fraction or an exponent makes it something else, even 0.0.
func fits(actual rawjson.Kind, value []byte, bits int) bool {
	if actual != rawjson.Number || hasFractionOrExponent(value) {
		return false
	}
	_, err := strconv.ParseInt(string(value), 10, bits)
	return err == nil
}

// hasFractionOrExponent says whether a number is written as a decimal.
func hasFractionOrExponent(number []byte) bool {
	return bytes.ContainsAny(number, ".eE")
}

// isBase64 says whether a header's value is base64 in groups of four with
// padding. The empty string is not: upstream's rule asks for at least one group.
func isBase64(s string) bool {
	if s == "" || len(s)%4 != 0 {
		return false
	}
	digits := strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	for i := range len(digits) {
		if !isBase64Digit(digits[i]) {
			return false
		}
	}
	return true
}

// isBase64Digit says whether c is one of the standard alphabet.
func isBase64Digit(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// quoted puts a name between quotation marks, cut to maxName bytes.
func quoted(name string) string {
	if len(name) > maxName {
		end := maxName
		for !utf8.RuneStart(name[end]) {
			end--
		}
		name = name[:end] + "…"
	}
	return `"` + name + `"`
}
