package cluster

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const configField = "spec.kafka.config"

// config takes spec.kafka.config over what was written so far, and adds the defaults that depend on the size of the cluster.
func (b *builder) config() {
	own := map[string]string{}
	for _, e := range b.FreeForm(configField, b.spec.Config) {
		switch {
		case e.Key == "inter.broker.protocol.version":
			b.Warn(ReasonInterBroker, "%s: %s is left out: brokers agree by spec.kafka.metadataVersion", configField, e.Key)
		case e.Key == "log.message.format.version":
			b.Warn(ReasonMessageFormat, "%s: %s is left out: all records are written in the newest format", configField, e.Key)
		case strings.HasPrefix(e.Key, "zookeeper."):
			b.Warn(model.ReasonForbiddenFields, "%s: %s is left out: there is no ZooKeeper", configField, e.Key)
		case kafkaconf.Forbidden(e.Key) && e.Key != lingerKey:
			b.Warn(model.ReasonForbiddenFields, "%s: %s is left out: only the operator sets it, from other fields", configField, e.Key)
		default:
			own[e.Key] = e.Value
			b.fields[e.Key] = configField + "." + e.Key
			b.limitOfNobody(e.Key)
		}
	}
	b.replication(own)
	b.tieredStorage()
	maps.Copy(b.shared, own)
	b.providers()
	b.quotas()
}

// limitOfNobody warns of a listener's limit where there is no such listener.
func (b *builder) limitOfNobody(key string) {
	listener, _, ok := kafkaconf.ListenerOption(key)
	if ok && !slices.ContainsFunc(b.out.Listeners, func(l Listener) bool { return strings.ToLower(l.Kafka) == listener }) {
		b.NoEffect(configField+"."+key, "there is no listener "+listener+": its name and its port are meant, such as plain-9092")
	}
}

// Settings that say how many copies there are.
const (
	defaultFactor  = "default.replication.factor"
	minISR         = "min.insync.replicas"
	offsetsFactor  = "offsets.topic.replication.factor"
	transactions   = "transaction.state.log.replication.factor"
	transactionISR = "transaction.state.log.min.isr"
	shareFactor    = "share.coordinator.state.topic.replication.factor"
	shareISR       = "share.coordinator.state.topic.min.isr"
)

// replication judges how many copies there are of everything. Kafka's own defaults want three brokers, and with less no
// consumer group would ever work; the user's numbers have to fit the brokers.
func (b *builder) replication(own map[string]string) {
	brokers := b.brokers()
	for _, key := range []string{defaultFactor, offsetsFactor, transactions, transactionISR, shareFactor, shareISR} {
		if n, ok := number(own[key]); ok && brokers > 0 && n > brokers {
			b.Invalid(configField+"."+key, "%d is more than the number of brokers, which is %d: write %d at most, or add brokers", n, brokers, brokers)
		}
	}
	for _, t := range []struct{ factor, isr string }{{offsetsFactor, ""}, {transactions, transactionISR}, {shareFactor, shareISR}} {
		factor, ok := number(own[t.factor])
		if !ok {
			factor = min(3, brokers)
		}
		b.lessThanUsual(t.factor, factor, 3)
		b.lessThanUsual(t.isr, min(2, factor), 2)
	}
	factor, hasFactor := number(own[defaultFactor])
	inSync, hasInSync := number(own[minISR])
	if brokers > 1 && own[defaultFactor] == "" {
		b.Warn(ReasonReplication, "%s: %s is missing, and new topics have one replica, which is lost with its broker: set it, 3 is usual", configField, defaultFactor)
	}
	if brokers > 1 && own[minISR] == "" {
		b.Warn(ReasonMinISR, "%s: %s is missing, and a record counts as written that one broker has: set it, 2 is usual with 3 replicas", configField, minISR)
	}
	if hasFactor && hasInSync && inSync > factor {
		// Brokers take the smaller one, and so all replicas have to be in sync.
		b.Warn(ReasonMinISR, "%s: %s is %d and %s is %d: nobody can write with acks=all to topics with that many replicas while one of their brokers is away",
			configField, minISR, inSync, defaultFactor, factor)
	}
	b.shared[minISR] = "1"
}

// lessThanUsual sets what would be Kafka's default with enough brokers.
func (b *builder) lessThanUsual(key string, value, usual int) {
	if _, known := b.out.Version.Option(key); known && 0 < value && value < usual {
		b.shared[key] = strconv.Itoa(value)
	}
}

// number reads a whole number. What is none is the business of the table of options.
func number(text string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return n, err == nil
}

// plainSecrets warns of secrets among the user's settings, which end up in a ConfigMap. They are not repeated.
func (b *builder) plainSecrets(settings map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		field, users := b.fields[key]
		value := strings.ToLower(settings[key])
		option, _ := b.out.Version.Option(key)
		secret := option.Type == kafkaconf.TypePassword || strings.HasSuffix(key, ".password") || strings.HasSuffix(key, ".secret")
		if strings.HasSuffix(key, "sasl.jaas.config") {
			secret = strings.Contains(value, "password=") || strings.Contains(value, "secret=")
		}
		if users && secret && value != "" && !strings.Contains(value, "${") {
			b.Warn(model.ReasonPlainSecret, "%s holds a secret that whoever reads the resource or the ConfigMap can see: mount a Secret by "+
				"spec.kafka.template, and refer to its file, as in ${strimzidir:/mnt/name:key}", field)
		}
	}
}

// judgeConfig has the table of options judge everything that is written.
func (b *builder) judgeConfig() {
	all := maps.Clone(b.shared)
	maps.Copy(all, b.listener)
	b.plainSecrets(all)
	if _, err := config.Settings(all).Needs(); err != nil {
		b.Invalid("spec.kafka", "%v: ${node.…}, ${pod.…} and ${steg.…} are read by steg-node, which knows node.id, node.address, node.rack and pod.name", err)
	}
	for key, value := range all {
		if strings.Contains(value, "${") {
			delete(all, key) // known in the pod only
		}
	}
	bad, unknown := b.out.Version.Check(all)
	for _, p := range bad {
		b.Invalid(b.fieldOf(p.Key), "%s", p.Message)
	}
	for _, p := range unknown {
		if field, ok := b.fields[p.Key]; ok {
			b.Warn(ReasonUnknownOption, "%s: %s", field, p.Message)
		}
	}
}

// fieldOf returns the field that a setting is from.
func (b *builder) fieldOf(key string) string {
	if field, ok := b.fields[key]; ok {
		return field
	}
	return configField + "." + key
}

// providers declares the config providers that settings refer to by the reference operator's aliases. Its own one, which reads
// Secrets by the Kubernetes API, is not in the stock image.
func (b *builder) providers() {
	const class, reachable = "org.apache.kafka.common.config.provider.", "/opt/kafka,/mnt,/etc/steg"
	var aliases []string
	for _, p := range []struct{ alias, class, param, value string }{
		{names.AliasStrimziEnvironment, class + "EnvVarConfigProvider", "allowlist.pattern", ".*"},
		{names.AliasStrimziFile, class + "FileConfigProvider", "allowed.paths", reachable},
		{names.AliasStrimziDirectory, class + "DirectoryConfigProvider", "allowed.paths", reachable},
	} {
		if !b.refersTo(p.alias) {
			continue
		}
		aliases = append(aliases, p.alias)
		b.shared["config.providers."+p.alias+".class"] = p.class
		b.shared["config.providers."+p.alias+".param."+p.param] = p.value
	}
	if len(aliases) > 0 {
		if own := b.shared["config.providers"]; own != "" {
			aliases = append(aliases, own)
		}
		b.shared["config.providers"] = strings.Join(aliases, ",")
	}
	if b.refersTo(names.AliasStrimziSecrets) {
		b.Invalid("spec.kafka", "${%s:…} needs a class that the stock image does not have: mount the Secret by spec.kafka.template.pod.volumes and "+
			"kafkaContainer.volumeMounts, and write ${%s:/mnt/…:key}", names.AliasStrimziSecrets, names.AliasStrimziDirectory)
	}
}

// refersTo reports whether a setting has a reference with this alias.
func (b *builder) refersTo(alias string) bool {
	refers := func(value string) bool { return strings.Contains(value, "${"+alias+":") }
	if slices.ContainsFunc(slices.Collect(maps.Values(b.shared)), refers) || slices.ContainsFunc(slices.Collect(maps.Values(b.listener)), refers) {
		return true
	}
	found := false
	b.each(func(n *Node) { found = found || slices.ContainsFunc(slices.Collect(maps.Values(n.Config)), refers) })
	return found
}
