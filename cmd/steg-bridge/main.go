// Command steg-bridge answers the REST contract of the Strimzi Kafka Bridge in front of a Kafka cluster, or of an
// embedded development broker. `steg-bridge --help` teaches how to use it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/steg-kafka/steg/internal/kafka"
)

// version is set at link time.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, referenceArgs(os.Args[0], os.Args[1:]), os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program without the process: it returns the exit code. 0 after a clean stop, 1 when something is wrong with
// the settings or the machine, 2 for flags that cannot be understood.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	o, err := parseFlags(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "steg-bridge: %v\n", err)
		return 2
	case o.version:
		fmt.Fprintln(stdout, version)
		return 0
	}
	if err := start(ctx, o, environ, stdout); err != nil {
		fmt.Fprintf(stderr, "steg-bridge: %v\n", err)
		return 1
	}
	return 0
}

// errNoKafka is for who starts the program to see what it does.
var errNoKafka = errors.New("kafka.bootstrap.servers is not set: --set kafka.bootstrap.servers=HOST:9092, or --embedded to try it with a development broker")

// start reads the settings and does what the flags ask for.
func start(ctx context.Context, o options, environ []string, stdout io.Writer) error {
	s, err := readSettings(o, environ)
	if err != nil {
		return err
	}
	switch {
	case o.printConfig:
		return printConfig(stdout, s)
	case o.await > 0:
		return await(ctx, stdout, s, o.await)
	case !o.embedded.on && s.ClientProperties(kafka.Admin)["bootstrap.servers"] == "":
		return errNoKafka
	case o.check:
		return check(ctx, stdout, s)
	}
	return serveBridge(ctx, stdout, s, o)
}
