package main

import (
	"bytes"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	o, err := options("up", []string{"-version", "3.9.1", "-brokers=3", "-tls", "-sasl", "-oauth", "-rebalance-delay=3s", "-heap=1g", "-dir", "d", "-set", "a=b=c", "-set", "d="}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o.Version != "3.9.1" || o.Brokers != 3 || !o.TLS || !o.SASL || !o.OAuth || o.RebalanceDelay != 3*time.Second || o.Heap != "1g" || o.Dir != "d" {
		t.Errorf("%+v", o)
	}
	if len(o.Config) != 2 || o.Config["a"] != "b=c" || o.Config["d"] != "" {
		t.Errorf("config %v", o.Config)
	}
}

func TestBadCommands(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"", "usage: kafkarig up"},
		{"down", "usage: kafkarig up"},
		{"up -set x", "not key=value"},
		{"up -brokers many", "invalid value"},
		{"up -brokers 2", "1 or 3"},
		{"up extra", `unexpected "extra"`},
		{"up -nonsense", "not defined"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), strings.Fields(c.args), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), []string{"up", "-h"}, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"-tls", "-brokers", "KAFKA_VERSION"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in: %s", want, &out)
		}
	}
}
