package producer

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// javaAnswers is what Kafka's Java client 4.3.1 says; testdata/Oracle.java prints it.
//
//go:embed testdata/java.tsv
var javaAnswers string

// javaLines returns the fields of the oracle's lines of one kind.
func javaLines(t *testing.T, kind string) [][]string {
	t.Helper()
	var lines [][]string
	for line := range strings.Lines(javaAnswers) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if fields[0] == kind {
			lines = append(lines, fields[1:])
		}
	}
	if len(lines) < 20 {
		t.Fatalf("the oracle has only %d lines of kind %s", len(lines), kind)
	}
	return lines
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestKeyPartitionAsJava(t *testing.T) {
	partitions := []int32{1, 2, 3, 7, 12, 50, 1000, 32768}
	for _, fields := range javaLines(t, "key") {
		key, err := base64.StdEncoding.DecodeString(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		if got, want := int32(murmur2(key)), int32(number(t, fields[1])); got != want {
			t.Errorf("murmur2(%x) = %d, Java says %d", key, got, want)
		}
		for i, n := range partitions {
			if got, want := keyPartition(key, n), int32(number(t, fields[2+i])); got != want {
				t.Errorf("partition of %x among %d = %d, Java says %d", key, n, got, want)
			}
		}
	}
}

// field returns n zero bytes, or nil for −1.
func field(n int) []byte {
	if n < 0 {
		return nil
	}
	return make([]byte, n)
}

func TestSerializedSizeAsJava(t *testing.T) {
	for _, fields := range javaLines(t, "size") {
		r := kgo.Record{Key: field(number(t, fields[1])), Value: field(number(t, fields[2]))}
		for rest := fields[3:]; len(rest) > 0; rest = rest[2:] {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: rest[0], Value: field(number(t, rest[1]))})
		}
		if got, want := serializedSize(&r), number(t, fields[0]); got != want {
			t.Errorf("key %s, value %s, %d headers: %d bytes, Java says %d", fields[1], fields[2], len(r.Headers), got, want)
		}
	}
}

func TestMemorySizeCoversTheRecord(t *testing.T) {
	r := kgo.Record{
		Key: make([]byte, 10), Value: make([]byte, 1000),
		Headers: []kgo.RecordHeader{{Key: "abc", Value: make([]byte, 20)}},
	}
	if got, least := memorySize(&r), int64(10+1000+3+20+recordMemory); got < least {
		t.Errorf("memorySize = %d, less than %d", got, least)
	}
}

func TestStickyStaysForABatchAndSpreads(t *testing.T) {
	const partitions, batch = 4, 1000
	tp := newTopic("t", [16]byte{}, make([]int32, partitions))
	all := func(int32) bool { return true }
	runs := map[int32]int{}
	for range 4000 { // runs of ten records of 100 bytes
		first := tp.pick(100, batch, partitions, all)
		for i := 1; i < 10; i++ {
			if got := tp.pick(100, batch, partitions, all); got != first {
				t.Fatalf("record %d of a batch went to partition %d, not %d", i, got, first)
			}
		}
		runs[first]++
	}
	for p := range int32(partitions) {
		if runs[p] < 800 || runs[p] > 1200 { // a thousand expected, seven standard deviations
			t.Errorf("partition %d got %d of 4000 batches", p, runs[p])
		}
	}
}

func TestStickyLeavesWhatIsNotUsable(t *testing.T) {
	const partitions = 50
	tp := newTopic("t", [16]byte{}, make([]int32, partitions))
	only := int32(7)
	usable := func(p int32) bool { return p == only }
	if got := tp.pick(1, 1000, partitions, usable); got != 7 {
		t.Errorf("picked %d, not the only usable partition", got)
	}
	only = 31 // in the middle of a batch
	if got := tp.pick(1, 1000, partitions, usable); got != 31 {
		t.Errorf("picked %d after the partition became unusable", got)
	}
	none := func(int32) bool { return false }
	for range 10 {
		if got := tp.pick(1, 1000, partitions, none); got != 31 {
			t.Errorf("picked %d when none is usable, not the present one", got)
		}
	}
	tp.sticky.Store(nil)
	if got := tp.pick(1, 1000, partitions, none); got < 0 || got >= partitions {
		t.Errorf("picked %d when none is usable", got)
	}
}

func TestStickyPartitionBeyondAShrunkTopic(t *testing.T) {
	tp := newTopic("t", [16]byte{}, make([]int32, 8))
	tp.sticky.Store(&sticky{partition: 7})
	for range 20 {
		if got := tp.pick(1, 1, 2, func(int32) bool { return true }); got > 1 {
			t.Fatalf("picked %d of 2 partitions", got)
		}
	}
}

func TestChoose(t *testing.T) {
	c := cluster(t, topics(8, "t"))
	key := []byte("abc")
	keyed := keyPartition(key, 8)
	for _, tc := range []struct {
		name   string
		change func(*kafka.ProducerConfig)
		record kgo.Record
		want   func(got []int32) bool
	}{
		{"keyed", nil, kgo.Record{Key: key}, func(got []int32) bool { return same(got, keyed) }},
		{"empty key is a key", nil, kgo.Record{Key: []byte{}}, func(got []int32) bool { return same(got, keyPartition(nil, 8)) }},
		{"keyless sticks", nil, kgo.Record{}, func(got []int32) bool { return same(got, got[0]) }},
		{
			"keys ignored", func(c *kafka.ProducerConfig) { c.IgnoreKeys, c.BatchBytes = true, 1 },
			kgo.Record{Key: key},
			func(got []int32) bool { return !same(got, keyed) },
		},
		{"round robin", func(c *kafka.ProducerConfig) { c.RoundRobin = true }, kgo.Record{Key: key}, func(got []int32) bool {
			for i := 1; i < len(got); i++ {
				if got[i] != (got[i-1]+1)%8 {
					return false
				}
			}
			return true
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := open(t, c, nil, Options{})
			if tc.change != nil {
				tc.change(&p.cfg.Producer)
			}
			tc.record.Partition = -1
			tc.record.Value = bytes.Repeat([]byte("v"), 10)
			var got []int32
			for range 40 {
				out := send(t, p, "t", tc.record)
				got = append(got, out[0].Partition)
			}
			if !tc.want(got) {
				t.Errorf("partitions %v", got)
			}
		})
	}
}

func same(got []int32, want int32) bool {
	for _, p := range got {
		if p != want {
			return false
		}
	}
	return true
}
