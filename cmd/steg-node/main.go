// Command steg-node is the first process of a Kafka node's container: it renders, formats, starts, probes and stops the
// broker of a stock Apache Kafka image. `steg-node --help` teaches how it is used.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/steg-kafka/steg/internal/logging"
	"github.com/steg-kafka/steg/internal/node"
)

// version is set at link time.
var version = "dev"

// gcPercent keeps the heap small: the program shares the memory limit of a broker, and has little to do.
const gcPercent = 25

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, executable: os.Executable}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is what a command has of the process that it runs in.
type program struct {
	environ        []string
	stdout, stderr io.Writer
	executable     func() (string, error)
}

// usageError is a command line that cannot be understood: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the program without the process: it returns the exit code. 0 after a clean end, 1 when something is wrong with
// what was found, 2 for a command line that cannot be understood; run returns Kafka's.
func (p program) run(ctx context.Context, args []string) int {
	code, err := p.dispatch(ctx, args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return code
	}
	// Several errors are joined with line ends; a message is one line all the same.
	fmt.Fprintf(p.stderr, "steg-node: %s\n", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return max(code, 1)
}

func (p program) dispatch(ctx context.Context, args []string) (int, error) {
	o, rest, err := parseFlags(args, p.stdout)
	if err != nil {
		return 0, err
	}
	if len(rest) == 0 {
		return 0, usageError{errors.New("say what to do: install DIR, run, probe ready, probe live or version (see --help)")}
	}
	command, rest := rest[0], rest[1:]
	switch {
	case command == "run" && len(rest) == 0:
		return p.runNode(ctx, o)
	case command == "install" && len(rest) == 1:
		return 0, p.install(rest[0])
	case command == "probe" && len(rest) == 1 && (rest[0] == "ready" || rest[0] == "live"):
		text, err := node.Probe(ctx, o.Root, rest[0], o.probeTimeout)
		if err == nil {
			fmt.Fprintln(p.stdout, text)
		}
		return 0, err
	case command == "version" && len(rest) == 0:
		fmt.Fprintln(p.stdout, version)
		return 0, nil
	}
	return 0, usageError{fmt.Errorf("%q: one of install DIR, run, probe ready, probe live and version was expected (see --help)",
		strings.Join(append([]string{command}, rest...), " "))}
}

func (p program) runNode(ctx context.Context, o options) (int, error) {
	logs, err := logging.Open(logging.Options{Writer: p.stdout, Level: o.logLevel, Format: logging.Text})
	if err != nil {
		return 0, usageError{err}
	}
	defer logs.Close()
	o.Environ, o.Stdout, o.Stderr, o.Log = p.environ, p.stdout, p.stderr, logs.Logger
	logs.Info("steg-node " + version + " is starting")
	return node.Run(ctx, o.Options)
}

func (p program) install(dir string) error {
	self, err := p.executable()
	if err != nil {
		return err
	}
	return node.Install(self, dir)
}
