//go:build linux && race

package socket

import "syscall"

// read is read(2), by package syscall: it tells the race detector what is written into p, and that a byte that was received
// was sent before.
func read(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }

// write is write(2), likewise.
func write(fd uintptr, p []byte) (int, error) { return syscall.Write(int(fd), p) }
