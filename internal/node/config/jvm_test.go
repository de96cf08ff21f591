package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/steg-kafka/steg/internal/golden"
)

func TestParseMemoryLimit(t *testing.T) {
	for text, want := range map[string]int64{
		"max\n": 0, "0": 0, "1073741824\n": 1 << 30, "9223372036854771712\n": 0, "18446744073709551615": 0,
	} {
		if got, err := ParseMemoryLimit(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "-1", "1G", "18446744073709551616"} {
		if _, err := ParseMemoryLimit(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestHeap(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     JVMOptions
		limit int64
		want  string
	}{
		{"no limit", JVMOptions{}, 0, "-Xms128M"},
		{"half", JVMOptions{}, 2 << 30, "-Xms1024M -Xmx1024M"},
		{"at most", JVMOptions{}, 64 << 30, "-Xms5120M -Xmx5120M"},
		{"at least", JVMOptions{}, 100 << 20, "-Xms64M -Xmx64M"},
		{"odd", JVMOptions{}, 1000_000_000, "-Xms476M -Xmx476M"},
		{"asked for", JVMOptions{Xms: "1g", Xmx: "2g"}, 64 << 30, "-Xms1g -Xmx2g"},
		{"the first only", JVMOptions{Xms: "1g"}, 64 << 30, "-Xms1g"},
		{"the largest only", JVMOptions{Xmx: "2048m"}, 0, "-Xmx2048m"},
	} {
		if got := strings.Join(c.o.Heap(c.limit), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

const everyOption = `{"-Xms":"512m","-Xmx":"1g","-XX":{"UseZGC":"true","UseG1GC":false,"MaxGCPauseMillis":20,"UnlockExperimentalVMOptions":"true",
	"ExitOnOutOfMemoryError":"false","HeapDumpPath":"/tmp"},
	"javaSystemProperties":[{"name":"javax.net.debug","value":"ssl handshake"},{"name":"path","value":"C:\\x \"y\""}],"gcLoggingEnabled":true}`

func TestJVMOptions(t *testing.T) {
	o, err := ParseJVMOptions(everyOption)
	if err != nil {
		t.Fatal(err)
	}
	image := Image{Archive: "/opt/kafka/kafka.jsa", Temp: "/tmp/steg"}
	golden.Equal(t, "every.jvm", []byte(ArgumentFile(o.Arguments(image))))
	if o, err = ParseJVMOptions(" "); err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "default.jvm", []byte(ArgumentFile(o.Arguments(Image{Temp: "/tmp/steg"}))))
}

func TestJVMOptionsRefused(t *testing.T) {
	for text, want := range map[string]string{
		`[]`:                     "not the JSON of JVM options: ",
		`{"-Xmz":"1g"}`:          `not the JSON of JVM options: json: unknown field "-Xmz"`,
		`{} {}`:                  "not the JSON of JVM options: there is more after the object",
		`{"-Xms":"1 g"}`:         `-Xms: "1 g" is not a size: a number and k, m or g, such as 512m`,
		`{"-Xmx":"50%"}`:         `-Xmx: "50%" is not a size`,
		`{"-XX":{"a b":"true"}}`: `-XX: "a b" is not the name of an option`,
		`{"-XX":{"A":{"b":1}}}`:  "-XX: the value of A is neither",
		`{"-XX":{"A":"x\ny"}}`:   "-XX: the value of A is neither",
		`{"javaSystemProperties":[{"value":"x"}]}`:    `javaSystemProperties: "" is not a name`,
		`{"javaSystemProperties":[{"name":"a=b c"}]}`: `javaSystemProperties: "a=b c" is not a name`,
	} {
		if _, err := ParseJVMOptions(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// No option of an author's can become two: each line of the file is one string in quotes.
func FuzzArgumentFile(f *testing.F) {
	f.Add(everyOption)
	f.Add(`{"javaSystemProperties":[{"name":"a","value":"\"\n-XX:OnError=x"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ParseJVMOptions(text)
		if err != nil {
			return
		}
		arguments := o.Arguments(Image{Temp: "/tmp"})
		lines := strings.Split(strings.TrimSuffix(ArgumentFile(arguments), "\n"), "\n")
		if len(lines) != len(arguments) {
			t.Fatalf("%d options became %d lines", len(arguments), len(lines))
		}
		for i, line := range lines {
			if got := unquote(t, line); got != arguments[i] {
				t.Errorf("%q is read as %q", arguments[i], got)
			}
		}
	})
}

// unquote reads a line as the java launcher does (see its documentation of argument files).
func unquote(t *testing.T, line string) string {
	t.Helper()
	if len(line) < 2 || line[0] != '"' || line[len(line)-1] != '"' {
		t.Fatalf("not in quotes: %s", line)
	}
	body := line[1 : len(line)-1]
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case body[i] == '"':
			t.Fatalf("a quote inside: %s", line)
		case body[i] != '\\':
			b.WriteByte(body[i])
		default:
			i++
			if i == len(body) {
				t.Fatalf("the last quote is escaped: %s", line)
			}
			b.WriteByte(strings.NewReplacer("n", "\n", "r", "\r", "t", "\t", "f", "\f").Replace(body[i : i+1])[0])
		}
	}
	return b.String()
}

func TestEnvironment(t *testing.T) {
	container := []string{
		"PATH=/bin", "STEG_NODE_ID=1", "KAFKA_OPTS=-javaagent:/x.jar", "KAFKA_HEAP_OPTS=-Xmx9g", "JMX_PORT=9999", "EXTRA_ARGS=-loggc", "CLASSPATH=/plugins/*",
	}
	l := Launch{Heap: []string{"-Xms1g", "-Xmx1g"}, Arguments: "/run/steg/kafka.jvm", Logging: "-Dlog4j2.configurationFile=/f", LogDir: "/tmp/steg"}
	want := []string{
		"PATH=/bin", "KAFKA_OPTS=-javaagent:/x.jar", "JMX_PORT=9999", "CLASSPATH=/plugins/*", "KAFKA_HEAP_OPTS=-Xms1g -Xmx1g",
		"KAFKA_JVM_PERFORMANCE_OPTS=@/run/steg/kafka.jvm", "LOG_DIR=/tmp/steg", "EXTRA_ARGS=", "KAFKA_LOG4J_OPTS=-Dlog4j2.configurationFile=/f",
	}
	if diff := cmp.Diff(want, l.Environment(container)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	l.Tool, l.Logging = true, ""
	want = []string{
		"PATH=/bin", "KAFKA_JMX_OPTS=-Djava.awt.headless=true", "KAFKA_HEAP_OPTS=-Xms1g -Xmx1g",
		"KAFKA_JVM_PERFORMANCE_OPTS=@/run/steg/kafka.jvm", "LOG_DIR=/tmp/steg", "EXTRA_ARGS=",
	}
	if diff := cmp.Diff(want, l.Environment(container)); diff != "" {
		t.Errorf("a tool (-want +got):\n%s", diff)
	}
}
