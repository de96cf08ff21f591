package kafka

import (
	"slices"
	"sync"
)

// Effect says what becomes of a setting of the Java clients here.
type Effect uint8

const (
	// Option settings do what they do in Java, or what Why says.
	Option Effect = iota
	// NoEffect settings are accepted and change nothing; a Warning says so unless the value is the default.
	NoEffect
	// NotSupported settings would change what the user gets, so that the start is refused unless the value asks for
	// what is done anyway.
	NotSupported
)

// String returns the effect in the words of the settings reference.
func (e Effect) String() string {
	return [...]string{"option", "no effect", "refused"}[e]
}

// Decision is what becomes of one setting: exactly one for each name of the catalog.
type Decision struct {
	Name   string
	Effect Effect
	Why    string // a clause that follows "because" or a colon; for an Option how it differs, often empty

	take    func(*draft, value)
	accepts func(value) bool // values besides the default that need no finding
}

// Decide returns the decision about a name, and false for a name that no Java client knows.
func Decide(name string) (Decision, bool) {
	d, ok := decisions()[name]
	return d, ok
}

var decisions = sync.OnceValue(func() map[string]Decision {
	byName := map[string]Decision{}
	for _, d := range slices.Concat(connectionDecisions(), producerDecisions(), consumerDecisions(), tlsDecisions(),
		saslDecisions(), otherDecisions()) {
		if _, twice := byName[d.Name]; twice {
			panic("two decisions about " + d.Name) // a test builds the table
		}
		byName[d.Name] = d
	}
	return byName
})

func option(name string, take func(*draft, value)) Decision {
	return Decision{Name: name, Effect: Option, take: take}
}

// differs is an option that does not do exactly what it does in Java; how says what it does.
func differs(name, how string, take func(*draft, value)) Decision {
	return Decision{Name: name, Effect: Option, Why: how, take: take}
}

func noEffect(why string, names ...string) []Decision {
	var ds []Decision
	for _, name := range names {
		ds = append(ds, Decision{Name: name, Effect: NoEffect, Why: why})
	}
	return ds
}

func notSupported(name, why string) Decision {
	return Decision{Name: name, Effect: NotSupported, Why: why}
}

// taking adds what is read from a setting whose unsuitable values are refused or without effect.
func (d Decision) taking(take func(*draft, value)) Decision {
	d.take = take
	return d
}

// accepting adds values that need no finding, by their texts.
func (d Decision) accepting(texts ...string) Decision {
	d.accepts = func(v value) bool { return slices.Contains(texts, v.text) }
	return d
}

// acceptingAll adds list elements that need no finding.
func (d Decision) acceptingAll(texts ...string) Decision {
	d.accepts = func(v value) bool {
		return !slices.ContainsFunc(v.list, func(s string) bool { return !slices.Contains(texts, s) })
	}
	return d
}
