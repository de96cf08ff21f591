package node

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/steg-kafka/steg/internal/node/config"
)

// memoryFiles are where the container's own control group says its memory limit: version 2, then 1.
var memoryFiles = [...]string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// memoryLimit is the container's memory limit in bytes, 0 without one.
func memoryLimit() (int64, error) {
	for _, file := range memoryFiles {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // the other version's
		}
		limit, err := config.ParseMemoryLimit(string(content))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		return limit, nil
	}
	return 0, nil
}

// image looks for what the JVM of a script can use.
func (o Options) image(archive string) config.Image {
	image := config.Image{Temp: o.temp()}
	if file := filepath.Join(o.KafkaHome, archive); exists(file) {
		image.Archive = file
	}
	return image
}

// launch writes the file with a JVM's options.
func (o Options) launch(name string, heap, arguments []string) (config.Launch, error) {
	l := config.Launch{Heap: heap, Arguments: o.run(name + ".jvm"), LogDir: o.temp()}
	return l, writeFile(l.Arguments, []byte(config.ArgumentFile(arguments)))
}

// launchKafka decides how the broker's JVM runs.
func (o Options) launchKafka(who identity) (config.Launch, error) {
	options, err := config.ParseJVMOptions(who.options)
	if err != nil {
		return config.Launch{}, fmt.Errorf("STEG_JVM_OPTIONS: %w", err)
	}
	limit, err := memoryLimit()
	if err != nil {
		return config.Launch{}, err
	}
	jmx, err := o.jmx()
	if err != nil {
		return config.Launch{}, err
	}
	l, err := o.launch("kafka", options.Heap(limit), append(options.Arguments(o.image("kafka.jsa")), jmx...))
	if err != nil {
		return config.Launch{}, err
	}
	if l.Logging, err = o.logging(); err != nil {
		return config.Launch{}, err
	}
	o.Log.Info("options of the JVM", "heap", l.Heap, "memoryLimit", limit, "file", l.Arguments, "logging", l.Logging)
	return l, nil
}

// logging names the configuration that the image's logging library reads: Kafka 3.9 has reload4j, 4.x log4j 2. While a
// cluster is upgraded both files are there. Without one it is a short one to standard output: the image's own writes files,
// of which the small volume for temporary files is soon full.
func (o Options) logging() (string, error) {
	option, name, fallback := "-Dlog4j2.configurationFile=", "log4j2.properties", log4j2
	if old, err := filepath.Glob(filepath.Join(o.KafkaHome, "libs", "reload4j-*.jar")); err == nil && len(old) > 0 {
		option, name, fallback = "-Dlog4j.configuration=file:", "log4j.properties", log4j1
	}
	file := o.etc("shared", name)
	if exists(file) {
		return option + file, nil
	}
	file = o.run(name)
	o.Log.Warn("no log configuration for this version of Kafka is mounted: information goes to standard output", "missing", o.etc("shared", name))
	return option + file, writeFile(file, []byte(fallback))
}

// log4j 2 would stop at the signal, before Kafka has said how it stops: hence no shutdown hook.
const (
	log4j2 = `shutdownHook=disable
rootLogger.level=info
rootLogger.appenderRef.console.ref=STDOUT
appender.console.type=Console
appender.console.name=STDOUT
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{yyyy-MM-dd HH:mm:ss} %-5p [%t] %c{1}:%L - %m%n
`
	log4j1 = `log4j.rootLogger=INFO, CONSOLE
log4j.appender.CONSOLE=org.apache.log4j.ConsoleAppender
log4j.appender.CONSOLE.layout=org.apache.log4j.PatternLayout
log4j.appender.CONSOLE.layout.ConversionPattern=%d{ISO8601} %p %m (%c) [%t]%n
`
)
