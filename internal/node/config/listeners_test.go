package config

import (
	"strings"
	"testing"
)

// listening are settings of a node with some listeners.
func listening(listeners string, more ...string) Settings {
	s := Settings{
		"process.roles": "broker", "listeners": listeners, "controller.listener.names": "CONTROLPLANE-9090", "inter.broker.listener.name": "REPLICATION-9091",
		"listener.security.protocol.map": "CONTROLPLANE-9090:SSL,REPLICATION-9091:SSL,PLAIN-9092:PLAINTEXT,SCRAM-9095:SASL_SSL,OPEN-9096:SASL_PLAINTEXT",
	}
	for _, entry := range more {
		key, value, _ := strings.Cut(entry, "=")
		s[key] = value
	}
	return s
}

// TestListenersRead: what a list of listeners means.
func TestListenersRead(t *testing.T) {
	got, err := listening(" CONTROLPLANE-9090://:9090, REPLICATION-9091://0.0.0.0:9091 ,PLAIN-9092://[::]:9092,SCRAM-9095://127.0.0.2:9095,OPEN-9096://[::1]:9096,").Listeners()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		name, local, prefix string
		tls, controller     bool
	}{
		{"CONTROLPLANE-9090", "127.0.0.1:9090", "listener.name.controlplane-9090.", true, true},
		{"REPLICATION-9091", "127.0.0.1:9091", "listener.name.replication-9091.", true, false},
		{"PLAIN-9092", "127.0.0.1:9092", "listener.name.plain-9092.", false, false},
		{"SCRAM-9095", "127.0.0.2:9095", "listener.name.scram-9095.", true, false},
		{"OPEN-9096", "[::1]:9096", "listener.name.open-9096.", false, false},
	}
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i, w := range want {
		if l := got[i]; l.Name != w.name || l.Local() != w.local || l.Prefix() != w.prefix || l.TLS() != w.tls || l.Controller != w.controller {
			t.Errorf("%+v: local %s, prefix %s, TLS %t", l, l.Local(), l.Prefix(), l.TLS())
		}
	}
}

// TestListenersRefused: an entry that is none is named.
func TestListenersRefused(t *testing.T) {
	for listeners, want := range map[string]string{
		"":                              "listeners is not set",
		" , ":                           "listeners is not set",
		"PLAIN-9092":                    `"PLAIN-9092" is not written as NAME://HOST:PORT`,
		"://0.0.0.0:9092":               `"://0.0.0.0:9092" is not written as NAME://HOST:PORT`,
		"PLAIN-9092://0.0.0.0":          "is not written as NAME://HOST:PORT",
		"PLAIN-9092://::1:9092":         "is not written as NAME://HOST:PORT",
		"PLAIN-9092://0.0.0.0:0":        `"0" is not a port: 1 to 65535`,
		"PLAIN-9092://0.0.0.0:65536":    `"65536" is not a port: 1 to 65535`,
		"PLAIN-9092://0.0.0.0:-1":       `"-1" is not a port`,
		"PLAIN-9092://0.0.0.0:":         `"" is not a port`,
		"OTHER-1://0.0.0.0:1":           "listener.security.protocol.map has no entry for listener OTHER-1",
		"PLAIN-9092://:9092,plain://:1": "has no entry for listener plain",
	} {
		if _, err := listening(listeners).Listeners(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", listeners, err)
		}
	}
}

// TestOwn: by which listener a node speaks to its own process.
func TestOwn(t *testing.T) {
	const all = "PLAIN-9092://:9092,CONTROLPLANE-9090://:9090,REPLICATION-9091://:9091"
	for _, c := range []struct{ roles, listeners, want string }{
		{"broker", all, "REPLICATION-9091"},
		{"controller,broker", all, "REPLICATION-9091"},
		{"controller", all, "CONTROLPLANE-9090"},
		{"broker", "PLAIN-9092://:9092,CONTROLPLANE-9090://:9090", ""},
		{"controller", "PLAIN-9092://:9092", ""},
		{"controller", "nonsense", ""},
	} {
		l, err := listening(c.listeners, "process.roles="+c.roles).Own()
		if l.Name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s with %s: %+v, %v", c.roles, c.listeners, l, err)
		}
	}
}

// TestHostName: under which name a node expects its own certificate.
func TestHostName(t *testing.T) {
	const voters = "controller.quorum.voters=1@one.example.com:9090,11@eleven.example.com:9090"
	for _, c := range []struct {
		listener   Listener
		settings   []string
		want, what string
	}{
		{Listener{Name: "REPLICATION-9091"}, []string{"advertised.listeners=PLAIN-9092://x:1,REPLICATION-9091://kafka-1.brokers:9091"}, "kafka-1.brokers", "advertised"},
		{Listener{Name: "REPLICATION-9091"}, []string{"advertised.listeners=REPLICATION-9091://[2001:db8::1]:9091"}, "2001:db8::1", "advertised address"},
		{Listener{Name: "REPLICATION-9091"}, []string{"advertised.listeners=REPLICATION-9091://:9091"}, "pod", "advertised without a host"},
		{Listener{Name: "REPLICATION-9091"}, nil, "pod", "nothing advertised"},
		{Listener{Name: "CONTROLPLANE-9090", Controller: true}, []string{"node.id=11", voters}, "eleven.example.com", "voter"},
		{Listener{Name: "CONTROLPLANE-9090", Controller: true}, []string{"node.id=1", voters}, "one.example.com", "another voter"},
		{Listener{Name: "CONTROLPLANE-9090", Controller: true}, []string{"node.id=2", voters}, "pod", "no voter"},
		{Listener{Name: "CONTROLPLANE-9090", Controller: true}, []string{"node.id=1", "controller.quorum.voters=1@nonsense"}, "pod", "voter without a port"},
		{Listener{Name: "PLAIN-9092"}, []string{"node.id=1", voters}, "pod", "clients' listener of a voter"},
	} {
		if got := listening("", c.settings...).HostName(c.listener, "pod"); got != c.want {
			t.Errorf("%s: %s", c.what, got)
		}
	}
}

// TestDirectories: what has to be formatted, and where the metadata are.
func TestDirectories(t *testing.T) {
	for _, c := range []struct {
		settings       Settings
		dirs, metadata string
	}{
		{Settings{"log.dirs": "/a/x, /b/x"}, "/a/x /b/x", "/a/x"},
		{Settings{"log.dirs": "/a/x,/a//x/,/b/../a/x"}, "/a/x", "/a/x"},
		{Settings{"log.dirs": "/a,/b", "metadata.log.dir": "/b/"}, "/a /b", "/b"},
		{Settings{"log.dirs": "/a", "metadata.log.dir": "/m"}, "/a /m", "/m"},
		{Settings{"log.dir": "/old"}, "/old", "/old"},
		{Settings{"log.dirs": "/new", "log.dir": "/old"}, "/new", "/new"},
		{Settings{}, "", ""},
	} {
		if got := strings.Join(c.settings.LogDirs(), " "); got != c.dirs || c.settings.MetadataDir() != c.metadata {
			t.Errorf("%v: %s, metadata in %s", c.settings, got, c.settings.MetadataDir())
		}
	}
}
