package cluster

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// logLevels are those of both generations of log4j.
const logLevels = "OFF FATAL ERROR WARN INFO DEBUG TRACE ALL"

// logging writes the file of the logging library: log4j 2 since Kafka 4.0 (KIP-653), log4j 1 before. What was written for the
// other one is translated as far as it is levels of loggers.
func (b *builder) logging() {
	file := logFile{newer: b.out.Version.Minor() != "3.9"}
	file.defaults()
	b.out.LogFile = names.FileLog4j
	if file.newer {
		b.out.LogFile = names.FileLog4j2
	}
	if l := b.spec.Logging; l != nil {
		switch l.Type {
		case v1.LoggingInline:
			const field = "spec.kafka.logging.loggers"
			b.loggers(field, &file, b.FreeForm(field, l.Loggers))
		case v1.LoggingExternal:
			if text, ok := b.externalLogging(*l, &file); ok {
				b.out.Log4j = text
				return
			}
		default:
			b.Invalid("spec.kafka.logging.type", "%q is not one of inline and external", l.Type)
		}
	}
	b.out.Log4j = file.text()
}

// externalLogging is a file of the user's in a ConfigMap. One for the other generation is read as loggers are.
func (b *builder) externalLogging(l v1.Logging, file *logFile) (text string, whole bool) {
	const field = "spec.kafka.logging.valueFrom.configMapKeyRef"
	if l.ValueFrom == nil || l.ValueFrom.ConfigMapKeyRef == nil {
		b.Invalid(field, "is missing: logging of type external needs name and key of a ConfigMap")
		return "", false
	}
	ref := l.ValueFrom.ConfigMapKeyRef
	text, ok := b.in.Observed.ConfigMaps[ref.Name][ref.Key]
	if !ok {
		if b.in.Observed.ConfigMaps != nil && !is(ref.Optional, false) {
			b.Invalid(field, "there is no ConfigMap %s with the key %s in the namespace %s: make it, or name another one", ref.Name, ref.Key, b.kafka.Namespace)
		}
		return "", false
	}
	if older := strings.Contains(text, "log4j.rootLogger"); older != file.newer {
		return text, true
	}
	var entries []model.Entry
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if comment := strings.HasPrefix(key, "#") || strings.HasPrefix(key, "!"); ok && key != "" && !comment {
			entries = append(entries, model.Entry{Key: strings.TrimSpace(key), Value: strings.TrimSpace(value)})
		}
	}
	b.loggers(field, file, entries)
	return "", false
}

// loggers adds settings to the defaults. Levels are taken in the words of either generation; the rest only in the file's own.
func (b *builder) loggers(field string, file *logFile, entries []model.Entry) {
	named := map[string]string{}
	for _, e := range entries {
		if id, ok := loggerID(e.Key, ".name"); ok {
			named[id] = e.Value
		}
	}
	for _, e := range entries {
		if strings.ContainsAny(e.Key+e.Value, "\n\r") {
			b.Invalid(field+"."+e.Key, "has several lines")
			continue
		}
		logger, isLevel := loggerOf(e.Key, named)
		level, _, _ := strings.Cut(e.Value, ",")
		level = strings.ToUpper(strings.TrimSpace(level))
		if level == "FALSE" {
			level = "OFF" // what YAML 1.1 makes of it without quotes
		}
		switch {
		case isLevel && !slices.Contains(strings.Fields(logLevels), level) && !strings.Contains(level, "${"):
			b.Invalid(field+"."+e.Key, "%q is not one of %s", e.Value, strings.ReplaceAll(logLevels, " ", ", "))
		case isLevel && !strings.Contains(level, "${"):
			file.level(logger, level)
		case strings.HasPrefix(e.Key, "log4j.") == file.newer && !isName(e.Key):
			b.NoEffect(field+": "+e.Key, fmt.Sprintf("Kafka %s has another generation of log4j", b.out.Version.Number))
		case !isName(e.Key):
			file.rest = append(file.rest, e)
		}
	}
}

// loggerOf returns the logger whose level a key is, "" for the root.
func loggerOf(key string, named map[string]string) (name string, ok bool) {
	switch key {
	case "rootLogger.level", "log4j.rootLogger", "kafka.root.logger.level", "rootLogger":
		return "", true
	}
	if name, ok := strings.CutPrefix(key, "log4j.logger."); ok {
		return name, true
	}
	id, ok := loggerID(key, ".level")
	if !ok {
		return "", false
	}
	if name, ok := named[id]; ok {
		return name, true
	}
	return id, true
}

// isName reports whether a key gives a logger's id its name.
func isName(key string) bool { _, ok := loggerID(key, ".name"); return ok }

// loggerID returns the id in logger.ID.name and logger.ID.level.
func loggerID(key, suffix string) (string, bool) {
	rest, ok := strings.CutPrefix(key, "logger.")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, suffix)
}

// logFile is a file of the logging library that writes to the container's output.
type logFile struct {
	newer  bool // log4j 2
	root   string
	levels []model.Entry // by logger, in the order in which they were first said
	rest   []model.Entry
}

// defaults are what Kafka's own file says, without those that write to files. How far the recovery of logs is, steg-node reads
// from lines at INFO, so those loggers have that level whatever the root's is.
func (f *logFile) defaults() {
	f.root = "INFO"
	for _, noisy := range []string{"kafka.request.logger", "kafka.network.RequestChannel$"} {
		f.level(noisy, "WARN")
	}
	recovery := []string{"kafka.log.LogManager", "kafka.log.LogLoader"}
	if f.newer {
		const moved = "org.apache.kafka.storage.internals.log."
		recovery = append(recovery, moved+"LogManager", moved+"LogLoader")
	}
	for _, logger := range recovery {
		f.level(logger, "INFO")
	}
}

// level gives a logger its level.
func (f *logFile) level(logger, level string) {
	if logger == "" {
		f.root = level
		return
	}
	if at := slices.IndexFunc(f.levels, func(e model.Entry) bool { return e.Key == logger }); at >= 0 {
		f.levels[at].Value = level
		return
	}
	f.levels = append(f.levels, model.Entry{Key: logger, Value: level})
}

// text is the file. Log4j 2 reads it again every half minute, so that levels change without a restart; it would stop at the
// signal, before Kafka has said how it stops, but for the setting of the shutdown hook.
func (f *logFile) text() string {
	const pattern = "%d{yyyy-MM-dd HH:mm:ss} %-5p [%t] %c{1} - %m%n"
	var out strings.Builder
	if f.newer {
		fmt.Fprintf(&out, "name=KafkaConfig\nmonitorInterval=30\nshutdownHook=disable\n"+
			"appender.console.type=Console\nappender.console.name=STDOUT\nappender.console.layout.type=PatternLayout\nappender.console.layout.pattern=%s\n"+
			"rootLogger.level=%s\nrootLogger.appenderRefs=console\nrootLogger.appenderRef.console.ref=STDOUT\n", pattern, f.root)
		for i, l := range f.levels {
			fmt.Fprintf(&out, "logger.l%d.name=%s\nlogger.l%d.level=%s\n", i, l.Key, i, l.Value)
		}
	} else {
		fmt.Fprintf(&out, "log4j.rootLogger=%s, CONSOLE\nlog4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender\n"+
			"log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout\nlog4j.appender.CONSOLE.layout.ConversionPattern=%s\n", f.root, pattern)
		for _, l := range f.levels {
			fmt.Fprintf(&out, "log4j.logger.%s=%s\n", l.Key, l.Value)
		}
	}
	for _, e := range f.rest {
		fmt.Fprintf(&out, "%s=%s\n", e.Key, e.Value)
	}
	return out.String()
}
