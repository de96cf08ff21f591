package kafkarig

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// settingsOf parses what properties writes.
func settingsOf(t *testing.T, o Options, i int) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(properties(o.withDefaults(), "/rig", 12000, i)) {
		k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if _, twice := out[k]; !ok || twice {
			t.Fatalf("line %q", line)
		}
		out[k] = v
	}
	return out
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		o         Options
		broker    int
		key, want string
	}{
		{"listeners", Options{}, 0, "advertised.listeners", "PLAIN://127.0.0.1:12000"},
		{"controller", Options{}, 0, "listeners", "PLAIN://127.0.0.1:12000,CONTROLLER://127.0.0.1:12009"},
		{"second broker", Options{Brokers: 3, SASL: true}, 1, "advertised.listeners", "PLAIN://127.0.0.1:12010,SCRAM://127.0.0.1:12013"},
		{"all listeners", Options{TLS: true, SASL: true}, 0, "advertised.listeners", "PLAIN://127.0.0.1:12000,TLS://127.0.0.1:12001,MTLS://127.0.0.1:12002,SCRAM://127.0.0.1:12003,SCRAM_TLS://127.0.0.1:12004"},
		{"protocols", Options{TLS: true, SASL: true}, 0, "listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,TLS:SSL,MTLS:SSL,SCRAM:SASL_PLAINTEXT,SCRAM_TLS:SASL_SSL"},
		{"voters", Options{Brokers: 3}, 2, "controller.quorum.voters", "0@127.0.0.1:12009,1@127.0.0.1:12019,2@127.0.0.1:12029"},
		{"one in sync", Options{}, 0, "min.insync.replicas", "1"},
		{"two in sync", Options{Brokers: 3}, 0, "min.insync.replicas", "2"},
		{"three replicas", Options{Brokers: 3}, 0, "default.replication.factor", "3"},
		{"rebalance at once", Options{}, 0, "group.initial.rebalance.delay.ms", "0"},
		{"rebalance as stock", Options{RebalanceDelay: 3 * time.Second}, 0, "group.initial.rebalance.delay.ms", "3000"},
		{"own setting", Options{Config: map[string]string{"x": "y"}}, 0, "x", "y"},
		{"own setting wins", Options{TLS: true, Config: map[string]string{"ssl.keystore.type": "JKS"}}, 0, "ssl.keystore.type", "JKS"},
		{"no SASL", Options{TLS: true}, 0, "sasl.enabled.mechanisms", ""},
		{"SASL", Options{SASL: true}, 0, "sasl.enabled.mechanisms", "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN"},
		{"OAuth is SASL", Options{OAuth: true}, 0, "sasl.enabled.mechanisms", "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN,OAUTHBEARER"},
		{"client certificates", Options{TLS: true}, 0, "listener.name.mtls.ssl.client.auth", "required"},
		{"3.9 has no share groups", Options{Version: "3.9.1"}, 0, "share.coordinator.state.topic.min.isr", ""},
		{"4.3 has", Options{Version: "4.3.1", Brokers: 3}, 0, "share.coordinator.state.topic.min.isr", "2"},
		{"data", Options{Brokers: 3}, 2, "log.dirs", "/rig/node-2/data"},
	} {
		if got := settingsOf(t, c.o, c.broker)[c.key]; got != c.want {
			t.Errorf("%s: %s=%s, want %s", c.name, c.key, got, c.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Setenv("KAFKA_VERSION", "")
	if o := (Options{}).withDefaults(); o.Version != DefaultVersion || o.Brokers != 1 || o.Heap != "512m" || o.SASL {
		t.Errorf("%+v", o)
	}
	t.Setenv("KAFKA_VERSION", "3.9.1")
	if o := (Options{Brokers: 3, OAuth: true}).withDefaults(); o.Version != "3.9.1" || o.Heap != "256m" || !o.SASL {
		t.Errorf("%+v", o)
	}
	if o := (Options{Version: "4.1.1", Heap: "1g", JVM: []string{}}).withDefaults(); o.Version != "4.1.1" || o.Heap != "1g" || len(o.JVM) != 0 {
		t.Errorf("%+v", o)
	}
}

// Not in parallel: a process that another test starts holds a copy of each
// socket from its fork to its exec, and a port closed meanwhile is still taken.
func TestPorts(t *testing.T) {
	seen := map[int]bool{}
	for range 5 {
		base, release, err := reservePorts(3)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		if seen[base] || base < lowestPort || base+3*portsPerBroker > 20000 {
			t.Errorf("base %d, after %v", base, seen)
		}
		seen[base] = true
		ln, err := net.Listen("tcp", address(base, 2, controllerOffset))
		if err != nil {
			t.Fatal(err)
		}
		if allFree(base, 3) || !allFree(base, 2) {
			t.Errorf("a port of the third broker is taken: three %v, two %v", allFree(base, 3), allFree(base, 2))
		}
		_ = ln.Close()
	}
}

func TestPom(t *testing.T) {
	t.Parallel()
	b, err := pom([]string{"g:a:1", "org.x:b_2.13:4.3.1"})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Model        string       `xml:"modelVersion"`
		Dependencies []dependency `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := []dependency{{"g", "a", "1"}, {"org.x", "b_2.13", "4.3.1"}}
	if got.Model != "4.0.0" || !slices.Equal(got.Dependencies, want) {
		t.Errorf("%s", b)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := newID()
		if b, err := base64.RawURLEncoding.DecodeString(id); err != nil || len(b) != 16 || id[0] == '-' || seen[id] {
			t.Fatalf("id %q: %v", id, err)
		}
		seen[id] = true
	}
}

func TestUnsignedToken(t *testing.T) {
	t.Parallel()
	parts := strings.Split(UnsignedToken(`a"b`, time.Unix(4000000000, 0)), ".")
	if len(parts) != 3 || parts[2] != "" {
		t.Fatalf("%q", parts)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || !strings.Contains(string(claims), `"sub":"a\"b"`) || !strings.Contains(string(claims), `"exp":4000000000`) {
		t.Errorf("%s, %v", claims, err)
	}
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "a": "a", "a\n\nb\n \nc\n": "b\nc", "a\nb": "a\nb"} {
		if got := lastLines([]byte(in), 2); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestMissingToolsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("JAVA_HOME", "")
	t.Setenv("STEG_CACHE", t.TempDir())
	_, err := Up(t.Context(), Options{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "apt-get install "+javaPackage) {
		t.Errorf("without java: %v", err)
	}
	fake := filepath.Join(t.TempDir(), "bin", "java")
	if err := errors.Join(os.MkdirAll(filepath.Dir(fake), 0o755), os.WriteFile(fake, []byte("#!/bin/sh\n"), 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("JAVA_HOME", filepath.Dir(filepath.Dir(fake)))
	_, err = Up(t.Context(), Options{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "apt-get install "+mavenPackage) {
		t.Errorf("without mvn: %v", err)
	}
	// No apt-get on the path either: it must say what is missing, not try.
	err = EnsureTools(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), mavenPackage) || strings.Contains(err.Error(), javaPackage) {
		t.Errorf("EnsureTools: %v", err)
	}
}

func TestToolsThatAreThereAreLeft(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"java", "mvn"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("JAVA_HOME", "")
	if err := EnsureTools(t.Context(), io.Discard); err != nil {
		t.Error(err)
	}
}

func TestUnfitOptions(t *testing.T) {
	t.Parallel()
	if _, err := Up(t.Context(), Options{Brokers: 2}); err == nil || !strings.Contains(err.Error(), "1 or 3") {
		t.Errorf("two brokers: %v", err)
	}
}

// shell launches a script in place of a broker.
func shell(t *testing.T, script string) *process {
	t.Helper()
	p, err := launch(exec.CommandContext(context.WithoutCancel(t.Context()), "/bin/sh", "-c", script), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.signal(syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	})
	return p
}

func within(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(20 * time.Second):
		t.Fatal("not", what)
	}
}

func TestProcessIsReadyWhenItSaysSo(t *testing.T) {
	t.Parallel()
	p := shell(t, "read x; echo '12:00:00 INFO "+readyLine+" (x)'; echo again '"+readyLine+"'; exec sleep 60")
	within(t, "ready", p.ready)
	select {
	case <-p.ended:
		t.Error("ended")
	default:
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

func TestProcessEnds(t *testing.T) {
	t.Parallel()
	p := shell(t, "echo no; exit 3")
	within(t, "ended", p.ended)
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("error %v", p.err)
	}
	select {
	case <-p.ready:
		t.Error("ready")
	default:
	}
}

func TestProcessThatCannotStart(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	if _, err := launch(exec.Command("/nonexistent/java"), log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := launch(exec.Command("/bin/true"), filepath.Join(log, "below-a-file")); err == nil {
		t.Error("started without a log")
	}
}

// TestProcessDiesWithItsParent has a child process launch another one and then
// kills the child.
func TestProcessDiesWithItsParent(t *testing.T) {
	if file := os.Getenv("KAFKARIG_TEST_CHILD"); file != "" {
		p := shell(t, "echo "+readyLine+"; exec sleep 600")
		<-p.ready
		if err := os.WriteFile(file+".tmp", []byte(strconv.Itoa(p.cmd.Process.Pid)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".tmp", file); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	file := filepath.Join(t.TempDir(), "pid")
	child := exec.Command(os.Args[0], "-test.run=^TestProcessDiesWithItsParent$")
	child.Env = append(os.Environ(), "KAFKARIG_TEST_CHILD="+file)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for deadline := time.Now().Add(20 * time.Second); pid == 0; {
		if time.Now().After(deadline) {
			t.Error("the child has launched nothing")
			break
		}
		b, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(string(b))
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	for deadline := time.Now().Add(20 * time.Second); pid != 0 && alive(pid); {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatal("the grandchild lives on")
		}
	}
}

// alive tells a running process from none and from one that nobody waits for.
func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestSharedStartsOnceAndTellsWhyNot(t *testing.T) {
	t.Parallel()
	var s Shared
	if err := s.Close(); err != nil {
		t.Errorf("closing what was never started: %v", err)
	}
	if s.err == nil || s.rig != nil {
		t.Error("a rig could still be started after Close")
	}
}
