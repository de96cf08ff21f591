package kafkarig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Listener is one of the ways into each broker of a rig.
type Listener int

// The listeners. Their certificates and users are described at Rig.
const (
	// Plain has neither TLS nor SASL; whoever comes is ANONYMOUS, a super user.
	Plain Listener = iota
	// TLS has the broker's certificate; whoever comes is ANONYMOUS.
	TLS
	// MTLS requires a certificate; the principal is its subject, as CN=user.
	MTLS
	// SCRAM requires SASL over a plain connection (SASL_PLAINTEXT).
	SCRAM
	// SCRAMTLS requires SASL over TLS (SASL_SSL).
	SCRAMTLS
)

// Name is the listener's name in the broker's settings.
func (l Listener) Name() string {
	return [...]string{"PLAIN", "TLS", "MTLS", "SCRAM", "SCRAM_TLS"}[l]
}

// Protocol is what clients set as security.protocol.
func (l Listener) Protocol() string {
	return [...]string{"PLAINTEXT", "SSL", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}[l]
}

// listeners are those that the options ask for.
func (o Options) listeners() []Listener {
	out := []Listener{Plain}
	if o.TLS {
		out = append(out, TLS, MTLS)
	}
	if o.SASL {
		out = append(out, SCRAM)
	}
	if o.TLS && o.SASL {
		out = append(out, SCRAMTLS)
	}
	return out
}

// properties are the settings of broker i of a rig whose ports begin at base
// and whose files are in dir. What the options set comes last and wins.
func properties(o Options, dir string, base, i int) string {
	all := brokerSettings(o, dir, base, i)
	if o.TLS {
		maps.Copy(all, tlsSettings(dir))
	}
	if o.SASL {
		maps.Copy(all, saslSettings(o))
	}
	maps.Copy(all, o.Config)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", k, all[k])
	}
	return b.String()
}

func (o Options) advertised(base, i int, l Listener) string {
	if o.Advertise != nil {
		if at := o.Advertise(i, l); at != "" {
			return at
		}
	}
	return address(base, i, int(l))
}

func brokerSettings(o Options, dir string, base, i int) map[string]string {
	var addresses, advertised, protocols, voters []string
	for _, l := range o.listeners() {
		addresses = append(addresses, l.Name()+"://"+address(base, i, int(l)))
		advertised = append(advertised, l.Name()+"://"+o.advertised(base, i, l))
		protocols = append(protocols, l.Name()+":"+l.Protocol())
	}
	for j := range o.Brokers {
		voters = append(voters, fmt.Sprintf("%d@%s", j, address(base, j, controllerOffset)))
	}
	replicas, inSync := fmt.Sprint(o.Brokers), fmt.Sprint((o.Brokers+1)/2)
	all := map[string]string{
		"process.roles":                            "broker,controller",
		"node.id":                                  fmt.Sprint(i),
		"controller.quorum.voters":                 strings.Join(voters, ","),
		"controller.listener.names":                "CONTROLLER",
		"listeners":                                strings.Join(addresses, ",") + ",CONTROLLER://" + address(base, i, controllerOffset),
		"advertised.listeners":                     strings.Join(advertised, ","),
		"listener.security.protocol.map":           "CONTROLLER:PLAINTEXT," + strings.Join(protocols, ","),
		"inter.broker.listener.name":               Plain.Name(),
		"log.dirs":                                 dataDir(dir, i),
		"auto.create.topics.enable":                "true",
		"num.partitions":                           "1",
		"default.replication.factor":               replicas,
		"min.insync.replicas":                      inSync,
		"offsets.topic.replication.factor":         replicas,
		"offsets.topic.num.partitions":             "5",
		"group.initial.rebalance.delay.ms":         fmt.Sprint(o.RebalanceDelay.Milliseconds()),
		"transaction.state.log.num.partitions":     "5",
		"transaction.state.log.min.isr":            inSync,
		"transaction.state.log.replication.factor": replicas,
		// The default of 128 MB is taken from the heap at the start.
		"log.cleaner.dedupe.buffer.size": "2097152",
		"authorizer.class.name":          "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                    "User:ANONYMOUS;User:" + AdminUser + ";User:CN=" + AdminUser,
	}
	if !strings.HasPrefix(o.Version, "3.") {
		all["share.coordinator.state.topic.num.partitions"] = "5"
		all["share.coordinator.state.topic.min.isr"] = inSync
		all["share.coordinator.state.topic.replication.factor"] = replicas
	}
	return all
}

func tlsSettings(dir string) map[string]string {
	files := tlsFiles(dir)
	return map[string]string{
		"ssl.keystore.type":                      "PEM",
		"ssl.keystore.location":                  files.Broker.Store,
		"ssl.truststore.type":                    "PEM",
		"ssl.truststore.location":                files.CA.Cert,
		"listener.name.mtls.ssl.client.auth":     "required",
		"listener.name.mtls.ssl.keystore.type":   "PEM",
		"listener.name.mtls.ssl.truststore.type": "PEM",
	}
}

func saslSettings(o Options) map[string]string {
	mechanisms := "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN"
	if o.OAuth {
		mechanisms += ",OAUTHBEARER"
	}
	all := map[string]string{"sasl.enabled.mechanisms": mechanisms}
	for _, l := range []string{"listener.name.scram.", "listener.name.scram_tls."} {
		const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		all[l+"scram-sha-512.sasl.jaas.config"] = scram
		all[l+"scram-sha-256.sasl.jaas.config"] = scram
		all[l+"plain.sasl.jaas.config"] = fmt.Sprintf(
			"org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q user_%s=%q;",
			AdminUser, AdminPassword, OrdinaryUser, OrdinaryPassword)
		if o.OAuth {
			all[l+"oauthbearer.sasl.jaas.config"] = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
				`unsecuredLoginStringClaim_sub="broker";`
		}
	}
	return all
}

// log4j2 (Kafka 4) and log4j1 (Kafka 3.9) print warnings, and the one line that
// says that a broker serves, on standard output.
const (
	log4j2 = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %c: %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.ready.name=kafka.server.KafkaRaftServer
logger.ready.level=info
`
	log4j1 = `log4j.rootLogger=WARN, out
log4j.logger.kafka.server.KafkaRaftServer=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %c: %m%n
`
	readyLine = "Kafka Server started"
)
