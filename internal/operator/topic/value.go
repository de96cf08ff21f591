package topic

import (
	"slices"
	"strconv"
	"strings"
)

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
