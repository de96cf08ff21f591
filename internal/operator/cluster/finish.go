package cluster

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// finish settles what depends on everything else: which settings change how, and the hashes of those that need a restart.
func (b *builder) finish() {
	b.javaProperties()
	slices.SortFunc(b.out.External, func(x, y External) int { return cmp.Compare(x.Name, y.Name) })
	for i := range b.out.External {
		e := &b.out.External[i]
		slices.Sort(e.Keys)
		e.Keys = slices.Compact(e.Keys)
	}
	slices.Sort(b.out.Pending)
	b.out.Pending = slices.Compact(b.out.Pending)
	b.out.Shared, b.out.ListenerConfig = b.shared, b.listener

	restart := b.divide()
	b.out.DynamicHash = hash(kafkaconf.Hash(b.out.PerBroker), kafkaconf.Hash(b.out.ClusterWide))
	common := hash(kafkaconf.Hash(restart), b.externalHash(), b.loggingHash())
	b.each(func(n *Node) { n.ConfigurationHash = hash(common, kafkaconf.Hash(n.Config), fmt.Sprint(n.Advertised)) })
}

// divide finds out which settings Kafka changes at run time, and returns the others. Among those is what the operator writes of
// listeners, but for limits: it is the nodes' own way to each other, or changes how clients are let in. So is what has
// references: Kafka shows what they stand for, which would never look like what is wanted.
func (b *builder) divide() (restart map[string]string) {
	fixed, maybe := map[string]string{}, map[string]string{}
	for _, settings := range []map[string]string{b.shared, b.listener} {
		for key, value := range settings {
			_, option, _ := kafkaconf.ListenerOption(key)
			users := strings.HasPrefix(b.fields[key], configField) || strings.HasPrefix(option, "max.connection")
			switch {
			case strings.HasPrefix(key, "listener.") && !users, strings.Contains(value, "${"):
				fixed[key] = value
			default:
				maybe[key] = value
			}
		}
	}
	restart, b.out.PerBroker, b.out.ClusterWide = b.out.Version.Split(maybe)
	maps.Copy(restart, fixed)
	return restart
}

// externalHash changes with what is in the Secrets that settings refer to: steg-node reads them once.
func (b *builder) externalHash() string {
	var parts []string
	for _, e := range b.out.External {
		for _, key := range e.Keys {
			parts = append(parts, e.Secret, key, b.in.Observed.SecretHashes[e.Secret+"/"+key])
		}
	}
	return hash(parts...)
}

// loggingHash changes with the logging file where that is read once.
func (b *builder) loggingHash() string {
	if b.out.LogFile == names.FileLog4j2 {
		return ""
	}
	return b.out.Log4j
}

// hash is 16 hexadecimal digits of texts.
func hash(texts ...string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%q", texts)))
	return hex.EncodeToString(sum[:8])
}
