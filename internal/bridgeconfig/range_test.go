package bridgeconfig

import (
	"math/big"
	"strings"
	"testing"
)

// TestRangesAreTrue: what the reference page says of a setting's range is what Parse does.
func TestRangesAreTrue(t *testing.T) {
	refused := func(key, value string) bool {
		values := map[string]string{"http.ssl.certificate": "needed by http.ssl.enable", "http.ssl.key": "so is this"}
		values[key] = value
		_, findings, err := Parse([]Layer{{Origin: "test", Values: values}})
		for _, f := range findings {
			if f.Key == key {
				return true // a warning: the value is not taken as it stands
			}
		}
		return err != nil
	}
	beyond := func(number string, by int64) string {
		n, ok := new(big.Int).SetString(number, 10)
		if !ok {
			t.Fatalf("%q is not a number", number)
		}
		return n.Add(n, big.NewInt(by)).String()
	}
	for _, s := range Settings() {
		if s.Since == "" {
			t.Errorf("%s: since when is not said", s.Key)
		}
		if s.Type != "number" {
			words := strings.Split(s.Range, ", ")
			for _, word := range words {
				if s.Range != "" && refused(s.Key, word) {
					t.Errorf("%s: %s is refused", s.Key, word)
				}
			}
			if s.Range != "" && !refused(s.Key, "something-else") {
				t.Errorf("%s: something else than %s is taken", s.Key, s.Range)
			}
			continue
		}
		if s.Range == "" {
			t.Errorf("%s is a number without a range", s.Key)
		}
		_, last, several := strings.Cut(s.Range, "; ")
		if !several {
			last = s.Range
		}
		low, high, bounded := strings.Cut(strings.TrimPrefix(last, "from "), " to ")
		if refused(s.Key, low) || !refused(s.Key, beyond(low, -1)) {
			t.Errorf("%s does not begin at %s", s.Key, low)
		}
		if bounded && (refused(s.Key, high) || !refused(s.Key, beyond(high, 1))) {
			t.Errorf("%s does not end at %s", s.Key, high)
		}
	}
}
