package node

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// controllers listens as so many controllers do, of a quorum of all that the node is one of or not, and writes them into the node's
// properties. Those that do not listen are gone.
func (p *pod) controllers(all, listening int, self bool) {
	p.t.Helper()
	var voters []string
	for i := range all {
		id := i + 1
		if self {
			id = i
		}
		address := fmt.Sprintf("127.0.0.1:%d", freePort(p.t))
		if listening > 0 && (!self || i > 0) {
			l, err := new(net.ListenConfig).Listen(p.t.Context(), "tcp", address)
			if err != nil {
				p.t.Fatal(err)
			}
			p.t.Cleanup(func() { _ = l.Close() }) // nobody accepts: the kernel does
			listening--
		}
		voters = append(voters, fmt.Sprintf("%d@%s", id, address))
	}
	p.node("broker", "controller.quorum.voters="+strings.Join(voters, ",")+"\n")
}

// brokerEye is the eye of the pod's broker.
func (p *pod) brokerEye() *eye {
	p.t.Helper()
	who := identity{id: 0, pod: testPod}
	settings, _, err := p.options.prepare(p.t.Context(), who)
	if err != nil {
		p.t.Fatal(err)
	}
	e, err := newEye(who, settings, p.options.keys(testPod))
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

// TestQuorumPossible: a majority of those who vote has to be there, the node itself among them if it is one.
func TestQuorumPossible(t *testing.T) {
	for _, c := range []struct {
		all, listening int
		self, want     bool
	}{
		{all: 0, want: true}, // nothing is known
		{all: 1, self: true, want: true},
		{all: 1, want: false},
		{all: 1, listening: 1, want: true},
		{all: 3, self: true, want: false},
		{all: 3, listening: 1, self: true, want: true},
		{all: 3, listening: 1, want: false},
		{all: 3, listening: 2, want: true},
		{all: 4, listening: 2, want: false},
		{all: 5, listening: 1, self: true, want: false},
		{all: 5, listening: 2, self: true, want: true},
	} {
		p := newPod(t)
		p.controllers(c.all, c.listening, c.self)
		q := newQuorum(p.brokerEye())
		q.limit = 50 * time.Millisecond // nobody answers the handshake
		if got := q.possible(t.Context()); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestStopWithoutQuorum: a Kafka that does not stop is killed when no majority of the controllers is there, and only then; one
// whose broker does not answer any more is given its time.
func TestStopWithoutQuorum(t *testing.T) {
	const stubborn = "#!/bin/sh\ntrap '' TERM\necho Kafka is up\nwhile :; do sleep 60; done\n"
	for _, c := range []struct {
		name      string
		listening int
		mute      bool
		want      string
	}{
		{"no quorum", 1, false, "no majority"},
		{"a quorum", 2, false, "did not stop in time"},
		{"a broker that doesn't answer", 1, true, "did not stop in time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPod(t)
			p.write("opt/kafka/bin/kafka-server-start.sh", stubborn)
			p.controllers(3, c.listening, false)
			kafka := p.broker()
			kafka.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
				kafka.KeepControl()
				if c.mute {
					return nil, errors.New("the connection is closed"), true
				}
				return nil, nil, false
			})
			p.options.NoQuorum = 20 * time.Millisecond
			if c.want == "did not stop in time" {
				p.options.StopTimeout = 6 * time.Second // more than a look
			}
			l := p.run()
			p.says("Kafka is up")
			l.stop()
			if code, text := l.wait(t); code != 128+int(syscall.SIGKILL) || text != "" {
				t.Errorf("%d, %s", code, text)
			}
			if !strings.Contains(p.printed.String(), c.want) {
				t.Errorf("%q was not said:\n%s", c.want, p.printed.String())
			}
		})
	}
}
