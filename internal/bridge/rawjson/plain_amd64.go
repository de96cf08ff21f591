package rawjson

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// vectorLen is how many bytes skipVector takes at least.
const vectorLen = 32

var hasVector = cpu.X86.HasAVX2

// skipVector returns the position of the first byte of b that is special, or
// len(b), which is vectorLen at least. The processor has to have what it needs.
func skipVector(b []byte) int { return plainAVX2(unsafe.SliceData(b), len(b)) }

//go:noescape
func plainAVX2(p *byte, n int) int
