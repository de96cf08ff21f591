package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/steg-kafka/steg/internal/properties"
)

// MetaFile is the file in each log directory that formatting writes: whose it is.
const MetaFile = "meta.properties"

// MetadataPartition is the directory of the cluster's metadata inside the metadata log directory.
const MetadataPartition = "__cluster_metadata-0"

// Meta is what a formatted log directory says of itself.
type Meta struct {
	ClusterID string
	NodeID    string
}

// ParseMeta reads a meta.properties of Kafka's version 1 (KRaft).
func ParseMeta(text string) (Meta, error) {
	values, err := properties.Map(text)
	if err != nil {
		return Meta{}, err
	}
	m := Meta{ClusterID: values["cluster.id"], NodeID: values["node.id"]}
	if m.ClusterID == "" || m.NodeID == "" {
		return Meta{}, fmt.Errorf("cluster.id or node.id is missing: the directory is not one of a KRaft node")
	}
	return m, nil
}

// Dir is a log directory as it was found.
type Dir struct {
	Path string
	Meta *Meta // nil: not formatted
	// Metadata says that it has records of the cluster's metadata, more than what formatting writes.
	Metadata bool
}

// StoragePlan is what has to be done in the log directories before Kafka starts.
type StoragePlan struct {
	// Format: some directory is not formatted. Formatting leaves those alone that are.
	Format bool
	// MoveFrom is the directory whose metadata has to be moved to the metadata log directory; empty: none.
	MoveFrom string
	// Stale are directories with metadata that is not used any more: a move was interrupted after its copy was complete.
	// Kafka does not start with them.
	Stale []string
}

// PlanStorage compares the log directories with what the node is to be. Data of another cluster or node is an error that
// names both. It never gives up metadata: where the metadata log directory has changed, the records move along, since a
// voter that has forgotten its votes can break the quorum.
func PlanStorage(dirs []Dir, metadataDir, clusterID string, id int) (StoragePlan, error) {
	var plan StoragePlan
	var others []string
	current := false
	for _, d := range dirs {
		if d.Meta == nil {
			plan.Format = true
		} else if err := d.belongs(clusterID, id); err != nil {
			return StoragePlan{}, err
		}
		switch {
		case d.Metadata && d.Path == metadataDir:
			current = true
		case d.Metadata:
			others = append(others, d.Path)
		}
	}
	switch {
	case current:
		plan.Stale = others
	case len(others) == 1:
		plan.MoveFrom = others[0]
	case len(others) > 1:
		return StoragePlan{}, fmt.Errorf("metadata.log.dir: %s has no metadata, but each of %s has: remove %s from all but the newest of them",
			metadataDir, strings.Join(others, ", "), MetadataPartition)
	}
	return plan, nil
}

func (d Dir) belongs(clusterID string, id int) error {
	if d.Meta.ClusterID != clusterID {
		return fmt.Errorf("%s/%s has data of cluster %s, but %s says %s: use the volume of this cluster, or empty it",
			d.Path, MetaFile, d.Meta.ClusterID, ClusterIDFile, clusterID)
	}
	if d.Meta.NodeID != strconv.Itoa(id) {
		return fmt.Errorf("%s/%s has data of node %s, but this is node %d: the volume of another node is mounted",
			d.Path, MetaFile, d.Meta.NodeID, id)
	}
	return nil
}

// ClusterID checks the text of cluster.id: 22 characters of base64 for URLs, as Kafka writes 16 bytes.
func ClusterID(text string) (string, error) {
	id := strings.TrimSpace(text)
	valid := len(id) == 22 && strings.IndexFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
	if !valid {
		return "", fmt.Errorf("%s: %q is not a cluster id: 22 letters, digits, - and _", ClusterIDFile, id)
	}
	return id, nil
}

// FormatArguments are the arguments of kafka-storage.sh for a node. Directories that are formatted stay as they are. With
// controller.quorum.voters, which is how a cluster's quorum is given, 4.x needs no word on the first voters; extra has it
// where that is not so, and may be empty, as may be the metadata version: Kafka then takes its newest.
func FormatArguments(settingsFile, clusterID, metadataVersion, extra string) []string {
	args := []string{"format", "--cluster-id", clusterID, "--config", settingsFile, "--ignore-formatted"}
	if version := strings.TrimSpace(metadataVersion); version != "" {
		args = append(args, "--release-version", version)
	}
	return append(args, strings.Fields(extra)...)
}
