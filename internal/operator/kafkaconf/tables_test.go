package kafkaconf

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// everyOption calls f for each option of each version.
func everyOption(t *testing.T, f func(t *testing.T, v Version, o Option)) {
	t.Helper()
	for _, v := range Versions() {
		all := v.Options()
		if len(all) < 300 {
			t.Fatalf("Kafka %s has %d options only", v, len(all))
		}
		for _, o := range all {
			f(t, v, o)
		}
	}
}

func TestTablesAreWhole(t *testing.T) {
	all, err := parseTables(versionsTSV, metadataTSV, optionsTSV)
	if err != nil {
		t.Fatal(err)
	}
	for name, variants := range all.options {
		for at, v := range all.versions {
			n := 0
			for _, o := range variants {
				if o.in[at] {
					n++
				}
			}
			if n > 1 {
				t.Errorf("%s: Kafka %s has it %d times", name, v, n)
			}
		}
	}
	for i, m := range all.metadata {
		if want := int16(i + 1); m.level != want {
			t.Errorf("%s has level %d, want %d: levels are given without gaps", m.name, m.level, want)
		}
	}
}

// TestDefaultsAreAllowed holds each default against the option's own rules, which come from other columns.
func TestDefaultsAreAllowed(t *testing.T) {
	everyOption(t, func(t *testing.T, v Version, o Option) {
		if !o.HasDefault || o.Type == TypePassword {
			return
		}
		if bad, unknown := v.Check(map[string]string{o.Name: o.Default}); len(bad)+len(unknown) > 0 {
			t.Errorf("Kafka %s: the default %q: %v %v", v, o.Default, bad, unknown)
		}
	})
}

func TestOptionsAreSound(t *testing.T) {
	types := []Type{TypeBoolean, TypeInt, TypeShort, TypeLong, TypeDouble, TypeString, TypeList, TypeClass, TypePassword}
	bits := map[Type]int{TypeShort: 16, TypeInt: 32, TypeLong: 64}
	everyOption(t, func(t *testing.T, v Version, o Option) {
		if !slices.Contains(types, o.Type) {
			t.Errorf("Kafka %s: %s has type %q", v, o.Name, o.Type)
		}
		smallest, largest := math.Inf(-1), math.Inf(1)
		for _, bound := range []struct {
			text string
			to   *float64
		}{{o.Min, &smallest}, {o.Max, &largest}} {
			if bound.text == "" {
				continue
			}
			var err error
			if *bound.to, err = strconv.ParseFloat(bound.text, 64); err != nil {
				t.Errorf("Kafka %s: %s: %v", v, o.Name, err)
			}
			if n := bits[o.Type]; n > 0 {
				if _, err := strconv.ParseInt(bound.text, 10, n); err != nil {
					t.Errorf("Kafka %s: %s: %v", v, o.Name, err)
				}
			} else if o.Type != TypeDouble {
				t.Errorf("Kafka %s: %s is a %s with a bound", v, o.Name, o.Type)
			}
		}
		if smallest > largest {
			t.Errorf("Kafka %s: %s goes from %s to %s", v, o.Name, o.Min, o.Max)
		}
		if o.Required && o.HasDefault {
			t.Errorf("Kafka %s: %s is required and has a default", v, o.Name)
		}
	})
}

func TestSpoiltTables(t *testing.T) {
	const (
		versions = "# head\n1.0.0\t1.0-IV0\n1.0.1\t1.0-IV0\n"
		meta     = "1.0.0-1.0.1\t1.0-IV0\t1\n"
		option   = "1.0.0-1.0.1\ta\tint\t1\t0\t\t\t\t\t\n"
	)
	if _, err := parseTables(versions, meta, option); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, versions, meta, option, want string }{
		{"version without metadata", "1.0.0\n", meta, option, `versions.tsv: 1 columns instead of 2 in "1.0.0"`},
		{"level", versions, "1.0.0\t1.0-IV0\tone\n", option, "metadata.tsv: "},
		{"level of 17 bits", versions, "1.0.0\t1.0-IV0\t32768\n", option, "value out of range"},
		{"columns", versions, meta, "1.0.0\ta\tint\n", "3 columns instead of 10"},
		{"rule", versions, meta, strings.Replace(option, "\t\t\t\t\t\n", "\t\t\tquick\t\t\n", 1), `unknown rule "quick"`},
		{"scope", versions, meta, strings.Replace(option, "\t\t\n", "\tsometimes\t\n", 1), `unknown scope "sometimes"`},
		{"scope of a listener", versions, meta, strings.Replace(option, "\t\t\n", "\t\tnever\n", 1), `unknown scope "never"`},
		{"version", versions, meta, strings.Replace(option, "1.0.1", "1.0.2", 1), `"1.0.0-1.0.2" is not a range of supported versions`},
		{"range", versions, meta, strings.Replace(option, "1.0.0-1.0.1", "1.0.1-1.0.0", 1), `"1.0.1-1.0.0" is not a range`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseTables(c.versions, c.meta, c.option)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestNobodyWritesToTheTables changes what the package gives away and looks whether it is still the same afterwards.
func TestNobodyWritesToTheTables(t *testing.T) {
	Versions()[0].Number = "spoilt"
	if first := Versions()[0].Number; first == "spoilt" {
		t.Error("the list of versions is shared")
	}
	v := Default()
	o, _ := v.Option("compression.type")
	o.Values[0] = "spoilt"
	v.Options()[0].Name = "spoilt"
	if again, _ := v.Option("compression.type"); again.Values[0] == "spoilt" {
		t.Error("an option's values are shared")
	}
	if v.Options()[0].Name == "spoilt" {
		t.Error("the list of options is shared")
	}
}
