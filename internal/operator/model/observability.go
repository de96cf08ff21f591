package model

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/logging"
)

// observability takes metrics, traces and the levels of the log.
func (b *bridgeBuilder) observability() {
	b.metrics()
	b.tracing()
	if b.spec.Logging != nil {
		b.logging(*b.spec.Logging)
	}
}

// metrics switches /metrics on. The reference bridge takes the rules of its exporter from a ConfigMap; ours are built in.
func (b *bridgeBuilder) metrics() {
	if b.spec.EnableMetrics != nil {
		b.Warn(ReasonDeprecatedFields, "spec.enableMetrics is deprecated: write spec.metricsConfig")
		if *b.spec.EnableMetrics {
			b.set("bridge.metrics", v1.MetricsJMXPrometheusExporter, "spec.enableMetrics")
		}
	}
	m := b.spec.MetricsConfig
	if m == nil {
		return
	}
	const field = "spec.metricsConfig"
	b.set("bridge.metrics", m.Type, field+".type")
	if m.Type == "" {
		b.Invalid(field+".type", "is missing: %s or %s", v1.MetricsJMXPrometheusExporter, v1.MetricsStrimziMetricsReporter)
	}
	if m.ValueFrom != nil {
		b.NoEffect(field+".valueFrom", "the rules that the bridge's series are named by are built in")
	}
	if m.Values != nil && len(m.Values.AllowList) > 0 {
		b.NoEffect(field+".values.allowList", "the bridge always shows all of its series")
	}
}

// tracing switches spans on. Where they go is said by OTEL_ variables, which the user sets on the container.
func (b *bridgeBuilder) tracing() {
	t := b.spec.Tracing
	if t == nil {
		return
	}
	switch t.Type {
	case v1.TracingOpenTelemetry:
		b.set("bridge.tracing", t.Type, "spec.tracing.type")
	case v1.TracingJaeger:
		b.Warn(ReasonDeprecatedFields, "spec.tracing.type jaeger is deprecated and has no effect: write opentelemetry, and OTEL_ variables in spec.template.bridgeContainer.env")
	default:
		b.Invalid("spec.tracing.type", "%q is not known: write opentelemetry", t.Type)
	}
}

// logging takes the levels of loggers that have a counterpart.
func (b *bridgeBuilder) logging(l v1.Logging) {
	switch l.Type {
	case v1.LoggingInline:
		b.loggers("spec.logging.loggers", b.FreeForm("spec.logging.loggers", l.Loggers))
	case v1.LoggingExternal:
		b.externalLoggers(l)
	default:
		b.Invalid("spec.logging.type", "%q is not one of inline and external", l.Type)
	}
}

// externalLoggers reads the key of a ConfigMap, a log4j properties file. As in the reference operator a ConfigMap that is not
// there is an error unless it is optional: the levels would silently be others.
func (b *bridgeBuilder) externalLoggers(l v1.Logging) {
	const field = "spec.logging.valueFrom.configMapKeyRef"
	if l.ValueFrom == nil || l.ValueFrom.ConfigMapKeyRef == nil {
		b.Invalid(field, "is missing: logging of type external needs name and key of a ConfigMap")
		return
	}
	ref := l.ValueFrom.ConfigMapKeyRef
	text, ok := b.in.ConfigMaps[ref.Name][ref.Key]
	if !ok {
		if ref.Optional == nil || !*ref.Optional {
			b.Invalid(field, "there is no ConfigMap %s with the key %s in this namespace", ref.Name, ref.Key)
		}
		return
	}
	var entries []Entry
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		entries = append(entries, Entry{strings.TrimSpace(key), strings.TrimSpace(value)})
	}
	b.loggers(field, entries)
}

// Prefixes of logger names: those of single operations, and the bridge's.
const (
	operationLogger = "http.openapi.operation."
	bridgeLogger    = "io.strimzi.kafka.bridge"
)

// loggers turns levels of log4j's loggers into log.level and log.level.operations. Both generations of log4j's keys are
// read: logger.<id>.name with logger.<id>.level and rootLogger.level, and log4j.logger.<name> and log4j.rootLogger, whose
// value goes on with appenders.
func (b *bridgeBuilder) loggers(field string, entries []Entry) {
	named := map[string]string{"bridge": bridgeLogger, "healthy": operationLogger + "healthy", "ready": operationLogger + "ready"}
	for _, e := range entries {
		if id, ok := cutBoth(e.Key, "logger.", ".name"); ok {
			named[id] = e.Value
		}
	}
	levels := map[string]string{} // by logger; "" is the root
	for _, e := range entries {
		name, ok := loggerOf(e.Key, named)
		if !ok {
			if _, isName := cutBoth(e.Key, "logger.", ".name"); !isName {
				b.NoEffect(field+": "+e.Key, "the bridge has levels of loggers only")
			}
			continue
		}
		word, _, _ := strings.Cut(e.Value, ",")
		if word == "false" {
			word = "OFF" // what YAML 1.1 makes of it without quotes
		}
		level, err := logging.ParseLevel(strings.TrimSpace(word))
		switch operation, isOperation := strings.CutPrefix(name, operationLogger); {
		case err != nil:
			b.Invalid(field+"."+e.Key, "%v", err)
		case name == "" || name == bridgeLogger || isOperation && operation != "":
			levels[name] = logging.Word(level)
		default:
			b.NoEffect(field+": "+e.Key, "the bridge has no logger "+name)
		}
	}
	b.levels(field, levels)
}

// levels writes what loggers found. The bridge's own logger is nearer to it than the root.
func (b *bridgeBuilder) levels(field string, levels map[string]string) {
	for _, name := range []string{"", bridgeLogger} {
		if level, ok := levels[name]; ok {
			b.set("log.level", level, field)
		}
	}
	var operations []string
	for _, name := range slices.Sorted(maps.Keys(levels)) {
		if operation, ok := strings.CutPrefix(name, operationLogger); ok {
			operations = append(operations, operation+"="+levels[name])
		}
	}
	if len(operations) > 0 {
		b.set("log.level.operations", strings.Join(operations, ","), field)
	}
}

// loggerOf returns the logger whose level a key is; named has the names of those that keys refer to by an id.
func loggerOf(key string, named map[string]string) (name string, ok bool) {
	if key == "rootLogger.level" || key == "log4j.rootLogger" {
		return "", true
	}
	if name, ok := strings.CutPrefix(key, "log4j.logger."); ok {
		return name, true
	}
	id, ok := cutBoth(key, "logger.", ".level")
	if !ok {
		return "", false
	}
	if name, ok := named[id]; ok {
		return name, true
	}
	return id, true
}

// cutBoth cuts a prefix and a suffix off.
func cutBoth(text, prefix, suffix string) (string, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, suffix)
}
