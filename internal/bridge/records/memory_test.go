package records

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// memoryBodies are bodies of all formats and sizes that need memory beside them, and some that fail.
func memoryBodies() map[wire.Format][]string {
	list := func(values ...string) string {
		for i, v := range values {
			values[i] = `{"key":"a2V5","value":` + v + `,"headers":[{"key":"h\u0041","value":"YWJj"}]}`
		}
		return `{"records":[` + strings.Join(values, ",") + `]}`
	}
	repeat := func(n int, v string) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = v
		}
		return all
	}
	encoded := func(n int) string { return `"` + string(encodeBase64(nil, patterned(n))) + `"` }
	return map[wire.Format][]string{
		wire.Binary: {
			list(`"YQ"`), list(encoded(10)), list(repeat(100, encoded(1024))...), list(repeat(3, encoded(arenaChunk/2))...),
			list(encoded(2 * arenaChunk)), list(repeat(600, encoded(1000))...), list(encoded(50), `"_"`), list(encoded(50)) + `}`,
			`{"records":[{"value":` + encoded(99) + `,"partition":1,"partition":2}]}`,
		},
		wire.JSON: {list(`{ "a": 1}`), list(repeat(50, `["\u0041", "`+strings.Repeat("b", 2000)+`"]`)...), list(`{"a":1,"a":2}`)},
		wire.Text: {list(`"\n"`), list(repeat(50, `"`+strings.Repeat(`a\n`, 500)+`"`)...), list(`1`)},
	}
}

// With memory that is used again, and that is full of something else each time, the records of every body are those that
// fresh memory gives; while they are in use nothing changes them; and what is kept is bounded.
func TestMemoryIsUsedAgain(t *testing.T) {
	var memory Memory
	random := rand.New(rand.NewPCG(1, 2))
	bodies := memoryBodies()
	for round := range 100 {
		format := []wire.Format{wire.Binary, wire.JSON, wire.Text}[random.IntN(3)]
		body := []byte(bodies[format][random.IntN(len(bodies[format]))])
		poison(&memory)
		before := bytes.Clone(body)
		want, wantErr := Decode(format, body, Options{})
		got, err := Decode(format, body, Options{Memory: &memory})
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("round %d: %v, with fresh memory %v", round, err, wantErr)
		}
		if diff := cmp.Diff(summary(want), summary(got)); diff != "" {
			t.Fatalf("round %d (-fresh +kept):\n%.2000s", round, diff)
		}
		if !bytes.Equal(body, before) {
			t.Fatalf("round %d: the body has changed", round)
		}
		checkApart(t, got)
		if cap(memory.chunk) > arenaChunk {
			t.Fatalf("round %d: %d bytes are kept", round, cap(memory.chunk))
		}
	}
}

// poison overwrites what is kept, as the next user of the memory may.
func poison(m *Memory) {
	chunk := m.chunk[:cap(m.chunk)]
	for i := range chunk {
		chunk[i] = 0xee
	}
}

// checkApart writes over every content in turn: no other one may change by it.
func checkApart(t *testing.T, recs []kgo.Record) {
	t.Helper()
	var all [][]byte
	for i := range recs {
		all = append(all, recs[i].Key, recs[i].Value)
		for _, h := range recs[i].Headers {
			all = append(all, h.Value)
		}
	}
	for i, b := range all {
		copy(b, bytes.Repeat([]byte{byte(i)}, len(b)))
	}
	for i, b := range all {
		if bytes.Count(b, []byte{byte(i)}) != len(b) {
			t.Fatalf("content %d shares its memory with another", i)
		}
	}
}

// Once there is memory, base64 takes none but the records themselves.
func TestMemorySparesAllocations(t *testing.T) {
	body := produceBody(100, `"`+string(encodeBase64(nil, patterned(1024)))+`"`)
	allocations := func(o Options) float64 {
		return testing.AllocsPerRun(10, func() {
			if _, err := Decode(wire.Binary, body, o); err != nil {
				t.Fatal(err)
			}
		})
	}
	if fresh, kept := allocations(Options{}), allocations(Options{Memory: new(Memory)}); kept != fresh-1 {
		t.Errorf("%v allocations with memory, %v without", kept, fresh)
	}
}
