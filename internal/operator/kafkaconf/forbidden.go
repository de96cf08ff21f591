package kafkaconf

import "strings"

// The options that belong to the operator, as Strimzi's operator has them in its latest version: what starts with one of
// the first is forbidden unless it is one of the second. ZooKeeper's and Cruise Control's stay, so that a resource is
// judged here as there.
const (
	forbiddenPrefixes = `listeners advertised. broker. listener. host.name port inter.broker.listener.name
		sasl. ssl. security. password. log.dir metadata.log.dir cordoned.log.dirs authorizer. super.user
		node.id process.roles controller. zookeeper.connect zookeeper.set.acl zookeeper.ssl zookeeper.clientcnxnsocket
		zookeeper.metadata.migration.enable
		cruise.control.metrics.topic cruise.control.metrics.reporter.bootstrap.servers
		client.quota.callback.static.kafka.admin. client.quota.callback.static.produce client.quota.callback.static.fetch
		client.quota.callback.static.storage.per.volume.limit.min.available.
		client.quota.callback.static.excluded.principal.name.list
		prometheus.metrics.reporter.`

	forbiddenExceptions = `zookeeper.connection.timeout.ms sasl.server.max.receive.size
		ssl.cipher.suites ssl.protocol ssl.enabled.protocols ssl.secure.random.implementation
		cruise.control.metrics.topic.num.partitions cruise.control.metrics.topic.replication.factor
		cruise.control.metrics.topic.retention.ms cruise.control.metrics.topic.auto.create.retries
		cruise.control.metrics.topic.auto.create.timeout.ms cruise.control.metrics.topic.min.insync.replicas
		broker.session.timeout.ms broker.heartbeat.interval.ms controller.socket.timeout.ms
		controller.quorum.election.backoff.max.ms controller.quorum.election.timeout.ms controller.quorum.fetch.timeout.ms`

	allowedOfListener = `connections.max.reauth.ms max.connections max.connection.creation.rate`

	forbiddenOfAuthentication = `ssl.keystore.`
)

// Forbidden reports whether the configuration of a Kafka resource (spec.kafka.config) may not set a key. What is allowed for
// a listener, see ListenerOption, is not forbidden; whether there is such a listener is for the caller to check.
func Forbidden(key string) bool {
	if _, _, ok := ListenerOption(key); ok {
		return false
	}
	return startsWithOne(key, forbiddenPrefixes) && !isOne(key, forbiddenExceptions)
}

// ListenerOption splits listener.name.<listener>.<option> where the option is one that a Kafka resource may set for a single
// listener. The listener is its name and port in lower case, such as external-9094.
func ListenerOption(key string) (listener, option string, ok bool) {
	listener, option, ok = cutListener(key)
	if !ok || !isOne(option, allowedOfListener) {
		return "", "", false
	}
	return listener, option, true
}

// ForbiddenInListener reports whether a listener's custom authentication (listenerConfig) may not set a key: the listener's
// own certificate belongs to the operator. The key has no listener's prefix, that comes from where it stands.
func ForbiddenInListener(key string) bool { return startsWithOne(key, forbiddenOfAuthentication) }

// startsWithOne reports whether a key starts, in any case, with one of the words, which are in lower case. The exceptions
// to them count in their own case only, as Kafka would not read them in another.
func startsWithOne(key, words string) bool {
	key = strings.ToLower(key)
	for prefix := range strings.FieldsSeq(words) {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// isOne reports whether a key is one of the words.
func isOne(key, words string) bool {
	for word := range strings.FieldsSeq(words) {
		if key == word {
			return true
		}
	}
	return false
}
