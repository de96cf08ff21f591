package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options is what the command line says.
type options struct {
	configFile  string
	sets        list
	embedded    embedded
	check       bool
	printConfig bool
	version     bool
	await       time.Duration // 0: not asked for
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string { return strings.Join(*l, " ") }

func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}

// setting is a flag that is short for one setting.
type setting struct {
	sets *list
	key  string
}

func (s setting) String() string { return "" }

func (s setting) Set(value string) error { return s.sets.Set(s.key + "=" + value) }

// embedded is --embedded or --embedded=DIR.
type embedded struct {
	on  bool
	dir string
}

func (e *embedded) String() string   { return e.dir }
func (e *embedded) IsBoolFlag() bool { return true }

func (e *embedded) Set(value string) error {
	switch value {
	case "true":
		*e = embedded{on: true}
	case "false":
		*e = embedded{}
	default:
		*e = embedded{on: true, dir: value}
	}
	return nil
}

const usage = `steg-bridge: produce to and consume from Kafka over HTTP.

Usage:
  steg-bridge [--config-file FILE] [--set KEY=VALUE]... [flags]

Try it, with a development broker in the same process:
  steg-bridge --embedded

In front of a Kafka cluster, on loopback only:
  steg-bridge --set kafka.bootstrap.servers=kafka:9092 --set http.host=127.0.0.1

With the properties file of a Strimzi Kafka Bridge, after looking whether all is right:
  steg-bridge --check --config-file application.properties
  steg-bridge --config-file application.properties

In a container's postStart hook, until the bridge that has the same settings is there:
  steg-bridge --await 60s

Settings are those of the Strimzi Kafka Bridge, with kafka.* for the Java clients' own. Each may stand in the file, in the
environment variable STEG_PROPERTIES (a text like the file's), in one of the setting's own name, in one like
STEG_KAFKA_BOOTSTRAP_SERVERS, or behind --set; the later wins.

Flags:
`

// parseFlags reads the command line. flag.ErrHelp means that the help was printed.
func parseFlags(args []string, stdout io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("steg-bridge", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.configFile, "config-file", "", "properties `FILE` to read")
	f.Var(&o.sets, "set", "a setting, `KEY=VALUE`; may be repeated")
	f.Var(&o.embedded, "embedded", "run a development broker in this process; --embedded=`DIR` keeps its data")
	f.BoolVar(&o.check, "check", false, "check all settings, try Kafka, print what was found; exit 0 or 1")
	f.BoolVar(&o.printConfig, "print-config", false, "print the effective settings and where they come from, secrets masked")
	f.DurationVar(&o.await, "await", 0, "wait at most `DURATION` until the bridge of these settings answers /started; exit 0 or 1")
	f.BoolVar(&o.version, "version", false, "print the version")
	f.Var(setting{&o.sets, "log.level"}, "log-level", "debug, info, warn or error: `LEVEL`; as --set log.level=LEVEL")
	f.Var(setting{&o.sets, "log.format"}, "log-format", "text or json: `FORMAT`; as --set log.format=FORMAT")
	err := f.Parse(args)
	if err == nil && o.await < 0 {
		return o, fmt.Errorf("--await %s: a negative time (see --help)", o.await)
	}
	if err == nil && f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q: settings are given as --set KEY=VALUE (see --help)", f.Arg(0))
	}
	if err == flag.ErrHelp { //nolint:errorlint // the flag package returns exactly this value
		fmt.Fprint(stdout, usage)
		f.SetOutput(stdout)
		f.PrintDefaults()
		return o, err
	}
	if err != nil {
		return o, fmt.Errorf("%w (see --help)", err)
	}
	return o, nil
}
