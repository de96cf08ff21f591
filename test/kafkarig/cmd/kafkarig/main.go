// Command kafkarig runs a real Apache Kafka on loopback for people and scripts.
//
//	go run ./test/kafkarig/cmd/kafkarig up [flags]   starts it, prints addresses, stays until Ctrl-C
//	go run ./test/kafkarig/cmd/kafkarig prepare      fetches and prepares a version, starts nothing
//	go run ./test/kafkarig/cmd/kafkarig install      installs java and mvn with apt-get, as root
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

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/kafkarig"
)

const usage = `usage: kafkarig up [flags]   start Apache Kafka, print addresses, stay until Ctrl-C
       kafkarig prepare [-version V]   fetch and prepare a version
       kafkarig install         install java and mvn (as root, with apt-get)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run carries out one command; it ends early when ctx does.
func run(ctx context.Context, args []string, out io.Writer) error {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	switch command {
	case "up", "prepare":
		o, err := options(command, args, out)
		if err != nil {
			return err
		}
		o.Away = command == "prepare"
		return up(ctx, o, out)
	case "install":
		return kafkarig.EnsureTools(ctx, out)
	default:
		return errors.New(strings.TrimSpace(usage))
	}
}

func options(command string, args []string, out io.Writer) (kafkarig.Options, error) {
	o := kafkarig.Options{Config: map[string]string{}}
	f := flag.NewFlagSet("kafkarig "+command, flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.Version, "version", "", "`version` of Apache Kafka (default $KAFKA_VERSION or "+kafkarig.DefaultVersion+")")
	f.IntVar(&o.Brokers, "brokers", 1, "1 or 3")
	f.BoolVar(&o.TLS, "tls", false, "add TLS listeners, with and without client certificates")
	f.BoolVar(&o.SASL, "sasl", false, "add SASL listeners: SCRAM-SHA-256, SCRAM-SHA-512, PLAIN")
	f.BoolVar(&o.OAuth, "oauth", false, "let the SASL listeners take OAUTHBEARER with unsigned tokens")
	f.DurationVar(&o.RebalanceDelay, "rebalance-delay", 0, "how long a new group waits for members (stock brokers: 3s)")
	f.StringVar(&o.Dir, "dir", "", "`directory` for all files (default: a temporary one)")
	f.StringVar(&o.Heap, "heap", "", "each JVM's largest heap, such as 512m")
	f.Func("set", "a broker's setting, `key=value`; repeatable", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("not key=value")
		}
		o.Config[k] = v
		return nil
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("kafkarig: unexpected %q", f.Arg(0))
	}
	return o, nil
}

func up(ctx context.Context, o kafkarig.Options, out io.Writer) error {
	r, err := kafkarig.Up(ctx, o)
	if err != nil {
		return err
	}
	if !o.Away {
		if _, err := io.WriteString(out, describe(r)); err != nil {
			return errors.Join(err, r.Close())
		}
		<-ctx.Done()
	}
	return r.Close()
}

// describe says how to reach the rig.
func describe(r *kafkarig.Rig) string {
	var out strings.Builder
	fmt.Fprintf(&out, "Apache Kafka %s, files in %s\n", r.Version, r.Dir)
	for _, l := range r.Listeners() {
		fmt.Fprintf(&out, "%-10s %-15s %s\n", l.Name(), l.Protocol(), r.Bootstrap(l))
	}
	if r.CA != nil {
		fmt.Fprintf(&out, "CA         %s (.p12 and .jks beside it, password %s)\n", r.Files.CA.Cert, kafkarig.StorePassword)
		for _, f := range []pki.Files{r.Files.Admin, r.Files.User, r.Files.Expired, r.Files.Stranger} {
			fmt.Fprintf(&out, "           %s (.key, .pem, .p12, .jks)\n", f.Cert)
		}
	}
	for _, l := range r.Listeners() {
		if l == kafkarig.SCRAM {
			fmt.Fprintf(&out, "users      %s/%s (may do everything), %s/%s (may do nothing without ACLs)\n",
				kafkarig.AdminUser, kafkarig.AdminPassword, kafkarig.OrdinaryUser, kafkarig.OrdinaryPassword)
		}
	}
	out.WriteString("Ctrl-C ends it\n")
	return out.String()
}
