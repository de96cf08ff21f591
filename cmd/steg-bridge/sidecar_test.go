package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// STEG_PROPERTIES lies between the file and the environment, and its lines are named.
func TestPropertiesVariable(t *testing.T) {
	path := file(t, "f.properties", "http.port=1001\nbridge.id=of-file\nkafka.producer.acks=1\n")
	text := "STEG_PROPERTIES=# of the pod\nhttp.port=1002\n\nbridge.id=l\u00e4nge \\\n  weiter\nkafka.producer.acks=all\nhttp.prot=1\n"
	got := ran(t, []string{text, "kafka.producer.acks=0", "STEG_HTTP_PORT=1003"}, "--config-file", path, "--print-config")
	for key, want := range map[string][2]string{
		"http.port": {"1003", "environment, STEG_ name"}, "bridge.id": {"länge weiter", "STEG_PROPERTIES, line 4"},
		"kafka.producer.acks": {"0", "environment"},
	} {
		if value, origin := shownAs(t, got, key); value != want[0] || origin != want[1] {
			t.Errorf("%s is %q from %q", key, value, origin)
		}
	}
	if want := "http.prot is not a setting: did you mean http.port? (STEG_PROPERTIES, line 7)"; !strings.Contains(got.stdout, want) {
		t.Errorf("%q is missing:\n%s", want, got.stdout)
	}
	if strings.Contains(got.stdout, "STEG_PROPERTIES is not a setting") {
		t.Error("the variable is taken for a setting:\n" + got.stdout)
	}
	ran(t, []string{"STEG_PROPERTIES=a=b\nhttp.host=\\u12"}).fails(t, 1, "STEG_PROPERTIES: line 2: ")
	ran(t, []string{"STEG_PROPERTIES=\nhttp.port=many"}).fails(t, 1, `http.port (STEG_PROPERTIES, line 2): "many" is not a whole number`)
}

// * is every address of both families, for either listener.
func TestAnyHost(t *testing.T) {
	c := kafkatest.Start(t)
	r := started(t, nil, onFreePorts(c.Bootstrap(), "http.host=*")...)
	hosts := []string{"127.0.0.1"}
	if l, err := net.Listen("tcp6", "[::1]:0"); err == nil {
		_ = l.Close()
		hosts = append(hosts, "[::1]")
	} else {
		t.Log("this host has no IPv6: only 127.0.0.1 is tried")
	}
	for _, host := range hosts {
		for path, url := range map[string]string{"/topics": r.api, "/healthy": r.manage} {
			_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
			if status, body := ask(t, "GET", "http://"+host+":"+port+path, "", ""); status != 200 {
				t.Error(host, path, status, body)
			}
		}
	}
	ran(t, nil, append(sets("http.host=127.0.0.1", "http.management.host=*", "http.management.port=8080"), "--print-config")...).fails(t, 1, "8080 is http.port too")
}

// unusedPort is one that nobody listens on at this moment.
func unusedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// --await reads the settings of the bridge it waits for, and ends when that has started.
func TestAwait(t *testing.T) {
	c := kafkatest.Start(t)
	port := unusedPort(t)
	environ := []string{"STEG_PROPERTIES=http.host=127.0.0.1\nhttp.port=0\nhttp.management.host=*\nhttp.management.port=" + port}
	waited := make(chan result, 1)
	go func() { waited <- ran(t, environ, "--await", "60s") }()
	r := started(t, environ, "--set", "kafka.bootstrap.servers="+c.Bootstrap())
	got := <-waited
	if got.code != 0 || !strings.HasPrefix(got.stdout, "started: http://127.0.0.1:"+port+"/started answered after ") || strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("exit %d %q %q", got.code, got.stdout, got.stderr)
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// Every way in which the wait ends without a bridge is one line, and in time.
func TestAwaitInVain(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	_, taken, _ := net.SplitHostPort(strings.TrimPrefix(other.URL, "http://"))
	for name, tc := range map[string]struct{ port, text string }{
		"nobody":         {unusedPort(t), "not started after "},
		"somebody else":  {taken, "/started answered 404"},
		"any free port":  {"0", "--await needs http.management.port"},
		"a wrong number": {"x", "http.management.port"},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			ran(t, nil, append(sets("http.management.port="+tc.port), "--await", "300ms")...).fails(t, 1, tc.text)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	ran(t, nil, "--await", "-1s").fails(t, 2, "--await -1s: a negative time")
	ran(t, nil, "--await", "soon").fails(t, 2, "await")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	var out, problems output
	if code := run(stopped, []string{"--await", "1h", "--set", "http.management.port=" + unusedPort(t)}, nil, &out, &problems); code != 1 {
		t.Errorf("a stopped wait ends with %d: %s", code, problems.String())
	}
}

// volume is a directory as the kubelet mounts it: every file is a link through ..data, which is exchanged at once.
type volume struct {
	t   *testing.T
	dir string
	n   int
}

func newVolume(t *testing.T, files map[string]string) *volume {
	t.Helper()
	v := &volume{t: t, dir: t.TempDir()}
	v.swap(files)
	return v
}

// swap gives the volume another content.
func (v *volume) swap(files map[string]string) {
	v.t.Helper()
	v.n++
	state := fmt.Sprintf("..v%d", v.n)
	must := func(err error) {
		v.t.Helper()
		if err != nil {
			v.t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(v.dir, state), 0o755))
	for name, text := range files {
		must(os.WriteFile(filepath.Join(v.dir, state, name), []byte(text), 0o644))
	}
	must(os.Symlink(state, filepath.Join(v.dir, "..data_tmp")))
	must(os.Rename(filepath.Join(v.dir, "..data_tmp"), filepath.Join(v.dir, "..data")))
	for name := range files {
		if _, err := os.Lstat(filepath.Join(v.dir, name)); err != nil {
			must(os.Symlink(filepath.Join("..data", name), filepath.Join(v.dir, name)))
		}
	}
	must(os.RemoveAll(filepath.Join(v.dir, fmt.Sprintf("..v%d", v.n-1))))
}

// A password behind a reference is followed: the bridge that could not log in can, without a restart, once the volume has
// the right one; and one that is taken away changes nothing.
func TestReferencesAreFollowed(t *testing.T) {
	const right, wrong = `pa55 "with" back\slash`, "wr0ng-password"
	printed.secret(right)
	printed.secret(wrong)
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1), kafkatest.SASL(kafkatest.User{Mechanism: "SCRAM-SHA-512", Name: "alice", Password: right}))
	v := newVolume(t, map[string]string{"password": wrong})
	r := started(t, nil, onFreePorts(c.Bootstrap(), "kafka.security.protocol=SASL_PLAINTEXT", "kafka.sasl.mechanism=SCRAM-SHA-512",
		"kafka.config.providers=dir", "kafka.config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider",
		"kafka.config.providers.dir.param.allowed.paths="+filepath.Dir(v.dir), "kafka.default.api.timeout.ms=2000", "kafka.request.timeout.ms=1000",
		`kafka.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="alice" password="${dir:`+v.dir+`:password}";`)...)
	if status, body := ask(t, "GET", r.api+"/topics", "", ""); status != 500 {
		t.Fatal(status, body)
	}
	v.swap(map[string]string{"password": right + "\n"}) // as an editor writes it
	listed := func() string {
		status, body := ask(t, "GET", r.api+"/topics", "", "")
		if status == 200 {
			return body
		}
		return ""
	}
	awaited(t, "the right password", listed)

	v.swap(map[string]string{"other": "x"})
	awaited(t, "a word of it", func() string {
		if strings.Contains(r.out.String(), "kafka.sasl.jaas.config: the reference ${dir:"+v.dir+":password} has no value") {
			return "there"
		}
		return ""
	})
	handshakes := c.Requests(kmsg.SASLHandshake)
	c.DropConnections(0)
	awaited(t, "new connections with what was known last", listed)
	if c.Requests(kmsg.SASLHandshake) == handshakes {
		t.Error("there was no new connection: the test shows nothing")
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// The API is on a socket too: records go and come through it, and it goes when the bridge does.
func TestSocket(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	path := filepath.Join(t.TempDir(), "bridge.sock")
	r := started(t, nil, onFreePorts(c.Bootstrap(), "http.socket="+path, "http.rate.limit.requests=1000")...)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	ask := func(method, at, media, body string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+at, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", media)
		request.Header.Set("Accept", media)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(text)
	}
	if status, body := ask("POST", "/topics/orders", jsonType, `{"records":[{"value":"x"}]}`); status != 200 {
		t.Error(status, body)
	}
	ask("POST", "/consumers/g", v2Type, `{"name":"c","format":"json","auto.offset.reset":"earliest"}`)
	ask("POST", "/consumers/g/instances/c/subscription", v2Type, `{"topics":["orders"]}`)
	if status, body := ask("GET", "/consumers/g/instances/c/records?timeout=5000", jsonType, ""); status != 200 || !strings.Contains(body, `"value":"x"`) {
		t.Error(status, body)
	}
	if status, _ := ask("GET", "/healthy", v2Type, ""); status != 501 {
		t.Error("the management paths are on the socket:", status)
	}
	client.CloseIdleConnections()
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Error("the socket is still there:", err)
	}
	ran(t, nil, onFreePorts(c.Bootstrap(), "http.socket=bridge.sock")...).fails(t, 1, `http.socket (--set): "bridge.sock" is not an absolute path`)
}
