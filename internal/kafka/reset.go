package kafka

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// isoDuration is the grammar of java.time.Duration.parse.
var isoDuration = regexp.MustCompile(`(?i)^([-+]?)P(?:([-+]?[0-9]+)D)?` +
	`(T(?:([-+]?[0-9]+)H)?(?:([-+]?[0-9]+)M)?(?:([-+]?[0-9]+)(?:[.,]([0-9]{0,9}))?S)?)?$`)

// parseReset reads auto.offset.reset: latest, earliest, none or by_duration:<ISO 8601 duration>, KIP-1106.
func parseReset(text string) (Reset, bool) {
	switch text {
	case "latest":
		return Reset{Kind: Latest}, true
	case "earliest":
		return Reset{Kind: Earliest}, true
	case "none":
		return Reset{Kind: None}, true
	}
	iso, ok := strings.CutPrefix(text, "by_duration:")
	if !ok {
		return Reset{}, false
	}
	ago, ok := parseISODuration(iso)
	return Reset{Kind: ByDuration, Ago: ago}, ok
}

// parseISODuration reads a duration that is not negative. What Java can hold and Go cannot (above 292 years) becomes
// the longest one of Go: no log reaches back that far.
func parseISODuration(s string) (time.Duration, bool) {
	m := isoDuration.FindStringSubmatch(s)
	if m == nil || strings.EqualFold(m[3], "T") || m[2]+m[4]+m[5]+m[6] == "" {
		return 0, false
	}
	nanos := new(big.Int)
	for i, unit := range map[int]time.Duration{2: 24 * time.Hour, 4: time.Hour, 5: time.Minute, 6: time.Second} {
		n, ok := new(big.Int).SetString(strings.TrimPrefix(m[i], "+"), 10)
		if m[i] != "" && !ok {
			return 0, false
		}
		if ok {
			nanos.Add(nanos, n.Mul(n, big.NewInt(int64(unit))))
		}
	}
	if fraction := m[7]; fraction != "" {
		n, _ := new(big.Int).SetString((fraction + "000000000")[:9], 10)
		if strings.HasPrefix(m[6], "-") {
			n.Neg(n)
		}
		nanos.Add(nanos, n)
	}
	if m[1] == "-" {
		nanos.Neg(nanos)
	}
	seconds := new(big.Int).Div(nanos, big.NewInt(int64(time.Second)))
	switch {
	case nanos.Sign() < 0 || !seconds.IsInt64():
		return 0, false
	case !nanos.IsInt64():
		return math.MaxInt64, true
	}
	return time.Duration(nanos.Int64()), true
}
