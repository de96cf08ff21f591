// Command steg-operator puts an HTTP bridge to Kafka into every pod that asks for one by a label, and deploys the bridges
// that KafkaBridge resources describe. `steg-operator --help` teaches how to use it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// version is set at link time.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	p := program{environ: os.Environ(), stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	code := p.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// program is what a command has of the process that it runs in.
type program struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// usageError is a command line or a variable that cannot be understood: exit code 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the program without the process: it returns the exit code. 0 after a clean end, 1 when something is wrong with
// what was found, 2 for flags that cannot be understood.
func (p program) run(ctx context.Context, args []string) int {
	command, rest := "run", args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, rest = args[0], args[1:]
	}
	err := p.dispatch(ctx, command, rest)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return 0
	}
	// Several errors are joined with line ends; a message is one line all the same.
	fmt.Fprintf(p.stderr, "steg-operator: %s\n", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func (p program) dispatch(ctx context.Context, command string, args []string) error {
	switch command {
	case "run":
		return p.operate(ctx, args)
	case "inject":
		return p.inject(args)
	case "uninstall":
		return p.uninstall(ctx, args)
	case "version":
		fmt.Fprintln(p.stdout, version)
		return nil
	case "help":
		return p.operate(ctx, []string{"--help"})
	}
	return usageError{fmt.Errorf("unknown command %q: run, inject, uninstall or version (see --help)", command)}
}
