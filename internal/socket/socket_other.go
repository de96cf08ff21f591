//go:build !linux

package socket

import (
	"net"
	"syscall"
)

// New returns nc as it is.
func New(nc net.Conn) net.Conn { return nc }

// Read reads from a socket as read(2) does.
func Read(fd uintptr, p []byte) (int, error) { return syscall.Read(int(fd), p) }
