package rawjson

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// name is where a member name stands in a text, without its quotes.
type name struct {
	hash       uint32
	start, end uint32
}

func (n name) of(b []byte) []byte { return b[n.start:n.end] }

// Sizes that decide how an object is searched for repeated names.
const (
	inlineNames = 32 // names kept without an allocation
	fewNames    = 8  // objects up to here compare each with each
	someNames   = 32 // objects up to here use the cheap hash
)

// names is a stack of the member names of all open objects, each object's
// after its parent's. Names are compared as spelled, so it serves texts in
// which equal names are spelled equally.
type names struct {
	n      int
	inline [inlineNames]name
	heap   []name // takes over from inline when that is full
}

// push adds the name at b[start:end].
func (t *names) push(b []byte, start, end int) {
	entry := name{quickHash(b, start, end), uint32(start), uint32(end)}
	switch {
	case t.heap != nil:
		t.heap = append(t.heap[:t.n], entry)
	case t.n < inlineNames:
		t.inline[t.n] = entry
	default:
		t.heap = append(append(make([]name, 0, 4*inlineNames), t.inline[:]...), entry)
	}
	t.n++
}

// since returns the names pushed when there were outer of them, and later.
func (t *names) since(outer int) []name {
	if t.heap != nil {
		return t.heap[outer:t.n]
	}
	return t.inline[outer:t.n]
}

// repeated reports whether two of the names since outer are equal.
func (t *names) repeated(b []byte, outer int) bool {
	list := t.since(outer)
	switch {
	case len(list) <= fewNames:
		return repeatedFew(b, list)
	case len(list) <= someNames:
		var table [2 * someNames]uint32
		return repeatedHashed(b, list, table[:], func(n name) uint32 { return n.hash })
	default:
		// Anyone can find names with the same cheap hash; what a seeded hash
		// does with them can't be foreseen.
		seed := maphash.MakeSeed()
		return repeatedHashed(b, list, make([]uint32, tableSize(len(list))), func(n name) uint32 {
			return uint32(maphash.Bytes(seed, n.of(b)))
		})
	}
}

func repeatedFew(b []byte, list []name) bool {
	for i := 1; i < len(list); i++ {
		for k := range i {
			if list[k].hash == list[i].hash && bytes.Equal(list[k].of(b), list[i].of(b)) {
				return true
			}
		}
	}
	return false
}

// repeatedHashed enters the names in a hash table with open addressing, whose
// size is a power of two and more than the number of names. Its entries are
// positions in list, counted from 1.
func repeatedHashed(b []byte, list []name, table []uint32, hash func(name) uint32) bool {
	mask := uint32(len(table) - 1)
	for i, n := range list {
		at := hash(n) & mask
		for ; table[at] != 0; at = (at + 1) & mask {
			other := list[table[at]-1]
			if other.hash == n.hash && bytes.Equal(other.of(b), n.of(b)) {
				return true
			}
		}
		table[at] = uint32(i + 1)
	}
	return false
}

func tableSize(n int) int {
	size := 4 * someNames
	for size < 2*n {
		size *= 2
	}
	return size
}

// quickHash mixes the length and the first and last eight bytes of
// b[start:end]: enough to tell the few names of an object apart.
func quickHash(b []byte, start, end int) uint32 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio
	n := end - start
	if n >= 8 {
		head, tail := binary.LittleEndian.Uint64(b[start:]), binary.LittleEndian.Uint64(b[end-8:])
		return uint32((head*odd ^ tail + uint64(n)) * odd >> 32)
	}
	var head uint64
	if start+8 <= len(b) {
		head = binary.LittleEndian.Uint64(b[start:]) & (1<<(8*uint(n)) - 1)
	} else {
		// Too near to the end for a whole word: the same number by bytes.
		for k := end - 1; k >= start; k-- {
			head = head<<8 | uint64(b[k])
		}
	}
	return uint32((head + uint64(n)) * odd >> 32)
}
