package socket

import (
	"bytes"
	"crypto/rand"
	"syscall"
	"testing"
)

// TestAWriteInPieces: what the kernel has no room for is left for the next call, and none of it is lost. A pipe takes its 64 KiB
// for certain and no more; when a socket is full depends on its peer.
func TestAWriteInPieces(t *testing.T) {
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = syscall.Close(pipe[0]), syscall.Close(pipe[1]) }()
	want := make([]byte, 200<<10)
	_, _ = rand.Read(want)
	var out transfer
	out.begin(want)
	var got []byte
	calls := 1
	for ; !out.write(uintptr(pipe[1])); calls++ {
		buffer := make([]byte, 64<<10)
		n, err := syscall.Read(pipe[0], buffer)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buffer[:n]...)
	}
	rest := make([]byte, 64<<10)
	n, _ := syscall.Read(pipe[0], rest) // nothing, if the bytes are missing
	got = append(got, rest[:max(n, 0)]...)
	if sent, err := out.end(want, nil); sent != len(want) || err != nil || calls < 4 || !bytes.Equal(got, want) {
		t.Errorf("%d of %d bytes in %d calls, %d arrived: %v", sent, len(want), calls, len(got), err)
	}
}
