package bridgeconfig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/kafka"
)

// given is the value of a key in the uppermost layer that has it.
type given struct {
	value, origin string
	hasLine       bool // origin names a line
}

// Parse lays the layers over each other, lowest precedence first, and reads what results. The findings are warnings:
// keys that are unknown (with a suggestion), without effect or ignored. The error joins one line for each problem, which
// names the key and where its value came from. Values of the Kafka clients are not judged here, since they may hold
// references to config providers: see kafka.Interpret.
func Parse(layers []Layer) (Config, []kafka.Finding, error) {
	p := parser{merged: map[string]given{}}
	p.cfg.origins = map[string]string{}
	for _, layer := range layers {
		for key, v := range layer.Values {
			p.merged[key] = given{v, layer.origin(key), layer.Lines != nil}
		}
	}
	others := maps.Clone(p.merged)
	for _, s := range Settings() {
		p.own(s)
		delete(others, s.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(others)) {
		p.other(key)
	}
	p.derive()
	p.contradictions()
	return p.cfg, p.findings, errors.Join(p.errs...)
}

// parser is one call of Parse. It collects problems instead of stopping at the first, so that a file is mended in one go.
type parser struct {
	merged   map[string]given
	cfg      Config
	findings []kafka.Finding
	errs     []error
}

// warn notes that a key is ignored or read otherwise than it may have been meant.
func (p *parser) warn(key, text string) {
	p.find(kafka.Finding{Key: key, Level: kafka.Warning, Text: text})
}

// find adds a finding, and the line where there is one: a text of many lines is mended by it.
func (p *parser) find(f kafka.Finding) {
	if g := p.merged[f.Key]; g.hasLine {
		f.Text += " (" + g.origin + ")"
	}
	p.findings = append(p.findings, f)
}

// fail notes a problem that stops the start, with the key and, where the key was set, the origin of its value.
func (p *parser) fail(key string, err error) {
	where := ""
	if origin := p.merged[key].origin; origin != "" {
		where = " (" + origin + ")"
	}
	p.errs = append(p.errs, fmt.Errorf("%s%s: %w", key, where, err))
}

// own reads one setting of the table, or its default.
func (p *parser) own(s Setting) {
	if _, err := s.parse(&p.cfg, s.Default); err != nil {
		p.fail(s.Key, err)
	}
	g, ok := p.merged[s.Key]
	if !ok {
		return
	}
	p.cfg.origins[s.Key] = g.origin
	warning, err := s.parse(&p.cfg, strings.TrimSpace(g.value))
	if err != nil {
		p.fail(s.Key, err)
	}
	if warning != "" {
		p.warn(s.Key, warning)
	}
}

// other takes a key that is not in the table: one of the Kafka clients, or a mistake.
func (p *parser) other(key string) {
	name, isKafka := strings.CutPrefix(key, "kafka.")
	if !isKafka {
		p.unknown(key)
		return
	}
	p.cfg.origins[key] = p.merged[key].origin
	role, name := splitRole(name)
	into := p.cfg.Kafka.of(role)
	if *into == nil {
		*into = map[string]string{}
	}
	(*into)[name] = p.merged[key].value
	p.judgeName(key, role, name)
}

// splitRole cuts the client's name off a key whose prefix kafka. is gone. The role is empty for settings of all clients.
func splitRole(name string) (kafka.Role, string) {
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		if rest, ok := strings.CutPrefix(name, string(role)+"."); ok {
			return role, rest
		}
	}
	return "", name
}

// of returns the properties behind one prefix.
func (k *Properties) of(role kafka.Role) *map[string]string {
	switch role {
	case kafka.Admin:
		return &k.Admin
	case kafka.Producer:
		return &k.Producer
	case kafka.Consumer:
		return &k.Consumer
	default:
		return &k.Common
	}
}

// judgeName warns of names that reach no client.
func (p *parser) judgeName(key string, role kafka.Role, name string) {
	known := kafka.Settings(name)
	switch {
	case kafka.KnownElsewhere(name):
	case len(known) == 0:
		p.unknown(key)
	case role != "" && !slices.ContainsFunc(known, func(s kafka.Setting) bool { return s.In(role) }):
		p.warn(key, fmt.Sprintf("%s has no effect: the %s does not know %s", key, role, name))
	case name == "group.id":
		p.warn(key, key+" has no effect: the group is in the path of a consumer's requests")
	case role == kafka.Consumer && name == "client.id":
		p.warn(key, key+" has no effect: a consumer's client.id is its instance name")
	}
}

// unknown warns of a key that is no setting, and suggests the nearest that is. A name of the environment is compared
// with names of the environment.
func (p *parser) unknown(key string) {
	if key == "http.enabled" {
		p.warn(key, "http.enabled has no effect: the HTTP API is always on")
		return
	}
	text := key + " is not a setting"
	if near := kafka.Suggest(key, candidates(key)); near != "" {
		text += ": did you mean " + near + "?"
	}
	p.find(kafka.Finding{Key: key, Level: kafka.Warning, Text: text, Unknown: true})
}

// candidates are the keys that a misspelled one is compared with: those with the same prefix, or the names of the
// environment for one of those.
func candidates(key string) []string {
	if strings.HasPrefix(key, envPrefix) {
		return slices.Sorted(maps.Keys(keysByEnv()))
	}
	var keys []string
	for _, s := range Settings() {
		keys = append(keys, s.Key)
	}
	if name, ok := strings.CutPrefix(key, "kafka."); ok {
		prefix := "kafka."
		if role, _ := splitRole(name); role != "" {
			prefix += string(role) + "."
		}
		for _, n := range kafka.Names() {
			keys = append(keys, prefix+n)
		}
	}
	return keys
}

// derive fills in what depends on other settings.
func (p *parser) derive() {
	h := &p.cfg.HTTP
	if h.Port < 0 {
		h.Port = 8080
		if h.TLS.Enabled {
			h.Port = 8443
		}
	}
	if h.ManagementHost == "" {
		h.ManagementHost = h.Host
	}
	if p.cfg.Metrics.ConfigPath != "" {
		const key = "bridge.metrics.exporter.config.path"
		p.warn(key, key+" has no effect: the built-in rules hold")
	}
	if p.cfg.Metrics.Type != MetricsReporter {
		return
	}
	// The reference bridge adds these; they make a client's metrics the process's.
	for name, v := range map[string]string{
		"metric.reporters": "io.strimzi.kafka.metrics.prometheus.ClientMetricsReporter",
		"prometheus.metrics.reporter.listener.enable": "false",
		"prometheus.metrics.reporter.allowlist": "kafka_consumer_consumer_metrics.*, kafka_producer_kafka_metrics_count_count, " +
			"kafka_producer_producer_metrics.*",
	} {
		if p.cfg.Kafka.Common == nil {
			p.cfg.Kafka.Common = map[string]string{}
		}
		if _, ok := p.cfg.Kafka.Common[name]; !ok {
			p.cfg.Kafka.Common[name] = v
		}
	}
}

// contradictions finds settings that are right by themselves and wrong together, each in one line.
func (p *parser) contradictions() {
	h := p.cfg.HTTP
	if h.Port == h.ManagementPort && h.Port != 0 && overlap(h.Host, h.ManagementHost) {
		p.fail("http.management.port", fmt.Errorf("%d is http.port too: the listeners need a port each", h.Port))
	}
	if h.MaxBodyBytes > h.MaxInflightBytes && h.MaxInflightBytes > 0 {
		p.fail("http.max.body.bytes", fmt.Errorf("%d is more than http.max.inflight.bytes=%d: such a body would never be taken",
			h.MaxBodyBytes, h.MaxInflightBytes))
	}
	if h.Socket != "" && !strings.HasPrefix(h.Socket, "/") {
		p.fail("http.socket", fmt.Errorf("%q is not an absolute path", h.Socket))
	}
	if h.TLS.Enabled {
		p.certificate(h.TLS)
	}
}

// overlap reports whether two listeners of one port are surely in each other's way; the rest is seen when they bind.
func overlap(a, b string) bool { return a == b || a == AnyHost || b == AnyHost }

// certificate judges http.ssl.* when TLS is on: one certificate with its key has to be there.
func (p *parser) certificate(t HTTPTLS) {
	if key, err := limitsOfTLS(t); err != nil {
		p.fail(key, err)
	}
	files, texts := pair(t.CertificateLocation, t.KeyLocation), pair(t.Certificate, t.Key)
	switch {
	case files == both && texts != neither:
		p.warn("http.ssl.certificate", "http.ssl.certificate and http.ssl.key are not used: http.ssl.certificate.location and "+
			"http.ssl.key.location are set")
	case files == half && texts != both:
		p.fail("http.ssl.key.location", errors.New("http.ssl.certificate.location and http.ssl.key.location need each other"))
	case texts == half && files != both:
		p.fail("http.ssl.key", errors.New("http.ssl.certificate and http.ssl.key need each other"))
	case files != both && texts != both:
		p.fail("http.ssl.enable", errors.New("TLS needs http.ssl.certificate.location and http.ssl.key.location, or http.ssl.certificate and http.ssl.key"))
	}
}

// completeness is how much of a certificate and its key is set.
type completeness uint8

const (
	neither completeness = iota
	half
	both
)

// pair says how much of a pair is there; a certificate is of no use without its key.
func pair(certificate, key string) completeness {
	switch {
	case certificate != "" && key != "":
		return both
	case certificate != "" || key != "":
		return half
	}
	return neither
}
