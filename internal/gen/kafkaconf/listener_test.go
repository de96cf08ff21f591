//go:build kafka

package main

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// TestListenersKeepTheirSettings shows why ssl.enabled.protocols and its like are for the file and a restart although Kafka
// calls them per-broker: the broker takes a new value at run time, but its listeners read the file's.
func TestListenersKeepTheirSettings(t *testing.T) {
	rig := kafkarig.New(t, kafkarig.Options{TLS: true})
	v, _ := kafkaconf.Lookup(rig.Version)
	if o, ok := v.Option("ssl.enabled.protocols"); !ok || o.Scope != kafkaconf.ReadOnly {
		t.Fatalf("the table says %s", o.Scope)
	}
	handshake := func(rig *kafkarig.Rig) error {
		conn, err := tls.Dial("tcp", rig.Bootstrap(kafkarig.TLS), &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: rig.CA.Pool()})
		if err != nil {
			return err
		}
		return conn.Close()
	}
	if err := handshake(rig); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	admin := kadm.NewClient(rig.Client(t))
	nodes, err := admin.ListBrokers(ctx)
	if err != nil || len(nodes) != 1 {
		t.Fatal(nodes, err)
	}
	only := "TLSv1.2"
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "ssl.enabled.protocols", Value: &only}}
	if err := refusal(admin.AlterBrokerConfigs(ctx, change, nodes[0].NodeID)); err != nil {
		t.Fatal(err)
	}
	for { // the broker answers before it has read its new configuration
		read, err := admin.DescribeBrokerConfigs(ctx, nodes[0].NodeID)
		if err != nil {
			t.Fatal(err)
		}
		if protocols(read) == only {
			break
		}
	}
	if err := handshake(rig); err != nil {
		t.Errorf("the listener that runs took the new value: %v", err)
	}
	if err := rig.Stop(0); err != nil {
		t.Fatal(err)
	}
	fromFile := kafkarig.New(t, kafkarig.Options{TLS: true, Config: map[string]string{"ssl.enabled.protocols": only}})
	if err := handshake(fromFile); err == nil {
		t.Error("the listener does not have the file's value")
	}
}

// protocols returns what a broker says it has for ssl.enabled.protocols.
func protocols(read kadm.ResourceConfigs) string {
	for _, broker := range read {
		for _, c := range broker.Configs {
			if c.Key == "ssl.enabled.protocols" {
				return c.MaybeValue()
			}
		}
	}
	return ""
}
