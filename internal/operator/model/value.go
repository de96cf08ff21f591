package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// errNoText is about values that have no text that Kafka could read. null has none, and an object none that anybody would
// agree about.
var errNoText = errors.New("is neither a text, a number, a boolean nor a list of them")

// maxDigits bounds the digits before and those after the point of a number that is written out. The largest double has 309,
// the smallest one 324 behind the point, and the API server passes on doubles and integers of 64 bits only.
const maxDigits = 400

// ValueText returns a JSON value of a free-form map, such as config, as Kafka reads the setting: a text as it is, a boolean as
// true or false, a number in digits, a list of them with commas, as in the reference operator. The error is a clause of one
// line; whoever knows the key puts it before it.
//
// A number comes out without an exponent and without zeros that say nothing, however it was written: the API server hands over
// what it has read, 1e+30 for a one with thirty zeros and 5 for 5.0, and Java's parseLong takes digits only. No digit is lost:
// what is no text stays exact, also beyond 2^53.
func ValueText(raw []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil && len(raw) > 0 { // null has come as nothing
		return "", fmt.Errorf("is not JSON: %w", err)
	}
	if decoder.More() {
		return "", errors.New("is not JSON: there is more behind the value")
	}
	list, isList := value.([]any)
	if !isList {
		return scalar(value)
	}
	texts := make([]string, len(list))
	for i, v := range list {
		var err error
		if texts[i], err = scalar(v); err != nil {
			return "", err
		}
	}
	return strings.Join(texts, ","), nil
}

// scalar is one value that is not a list.
func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return digits(v.String())
	}
	return "", errNoText
}

// digits writes a JSON number (RFC 8259, section 6) out, by moving its point: a double in between would round.
func digits(number string) (string, error) {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	significant := strings.TrimLeft(whole+fraction, "0")
	point := len(whole) - (len(whole+fraction) - len(significant)) + exponent(power)
	significant = strings.TrimRight(significant, "0")
	switch {
	case significant == "":
		return "0", nil
	case point > maxDigits:
		return "", fmt.Errorf("the number %s is too large: it has more than %d digits", clip(number), maxDigits)
	case len(significant)-point > maxDigits:
		return "", fmt.Errorf("the number %s is too exact: it has more than %d digits behind the point", clip(number), maxDigits)
	}
	text := significant
	switch {
	case point <= 0:
		text = "0." + strings.Repeat("0", -point) + significant
	case point < len(significant):
		text = significant[:point] + "." + significant[point:]
	default:
		text += strings.Repeat("0", point-len(significant))
	}
	if negative {
		text = "-" + text
	}
	return text, nil
}

// exponent reads what follows the e of a number, which may be nothing. One that no int holds is as good as the largest.
func exponent(power string) int {
	const most = math.MaxInt32
	n, err := strconv.ParseInt(power, 10, 32)
	switch {
	case err == nil:
		return int(n)
	case power == "":
		return 0
	case strings.HasPrefix(power, "-"):
		return -most
	}
	return most
}

// clip shortens what a message repeats.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
