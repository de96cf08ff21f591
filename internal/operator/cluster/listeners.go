package cluster

import (
	"fmt"
	"regexp"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// listenerName is the reference operator's: the name is part of names of Services, ports and settings.
var listenerName = regexp.MustCompile(`^[a-z0-9]{1,11}$`)

// lowestPort leaves the ports below to the nodes themselves.
const lowestPort = 9092

// listeners takes the places where clients connect, and what each broker has of them.
func (b *builder) listeners() {
	if len(b.spec.Listeners) == 0 {
		b.Invalid("spec.kafka.listeners", "is missing: write at least one, such as {name: plain, port: 9092, type: internal, tls: false}")
	}
	byName, byPort := map[string]bool{}, map[int32]string{}
	for i, spec := range b.spec.Listeners {
		field := fmt.Sprintf("spec.kafka.listeners[%d]", i)
		if byName[spec.Name] {
			b.Invalid(field+".name", "%q is there twice: each listener needs a name of its own", spec.Name)
		}
		if other, taken := byPort[spec.Port]; taken {
			b.Invalid(field+".port", "%d is the port of the listener %s already: each needs its own", spec.Port, other)
		}
		byName[spec.Name], byPort[spec.Port] = true, spec.Name
		b.checkListener(field, spec)
		b.out.Listeners = append(b.out.Listeners, b.listenerOf(field, spec))
	}
	b.nodePorts()
	b.addresses()
	b.certificateNames()
}

// checkListener refuses what contradicts itself.
func (b *builder) checkListener(field string, l v1.Listener) {
	if !listenerName.MatchString(l.Name) {
		b.Invalid(field+".name", "%q is not 1 to 11 lower-case letters and digits", l.Name)
	}
	switch {
	case l.Port < lowestPort || l.Port > 65535:
		b.Invalid(field+".port", "%d is not from %d to 65535", l.Port, lowestPort)
	case l.Port == names.PortMetrics || l.Port == names.PortJMX:
		b.Invalid(field+".port", "%d is for metrics or Java's management extensions: take another one", l.Port)
	}
	if !listenerTypes.has(l.Type) {
		b.Invalid(field+".type", "%q is not one of %s", l.Type, listenerTypes)
	}
	if !l.TLS && hosted.has(l.Type) {
		b.Invalid(field+".tls", "has to be true: a listener of type %s is told apart by the name that clients send with TLS", l.Type)
	}
	if c := l.Configuration; c != nil {
		b.checkOptions(field+".configuration", l)
		b.ownCertificate(field, l)
	}
}

// ownCertificate is brokerCertChainAndKey, which must be there.
func (b *builder) ownCertificate(field string, l v1.Listener) {
	c := l.Configuration.BrokerCertChainAndKey
	if c == nil {
		return
	}
	field += ".configuration.brokerCertChainAndKey"
	if !l.TLS {
		b.Invalid(field, "needs tls: true on the listener")
	}
	for _, key := range []struct{ name, value string }{{"certificate", c.Certificate}, {"key", c.Key}} {
		b.secretKey(field+"."+key.name, c.SecretName, key.value)
	}
}

// secretKey refuses a key of a Secret that is not there, if somebody has looked.
func (b *builder) secretKey(field, secret, key string) {
	switch {
	case secret == "" || key == "":
		b.Invalid(field, "needs the name of a Secret and one of its keys")
	case b.in.Observed.SecretHashes != nil && b.in.Observed.SecretHashes[secret+"/"+key] == "":
		b.Invalid(field, "there is no Secret %s with the key %s in the namespace %s: make it, or name another one", secret, key, b.kafka.Namespace)
	}
}

// listenerOf is a listener without what differs from broker to broker.
func (b *builder) listenerOf(field string, spec v1.Listener) Listener {
	l := Listener{
		Name: spec.Name, Port: spec.Port, Type: spec.Type, TLS: spec.TLS, Spec: spec,
		Kafka: names.KafkaListener(spec.Name, spec.Port), PortName: names.ListenerPort(spec.Name, spec.Port),
		Services: map[int32]string{}, Hosts: map[int32]string{}, Metadata: map[int32]v1.MetadataTemplate{},
	}
	if spec.Authentication != nil {
		l.Auth = spec.Authentication.Type
	}
	if l.Spec.Configuration == nil {
		l.Spec.Configuration = &v1.ListenerConfiguration{}
	}
	c := l.Spec.Configuration
	if l.Spec.TLS {
		l.Certificate = c.BrokerCertChainAndKey
	}
	if l.Type != v1.ListenerInternal && (c.CreateBootstrapService == nil || *c.CreateBootstrapService) {
		l.BootstrapService = names.KafkaListenerService(b.kafka.Name, l.Name)
	}
	if hosted.has(l.Type) && c.Bootstrap != nil {
		l.BootstrapHost = c.Bootstrap.Host
	}
	b.listenerSettings(field, l)
	return l
}
