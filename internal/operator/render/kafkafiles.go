package render

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/properties"
)

// sharedFiles are the settings that all nodes have, in five files as the reference operator had them while brokers were started
// from one ConfigMap. Nothing in them is secret.
func (r kafka) sharedFiles() map[string]string {
	hosts, ports := r.advertised()
	return map[string]string{
		names.FileServerConfig:        properties.Text(r.Shared),
		names.FileListenersConfig:     properties.Text(r.ListenerConfig),
		names.FileAdvertisedHostnames: hosts,
		names.FileAdvertisedPorts:     ports,
		r.LogFile:                     r.Log4j,
	}
}

// advertised are the addresses that clients are told, a line LISTENER_ID=HOST or LISTENER_ID=PORT for each listener of each node.
func (r kafka) advertised() (hosts, ports string) {
	var host, port strings.Builder
	for _, n := range r.nodes {
		for _, listener := range slices.Sorted(maps.Keys(n.Advertised)) {
			fmt.Fprintf(&host, "%s_%d=%s\n", listener, n.ID, n.Advertised[listener].Host)
			fmt.Fprintf(&port, "%s_%d=%d\n", listener, n.ID, n.Advertised[listener].Port)
		}
	}
	return host.String(), port.String()
}

// nodeFiles are the settings of one node, and what its directories are formatted with.
func (r kafka) nodeFiles(n *cluster.Node) map[string]string {
	return map[string]string{
		names.FileServerConfig:    properties.Text(n.Config),
		names.FileClusterID:       r.ClusterID,
		names.FileMetadataVersion: r.FormatMetadata,
	}
}

// digest is a hash of a value's JSON, in 16 hexadecimal digits. Two values have the same once in 2^64 pairs.
func digest(value any) string {
	sum := sha256.Sum256([]byte(encode(value)))
	return hex.EncodeToString(sum[:8])
}
