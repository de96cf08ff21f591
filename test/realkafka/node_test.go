//go:build kafka

package realkafka

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestNode runs Kafka as its pods will: by steg-node, in the layout of the stock image.
func TestNode(t *testing.T) {
	program := nodeProgram(t)
	t.Run("cluster", func(t *testing.T) { nodeCluster(t, program) })
	t.Run("controllers", func(t *testing.T) { nodeControllers(t, program) })
	t.Run("storage", func(t *testing.T) { nodeStorage(t, program) })
	t.Run("3.9", func(t *testing.T) { nodeOld(t, program) })
}

// nodeCluster: a node alone has no quorum and is not ready; three are, rotate certificates and stop in good order.
func nodeCluster(t *testing.T, program string) {
	s := newNodes(t, program, "4.3.1", both, both, both)
	nodes := make([]*stegNode, 3)
	nodes[0] = s.run(t, 0)
	within(t, "start of the first node", func() bool {
		return strings.Contains(nodes[0].output.String(), "Kafka is starting")
	}, nodes[0].output.String)
	if text, err := nodes[0].probe("live"); err != nil {
		t.Errorf("a node that starts is not alive: %s", text)
	}
	if text, err := nodes[0].probe("ready"); err == nil || !strings.Contains(text, "not ready") {
		t.Errorf("a node without a quorum is ready: %s", text)
	}
	nodes[1], nodes[2] = s.run(t, 1), s.run(t, 2)
	for _, n := range nodes {
		n.ready(t)
		if !s.unfenced(t, n.id) {
			t.Errorf("node %d says that it is ready, but clients are not told of it", n.id)
		}
	}
	createLed(t, s.client(t, s.clients, 0, 1, 2))
	produce(t, s.client(t, s.clients, 0, 1, 2), "before")
	nodeAgent(t, s)
	nodeRotation(t, s)
	nodeStops(t, s, nodes)
}

// createLed creates the topic that the tests write to with a partition for each of three nodes to lead: one that leads nothing is let
// go without a controlled shutdown.
func createLed(t *testing.T, cl *kgo.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodeTimeout)
	defer cancel()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "t", -1, -1
	for p := range int32(3) {
		assigned := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		assigned.Partition, assigned.Replicas = p, []int32{p, (p + 1) % 3, (p + 2) % 3}
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, assigned)
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unfenced reports whether a broker is among those that clients are told of.
func (s *nodeSet) unfenced(t *testing.T, id int) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	brokers, err := kadm.NewClient(s.client(t, s.clients, id)).ListBrokers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range brokers {
		if int(b.NodeID) == id {
			if b.Rack == nil || *b.Rack != "rack-1" {
				t.Errorf("broker %d is in rack %v", id, b.Rack)
			}
			return true
		}
	}
	return false
}

func produce(t *testing.T, cl *kgo.Client, value string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodeTimeout)
	defer cancel()
	if err := cl.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
}

// nodeAgent: the operator's question is answered to who has a certificate of the cluster's authority, and to nobody else.
func nodeAgent(t *testing.T, s *nodeSet) {
	ask := func(by *pki.CA) (text string, err error) {
		pair, err := by.Issue(pki.Subject{CommonName: "cluster-operator"})
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: s.cluster.Pool(), Certificates: []tls.Certificate{pair.TLS},
		}}}
		response, err := client.Get("https://" + s.address(1, agentPort) + "/v1/broker-state/")
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		var answer json.RawMessage
		err = json.NewDecoder(response.Body).Decode(&answer)
		return string(answer), err
	}
	if text, err := ask(s.cluster); err != nil || text != `{"brokerState":3}` {
		t.Errorf("the operator is answered %s, %v", text, err)
	}
	if text, err := ask(s.clients); err == nil {
		t.Errorf("a client is answered %s", text)
	}
}

// nodeRotation: connections after a change see the listener's new certificate, and are let in by the clients' new
// authority, without a restart and without a setting that stays behind.
func nodeRotation(t *testing.T, s *nodeSet) {
	if name := s.shownName(1); name != "first" {
		t.Fatalf("the listener shows %q", name)
	}
	s.certificate(t, 1, ownCertificate, "second", s.cluster)
	within(t, "new certificate", func() bool { return s.shownName(1) == "second" }, func() string { return s.shownName(1) })
	newcomers := newCA(t, "clients-ca")
	if err := s.client(t, newcomers, 1).Ping(t.Context()); err == nil {
		t.Fatal("a client of an unknown authority is let in")
	}
	s.write(t, 1, "etc/steg/trust/clients-ca.crt", string(s.clients.PEM)+string(newcomers.PEM))
	within(t, "trust in the new authority", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return s.client(t, newcomers, 1).Ping(ctx) == nil
	}, func() string { return "refused" })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	configs, err := kadm.NewClient(s.client(t, s.clients, 1)).DescribeBrokerConfigs(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Source.String() == "DYNAMIC_BROKER_CONFIG" {
			t.Errorf("%s stayed behind as a setting of the broker", c.Key)
		}
	}
}

// nodeStops: a node that is asked to stop moves its leaders away and ends with 0; one that is killed comes back with its
// records, although the other had to take over.
func nodeStops(t *testing.T, s *nodeSet, nodes []*stegNode) {
	reportRest(t, nodes[0])
	if code := nodes[2].stop(t); code != 0 {
		t.Errorf("node 2 ended with %d", code)
	}
	within(t, "controlled shutdown of node 2, as the quorum sees it", func() bool {
		for _, node := range nodes { // whichever leads says it
			for line := range strings.Lines(node.output.String()) {
				if strings.Contains(line, "registration for broker 2:") && strings.Contains(line, "inControlledShutdown=1") {
					return true
				}
			}
		}
		return false
	}, nodes[2].output.String)
	if text := nodes[2].output.String(); !strings.Contains(text, "Transition from SHUTTING_DOWN to SHUTDOWN") {
		t.Error("the last lines of a Kafka that stops are lost")
	}
	produce(t, s.client(t, s.clients, 0, 1), "while one is away")
	nodes[2] = s.run(t, 2)
	nodes[2].ready(t)
	nodes[1].kill(t)
	within(t, "end of a killed node's Kafka", func() bool { return s.shownName(1) == "" }, func() string { return "it still listens" })
	nodes[1] = s.run(t, 1)
	nodes[1].ready(t)
	if text := nodes[1].output.String(); strings.Contains(text, "log directories are formatted") {
		t.Error("a restart formatted again")
	}
	produce(t, s.client(t, s.clients, 1), "after a kill")
}

// reportRest logs what a node costs at rest, without and with a probe each second of what the kubelet asks each ten.
func reportRest(t *testing.T, n *stegNode) {
	t.Helper()
	pid := n.cmd.Process.Pid
	for _, probes := range []bool{false, true} {
		before, began := cpuTime(t, pid), time.Now()
		for range 3 {
			if probes {
				n.ready(t)
			}
			time.Sleep(time.Second) // the time over which is measured
		}
		t.Logf("steg-node at rest, probes %v: %.2f ms of CPU a second", probes, (cpuTime(t, pid)-before).Seconds()*1000/time.Since(began).Seconds())
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "RssAnon") || strings.HasPrefix(line, "VmHWM") {
			t.Logf("steg-node at rest: %s", strings.TrimSpace(line))
		}
	}
}

// cpuTime is the CPU time of all threads of a process.
func cpuTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("no threads of %d: %v", pid, err)
	}
	var sum time.Duration
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		var running int64
		if _, err := fmt.Sscan(string(text), &running); err != nil {
			t.Fatal(err)
		}
		sum += time.Duration(running)
	}
	return sum
}

// nodeStorage: what a node finds on its volumes.
func nodeStorage(t *testing.T, program string) {
	s := newNodes(t, program, "4.3.1", both)
	n := s.run(t, 0)
	n.ready(t)
	produce(t, s.client(t, s.clients, 0), "before the move")
	if code := n.stop(t); code != 0 {
		t.Errorf("ended with %d", code)
	}
	t.Run("the metadata's volume has changed", func(t *testing.T) {
		second := s.path(0, "data-1", "kafka-log0")
		s.strangeVoters(t, 0)
		s.writeNode(t, 0, "metadata.log.dir="+second+"\n")
		n := s.run(t, 0)
		n.ready(t)
		if _, err := os.Stat(s.path(0, "data", "kafka-log0", "__cluster_metadata-0")); err == nil {
			t.Error("the metadata is still on its former volume")
		}
		produce(t, s.client(t, s.clients, 0), "after the move")
		if code := n.stop(t); code != 0 {
			t.Errorf("ended with %d", code)
		}
	})
	t.Run("the volume is of another cluster", func(t *testing.T) {
		was := s.clusterID
		s.write(t, 0, "etc/steg/node/cluster.id", "AAAAAAAAAAAAAAAAAAAAAA")
		n := s.run(t, 0)
		code, text := n.wait(t), n.output.String()
		if code != 1 || !strings.Contains(text, was) || !strings.Contains(text, "AAAAAAAAAAAAAAAAAAAAAA") {
			t.Errorf("ended with %d and said\n%s", code, text)
		}
	})
}

// nodeControllers: nodes without the role of a broker are in their place when they keep up with the quorum's leader, and no
// more when it has none.
func nodeControllers(t *testing.T, program string) {
	s := newNodes(t, program, "4.3.1", "controller", "controller", "controller")
	var nodes []*stegNode
	for i := range s.roles {
		nodes = append(nodes, s.run(t, i))
	}
	for _, n := range nodes {
		n.ready(t)
	}
	for _, n := range nodes[1:] {
		if code := n.stop(t); code != 0 {
			t.Errorf("controller %d ended with %d", n.id, code)
		}
	}
	var last string
	within(t, "end of the quorum", func() bool {
		var err error
		last, err = nodes[0].probe("ready")
		return err != nil && strings.Contains(last, "the quorum has no leader")
	}, func() string { return last })
	if text, err := nodes[0].probe("live"); err != nil {
		t.Errorf("not alive: %s", text)
	}
}

// nodeOld: Kafka 3.9 starts as a controller and as a broker.
func nodeOld(t *testing.T, program string) {
	s := newNodes(t, program, "3.9.1", "controller", "broker")
	controller, broker := s.run(t, 0), s.run(t, 1)
	controller.ready(t)
	broker.ready(t)
	produce(t, s.client(t, s.clients, 1), "on 3.9")
	s.certificate(t, 1, ownCertificate, "second", s.cluster)
	within(t, "new certificate", func() bool { return s.shownName(1) == "second" }, func() string { return s.shownName(1) })
	for _, n := range []*stegNode{broker, controller} {
		if code := n.stop(t); code != 0 {
			t.Errorf("node %d ended with %d", n.id, code)
		}
	}
	s.strangeVoters(t, 0)
	s.run(t, 0).ready(t)
}

// strangeVoters lets a controller's file of its votes name another voter than the settings do, as after the list of voters
// was rendered again. Kafka starts all the same, which is why steg-node leaves the file alone.
func (s *nodeSet) strangeVoters(t *testing.T, i int) {
	t.Helper()
	files, err := filepath.Glob(s.path(i, "data*", "kafka-log*", "__cluster_metadata-0", "quorum-state"))
	if err != nil || len(files) != 1 {
		t.Fatalf("quorum-state: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	others := strings.Replace(string(text), `"currentVoters":[{"voterId":0}]`, `"currentVoters":[{"voterId":0},{"voterId":7}]`, 1)
	if others == string(text) {
		t.Fatalf("quorum-state has no voters: %s", text)
	}
	if err := os.WriteFile(files[0], []byte(others), 0o600); err != nil {
		t.Fatal(err)
	}
}
