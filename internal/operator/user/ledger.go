package user

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Ledger is the mark of what the operator may touch: the names that have a KafkaUser, or had one and are still to be cleaned
// up. The zero value has none; a Ledger is never changed.
type Ledger struct{ names map[string]bool }

// LedgerKey is the key of the ConfigMap's data: a name a line, sorted.
const LedgerKey = "users"

// maxLedger bounds the text in bytes: a ConfigMap holds 1 MiB. It is enough for 3,500 names of the greatest length and for
// 40,000 of twenty characters.
const maxLedger = 900_000

// ParseLedger reads a ConfigMap's data. A missing key is an empty ledger. The error names a line that can be no name, since
// somebody changed it by hand: nothing may be concluded from the rest.
func ParseLedger(data map[string]string) (Ledger, error) {
	l := Ledger{names: map[string]bool{}}
	n := 0
	for name := range strings.Lines(data[LedgerKey]) {
		name = strings.TrimSuffix(name, "\n")
		if n++; name == "" || len(name) > maxSecretName || strings.ContainsFunc(name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
		}) {
			return Ledger{}, fmt.Errorf("line %d of key %s is no name of a user: mend it, or delete the ConfigMap; users without a KafkaUser then stay in Kafka", n, LedgerKey)
		}
		l.names[name] = true
	}
	return l, nil
}

// Data returns the ConfigMap's data. The error says that there are too many names.
func (l Ledger) Data() (map[string]string, error) {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(l.names)) {
		b.WriteString(name)
		b.WriteByte('\n')
	}
	if b.Len() > maxLedger {
		return nil, fmt.Errorf("%d users of one cluster are more than can be kept track of (%d bytes of names)", len(l.names), maxLedger)
	}
	return map[string]string{LedgerKey: b.String()}, nil
}

// Has reports whether a name is marked.
func (l Ledger) Has(name string) bool { return l.names[name] }

// Len returns how many names are marked.
func (l Ledger) Len() int { return len(l.names) }

// With returns a ledger that has the names too; changed is false if it had them all.
func (l Ledger) With(names ...string) (next Ledger, changed bool) {
	if !slices.ContainsFunc(names, func(n string) bool { return !l.names[n] }) {
		return l, false
	}
	next = l.clone()
	for _, name := range names {
		next.names[name] = true
	}
	return next, true
}

// Without returns a ledger that has not the names; changed is false if it had none of them.
func (l Ledger) Without(names ...string) (next Ledger, changed bool) {
	if !slices.ContainsFunc(names, l.Has) {
		return l, false
	}
	next = l.clone()
	for _, name := range names {
		delete(next.names, name)
	}
	return next, true
}

// Orphans returns the marked names, sorted, that are not wanted any more.
func (l Ledger) Orphans(wanted func(name string) bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.names)), wanted)
}

func (l Ledger) clone() Ledger {
	names := make(map[string]bool, len(l.names)+1)
	maps.Copy(names, l.names)
	return Ledger{names}
}
