package kafka

import (
	"slices"
	"strings"
)

// The table of decisions, by the part of a Config that they fill. Reasons follow "because" or a colon.

// connectionDecisions are the settings of addresses, connections, retries and time limits, which all three clients have.
func connectionDecisions() []Decision {
	const systems = "left to the system unless set, since the system's choice grows with the connection"
	return slices.Concat([]Decision{
		option("bootstrap.servers", func(c *draft, v value) { c.Bootstrap = slices.Clone(v.list) }),
		option("client.id", func(c *draft, v value) { c.ClientID = v.text }),
		option("client.rack", func(c *draft, v value) { c.ClientRack = v.text }),
		differs("request.timeout.ms", "at least 100 ms, at most 15 min; a producer's requests spend it partly at the broker",
			func(c *draft, v value) { c.RequestTimeout = v.millis() }),
		option("default.api.timeout.ms", func(c *draft, v value) { c.DefaultAPITimeout = v.millis() }),
		differs("metadata.max.age.ms", "at most 1 h", func(c *draft, v value) { c.MetadataMaxAge = v.millis() }),
		differs("connections.max.idle.ms", "at least 100 ms, at most 15 min", func(c *draft, v value) { c.ConnectionsMaxIdle = v.millis() }),
		differs("socket.connection.setup.timeout.ms", "does not grow with repeated failures",
			func(c *draft, v value) { c.ConnectTimeout = v.millis() }),
		differs("retry.backoff.ms", "governs reconnecting too", func(c *draft, v value) { c.RetryBackoff = v.millis() }),
		option("retry.backoff.max.ms", func(c *draft, v value) { c.RetryBackoffMax = v.millis() }),
		option("retries", func(c *draft, v value) { c.Retries = int(v.whole) }),
		differs("send.buffer.bytes", systems, func(c *draft, v value) { c.SendBuffer = bufferSize(v) }),
		differs("receive.buffer.bytes", systems, func(c *draft, v value) { c.ReceiveBuffer = bufferSize(v) }),
		option("enable.metrics.push", func(c *draft, v value) { c.PushMetrics = v.flag }),
		notSupported("bootstrap.controllers", "topics are described and created through brokers"),
		notSupported("client.dns.lookup", "names are not replaced by their canonical form; all addresses of a name are tried"),
	},
		noEffect("retry.backoff.ms and retry.backoff.max.ms govern reconnecting too",
			"reconnect.backoff.ms", "reconnect.backoff.max.ms"),
		noEffect("one attempt to connect always has socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms"),
		noEffect("the client goes back to the bootstrap servers by itself when no broker answers",
			"metadata.recovery.strategy", "metadata.recovery.rebootstrap.trigger.ms"),
	)
}

// bufferSize leaves a socket's buffer to the system unless it is set: a fixed size, such as Java's defaults, would turn the
// kernel's own adjustment off.
func bufferSize(v value) int {
	if !v.given {
		return -1
	}
	return int(v.whole)
}

// producerDecisions are the settings that only a producer knows.
func producerDecisions() []Decision {
	return slices.Concat([]Decision{
		option("acks", func(c *draft, v value) { c.Producer.Acks = acks(v.text) }),
		differs("linger.ms", "0 unless set, where the Java producer waits 5 ms: batches form by themselves while a request is "+
			"under way; at most 1 min", func(c *draft, v value) {
			if v.given {
				c.Producer.Linger = v.millis()
			}
		}),
		option("max.block.ms", func(c *draft, v value) { c.Producer.MaxBlock = v.millis() }),
		differs("delivery.timeout.ms", "at least 1 s", func(c *draft, v value) { c.Producer.DeliveryTimeout = v.millis() }),
		differs("max.request.size", "bounds one record and one batch; a request can hold several batches",
			func(c *draft, v value) { c.Producer.MaxRequestBytes = int32(v.whole) }),
		differs("batch.size", "when keyless records go on to another partition; batches themselves grow while a request is under way, "+
			"up to max.request.size", func(c *draft, v value) { c.Producer.BatchBytes = int32(v.whole) }),
		option("buffer.memory", func(c *draft, v value) { c.Producer.BufferMemory = v.whole }),
		option("enable.idempotence", func(c *draft, v value) { c.Producer.Idempotent = v.flag }),
		option("compression.type", func(c *draft, v value) { c.Producer.Compression = v.text }),
		option("compression.gzip.level", level("gzip")),
		differs("compression.lz4.level", "9, the default, is the fast compressor, as in Java; levels above 9 are taken as the highest one",
			level("lz4")),
		differs("compression.zstd.level", "levels are grouped into four: below 3, 3 to 5, 6 to 9, from 10", level("zstd")),
		notSupported("partitioner.class", "a partitioner is Java code; org.apache.kafka.clients.producer.RoundRobinPartitioner is known").
			accepting(roundRobinPartitioner).
			taking(func(c *draft, v value) { c.Producer.RoundRobin = v.text == roundRobinPartitioner }),
		option("partitioner.ignore.keys", func(c *draft, v value) { c.Producer.IgnoreKeys = v.flag }),
		notSupported("transactional.id", "each HTTP request stands for itself; there are no transactions"),
		notSupported("transaction.two.phase.commit.enable", "there are no transactions"),
	},
		noEffect("there are no transactions", "transaction.timeout.ms"),
		noEffect("the idempotent producer pipelines five requests and keeps their order; any other one has a single request "+
			"under way for each broker, so that order is kept", "max.in.flight.requests.per.connection"),
		noEffect("slow brokers are answered by a byte budget for each of them, not by avoiding them",
			"partitioner.adaptive.partitioning.enable", "partitioner.availability.timeout.ms"),
		noEffect("the metadata of a topic are kept as long as the client", "metadata.max.idle.ms"),
	)
}

// roundRobinPartitioner is the one class of Kafka's own that partitioner.class can name; the default has no name.
const roundRobinPartitioner = "org.apache.kafka.clients.producer.RoundRobinPartitioner"

// acks turns a valid value into the number of the protocol; all is another word for -1.
func acks(text string) int16 {
	switch text {
	case "0":
		return 0
	case "1":
		return 1
	default:
		return -1
	}
}

// level reads the level of one codec, which counts if that codec turns out to be the one in use.
func level(codec string) func(*draft, value) {
	return func(c *draft, v value) { c.levels[codec] = int(v.whole) }
}

// consumerDecisions are the settings that only a consumer knows.
func consumerDecisions() []Decision {
	return slices.Concat([]Decision{
		option("group.id", func(c *draft, v value) { c.Consumer.Group = v.text }),
		option("group.instance.id", func(c *draft, v value) { c.Consumer.InstanceID = v.text }),
		option("group.protocol", func(c *draft, v value) { c.Consumer.Protocol = strings.ToLower(v.text) }),
		option("group.remote.assignor", func(c *draft, v value) { c.Consumer.RemoteAssignor = v.text }),
		option("auto.offset.reset", func(c *draft, v value) { c.Consumer.Reset, _ = parseReset(v.text) }),
		option("enable.auto.commit", func(c *draft, v value) { c.Consumer.AutoCommit = v.flag }),
		option("auto.commit.interval.ms", func(c *draft, v value) { c.Consumer.AutoCommitInterval = v.millis() }),
		option("max.poll.records", func(c *draft, v value) { c.Consumer.MaxPollRecords = int(v.whole) }),
		option("max.poll.interval.ms", func(c *draft, v value) { c.Consumer.MaxPollInterval = v.millis() }),
		option("session.timeout.ms", func(c *draft, v value) { c.Consumer.SessionTimeout = v.millis() }),
		option("heartbeat.interval.ms", func(c *draft, v value) { c.Consumer.HeartbeatInterval = v.millis() }),
		differs("fetch.max.wait.ms", "at least 10 ms", func(c *draft, v value) { c.Consumer.FetchMaxWait = v.millis() }),
		option("fetch.min.bytes", func(c *draft, v value) { c.Consumer.FetchMinBytes = int32(v.whole) }),
		differs("fetch.max.bytes", "at most 512 MiB; lowered where the memory limit asks for it",
			func(c *draft, v value) { c.Consumer.FetchMaxBytes = int32(v.whole) }),
		option("max.partition.fetch.bytes", func(c *draft, v value) { c.Consumer.MaxPartitionFetchBytes = int32(v.whole) }),
		option("check.crcs", func(c *draft, v value) { c.Consumer.CheckCRCs = v.flag }),
		option("isolation.level", func(c *draft, v value) { c.Consumer.ReadCommitted = v.text == "read_committed" }),
		option("exclude.internal.topics", func(c *draft, v value) { c.Consumer.ExcludeInternalTopics = v.flag }),
		differs("allow.auto.create.topics", "of subscribed topics; assigning a partition never creates its topic",
			func(c *draft, v value) { c.Consumer.AllowAutoCreateTopics = v.flag }),
		notSupported("partition.assignment.strategy", "an assignor is Java code; those of org.apache.kafka.clients.consumer are known: "+
			"RangeAssignor, RoundRobinAssignor, StickyAssignor, CooperativeStickyAssignor").
			acceptingAll(assignorClasses()...).
			taking(func(c *draft, v value) { c.Consumer.Assignors = assignors(v.list) }),
	},
		noEffect("there are no share groups", "share.acknowledgement.mode", "share.acquire.mode"),
		noEffect("it is a test switch of Kafka Streams", "internal.throw.on.fetch.stable.offset.unsupported"),
	)
}

const consumerPackage = "org.apache.kafka.clients.consumer."

// assignorClasses are Kafka's own assignors. The names that they have in the group protocol are in assignors, in this order.
func assignorClasses() []string {
	return []string{
		consumerPackage + "RangeAssignor", consumerPackage + "RoundRobinAssignor",
		consumerPackage + "StickyAssignor", consumerPackage + "CooperativeStickyAssignor",
	}
}

// assignors names the assignors as the group protocol does. Unknown classes are left out: they are refused elsewhere.
func assignors(classes []string) []string {
	var names []string
	for _, class := range classes {
		if i := slices.Index(assignorClasses(), class); i >= 0 {
			names = append(names, []string{"range", "roundrobin", "sticky", "cooperative-sticky"}[i])
		}
	}
	return names
}

// otherDecisions are the settings for Java code that a client is made of, and for its metrics.
func otherDecisions() []Decision {
	const (
		embedded = "keys and values are bytes here: the embedded format of a request decides how they are written and read"
		metrics  = "the metrics are the bridge's own: bridge.metrics"
		otel     = "io.opentelemetry.instrumentation.kafkaclients."
	)
	bytesOf := "org.apache.kafka.common.serialization.ByteArray"
	return slices.Concat([]Decision{
		{Name: "config.providers", Effect: Option, Why: "references are resolved before a client sees its settings"},
		notSupported("interceptor.classes", "an interceptor is Java code; OpenTelemetry's is replaced by bridge.tracing").
			acceptingAll(otel+"v2_6.TracingProducerInterceptor", otel+"v2_6.TracingConsumerInterceptor"),
	},
		accepting(noEffect(embedded, "key.serializer", "value.serializer"), bytesOf+"Serializer"),
		accepting(noEffect(embedded, "key.deserializer", "value.deserializer"), bytesOf+"Deserializer"),
		acceptingReporters(noEffect(metrics, "metric.reporters")),
		noEffect(metrics, "metrics.num.samples", "metrics.recording.level", "metrics.sample.window.ms"),
	)
}

// accepting adds values that need no finding to several decisions.
func accepting(ds []Decision, texts ...string) []Decision {
	for i := range ds {
		ds[i] = ds[i].accepting(texts...)
	}
	return ds
}

// acceptingReporters passes over the reporters that upstream installations name: the bridge's own metrics stand in for
// them.
func acceptingReporters(ds []Decision) []Decision {
	return []Decision{ds[0].acceptingAll("org.apache.kafka.common.metrics.JmxReporter",
		"io.strimzi.kafka.metrics.prometheus.ClientMetricsReporter", "io.strimzi.kafka.metrics.KafkaPrometheusMetricsReporter")}
}
