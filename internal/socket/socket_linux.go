package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
)

// Conn is a TCP connection. It is used as one of package net, and takes one read and one write at a time as that does.
type Conn struct {
	*net.TCPConn
	raw syscall.RawConn
	in  transfer
	out transfer
}

// New returns a connection that does its reads and its small writes by itself, or nc as it is if that is not TCP or closed.
func New(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nc
	}
	c := &Conn{TCPConn: tcp, raw: raw}
	c.in.try, c.out.try = c.in.read, c.out.write
	return c
}

// NetConn returns the connection below, for who needs one of package net.
func (c *Conn) NetConn() net.Conn { return c.TCPConn }

// Read reads as net.Conn says, at most Small bytes. What ends it besides the peer is a deadline or Close.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return c.TCPConn.Read(p)
	}
	c.in.Lock()
	defer c.in.Unlock()
	n, err := c.in.end(p, c.raw.Read(c.in.begin(p)))
	switch {
	case err != nil:
		return n, c.failed("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write writes all of p, as net.Conn says, or fails.
func (c *Conn) Write(p []byte) (int, error) {
	if len(p) == 0 || len(p) > Small {
		return c.TCPConn.Write(p)
	}
	c.out.Lock()
	defer c.out.Unlock()
	n, err := c.out.end(p, c.raw.Write(c.out.begin(p)))
	if err != nil {
		return n, c.failed("write", err)
	}
	return n, nil
}

// failed is an error as package net's connections have them; those of deadlines and of closed ones are its own.
func (c *Conn) failed(what string, err error) error {
	var of *net.OpError
	if errors.As(err, &of) {
		err = of.Err
	} else {
		err = os.NewSyscallError(what, err)
	}
	return &net.OpError{Op: what, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// transfer is a read or a write under way. Its lock is held from begin to end.
type transfer struct {
	sync.Mutex
	left []byte
	err  error
	try  func(fd uintptr) bool // read or write, bound once
}

// begin returns what the poller calls until it reports true.
func (t *transfer) begin(p []byte) func(fd uintptr) bool {
	t.left, t.err = p, nil
	return t.try
}

// end returns how many bytes of p were moved, and why no more were; ended is what the poller says.
func (t *transfer) end(p []byte, ended error) (int, error) {
	n, err := len(p)-len(t.left), t.err
	t.left, t.err = nil, nil // the memory is the caller's again
	if ended != nil {
		err = ended
	}
	return n, err
}

// read reads once, and reports false if there is nothing yet.
func (t *transfer) read(fd uintptr) bool {
	n, err := Read(fd, t.left)
	if errors.Is(err, syscall.EAGAIN) {
		return false
	}
	t.left, t.err = t.left[n:], err
	return true
}

// write writes until nothing is left, and reports false if the socket takes no more now.
func (t *transfer) write(fd uintptr) bool {
	for len(t.left) > 0 {
		n, err := again(write, fd, t.left)
		if err != nil {
			t.err = err
			return !errors.Is(err, syscall.EAGAIN)
		}
		t.left, t.err = t.left[n:], nil
	}
	return true
}

// Read reads from a non-blocking socket as read(2) does, without leaving the scheduler, and at most Small bytes.
func Read(fd uintptr, p []byte) (int, error) {
	return again(read, fd, p[:min(len(p), Small)])
}

// again makes a call once more if a signal came between.
func again(call func(fd uintptr, p []byte) (int, error), fd uintptr, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
