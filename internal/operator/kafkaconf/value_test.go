package kafkaconf

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestMessages holds what people read. Every message names what is allowed.
func TestMessages(t *testing.T) {
	long := strings.Repeat("9", 100)
	for _, c := range []struct{ option, text, want string }{
		{"offsets.topic.replication.factor", "0", "0 is not between 1 and 32767"},
		{"offsets.topic.replication.factor", "32768", "32768 is not between 1 and 32767"},
		{"num.partitions", "0", "0 is not between 1 and 2147483647"},
		{"num.partitions", " +0 ", "+0 is not between 1 and 2147483647"},
		{"num.partitions", "", `"" is not a whole number`},
		{"num.partitions", "many", `"many" is not a whole number`},
		{"num.partitions", "1.5", `"1.5" is not a whole number`},
		{"num.partitions", long, long[:64] + "… is not between 1 and 2147483647"},
		{"num.partitions", "${env:N}", ""},
		{"num.partitions", "${dir:/a/b:c}", ""},
		{"num.partitions", "${node.rack}", `"${node.rack}" is not a whole number`},
		{"log.retention.ms", "1d", `"1d" is not a whole number`},
		{"compression.gzip.level", "10", "10 is not between 1 and 9, nor is it -1"},
		{"compression.gzip.level", "-1", ""},
		{"compression.gzip.level", " -1", ""},
		{"auto.create.topics.enable", "yes", `"yes" is neither true nor false`},
		{"auto.create.topics.enable", "a\nb", `"a\nb" is neither true nor false`},
		{"compression.type", "gz", `"gz" is none of uncompressed, zstd, lz4, snappy, gzip, producer`},
		{"log.cleanup.policy", "compact,delet", `"delet" is none of compact, delete`},
		{"log.cleanup.policy", "compact,", `"" is none of compact, delete`},
		{"log.cleanup.policy", "delete,delete", `the list has "delete" twice`},
		{"process.roles", " ", "the list may not be empty"},
		{"ssl.cipher.suites", "a,,b", "the list has an empty element"},
		{"remote.log.storage.manager.impl.prefix", "", "it may not be empty"},
		{"log.cleaner.min.cleanable.ratio", "1.5", "1.5 is not between 0 and 1"},
		{"log.cleaner.min.cleanable.ratio", "half", `"half" is not a number`},
		{"client.quota.callback.class", "no class", `"no class" is not the name of a Java class`},
		{"ssl.key.password", "anything \n at all", ""},
		{"broker.rack", strings.Repeat("x", 10000), ""},
		{"listener.name.a-1.max.connections", "-1", "-1 is not between 0 and 2147483647"},
	} {
		bad, unknown := Default().Check(map[string]string{c.option: c.text})
		if len(unknown) > 0 {
			t.Fatalf("%v", unknown)
		}
		got := ""
		if len(bad) > 0 {
			got = bad[0].Message
			if bad[0].Key != c.option || len(bad) > 1 {
				t.Errorf("%s=%q: %v", c.option, c.text, bad)
			}
		}
		if got != c.want {
			t.Errorf("%s=%q: %q, want %q", c.option, c.text, got, c.want)
		}
	}
}

// TestOneBound is about numbers that are bounded on one side, which no option of type double is below.
func TestOneBound(t *testing.T) {
	for _, c := range []struct{ min, max, text, want string }{
		{"0.5", "", "0.4", "0.4 is less than 0.5"},
		{"", "0.5", "0.6", "0.6 is more than 0.5"},
		{"", "", "-1e300", ""},
		{"0", "1", "NaN", ""}, // Kafka's own comparison lets it pass
		{"0", "1", "-Infinity", "-Infinity is not between 0 and 1"},
	} {
		o := Option{Type: TypeDouble, Min: c.min, Max: c.max}
		if got := o.check(c.text); got != c.want {
			t.Errorf("%s between %q and %q: %q, want %q", c.text, c.min, c.max, got, c.want)
		}
	}
	o := Option{Type: TypeLong}
	for text, want := range map[string]string{
		"-9223372036854775808": "", "9223372036854775807": "",
		"9223372036854775808": "9223372036854775808 is not between -9223372036854775808 and 9223372036854775807",
	} {
		if got := o.check(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	version, _ := must(t, "3.9.1").Option("inter.broker.protocol.version")
	for text, want := range map[string]string{
		"3.9": "", "3.9-IV0": "", "0.10.0-IV1": "", "2.8.1": "", "new": `"new" is not a version such as 3.9-IV0`, "": `"" is not a version such as 3.9-IV0`,
	} {
		if got := version.check(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestBounds asks for both bounds of every number, and for what is next to them.
func TestBounds(t *testing.T) {
	everyOption(t, func(t *testing.T, v Version, o Option) {
		if o.Type != TypeInt && o.Type != TypeShort && o.Type != TypeLong {
			return
		}
		smallest, largest := o.bounds(map[Type]int{TypeShort: 16, TypeInt: 32, TypeLong: 64}[o.Type])
		tell := func(n int64, want bool) {
			t.Helper()
			text := strconv.FormatInt(n, 10)
			if got := o.check(text) == ""; got != (want || slices.Contains(o.Values, text)) {
				t.Errorf("Kafka %s: %s=%s is allowed: %t", v, o.Name, text, got)
			}
		}
		tell(smallest, true)
		tell(largest, true)
		if smallest > math.MinInt64 {
			tell(smallest-1, false)
		}
		if largest < math.MaxInt64 {
			tell(largest+1, false)
		}
	})
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		option, a, b string
		want         bool
	}{
		{"num.partitions", "1", " 1", true},
		{"num.partitions", "many", " many", false}, // unreadable: only if the same
		{"num.partitions", "many", "many", true},
		{"num.partitions", "0", "-0", false}, // out of range
		{"num.partitions", "${env:A}", "${env:B}", false},
		{"num.partitions", "${env:A}", "1", false},
		{"num.partitions", "${env:A}", "${env:A}", true},
		{"auto.create.topics.enable", "TRUE", "true", true},
		{"log.cleanup.policy", "compact, delete", "compact,delete", true},
		{"log.cleanup.policy", "compact,delete", "delete,compact", false}, // order counts for some lists, so for all
		{"log.cleanup.policy", "", " ", true},
		{"group.consumer.migration.policy", "UPGRADE", "upgrade", true},
		{"compression.type", "zstd", "ZSTD", false},
		{"log.cleaner.io.max.bytes.per.second", "1.7976931348623157E308", "1.7976931348623157e+308", true},
		{"log.cleaner.io.max.bytes.per.second", "1", "1.0", true},
		{"listener.name.a-1.max.connections", "5", "05", true},
		{"plugin.of.mine", "1", " 1", false},
		{"plugin.of.mine", "1", "1", true},
		{"ssl.key.password", "a", "b", false},
	} {
		if got := Default().Equal(c.option, c.a, c.b); got != c.want {
			t.Errorf("%s: %q and %q: %t", c.option, c.a, c.b, got)
		}
	}
	if (Version{}).Equal("num.partitions", "1", " 1") {
		t.Error("no version knows no option")
	}
}

// samples are texts that some types read and others do not.
var samples = []string{
	"", " ", "1", "+1", "01", " 1 ", "-1", "0", "1.0", "1e0", "NaN", "Infinity", "true", "TRUE", "a", "A", "a,b", "a , b", ",", "a,,b",
	"compact", "delete,compact", "java.lang.Object", "${env:A}", "${env:B}", "9223372036854775808", "ä", "\x00", "a\xff",
}

// TestEqualIsAnEquivalence tries all triples of the samples for one option of each kind.
func TestEqualIsAnEquivalence(t *testing.T) {
	v := Default()
	for _, name := range []string{
		"num.partitions", "offsets.topic.replication.factor", "log.retention.ms", "log.cleaner.io.max.bytes.per.second",
		"auto.create.topics.enable", "log.cleanup.policy", "metric.reporters", "broker.rack", "group.consumer.migration.policy",
		"client.quota.callback.class", "ssl.key.password", "unknown",
	} {
		for _, a := range samples {
			if !v.Equal(name, a, a) {
				t.Errorf("%s: %q is not itself", name, a)
			}
			for _, b := range samples {
				ab := v.Equal(name, a, b)
				if ab != v.Equal(name, b, a) {
					t.Errorf("%s: %q and %q: it depends on the order", name, a, b)
				}
				for _, c := range samples {
					if ab && v.Equal(name, b, c) && !v.Equal(name, a, c) {
						t.Errorf("%s: %q, %q and %q", name, a, b, c)
					}
				}
			}
		}
	}
}

func FuzzValue(f *testing.F) {
	names := make([]string, 0, 400)
	for _, o := range Default().Options() {
		names = append(names, o.Name)
	}
	for i, s := range samples {
		f.Add(i*7, s, samples[(i+1)%len(samples)])
	}
	f.Fuzz(func(t *testing.T, at int, a, b string) {
		if at < 0 {
			at = -(at + 1)
		}
		v, name := Default(), names[at%len(names)]
		bad, unknown := v.Check(map[string]string{name: a})
		if len(unknown) > 0 || len(bad) > 1 {
			t.Fatalf("%v %v", bad, unknown)
		}
		for _, p := range bad {
			if strings.ContainsAny(p.Message, "\n\r") || utf8.RuneCountInString(p.Message) > 600 || p.Message == "" {
				t.Fatalf("%s: %q", name, p.Message)
			}
		}
		if v.Equal(name, a, b) != v.Equal(name, b, a) || !v.Equal(name, a, a) {
			t.Fatalf("%s: %q and %q", name, a, b)
		}
		other, _ := v.Check(map[string]string{name: b})
		if v.Equal(name, a, b) && len(other) != len(bad) {
			t.Fatalf("%s: %q is %q, one is allowed", name, a, b)
		}
	})
}
