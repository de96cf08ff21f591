package cluster

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// isHost reports whether clients can take a text for a host: a name, or an address, which of IPv6 may have brackets.
func isHost(text string) bool {
	address, err := netip.ParseAddr(withoutBrackets(text))
	return err == nil && address.Zone() == "" || len(validation.IsDNS1123Subdomain(strings.ToLower(text))) == 0
}

// isHostName reports whether a text is a name by which connections can be told apart: TLS sends no addresses (RFC 6066, 3), and
// an Ingress has no capitals.
func isHostName(text string) bool {
	_, err := netip.ParseAddr(text)
	return err != nil && len(validation.IsDNS1123Subdomain(text)) == 0
}

// withoutBrackets is an address of IPv6 as it stands alone; other texts stay.
func withoutBrackets(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.Contains(inner, ":") && strings.HasSuffix(inner, "]") {
		return strings.TrimSuffix(inner, "]")
	}
	return host
}

// hostsTwice refuses host names by which two ways can't be told apart.
func (b *builder) hostsTwice() {
	whose := map[string]string{}
	take := func(field, host, who string) {
		if host == "" {
			return
		}
		if other, taken := whose[host]; taken {
			b.Invalid(field, "the host %s of %s is that of %s already: each needs its own, such as by {nodeId} in hostTemplate", host, who, other)
			return
		}
		whose[host] = who
	}
	for k, l := range b.out.Listeners {
		if !hosted.has(l.Type) {
			continue
		}
		field := fmt.Sprintf("spec.kafka.listeners[%d].configuration", k)
		take(field, l.BootstrapHost, "the bootstrap of "+l.Name)
		for _, id := range slices.Sorted(maps.Keys(l.Hosts)) {
			take(field, l.Hosts[id], fmt.Sprintf("node %d of %s", id, l.Name))
		}
	}
}

// addressesTwice warns of brokers that clients would take for each other. Somebody may have a program between them that knows.
func (b *builder) addressesTwice() {
	for k, l := range b.out.Listeners {
		whose := map[Address]int32{}
		b.each(func(n *Node) {
			address, known := n.Advertised[l.Kafka]
			if other, taken := whose[address]; taken && known && !hosted.has(l.Type) {
				b.Warn(ReasonSameAddress, "spec.kafka.listeners[%d].configuration: the nodes %d and %d both advertise %s:%d, and clients take one for the other: "+
					"write {nodeId} into advertisedHostTemplate or advertisedPortTemplate", k, other, n.ID, address.Host, address.Port)
			}
			whose[address] = n.ID
		})
	}
}

// bootstrapWords checks what is said of the way to any broker.
func (b *builder) bootstrapWords(field string, s *v1.ListenerBootstrap) {
	if s == nil {
		return
	}
	b.TemplateMetadata(field, &v1.MetadataTemplate{Labels: s.Labels, Annotations: s.Annotations})
	for i, name := range s.AlternativeNames {
		odd := func(r rune) bool { return r <= ' ' || r > unicode.MaxASCII }
		if name == "" || strings.ContainsFunc(name, odd) { // IA5String in RFC 5280, 4.2.1.6
			b.Invalid(fmt.Sprintf("%s.alternativeNames[%d]", field, i), "%q is no name that a certificate can be for: write names of hosts "+
				"(those with other letters as xn--…) and addresses", name)
		}
	}
}
