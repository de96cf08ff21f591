package kafkaconf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Problem is what is wrong with a key of a configuration.
type Problem struct {
	Key     string
	Message string // one line, without the key; values of passwords are not repeated
}

// String returns the key and the message.
func (p Problem) String() string { return p.Key + ": " + p.Message }

// Check judges a configuration key by key, as a server of this version does when it starts. bad is what the server would
// refuse. unknown is what it does not declare, and keeps for plugins that read it: most of that is a mistake, some is not, so
// it deserves a warning that says what it could have been. Both are sorted by key.
//
// A class that does not exist and values that do not fit each other are found by the server only.
func (v Version) Check(config map[string]string) (bad, unknown []Problem) {
	const suggestions = 100 // bounds the work for a configuration full of nonsense
	for _, key := range slices.Sorted(maps.Keys(config)) {
		o, ok := v.Option(key)
		switch {
		case ok:
			if message := o.check(config[key]); message != "" {
				bad = append(bad, Problem{Key: key, Message: message})
			}
		case !strings.HasPrefix(key, "config.providers"): // which every server reads, and which are an option from 4.2 on
			unknown = append(unknown, Problem{Key: key, Message: v.unknown(key, len(unknown) < suggestions)})
		}
	}
	return bad, unknown
}

// unknown says about a name that is no option of this version which version has it, or else, if suggest, what it could be.
func (v Version) unknown(key string, suggest bool) string {
	text := fmt.Sprintf("Kafka %s has no such option", v.Number)
	all := data()
	variants := all.options[key]
	if len(variants) == 0 {
		if suggest {
			if name := v.closest(key); name != "" {
				return text + "; did you mean " + name + "?"
			}
		}
		return text + "; it is passed on for a plugin that may read it"
	}
	in := func(at int) bool { return slices.ContainsFunc(variants, func(o option) bool { return o.in[at] }) }
	at := all.position[v.Number]
	for later := at; later < len(all.versions); later++ {
		if in(later) {
			return text + ", " + all.versions[later].Number + " has it"
		}
	}
	for earlier := at; earlier >= 0; earlier-- {
		if in(earlier) {
			return text + " any more, " + all.versions[earlier].Number + " was the last"
		}
	}
	return text
}

// closest returns the option whose name is so close to a key that it is probably meant, or nothing. Case, and underscores or
// dashes for dots, do not count; besides, one character in six may be wrong.
func (v Version) closest(key string) string {
	if len(key) > 4*longest { // nothing that long is an option
		return ""
	}
	prefix, name := "", strings.ToLower(key)
	if listener, rest, ok := cutListener(name); ok {
		prefix, name = listenerPrefix+listener+".", rest
	}
	plain := strings.NewReplacer("_", ".", "-", ".").Replace(name)
	best, distance := "", len(plain)/6+1
	for _, o := range v.Options() {
		if apart := len(plain) - len(o.Name); apart >= distance || -apart >= distance {
			continue
		}
		if d := kafka.Distance(plain, o.Name); d < distance {
			best, distance = prefix+o.Name, d
		}
	}
	return best
}
