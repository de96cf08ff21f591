package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		status syscall.WaitStatus
		asked  bool
		want   int
	}{
		{0, false, 0},
		{1 << 8, false, 1},
		{1 << 8, true, 1},
		{143 << 8, false, 143},
		{143 << 8, true, 0},
		{syscall.WaitStatus(syscall.SIGKILL), false, 137},
		{syscall.WaitStatus(syscall.SIGKILL), true, 137},
		{syscall.WaitStatus(syscall.SIGTERM), true, 0}, // a script that was asked before it had become Java
	} {
		if got := exitCode(c.status, c.asked); got != c.want {
			t.Errorf("%d, asked %v: got %d, want %d", c.status, c.asked, got, c.want)
		}
	}
}

func TestPass(t *testing.T) {
	long := strings.Repeat("x", 3*outputBuffer)
	for _, text := range []string{"", "\n", "a\nb\n", "a\r\nb", long + "\nb\n", "a\n" + long} {
		for name, reader := range map[string]io.Reader{
			"at once": strings.NewReader(text), "by bytes": iotest.OneByteReader(strings.NewReader(text)), "with its end": iotest.DataErrReader(strings.NewReader(text)),
			"broken": io.MultiReader(strings.NewReader(text), iotest.ErrReader(os.ErrDeadlineExceeded)),
		} {
			var out bytes.Buffer
			var lines []string
			pass(reader, &out, func(line []byte) bool {
				lines = append(lines, string(line))
				return true
			})
			if out.String() != text {
				t.Errorf("%s: %d bytes became %d", name, len(text), out.Len())
			}
			if want := strings.Count(text, "\n"); len(text) < outputBuffer && (len(lines) < want || len(lines) > want+1) {
				t.Errorf("%s: %q was shown as %q", name, text, lines)
			}
		}
	}
}

// A reader that wants no more lines is left alone, and one that cannot be written to stops nothing.
func TestPassWithoutReaders(t *testing.T) {
	shown := 0
	in := strings.NewReader(strings.Repeat("line\n", 10_000))
	pass(in, iotest.TruncateWriter(io.Discard, 0), func([]byte) bool {
		shown++
		return shown < 3
	})
	if shown != 3 || in.Len() != 0 {
		t.Errorf("%d lines shown, %d bytes not read", shown, in.Len())
	}
	pass(strings.NewReader("a\nb\n"), brokenWriter{}, nil)
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }

func FuzzPass(f *testing.F) {
	f.Add([]byte("a\nb"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var out, shown bytes.Buffer
		chunks := iotest.HalfReader(io.LimitReader(bytes.NewReader(text), int64(len(text))))
		if size%2 == 0 {
			chunks = iotest.OneByteReader(bytes.NewReader(text))
		}
		pass(chunks, &out, func(line []byte) bool {
			shown.Write(line)
			return true
		})
		if !bytes.Equal(out.Bytes(), text) {
			t.Errorf("%q became %q", text, out.Bytes())
		}
		if shown.Len() > len(text) {
			t.Errorf("%d bytes were shown as %d", len(text), shown.Len())
		}
	})
}

func TestSkipHeader(t *testing.T) {
	number := binary.BigEndian.AppendUint32(nil, 7)
	for _, c := range []struct {
		name     string
		header   []byte
		flexible bool
		ok       bool
	}{
		{"plain", nil, false, true},
		{"flexible", []byte{0}, true, true},
		{"with tags", []byte{2, 0, 3, 'a', 'b', 'c', 1, 0}, true, true},
		{"cut", nil, true, false},
		{"cut in a tag", []byte{1, 0, 200}, true, false},
		{"too many tags", []byte{255, 255, 3}, true, false},
	} {
		body := append(append(append([]byte(nil), number...), c.header...), "rest"...)
		if !c.ok {
			body = body[:len(body)-4]
		}
		got, err := skipHeader(body, 7, c.flexible)
		if c.ok != (err == nil) || c.ok && string(got) != "rest" {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	if _, err := skipHeader(number, 8, false); !errors.Is(err, errFrame) {
		t.Errorf("the answer of another question: %v", err)
	}
}

func FuzzSkipHeader(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 2, 0, 3, 'a', 'b', 'c', 1, 0}, true)
	f.Fuzz(func(t *testing.T, body []byte, flexible bool) {
		if rest, err := skipHeader(body, 1, flexible); err == nil && !bytes.HasSuffix(body, rest) {
			t.Errorf("%x is no end of %x", rest, body)
		}
	})
}

// A peer gives up on whoever does not speak Kafka's protocol, and connects again the next time.
func TestPeerRefuses(t *testing.T) {
	for name, answer := range map[string]string{
		"another protocol": "HTTP/1.1 400 Bad Request\r\n\r\n",
		"nothing":          "",
		"another question": "\x00\x00\x00\x04\x00\x00\x00\x63",
		"half an answer":   "\x00\x00\x00\x08\x00\x00\x00\x01",
	} {
		t.Run(name, func(t *testing.T) {
			var lc net.ListenConfig
			l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Read(make([]byte, 1024))
					_, _ = io.WriteString(conn, answer)
					_ = conn.Close()
				}
			}()
			p := &peer{address: l.Addr().String()}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			for range 2 {
				request := kmsg.NewPtrMetadataRequest()
				request.Version = metadataVersion
				if err := p.ask(ctx, request, kmsg.NewPtrMetadataResponse()); err == nil || p.conn != nil {
					t.Errorf("%v, connection kept: %v", err, p.conn != nil)
				}
			}
			if err := p.ask(context.Background(), kmsg.NewPtrMetadataRequest(), kmsg.NewPtrMetadataResponse()); err == nil || !strings.Contains(err.Error(), "without a deadline") {
				t.Errorf("%v", err)
			}
			_ = l.Close()
			<-ended
		})
	}
}

// TestAskController: a controller is in its place when the quorum has a leader and it keeps up with it.
func TestAskController(t *testing.T) {
	p := newPod(t)
	kafka := p.broker()
	if _, err := p.options.writeStores(""); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	replica := func(id int32, behind int64) kmsg.DescribeQuorumResponseTopicPartitionReplicaState {
		return kmsg.DescribeQuorumResponseTopicPartitionReplicaState{ReplicaID: id, LastCaughtUpTimestamp: now - behind}
	}
	type states = []kmsg.DescribeQuorumResponseTopicPartitionReplicaState
	type quorum struct {
		name              string
		leader            int32
		registered        bool
		voters, observers states
		code              int16
		want              config.Event
		missing           string
	}
	var current atomic.Pointer[quorum]
	kafka.ControlKey(int16(kmsg.DescribeCluster), func(kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		c, answer := current.Load(), kmsg.NewPtrDescribeClusterResponse()
		answer.Version, answer.ControllerID = describeClusterVersion, c.leader
		if c.registered {
			answer.Brokers = []kmsg.DescribeClusterResponseBroker{{NodeID: c.leader, Host: "localhost", Port: int32(p.ports[1])}}
		}
		return answer, nil, true
	})
	kafka.ControlKey(int16(kmsg.DescribeQuorum), func(kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		c, answer := current.Load(), kmsg.NewPtrDescribeQuorumResponse()
		answer.Version = describeQuorumVersion
		answer.Topics = []kmsg.DescribeQuorumResponseTopic{{Partitions: []kmsg.DescribeQuorumResponseTopicPartition{{
			ErrorCode: c.code, LeaderID: c.leader, CurrentVoters: c.voters, Observers: c.observers,
		}}}}
		return answer, nil, true
	})
	for _, c := range []quorum{
		{name: "no leader", leader: -1, want: config.Fenced, missing: "the quorum has no leader"},
		{name: "the leader", leader: 0, want: config.Served},
		{name: "a leader nobody knows", leader: 1, want: config.Fenced, missing: "the quorum's leader 1 has not registered yet"},
		{name: "a voter", leader: 1, registered: true, voters: states{replica(0, 500), replica(1, 0)}, want: config.Served},
		{name: "an observer", leader: 1, registered: true, voters: states{replica(1, 0)}, observers: states{replica(0, 500)}, want: config.Served},
		{name: "late", leader: 1, registered: true, voters: states{replica(0, 60_000), replica(1, 0)}, want: config.Fenced, missing: "this node is 1m0s behind the quorum's leader"},
		{name: "unknown", leader: 1, registered: true, voters: states{replica(1, 0)}, want: config.Fenced, missing: "the quorum's leader does not know this node: it has fetched nothing yet"},
		{name: "not the leader any more", leader: 1, registered: true, code: kerr.NotLeaderForPartition.Code, want: config.Fenced, missing: "the quorum's leader does not answer: NOT_LEADER_FOR_PARTITION"},
	} {
		t.Run(c.name, func(t *testing.T) {
			current.Store(&c)
			e, err := newEye(identity{id: 0, pod: testPod}, config.Settings{
				"process.roles": "controller", "node.id": "0", "controller.listener.names": "CONTROLPLANE-9090", "listeners": "CONTROLPLANE-9090://" + p.address(1),
				"listener.security.protocol.map": "CONTROLPLANE-9090:SSL", "controller.quorum.voters": "0@localhost:9090",
			}, p.options.keys(testPod))
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			e.limit = patience
			got, missing := e.look(t.Context())
			if got != c.want || !strings.HasPrefix(missing, c.missing) || (missing == "") != (c.missing == "") {
				t.Errorf("got %d, %s", got, missing)
			}
		})
	}
}

// TestMonitorWhileStopping: nobody is asked any more, and the reason stays.
func TestMonitorWhileStopping(t *testing.T) {
	m := newMonitor(slog.New(slog.DiscardHandler))
	m.watch(&eye{own: &peer{}, listeners: []config.Listener{{Name: "A", Port: freePort(t)}}})
	if state, missing := m.look(t.Context()); state.Broker != config.Starting || missing != "nothing listens yet for A" {
		t.Errorf("%+v, %s", state, missing)
	}
	m.looked = time.Time{}
	m.event(config.StopAsked, "Kafka is stopping")
	if state, missing := m.look(t.Context()); state.Broker != config.ControlledShutdown || missing != "Kafka is stopping" {
		t.Errorf("%+v, %s", state, missing)
	}
}

func TestPortSet(t *testing.T) {
	var ports portSet
	ports.add(`  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
   1: 0100007F:2385 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0
`)
	ports.add("  sl  local_address\n   0: 00000000000000000000000000000000:2387 00000000000000000000000000000000:0000 0A\n broken\n")
	if !ports[9092] || ports[9093] || !ports[9095] || len(ports) != 2 {
		t.Errorf("%v", ports)
	}
}

// TestReload: a changed certificate reaches the listener and leaves no setting behind; what fails is tried again.
func TestReload(t *testing.T) {
	p := newPod(t)
	p.certificate("tls-9093", "first")
	p.write("etc/steg/trust/clients-ca.crt", "a")
	kafka := p.broker()
	load := p.listener()
	if _, err := p.options.writeStores(""); err != nil {
		t.Fatal(err)
	}
	load()
	who := identity{id: 0, pod: testPod}
	settings, _, err := p.options.prepare(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	e, err := newEye(who, settings, p.options.keys(testPod))
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.options.newReloader(who, e)
	if err != nil {
		t.Fatal(err)
	}
	defer r.kafka.close()
	if err := r.notice(); err != nil || len(r.pending) != 0 {
		t.Fatalf("pending %v, %v", r.pending, err)
	}
	p.certificate("tls-9093", "second")
	p.certificate(testPod, "rolled by the operator")
	p.write("etc/steg/trust/clients-ca.crt", "b")
	if err := r.notice(); err != nil || strings.Join(r.pending, "|") != "tls-9093|" {
		t.Fatalf("pending %v, %v", r.pending, err)
	}
	var asked []string
	fail := true
	kafka.ControlKey(int16(kmsg.IncrementalAlterConfigs), func(request kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		resource := request.(*kmsg.IncrementalAlterConfigsRequest).Resources[0]
		answer := kmsg.NewPtrIncrementalAlterConfigsResponse()
		answer.Version = incrementalAlterVersion
		done := kmsg.NewIncrementalAlterConfigsResponseResource()
		if fail {
			done.ErrorCode = kerr.NotController.Code
		} else {
			load()
		}
		answer.Resources = append(answer.Resources, done)
		asked = []string{resource.ResourceName}
		for _, c := range resource.Configs {
			asked = append(asked, c.Op.String()+" "+c.Name)
		}
		return answer, nil, true
	})
	if err := r.reload(t.Context()); err == nil || !strings.Contains(err.Error(), "broker 0: NOT_CONTROLLER") || len(r.pending) != 2 {
		t.Errorf("pending %v, %v", r.pending, err)
	}
	fail = false
	if err := r.reload(t.Context()); err != nil || len(r.pending) != 0 {
		t.Errorf("pending %v, %v", r.pending, err)
	}
	want := "0|DELETE listener.name.tls-9093.ssl.keystore.location|DELETE listener.name.replication-9091.ssl.truststore.location"
	if got := strings.Join(asked, "|"); got != want {
		t.Errorf("asked for %s", got)
	}
}

// TestShows: a certificate that is not the one wanted is told of.
func TestShows(t *testing.T) {
	p := newPod(t)
	p.certificate("tls-9093", "first")
	load := p.listener()
	if _, err := p.options.writeStores(""); err != nil {
		t.Fatal(err)
	}
	load()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := shows(ctx, p.address(0), []byte(p.read("run/steg/tls-9093.pem"))); err != nil {
		t.Error(err)
	}
	if err := shows(ctx, p.address(0), []byte(p.read("run/steg/"+testPod+".pem"))); !errors.Is(err, errOther) {
		t.Errorf("%v", err)
	}
}

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "from")
	if err := os.WriteFile(program, []byte("program"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // over what is there as well
		if err := Install(program, dir); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, Program))
	if err != nil || info.Mode().Perm() != 0o755 || info.Size() != 7 {
		t.Errorf("%v, %v", info, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := Install(program, filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "DIR must be a writable volume") {
		t.Errorf("%v", err)
	}
	if err := Install(filepath.Join(dir, "nothing"), dir); err == nil {
		t.Error("a program that is not there was installed")
	}
}

func TestProbeRefuses(t *testing.T) {
	root := t.TempDir()
	if _, err := Probe(t.Context(), root, "started", time.Second); err == nil || err.Error() != `unknown probe "started": ready or live` {
		t.Errorf("%v", err)
	}
	if _, err := Probe(t.Context(), root, "live", time.Second); err == nil || !strings.Contains(err.Error(), "nobody answers there: does steg-node run in this container?") {
		t.Errorf("%v", err)
	}
	o := Options{Root: root, Log: slog.New(slog.DiscardHandler)}
	if err := os.MkdirAll(o.run(), 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := o.listenSocket(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if _, err := Probe(t.Context(), root, "live", 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Errorf("a node that hangs: %v", err)
	}
}

func TestReadFileIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(path); err == nil || !strings.Contains(err.Error(), "is larger than 4 MiB") {
		t.Errorf("%v", err)
	}
}

// TestJMX: the JVM's management extensions are as the operator says, and their password is in a file that only the JVM's user
// can read.
func TestJMX(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"etc/steg/jmx", "run/steg"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"STEG_POD_NAME=c-kafka-0", "STEG_CLUSTER=c", "STEG_NAMESPACE=n"}
	try := func(kind string) (string, error) {
		arguments, err := Options{Root: root, Environ: append(env, "STEG_JMX="+kind)}.jmx()
		return strings.Join(arguments, " "), err
	}
	if out, err := try(""); out != "" || err != nil {
		t.Errorf("%q %v", out, err)
	}
	if out, err := try("open"); !strings.Contains(out, "hostname=c-kafka-0.c-kafka-brokers.n.svc") || !strings.Contains(out, "authenticate=false") || err != nil {
		t.Errorf("%q %v", out, err)
	}
	if _, err := try("password"); err == nil || !strings.Contains(err.Error(), "jmx-username") {
		t.Errorf("without the Secret: %v", err)
	}
	for name, text := range map[string]string{"jmx-username": "me", "jmx-password": "lamp-7\n"} {
		if err := os.WriteFile(filepath.Join(root, "etc/steg/jmx", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := try("password")
	if !strings.Contains(out, "authenticate=true") || strings.Contains(out, "lamp-7") || err != nil {
		t.Errorf("%q %v", out, err)
	}
	info, err := os.Stat(filepath.Join(root, "run/steg/jmx.password"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := try("maybe"); err == nil {
		t.Error("an unknown kind was taken")
	}
}
