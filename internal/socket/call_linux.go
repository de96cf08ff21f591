//go:build linux && !race

package socket

import (
	"syscall"
	"unsafe"
)

// read is read(2).
func read(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_READ, fd, p) }

// write is write(2).
func write(fd uintptr, p []byte) (int, error) { return call(syscall.SYS_WRITE, fd, p) }

func call(number, fd uintptr, p []byte) (int, error) {
	n, _, e := syscall.RawSyscall(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
