package kafkaconf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Type is how Kafka reads the text of an option.
type Type string

// The types of Kafka's ConfigDef.
const (
	TypeBoolean  Type = "boolean"
	TypeInt      Type = "int"      // 32 bits
	TypeShort    Type = "short"    // 16 bits
	TypeLong     Type = "long"     // 64 bits
	TypeDouble   Type = "double"   // 64 bits, floating
	TypeString   Type = "string"   // blanks around it do not count
	TypeList     Type = "list"     // comma-separated; blanks around the elements do not count
	TypeClass    Type = "class"    // the name of a Java class
	TypePassword Type = "password" // text that Kafka never shows
)

// Scope is how a new value of an option reaches a broker that runs.
type Scope uint8

// The scopes. Kafka's own documentation calls them read-only, cluster-wide and per-broker; what that documentation calls
// per-broker although listeners that run keep their old value is ReadOnly here.
const (
	ReadOnly    Scope = iota // by a restart
	ClusterWide              // by a change of the cluster's default, for all brokers at once
	PerBroker                // by a change of that broker
	PerListener              // by a change of listener.name.<listener>.<option> of that broker; without a prefix by a restart
)

var scopeNames = [...]string{ReadOnly: "", ClusterWide: "cluster-wide", PerBroker: "per-broker", PerListener: "per-listener"}

// String returns the scope's name, read-only for a restart.
func (s Scope) String() string { return cmp.Or(scopeNames[s], "read-only") }

// parseScope reads a scope as the tables write it.
func parseScope(text string) (Scope, error) {
	at := slices.Index(scopeNames[:], text)
	if at < 0 {
		return ReadOnly, fmt.Errorf("unknown scope %q", text)
	}
	return Scope(at), nil
}

// Option is an option of a Kafka server as one version declares it.
type Option struct {
	Name       string
	Type       Type
	Default    string // as text; meaningless unless HasDefault
	HasDefault bool   // false: null, or required
	Required   bool   // a server does not start without it
	Min, Max   string // a number's bounds, which are allowed themselves; empty: the type's
	Values     []string
	AnyCase    bool // of Values, in any case
	NonEmpty   bool // a text or a list may not be empty
	Unique     bool // a list may not have an element twice
	Filled     bool // no element of a list may be empty
	Scope      Scope
	Internal   bool // Kafka does not document it

	metadata bool // a metadata version, or the version of a message format
}

// listenerPrefix is in front of an option that is for one listener only, followed by the listener's name in lower case
// and a dot.
const listenerPrefix = "listener.name."

// Option returns an option by its name. Of a name with a listener's prefix it returns the option behind the prefix, with
// that whole name and with the scope that it has there. For SASL options the mechanism may stand in between:
// listener.name.external-9094.plain.sasl.jaas.config.
func (v Version) Option(name string) (Option, bool) {
	if o, ok := data().find(v, name); ok {
		return o.clone(name, o.Scope), true
	}
	listener, rest, ok := cutListener(name)
	if !ok || listener != strings.ToLower(listener) { // Kafka does not find the others
		return Option{}, false
	}
	if o, ok := data().find(v, rest); ok {
		return o.clone(name, o.prefixed), true
	}
	_, rest, _ = strings.Cut(rest, ".")
	o, ok := data().find(v, rest)
	if !ok || !strings.HasPrefix(rest, "sasl.") && rest != "connections.max.reauth.ms" {
		return Option{}, false
	}
	return o.clone(name, ReadOnly), true
}

// cutListener splits a name with a listener's prefix.
func cutListener(name string) (listener, rest string, ok bool) {
	rest, ok = strings.CutPrefix(name, listenerPrefix)
	if !ok {
		return "", "", false
	}
	listener, rest, ok = strings.Cut(rest, ".")
	return listener, rest, ok && listener != ""
}

// clone returns what a caller may keep and change.
func (o option) clone(name string, scope Scope) Option {
	out := o.Option
	out.Name, out.Scope, out.Values = name, scope, slices.Clone(o.Values)
	return out
}

// Options returns all options of the version, sorted by name.
func (v Version) Options() []Option {
	var all []Option
	for name := range data().options {
		if o, ok := data().find(v, name); ok {
			all = append(all, o.clone(name, o.Scope))
		}
	}
	slices.SortFunc(all, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Split sorts settings by how they reach a broker that runs: by a restart, by a change of that broker alone, or by a change
// of the cluster's default. An option that Kafka does not declare needs a restart, as nobody knows who reads it.
//
// A broker may still refuse a dynamic change that it finds too large: the number of a pool's threads can be at most
// doubled or halved at a time. Restart it then.
func (v Version) Split(config map[string]string) (restart, dynamicBroker, dynamicCluster map[string]string) {
	restart, dynamicBroker, dynamicCluster = map[string]string{}, map[string]string{}, map[string]string{}
	for key, value := range config {
		o, _ := v.Option(key)
		switch o.Scope {
		case ClusterWide:
			dynamicCluster[key] = value
		case PerBroker:
			dynamicBroker[key] = value
		default:
			restart[key] = value
		}
	}
	return restart, dynamicBroker, dynamicCluster
}
