package kafka

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// keysTSV is every setting of the Java clients, read from their jar by internal/gen/kafkakeys.
//
//go:embed keys.tsv
var keysTSV string

// Setting is one setting of the Java clients as their jar declares it for some of the roles.
type Setting struct {
	Name       string
	Roles      []Role
	Type       string // string, int, long, short, double, boolean, list, class or password
	Default    string // text form; meaningless unless HasDefault
	HasDefault bool   // false: null, or required
	Required   bool
	Valid      string // the Java validator's own description, such as [0,...]; empty: anything
	Importance string
}

// In reports whether the role knows the setting.
func (s Setting) In(role Role) bool { return slices.Contains(s.Roles, role) }

// settingsByName is the whole catalog. A name has one entry for each group of roles that agree on it.
var settingsByName = sync.OnceValue(func() map[string][]Setting {
	all, err := parseSettings(keysTSV)
	if err != nil {
		panic(err) // the data are part of the program; a test parses them
	}
	byName := make(map[string][]Setting, len(all))
	for _, s := range all {
		byName[s.Name] = append(byName[s.Name], s)
	}
	return byName
})

func parseSettings(tsv string) ([]Setting, error) {
	var all []Setting
	for line := range strings.Lines(tsv) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 6 {
			return nil, fmt.Errorf("keys.tsv: %d columns instead of 6 in %q", len(f), line)
		}
		s := Setting{Name: f[0], Type: f[2], Valid: f[4], Importance: f[5]}
		for role := range strings.SplitSeq(f[1], ",") {
			s.Roles = append(s.Roles, Role(role))
		}
		switch f[3] {
		case "(none)":
		case "(required)":
			s.Required = true
		default:
			s.Default, s.HasDefault = f[3], true
		}
		all = append(all, s)
	}
	return all, nil
}

// Names returns the names of all settings of the Java clients, sorted.
func Names() []string {
	byName := settingsByName()
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Settings returns what the jar declares for a name: one entry for each group of roles that agree, none for a name that
// no client knows.
func Settings(name string) []Setting { return slices.Clone(settingsByName()[name]) }

// setting returns the declaration of name for one role.
func setting(role Role, name string) (Setting, bool) {
	for _, s := range settingsByName()[name] {
		if s.In(role) {
			return s, true
		}
	}
	return Setting{}, false
}

// KnownElsewhere reports whether no Java client declares the name, although it is of a family that somebody else reads:
// the parameters of config providers and of Strimzi's metrics reporter.
func KnownElsewhere(name string) bool {
	return strings.HasPrefix(name, "config.providers.") || strings.HasPrefix(name, "prometheus.metrics.reporter.")
}
