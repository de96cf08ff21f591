package cluster

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseIDRanges(t *testing.T) {
	for text, want := range map[string][]idRange{
		"":                 nil,
		"[]":               nil,
		" [ ] ":            nil,
		"7":                {{7, 7}},
		"[0-2,10,30-20]":   {{0, 2}, {10, 10}, {30, 20}},
		" [ 0 - 2 , 10 ] ": {{0, 2}, {10, 10}},
		"[0-2147483647]":   {{0, math.MaxInt32}},
	} {
		got, err := parseIDRanges(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for text, say := range map[string]string{
		"[1":                             "has no ]",
		"1]":                             `"1]" is no id`,
		"[1,]":                           `"" is no id`,
		"[-1]":                           `"" is no id`,
		"[1-2-3]":                        `"2-3" is no id`,
		"[2147483648]":                   "is no id from 0 to 2147483647",
		"[a]":                            `"a" is no id`,
		strings.Repeat("1,", 1000) + "1": "has 1001 ids and ranges, and 1000 are allowed",
	} {
		if got, err := parseIDRanges(text); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%.20q: %v %v", text, got, err)
		}
	}
}

// FuzzIDRanges: what is read are ids, and a free one is always found that is in the range and not taken.
func FuzzIDRanges(f *testing.F) {
	for _, text := range []string{"[0-2,10,30-20]", "7", "[]", "[2147483647-0]", "[1-2-3]"} {
		f.Add(text)
	}
	taken := map[int32]bool{0: true, 1: true, 2: true, 20: true, math.MaxInt32: true}
	f.Fuzz(func(t *testing.T, text string) {
		ranges, err := parseIDRanges(text)
		if err != nil {
			return
		}
		for _, r := range ranges {
			if r.first < 0 || r.last < 0 {
				t.Fatalf("%q: %v", text, r)
			}
			if id, ok := r.firstFree(taken); ok && (!r.has(id) || taken[id]) {
				t.Fatalf("%q: %d of %v", text, id, r)
			}
			if at, ok := r.pick([]int32{0, 5, 20}); ok && !r.has([]int32{0, 5, 20}[at]) {
				t.Fatalf("%q: picked %d", text, at)
			}
		}
	})
}

func TestEvaluatePort(t *testing.T) {
	for text, want := range map[string]int32{
		"9094": 9094, "{nodeId}": 7, "9000+{nodeId}": 9007, "9000 + {nodeId} * 10": 9070, "(9000 + {nodeId}) * 2": 18014,
		"10000 - {nodeId} - 1": 9992, "-1 * -5": 5, "((({nodeId})))": 7, "2*3+4*5": 26, "100 - (50 - {nodeId})": 57,
	} {
		if got, err := evaluatePort(text, 7); err != nil || got != want {
			t.Errorf("%s: %d %v", text, got, err)
		}
	}
	for text, say := range map[string]string{
		"":                             "a number is missing at the end",
		"9000 +":                       "a number is missing at the end",
		"9000 9001":                    `"9001" is where an operator or the end was expected`,
		"9{nodeId}":                    "is where an operator or the end was expected",
		"(9000":                        "a ) is missing",
		"9000)":                        `")" is where an operator`,
		"a":                            `"a" is where a number, {nodeId} or ( was expected`,
		"9000 / 2":                     `"/ 2" is where`,
		"0":                            "is 0 for node 7",
		"65536":                        "is 65536 for node 7",
		"-1":                           "is -1 for node 7",
		"99999999999999999999":         "is too large",
		"2147483649":                   "beyond",
		"100000*100000":                "beyond",
		"{id}":                         `"{id}" is where`,
		"1\x00 - 1":                    `"\x00 - 1" is where an operator`,
		strings.Repeat("(", 300) + "1": "has 301 characters, and 200 are allowed",
	} {
		if got, err := evaluatePort(text, 7); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%.20q: %d %v", text, got, err)
		}
	}
}

// FuzzEvaluatePort: whatever stands in a template, it is a port or an error, and blanks and parentheses around it change nothing.
func FuzzEvaluatePort(f *testing.F) {
	for _, text := range []string{"9000+{nodeId}", "(1+2)*3", "-1", "((", "2147483648*2147483648", "1 - -1"} {
		f.Add(text, int32(3))
	}
	f.Fuzz(func(t *testing.T, text string, id int32) {
		if id < 0 {
			id = 0
		}
		port, err := evaluatePort(text, id)
		if err != nil {
			return
		}
		if port < 1 || port > 65535 {
			t.Fatalf("%q: %d", text, port)
		}
		if again, err := evaluatePort(" ("+text+") ", id); len(text) < maxExpression-4 && (err != nil || again != port) {
			t.Fatalf("%q: %d, and in parentheses %d %v", text, port, again, err)
		}
	})
}

func TestFill(t *testing.T) {
	n := Node{ID: 12, Pod: "my-cluster-kafka-12"}
	for text, want := range map[string]string{
		"": "", "plain": "plain", "b{nodeId}.example.com": "b12.example.com", "{nodePodName}-{nodeId}{nodeId}": "my-cluster-kafka-12-1212", "}": "}",
	} {
		if got, err := fill(text, n); err != nil || got != want {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for text, say := range map[string]string{"{id}": "{id} is not one of", "a{b": "{b} is not one of", "{nodeid}": "{nodeid} is not one of", "{{nodeId}}": "is not one of"} {
		if got, err := fill(text, n); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
}

// FuzzFill: no placeholder is left, and texts without braces stay as they are.
func FuzzFill(f *testing.F) {
	f.Add("b{nodeId}.example.com")
	f.Add("{{nodePodName}")
	f.Fuzz(func(t *testing.T, text string) {
		out, err := fill(text, Node{ID: 1, Pod: "p-1"})
		if err == nil && strings.Contains(out, "{") {
			t.Errorf("%q became %q", text, out)
		}
		if !strings.Contains(text, "{") && (err != nil || out != text) {
			t.Errorf("%q became %q, %v", text, out, err)
		}
	})
}

func TestParseHeap(t *testing.T) {
	for text, want := range map[string]int64{"512m": 512 << 20, "2G": 2 << 30, "100": 100, "1k": 1 << 10} {
		if got, ok := parseHeap(text); !ok || got != want {
			t.Errorf("%s: %d %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "m", "0", "-1g", "1t", "1.5g", "2gg", "99999999999999999999", "9999999999g"} {
		if got, ok := parseHeap(text); ok {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}
