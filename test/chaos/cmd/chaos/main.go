// Command chaos breaks a real Kafka under bridges with traffic and judges what the clients were told:
//
//	go run ./test/chaos/cmd/chaos -time 30m -seed 7
//	go run ./test/chaos/cmd/chaos -faults kill-all,bridge-kill
//
// It exits 1 when a rule was broken or a recovery took too long. See docs/faults.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/steg-kafka/steg/test/chaos"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx)
	stop()
	os.Exit(code)
}

func run(ctx context.Context) int {
	var o chaos.Options
	var kinds string
	var list bool
	flag.DurationVar(&o.Time, "time", 30*time.Minute, "how long faults are begun for; 0: one round")
	flag.Uint64Var(&o.Seed, "seed", uint64(time.Now().UnixNano())%1_000_000, "decides order, targets and lengths of the faults")
	flag.StringVar(&kinds, "faults", "", "comma-separated `kinds`; all by default")
	flag.StringVar(&o.Dir, "dir", "", "where logs and data go; a temporary directory by default")
	flag.StringVar(&o.Binary, "bridge", "", "the bridge's `binary`; that of this tree by default")
	flag.Func("set", "a further `setting` of the bridges, key=value; may be repeated", func(s string) error {
		o.Sets = append(o.Sets, s)
		return nil
	})
	flag.BoolVar(&list, "list", false, "list the kinds of faults")
	flag.Parse()
	if list {
		names, what := chaos.Faults()
		for _, name := range names {
			fmt.Printf("%-22s %s\n", name, what[name])
		}
		return 0
	}
	if kinds != "" {
		o.Faults = strings.Split(kinds, ",")
	}
	o.Out = os.Stdout
	fmt.Printf("chaos: seed %d\n", o.Seed)
	report, err := chaos.Run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if !report.OK() {
		return 1
	}
	return 0
}
