//go:build kafka

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// asked are the versions that the tests ask, the oldest minor and the newest, whose jars the other tests need as well.
var asked = [...]string{"3.9.1", "4.3.1"}

// tableDir is where the tables are.
var tableDir = filepath.Join("..", "..", "operator", "kafkaconf")

// rows returns the rows of a table that a version has, without the versions.
func rows(t *testing.T, file, number string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tableDir, file))
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(versions)
	place := func(n string) int {
		for i, v := range all {
			if v == n {
				return i
			}
		}
		t.Fatalf("%s: unknown version %s", file, n)
		return 0
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		in, row, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(in, "#") {
			continue
		}
		for part := range strings.SplitSeq(in, ",") {
			first, last, more := strings.Cut(part, "-")
			if !more {
				last = first
			}
			if at := place(number); place(first) <= at && at <= place(last) {
				out = append(out, row)
			}
		}
	}
	return out
}

// TestTablesAreWhatTheJarsSay asks the jars again.
func TestTablesAreWhatTheJarsSay(t *testing.T) {
	for _, number := range asked {
		f, err := ask(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		if v, _ := kafkaconf.Lookup(number); v.Metadata != f.metadata {
			t.Errorf("Kafka %s: the default metadata version is %s, the table has %s", number, f.metadata, v.Metadata)
		}
		if diff := cmp.Diff(f.lines[kindMetadata], rows(t, "metadata.tsv", number)); diff != "" {
			t.Errorf("Kafka %s, metadata versions (-jars +table):\n%s", number, diff)
		}
		if diff := cmp.Diff(f.lines[kindOption], rows(t, "options.tsv", number)); diff != "" {
			t.Errorf("Kafka %s, options (-jars +table):\n%s", number, diff)
		}
	}
}

// TestAnswersAreStillJavas asks the questions of the other package's tests again.
func TestAnswersAreStillJavas(t *testing.T) {
	for _, number := range asked {
		want, err := os.ReadFile(filepath.Join(tableDir, "testdata", "java-"+number+".tsv"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), answer(t, number, string(want))); diff != "" {
			t.Errorf("Kafka %s (-file +now):\n%s", number, diff)
		}
	}
}

// answer returns a file of questions with its answers.
func answer(t *testing.T, number, questions string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "questions.tsv")
	if err := os.WriteFile(file, []byte(questions), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := java(t.Context(), number, answersJava, file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// texts are values to try with an option: what others reject, its bounds and values and what is next to them, and pieces of
// those put together at random.
func texts(o kafkaconf.Option, random *rand.Rand) []string {
	out := []string{
		"", " ", "0", "1", "-1", "-2", " 7 ", "+5", "1.5", "1e3", ".5", "5.", "1d", "0x1", "NaN", "Infinity", "true", "False", "yes", "a", "a,b",
		"a,a", "a,", ",", "32767", "32768", "-32769", "2147483647", "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808",
	}
	for _, bound := range []string{o.Min, o.Max} {
		if bound != "" {
			out = append(out, bound, bound+"0", bound+".1", "-"+bound, strings.TrimPrefix(bound, "-"))
		}
	}
	for _, v := range o.Values {
		out = append(out, v, " "+v, v+"x", strings.ToLower(v), strings.ToUpper(v), v+","+v, v+","+o.Values[0], v+" , ")
	}
	for range 10 {
		a, b := out[random.IntN(len(out))], out[random.IntN(len(out))]
		out = append(out, a+[]string{"", ",", " ", "e", "."}[random.IntN(5)]+b)
	}
	return out
}

// TestEveryOptionIsJudgedAsJavaDoes compares Check with the server's own parser and validators. A class must exist for Java,
// so that there is nothing to compare unless it refuses the name's form, too.
func TestEveryOptionIsJudgedAsJavaDoes(t *testing.T) {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`)
	for _, number := range asked {
		v, _ := kafkaconf.Lookup(number)
		random := rand.New(rand.NewPCG(1, uint64(len(v.Options()))))
		var questions strings.Builder
		for _, o := range v.Options() {
			if o.Type == kafkaconf.TypeClass || ownValidator(o.Name) {
				continue
			}
			for _, text := range texts(o, random) {
				fmt.Fprintf(&questions, "value\t?\t%s\t%s\n", o.Name, escape.Replace(text))
			}
		}
		n, wrong := 0, 0
		for line := range strings.Lines(answer(t, number, questions.String())) {
			columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			name, text := columns[2], strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r").Replace(columns[3])
			bad, _ := v.Check(map[string]string{name: text})
			n++
			if (len(bad) > 0) != (columns[1] == "bad") {
				if wrong++; wrong <= 20 {
					t.Errorf("Kafka %s: %s=%q: %v, Java says %s", number, name, text, bad, columns[1])
				}
			}
		}
		t.Logf("Kafka %s: %d values, %d judged otherwise", number, n, wrong)
		if n < 10_000 {
			t.Errorf("only %d values were compared", n)
		}
	}
}

// ownValidator reports whether an option has rules of its own that the tables do not have: the operator writes the quorum's
// addresses itself, and of old metadata versions only the form is checked.
func ownValidator(name string) bool {
	return name == "controller.quorum.voters" || name == "controller.quorum.bootstrap.servers" ||
		name == "inter.broker.protocol.version" || name == "log.message.format.version"
}

// TestScopesAreTheBrokers asks a running broker to change each option, as the tables say that it can or can't.
func TestScopesAreTheBrokers(t *testing.T) {
	rig := kafkarig.New(t, kafkarig.Options{})
	v, ok := kafkaconf.Lookup(rig.Version)
	if !ok {
		t.Fatalf("Kafka %s is not in the tables", rig.Version)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(rig.Addrs(kafkarig.Plain)...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	admin := kadm.NewClient(client)
	nodes, err := admin.ListBrokers(ctx)
	if err != nil || len(nodes) == 0 {
		t.Fatal(err)
	}
	changed := 0
	for _, o := range v.Options() {
		if o.Internal || !o.HasDefault || o.Scope == kafkaconf.PerListener {
			continue
		}
		change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: o.Name, Value: &o.Default}}
		refused := refusal(admin.ValidateAlterBrokerConfigs(ctx, change))
		switch {
		case o.Scope == kafkaconf.ClusterWide && refused != nil:
			t.Errorf("%s=%s for the cluster: %v", o.Name, o.Default, refused)
		case o.Scope == kafkaconf.ClusterWide:
			changed++
		case refused == nil && !brokersPretend(o.Name):
			t.Errorf("%s=%s: the table says %s, the broker takes it for the cluster", o.Name, o.Default, o.Scope)
		}
		if o.Scope == kafkaconf.PerBroker {
			if err := refusal(admin.ValidateAlterBrokerConfigs(ctx, change, nodes[0].NodeID)); err != nil {
				t.Errorf("%s=%s for a broker: %v", o.Name, o.Default, err)
			}
		}
	}
	if changed < 40 {
		t.Errorf("only %d options were changed", changed)
	}
}

// brokersPretend reports whether a broker takes a change that does nothing until it is restarted.
func brokersPretend(name string) bool { return name == "config.providers" }

// refusal returns what was said to a change.
func refusal(answers kadm.AlterConfigsResponses, err error) error {
	for _, a := range answers {
		if a.Err != nil {
			return fmt.Errorf("%w: %s", a.Err, a.ErrMessage)
		}
	}
	return err
}
