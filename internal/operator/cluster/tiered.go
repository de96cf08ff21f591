package cluster

import (
	"strconv"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// quotas are defaults for all users, which the admin protocol sets.
func (b *builder) quotas() {
	q := b.spec.Quotas
	if q == nil {
		return
	}
	const field = "spec.kafka.quotas"
	if _, ok := b.shared["client.quota.callback.class"]; ok {
		b.Warn(ReasonQuotas, "%s: client.quota.callback.class may not look at %s", configField, field)
	}
	switch q.Type {
	case v1.QuotasKafka:
		if q.MinAvailableBytesPerVolume != nil || q.MinAvailableRatioPerVolume != nil || len(q.ExcludedPrincipals) > 0 {
			b.NoEffect(field+": minAvailableBytesPerVolume, minAvailableRatioPerVolume and excludedPrincipals", "they are for a plugin that the stock image does not have")
		}
		b.out.Quotas = q
	case v1.QuotasStrimzi:
		b.NoEffect(field+" of type strimzi", "the stock image does not have the plugin: write type kafka, with quotas for each user")
	default:
		b.Invalid(field+".type", "%q is not kafka", q.Type)
	}
}

// tieredStorage writes where old segments go (KIP-405).
func (b *builder) tieredStorage() {
	t := b.spec.TieredStorage
	if t == nil {
		return
	}
	const field = "spec.kafka.tieredStorage"
	if t.Type != "custom" {
		b.Invalid(field+".type", "%q is not custom", t.Type)
	}
	m := t.RemoteStorageManager
	if m == nil || m.ClassName == "" {
		b.Invalid(field+".remoteStorageManager.className", "is missing: the class of the plugin in spec.kafka.image")
		return
	}
	b.shared["remote.log.storage.system.enable"] = "true"
	b.shared["remote.log.storage.manager.class.name"] = m.ClassName
	if m.ClassPath != "" {
		b.shared["remote.log.storage.manager.class.path"] = m.ClassPath
	}
	b.shared["remote.log.storage.manager.impl.prefix"] = "rsm.config."
	for key, value := range m.Config {
		b.shared["rsm.config."+key] = value
	}
	b.shared["remote.log.metadata.manager.class.name"] = "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager"
	b.shared["remote.log.metadata.manager.listener.name"] = names.ListenerReplication
	b.shared["remote.log.metadata.manager.impl.prefix"] = tieredPrefix
	if brokers := b.brokers(); brokers > 0 && brokers < 3 {
		b.shared[tieredPrefix+"remote.log.metadata.topic.replication.factor"] = strconv.Itoa(brokers)
	}
	const client = tieredPrefix + "remote.log.metadata.common.client."
	b.shared[client+"security.protocol"] = "SSL"
	b.shared[client+"ssl.keystore.type"] = "PEM"
	b.shared[client+"ssl.truststore.type"] = "PEM"
	b.shared[client+"ssl.truststore.location"] = names.DirTrust + "/" + names.KeyClusterCA
}

const tieredPrefix = "rlmm.config."

// tieredStorageOf gives the client of a broker, by which it keeps what is where, the broker's key.
func (b *builder) tieredStorageOf(n *Node, store string) {
	if b.spec.TieredStorage != nil {
		n.Config[tieredPrefix+"remote.log.metadata.common.client.ssl.keystore.location"] = store
	}
}
