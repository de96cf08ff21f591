package cluster

import (
	"cmp"
	"fmt"
	"slices"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// References are the objects of other people that the meaning of a Kafka depends on.
type References struct {
	// ConfigMaps are for Observed.ConfigMaps, sorted.
	ConfigMaps []model.ConfigMapKey
	// Secrets are for Observed.SecretHashes, by Secret and key, and each once.
	Secrets []SecretKey
}

// SecretKey is a key of a Secret in the Kafka's namespace.
type SecretKey struct {
	Secret, Key string
	Field       string // where it is named first
	// Certificate says that it is a listener's own certificate or key, which the node's Secret repeats.
	Certificate bool
}

// Refers returns what should be gathered before [For]. It judges nothing: what is missing in the Kafka is left out.
func Refers(k *v1.Kafka) References {
	var r References
	if l := k.Spec.Kafka.Logging; l != nil && l.Type == v1.LoggingExternal && l.ValueFrom != nil && l.ValueFrom.ConfigMapKeyRef != nil {
		ref := l.ValueFrom.ConfigMapKeyRef
		r.ConfigMaps = append(r.ConfigMaps, model.ConfigMapKey{Name: ref.Name, Key: ref.Key})
	}
	for i, l := range k.Spec.Kafka.Listeners {
		r.listener(fmt.Sprintf("spec.kafka.listeners[%d]", i), l)
	}
	slices.SortStableFunc(r.Secrets, func(x, y SecretKey) int { return cmp.Or(cmp.Compare(x.Secret, y.Secret), cmp.Compare(x.Key, y.Key)) })
	r.Secrets = slices.CompactFunc(r.Secrets, func(x, y SecretKey) bool { return x.Secret == y.Secret && x.Key == y.Key })
	return r
}

// listener adds the Secrets of one listener.
func (r *References) listener(field string, l v1.Listener) {
	add := func(at, secret, key string, certificate bool) {
		if secret != "" && key != "" {
			r.Secrets = append(r.Secrets, SecretKey{Secret: secret, Key: key, Field: field + at, Certificate: certificate})
		}
	}
	if l.Configuration != nil && l.Configuration.BrokerCertChainAndKey != nil && l.TLS {
		c := l.Configuration.BrokerCertChainAndKey
		add(".configuration.brokerCertChainAndKey.certificate", c.SecretName, c.Certificate, true)
		add(".configuration.brokerCertChainAndKey.key", c.SecretName, c.Key, true)
	}
	a := l.Authentication
	if a == nil {
		return
	}
	switch a.Type {
	case v1.AuthenticationCustom:
		for i, s := range a.Secrets {
			add(fmt.Sprintf(".authentication.secrets[%d]", i), s.SecretName, s.Key, false)
		}
	case v1.AuthenticationOAuth:
		if len(a.TLSTrustedCertificates) == 1 {
			c := a.TLSTrustedCertificates[0]
			add(".authentication.tlsTrustedCertificates[0]", c.SecretName, c.Certificate, false)
		}
	}
}
