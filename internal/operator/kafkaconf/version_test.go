package kafkaconf

import (
	"slices"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	var numbers, minors []string
	metadata := map[string]string{}
	for _, v := range Versions() {
		numbers = append(numbers, v.Number)
		minors = append(minors, v.Minor())
		metadata[v.Minor()] = v.Metadata
		if found, ok := Lookup(v.Number); !ok || found != v {
			t.Errorf("Lookup(%s) = %v, %t", v, found, ok)
		}
	}
	if want := strings.Fields("3.9.0 3.9.1 3.9.2 4.0.0 4.0.1 4.0.2 4.1.0 4.1.1 4.1.2 4.2.0 4.2.1 4.2.2 4.3.0 4.3.1"); !slices.Equal(numbers, want) {
		t.Errorf("versions %v, want %v", numbers, want)
	}
	if !slices.IsSortedFunc(Versions(), Version.Compare) {
		t.Error("the versions are not ascending")
	}
	if got, want := slices.Compact(minors), []string{"3.9", "4.0", "4.1", "4.2", "4.3"}; !slices.Equal(got, want) {
		t.Errorf("minors %v, want %v", got, want)
	}
	for minor, want := range map[string]string{"3.9": "3.9-IV0", "4.0": "4.0-IV3", "4.1": "4.1-IV1", "4.2": "4.2-IV1", "4.3": "4.3-IV0"} {
		if metadata[minor] != want {
			t.Errorf("Kafka %s starts with metadata version %s, want %s", minor, metadata[minor], want)
		}
	}
	if Default().Number != "4.3.1" {
		t.Errorf("the default is %s", Default())
	}
	for _, number := range []string{"", "4.3", "4.3.9", "v4.3.1", " 4.3.1", "3.8.1", "4.4.0"} {
		if v, ok := Lookup(number); ok || v != (Version{}) {
			t.Errorf("Lookup(%q) = %v, %t", number, v, ok)
		}
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"4.3.1", "4.3.1", 0},
		{"4.3.0", "4.3.1", -1},
		{"4.3.1", "4.3.0", 1},
		{"3.9.2", "4.0.0", -1},
		{"4.9.0", "4.10.0", -1},
		{"4.3", "4.3.0", -1},
		{"", "3.9.0", -1},
	} {
		if got := (Version{Number: c.a}).Compare(Version{Number: c.b}); got != c.want {
			t.Errorf("%q compared with %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := (Version{}).Minor(); got != "" {
		t.Errorf("no version has minor %q", got)
	}
}

func TestMetadataLevels(t *testing.T) {
	for _, c := range []struct {
		name  string
		level int16
		full  string
	}{
		{"3.3-IV3", 7, "3.3-IV3"},
		{"3.3", 7, "3.3-IV3"},
		{"3.9", 21, "3.9-IV0"},
		{"3.9.1", 21, "3.9-IV0"},
		{"4.0", 25, "4.0-IV3"},
		{"4.0.0", 25, "4.0-IV3"},
		{"4.0-IV2", 24, "4.0-IV2"},
		{"4.2", 29, "4.2-IV1"},
		{"4.3-IV0", 30, "4.3-IV0"},
	} {
		level, ok := MetadataLevel(c.name)
		if !ok || level != c.level {
			t.Errorf("MetadataLevel(%s) = %d, %t, want %d", c.name, level, ok, c.level)
		}
		if name, ok := MetadataName(level); !ok || name != c.full {
			t.Errorf("MetadataName(%d) = %s, %t, want %s", level, name, ok, c.full)
		}
	}
	for _, name := range []string{"", "4", "4.", ".0", "4.0-", "4.0-IV", "4.0-IV9", "4.0-iv3", "4.0.1-IV3", "4.0.1.2", " 4.0", "5.0", "IV3", "4.0-IV3 "} {
		if level, ok := MetadataLevel(name); ok || level != 0 {
			t.Errorf("MetadataLevel(%q) = %d, %t", name, level, ok)
		}
	}
	for _, level := range []int16{-1, 0, 31, 32767} {
		if name, ok := MetadataName(level); ok {
			t.Errorf("MetadataName(%d) = %s", level, name)
		}
	}
}

func TestEveryLevelHasItsName(t *testing.T) {
	for _, m := range data().metadata {
		level, ok := MetadataLevel(m.name)
		name, ok2 := MetadataName(level)
		if !ok || !ok2 || name != m.name {
			t.Errorf("%s is level %d, which is %s", m.name, level, name)
		}
	}
}

func TestCheckMetadata(t *testing.T) {
	for _, c := range []struct {
		kafka, text, name, err string
		level                  int16
	}{
		{kafka: "4.3.1", text: "4.3-IV0", name: "4.3-IV0", level: 30},
		{kafka: "4.3.1", text: "3.3-IV3", name: "3.3-IV3", level: 7},
		{kafka: "4.3.1", text: "3.9", name: "3.9-IV0", level: 21},
		{kafka: "3.9.0", text: "3.9.2", name: "3.9-IV0", level: 21},
		{kafka: "4.0.2", text: "4.0", name: "4.0-IV3", level: 25},
		{kafka: "4.3.1", text: "3.3-IV2", err: "metadata version 3.3-IV2 is too old: Kafka 4.3.1 takes 3.3-IV3 to 4.3-IV0"},
		{kafka: "3.9.1", text: "3.0", err: "metadata version 3.0-IV1 is too old: Kafka 3.9.1 takes 3.3-IV3 to 3.9-IV0"},
		{kafka: "3.9.1", text: "4.0", err: "metadata version 4.0-IV3 is newer than the Kafka version: Kafka 3.9.1 takes 3.3-IV3 to 3.9-IV0"},
		{kafka: "4.2.2", text: "4.3", err: "metadata version 4.3-IV0 is newer than the Kafka version: Kafka 4.2.2 takes 3.3-IV3 to 4.2-IV1"},
		{kafka: "4.3.1", text: "4.4", err: `"4.4" is not a metadata version that is known: Kafka 4.3.1 takes 3.3-IV3 to 4.3-IV0`},
		{kafka: "4.3.1", text: "a\nb", err: `"a\nb" is not a metadata version that is known: Kafka 4.3.1 takes 3.3-IV3 to 4.3-IV0`},
		{kafka: "4.3.1", text: "", err: `"" is not a metadata version that is known: Kafka 4.3.1 takes 3.3-IV3 to 4.3-IV0`},
	} {
		v, ok := Lookup(c.kafka)
		if !ok {
			t.Fatal(c.kafka)
		}
		name, level, err := v.CheckMetadata(c.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if name != c.name || level != c.level || got != c.err {
			t.Errorf("Kafka %s, %q: %q %d %q, want %q %d %q", c.kafka, c.text, name, level, got, c.name, c.level, c.err)
		}
	}
}

func TestEveryVersionTakesItsOwnMetadata(t *testing.T) {
	for _, v := range Versions() {
		for _, text := range []string{v.Metadata, v.Minor(), v.Number} {
			if name, _, err := v.CheckMetadata(text); err != nil || name != v.Metadata {
				t.Errorf("Kafka %s, %s: %s, %v", v, text, name, err)
			}
		}
	}
}
