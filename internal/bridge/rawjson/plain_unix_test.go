//go:build unix

package rawjson

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

// TestSkipPlainReadsNoFurther: behind the text there is no memory.
func TestSkipPlainReadsNoFurther(t *testing.T) {
	page := os.Getpagesize()
	memory, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(memory) }()
	if err := syscall.Mprotect(memory[page:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	last := memory[page-200 : page]
	copy(last, bytes.Repeat([]byte("z"), len(last)))
	for from := range last {
		checkSkip(t, last[from:])
	}
}
