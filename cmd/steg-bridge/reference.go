package main

import (
	"path/filepath"

	"github.com/steg-kafka/steg/internal/kafka"
)

// startScript is what the reference's image calls the script that starts it, in bin and in bin/docker of its home.
const startScript = "kafka_bridge_run.sh"

// referenceArgs returns the arguments of a program that may have been started under the name of the reference's script:
// without a file of its own it reads the one that the operator mounts, custom-config/application.properties in the home.
func referenceArgs(program string, args []string) []string {
	if filepath.Base(program) != startScript {
		return args
	}
	home := filepath.Dir(program)
	for _, folder := range []string{"docker", "bin"} {
		if filepath.Base(home) == folder {
			home = filepath.Dir(home)
		}
	}
	file := filepath.Join(home, "custom-config", "application.properties")
	return append([]string{"--config-file", file}, args...) // a later --config-file wins
}

// withoutJVM finds variables that the reference's image honors and that mean nothing outside of a JVM.
func withoutJVM(s settings) []kafka.Finding {
	var findings []kafka.Finding
	for _, name := range []string{
		"KAFKA_BRIDGE_LOG4J_OPTS", "JAVA_OPTS", "KAFKA_HEAP_OPTS", "STRIMZI_DYNAMIC_HEAP_PERCENTAGE", "STRIMZI_DYNAMIC_HEAP_MAX",
		"STRIMZI_GC_LOG_ENABLED", "STRIMZI_JAVA_SYSTEM_PROPERTIES", "STRIMZI_JAVA_OPTS", "FIPS_MODE",
	} {
		if value, ok := s.lookup(name); ok && value != "" {
			findings = append(findings, kafka.Finding{Key: name, Level: kafka.Warning, Text: name + " has no effect: there is no JVM"})
		}
	}
	return findings
}
