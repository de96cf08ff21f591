package model

import (
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/origins"
)

// http takes the API's port, certificate and cross-origin rules.
func (b *bridgeBuilder) http() {
	b.out.HTTP.Port = names.PortAPI
	field := ""
	if h := b.spec.HTTP; h != nil {
		if h.Port != nil {
			b.out.HTTP.Port, field = *h.Port, "spec.http.port"
		}
		b.https()
		b.cors()
	}
	switch port := b.out.HTTP.Port; {
	case port < 1023 || port > 65535: // the reference operator's bound
		b.Invalid("spec.http.port", "%d is not between 1023 and 65535", port)
	case port == names.PortManagement:
		b.Invalid("spec.http.port", "%d is the port of probes and metrics: choose another one", port)
	}
	b.setAPI("http.host", "*", "")
	b.setAPI("http.port", decimal(b.out.HTTP.Port), field)
	b.setAPI("http.management.port", decimal(names.PortManagement), "")
}

// https is TLS on the API of deployed bridges.
func (b *bridgeBuilder) https() {
	tls := b.spec.HTTP.TLS
	if tls == nil {
		return
	}
	const field = "spec.http.tls.certificateAndKey"
	c := tls.CertificateAndKey
	b.certificateAndKey(field, c)
	b.out.HTTP.TLS = true
	b.out.HTTP.Volume = Volume{Name: names.VolumeHTTP, Path: names.DirHTTP, Sources: []Source{{Secret: c.SecretName, Items: itemsOf(c.Certificate, c.Key)}}}
	b.setAPI("http.ssl.enable", "true", "spec.http.tls")
	b.setAPI("http.ssl.certificate.location", names.DirHTTP+"/"+c.Certificate, field)
	b.setAPI("http.ssl.key.location", names.DirHTTP+"/"+c.Key, field)
	for _, e := range b.FreeForm("spec.http.tls.config", tls.Config) {
		if !slices.Contains([]string{"ssl.enabled.protocols", "ssl.enabled.cipher.suites"}, e.Key) {
			b.Warn(ReasonForbiddenFields, "spec.http.tls.config: %s is left out: only ssl.enabled.protocols and ssl.enabled.cipher.suites can be set here", e.Key)
			continue
		}
		b.setAPI("http."+e.Key, e.Value, "spec.http.tls.config."+e.Key)
	}
}

// cors is who may call from a page of another origin.
func (b *bridgeBuilder) cors() {
	c := b.spec.HTTP.CORS
	if c == nil {
		return
	}
	b.set("http.cors.enabled", "true", "spec.http.cors")
	if len(c.AllowedOrigins) > 0 {
		const field = "spec.http.cors.allowedOrigins"
		list := strings.Join(c.AllowedOrigins, ",")
		if _, err := origins.Parse(list); err != nil { // the bridge would not start
			b.Invalid(field, `%v: each is * or a Java regular expression for a whole origin, such as https://[a-z]+\.example\.com`, err)
		}
		b.set("http.cors.allowedOrigins", list, field)
	}
	if len(c.AllowedMethods) > 0 {
		b.set("http.cors.allowedMethods", strings.Join(c.AllowedMethods, ","), "spec.http.cors.allowedMethods")
	}
}
