package bridgeconfig

import (
	"regexp"
	"strings"
	"sync"

	"github.com/steg-kafka/steg/internal/kafka"
)

// envPrefix begins the names of environment variables that are settings.
const envPrefix = "STEG_"

// EnvName returns the environment variable of a key: upper case, with _ for dots and dashes, behind STEG_.
func EnvName(key string) string {
	return envPrefix + strings.ToUpper(strings.Map(func(r rune) rune {
		if r == '.' || r == '-' {
			return '_'
		}
		return r
	}, key))
}

// keysByEnv maps the names of the environment back to keys: those of the table and, for each prefix, those that a Java
// client knows. The way back needs the table, since a name does not tell what its underscores stand for.
var keysByEnv = sync.OnceValue(func() map[string]string {
	keys := map[string]string{}
	for _, s := range Settings() {
		keys[EnvName(s.Key)] = s.Key
	}
	for _, prefix := range []string{"kafka.", "kafka.admin.", "kafka.producer.", "kafka.consumer."} {
		for _, name := range kafka.Names() {
			keys[EnvName(prefix+name)] = prefix + name
		}
		for _, name := range []string{"listener.enable", "listener", "allowlist"} {
			name = "prometheus.metrics.reporter." + name
			keys[EnvName(prefix+name)] = prefix + name
		}
	}
	return keys
})

// providerName is a config provider's setting, whose alias is free but for underscores: it is taken in lower case.
var providerName = regexp.MustCompile(`^STEG_KAFKA_(?:(ADMIN|PRODUCER|CONSUMER)_)?CONFIG_PROVIDERS_([A-Z0-9]+)_(CLASS|PARAM_[A-Z0-9_]+)$`)

// PropertiesVariable is the environment variable that holds a whole text of settings, in the syntax of a properties file.
const PropertiesVariable = envPrefix + "PROPERTIES"

// serviceName is a variable that Kubernetes adds for a Service whose name begins with steg-.
var serviceName = regexp.MustCompile(`^STEG_[A-Z0-9_]+_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// FromEnv returns the settings among environment variables (NAME=value), by key. A name behind STEG_ that no setting has
// is returned under itself, so that Parse can warn of it. Variables that Kubernetes adds for Services are left out, and
// PropertiesVariable, which is a layer of its own.
func FromEnv(environ []string) map[string]string {
	values := map[string]string{}
	for _, entry := range environ {
		name, v, ok := strings.Cut(entry, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) || name == PropertiesVariable || serviceName.MatchString(name) && isServiceValue(name, v) {
			continue
		}
		values[keyOf(name)] = v
	}
	return values
}

// keyOf returns the key of a name, or the name itself.
func keyOf(name string) string {
	if key, ok := keysByEnv()[name]; ok {
		return key
	}
	m := providerName.FindStringSubmatch(name)
	if m == nil {
		return name
	}
	key := "kafka."
	if m[1] != "" {
		key += strings.ToLower(m[1]) + "."
	}
	return key + "config.providers." + strings.ToLower(m[2]+"."+strings.ReplaceAll(m[3], "_", "."))
}

// isServiceValue tells a Service's variable from a setting of the same name, such as STEG_HTTP_PORT, by its value.
func isServiceValue(name, v string) bool {
	_, isSetting := keysByEnv()[name]
	return !isSetting || strings.Contains(v, "://")
}
