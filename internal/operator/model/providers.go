package model

import (
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	kafkaPackage  = "org.apache.kafka.common.config.provider."
	providersKey  = "config.providers"
	secretsClass  = "io.strimzi.kafka.KubernetesSecretConfigProvider"
	configMapType = "io.strimzi.kafka.KubernetesConfigMapConfigProvider"
)

// provider is a config provider that settings may refer to without declaring it.
type provider struct {
	alias, class   string
	param, setting string // a parameter, if any
}

// knownProviders are ours and those that the reference operator declares.
func knownProviders() []provider {
	const reachable = "/opt/strimzi,/mnt"
	return []provider{
		{names.AliasDirectory, kafkaPackage + "DirectoryConfigProvider", "allowed.paths", names.DirSettings},
		{names.AliasStrimziEnvironment, kafkaPackage + "EnvVarConfigProvider", "allowlist.pattern", ".*"},
		{names.AliasStrimziFile, kafkaPackage + "FileConfigProvider", "allowed.paths", reachable},
		{names.AliasStrimziDirectory, kafkaPackage + "DirectoryConfigProvider", "allowed.paths", reachable},
		{names.AliasStrimziSecrets, secretsClass, "", ""},
	}
}

// providers declares the config providers that settings refer to. A client's own list replaces that of all clients, so the
// aliases are added to both.
func (b *bridgeBuilder) providers() {
	var aliases []string
	for _, p := range knownProviders() {
		if !b.refersTo(p.alias) {
			continue
		}
		aliases = append(aliases, p.alias)
		at := "kafka." + providersKey + "." + p.alias
		b.set(at+".class", p.class, "")
		if p.param != "" {
			b.set(at+".param."+p.param, p.setting, "")
		}
	}
	if len(aliases) > 0 {
		b.set("kafka."+providersKey, strings.Join(aliases, ","), "")
	}
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		key := "kafka." + string(role) + "." + providersKey
		if own, ok := b.settings[key]; ok && len(aliases) > 0 {
			b.set(key, strings.Join(append(aliases, own.value), ","), own.field)
		}
	}
	b.out.NeedsToken = slices.ContainsFunc(slices.Collect(maps.Values(b.settings)), func(s setting) bool {
		return s.value == secretsClass || s.value == configMapType
	})
}

// refersTo reports whether a setting of a Kafka client has a reference with this alias.
func (b *bridgeBuilder) refersTo(alias string) bool {
	for key, s := range b.settings {
		if strings.HasPrefix(key, "kafka.") && strings.Contains(s.value, "${"+alias+":") {
			return true
		}
	}
	return false
}
