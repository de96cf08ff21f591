package cluster_test

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// TestLogging: levels are taken in the words of both generations of log4j, for both.
func TestLogging(t *testing.T) {
	for _, c := range []struct {
		name    string
		version string
		loggers string // JSON
		want    []string
		lacks   string
		warn    string
	}{
		{
			"new in new", "", `{"rootLogger.level":"WARN","logger.c.name":"kafka.controller","logger.c.level":"debug"}`,
			[]string{"\nrootLogger.level=WARN\n", "=kafka.controller\n", ".level=DEBUG\n"},
			"rootLogger.level=INFO", "",
		},
		{
			"old in new", "", `{"kafka.root.logger.level":"ERROR","log4j.logger.kafka.controller":"TRACE, CONSOLE","log4j.appender.x":"y"}`,
			[]string{"\nrootLogger.level=ERROR\n", "=kafka.controller\n", ".level=TRACE\n"},
			"appender.x", "log4j.appender.x has no effect",
		},
		{
			"old in old", "3.9.1", `{"log4j.rootLogger":"WARN, CONSOLE","log4j.logger.kafka.controller":"DEBUG","log4j.appender.x":"y"}`,
			[]string{"log4j.rootLogger=WARN, CONSOLE\n", "log4j.logger.kafka.controller=DEBUG\n", "log4j.appender.x=y\n"},
			"monitorInterval", "",
		},
		{
			"new in old", "3.9.1", `{"rootLogger.level":"WARN","logger.c.name":"kafka.controller","logger.c.level":"DEBUG","appender.x.type":"File"}`,
			[]string{"log4j.rootLogger=WARN, CONSOLE\n", "log4j.logger.kafka.controller=DEBUG\n"},
			"appender.x", "appender.x.type has no effect",
		},
		{"default changed", "", `{"logger.r.name":"kafka.request.logger","logger.r.level":"INFO"}`, []string{"logger.l0.name=kafka.request.logger\nlogger.l0.level=INFO\n"}, "", ""},
		{"logger by its id", "", `{"logger.kafka.level":"TRACE"}`, []string{"=kafka\n", ".level=TRACE\n"}, "", ""},
		{"off in YAML", "", `{"rootLogger.level":false}`, []string{"rootLogger.level=OFF\n"}, "", ""},
		{"appender", "", `{"appender.x.type":"File"}`, []string{"appender.x.type=File\n"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := resources(t, small)
			r.Kafka.Spec.Kafka.Version = c.version
			r.Kafka.Spec.Kafka.Logging = &v1.Logging{Type: v1.LoggingInline}
			if err := json.Unmarshal([]byte(c.loggers), &r.Kafka.Spec.Kafka.Logging.Loggers); err != nil {
				t.Fatal(err)
			}
			got, warnings := mustFor(t, r)
			for _, want := range c.want {
				if !strings.Contains(got.Log4j, want) {
					t.Errorf("%q is missing in\n%s", want, got.Log4j)
				}
			}
			if c.lacks != "" && strings.Contains(got.Log4j, c.lacks) {
				t.Errorf("%q is in\n%s", c.lacks, got.Log4j)
			}
			if warned(warnings, model.ReasonNoEffect, c.warn) != (c.warn != "") {
				t.Errorf("%v", warnings)
			}
		})
	}
}

// TestExternalLogging: a file of the user's is taken as it is, or translated if it is of the other generation.
func TestExternalLogging(t *testing.T) {
	const newer, older = "# mine\nrootLogger.level = WARN\n", "# mine\nlog4j.rootLogger=WARN, CONSOLE\nlog4j.logger.kafka.controller=TRACE\n"
	for _, c := range []struct{ name, version, text, want string }{
		{"new in new", "", newer, newer},
		{"old in old", "3.9.1", older, older},
		{"old in new", "", older, "=kafka.controller\n"},
		{"new in old", "3.9.1", newer, "log4j.rootLogger=WARN, CONSOLE\n"},
	} {
		r := resources(t, small)
		r.Kafka.Spec.Kafka.Version = c.version
		ref := &corev1.ConfigMapKeySelector{Key: "levels"}
		ref.Name = "logging"
		r.Kafka.Spec.Kafka.Logging = &v1.Logging{Type: v1.LoggingExternal, ValueFrom: &v1.ExternalConfiguration{ConfigMapKeyRef: ref}}
		r.Observed.ConfigMaps = map[string]map[string]string{"logging": {"levels": c.text}}
		got, _ := mustFor(t, r)
		if whole := c.text == c.want; whole && got.Log4j != c.want || !strings.Contains(got.Log4j, c.want) {
			t.Errorf("%s:\n%s", c.name, got.Log4j)
		}
		ref.Key, ref.Optional = "other", ptr(true)
		if got, _ = mustFor(t, r); !strings.Contains(got.Log4j, "INFO") {
			t.Errorf("%s: without the key:\n%s", c.name, got.Log4j)
		}
	}
}

// TestLoggingRestarts: levels restart the nodes only where the file is read once.
func TestLoggingRestarts(t *testing.T) {
	hash := func(version, level string) string {
		r := resources(t, small)
		r.Kafka.Spec.Kafka.Version = version
		r.Kafka.Spec.Kafka.Logging = &v1.Logging{Type: v1.LoggingInline, Loggers: setting("rootLogger.level", `"`+level+`"`)}
		c, _ := mustFor(t, r)
		return c.Pools[0].Nodes[0].ConfigurationHash
	}
	if hash("", "INFO") != hash("", "WARN") || hash("3.9.1", "INFO") == hash("3.9.1", "WARN") {
		t.Error("levels restart nodes of Kafka 4, or don't restart those of 3.9")
	}
}
