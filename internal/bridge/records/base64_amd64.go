package records

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

var hasVector = cpu.X86.HasAVX2

// encodeUnits encodes units of three bytes at the start of b, as many as its
// vector instructions take, and returns how many bytes of b those are; dst has
// room for all of b.
func encodeUnits(dst, b []byte) int {
	if !hasVector || len(b) < 28 {
		return 0
	}
	return encodeAVX2(unsafe.SliceData(dst), unsafe.SliceData(b), len(b))
}

//go:noescape
func encodeAVX2(dst, src *byte, n int) int
