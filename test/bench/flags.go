package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	bootstrap string // of a Kafka that runs already
	embedded  bool
	bridge    string // binary; empty: built from this tree
	overlay   string // for that build
	sets      []string
	acks      []string
	scenario  string
	quick     bool
	pairs     int
	warm      time.Duration
	length    time.Duration
	json      string
	profile   string
	allocs    bool
	peers     []subject
	growth    []string // axes; none: the scenarios
}

// subject is a bridge that is measured.
type subject struct {
	name string
	addr string // host:port of its API
	pid  int    // of the process that its CPU time and memory are read from
}

// The lengths of runs, unless the command line says others. Growth has many steps.
const (
	warmLength, runLength             = time.Second, 4 * time.Second
	growthWarmLength, growthRunLength = 500 * time.Millisecond, 2 * time.Second
)

// parseFlags reads the command line.
func parseFlags(args []string, out io.Writer) (options, error) {
	o := options{acks: []string{"1"}}
	f := o.flags(out)
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if len(o.growth) > 0 && f.NArg() > 0 { // its value is optional, so that one with a blank before it is an argument
		var err error
		if o.growth, err = pickAxes(f.Arg(0)); err != nil {
			return o, fmt.Errorf("--growth: %w", err)
		}
		if err := f.Parse(f.Args()[1:]); err != nil {
			return o, err
		}
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	given := make(map[string]bool)
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := o.complete(given); err != nil {
		return o, err
	}
	return o, nil
}

// flags are those that fill the options.
func (o *options) flags(out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.bootstrap, "bootstrap", "", "host:port of a `Kafka` that runs already, instead of starting one")
	f.BoolVar(&o.embedded, "embedded", false, "on the development broker (in a process of its own) instead of Apache Kafka")
	f.StringVar(&o.bridge, "bridge", "", "`binary` to measure, instead of building one from this tree")
	f.StringVar(&o.overlay, "overlay", "", "overlay `file` for the build")
	f.Func("set", "a further setting of the bridge, `KEY=VALUE`; may be repeated", func(s string) error {
		o.sets = append(o.sets, s)
		return nil
	})
	f.Func("acks", "acks of producer and limit, `1` by default; 1,all measures the produce scenarios with both", func(s string) error {
		o.acks = strings.Split(s, ",")
		return nil
	})
	f.StringVar(&o.scenario, "scenario", "", "only scenarios, or steps of --growth, whose names contain one of these comma-separated `words`")
	f.BoolFunc("growth", "instead of the scenarios, how the cost grows along `axes`: one table each for all of "+
		strings.Join(axisNames(), ",")+", or for those that are named so; about 10 minutes", func(s string) error {
		var err error
		o.growth, err = pickAxes(s)
		return err
	})
	f.BoolVar(&o.quick, "quick", false, "short runs, and only the scenarios that have a goal: about 2 minutes")
	f.IntVar(&o.pairs, "pairs", 3, "how often bridge and limits take turns; medians are printed")
	f.DurationVar(&o.warm, "warm", warmLength, "load before each run that is not counted; 0.5s with --growth")
	f.DurationVar(&o.length, "length", runLength, "length of one run; 2s with --growth")
	f.StringVar(&o.json, "json", "", "also write all figures, each run's included, to this `file`")
	f.StringVar(&o.profile, "profile", "", "also write CPU and allocation profiles of each scenario to this `directory`")
	f.BoolVar(&o.allocs, "allocs", true, "also count allocations per request, in a second process; false with --growth")
	f.Func("peer", "another bridge beside ours, `URL,PID[,NAME]`; may be repeated", func(s string) error {
		p, err := parsePeer(s)
		o.peers = append(o.peers, p)
		return err
	})
	return f
}

// complete checks what the flags say together, and adds what depends on which of them were given.
func (o *options) complete(given map[string]bool) error {
	if len(o.growth) > 0 {
		if len(o.peers) > 0 {
			return fmt.Errorf("--growth and --peer do not go together")
		}
		if len(o.acks) > 1 {
			return fmt.Errorf("--growth takes one kind of acks, not %s", strings.Join(o.acks, ","))
		}
		if !given["warm"] {
			o.warm = growthWarmLength
		}
		if !given["length"] {
			o.length = growthRunLength
		}
		o.allocs = o.allocs && given["allocs"]
	}
	if o.pairs < 1 || o.length <= 0 {
		return fmt.Errorf("pairs and length must be positive")
	}
	if o.quick {
		o.warm, o.length = o.warm/4, o.length/4
	}
	return nil
}

func parsePeer(s string) (subject, error) {
	parts := strings.Split(s, ",")
	if len(parts) < 2 {
		return subject{}, fmt.Errorf("peer %q is not URL,PID", s)
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		return subject{}, fmt.Errorf("peer %q: %w", s, err)
	}
	p := subject{name: "peer", pid: pid, addr: strings.TrimSuffix(strings.TrimPrefix(parts[0], "http://"), "/")}
	if len(parts) > 2 {
		p.name = parts[2]
	}
	return p, nil
}

// picks reports whether the command line wants a scenario.
func (o options) picks(name string, goal bool) bool {
	if o.scenario == "" {
		return goal || !o.quick
	}
	for word := range strings.SplitSeq(o.scenario, ",") {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
