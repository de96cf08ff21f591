package kafka

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// crossChecks are the rules that involve more than one setting, with the texts of the Java clients. What Java finds
// while it reads the settings is Invalid; what it finds while it builds the client is Refused.
func (r *reading) crossChecks() {
	r.checkBootstrap()
	switch r.role {
	case Producer:
		r.checkProducer()
	case Consumer:
		r.checkConsumer()
	case Admin:
		r.checkAdmin()
	}
	r.checkTLS()
	r.checkSASL()
}

// address is what the Java clients take for an address: an optional protocol, a host that may be in brackets, a port.
var address = regexp.MustCompile(`^(?:[0-9a-zA-Z\-%._]*://)?\[?([0-9a-zA-Z\-%._:]*)]?:([0-9]+)$`)

// checkBootstrap replaces the addresses by host:port as dialers take it. Unlike Java it does not resolve names: a broker may
// be added to the name service after a sidecar has started, and every connection looks names up again.
func (r *reading) checkBootstrap() {
	const key = "bootstrap.servers"
	given := r.draft.Bootstrap
	if len(given) == 0 {
		if r.role == Admin {
			r.add(Refused, key, "You must set either bootstrap.servers or bootstrap.controllers")
		} else {
			r.add(Invalid, key, `Missing required configuration "bootstrap.servers" which has no default value.`)
		}
		return
	}
	r.draft.Bootstrap = nil
	for _, text := range given {
		m := address.FindStringSubmatch(text)
		if m == nil {
			r.add(Refused, key, "Invalid url in bootstrap.servers: "+text)
			continue
		}
		if port, err := strconv.ParseUint(m[2], 10, 16); err != nil {
			r.add(Refused, key, "Invalid port in bootstrap.servers: "+text)
		} else {
			r.draft.Bootstrap = append(r.draft.Bootstrap, net.JoinHostPort(m[1], strconv.FormatUint(port, 10)))
		}
	}
}

// checkProducer is ProducerConfig.postProcessParsedConfig and KafkaProducer.configureDeliveryTimeout. The order of the
// cases is Java's, since only the first failure is told. The limit of five requests in flight holds even where acks=1 has
// turned idempotence off by itself, odd as that is: Java refuses it.
func (r *reading) checkProducer() {
	p := &r.draft.Producer
	idempotent := r.values["enable.idempotence"]
	inFlight := r.values["max.in.flight.requests.per.connection"].whole
	switch {
	case !idempotent.flag:
	case idempotent.given && r.draft.Retries == 0:
		r.add(Invalid, "retries", "Must set retries to non-zero when using the idempotent producer.")
	case idempotent.given && p.Acks != -1:
		r.add(Invalid, "acks", "Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.")
	case inFlight > 5:
		r.add(Invalid, "max.in.flight.requests.per.connection", fmt.Sprintf("To use the idempotent producer, "+
			"max.in.flight.requests.per.connection must be set to at most 5. Current value is %d.", inFlight))
	}
	if r.values["transactional.id"].given && !p.Idempotent {
		r.add(Invalid, "transactional.id", "Cannot set a transactional.id without also enabling idempotence.")
	}
	if least := p.Linger + r.draft.RequestTimeout; p.DeliveryTimeout < least && least > 0 {
		const text = "delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms"
		if r.values["delivery.timeout.ms"].given {
			r.add(Refused, "delivery.timeout.ms", text)
		} else {
			p.DeliveryTimeout = least
			r.add(Warning, "delivery.timeout.ms", fmt.Sprintf("%s. Setting it to %d.", text, least.Milliseconds()))
		}
	}
}

// checkConsumer is what ConsumerConfig and the consumer's constructor refuse. An absent group is no failure: the bridge
// checks its settings at start without one, and every consumer gets its group from the request.
func (r *reading) checkConsumer() {
	c := r.draft.Consumer
	r.checkGroupProtocol()
	if group := r.values["group.id"]; group.given && group.text == "" {
		r.add(Refused, "group.id", "The configured group.id should not be an empty string or whitespace.")
	}
	if problem := instanceID(c.InstanceID); problem != "" {
		r.add(Refused, "group.instance.id", "Group instance id is invalid: "+problem)
	}
	if c.Protocol == "consumer" {
		return // the coordinator sets session timeout and heartbeat interval, KIP-848
	}
	switch {
	case c.HeartbeatInterval < 0:
		r.add(Refused, "heartbeat.interval.ms", fmt.Sprintf("Invalid negative timeout %d", c.HeartbeatInterval.Milliseconds()))
	case c.HeartbeatInterval >= c.SessionTimeout:
		r.add(Refused, "heartbeat.interval.ms", "Heartbeat must be set lower than the session timeout")
	}
}

// checkGroupProtocol refuses settings of the other group protocol.
func (r *reading) checkGroupProtocol() {
	// KIP-848 moved these to the broker; KIP-932's settings belong to share consumers alone.
	foreign := map[string][]string{
		"classic": {"group.remote.assignor", "share.acknowledgement.mode", "share.acquire.mode"},
		"consumer": {
			"partition.assignment.strategy", "heartbeat.interval.ms", "session.timeout.ms",
			"share.acknowledgement.mode", "share.acquire.mode",
		},
	}
	protocol := r.draft.Consumer.Protocol
	for _, key := range foreign[protocol] {
		if v := r.values[key]; v.given && (v.text != "" || key != "group.remote.assignor") {
			r.add(Invalid, key, fmt.Sprintf("%s cannot be set when group.protocol=%s", key, strings.ToUpper(protocol)))
		}
	}
}

// instanceID returns what is wrong with a group.instance.id, which has the alphabet of topic names.
func instanceID(id string) string {
	switch {
	case id == "." || id == "..":
		return "'" + id + "' is not allowed"
	case len(id) > 249:
		return "the length of '" + id + "' is longer than the max allowed length 249"
	case strings.Trim(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "":
		return "'" + id + "' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
	}
	return ""
}

// checkAdmin is KafkaAdminClient.configureDefaultApiTimeoutMs: a call has to outlast one of its requests. A limit that
// nobody set follows the longer request timeout.
func (r *reading) checkAdmin() {
	if r.draft.DefaultAPITimeout >= r.draft.RequestTimeout {
		return
	}
	const text = "The specified value of default.api.timeout.ms must be no smaller than the value of request.timeout.ms."
	if r.values["default.api.timeout.ms"].given {
		r.add(Refused, "default.api.timeout.ms", text)
		return
	}
	r.draft.DefaultAPITimeout = r.draft.RequestTimeout
}

// checkTLS judges stores and keys in the order of DefaultSslEngineFactory, and protocols and cipher suites by what Go can
// honor. Settings of TLS are ignored, as in Java, when security.protocol does not use them.
func (r *reading) checkTLS() {
	if !r.draft.Security.UsesTLS() {
		return
	}
	t := r.draft.Security.TLS
	if text := keystoreProblem(t); text != "" {
		r.add(Refused, "ssl.keystore.location", text)
	}
	if text := truststoreProblem(t); text != "" {
		r.add(Refused, "ssl.truststore.location", text)
	}
	if _, _, _, err := TLSLimits(t.Protocols, nil); err != nil {
		r.add(Refused, "ssl.enabled.protocols", "ssl.enabled.protocols: "+err.Error())
	} else if _, _, _, err := TLSLimits(t.Protocols, t.CipherSuites); err != nil {
		r.add(Refused, "ssl.cipher.suites", "ssl.cipher.suites: "+err.Error())
	}
}

// keystoreProblem returns the text of DefaultSslEngineFactory.createKeystore for combinations that it refuses.
func keystoreProblem(t TLS) string {
	pem := t.KeystoreType == "PEM"
	switch {
	case t.Key != "":
		return inlineKeyProblem(t)
	case t.CertificateChain != "":
		return "SSL certificate chain is specified, but private key is not specified"
	case pem && t.KeystoreLocation != "" && t.KeystorePassword != "":
		return noKeystorePassword
	case t.KeystoreLocation == "" && t.KeystorePassword != "":
		return "SSL key store is not specified, but key store password is specified."
	case !pem && t.KeystoreLocation != "" && t.KeystorePassword == "":
		return "SSL key store is specified, but key store password is not specified."
	case t.KeystoreLocation != "":
		return unknownStore("ssl.keystore.type", t.KeystoreType)
	}
	return ""
}

const noKeystorePassword = "SSL key store password cannot be specified with PEM format, only key password may be specified"

// inlineKeyProblem judges a private key that is given as a text.
func inlineKeyProblem(t TLS) string {
	switch {
	case t.KeystoreType != "PEM":
		return "SSL private key can be specified only for PEM, but key store type is " + t.KeystoreType + "."
	case t.CertificateChain == "":
		return "SSL private key is specified, but certificate chain is not specified."
	case t.KeystoreLocation != "":
		return "Both SSL key store location and separate private key are specified."
	case t.KeystorePassword != "":
		return noKeystorePassword + "."
	}
	return ""
}

// truststoreProblem returns the text of DefaultSslEngineFactory.createTruststore for combinations that it refuses.
func truststoreProblem(t TLS) string {
	pem := t.TruststoreType == "PEM"
	const noPassword = "SSL trust store password cannot be specified for PEM format."
	switch {
	case t.TruststoreCertificates != "" && !pem:
		return "SSL trust store certs can be specified only for PEM, but trust store type is " + t.TruststoreType + "."
	case t.TruststoreCertificates != "" && t.TruststoreLocation != "":
		return "Both SSL trust store location and separate trust certificates are specified."
	case t.TruststoreCertificates != "" && t.TruststorePassword != "":
		return noPassword
	case t.TruststoreCertificates != "":
		return ""
	case pem && t.TruststoreLocation != "" && t.TruststorePassword != "":
		return noPassword
	case t.TruststoreLocation == "" && t.TruststorePassword != "":
		return "SSL trust store is not specified, but trust store password is specified."
	case t.TruststoreLocation != "":
		return unknownStore("ssl.truststore.type", t.TruststoreType)
	}
	return ""
}

// unknownStore refuses types of stores that Java knows by its security providers only, such as BCFKS.
func unknownStore(key, kind string) string {
	if kind == "PEM" || kind == "PKCS12" || kind == "JKS" {
		return ""
	}
	return fmt.Sprintf("%s=%s is not supported: PEM, PKCS12 or JKS", key, kind)
}

// checkSASL reads the login module. Java needs sasl.jaas.config, or a JAAS file of the JVM, for every mechanism, also where
// the module has no options; there is no JVM here whose file could be meant.
func (r *reading) checkSASL() {
	s := &r.draft.Security.SASL
	if !r.draft.Security.UsesSASL() {
		return
	}
	switch {
	case s.Mechanism == "":
		r.add(Invalid, "sasl.mechanism", "Invalid value null for configuration sasl.mechanism: When the security.protocol "+
			"configuration enables SASL, mechanism must be non-null and non-empty string.")
		return
	case !slices.Contains([]string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}, s.Mechanism):
		r.add(Refused, "sasl.mechanism", "sasl.mechanism="+s.Mechanism+" is not supported: PLAIN, SCRAM-SHA-256, "+
			"SCRAM-SHA-512 or OAUTHBEARER (GSSAPI is the default)")
		return
	case !r.values["sasl.jaas.config"].given:
		r.add(Refused, "sasl.jaas.config", "Could not find a 'KafkaClient' entry in the JAAS configuration: sasl.jaas.config is not set")
		return
	}
	var err error
	if s.JAAS, err = ParseJAAS(r.draft.jaas); err != nil {
		r.add(Refused, "sasl.jaas.config", err.Error())
		return
	}
	r.checkLogin(*s)
}

// checkLogin refuses a login that could never succeed. Java would find that out at the first connection.
func (r *reading) checkLogin(s SASL) {
	const security = "org.apache.kafka.common.security."
	module, known := strings.CutPrefix(s.JAAS.Module, security)
	byPassword := module == "plain.PlainLoginModule" || module == "scram.ScramLoginModule"
	switch {
	case !known || !byPassword && module != "oauthbearer.OAuthBearerLoginModule":
		r.add(Refused, "sasl.jaas.config", "No LoginModule found: Kafka's own PlainLoginModule, ScramLoginModule and "+
			"OAuthBearerLoginModule are known")
	case byPassword == (s.Mechanism == "OAUTHBEARER"):
		r.add(Refused, "sasl.jaas.config", "the login module does not fit sasl.mechanism="+s.Mechanism)
	case byPassword && (s.JAAS.Options["username"] == "" || s.JAAS.Options["password"] == ""):
		r.add(Refused, "sasl.jaas.config", "the login module needs the options username and password")
	}
}
