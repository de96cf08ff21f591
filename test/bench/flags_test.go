package main

import (
	"io"
	"testing"
	"time"
)

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"--quick", "--acks", "1,all", "--peer", "http://127.0.0.1:8080/,42,strimzi", "--set", "a=b"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.acks) != 2 || len(o.sets) != 1 || len(o.peers) != 1 || o.length != time.Second {
		t.Errorf("%+v", o)
	}
	if want := (subject{name: "strimzi", addr: "127.0.0.1:8080", pid: 42}); o.peers[0] != want {
		t.Errorf("peer %+v, want %+v", o.peers[0], want)
	}
	for _, args := range [][]string{{"x"}, {"--pairs", "0"}, {"--peer", "http://x"}, {"--peer", "http://x,y"}, {"--length", "0s"}} {
		if _, err := parseFlags(args, io.Discard); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestPicks(t *testing.T) {
	for _, c := range []struct {
		o    options
		name string
		goal bool
		want bool
	}{
		{options{}, "async", false, true},
		{options{quick: true}, "async", false, false},
		{options{quick: true}, "single-c32", true, true},
		{options{scenario: "single,poll-json"}, "single-c256", false, true},
		{options{scenario: "single,poll-json"}, "poll-binary", true, false},
		{options{scenario: "async", quick: true}, "async", false, true},
	} {
		if got := c.o.picks(c.name, c.goal); got != c.want {
			t.Errorf("%+v picks %s: %v", c.o, c.name, got)
		}
	}
}
