package kafkaconf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Version is a supported version of Kafka. It is comparable. The zero Version knows no option.
type Version struct {
	Number   string // such as 4.3.1
	Metadata string // the metadata version of a new cluster, which is the newest that this version runs in production
}

// Versions returns the supported versions, ascending.
func Versions() []Version { return slices.Clone(data().versions) }

// Default returns the version of a cluster that names none: the newest.
func Default() Version { return data().versions[len(data().versions)-1] }

// Lookup returns the version with exactly this number, such as 4.3.1.
func Lookup(number string) (Version, bool) {
	at, ok := data().position[number]
	if !ok {
		return Version{}, false
	}
	return data().versions[at], true
}

// String returns the version's number.
func (v Version) String() string { return v.Number }

// Minor returns the number without the patch, such as 4.3.
func (v Version) Minor() string {
	if at := strings.LastIndexByte(v.Number, '.'); at > 0 {
		return v.Number[:at]
	}
	return v.Number
}

// Compare returns -1, 0 or 1 as v is older than, the same as or newer than another version. It compares numbers, so
// that 4.10.0 is newer than 4.9.0.
func (v Version) Compare(other Version) int {
	return slices.Compare(parts(v.Number), parts(other.Number))
}

// parts returns the numbers in a version's number. What is not a number counts as 0.
func parts(number string) []int {
	var out []int
	for part := range strings.SplitSeq(number, ".") {
		n, _ := strconv.Atoi(part)
		out = append(out, n)
	}
	return out
}

// OldestMetadata is the oldest metadata version that a cluster may be kept at. It is the oldest that Kafka 4 reads, and
// the limit of Strimzi's operator.
const OldestMetadata = "3.3-IV3"

// MetadataLevel returns the level of a metadata version, as the feature metadata.version has it. The name may be full
// (4.0-IV3), or the Kafka version that it came with (4.0, 4.0.1), which means the newest one of that version.
func MetadataLevel(name string) (int16, bool) {
	found, ok := findMetadata(name)
	return found.level, ok
}

// MetadataName returns the full name of the metadata version with a level.
func MetadataName(level int16) (string, bool) {
	for _, m := range data().metadata {
		if m.level == level {
			return m.name, true
		}
	}
	return "", false
}

// findMetadata resolves a name as Kafka does: by itself, or by the first two numbers of a version. Unlike Kafka it does not
// take 4.0.1-IV1 for 4.0.
func findMetadata(name string) (metadata, bool) {
	all := data().metadata
	numbers := strings.Split(name, ".")
	short := len(numbers) == 2 || len(numbers) == 3
	for _, n := range numbers {
		short = short && decimal(n)
	}
	if short {
		name = numbers[0] + "." + numbers[1] + "-"
	}
	for _, m := range slices.Backward(all) {
		if m.name == name || short && strings.HasPrefix(m.name, name) {
			return m, true
		}
	}
	return metadata{}, false
}

// decimal reports whether a text is digits only, and at least one.
func decimal(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// CheckMetadata resolves the metadata version that a cluster of this version shall be kept at, written in any form that
// MetadataLevel takes. The error, one line, says why it can't be and what can.
func (v Version) CheckMetadata(text string) (name string, level int16, err error) {
	m, ok := findMetadata(text)
	newest, _ := findMetadata(v.Metadata)
	oldest, _ := findMetadata(OldestMetadata)
	advice := fmt.Sprintf("Kafka %s takes %s to %s", v.Number, OldestMetadata, v.Metadata)
	switch {
	case !ok:
		return "", 0, fmt.Errorf("%s is not a metadata version that is known: %s", quote(text), advice)
	case m.level < oldest.level:
		return "", 0, fmt.Errorf("metadata version %s is too old: %s", m.name, advice)
	case m.level > newest.level:
		return "", 0, fmt.Errorf("metadata version %s is newer than the Kafka version: %s", m.name, advice)
	}
	return m.name, m.level, nil
}
