//go:build unix

package records

import (
	"os"
	"syscall"
	"testing"
)

// TestEncodeBase64ReadsNoFurther: behind the bytes there is no memory.
func TestEncodeBase64ReadsNoFurther(t *testing.T) {
	page := os.Getpagesize()
	memory, err := syscall.Mmap(-1, 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Munmap(memory) }()
	if err := syscall.Mprotect(memory[page:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	for n := range 200 {
		checkEncode(t, memory[page-n:page])
	}
}
