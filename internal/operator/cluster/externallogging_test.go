package cluster_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// logsBy is the cluster small with a file of the user's for the logging library.
func logsBy(t testing.TB, version, text string) cluster.Resources {
	t.Helper()
	r := resources(t, small)
	r.Kafka.Spec.Kafka.Version = version
	ref := &corev1.ConfigMapKeySelector{Key: "file"}
	ref.Name = "levels"
	r.Kafka.Spec.Kafka.Logging = &v1.Logging{Type: v1.LoggingExternal, ValueFrom: &v1.ExternalConfiguration{ConfigMapKeyRef: ref}}
	r.Observed.ConfigMaps = map[string]map[string]string{"levels": {"file": text}}
	return r
}

// TestFilesOfOtherGenerations: of a file for the other log4j the levels are taken, whatever else stands there.
func TestFilesOfOtherGenerations(t *testing.T) {
	for _, c := range []struct {
		name, version, text string
		has                 string // in the file
		warn                string
	}{
		{"its own, newer", "4.3.1", "rootLogger.level=WARN\n=odd\nx", "rootLogger.level=WARN\n=odd\nx", ""},
		{"its own, older", "3.9.1", "log4j.rootLogger=WARN, A\n", "log4j.rootLogger=WARN, A\n", ""},
		{"older in a newer one", "4.3.1", "# old\n! odd\n\nlog4j.rootLogger = WARN, A\nlog4j.logger.kafka.server=debug\n", "rootLogger.level=WARN\n", ""},
		{"its loggers", "4.3.1", "log4j.rootLogger=WARN\nlog4j.logger.kafka.server=debug\n", "name=kafka.server\n", ""},
		{"its appenders", "4.3.1", "log4j.rootLogger=WARN\nlog4j.appender.A=org.apache.log4j.ConsoleAppender\n", "rootLogger.level=WARN\n", "log4j.appender.A"},
		{"newer in an older one", "3.9.1", "rootLogger.level=ERROR\nlogger.a.name=kafka.server\nlogger.a.level=TRACE\n", "log4j.logger.kafka.server=TRACE\n", ""},
		{"a line without a name", "4.3.1", "log4j.rootLogger=WARN\n=odd\n = odder\nno sign\n", "rootLogger.level=WARN\n", ""},
		{"nothing but a sign", "3.9.1", "=", "log4j.rootLogger=INFO, CONSOLE\n", ""},
		{"nothing", "3.9.1", "", "log4j.rootLogger=INFO, CONSOLE\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, warnings := mustFor(t, logsBy(t, c.version, c.text))
			if !strings.Contains(got.Log4j, c.has) {
				t.Errorf("%s", got.Log4j)
			}
			if c.warn != "" && !warned(warnings, model.ReasonNoEffect, c.warn) {
				t.Errorf("%v", warnings)
			}
		})
	}
	_, _, err := cluster.For(logsBy(t, "4.3.1", "log4j.rootLogger=LOUD\n"))
	refused(t, err, "spec.kafka.logging.valueFrom.configMapKeyRef.log4j.rootLogger", `"LOUD" is not one of OFF`)
}

// FuzzExternalLogging: any file of the user's becomes a file for either generation, or an error of one line.
func FuzzExternalLogging(f *testing.F) {
	for _, text := range []string{"", "=", "log4j.rootLogger=WARN\n=x", "rootLogger.level=DEBUG", "logger.a.name=b\nlogger.a.level=c", "log4j.logger.=INFO", "a\x00=b", "log4j.rootLogger=\n"} {
		f.Add(text)
	}
	base := logsBy(f, "", "")
	f.Fuzz(func(t *testing.T, text string) {
		for _, version := range []string{"3.9.1", "4.3.1"} {
			r := base
			r.Kafka = base.Kafka.DeepCopy()
			r.Kafka.Spec.Kafka.Version = version
			r.Observed.ConfigMaps = map[string]map[string]string{"levels": {"file": text}}
			c, _, err := cluster.For(r)
			if err == nil && c.Log4j == "" && text != "" || err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q becomes %q, %v", version, text, c.Log4j, err)
			}
		}
	})
}
