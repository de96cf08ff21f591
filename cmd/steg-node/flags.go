package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/steg-kafka/steg/internal/node"
)

// options is what the flags say.
type options struct {
	node.Options
	probeTimeout time.Duration
	logLevel     string
}

const usage = `steg-node: runs one node of an Apache Kafka cluster inside the stock apache/kafka image.

The operator puts it into its pods; nothing else has to. This is what it does there:

  steg-node install /opt/steg     in an init container: copies itself to where the container of Kafka finds it
  steg-node run                   the container's command: makes server.properties and key stores from /etc/steg,
                                  formats the log directories, runs /opt/kafka/bin/kafka-server-start.sh and stays with it
  steg-node probe ready           exit 0 when the broker is registered and unfenced, or the controller keeps up
  steg-node probe live            exit 0 while Kafka starts, recovers its logs or runs
  steg-node version               prints the version

run ends with Kafka's own exit code, 0 after SIGTERM, 1 when something is wrong with what was found, which it says in one
line. To see why a pod does not become ready:

  kubectl exec POD -c kafka -- /opt/steg/steg-node probe ready

It reads /etc/steg/node, /etc/steg/shared, /etc/steg/certs, /etc/steg/trust and /etc/steg/pod, and these variables:
  STEG_NODE_ID       the node's number
  STEG_POD_NAME      the pod's name, after which its certificate is named
  STEG_HOST_IP       the address that clients are told if the operator does not say one in time
  STEG_JVM_OPTIONS   {"-Xms":"1g","-Xmx":"1g","-XX":{"UseZGC":"true"},"javaSystemProperties":[{"name":"a","value":"b"}],
                     "gcLoggingEnabled":false}; without a heap it is half of the container's memory limit, at most 5 GiB
KAFKA_OPTS, KAFKA_JMX_OPTS, JMX_PORT and CLASSPATH reach Kafka's start script as they are.

Flags, which stand before the command:
`

// parseFlags reads the flags and returns the rest of the command line. flag.ErrHelp means that the help was printed.
func parseFlags(args []string, stdout io.Writer) (options, []string, error) {
	var o options
	f := flag.NewFlagSet("steg-node", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.Root, "root", "", "`DIR` before /etc/steg, /run/steg and /tmp, for trying it outside a pod")
	f.StringVar(&o.KafkaHome, "kafka-home", node.DefaultKafkaHome, "`DIR` with Kafka's bin and libs")
	f.StringVar(&o.AgentAddress, "agent-address", node.DefaultAgentAddress, "`HOST:PORT` where the operator asks for the broker's state; empty: nowhere")
	f.DurationVar(&o.Wait, "wait", node.DefaultWait, "how long run waits for the operator to say the node's address and rack")
	f.DurationVar(&o.StopTimeout, "stop-timeout", node.DefaultStopTimeout, "how long Kafka may take to stop before it is killed")
	f.DurationVar(&o.NoQuorum, "no-quorum", node.DefaultNoQuorum, "how long no majority of the controllers may be there while a broker stops, before it is killed")
	f.DurationVar(&o.probeTimeout, "probe-timeout", time.Second, "how long probe waits for an answer")
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error: `LEVEL` of steg-node's own lines")
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, usage)
		f.SetOutput(stdout)
		f.PrintDefaults()
		return o, nil, flag.ErrHelp
	case err != nil:
		return o, nil, usageError{fmt.Errorf("%w (see --help)", err)}
	}
	for flagName, d := range map[string]time.Duration{"wait": o.Wait, "stop-timeout": o.StopTimeout, "no-quorum": o.NoQuorum, "probe-timeout": o.probeTimeout} {
		if d <= 0 {
			return o, nil, usageError{fmt.Errorf("--%s %s: a time above zero (see --help)", flagName, d)}
		}
	}
	return o, f.Args(), nil
}
