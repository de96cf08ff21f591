//go:build kafka

package realkafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/kafkarig"
	"github.com/twmb/franz-go/pkg/kgo"
)

// nodeTimeout bounds each wait for a node: for its start, its readiness, its end. It is what kafkarig gives a broker to
// start, since three that start at once on a busy machine take ten times the usual 5 s.
const nodeTimeout = 2 * time.Minute

// clientListener is the listener of clients, which has a certificate of its own, and ownCertificate that one's name.
const (
	clientListener = "TLS-9093"
	ownCertificate = "tls-9093"
)

// Offsets of a node's ports from its first one.
const (
	controlPort = iota
	replicationPort
	clientPort
	agentPort
	portsOfNode
)

// nodeSet is a cluster of steg-node processes, with the files that the operator would mount into their pods.
type nodeSet struct {
	program, home, dir string
	clusterID, version string
	ports              []int
	roles              []string // of each node
	cluster, clients   *pki.CA  // authorities of the cluster and of its clients
}

// both is a node that is broker and controller.
const both = "broker,controller"

// newNodes makes the files of nodes with those roles.
func newNodes(t *testing.T, program, version string, roles ...string) *nodeSet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	home, err := kafkarig.Install(ctx, version, filepath.Join("..", "lab", "kafka", "image"))
	if err != nil {
		t.Fatal(err)
	}
	ports, release, err := kafkarig.Ports(len(roles) * portsOfNode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	s := &nodeSet{
		program: program, home: home, dir: t.TempDir(), clusterID: kafkarig.NewID(), version: version, ports: ports, roles: roles,
		cluster: newCA(t, "cluster-ca"), clients: newCA(t, "clients-ca"),
	}
	for i := range roles {
		s.writeNode(t, i, "")
	}
	return s
}

func newCA(t *testing.T, name string) *pki.CA {
	t.Helper()
	ca, err := pki.NewCA(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func (s *nodeSet) pod(i int) string  { return fmt.Sprintf("my-cluster-kafka-%d", i) }
func (s *nodeSet) root(i int) string { return filepath.Join(s.dir, strconv.Itoa(i)) }

func (s *nodeSet) path(i int, elements ...string) string {
	return filepath.Join(append([]string{s.root(i)}, elements...)...)
}

func (s *nodeSet) address(i, port int) string {
	return "127.0.0.1:" + strconv.Itoa(s.ports[i*portsOfNode+port])
}

// write writes a file below a node's root whole, as the kubelet does.
func (s *nodeSet) write(t *testing.T, i int, name, text string) {
	t.Helper()
	path := s.path(i, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// writeNode writes the files of a node; more are settings over the rig's own.
func (s *nodeSet) writeNode(t *testing.T, i int, more string) {
	t.Helper()
	var voters []string
	brokers := 0
	for j, roles := range s.roles {
		if strings.Contains(roles, "controller") {
			voters = append(voters, fmt.Sprintf("%d@%s", j, s.address(j, controlPort)))
		}
		if strings.Contains(roles, "broker") {
			brokers++
		}
	}
	s.write(t, i, "etc/steg/shared/server.config", fmt.Sprintf(`controller.quorum.voters=%s
controller.listener.names=CONTROLPLANE-9090
inter.broker.listener.name=REPLICATION-9091
default.replication.factor=%[2]d
offsets.topic.replication.factor=%[2]d
offsets.topic.num.partitions=3
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=%[2]d
log.cleaner.dedupe.buffer.size=2097152
controlled.shutdown.enable=true
broker.session.timeout.ms=6000
`, strings.Join(voters, ","), max(brokers, 1)))
	s.write(t, i, "etc/steg/shared/listeners.config", "ssl.keystore.type=PEM\nssl.truststore.type=PEM\n"+
		s.stores("controlplane-9090", i)+s.stores("replication-9091", i)+
		fmt.Sprintf("listener.name.%[1]s.ssl.keystore.location=%[2]s\nlistener.name.%[1]s.ssl.truststore.location=%[3]s\nlistener.name.%[1]s.ssl.client.auth=required\n"+
			"listener.name.%[1]s.ssl.keystore.type=PEM\nlistener.name.%[1]s.ssl.truststore.type=PEM\n"+
			"listener.name.%[1]s.ssl.allow.dn.changes=true\nlistener.name.%[1]s.ssl.allow.san.changes=true\n",
			ownCertificate, s.path(i, "run/steg", ownCertificate+".pem"), s.path(i, "etc/steg/trust/clients-ca.crt")))
	s.write(t, i, "etc/steg/shared/log4j2.properties", nodeLog4j2)
	s.write(t, i, "etc/steg/shared/log4j.properties", nodeLog4j1)
	var listeners []string
	if strings.Contains(s.roles[i], "controller") {
		listeners = append(listeners, "CONTROLPLANE-9090://"+s.address(i, controlPort))
	}
	if strings.Contains(s.roles[i], "broker") {
		listeners = append(listeners, "REPLICATION-9091://"+s.address(i, replicationPort), clientListener+"://"+s.address(i, clientPort))
		s.write(t, i, "etc/steg/shared/advertised-hostnames.config", fmt.Sprintf("REPLICATION-9091_%[1]d=127.0.0.1\n%[2]s_%[1]d=${node.address}\n", i, clientListener))
	}
	s.write(t, i, "etc/steg/node/server.config", fmt.Sprintf(`process.roles=%s
listeners=%s
listener.security.protocol.map=CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,%s:SSL
log.dirs=%[4]s/kafka-log%[5]d,%[4]s-1/kafka-log%[5]d
broker.rack=${node.rack}
%[6]s`, s.roles[i], strings.Join(listeners, ","), clientListener, s.path(i, "data"), i, more))
	s.write(t, i, "etc/steg/node/cluster.id", s.clusterID)
	s.write(t, i, "etc/steg/node/metadata.version", map[bool]string{true: "3.9-IV0", false: "4.3-IV0"}[strings.HasPrefix(s.version, "3.")])
	s.write(t, i, "etc/steg/pod/annotations", "steg.dev/node-address=\"127.0.0.1\"\nsteg.dev/rack=\"rack-1\"\n")
	s.certificate(t, i, s.pod(i), "my-cluster-kafka", s.cluster)
	s.certificate(t, i, ownCertificate, "first", s.cluster)
	s.write(t, i, "etc/steg/trust/cluster-ca.crt", string(s.cluster.PEM))
	s.write(t, i, "etc/steg/trust/clients-ca.crt", string(s.clients.PEM))
	for _, dir := range []string{"run/steg", "tmp"} {
		if err := os.MkdirAll(s.path(i, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// stores are the key and trust stores of a listener between nodes.
func (s *nodeSet) stores(listener string, i int) string {
	p := "listener.name." + listener + ".ssl."
	return fmt.Sprintf("%[1]skeystore.type=PEM\n%[1]skeystore.location=%[2]s\n%[1]struststore.type=PEM\n%[1]struststore.location=%[3]s\n%[1]sclient.auth=required\n",
		p, s.path(i, "run/steg", s.pod(i)+".pem"), s.path(i, "etc/steg/trust/cluster-ca.crt"))
}

// certificate writes a certificate of a node, over the one that is there.
func (s *nodeSet) certificate(t *testing.T, i int, name, commonName string, by *pki.CA) {
	t.Helper()
	pair, err := by.Issue(pki.Subject{CommonName: commonName, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, i, "etc/steg/certs/"+name+".key", string(pair.KeyPEM))
	s.write(t, i, "etc/steg/certs/"+name+".crt", string(pair.CertPEM))
}

const (
	nodeLog4j2 = `shutdownHook=disable
rootLogger.level=info
rootLogger.appenderRef.c.ref=C
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d{HH:mm:ss.SSS} %p %m (%c{1})%n
`
	nodeLog4j1 = `log4j.rootLogger=INFO, C
log4j.appender.C=org.apache.log4j.ConsoleAppender
log4j.appender.C.layout=org.apache.log4j.PatternLayout
log4j.appender.C.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %m (%c{1})%n
`
)

// stegNode is one running steg-node.
type stegNode struct {
	set    *nodeSet
	id     int
	cmd    *exec.Cmd
	output *lockedBuffer
	ended  chan struct{}
}

// lockedBuffer is what a process prints.
type lockedBuffer struct{ journal }

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// run starts node i. It ends with the test.
func (s *nodeSet) run(t *testing.T, i int, environ ...string) *stegNode {
	t.Helper()
	n := &stegNode{set: s, id: i, output: new(lockedBuffer), ended: make(chan struct{})}
	n.cmd = exec.CommandContext(context.Background(), s.program, "--root", s.root(i), "--kafka-home", s.home,
		"--agent-address", s.address(i, agentPort), "--wait", "2s", "run")
	n.cmd.Env = append(os.Environ(), "STEG_NODE_ID="+strconv.Itoa(i), "STEG_POD_NAME="+s.pod(i), "STEG_HOST_IP=127.0.0.1",
		`STEG_JVM_OPTIONS={"-Xms":"64m","-Xmx":"256m","-XX":{"UseSerialGC":"true","TieredStopAtLevel":"1"},"javaSystemProperties":[{"name":"steg.test","value":"two words"}]}`)
	n.cmd.Env = append(n.cmd.Env, environ...)
	n.cmd.Stdout, n.cmd.Stderr = n.output, n.output
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(n.ended)
		_ = n.cmd.Wait() // the exit code is looked at where it matters
	}()
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		<-n.ended
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(n.output.String()), "\n")
			t.Logf("node %d printed:\n%s", i, strings.Join(lines[max(0, len(lines)-40):], "\n"))
		}
	})
	return n
}

// probe asks as the kubelet does.
func (n *stegNode) probe(question string) (string, error) {
	out, err := exec.CommandContext(context.Background(), n.set.program, "--root", n.set.root(n.id), "probe", question).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// wait waits until the node's process has ended and returns its exit code.
func (n *stegNode) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-n.ended:
		return n.cmd.ProcessState.ExitCode()
	case <-time.After(nodeTimeout):
		t.Fatalf("node %d does not end", n.id)
		return -1
	}
}

// stop asks the node to stop, as the kubelet does.
func (n *stegNode) stop(t *testing.T) int {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return n.wait(t)
}

// kill ends the node at once. Kafka goes with it.
func (n *stegNode) kill(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	n.wait(t)
}

// ready waits until the probe says so.
func (n *stegNode) ready(t *testing.T) {
	t.Helper()
	var last string
	within(t, "readiness", func() bool {
		select {
		case <-n.ended:
			t.Fatalf("node %d has ended with %d", n.id, n.cmd.ProcessState.ExitCode())
		default:
		}
		var err error
		last, err = n.probe("ready")
		return err == nil
	}, func() string { return last })
}

// within waits for a condition; note says what was seen last.
func within(t *testing.T, what string, yes func() bool, note func() string) {
	t.Helper()
	for deadline := time.Now().Add(nodeTimeout); !yes(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within %s: %s", what, nodeTimeout, note())
		}
	}
}

// client speaks to the listener of clients with a certificate by an authority.
func (s *nodeSet) client(t *testing.T, by *pki.CA, nodes ...int) *kgo.Client {
	t.Helper()
	pair, err := by.Issue(pki.Subject{CommonName: "my-app"})
	if err != nil {
		t.Fatal(err)
	}
	var seeds []string
	for _, i := range nodes {
		seeds = append(seeds, s.address(i, clientPort))
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DialTLSConfig(&tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: s.cluster.Pool(), Certificates: []tls.Certificate{pair.TLS},
	}), kgo.RequestRetries(0), kgo.RecordDeliveryTimeout(nodeTimeout), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// shownName is the common name of the certificate that the listener of clients shows.
func (s *nodeSet) shownName(i int) string {
	var name string
	d := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.cluster.Pool(), VerifyConnection: func(c tls.ConnectionState) error {
		name = c.PeerCertificates[0].Subject.CommonName
		return nil
	}}}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", s.address(i, clientPort))
	if err == nil {
		_ = conn.Close()
	}
	return name
}

// nodeProgram builds steg-node.
func nodeProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "steg-node")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", path, "./cmd/steg-node")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building steg-node: %v\n%s", err, bytes.TrimSpace(out))
	}
	return path
}
