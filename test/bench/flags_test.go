package main

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
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

func TestGrowthFlag(t *testing.T) {
	all := axisNames()
	for _, c := range []struct {
		args string
		want []string
		json string
	}{
		{"--growth", all, ""},
		{"--growth --json x", all, "x"},
		{"--growth=sizes,topics --json x", []string{"sizes", "topics"}, "x"},
		{"--growth sizes,topics --json x", []string{"sizes", "topics"}, "x"},
		{"--json x -growth connections", []string{"connections"}, "x"},
		{"--json x", nil, "x"},
	} {
		o, err := parseFlags(strings.Fields(c.args), io.Discard)
		if err != nil || !slices.Equal(o.growth, c.want) || o.json != c.json {
			t.Errorf("%s: axes %q, file %q, %v", c.args, o.growth, o.json, err)
		}
		if growing := len(c.want) > 0; growing == o.allocs || growing != (o.length == growthRunLength) || growing != (o.warm == growthWarmLength) {
			t.Errorf("%s: runs of %v after %v, allocations %v", c.args, o.length, o.warm, o.allocs)
		}
	}
	o, err := parseFlags(strings.Fields("--growth --warm 1s --length 4s --allocs"), io.Discard)
	if err != nil || o.warm != warmLength || o.length != runLength || !o.allocs {
		t.Errorf("what is given does not hold: %+v, %v", o, err)
	}
	for args, word := range map[string]string{
		"--growth speed":                          `"speed" is not one of connections,partitions,topics,sizes,consumers`,
		"--growth=sizes,":                         `"" is not one of`,
		"--growth sizes topics":                   `unexpected argument "topics"`,
		"--growth --acks 1,all":                   "not 1,all",
		"--growth --peer http://127.0.0.1:8080,1": "--growth and --peer",
	} {
		if _, err := parseFlags(strings.Fields(args), io.Discard); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want %s", args, err, word)
		}
	}
	var help strings.Builder
	if _, err := parseFlags([]string{"--help"}, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), strings.Join(all, ",")) {
		t.Errorf("%v, and the help does not name the axes:\n%s", err, help.String())
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
