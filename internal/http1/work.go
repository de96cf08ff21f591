package http1

import (
	"bufio"
	"bytes"
	"net/http"
	"net/url"
	"time"
)

const (
	// readBuffer is what a request's line and headers have to fit in, and what of its body comes with them.
	readBuffer = 4 << 10
	// writeBuffer is what an answer's beginning has to fit in to leave in one write.
	writeBuffer = 4 << 10
	// unsized is how much of an answer is held back in the hope that it ends, so that its length can be told: the same
	// as in net/http.
	unsized = 2 << 10
	// leastRequest is how many bytes net/http waits for behind a request before it takes them for the next one.
	leastRequest = 4
)

// work is what a connection needs to read a request. It is used by one connection after the other.
type work struct {
	c        *conn
	buf      []byte
	from, to int // what of buf has been read and not used
	head     head
	request  *http.Request
	url      url.URL // the request's
	body     body
	response response
	*buffers // while a request is answered
}

// buffers are what an answer needs beside, so that a connection whose request is slow to come does without.
type buffers struct {
	out  *bufio.Writer // to the connection
	held *bufio.Writer // to out, of the body
}

func newBuffers() *buffers {
	return &buffers{out: bufio.NewWriterSize(nil, writeBuffer), held: bufio.NewWriterSize(nil, unsized)}
}

// newWork makes all at once: it is done rarely, and what it makes is used by thousands of requests.
func newWork() *work {
	w := &work{buf: make([]byte, readBuffer), request: new(http.Request)}
	w.head.header = make(http.Header, 8)
	w.body.w = w
	w.response.w, w.response.header = w, make(http.Header, 4)
	return w
}

// outlet writes to the connection that a work is for.
type outlet struct{ w *work }

// Write writes to the connection; who waits for the request's end learns that its client is gone.
func (o outlet) Write(p []byte) (int, error) {
	n, err := o.w.c.nc.Write(p)
	if err != nil {
		o.w.c.ctx.cancel()
	}
	return n, err
}

// run answers the requests of a connection until nothing more has come, and reports whether it stays open. It gives the
// work back.
func (w *work) run(c *conn) bool {
	w.c = c
	keep := true
	for keep && w.from < w.to {
		keep = w.next()
	}
	w.c = nil
	c.server.works.Put(w)
	if !keep && c.lingers {
		c.linger()
	}
	return keep
}

// next reads and answers one request.
func (w *work) next() bool {
	by, v := w.readHead()
	switch v {
	case plain:
		return w.c.busy() && w.answer() && w.c.idle()
	case other:
		w.c.handOver(bytes.Clone(w.buf[w.from:w.to]), by)
	}
	return false
}

// readHead reads a request's line and headers. One that does not come whole is net/http's too, which knows what to answer;
// incomplete is only what net/http would not take for a beginning: less than four bytes behind another request. by is
// the end of the time for the headers, if that has begun.
func (w *work) readHead() (by time.Time, v verdict) {
	for {
		w.skipBlank()
		if !w.c.posted {
			n, v := w.head.parse(w.buf[w.from:w.to])
			w.from += n
			if v != incomplete {
				return by, v
			}
		}
		if w.from > 0 {
			w.to = copy(w.buf, w.buf[w.from:w.to])
			w.from = 0
		}
		if w.to == len(w.buf) {
			return by, other
		}
		if by.IsZero() {
			by = w.c.headBy()
		}
		n, err := w.c.read(w.buf[w.to:], by)
		w.to += n
		switch {
		case err == nil:
		case w.to < leastRequest && !w.c.fresh:
			return by, incomplete
		default:
			return by, other
		}
	}
}

// skipBlank drops the line ends that some clients send behind the body of a POST (RFC 9112 2.2), as net/http does: only
// there, and only among the bytes that it waits for.
func (w *work) skipBlank() {
	if !w.c.posted || w.to-w.from < leastRequest {
		return
	}
	w.c.posted = false
	for end := w.from + leastRequest; w.from < end && (w.buf[w.from] == '\r' || w.buf[w.from] == '\n'); {
		w.from++
	}
}

// answer calls the handler and sends its answer; it reports whether there may be another request.
func (w *work) answer() bool {
	w.prepare()
	returned := false
	defer func() {
		if !returned { // it panics: what has left it so far is all that is sent, and the connection closes
			_ = w.body.Close()
			_ = w.out.Flush()
		}
	}()
	w.c.server.Handler.ServeHTTP(&w.response, w.request)
	err := w.response.finish()
	w.c.release()
	// What is left of the body behind an answer that closes is read too, as far as it is little: a client that is still
	// sending would lose the answer to a reset.
	if closing := w.body.Close(); err == nil {
		err = closing
	}
	returned = true
	// What follows is read as the next request, so that nothing may be left of this one.
	keep := err == nil && w.response.complete() && !w.body.early
	w.c.lingers = w.response.unread || w.body.early
	w.forget()
	return keep
}

// prepare makes the request and an empty answer.
func (w *work) prepare() {
	r := w.request
	*r = *w.c.template
	r.Method, r.RequestURI, r.Header, r.Host = w.head.method, w.head.target, w.head.header, w.head.host
	w.url = w.head.url
	r.URL, r.Close, r.ContentLength = &w.url, w.head.close, w.head.length
	w.body = body{w: w, left: w.head.length}
	r.Body = &w.body
	if w.head.length == 0 {
		r.Body = http.NoBody
	}
	w.c.posted = w.head.method == http.MethodPost
	w.c.ctx.begin(w.head.length == 0)
	w.buffers = w.c.server.buffers.Get().(*buffers)
	w.out.Reset(outlet{w})
	w.held.Reset(chunks{&w.response})
	w.response.reset()
}

// forget leaves nothing of a request: not for the next one, and not for a handler that has kept it, which a test under the
// race detector would find writing or reading here.
func (w *work) forget() {
	*w.request = http.Request{}
	w.url = url.URL{}
	clear(w.head.header)
	clear(w.response.header)
	w.out.Reset(nil)
	w.held.Reset(nil)
	w.c.server.buffers.Put(w.buffers)
	w.buffers = nil
}
