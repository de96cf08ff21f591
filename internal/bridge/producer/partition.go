package producer

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// keyPartition returns the partition of a key as the Java client computes it: murmur2 without the sign bit, modulo the
// number of partitions, which must be positive.
func keyPartition(key []byte, partitions int32) int32 {
	return int32((murmur2(key) & 0x7fffffff) % uint32(partitions))
}

// murmur2 is the 32 bit MurmurHash2 (Austin Appleby, public domain) with the seed that Kafka's clients agree on.
func murmur2(b []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
	)
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	var tail uint32
	for i := len(b) - 1; i >= 0; i-- {
		tail = tail<<8 | uint32(b[i])
	}
	if len(b) > 0 {
		h = (h ^ tail) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// sticky is the partition that keyless records of a topic go to until batch.size bytes have gone there (KIP-794).
type sticky struct {
	partition int32
	bytes     atomic.Int64
}

// pick returns the partition of the topic's next keyless record of size bytes. A partition that usable refuses is left
// at once if another one is usable.
func (t *topic) pick(size, batch int64, partitions int32, usable func(int32) bool) int32 {
	cur := t.sticky.Load()
	if cur == nil || cur.partition >= partitions || !usable(cur.partition) {
		cur = t.move(cur, partitions, usable)
	}
	if cur.bytes.Add(size) >= batch {
		t.move(cur, partitions, usable)
	}
	return cur.partition
}

// move draws the partition after cur. Somebody else may have moved already; that is as good.
func (t *topic) move(cur *sticky, partitions int32, usable func(int32) bool) *sticky {
	next := &sticky{}
	p, ok := draw(partitions, usable)
	if !ok && cur != nil && cur.partition < partitions {
		p = cur.partition // none is usable: stay, the budget or the client decides
	}
	next.partition = p
	t.sticky.CompareAndSwap(cur, next)
	return next
}

// draw returns a random usable partition: uniformly by rejection while most of them are usable, which is nearly
// always; else the first usable one after a random start. ok is false, and the partition any, when none is.
func draw(partitions int32, usable func(int32) bool) (p int32, ok bool) {
	const attempts = 8
	for range attempts {
		if p := rand.Int32N(partitions); usable(p) {
			return p, true
		}
	}
	start := rand.Int32N(partitions)
	for i := range partitions {
		if p := (start + i) % partitions; usable(p) {
			return p, true
		}
	}
	return start, false
}

// Java's upper bound of what a record adds to a batch of its own (record format v2): the batch's header and the
// record's fixed fields at their longest.
const batchOverhead, recordOverhead = 61, 21

// serializedSize returns the number of bytes that the Java client holds against max.request.size. It is an upper
// bound: never less than what goes over the wire.
func serializedSize(r *kgo.Record) int {
	n := batchOverhead + recordOverhead + fieldSize(r.Key) + fieldSize(r.Value) + varintSize(len(r.Headers))
	for i := range r.Headers {
		h := &r.Headers[i]
		n += varintSize(len(h.Key)) + len(h.Key) + fieldSize(h.Value)
	}
	return n
}

// fieldSize returns the size of a length-prefixed field; a nil one is the length −1 alone.
func fieldSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(len(b)) + len(b)
}

// varintSize returns the number of bytes of n, which is not negative, as a zigzag varint.
func varintSize(n int) int {
	size := 1
	for v := uint64(n) << 1; v >= 0x80; v >>= 7 {
		size++
	}
	return size
}

// recordMemory is what one record costs beside its own bytes: the record, its place in the client's batch, and ours.
const recordMemory = 400

// memorySize returns the bytes that r is charged with while it is in flight.
func memorySize(r *kgo.Record) int64 {
	n := recordMemory + len(r.Key) + len(r.Value)
	for i := range r.Headers {
		n += recordHeaderMemory + len(r.Headers[i].Key) + len(r.Headers[i].Value)
	}
	return int64(n)
}

const recordHeaderMemory = 40
