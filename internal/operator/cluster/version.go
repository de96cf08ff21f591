package cluster

import (
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
)

// version settles which Kafka runs, and the version of its metadata.
func (b *builder) version() {
	b.out.Version = kafkaconf.Default()
	if text := b.spec.Version; text != "" {
		v, ok := kafkaconf.Lookup(text)
		if !ok {
			b.Invalid("spec.kafka.version", "%q is not supported: write one of %s, or leave it out for %s", text, supported(), kafkaconf.Default().Number)
			return
		}
		b.out.Version = v
	}
	b.out.From = b.oldest()
	b.metadataVersion()
	b.image()
}

// supported are the versions that can be written, as one text.
func supported() string {
	var numbers []string
	for _, v := range kafkaconf.Versions() {
		numbers = append(numbers, v.Number)
	}
	return strings.Join(numbers, ", ")
}

// oldest is the oldest version that a pod runs.
func (b *builder) oldest() kafkaconf.Version {
	oldest := b.out.Version
	seen := false
	for _, id := range slices.Sorted(maps.Keys(b.in.Observed.Pods)) {
		v, ok := kafkaconf.Lookup(b.in.Observed.Pods[id].Version)
		if ok && (!seen || v.Compare(oldest) < 0) {
			oldest, seen = v, true
		}
	}
	return oldest
}

// metadataVersion is the user's, or the version's own. It is put in force once all nodes run the version, and what is in force
// may not be newer than a version that is gone back to knows: its nodes would not start.
func (b *builder) metadataVersion() {
	v := b.out.Version
	b.out.Metadata = v.Metadata
	ownLevel, _ := kafkaconf.MetadataLevel(v.Metadata)
	if text := b.spec.MetadataVersion; text != "" {
		name, level, err := v.CheckMetadata(text)
		if err != nil {
			b.Invalid("spec.kafka.metadataVersion", "%v", err)
			return
		}
		b.out.Metadata = name
		if level < ownLevel {
			b.Warn(ReasonMetadataVersion, "spec.kafka.metadataVersion: %s is older than %s, the one of Kafka %s: raise it once you won't go back to an older Kafka",
				name, v.Metadata, v.Number)
		}
	}
	b.out.FormatMetadata = b.out.Metadata
	inForce := b.in.Observed.MetadataVersion
	level, known := kafkaconf.MetadataLevel(inForce)
	switch {
	case !known && b.out.From.Compare(v) < 0:
		b.out.FormatMetadata = b.out.From.Metadata // what the cluster has is not known, and no newer than that
	case known:
		b.out.FormatMetadata = inForce
	}
	if _, _, err := v.CheckMetadata(inForce); known && err != nil && level > ownLevel {
		b.Invalid("spec.kafka.version", "the cluster can't go to %s: its metadata version is %s, and Kafka %s knows none above %s; go back to the version before, "+
			"set spec.kafka.metadataVersion to %s, and wait until status.kafkaMetadataVersion says so", v.Number, inForce, v.Number, v.Metadata, v.Metadata)
	}
}

// image is where Kafka comes from.
func (b *builder) image() {
	d := b.in.Defaults
	b.out.Image = d.Images[b.out.Version.Number]
	if b.out.Image == "" && d.ImageRepository != "" {
		b.out.Image = d.ImageRepository + ":" + b.out.Version.Number
	}
	if b.spec.Image != "" {
		b.out.Image = b.spec.Image
	}
	if b.out.Image == "" {
		b.Invalid("spec.kafka.image", "is missing, and the operator has no image of Kafka %s", b.out.Version.Number)
	}
	b.out.NodeImage = d.NodeImage
	b.out.ImagePullPolicy, b.out.ImagePullSecrets = d.ImagePullPolicy, d.ImagePullSecrets
}
