package cluster

import (
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	lingerKey = "controller.quorum.append.linger.ms"
	// linger is how long a controller waits for more changes before it writes one: Kafka's 25 ms are most of the time that the
	// change of a topic or a user takes, and with 1 ms there still is one write for what comes at once.
	linger = "1"
)

// kraft writes what makes the nodes a cluster: roles, listeners, the quorum, and who may speak on the listeners between them.
func (b *builder) kraft() {
	b.shared["controller.listener.names"] = names.ListenerControlPlane
	b.shared["inter.broker.listener.name"] = names.ListenerReplication
	b.shared[votersKey] = b.quorumVoters()
	if _, known := b.out.Version.Option(lingerKey); known {
		b.shared[lingerKey] = linger
	}
	for _, listener := range []string{names.ListenerControlPlane, names.ListenerReplication} {
		prefix := prefixOf(listener)
		b.shared[prefix+"ssl.client.auth"] = "required"
		b.shared[prefix+"ssl.keystore.type"] = "PEM"
		b.shared[prefix+"ssl.truststore.type"] = "PEM"
		b.shared[prefix+"ssl.truststore.location"] = names.DirTrust + "/" + names.KeyClusterCA
	}
	// Controllers resolve the listener between brokers too, so the map is the same everywhere.
	protocols := append([]string{names.ListenerControlPlane + ":SSL", names.ListenerReplication + ":SSL"}, b.protocols...)
	b.listener["listener.security.protocol.map"] = strings.Join(protocols, ",")
	b.each(b.nodeSettings)
}

// quorumVoters are the controllers with their addresses, in the syntax of controller.quorum.voters.
func (b *builder) quorumVoters() string {
	var voters []string
	b.each(func(n *Node) {
		if n.Controller {
			voters = append(voters, decimal(n.ID)+"@"+n.Host+":"+decimal(names.PortControlPlane))
		}
	})
	slices.SortFunc(voters, byID)
	return strings.Join(voters, ",")
}

// byID compares id@host:port by the id.
func byID(x, y string) int {
	before := func(s string) string { id, _, _ := strings.Cut(s, "@"); return id }
	if d := len(before(x)) - len(before(y)); d != 0 {
		return d
	}
	return strings.Compare(before(x), before(y))
}

// nodeSettings writes what one node has of its own: its roles, its listeners, and its key on each of them.
func (b *builder) nodeSettings(n *Node) {
	n.Config["node.id"] = decimal(n.ID)
	store := names.DirRun + "/" + n.Pod + names.SuffixCombinedStore
	var roles, listeners []string
	if n.Controller {
		roles = append(roles, "controller")
		listeners = append(listeners, bind(names.ListenerControlPlane, names.PortControlPlane))
	}
	// Brokers are clients of the controllers' listener, with the same settings.
	n.Config[prefixOf(names.ListenerControlPlane)+"ssl.keystore.location"] = store
	if n.Broker {
		roles = append(roles, "broker")
		listeners = append(listeners, bind(names.ListenerReplication, names.PortReplication))
		n.Config[prefixOf(names.ListenerReplication)+"ssl.keystore.location"] = store
		for _, l := range b.out.Listeners {
			listeners = append(listeners, bind(l.Kafka, l.Port))
			if l.TLS && l.Certificate == nil {
				n.Config[prefixOf(l.Kafka)+"ssl.keystore.location"] = store
			}
		}
		b.rackOf(n)
		b.tieredStorageOf(n, store)
	}
	n.Config["process.roles"] = strings.Join(roles, ",")
	n.Config["listeners"] = strings.Join(listeners, ",")
}

// bind has a listener take connections on all addresses of the pod.
func bind(listener string, port int32) string { return listener + "://0.0.0.0:" + decimal(port) }
