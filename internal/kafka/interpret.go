package kafka

import (
	"maps"
	"slices"
	"sync"
)

// draft is a Config while it is being read: with what belongs together only once everything has been read.
type draft struct {
	Config
	jaas   string
	levels map[string]int // compression level by codec
}

// Interpret reads the properties of one client by the Java clients' names, prefixes stripped, with their parsing rules
// and defaults. Names that only another role knows are passed over, since common settings reach every client. Findings
// are in the order of their keys; those about several keys at once come last. With a Refused or an Invalid finding the
// Config must not be used.
//
// No finding repeats the value of a secret. References to config providers must have been resolved before.
func Interpret(role Role, props map[string]string) (Config, []Finding) {
	r := reading{role: role, values: make(map[string]value, len(readable()[role]))}
	r.draft.Role = role
	r.draft.levels = map[string]int{}
	for _, s := range readable()[role] {
		raw, given := props[s.Name]
		r.read(s, raw, given)
	}
	r.unknown(props)
	r.finish()
	if !r.failed {
		r.crossChecks()
	}
	return r.draft.Config, r.findings
}

// known is one setting of one role with what reading it needs.
type known struct {
	Setting
	fallback value
	decision Decision
}

// readable lists the settings of each role in the order of their names. It is made once, since every consumer that is
// created reads its settings.
var readable = sync.OnceValue(func() map[Role][]known {
	byRole := map[Role][]known{}
	for _, role := range []Role{Admin, Producer, Consumer} {
		for _, name := range Names() {
			if s, ok := setting(role, name); ok {
				byRole[role] = append(byRole[role], known{s, s.fallback(), decisions()[name]})
			}
		}
	}
	return byRole
})

// reading is one call of Interpret.
type reading struct {
	role     Role
	draft    draft
	values   map[string]value // by name, defaults included
	findings []Finding
	failed   bool // a value is invalid: checks across settings would follow from it
}

// add notes a finding about a known key.
func (r *reading) add(level Level, key, text string) {
	r.findings = append(r.findings, Finding{Key: key, Level: level, Text: text})
	r.failed = r.failed || level == Invalid
}

// read takes one setting that the role knows.
func (r *reading) read(s known, raw string, given bool) {
	v, d := s.fallback, s.decision
	if given {
		parsed, err := s.parse(raw)
		if err != nil {
			r.add(Invalid, s.Name, err.Error())
		} else {
			v = parsed
			v.given = true
		}
	}
	r.values[s.Name] = v
	if v.given && !s.content(v) {
		switch d.Effect {
		case NoEffect:
			r.add(Warning, s.Name, s.Name+" has no effect: "+d.Why)
		case NotSupported:
			r.add(Refused, s.Name, s.Name+" is not supported with this value: "+d.Why)
		}
	}
	if d.take != nil {
		d.take(&r.draft, v)
	}
}

// content reports whether a value asks for nothing but what is done anyway: it is the default, or of those accepted.
func (s known) content(v value) bool {
	if v.text == s.fallback.text && !s.fallback.null {
		return true
	}
	return s.decision.accepts != nil && s.decision.accepts(v)
}

// unknown warns of names that no client knows.
func (r *reading) unknown(props map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if len(settingsByName()[name]) > 0 || KnownElsewhere(name) {
			continue
		}
		text := name + " is not a setting that Kafka clients know"
		if near := Suggest(name, Names()); near != "" {
			text += ": did you mean " + near + "?"
		}
		r.findings = append(r.findings, Finding{Key: name, Level: Warning, Text: text, Unknown: true})
	}
}

// finish brings together what several settings say about one thing.
func (r *reading) finish() {
	c := &r.draft
	c.Producer.CompressionLevel = c.levels[c.Producer.Compression]
	if r.role == Producer && !r.values["enable.idempotence"].given && (c.Producer.Acks != -1 || c.Retries == 0) {
		c.Producer.Idempotent = false // as Java: what was asked for wins over a default
	}
}
