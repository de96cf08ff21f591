package config

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/steg-kafka/steg/internal/properties"
)

// Listener is one of the addresses that a node listens on.
type Listener struct {
	Name       string // as in the list of listeners: REPLICATION-9091
	Host       string // empty for all addresses
	Port       int
	Controller bool // for the quorum and its observers, not for clients
	Protocol   string
}

// TLS reports whether connections to the listener begin with a handshake.
func (l Listener) TLS() bool { return strings.HasSuffix(l.Protocol, "SSL") }

// Prefix is what stands before a listener's own settings.
func (l Listener) Prefix() string { return "listener.name." + strings.ToLower(l.Name) + "." }

// Local is the address at which the node itself reaches the listener: loopback where it listens on all addresses.
func (l Listener) Local() string {
	host := l.Host
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1" // what Java listens on for "::" answers here too
	}
	return net.JoinHostPort(host, strconv.Itoa(l.Port))
}

// Listeners reads the list of listeners and their protocols. An error names the setting and the entry.
func (s Settings) Listeners() ([]Listener, error) {
	protocols := make(map[string]string)
	for _, entry := range words(s["listener.security.protocol.map"]) {
		name, protocol, _ := strings.Cut(entry, ":")
		protocols[name] = protocol
	}
	controllers := words(s["controller.listener.names"])
	var out []Listener
	for _, entry := range words(s["listeners"]) {
		l, err := parseListener(entry)
		if err != nil {
			return nil, fmt.Errorf("listeners: %w", err)
		}
		l.Controller = slices.Contains(controllers, l.Name)
		if l.Protocol = protocols[l.Name]; l.Protocol == "" {
			return nil, fmt.Errorf("listener.security.protocol.map has no entry for listener %s", l.Name)
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("listeners is not set: this node would listen nowhere")
	}
	return out, nil
}

func parseListener(entry string) (Listener, error) {
	name, address, found := strings.Cut(entry, "://")
	if !found || name == "" {
		return Listener{}, fmt.Errorf("%q is not written as NAME://HOST:PORT", entry)
	}
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return Listener{}, fmt.Errorf("%q is not written as NAME://HOST:PORT", entry)
	}
	port, err := parsePort(digits)
	if err != nil {
		return Listener{}, fmt.Errorf("%q: %w", entry, err)
	}
	return Listener{Name: name, Host: host, Port: port}, nil
}

func parsePort(digits string) (int, error) {
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%q is not a port: 1 to 65535", digits)
	}
	return int(port), nil
}

// Own is the listener by which the node talks to its own Kafka process: a broker's is the one between brokers, a
// controller's its first controller listener.
func (s Settings) Own() (Listener, error) {
	listeners, err := s.Listeners()
	if err != nil {
		return Listener{}, err
	}
	for _, l := range listeners {
		if s.Broker() && l.Name == s.interBroker() || !s.Broker() && l.Controller {
			return l, nil
		}
	}
	return Listener{}, fmt.Errorf("listeners: no listener for brokers or controllers among %q", s["listeners"])
}

// advertise sets advertised.listeners of the node from the files with all nodes' addresses, in the order of listeners. What
// the properties say stays if the files have nothing for this node.
func (s Settings) advertise(texts Texts, id int) error {
	hosts, err := properties.Map(texts[AdvertisedHostsFile])
	if err != nil {
		return fmt.Errorf("%s: %w", AdvertisedHostsFile, err)
	}
	ports, err := properties.Map(texts[AdvertisedPortsFile])
	if err != nil {
		return fmt.Errorf("%s: %w", AdvertisedPortsFile, err)
	}
	own := "_" + strconv.Itoa(id)
	anyKey := func(m map[string]string) bool {
		for key := range m {
			if strings.HasSuffix(key, own) {
				return true
			}
		}
		return false
	}
	if !anyKey(hosts) && !anyKey(ports) {
		return nil
	}
	listeners, err := s.Listeners()
	if err != nil {
		return err
	}
	var advertised []string
	for _, l := range listeners {
		key := l.Name + own
		host := strings.TrimSpace(hosts[key])
		if _, ok := hosts[key]; !ok && l.Controller {
			continue // nobody asks a broker for the addresses of controllers
		}
		if host == "" {
			return fmt.Errorf("%s: %s is missing or empty: the address that clients of listener %s are told", AdvertisedHostsFile, key, l.Name)
		}
		port := l.Port
		if digits, ok := ports[key]; ok {
			if port, err = parsePort(strings.TrimSpace(digits)); err != nil {
				return fmt.Errorf("%s: %s: %w", AdvertisedPortsFile, key, err)
			}
		}
		advertised = append(advertised, l.Name+"://"+joinHost(host)+":"+strconv.Itoa(port))
	}
	if len(advertised) > 0 {
		s["advertised.listeners"] = strings.Join(advertised, ",")
	}
	return nil
}

// joinHost writes a host in front of a port: an address of IPv6 in brackets. A placeholder has colons too, and none.
func joinHost(host string) string {
	if net.ParseIP(host) != nil && strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// HostName is the name by which the certificate of a listener of this node is known to others: the advertised host, a
// voter's host for a controller that advertises none, or else the pod's name.
func (s Settings) HostName(l Listener, pod string) string {
	for _, entry := range words(s["advertised.listeners"]) {
		if a, err := parseListener(entry); err == nil && a.Name == l.Name && a.Host != "" {
			return a.Host
		}
	}
	if l.Controller {
		for _, entry := range words(s["controller.quorum.voters"]) {
			id, address, _ := strings.Cut(entry, "@")
			if host, _, err := net.SplitHostPort(address); err == nil && id == s["node.id"] {
				return host
			}
		}
	}
	return pod
}
