package topic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// errNoText is about values that have no text that Kafka could read.
var errNoText = errors.New("is neither a text, a number, a boolean nor a list of them")

// textOf returns a JSON value of spec.config as Kafka reads it: a text as it is, a boolean as true or false, a number in
// digits, a list with commas, as the reference operator does. Numbers come through the API server as 1e+06 or 5.0 if they
// were written so; Kafka's integers are read by Java's parseLong, which takes digits only.
func textOf(raw []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil && len(raw) > 0 {
		return "", fmt.Errorf("is not JSON: %w", err)
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

// digits writes a JSON number without an exponent, and without a fraction if that is zero.
func digits(number string) (string, error) {
	if !strings.ContainsAny(number, ".eE") {
		return number, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.Abs(f) > math.MaxInt64 {
		return "", fmt.Errorf("the number %s is too large: Kafka's largest is %d", clip(number), math.MaxInt64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64), nil
}

// clip shortens what a message repeats.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// same reports whether Kafka reads two texts of a setting as one value: it shows values in a form of its own, 1.0 for 1 and
// without the blanks of lists.
func same(t Type, a, b string) bool {
	if a == b {
		return true
	}
	switch t {
	case TypeBoolean:
		return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
	case TypeInteger:
		x, errX := strconv.ParseInt(strings.TrimSpace(a), 10, 64)
		y, errY := strconv.ParseInt(strings.TrimSpace(b), 10, 64)
		return errX == nil && errY == nil && x == y
	case TypeDouble:
		x, errX := strconv.ParseFloat(strings.TrimSpace(a), 64)
		y, errY := strconv.ParseFloat(strings.TrimSpace(b), 64)
		return errX == nil && errY == nil && x == y
	case TypeList:
		return slices.Equal(elements(a), elements(b))
	}
	return false
}

func elements(list string) []string {
	list = strings.TrimSpace(list)
	if list == "" {
		return nil
	}
	parts := strings.Split(list, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}
