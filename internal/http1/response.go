package http1

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// response is the http.ResponseWriter of a plain request. What it writes are net/http's bytes: the handler's headers in
// the order of their names, then Date, Content-Length, Content-Type and Connection where they are the server's to tell,
// and chunks where an answer of unknown length has grown beyond what is held back.
type response struct {
	w      *work
	header http.Header
	keys   []string // room for sorting

	status   int   // 0: WriteHeader was not called
	declared int64 // the handler's Content-Length; -1: none
	written  int64 // bytes of the body
	begun    bool  // the head has been written
	done     bool  // the handler has returned
	chunked  bool
	last     bool // the connection ends behind the answer
	unread   bool // too much of the body was left to read it
}

// reset makes an answer out of the one of before; its headers were emptied with the request.
func (r *response) reset() {
	r.status, r.declared, r.written = 0, -1, 0
	r.begun, r.done, r.chunked, r.last, r.unread = false, false, false, false, false
}

// Header returns the headers to be sent.
func (r *response) Header() http.Header { return r.header }

// SetReadDeadline bounds the reads of the request's body that begin from now on.
func (r *response) SetReadDeadline(t time.Time) error {
	r.w.body.by = t
	return nil
}

// SetWriteDeadline bounds the writes of the answer.
func (r *response) SetWriteDeadline(t time.Time) error { return r.w.c.nc.SetWriteDeadline(t) }

// WriteHeader sets the status, or sends an interim answer (RFC 9110 15.2).
func (r *response) WriteHeader(status int) {
	switch {
	case r.status != 0:
		r.w.c.server.ErrorLog.Printf("http: superfluous response.WriteHeader call: %d after %d", status, r.status)
		return
	case status < 100 || status > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	case status < 200 && status != http.StatusSwitchingProtocols:
		r.writeStatus(status)
		r.writeFields(omitted{length: true})
		_, _ = r.w.out.WriteString("\r\n") // the writer keeps its error
		_ = r.w.out.Flush()
		return
	}
	r.status = status
	text := first(r.header["Content-Length"])
	if text == "" {
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		r.w.c.server.ErrorLog.Printf("http: invalid Content-Length of %q", text)
		delete(r.header, "Content-Length")
		return
	}
	r.declared = n
}

// Write writes a part of the body.
func (r *response) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !bodied(r.status) {
		return 0, http.ErrBodyNotAllowed
	}
	r.written += int64(len(p))
	if r.declared >= 0 && r.written > r.declared {
		return 0, http.ErrContentLength
	}
	return r.w.held.Write(p)
}

// Flush is FlushError for those who cannot take an error.
func (r *response) Flush() { _ = r.FlushError() }

// FlushError sends what has been written. The error is the connection's.
func (r *response) FlushError() error {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if err := r.w.held.Flush(); err != nil {
		return err
	}
	r.begin(nil)
	return r.w.out.Flush()
}

// finish sends the rest of the answer.
func (r *response) finish() error {
	r.done = true
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if err := r.w.held.Flush(); err != nil {
		return err
	}
	r.begin(nil)
	if r.chunked {
		_, _ = r.w.out.WriteString("0\r\n\r\n") // the writer keeps its error
	}
	return r.w.out.Flush()
}

// complete reports whether the answer is whole and another may follow it.
func (r *response) complete() bool {
	return !r.last && (r.declared < 0 || !bodied(r.status) || r.declared == r.written)
}

// chunks is where the body goes when it is held back no longer.
type chunks struct{ r *response }

// Write writes a piece of the body, behind the head if it is the first.
func (c chunks) Write(p []byte) (int, error) {
	c.r.begin(p)
	out := c.r.w.out
	if !c.r.chunked {
		return out.Write(p)
	}
	fmt.Fprintf(out, "%x\r\n", len(p)) // the writer keeps its error
	n, err := out.Write(p)
	if err == nil {
		_, err = out.WriteString("\r\n")
	}
	return n, err
}
