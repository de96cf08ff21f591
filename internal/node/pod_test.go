package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testPod     = "my-cluster-kafka-0"
	testCluster = "AAAAAAAAAAAAAAAAAAAAAA"
	patience    = 20 * time.Second // for anything that has to happen
)

// pod is a directory with what a node's container has: mounted files, and scripts in place of Kafka's.
type pod struct {
	t       *testing.T
	root    string
	ca      *pki.CA
	printed buffer
	options Options
	ports   [3]int // of the listeners TLS-9093 and REPLICATION-9091, and of the agent
}

// buffer is what a process prints, safe for concurrent use.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// The scripts in place of Kafka's. The formatter writes what Kafka's does, once.
const (
	fakeStart = `#!/bin/sh
trap 'echo stopping; exit ${FAKE_STOP:-143}' TERM
cat "$1" > "$LOG_DIR/seen.properties"
env > "$LOG_DIR/seen.env"
echo "Kafka is up"
echo "to stderr" >&2
[ -z "$FAKE_EXIT" ] || exit "$FAKE_EXIT"
[ -z "$FAKE_SAY" ] || printf '%b' "$FAKE_SAY"
while :; do sleep 60 & wait $!; done
`
	fakeStorage = `#!/bin/sh
echo "$@" >> "$LOG_DIR/../formats"
[ -z "$FAKE_FORMAT" ] || { echo "ERROR no"; echo "	at java.lang"; echo "last words"; exit 3; }
[ -z "$FAKE_FORMAT_HANGS" ] || exec sleep 60
while [ $# -gt 0 ]; do
  case $1 in --cluster-id) id=$2 ;; --config) file=$2 ;; esac
  shift
done
for dir in $(sed -n 's/^log.dirs=//p' "$file" | tr , ' '); do
  [ -e "$dir/meta.properties" ] || printf 'version=1\ncluster.id=%s\nnode.id=0\n' "$id" > "$dir/meta.properties"
done
`
)

func newPod(t *testing.T) *pod {
	t.Helper()
	ca, err := pki.NewCA("cluster-ca")
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{t: t, root: t.TempDir(), ca: ca}
	for i := range p.ports {
		p.ports[i] = freePort(t)
	}
	p.write("opt/kafka/bin/kafka-server-start.sh", fakeStart)
	p.write("opt/kafka/bin/kafka-storage.sh", fakeStorage)
	for _, script := range []string{"start", "storage"} {
		name := map[string]string{"start": "kafka-server-start.sh", "storage": "kafka-storage.sh"}[script]
		if err := os.Chmod(p.path("opt/kafka/bin", name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.write("etc/steg/shared/server.config", "controller.listener.names=CONTROLPLANE-9090\ninter.broker.listener.name=REPLICATION-9091\n")
	p.node("broker", "")
	p.write("etc/steg/node/cluster.id", testCluster+"\n")
	p.write("etc/steg/node/metadata.version", "4.3-IV0\n")
	p.write("etc/steg/shared/log4j2.properties", "")
	p.certificate(testPod, "my-cluster-kafka")
	p.write("etc/steg/trust/cluster-ca.crt", string(ca.PEM))
	p.write("run/steg/x", "")
	p.options = Options{
		Root: p.root, KafkaHome: p.path("opt/kafka"), Wait: 50 * time.Millisecond, StopTimeout: patience, NoQuorum: patience,
		AgentAddress: p.address(2), Stdout: &p.printed, Stderr: &p.printed, Log: slog.New(slog.NewTextHandler(&p.printed, nil)),
		Environ: []string{"PATH=" + os.Getenv("PATH"), "STEG_NODE_ID=0", "STEG_POD_NAME=" + testPod, `STEG_JVM_OPTIONS={"-Xmx":"1g"}`},
	}
	return p
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func (p *pod) address(i int) string { return fmt.Sprintf("127.0.0.1:%d", p.ports[i]) }

func (p *pod) path(elements ...string) string {
	return filepath.Join(append([]string{p.root}, elements...)...)
}

func (p *pod) write(name, text string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *pod) read(name string) string {
	p.t.Helper()
	text, err := os.ReadFile(p.path(name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

// node writes the node's own properties.
func (p *pod) node(roles, more string) {
	p.t.Helper()
	p.write("etc/steg/node/server.config", fmt.Sprintf(`process.roles=%s
listeners=TLS-9093://127.0.0.1:%d,REPLICATION-9091://127.0.0.1:%d
listener.security.protocol.map=TLS-9093:SSL,REPLICATION-9091:SSL,CONTROLPLANE-9090:SSL
advertised.listeners=REPLICATION-9091://localhost:%[3]d
log.dirs=%[4]s,%[5]s
%[6]s`, roles, p.ports[0], p.ports[1], p.path("data-0/kafka-log0"), p.path("data-1/kafka-log0"), more))
}

// certificate writes a certificate of the node and returns it.
func (p *pod) certificate(name, commonName string) *pki.Pair {
	p.t.Helper()
	pair, err := p.ca.Issue(pki.Subject{CommonName: commonName, Server: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("etc/steg/certs/"+name+".key", string(pair.KeyPEM))
	p.write("etc/steg/certs/"+name+".crt", string(pair.CertPEM))
	return pair
}

// broker is Kafka in this process, behind the pod's two listeners, with the certificate that its key store holds now.
func (p *pod) broker() *kfake.Cluster {
	p.t.Helper()
	config := &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(p.path("run/steg", testPod+".pem"), p.path("run/steg", testPod+".pem"))
		return &pair, err
	}}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(p.ports[1]), kfake.TLS(config))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(c.Close)
	return c
}

// listener accepts on the clients' port and shows the certificate that its key store holds when loaded is called.
func (p *pod) listener() (load func()) {
	p.t.Helper()
	var mu sync.Mutex
	var shown tls.Certificate
	load = func() {
		pair, err := tls.LoadX509KeyPair(p.path("run/steg/tls-9093.pem"), p.path("run/steg/tls-9093.pem"))
		if err != nil {
			p.t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		shown = pair
	}
	l, err := tls.Listen("tcp", p.address(0), &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		mu.Lock()
		defer mu.Unlock()
		pair := shown
		return &pair, nil
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, conn) // the handshake, and whatever comes
			_ = conn.Close()
		}
	}()
	p.t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return load
}

// life is a node that runs.
type life struct {
	stop  context.CancelFunc
	ended chan struct{}
	code  int
	err   error
}

// run starts the node. It is stopped with the test.
func (p *pod) run(environ ...string) *life {
	p.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	l := &life{stop: stop, ended: make(chan struct{})}
	o := p.options
	o.Environ = append(o.Environ, environ...)
	go func() {
		defer close(l.ended)
		l.code, l.err = Run(ctx, o)
	}()
	p.t.Cleanup(func() {
		stop()
		<-l.ended
	})
	return l
}

// wait returns the code and the error's text of a node that ends.
func (l *life) wait(t *testing.T) (int, string) {
	t.Helper()
	select {
	case <-l.ended:
	case <-time.After(patience):
		t.Fatal("the node does not end")
	}
	if l.err != nil {
		return l.code, l.err.Error()
	}
	return l.code, ""
}

// until waits for a condition.
func (p *pod) until(what string, yes func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !yes(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no %s; printed:\n%s", what, p.printed.String())
		}
	}
}

// says waits until the node or its Kafka has printed a text.
func (p *pod) says(text string) {
	p.t.Helper()
	p.until(text, func() bool { return strings.Contains(p.printed.String(), text) })
}
