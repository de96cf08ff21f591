package configsource

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Sources is what config providers draw from beyond files. The zero value has no environment.
type Sources struct {
	// LookupEnv returns an environment variable.
	LookupEnv func(name string) (string, bool)
	// ServiceAccount is the directory of the pod's token, CA and namespace; empty: where Kubernetes mounts it.
	ServiceAccount string
	// Logger is told of references that stay unresolved; nil discards.
	Logger *slog.Logger
}

// Resolver replaces the references in the settings of one Kafka client. It holds no values: each call of Resolve reads
// them anew. It is safe for concurrent use.
type Resolver struct {
	providers map[string]provider // by alias
	log       *slog.Logger
}

// provider looks keys up below one path. A key that is not in the answer stays unresolved; an error is one line without
// values.
type provider interface {
	get(ctx context.Context, path string, keys []string) (map[string]string, error)
}

const providersKey = "config.providers"

// NewResolver reads the declarations config.providers, config.providers.<alias>.class and
// config.providers.<alias>.param.<name> of one client: its properties without the prefix kafka., those of the client's
// infix laid over the common ones, so that each client has providers of its own (bridge contract 3.3). An alias without a
// class is no provider, as in Java. Errors name the setting: an unknown class, a parameter that can't be used.
func NewResolver(declared map[string]string, s Sources) (*Resolver, error) {
	if s.LookupEnv == nil {
		s.LookupEnv = func(string) (string, bool) { return "", false }
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Resolver{providers: map[string]provider{}, log: s.Logger}
	for alias := range strings.SplitSeq(declared[providersKey], ",") {
		// Kafka does not trim the alias either: "a, b" declares an alias with a leading blank.
		class, ok := declared[providersKey+"."+alias+".class"]
		if !ok {
			continue
		}
		p, err := newProvider(class, params(declared, alias), s)
		if err != nil {
			return nil, fmt.Errorf("kafka.%s.%s.%w", providersKey, alias, err)
		}
		r.providers[alias] = p
	}
	return r, nil
}

// params returns the provider's parameters by their names.
func params(declared map[string]string, alias string) map[string]string {
	out := map[string]string{}
	for key, value := range declared {
		if name, ok := strings.CutPrefix(key, providersKey+"."+alias+".param."); ok {
			out[name] = value
		}
	}
	return out
}

// newProvider knows the classes. Errors begin with the rest of the setting's key.
func newProvider(class string, params map[string]string, s Sources) (provider, error) {
	switch class {
	case "org.apache.kafka.common.config.provider.EnvVarConfigProvider":
		return newEnvironment(params, s.LookupEnv)
	case "io.strimzi.kafka.EnvVarConfigProvider":
		return anyEnvironment{s.LookupEnv}, nil
	case "org.apache.kafka.common.config.provider.FileConfigProvider":
		allowed, err := newAllowedPaths(params)
		return file{allowed, s.Logger}, err
	case "org.apache.kafka.common.config.provider.DirectoryConfigProvider":
		allowed, err := newAllowedPaths(params)
		return directory{allowed, s.Logger}, err
	case "io.strimzi.kafka.KubernetesSecretConfigProvider":
		return newKubernetes("Secret", params, s), nil
	case "io.strimzi.kafka.KubernetesConfigMapConfigProvider":
		return newKubernetes("ConfigMap", params, s), nil
	}
	return nil, fmt.Errorf("class: %q is not a config provider that is known here", class)
}

// place is what is asked of a provider at once.
type place struct{ alias, path string }

// Resolve returns props with every reference replaced whose alias is declared and whose key is there; what is not stays
// as it stands, and what a reference brings is not searched for further ones. Declarations of providers themselves are
// passed through. The error names the place that could not be read, and a setting that refers to it. Each place is read
// once, Kubernetes ones within 10 s.
//
// Only settings of the administrator belong in props: whoever can write a reference can read what it points to.
func (r *Resolver) Resolve(ctx context.Context, props map[string]string) (map[string]string, error) {
	out, dangling, err := r.resolve(ctx, props)
	for _, d := range dangling {
		r.log.Warn("a reference has no value and stays as it is", "setting", "kafka."+d.setting, "reference", d.reference)
	}
	return out, err
}

// ResolveAll is Resolve for settings that had values before: a reference without one is an error, which names the setting.
func (r *Resolver) ResolveAll(ctx context.Context, props map[string]string) (map[string]string, error) {
	out, dangling, err := r.resolve(ctx, props)
	if err == nil && len(dangling) > 0 {
		err = fmt.Errorf("kafka.%s: the reference %s has no value", dangling[0].setting, dangling[0].reference)
	}
	return out, err
}

// Files returns the files that references of declared providers in props point to, sorted: what Resolve returns depends
// on their content. Environment and Kubernetes have none.
func (r *Resolver) Files(props map[string]string) []string {
	found := map[string]bool{}
	for name, value := range props {
		if strings.HasPrefix(name, providersKey) {
			continue
		}
		for _, p := range parseReferences(value) {
			if p.ref == nil {
				continue
			}
			if in, ok := r.providers[p.ref.alias].(inFiles); ok {
				if path, ok := in.path(*p.ref); ok {
					found[path] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// inFiles is a provider of what stands in files.
type inFiles interface {
	// path returns the file behind a reference; false: the provider would not read it.
	path(ref reference) (string, bool)
}

// dangle is a reference without a value.
type dangle struct{ setting, reference string }

// resolve is Resolve, with the references that stay as they are, sorted by setting.
func (r *Resolver) resolve(ctx context.Context, props map[string]string) (map[string]string, []dangle, error) {
	out := maps.Clone(props)
	if len(r.providers) == 0 {
		return out, nil, nil
	}
	parsed := map[string][]piece{}
	wanted := map[place]map[string]string{} // to each key, a setting that refers to it
	for name, value := range props {
		if strings.HasPrefix(name, providersKey) || !strings.Contains(value, "${") {
			continue
		}
		parsed[name] = parseReferences(value)
		for _, p := range parsed[name] {
			if p.ref != nil && r.providers[p.ref.alias] != nil {
				want(wanted, *p.ref, name)
			}
		}
	}
	found, err := r.read(ctx, wanted)
	if err != nil {
		return nil, nil, err
	}
	var dangling []dangle
	for _, name := range slices.Sorted(maps.Keys(parsed)) {
		value, without := join(name, parsed[name], found)
		out[name] = value
		dangling = append(dangling, without...)
	}
	return out, dangling, nil
}

// want notes that the setting asks for what ref points to.
func want(wanted map[place]map[string]string, ref reference, setting string) {
	at := place{ref.alias, ref.path}
	if wanted[at] == nil {
		wanted[at] = map[string]string{}
	}
	// The first setting by name, so that errors are the same every time.
	if first, ok := wanted[at][ref.key]; !ok || setting < first {
		wanted[at][ref.key] = setting
	}
}

// read asks every place for its keys.
func (r *Resolver) read(ctx context.Context, wanted map[place]map[string]string) (map[place]map[string]string, error) {
	found := make(map[place]map[string]string, len(wanted))
	places := slices.SortedFunc(maps.Keys(wanted), func(a, b place) int {
		return strings.Compare(a.alias+"\x00"+a.path, b.alias+"\x00"+b.path)
	})
	for _, at := range places {
		keys := slices.Sorted(maps.Keys(wanted[at]))
		values, err := r.providers[at.alias].get(ctx, at.path, keys)
		if err != nil {
			return nil, fmt.Errorf("kafka.%s: config provider %s: %w", wanted[at][keys[0]], at.alias, err)
		}
		found[at] = values
	}
	return found, nil
}

// join puts a value together from its pieces, and lists the references of it that no provider has a value for.
func join(name string, pieces []piece, found map[place]map[string]string) (string, []dangle) {
	var out strings.Builder
	var dangling []dangle
	for _, p := range pieces {
		if p.ref == nil {
			out.WriteString(p.literal)
			continue
		}
		values, declared := found[place{p.ref.alias, p.ref.path}]
		value, ok := values[p.ref.key]
		switch {
		case !ok:
			value = p.ref.text
		case name == jaasKey && strings.HasSuffix(out.String(), `"`):
			value = insideQuotes(value)
		}
		if declared && !ok {
			dangling = append(dangling, dangle{name, p.ref.text})
		}
		out.WriteString(value)
	}
	return out.String(), dangling
}

// jaasKey is the setting whose value has a grammar that references stand in the middle of.
const jaasKey = "sasl.jaas.config"

// insideQuotes makes a value fit between the double quotes of a login module's option. Java puts it there as it is, so that
// a line end or a quote in a password ends the option, and the client does not start. One line end at the end is an
// editor's; and where Java would fail anyway, quotes and backslashes are escaped. All other values are taken as Java
// takes them, backslashes being escapes.
func insideQuotes(value string) string {
	value = strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
	escaped := false
	for _, c := range value {
		if c == '"' && !escaped {
			return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
		}
		escaped = c == '\\' && !escaped
	}
	if escaped {
		return value + `\`
	}
	return value
}
