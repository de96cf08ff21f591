package kafkaconf

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/steg-kafka/steg/internal/properties"
)

// answers are what the servers' own classes said to questions: see internal/gen/kafkaconf/Answers.java.
//
//go:embed testdata/java-*.tsv
var answers embed.FS

// eachAnswer calls f for every question to a version, with the question's texts.
func eachAnswer(t *testing.T, kind string, f func(t *testing.T, v Version, answer string, question []string)) {
	t.Helper()
	unescape := strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\r`, "\r")
	n := 0
	for _, number := range []string{"3.9.1", "4.3.1"} {
		text, err := answers.ReadFile("testdata/java-" + number + ".tsv")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
			if columns[0] != kind {
				continue
			}
			for i := range columns {
				columns[i] = unescape.Replace(columns[i])
			}
			f(t, must(t, number), columns[1], columns[2:])
			n++
		}
	}
	if n == 0 {
		t.Fatalf("no questions of kind %s", kind)
	}
}

func TestValuesAsJava(t *testing.T) {
	eachAnswer(t, "value", func(t *testing.T, v Version, answer string, q []string) {
		bad, unknown := v.Check(map[string]string{q[0]: q[1]})
		if len(unknown) > 0 {
			t.Errorf("Kafka %s: %v", v, unknown)
		}
		if (len(bad) > 0) != (answer == "bad") {
			t.Errorf("Kafka %s: %s=%q: %v, Java says %s", v, q[0], q[1], bad, answer)
		}
	})
}

func TestEqualityAsJava(t *testing.T) {
	eachAnswer(t, "equal", func(t *testing.T, v Version, answer string, q []string) {
		if got := v.Equal(q[0], q[1], q[2]); got != (answer == "same") {
			t.Errorf("Kafka %s: %s, %q and %q: %t, Java says %s", v, q[0], q[1], q[2], got, answer)
		}
	})
}

// TestMetadataAsJava allows for one difference: this package knows names that the asked version does not take.
func TestMetadataAsJava(t *testing.T) {
	eachAnswer(t, "metadata", func(t *testing.T, v Version, answer string, q []string) {
		got, ok := MetadataLevel(q[0])
		if answer == "bad" {
			if _, _, err := v.CheckMetadata(q[0]); err == nil {
				t.Errorf("Kafka %s: %q is level %d, Java does not take it", v, q[0], got)
			}
			return
		}
		if want, err := strconv.Atoi(answer); err != nil || !ok || int(got) != want {
			t.Errorf("Kafka %s: %q is level %d, %t, Java says %s", v, q[0], got, ok, answer)
		}
	})
}

// TestReaderAsJava holds the reader of properties files against what Java reads.
func TestReaderAsJava(t *testing.T) {
	eachAnswer(t, "text", func(t *testing.T, v Version, answer string, q []string) {
		read, err := properties.Map(q[0])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, key := range slices.Collect(maps.Keys(read)) {
			got = append(got, plain(key)+"="+plain(read[key])+";")
		}
		slices.Sort(got)
		if text := strings.Join(got, ""); text != answer {
			t.Errorf("Kafka %s: %q is %s, Java says %s", v, q[0], text, answer)
		}
	})
}

// plain writes text as Answers.java does.
func plain(text string) string {
	var out strings.Builder
	for _, unit := range units(text) {
		c := rune(unit)
		if c < 128 && (c == '.' || strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", c)) {
			out.WriteRune(c)
			continue
		}
		fmt.Fprintf(&out, "%%%04x", unit)
	}
	return out.String()
}

// units is a text in Java's characters.
func units(text string) []uint16 { return utf16.Encode([]rune(text)) }
