package cluster

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// idRange is the ids from first to last, both included; counted down if last is smaller.
type idRange struct{ first, last int32 }

// maxID is the largest id that Kafka takes.
const maxID = math.MaxInt32

// maxIDRanges bounds what an annotation can cost.
const maxIDRanges = 1000

// parseIDRanges reads ids as the reference operator's annotations give them: "[0-2, 10, 30-20]", of which the brackets may be
// left out. The order is kept, since it is the order of preference.
func parseIDRanges(text string) ([]idRange, error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok {
			return nil, fmt.Errorf("%q has no ] at its end", text)
		}
		text = inner
	}
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	parts := strings.Split(text, ",")
	if len(parts) > maxIDRanges {
		return nil, fmt.Errorf("has %d ids and ranges, and %d are allowed", len(parts), maxIDRanges)
	}
	ranges := make([]idRange, 0, len(parts))
	for _, part := range parts {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := parseID(first)
		if err != nil {
			return nil, err
		}
		to, err := parseID(last)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, idRange{from, to})
	}
	return ranges, nil
}

func parseID(text string) (int32, error) {
	text = strings.TrimSpace(text)
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is no id from 0 to %d and no range such as 0-2", text, maxID)
	}
	return int32(n), nil
}

// has reports whether an id is in the range.
func (r idRange) has(id int32) bool { return min(r.first, r.last) <= id && id <= max(r.first, r.last) }

// firstFree returns the first id of the range, in its direction, that is not taken.
func (r idRange) firstFree(taken map[int32]bool) (int32, bool) {
	step := int32(1)
	if r.last < r.first {
		step = -1
	}
	for id := r.first; ; id += step {
		if !taken[id] {
			return id, true
		}
		if id == r.last {
			return 0, false
		}
	}
}

// pick returns the index, in ascending ids, of the first one that is in the range: in its direction.
func (r idRange) pick(ids []int32) (at int, ok bool) {
	for i := range ids {
		if r.last < r.first {
			i = len(ids) - 1 - i
		}
		if r.has(ids[i]) {
			return i, true
		}
	}
	return 0, false
}
