package node

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options is what Run goes by. Paths of the pod are below Root, which tests set.
type Options struct {
	// Root is put in front of /etc/steg, /run/steg and /tmp; empty means none. What the properties name is taken as it stands.
	Root string
	// KafkaHome is where the image has Kafka.
	KafkaHome string
	// AgentAddress is where the operator's question for the broker's state is answered; empty: nowhere.
	AgentAddress string
	// Wait bounds the waiting for the node's address and rack.
	Wait time.Duration
	// StopTimeout is how long Kafka may take to stop before it is killed. The pod's grace period is shorter as a rule.
	StopTimeout time.Duration
	// NoQuorum is for how long no majority of the controllers may be there while a broker stops. Then it is killed: nobody takes
	// over its partitions, and it would wait for that as long as it may.
	NoQuorum time.Duration
	// Environ is the container's environment.
	Environ []string
	// Stdout and Stderr get what Kafka prints.
	Stdout, Stderr io.Writer
	Log            *slog.Logger
}

// Defaults of the pod that the operator makes.
const (
	DefaultKafkaHome    = "/opt/kafka"
	DefaultAgentAddress = ":8443"
	DefaultWait         = time.Minute
	DefaultStopTimeout  = time.Hour
	// DefaultNoQuorum is more than a controller needs to be started again on its node.
	DefaultNoQuorum = 10 * time.Second
	// SocketFile is where probes are answered.
	SocketFile = "/run/steg/node.sock"
)

// Bounds of what happens on the way.
const (
	formatTimeout = 3 * time.Minute // a JVM's start on a machine that starts many of them, and a disk that is slow
	lookTimeout   = 700 * time.Millisecond
	lookFresh     = time.Second            // an answer of the process that is not older is not asked for again
	lookPause     = 500 * time.Millisecond // between two questions before the first ready
	quorumTimeout = 2 * time.Second        // for another controller to be there, or the own broker to answer, while it stops
	waitPause     = 500 * time.Millisecond
	killTimeout   = 20 * time.Second // for a killed process to be gone
	outputGrace   = 2 * time.Second  // for output of processes that the ended one has left
	maxFile       = 4 << 20          // bytes of a mounted file; ConfigMaps and Secrets hold at most 1 MiB
)

// identity is who the node is, from the environment.
type identity struct {
	id                   int
	pod, hostIP, options string
}

func (o Options) identity() (identity, error) {
	who := identity{pod: o.env("STEG_POD_NAME"), hostIP: o.env("STEG_HOST_IP"), options: o.env("STEG_JVM_OPTIONS")}
	var err error
	if who.id, err = strconv.Atoi(o.env("STEG_NODE_ID")); err != nil || who.id < 0 {
		return identity{}, fmt.Errorf("STEG_NODE_ID=%q is not the number of a node", o.env("STEG_NODE_ID"))
	}
	if who.pod == "" || strings.ContainsAny(who.pod, "/\\") {
		return identity{}, errors.New("STEG_POD_NAME is not set: certificates are named after the pod")
	}
	return who, nil
}

// env returns the last value of a variable, as a shell would see it.
func (o Options) env(name string) string {
	for _, entry := range slices.Backward(o.Environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// path returns a path of the pod, such as /etc/steg/node/server.config, where it is really.
func (o Options) path(elements ...string) string {
	return filepath.Join(append([]string{o.Root, "/"}, elements...)...)
}

func (o Options) etc(elements ...string) string {
	return o.path(append([]string{"/etc/steg"}, elements...)...)
}

func (o Options) run(elements ...string) string {
	return o.path(append([]string{"/run/steg"}, elements...)...)
}

func (o Options) temp() string { return o.path("/tmp/steg") }
