package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// patience bounds one exchange; a long poll must be shorter.
const patience = 60 * time.Second

// conn is one keep-alive connection to a server, for requests that are whole in memory. It does as little as HTTP/1.1 allows,
// since it shares the processors with what it measures: one write, as many reads as it takes, no header is kept. It is
// opened by the first request, and anew by the next one after an error.
type conn struct {
	addr string
	to   net.Conn
	buf  []byte
	used int
}

func dial(addr string) *conn { return &conn{addr: addr, buf: make([]byte, 4<<10)} }

// close closes the connection; the next request opens another one.
func (c *conn) close() {
	if c.to != nil {
		_ = c.to.Close()
		c.to = nil
	}
}

// answer is what came back. Its body is valid until the connection's next request.
type answer struct {
	status int
	body   []byte
	length int // of the whole answer, headers included
}

// ask sends a request and reads the answer to its end.
func (c *conn) ask(request []byte) (answer, error) {
	a, err := c.exchange(request)
	if err != nil {
		c.close()
	}
	return a, err
}

func (c *conn) exchange(request []byte) (answer, error) {
	if c.to == nil {
		to, err := (&net.Dialer{Timeout: patience}).Dial("tcp", c.addr)
		if err != nil {
			return answer{}, err
		}
		c.to = to
	}
	if err := c.to.SetDeadline(time.Now().Add(patience)); err != nil {
		return answer{}, err
	}
	if _, err := c.to.Write(request); err != nil {
		return answer{}, err
	}
	c.used = 0
	for {
		head, err := c.head()
		if err != nil {
			return answer{}, err
		}
		a, err := c.body(head)
		if err != nil || a.status >= 200 {
			return a, err
		}
		c.used = copy(c.buf, c.buf[head:c.used]) // it was an interim answer: the real one follows
	}
}

// head reads until the end of the headers and returns where that is.
func (c *conn) head() (int, error) {
	for {
		if end := bytes.Index(c.buf[:c.used], []byte("\r\n\r\n")); end >= 0 {
			return end + 4, nil
		}
		if err := c.more(); err != nil {
			return 0, err
		}
	}
}

// more reads once, into a larger buffer if need be.
func (c *conn) more() error {
	if c.used == len(c.buf) {
		c.buf = append(c.buf, make([]byte, len(c.buf))...)
	}
	n, err := c.to.Read(c.buf[c.used:])
	c.used += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *conn) body(head int) (answer, error) {
	line := c.buf[:head]
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return answer{}, fmt.Errorf("not an HTTP/1.1 answer: %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return answer{}, fmt.Errorf("status: %w", err)
	}
	if status < 200 || status == 204 {
		return answer{status: status, length: head}, nil
	}
	length, chunked, err := framing(line)
	if err != nil {
		return answer{}, err
	}
	if chunked {
		return c.chunks(status, head)
	}
	for c.used < head+length {
		if err := c.more(); err != nil {
			return answer{}, err
		}
	}
	return answer{status: status, body: c.buf[head : head+length], length: head + length}, nil
}

// framing finds how the body's end is told.
func framing(head []byte) (length int, chunked bool, err error) {
	length = -1
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, fmt.Errorf("content-length: %w", err)
			}
		case bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	if length < 0 && !chunked {
		return 0, false, errors.New("an answer without a length")
	}
	return length, chunked, nil
}

// chunks reads a chunked body and joins its chunks.
func (c *conn) chunks(status, head int) (answer, error) {
	body, at := head, head // the end of what was joined, and the next unread chunk
	for {
		line := bytes.Index(c.buf[at:c.used], []byte("\r\n"))
		if line < 0 {
			if err := c.more(); err != nil {
				return answer{}, err
			}
			continue
		}
		size, err := strconv.ParseUint(string(c.buf[at:at+line]), 16, 31)
		if err != nil {
			return answer{}, fmt.Errorf("chunk: %w", err)
		}
		begin := at + line + 2
		end := begin + int(size)
		for c.used < end+2 {
			if err := c.more(); err != nil {
				return answer{}, err
			}
		}
		body += copy(c.buf[body:], c.buf[begin:end])
		at = end + 2
		if size == 0 {
			return answer{status: status, body: c.buf[head:body], length: at}, nil
		}
	}
}
