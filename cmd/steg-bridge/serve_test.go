package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

const (
	jsonType = "application/vnd.kafka.json.v2+json"
	v2Type   = "application/vnd.kafka.v2+json"
)

// The whole way through the program: configured, started, used, stopped.
func TestServe(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	path := file(t, "f.properties", "bridge.id=mine\nhttp.host=127.0.0.1\nhttp.port=0\nhttp.management.port=0\nhttp.prot=1\n")
	r := started(t, []string{"STEG_KAFKA_BOOTSTRAP_SERVERS=" + c.Bootstrap()}, "--config-file", path)
	if status, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"value":"x"}]}`); status != 200 {
		t.Error(status, body)
	}
	if status, body := ask(t, "POST", r.api+"/consumers/g", v2Type, ""); status != 200 || !strings.Contains(body, `{"instance_id":"mine-`) {
		t.Error(status, body)
	}
	for _, path := range []string{"/healthy", "/ready"} {
		if status, _ := ask(t, "GET", r.manage+path, "", ""); status != 200 {
			t.Error(path, status)
		}
	}
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
	first, _, _ := strings.Cut(r.out.String(), "\n")
	if !strings.Contains(first, "Strimzi Kafka Bridge "+version+" is starting") {
		t.Error("first line:", first)
	}
	for _, text := range []string{"did you mean http.port?", "HTTP Bridge bootstrap servers " + c.Bootstrap(), "stopping", "stopped"} {
		if !strings.Contains(r.out.String(), text) {
			t.Errorf("%q is missing:\n%s", text, r.out.String())
		}
	}
}

// Files that are unreadable or do not belong together end the start in one line that names them.
func TestBadKeyFiles(t *testing.T) {
	c, settings := tlsCluster(t)
	other := c.Issue(pki.Subject{CommonName: "other"})
	secretKey(other.KeyPEM)
	cert, key := file(t, "other.crt", string(other.CertPEM)), file(t, "own.key", string(c.Cert.KeyPEM))
	mixed := file(t, "mixed.pem", string(c.Cert.KeyPEM)+string(other.CertPEM))
	text := file(t, "text.pem", "no PEM at all")
	for _, tc := range []struct {
		settings []string
		text     string
	}{
		{[]string{"http.ssl.enable=true", "http.ssl.certificate.location=" + cert, "http.ssl.key.location=" + key}, key},
		{[]string{"http.ssl.enable=true", "http.ssl.certificate.location=/none/tls.crt", "http.ssl.key.location=" + key}, "/none/tls.crt: no such file or directory"},
		{[]string{"http.ssl.enable=true", "http.ssl.certificate.location=" + cert, "http.ssl.key.location=" + text}, text},
		{append(settings[:3:3], "kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.location="+mixed), mixed + ": key and certificate do not belong together"},
		{append(settings[:3:3], "kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.location="+text), text},
		{[]string{settings[0], settings[1], "kafka.ssl.truststore.location=" + text}, text},
	} {
		ran(t, nil, onFreePorts(c.Bootstrap(), tc.settings...)...).fails(t, 1, tc.text)
	}
}

// A problem of one client names it, and a reference that leads nowhere is told of.
func TestProblemsOfOneClient(t *testing.T) {
	c := kafkatest.Start(t)
	path := file(t, "login.properties", "user=me\n")
	const class = "org.apache.kafka.common.config.provider.FileConfigProvider"
	for _, tc := range []struct {
		settings []string
		text     string
	}{
		{[]string{"kafka.producer.interceptor.classes=com.example.Mine"}, "steg-bridge: producer client: kafka.producer.interceptor.classes: "},
		{[]string{"kafka.sasl.mechanism=GSSAPI", "kafka.security.protocol=SASL_SSL"}, "steg-bridge: kafka.sasl.mechanism: "},
		{[]string{"kafka.admin.retries=many"}, "steg-bridge: admin client: kafka.admin.retries: "},
		{[]string{"kafka.client.id=${secrets:ns/name:key}", "kafka.config.providers=secrets", "kafka.config.providers.secrets.class=io.strimzi.kafka.KubernetesSecretConfigProvider"}, "steg-bridge: kafka.client.id: config provider secrets: Secret ns/name: "},
	} {
		ran(t, nil, onFreePorts(c.Bootstrap(), tc.settings...)...).fails(t, 1, tc.text)
	}
	r := started(t, nil, onFreePorts(c.Bootstrap(), "kafka.config.providers=file", "kafka.config.providers.file.class="+class, "kafka.client.id=${file:"+path+":usr}")...)
	if out := r.out.String(); !strings.Contains(out, "client.id") || !strings.Contains(out, "level=WARN") {
		t.Errorf("nothing is said of a reference that leads nowhere:\n%s", out)
	}
}

// A port that somebody has, of either listener.
func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	c := kafkatest.Start(t)
	for _, key := range []string{"http.port", "http.management.port"} {
		ran(t, nil, onFreePorts(c.Bootstrap(), key+"="+port)...).fails(t, 1, "address already in use")
		ran(t, nil, onFreePorts(c.Bootstrap(), key+"="+port)...).fails(t, 1, port)
	}
}

// Kafka is away at the start: the bridge starts, answers within its bounds, and is as good as new when Kafka comes.
func TestBrokerAway(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Away(), kafkatest.Topic("orders", 1))
	r := started(t, nil, onFreePorts(c.Bootstrap(), "kafka.default.api.timeout.ms=1000", "kafka.request.timeout.ms=500",
		"kafka.producer.max.block.ms=1000", "kafka.producer.delivery.timeout.ms=1000")...)
	began := time.Now()
	for _, path := range []string{"/topics", "/topics/orders"} {
		if status, body := ask(t, "GET", r.api+path, "", ""); status != 500 || !strings.HasPrefix(body, `{"error_code":500,"message":"org.apache.kafka.common.errors.TimeoutException: `) {
			t.Error(path, status, body)
		}
	}
	status, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"value":"x"}]}`)
	if want := `{"offsets":[{"error_code":404,"message":"Topic orders not present in metadata after 1000 ms."}]}`; status != 200 || body != want {
		t.Error(status, body)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("three answers after %s", took)
	}
	if status, _ := ask(t, "GET", r.manage+"/ready", "", ""); status != 200 {
		t.Error("ready:", status)
	}
	c.Up(0)
	awaited(t, "a record", func() string {
		_, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"value":"x"}]}`)
		if strings.Contains(body, `"offset":0`) {
			return body
		}
		return ""
	})
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// A signal while a request runs: it is answered.
func TestDrain(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	r := started(t, nil, onFreePorts(c.Bootstrap())...)
	if status, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"value":"first"}]}`); status != 200 {
		t.Fatal(status, body)
	}
	release := c.Hold(0, kmsg.Produce)
	held := c.Requests(kmsg.Produce)
	var request sync.WaitGroup
	request.Go(func() {
		status, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"value":"second"}]}`)
		if status != 200 || body != `{"offsets":[{"partition":0,"offset":1}]}` {
			t.Error(status, body)
		}
	})
	awaited(t, "the request", func() string {
		if c.Requests(kmsg.Produce) > held {
			return "there"
		}
		return ""
	})
	r.cancel()
	awaited(t, "the drain", func() string {
		if strings.Contains(r.out.String(), "stopping") {
			return "begun"
		}
		return ""
	})
	release()
	request.Wait()
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d\n%s", code, r.out.String())
	}
	if n := len(c.Read("orders", 2)); n != 2 {
		t.Errorf("%d records", n)
	}
}

// The program as a process: SIGTERM ends it with 0 and leaves neither process nor port.
func TestSignal(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	c.Produce(&kgo.Record{Topic: "orders", Value: []byte(`"x"`)})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		cmd := exec.CommandContext(t.Context(), self, onFreePorts(c.Bootstrap())...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		port := ""
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			_, _ = printed.Write(lines.Bytes())
			if _, after, ok := strings.Cut(lines.Text(), "listening on port "); ok {
				port = strings.Trim(after, `"`)
			}
			if strings.Contains(lines.Text(), "management listener") {
				break
			}
		}
		// A member of a group, which leaves it.
		group := "http://127.0.0.1:" + port + "/consumers/g"
		ask(t, "POST", group, v2Type, `{"name":"c","format":"json","auto.offset.reset":"earliest"}`)
		ask(t, "POST", group+"/instances/c/subscription", v2Type, `{"topics":["orders"]}`)
		if status, body := ask(t, "GET", group+"/instances/c/records?timeout=5000", jsonType, ""); status != 200 {
			t.Error(status, body)
		}
		left := c.Requests(kmsg.LeaveGroup)
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			_, _ = printed.Write(lines.Bytes())
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", signal, err)
		}
		if c.Requests(kmsg.LeaveGroup) != left+1 {
			t.Errorf("%s: the group was not left", signal)
		}
		if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = conn.Close()
			t.Errorf("%s: something listens still", signal)
		}
	}
}

// The embedded broker: the settings of another cluster do not get in its way, and the printed curls are there.
func TestEmbedded(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time with the first one's data
		r := started(t, nil, append(onFreePorts("elsewhere:9092", "kafka.security.protocol=SASL_SSL", "kafka.sasl.mechanism=PLAIN"), "--embedded="+dir)...)
		status, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"key":"42","value":{"item":"lamp"}}]}`)
		if status != 200 || !strings.Contains(body, `"partition":0`) {
			t.Error(status, body)
		}
		awaited(t, "the curls", func() string {
			if strings.Count(r.out.String(), "curl -s ") == 4 && strings.Contains(r.out.String(), strings.Replace(r.api, "127.0.0.1", "localhost", 1)) {
				return "there"
			}
			return ""
		})
		if code := r.stop(); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
	r := started(t, nil, append(onFreePorts("elsewhere:9092"), "--embedded="+dir)...)
	if status, body := ask(t, "GET", r.api+"/topics/orders/partitions/0/offsets", "", ""); status != 200 || body != `{"beginning_offset":0,"end_offset":2}` {
		t.Error(status, body)
	}
}

// TLS on the API, reloaded when the files change; everything else stays as it was.
func TestServeTLS(t *testing.T) {
	c, settings := tlsCluster(t)
	dir := t.TempDir()
	issue := func() *pki.Pair {
		p := c.Issue(pki.Subject{CommonName: "bridge", Server: true})
		secretKey(p.KeyPEM)
		for name, pem := range map[string][]byte{"tls.crt": p.CertPEM, "tls.key": p.KeyPEM} {
			if err := os.WriteFile(filepath.Join(dir, name), pem, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	shown := func(r *running) string {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(r.api, "http://"), &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: c.CA.Pool()})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := issue()
	settings = append(settings, "http.ssl.enable=true", "http.ssl.certificate.location="+filepath.Join(dir, "tls.crt"),
		"http.ssl.key.location="+filepath.Join(dir, "tls.key"))
	r := started(t, nil, append(onFreePorts(c.Bootstrap(), settings...), "--log-level=debug")...)
	if serial := shown(r); serial != first.TLS.Leaf.SerialNumber.String() {
		t.Error("shown:", serial)
	}
	if status, _ := ask(t, "GET", r.manage+"/healthy", "", ""); status != 200 { // never encrypted
		t.Error(status)
	}
	second := issue().TLS.Leaf.SerialNumber.String()
	awaited(t, "the new certificate", func() string {
		if serial := shown(r); serial == second {
			return serial
		}
		return ""
	})
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// retries counts from the second attempt on, as in Java: 0 is one attempt, and the answer is what the broker said to it.
func TestRetries(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	for _, retries := range []int{0, 2} {
		fault := c.Fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "orders", Err: kerr.NotEnoughReplicas, Count: -1})
		r := started(t, nil, onFreePorts(c.Bootstrap(), fmt.Sprintf("kafka.producer.retries=%d", retries), "kafka.producer.enable.idempotence=false")...)
		before := c.Requests(kmsg.Produce)
		status, body := ask(t, "POST", r.api+"/topics/orders", jsonType, `{"records":[{"value":"x"}]}`)
		want := `{"offsets":[{"error_code":500,"message":"Messages are rejected since there are fewer in-sync replicas than required."}]}`
		if status != 200 || body != want {
			t.Errorf("retries=%d: %d %s", retries, status, body)
		}
		if attempts := c.Requests(kmsg.Produce) - before; attempts != retries+1 {
			t.Errorf("retries=%d: %d attempts", retries, attempts)
		}
		r.stop()
		fault.Remove()
	}
}

// Secrets are found where they are, or the search of everything that was printed proves nothing.
func TestJournal(t *testing.T) {
	var j journal
	j.secret("pa55word")
	_, _ = j.Write([]byte("one line\nkey=pa55"))
	if leaks := j.leaks(); len(leaks) != 0 {
		t.Error(leaks)
	}
	_, _ = j.Write([]byte("word and more\n"))
	if leaks := j.leaks(); len(leaks) != 1 || leaks[0] != "key=…" {
		t.Error(leaks)
	}
}

func TestWithoutKafkaSaysWhatToDo(t *testing.T) {
	var out, problems bytes.Buffer
	code := run(t.Context(), nil, nil, &out, &problems)
	if code != 1 || !strings.Contains(problems.String(), "--embedded") || strings.Count(problems.String(), "\n") != 1 {
		t.Errorf("exit %d, %q", code, problems.String())
	}
}
