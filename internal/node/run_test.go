package node

import (
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestRun: from mounted files to a Kafka that is in its place, and to its end.
func TestRun(t *testing.T) {
	p := newPod(t)
	t.Setenv("TMPDIR", p.path("nowhere")) // files are made where they stay: volumes are not one file system
	p.certificate("tls-9093", "own")
	kafka := p.broker()
	load := p.listener()
	fenced := make(chan struct{})
	kafka.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		select {
		case <-fenced:
			return nil, nil, false
		default:
			answer := kmsg.NewPtrMetadataResponse()
			answer.Version = metadataVersion
			answer.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 7, Host: "x"}}
			return answer, nil, true
		}
	})
	l := p.run("KAFKA_OPTS=-Duser=1")
	p.says("Kafka is up")
	load()
	p.until("reason", func() bool {
		_, err := Probe(t.Context(), p.root, "ready", patience)
		return err != nil && strings.Contains(err.Error(), "not ready (broker state 1): the broker is fenced")
	})
	if text, err := Probe(t.Context(), p.root, "live", patience); text != "alive" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	close(fenced)
	p.says("ready=true state=3")
	if text, err := Probe(t.Context(), p.root, "ready", patience); text != "ready" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	checkFiles(t, p)
	l.stop()
	if code, text := l.wait(t); code != 0 || text != "" {
		t.Errorf("ended with %d, %s", code, text)
	}
	for _, want := range []string{"to stderr\n", "stopping\n", "log directories are formatted"} {
		if !strings.Contains(p.printed.String(), want) {
			t.Errorf("%q was not printed", want)
		}
	}
	if _, err := Probe(t.Context(), p.root, "ready", patience); err == nil || !strings.Contains(err.Error(), "nobody answers there") {
		t.Errorf("after the end: %v", err)
	}
}

// checkFiles looks at what Kafka was given.
func checkFiles(t *testing.T, p *pod) {
	t.Helper()
	for _, name := range []string{"run/steg/server.properties", "run/steg/kafka.jvm", "run/steg/" + testPod + ".pem", "run/steg/tls-9093.pem", "run/steg/node.sock"} {
		info, err := os.Stat(p.path(name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if seen := p.read("tmp/steg/seen.properties"); !strings.Contains(seen, "node.id=0\n") || seen != p.read("run/steg/server.properties") {
		t.Errorf("Kafka was given\n%s", seen)
	}
	environ := "\n" + p.read("tmp/steg/seen.env")
	for _, want := range []string{
		"KAFKA_HEAP_OPTS=-Xmx1g", "KAFKA_JVM_PERFORMANCE_OPTS=@" + p.path("run/steg/kafka.jvm"), "LOG_DIR=" + p.path("tmp/steg"), "KAFKA_OPTS=-Duser=1",
		"KAFKA_LOG4J_OPTS=-Dlog4j2.configurationFile=" + p.path("etc/steg/shared/log4j2.properties"), "EXTRA_ARGS=",
	} {
		if !strings.Contains(environ, "\n"+want+"\n") {
			t.Errorf("%s is not in the environment:%s", want, environ)
		}
	}
	if strings.Contains(environ, "STEG_") {
		t.Errorf("variables of steg-node's own reach Kafka:%s", environ)
	}
	if got := p.read("tmp/formats"); strings.Count(got, "\n") != 1 || !strings.Contains(got, "--cluster-id "+testCluster) || !strings.Contains(got, "--release-version 4.3-IV0") {
		t.Errorf("formats:\n%s", got)
	}
}

// TestRunAgain: what is formatted is not formatted again, and what a former life has left does no harm.
func TestRunAgain(t *testing.T) {
	p := newPod(t)
	for range 2 {
		l := p.run()
		p.says("Kafka is up")
		p.write("tmp/steg/libzstd.so", "left behind")
		p.write("data-0/kafka-log0/"+movingName+"/x", "left behind")
		l.stop()
		l.wait(t)
		p.printed = buffer{}
	}
	if got := p.read("tmp/formats"); strings.Count(got, "\n") != 1 {
		t.Errorf("formats:\n%s", got)
	}
	l := p.run()
	p.says("Kafka is up")
	for _, gone := range []string{"tmp/steg/libzstd.so", "data-0/kafka-log0/" + movingName} {
		if exists(p.path(gone)) {
			t.Errorf("%s is still there", gone)
		}
	}
	l.stop()
	l.wait(t)
}

func TestRunEnds(t *testing.T) {
	t.Run("by itself", func(t *testing.T) {
		p := newPod(t)
		if code, text := p.run("FAKE_EXIT=3").wait(t); code != 3 || text != "" {
			t.Errorf("%d, %s", code, text)
		}
		p.says("Kafka has ended: its log says why")
	})
	t.Run("by itself as after a signal", func(t *testing.T) {
		if code, text := newPod(t).run("FAKE_EXIT=143").wait(t); code != 143 {
			t.Errorf("%d, %s", code, text)
		}
	})
	t.Run("badly when asked to", func(t *testing.T) {
		p := newPod(t)
		l := p.run("FAKE_STOP=1")
		p.says("Kafka is up")
		l.stop()
		if code, _ := l.wait(t); code != 1 {
			t.Errorf("%d", code)
		}
	})
	t.Run("not when asked to", func(t *testing.T) {
		p := newPod(t)
		p.write("opt/kafka/bin/kafka-server-start.sh", "#!/bin/sh\ntrap '' TERM\necho Kafka is up\nwhile :; do sleep 60; done\n")
		p.options.StopTimeout = 20 * time.Millisecond
		l := p.run()
		p.says("Kafka is up")
		l.stop()
		if code, _ := l.wait(t); code != 128+int(syscall.SIGKILL) {
			t.Errorf("%d", code)
		}
		p.says("did not stop in time")
	})
	t.Run("before it has begun", func(t *testing.T) {
		p := newPod(t)
		p.options.Wait = patience
		p.node("broker", "broker.rack=${node.rack}\n")
		l := p.run()
		p.says("waiting for the operator")
		l.stop()
		if code, text := l.wait(t); code != 0 || text != "" {
			t.Errorf("%d, %s", code, text)
		}
	})
	t.Run("while it is formatted", func(t *testing.T) {
		p := newPod(t)
		l := p.run("FAKE_FORMAT_HANGS=1")
		p.until("formatter", func() bool { return exists(p.path("tmp/formats")) })
		l.stop()
		if code, text := l.wait(t); code != 0 || text != "" {
			t.Errorf("%d, %s", code, text)
		}
	})
}

// TestRunRefuses: what is wrong is one line that names it.
func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(*pod)
		want    string // %R is the root
	}{
		{"no id", func(p *pod) { p.options.Environ = nil }, `STEG_NODE_ID="" is not the number of a node`},
		{"no pod", func(p *pod) { p.options.Environ = []string{"STEG_NODE_ID=1"} }, "STEG_POD_NAME is not set: certificates are named after the pod"},
		{"another node", func(p *pod) { p.node("broker", "node.id=4\n") }, "node/server.config: node.id=4, but STEG_NODE_ID says 0: the files of another node are mounted"},
		{"no cluster id", func(p *pod) { p.write("etc/steg/node/cluster.id", "") }, `node/cluster.id: "" is not a cluster id: 22 letters, digits, - and _`},
		{"no key", func(p *pod) { p.write("etc/steg/certs/x.crt", "") }, "the key of %R/etc/steg/certs/x.crt: open %R/etc/steg/certs/x.key: no such file or directory"},
		{"bad key", func(p *pod) { p.write("etc/steg/certs/"+testPod+".key", "x") }, "%R/etc/steg/certs/" + testPod + ".crt and its .key: the key file has no private key in PEM"},
		{"bad annotations", func(p *pod) {
			p.node("broker", "broker.rack=${node.rack}\n")
			p.write("etc/steg/pod/annotations", "a=b\n")
		}, `%R/etc/steg/pod/annotations: line 1 is not written as key="value"`},
		{
			"no rack", func(p *pod) { p.node("broker", "broker.rack=${node.rack}\n") },
			"%R/etc/steg/pod/annotations has had no steg.dev/rack for 50ms: does the operator run, and has the Kubernetes node the label of the rack's topologyKey?",
		},
		{
			"no address", func(p *pod) { p.node("broker", "x=${node.address}\n") },
			"%R/etc/steg/pod/annotations has had no steg.dev/node-address for 50ms, and STEG_HOST_IP is not set",
		},
		{"no file", func(p *pod) { p.node("broker", "x=${steg.file:/etc/steg/external/x}\n") }, "open %R/etc/steg/external/x: no such file or directory"},
		{
			"JVM options", func(p *pod) { p.options.Environ = append(p.options.Environ, `STEG_JVM_OPTIONS={"-Xmx":"much"}`) },
			`STEG_JVM_OPTIONS: -Xmx: "much" is not a size: a number and k, m or g, such as 512m`,
		},
		{
			"formatting", func(p *pod) { p.options.Environ = append(p.options.Environ, "FAKE_FORMAT=1") },
			"%R/opt/kafka/bin/kafka-storage.sh: exit status 3: ERROR no / last words",
		},
		{"no Kafka", func(p *pod) { p.options.KafkaHome = p.path("nowhere") }, "formatting: fork/exec %R/nowhere/bin/kafka-storage.sh: no such file or directory"},
		{
			"another cluster", func(p *pod) { p.write("data-1/kafka-log0/meta.properties", "cluster.id=x\nnode.id=0\n") },
			"%R/data-1/kafka-log0/meta.properties has data of cluster x, but node/cluster.id says " + testCluster + ": use the volume of this cluster, or empty it",
		},
		{
			"ZooKeeper's data", func(p *pod) { p.write("data-1/kafka-log0/meta.properties", "broker.id=0\n") },
			"%R/data-1/kafka-log0/meta.properties: cluster.id or node.id is missing: the directory is not one of a KRaft node",
		},
		{"no directory", func(p *pod) { p.write("data-0", "") }, "log.dirs: mkdir %R/data-0: not a directory"},
		{"no volume to run in", func(p *pod) { _ = os.RemoveAll(p.path("run")) }, "listen unix %R/run/steg/node.sock: bind: no such file or directory (/run/steg must be a writable volume)"},
		{"port taken", func(p *pod) { p.options.AgentAddress = "127.0.0.1:99999" }, "the port for the operator's questions: listen tcp: address 99999: invalid port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPod(t)
			c.prepare(p)
			code, text := p.run().wait(t)
			want := strings.ReplaceAll(c.want, "%R", p.root)
			if code != 1 || !strings.HasPrefix(text, want) || strings.Contains(text, "\n") {
				t.Errorf("%d\ngot  %s\nwant %s", code, text, want)
			}
		})
	}
}

// TestNodeAddress: what the operator says counts, however late within the wait; then the host's address.
func TestNodeAddress(t *testing.T) {
	p := newPod(t)
	p.node("broker", "x=${node.address} ${node.rack}\n")
	p.options.Wait = patience
	p.write("etc/steg/pod/annotations", "a=\"b\"\n")
	l := p.run("STEG_HOST_IP=10.0.0.1")
	p.says("waiting for the operator")
	p.write("etc/steg/pod/annotations", "steg.dev/node-address=\"node.example\"\nsteg.dev/rack=\"a\"\n")
	p.says("Kafka is up")
	if text := p.read("run/steg/server.properties"); !strings.Contains(text, "x=node.example a\n") {
		t.Errorf("%s", text)
	}
	l.stop()
	l.wait(t)
	p.printed = buffer{}
	p.options.Wait = time.Millisecond
	p.write("etc/steg/pod/annotations", "steg.dev/rack=\"a\"\n")
	l = p.run("STEG_HOST_IP=10.0.0.1")
	p.says("Kafka is up")
	if text := p.read("run/steg/server.properties"); !strings.Contains(text, "x=10.0.0.1 a\n") || !strings.Contains(p.printed.String(), "level=WARN") {
		t.Errorf("%s", text)
	}
	l.stop()
	l.wait(t)
}

// TestAgent: during recovery the operator is told how much is left; nobody without a certificate is told anything.
func TestAgent(t *testing.T) {
	p := newPod(t)
	l := p.run("FAKE_SAY=Recovering 3 logs from /d since no clean shutdown file was found\nRecovering unflushed segment 0. 1/5 recovered for t-0.\n")
	ask := func(certificates ...tls.Certificate) (string, error) {
		client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, RootCAs: p.ca.Pool(), Certificates: certificates,
		}}}
		response, err := client.Get("https://" + p.address(2) + "/v1/broker-state/")
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		return strings.TrimSpace(string(text)), err
	}
	operator := p.certificate("operator", "cluster-operator").TLS
	var last string
	p.until("recovery", func() bool {
		last, _ = ask(operator)
		return strings.Contains(last, `"brokerState":2`) && strings.Contains(last, `"remainingSegmentsToRecover":4`)
	})
	if want := `{"brokerState":2,"recoveryState":{"remainingLogsToRecover":3,"remainingSegmentsToRecover":4}}`; last != want {
		t.Errorf("got %s, want %s", last, want)
	}
	if text, err := ask(); err == nil {
		t.Errorf("a stranger is told %s", text)
	}
	if _, err := Probe(t.Context(), p.root, "ready", patience); err == nil || !strings.Contains(err.Error(), "(broker state 2): logs are being recovered") {
		t.Errorf("%v", err)
	}
	l.stop()
	l.wait(t)
}

// TestLogging: the configuration is that of the image's library.
func TestLogging(t *testing.T) {
	p := newPod(t)
	p.write("etc/steg/shared/log4j.properties", "")
	try := func(want string) {
		t.Helper()
		if got, err := p.options.logging(); err != nil || got != strings.ReplaceAll(want, "%R", p.root) {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	try("-Dlog4j2.configurationFile=%R/etc/steg/shared/log4j2.properties")
	p.write("opt/kafka/libs/reload4j-1.2.25.jar", "")
	try("-Dlog4j.configuration=file:%R/etc/steg/shared/log4j.properties")
	if err := os.Remove(p.path("etc/steg/shared/log4j.properties")); err != nil {
		t.Fatal(err)
	}
	try("-Dlog4j.configuration=file:%R/run/steg/log4j.properties")
	if p.read("run/steg/log4j.properties") != log4j1 {
		t.Error("the fallback was not written")
	}
}

func TestMoveMetadata(t *testing.T) {
	p := newPod(t)
	p.write("data-1/kafka-log0/meta.properties", "cluster.id="+testCluster+"\nnode.id=0\n")
	p.write("data-1/kafka-log0/"+config.MetadataPartition+"/00000000000000000000.log", "records")
	p.write("data-1/kafka-log0/"+config.MetadataPartition+"/quorum-state", "votes")
	p.write("data-0/kafka-log0/"+config.MetadataPartition+"/"+emptyCheckpoint, "what formatting writes")
	p.write("data-0/kafka-log0/"+config.MetadataPartition+"/00000000000000000000.log", "")
	l := p.run()
	p.says("Kafka is up")
	l.stop()
	l.wait(t)
	if p.read("data-0/kafka-log0/"+config.MetadataPartition+"/quorum-state") != "votes" || exists(p.path("data-1/kafka-log0", config.MetadataPartition)) {
		t.Error("not moved")
	}
	p.write("data-1/kafka-log0/"+config.MetadataPartition+"/00000000000000000000.log", "an interrupted move's")
	p.printed = buffer{}
	l = p.run()
	p.says("Kafka is up")
	l.stop()
	l.wait(t)
	if exists(p.path("data-1/kafka-log0", config.MetadataPartition)) || p.read("data-0/kafka-log0/"+config.MetadataPartition+"/00000000000000000000.log") != "records" {
		t.Error("the stale copy is not gone")
	}
}
