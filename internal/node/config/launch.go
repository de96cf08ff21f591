package config

import (
	"slices"
	"strings"
)

// Launch is how one of Kafka's scripts is to be run: what it reads from its environment.
type Launch struct {
	Heap      []string // options of the JVM's heap
	Arguments string   // path of a file with all its other options, see ArgumentFile
	Logging   string   // the option that names the log configuration; empty: the script's own
	LogDir    string   // writable: the scripts and the image's own log configurations write there
	Tool      bool     // a tool, not the broker: it gets no agents, ports and class paths of the broker's
}

// replaced are the variables that a Launch sets or takes away, and dropped those that a tool is not to see.
var (
	replaced = []string{
		"KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS", "KAFKA_GC_LOG_OPTS", "KAFKA_LOG4J_OPTS", "LOG_DIR", "EXTRA_ARGS",
	}
	dropped = []string{"KAFKA_OPTS", "KAFKA_JMX_OPTS", "JMX_PORT", "CLASSPATH", "KAFKA_DEBUG"}
)

// Environment returns the environment of a script: that of the container, where a pod template may have put KAFKA_OPTS,
// KAFKA_JMX_OPTS, JMX_PORT or CLASSPATH, without what is steg-node's own. EXTRA_ARGS is empty so that the script makes no
// log of garbage collections in a file: the root file system is read-only. Without a word on JMX the script would start its
// agent for local tools, which those can do themselves when they come (jcmd PID ManagementAgent.start_local).
func (l Launch) Environment(container []string) []string {
	var out []string
	has := func(name string) bool {
		return slices.ContainsFunc(out, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	}
	for _, entry := range container {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "STEG_") || slices.Contains(replaced, name) || l.Tool && slices.Contains(dropped, name) {
			continue
		}
		out = append(out, entry)
	}
	if !has("KAFKA_JMX_OPTS") && !has("JMX_PORT") {
		out = append(out, "KAFKA_JMX_OPTS=-Djava.awt.headless=true") // not empty, or the script puts its own in
	}
	out = append(out,
		"KAFKA_HEAP_OPTS="+strings.Join(l.Heap, " "),
		"KAFKA_JVM_PERFORMANCE_OPTS=@"+l.Arguments,
		"LOG_DIR="+l.LogDir, "EXTRA_ARGS=",
	)
	if l.Logging != "" {
		out = append(out, "KAFKA_LOG4J_OPTS="+l.Logging)
	}
	return out
}
