package socket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns both ends of a connection over loopback, ours first.
func pair(t testing.TB) (near net.Conn, far *net.TCPConn) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	dialed, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	near, far = New(accepted), dialed.(*net.TCPConn)
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return near, far
}

// TestBytesArrive: pieces of all sizes around the limit go both ways at once, through buffers that fill up.
func TestBytesArrive(t *testing.T) {
	near, far := pair(t)
	want := make([]byte, 8<<20)
	_, _ = rand.Read(want)
	var all sync.WaitGroup
	send := func(to net.Conn) {
		sizes := []int{1, 100, Small - 1, Small, Small + 1, 3 * Small}
		left := want
		for i := 0; len(left) > 0; i++ {
			piece := left[:min(sizes[i%len(sizes)], len(left))]
			if n, err := to.Write(piece); n != len(piece) || err != nil {
				t.Errorf("%d of %d bytes written: %v", n, len(piece), err)
				return
			}
			left = left[len(piece):]
		}
	}
	receive := func(from net.Conn) {
		got := make([]byte, 0, len(want))
		for len(got) < len(want) {
			n, err := from.Read(got[len(got):min(len(got)+2*Small, len(want))])
			if err != nil {
				t.Errorf("after %d bytes: %v", len(got), err)
				return
			}
			got = got[:len(got)+n]
		}
		if !bytes.Equal(got, want) {
			t.Error("other bytes have arrived than were sent")
		}
	}
	for _, c := range []net.Conn{near, far} {
		all.Go(func() { send(c) })
		all.Go(func() { receive(c) })
	}
	all.Wait()
}

func TestEndOfTheStream(t *testing.T) {
	near, far := pair(t)
	_, _ = far.Write([]byte("last"))
	_ = far.CloseWrite()
	if text, err := io.ReadAll(io.LimitReader(near, 100)); string(text) != "last" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if n, err := near.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v, want the end", n, err)
	}
}

func TestDeadlines(t *testing.T) {
	near, _ := pair(t)
	timed := func(what string, err error) {
		t.Helper()
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%s: %v, want a timeout", what, err)
		}
	}
	_ = near.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := near.Read(make([]byte, 10))
	timed("a read of nothing", err)
	_ = near.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for err = nil; err == nil; { // nobody reads: the buffers fill up
		_, err = near.Write(make([]byte, Small))
	}
	timed("a write that nobody takes", err)
}

func TestCloseEndsARead(t *testing.T) {
	near, _ := pair(t)
	ended := make(chan error)
	go func() {
		_, err := near.Read(make([]byte, 10))
		ended <- err
	}()
	_ = near.Close()
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%v, want that it is closed", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a read goes on after Close")
	}
	if _, err := near.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
}

// TestErrorsAreNamed: what fails is told as package net tells it.
func TestErrorsAreNamed(t *testing.T) {
	near, far := pair(t)
	_ = far.SetLinger(0)
	_ = far.Close() // a reset
	_, err := near.Read(make([]byte, 10))
	var of *net.OpError
	if !errors.As(err, &of) || of.Op != "read" || of.Addr == nil {
		t.Errorf("%v", err)
	}
	for end := time.Now().Add(10 * time.Second); err == nil || of.Op != "write"; {
		if _, err = near.Write([]byte("x")); time.Now().After(end) {
			t.Fatalf("writes to a peer that is gone: %v", err)
		}
		errors.As(err, &of)
	}
}

func TestOtherConnectionsStayAsTheyAre(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	if New(a) != a {
		t.Error("a connection that is not TCP was changed")
	}
}

func BenchmarkExchange(b *testing.B) {
	near, far := pair(b)
	go func() {
		buffer := make([]byte, 200)
		for {
			n, err := far.Read(buffer)
			if err != nil {
				return
			}
			_, _ = far.Write(buffer[:n])
		}
	}()
	buffer := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = near.Write(buffer)
		if _, err := io.ReadFull(near, buffer); err != nil {
			b.Fatal(err)
		}
	}
	_ = far.Close()
}
