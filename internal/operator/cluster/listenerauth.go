package cluster

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// protocols are Kafka's names of how a listener is secured.
func protocol(tls, sasl bool) string {
	switch {
	case tls && sasl:
		return "SASL_SSL"
	case tls:
		return "SSL"
	case sasl:
		return "SASL_PLAINTEXT"
	}
	return "PLAINTEXT"
}

// prefixOf is what stands in front of the settings of one listener.
func prefixOf(listener string) string { return "listener.name." + strings.ToLower(listener) + "." }

// listenerSettings writes what all brokers say of a listener: who may come, and how they prove it.
func (b *builder) listenerSettings(field string, l Listener) {
	prefix := prefixOf(l.Kafka)
	sasl := false
	if a := l.Spec.Authentication; a != nil {
		sasl = b.authentication(field+".authentication", prefix, l, *a)
	}
	b.protocols = append(b.protocols, l.Kafka+":"+protocol(l.TLS, sasl))
	if l.TLS {
		b.listener[prefix+"ssl.keystore.type"] = "PEM"
		if l.Certificate != nil {
			b.listener[prefix+"ssl.keystore.location"] = names.DirRun + "/" + names.ListenerCertificate(l.Name, l.Port) + names.SuffixCombinedStore
			// The user's next certificate may be for other names, and is read without a restart all the same (KIP-978).
			b.listener[prefix+"ssl.allow.dn.changes"] = "true"
			b.listener[prefix+"ssl.allow.san.changes"] = "true"
		}
	}
	c := l.Spec.Configuration
	if c.MaxConnections != nil {
		b.listener[prefix+"max.connections"] = decimal(*c.MaxConnections)
	}
	if c.MaxConnectionCreationRate != nil {
		b.listener[prefix+"max.connection.creation.rate"] = decimal(*c.MaxConnectionCreationRate)
	}
	for _, limit := range []struct {
		option string
		value  *int32
	}{{"maxConnections", c.MaxConnections}, {"maxConnectionCreationRate", c.MaxConnectionCreationRate}} {
		if limit.value != nil && *limit.value < 0 {
			b.Invalid(field+".configuration."+limit.option, "%d is negative", *limit.value)
		}
	}
}

// authentication writes how clients prove who they are, and reports whether that is SASL.
func (b *builder) authentication(field, prefix string, l Listener, a v1.ListenerAuthentication) (sasl bool) {
	if a.Type != v1.AuthenticationCustom && (a.SASL != nil || len(a.ListenerConfig) > 0 || len(a.Secrets) > 0) {
		b.NoEffect(field+": sasl, listenerConfig and secrets", "they are for type custom")
	}
	if a.Type != v1.AuthenticationOAuth {
		b.noEffects(field, given(a.ListenerOAuth), "of type oauth")
	}
	switch a.Type {
	case v1.AuthenticationTLS:
		if !l.TLS {
			b.Invalid(field+".type", "tls needs tls: true on the listener")
		}
		b.listener[prefix+"ssl.client.auth"] = "required"
		b.listener[prefix+"ssl.truststore.type"] = "PEM"
		b.listener[prefix+"ssl.truststore.location"] = names.DirTrust + "/" + names.KeyClientsCA
		return false
	case v1.AuthenticationScramSHA512:
		b.listener[prefix+"sasl.enabled.mechanisms"] = "SCRAM-SHA-512"
		b.listener[prefix+"scram-sha-512.sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		return true
	case v1.AuthenticationOAuth:
		b.oauth(field, prefix, l, a.ListenerOAuth)
		return true
	case v1.AuthenticationCustom:
		b.custom(field, prefix, l, a)
		return a.SASL != nil && *a.SASL
	case "":
		b.Invalid(field+".type", "is missing: tls, scram-sha-512 or custom")
	default:
		b.Invalid(field+".type", "%q is not one of tls, scram-sha-512 and custom", a.Type)
	}
	return false
}

// custom passes Kafka's own settings of one listener on.
func (b *builder) custom(field, prefix string, l Listener, a v1.ListenerAuthentication) {
	at := field + ".listenerConfig"
	replaced := b.legacySecrets(field, l, a.Secrets)
	for _, e := range b.FreeForm(at, a.ListenerConfig) {
		if kafkaconf.ForbiddenInListener(e.Key) {
			b.Warn(model.ReasonForbiddenFields, "%s: %s is left out: it is written from other fields of the listener", at, e.Key)
			continue
		}
		b.listener[prefix+e.Key] = replaced.Replace(e.Value)
		b.fields[prefix+e.Key] = at + "." + e.Key
	}
}

// legacySecrets mounts Secrets of v1beta2, and returns what turns the paths at which the reference operator had them into ours.
func (b *builder) legacySecrets(field string, l Listener, secrets []v1.GenericSecretSource) *strings.Replacer {
	var paths []string
	for i, s := range secrets {
		at := field + ".secrets[" + strconv.Itoa(i) + "]"
		b.Warn(reasonDeprecated, "%s is deprecated: template.pod.volumes and template.kafkaContainer.volumeMounts do it", at)
		b.secretKey(at, s.SecretName, s.Key)
		directory := b.mount(l, s.SecretName, s.Key)
		paths = append(paths, "/opt/kafka/custom-authn-secrets/custom-listener-"+names.ListenerCertificate(l.Name, l.Port)+"/"+s.SecretName+"/", directory+"/")
	}
	return strings.NewReplacer(paths...)
}

// mount has the brokers mount a key of a Secret, and returns the directory.
func (b *builder) mount(l Listener, secret, key string) string {
	name := names.ListenerCertificate(l.Name, l.Port) + "-" + secret
	if len(validation.IsDNS1123Label(names.VolumeExternal+name)) > 0 { // Secrets may have longer names than volumes, and dots
		name = names.ListenerCertificate(l.Name, l.Port) + "-" + hash(secret)
	}
	directory := names.DirExternal + "/" + name
	for i := range b.out.External {
		if e := &b.out.External[i]; e.Name == name {
			e.Keys = append(e.Keys, key)
			return directory
		}
	}
	b.out.External = append(b.out.External, External{Name: name, Secret: secret, Keys: []string{key}})
	return directory
}
