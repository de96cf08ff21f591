// Command bench measures the bridge against what the machine allows. For each scenario it drives a bridge over loopback and,
// in the same minute and alternating with it, two limits as processes of their own: a bare net/http server that reads the
// body and answers a constant, and a franz-go client that does the same produce or consume without HTTP. What counts is CPU
// time of the server process against the sum of the limits' CPU time: it says how much of the cost is the bridge's own, and
// it survives a noisy machine, which rates and latencies do not.
//
//	go run ./test/bench                    a real Apache Kafka is started, all scenarios, about 12 minutes
//	go run ./test/bench --quick            about 2 minutes
//	go run ./test/bench --scenario single  the scenarios whose names contain "single"
//	go run ./test/bench --embedded         on the development broker instead of Apache Kafka
//	go run ./test/bench --peer URL,PID     any other bridge of the same contract beside ours
//	go run ./test/bench --profile DIR      CPU and allocation profiles of each scenario into DIR
//	go run ./test/bench --growth           how the cost grows with connections, partitions, topics, sizes and consumers
//
// The program runs on Linux only: it reads /proc. It must not be changed in a way that makes the load generator cheaper at the
// price of doing less: each answer is read to its end and its status judged, and the records that were acknowledged are
// counted in the topic afterwards.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// The roles in which the program starts itself.
const (
	roleBare   = "role-bare"   // the net/http limit
	roleRaw    = "role-raw"    // the franz-go limit
	roleBroker = "role-broker" // the development broker
	roleTwin   = "role-twin"   // the bridge with a profiler
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 1 {
		switch args[0] {
		case roleBare:
			return bare(ctx, args[1])
		case roleRaw:
			return raw(ctx, args[1])
		case roleTwin:
			return twin(ctx, args[1:])
		}
	}
	if len(args) == 1 && args[0] == roleBroker {
		return broker(ctx)
	}
	o, err := parseFlags(args, os.Stdout)
	if err != nil {
		return err
	}
	b, err := open(ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(b.all(ctx), b.close())
}
