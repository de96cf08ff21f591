package config

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/steg-kafka/steg/internal/properties"
)

// The files that a node's properties are made of, below /etc/steg. Errors name them.
const (
	SharedFile          = "shared/server.config"
	ListenersFile       = "shared/listeners.config"
	AdvertisedHostsFile = "shared/advertised-hostnames.config"
	AdvertisedPortsFile = "shared/advertised-ports.config"
	NodeFile            = "node/server.config"
	ClusterIDFile       = "node/cluster.id"
	MetadataVersionFile = "node/metadata.version"
	FormatFile          = "node/kraft.format"
)

// Texts are the contents of those files, by their names; a file that does not exist is missing.
type Texts map[string]string

// Settings are Kafka's properties of one node, by name.
type Settings map[string]string

// Merge makes the properties of the node with that id: what all nodes share, the listeners' common properties, then the
// node's own, of which the later win, and advertised.listeners from the two files that have the addresses of all nodes.
// Placeholders are still in them, see Needs. An error is one line that names the file and the key.
func Merge(texts Texts, id int) (Settings, error) {
	if _, ok := texts[NodeFile]; !ok {
		return nil, fmt.Errorf("%s: no such file: it has the properties of this node", NodeFile)
	}
	merged := make(Settings)
	for _, name := range []string{SharedFile, ListenersFile, NodeFile} {
		values, err := properties.Map(texts[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		maps.Copy(merged, values)
	}
	if err := merged.identify(id); err != nil {
		return nil, err
	}
	if err := merged.check(); err != nil {
		return nil, err
	}
	if err := merged.advertise(texts, id); err != nil {
		return nil, err
	}
	return merged, nil
}

// identify puts the node's id in, or finds that the properties are another node's.
func (s Settings) identify(id int) error {
	switch given, ok := s["node.id"]; {
	case !ok:
		s["node.id"] = strconv.Itoa(id)
	case given != strconv.Itoa(id):
		return fmt.Errorf("%s: node.id=%s, but STEG_NODE_ID says %d: the files of another node are mounted", NodeFile, given, id)
	}
	return nil
}

// check asks for what the rest of the package reads.
func (s Settings) check() error {
	if !s.Broker() && !s.Controller() {
		return fmt.Errorf("process.roles=%q: broker, controller or both of them, separated by a comma", s["process.roles"])
	}
	listeners, err := s.Listeners()
	if err != nil {
		return err
	}
	if s.Broker() && !slices.ContainsFunc(listeners, func(l Listener) bool { return l.Name == s.interBroker() }) {
		return fmt.Errorf("inter.broker.listener.name=%q is not among the listeners", s.interBroker())
	}
	if !s.Broker() && !slices.ContainsFunc(listeners, func(l Listener) bool { return l.Controller }) {
		return fmt.Errorf("controller.listener.names=%q: none of them is among the listeners", s["controller.listener.names"])
	}
	dirs := s.LogDirs()
	if len(dirs) == 0 {
		return fmt.Errorf("log.dirs is not set: where is this node to keep its data?")
	}
	for _, dir := range dirs {
		if !path.IsAbs(dir) {
			return fmt.Errorf("log.dirs: %q is not an absolute path", dir)
		}
	}
	return nil
}

// Broker reports whether the node serves clients.
func (s Settings) Broker() bool { return slices.Contains(words(s["process.roles"]), "broker") }

// Controller reports whether the node is of the quorum.
func (s Settings) Controller() bool { return slices.Contains(words(s["process.roles"]), "controller") }

func (s Settings) interBroker() string { return s["inter.broker.listener.name"] }

// MetadataDir is where the node keeps the cluster's metadata: metadata.log.dir, by default the first of the log
// directories.
func (s Settings) MetadataDir() string {
	if dir := s["metadata.log.dir"]; dir != "" {
		return path.Clean(dir)
	}
	if dirs := s.dataDirs(); len(dirs) > 0 {
		return dirs[0]
	}
	return ""
}

// LogDirs are all directories that have to be formatted: those of log.dirs in its order, then the metadata's if it is none
// of them.
func (s Settings) LogDirs() []string {
	dirs := s.dataDirs()
	if metadata := s.MetadataDir(); metadata != "" && !slices.Contains(dirs, metadata) {
		dirs = append(dirs, metadata)
	}
	return dirs
}

func (s Settings) dataDirs() []string {
	list := s["log.dirs"]
	if list == "" {
		list = s["log.dir"]
	}
	var dirs []string
	for _, dir := range words(list) {
		if dir = path.Clean(dir); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Text is the file that Kafka reads.
func (s Settings) Text() string { return properties.Text(s) }

// words are the parts of a list as Kafka writes them, separated by commas; blanks around them and empty ones do not count.
func words(list string) []string {
	var out []string
	for word := range strings.SplitSeq(list, ",") {
		if word = strings.TrimSpace(word); word != "" {
			out = append(out, word)
		}
	}
	return out
}
