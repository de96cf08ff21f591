package model

import (
	"cmp"
	"slices"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// SecretKeys are keys of one Secret that a KafkaBridge needs.
type SecretKeys struct {
	Secret string
	Keys   []string // sorted
	// Patterns are globs (path.Match) over the Secret's keys, each of which must match at least one.
	Patterns []string
	// Rolls are those of Keys that are passwords and tokens: deployed bridges are rolled when one changes. Certificates and
	// private keys are read again while the bridge runs.
	Rolls []string
	// Fields are where the KafkaBridge names the Secret, sorted.
	Fields []string
	// Central says that only deployed bridges need the Secret.
	Central bool
}

// ConfigMapKey is a key of a ConfigMap that the meaning of a KafkaBridge depends on.
type ConfigMapKey struct{ Name, Key string }

// BridgeSecrets returns the Secrets that must exist, with their keys, sorted by name. It judges nothing: what is missing in
// the KafkaBridge is left out.
func BridgeSecrets(b *v1.KafkaBridge) []SecretKeys {
	n := needs{}
	if tls := b.Spec.TLS; tls != nil {
		n.trusted("spec.tls.trustedCertificates", tls.TrustedCertificates)
	}
	if a := b.Spec.Authentication; a != nil && (b.Spec.TLS != nil || a.Type != v1.AuthenticationTLS) {
		n.authentication(*a)
	}
	if h := b.Spec.HTTP; h != nil && h.TLS != nil {
		c := h.TLS.CertificateAndKey
		secret := n.of(c.SecretName, "spec.http.tls.certificateAndKey", true)
		secret.Keys = append(secret.Keys, c.Certificate, c.Key)
	}
	if t := b.Spec.Template; t != nil {
		n.template(*t)
	}
	return n.sorted()
}

// BridgeConfigMaps returns the ConfigMaps that BridgeResources.ConfigMaps should hold if they exist.
func BridgeConfigMaps(b *v1.KafkaBridge) []ConfigMapKey {
	l := b.Spec.Logging
	if l == nil || l.Type != v1.LoggingExternal || l.ValueFrom == nil || l.ValueFrom.ConfigMapKeyRef == nil {
		return nil
	}
	return []ConfigMapKey{{Name: l.ValueFrom.ConfigMapKeyRef.Name, Key: l.ValueFrom.ConfigMapKeyRef.Key}}
}

// needs is Secrets by their names.
type needs map[string]*SecretKeys

// of returns the entry of a Secret. One that sidecars need too is not Central.
func (n needs) of(name, field string, central bool) *SecretKeys {
	s, ok := n[name]
	if !ok {
		s = &SecretKeys{Secret: name, Central: central}
		n[name] = s
	}
	s.Central = s.Central && central
	s.Fields = append(s.Fields, field)
	return s
}

// trusted adds certificates that are believed.
func (n needs) trusted(field string, certificates []v1.CertSecretSource) {
	for i, c := range certificates {
		s := n.of(c.SecretName, field+"["+decimal(i)+"]", false)
		if c.Certificate != "" {
			s.Keys = append(s.Keys, c.Certificate)
		}
		if c.Pattern != "" {
			s.Patterns = append(s.Patterns, c.Pattern)
		}
	}
}

// authentication adds what counts for the type.
func (n needs) authentication(a v1.ClientAuthentication) {
	const field = "spec.authentication"
	switch a.Type {
	case v1.AuthenticationTLS:
		if c := a.CertificateAndKey; c != nil {
			s := n.of(c.SecretName, field+".certificateAndKey", false)
			s.Keys = append(s.Keys, c.Certificate, c.Key)
		}
	case v1.AuthenticationOAuth:
		n.trusted(field+".tlsTrustedCertificates", a.TLSTrustedCertificates)
		n.rolling(field+".clientSecret", a.ClientSecret)
		n.rolling(field+".accessToken", a.AccessToken)
		n.rolling(field+".refreshToken", a.RefreshToken)
		n.rolling(field+".clientAssertion", a.ClientAssertion)
		fallthrough
	case v1.AuthenticationScramSHA256, v1.AuthenticationScramSHA512, v1.AuthenticationPlain:
		if p := a.PasswordSecret; p != nil {
			n.rolling(field+".passwordSecret", &v1.GenericSecretSource{SecretName: p.SecretName, Key: p.Password})
		}
	}
}

// template adds what the bridge's container reads by variables and mounts of the user's own. A variable keeps the value of
// the container's start.
func (n needs) template(t v1.BridgeTemplate) {
	if t.Pod != nil {
		for _, v := range t.Pod.Volumes {
			if v.Secret == nil || optional(v.Secret.Optional) {
				continue
			}
			s := n.of(v.Secret.SecretName, "spec.template.pod.volumes", false)
			for _, item := range v.Secret.Items {
				s.Keys = append(s.Keys, item.Key)
			}
		}
	}
	if t.BridgeContainer == nil {
		return
	}
	for _, e := range t.BridgeContainer.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && !optional(e.ValueFrom.SecretKeyRef.Optional) {
			ref := e.ValueFrom.SecretKeyRef
			n.rolling("spec.template.bridgeContainer.env", &v1.GenericSecretSource{SecretName: ref.Name, Key: ref.Key})
		}
	}
}

// optional says that a container starts without it.
func optional(o *bool) bool { return o != nil && *o }

// rolling adds a password or a token.
func (n needs) rolling(field string, source *v1.GenericSecretSource) {
	if source == nil {
		return
	}
	s := n.of(source.SecretName, field, false)
	s.Keys = append(s.Keys, source.Key)
	s.Rolls = append(s.Rolls, source.Key)
}

// sorted makes the result the same every time, each key once.
func (n needs) sorted() []SecretKeys {
	var all []SecretKeys
	for _, s := range n {
		for _, list := range []*[]string{&s.Keys, &s.Patterns, &s.Rolls, &s.Fields} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		all = append(all, *s)
	}
	slices.SortFunc(all, func(x, y SecretKeys) int { return cmp.Compare(x.Secret, y.Secret) })
	return all
}
