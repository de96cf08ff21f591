package http1

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// omitted says which of the handler's headers are not sent.
type omitted struct{ length, media, connection bool }

// begin writes the head, once; p is the first piece of the body, and the last if the handler has returned.
func (r *response) begin(p []byte) {
	if r.begun {
		return
	}
	r.begun = true
	length := int64(-1)
	if _, set := r.header["Content-Length"]; r.done && bodied(r.status) && !set {
		length, r.declared = int64(len(p)), int64(len(p))
	}
	r.chunked = bodied(r.status) && r.declared < 0 // the client is one of HTTP/1.1
	draining, closes := r.w.c.server.draining.Load(), first(r.header["Connection"]) == "close"
	r.last = r.w.head.close || closes || draining
	if !r.last && !r.readRest() {
		r.last = true
	}
	add := r.last && (draining || !closes)
	r.writeStatus(r.status)
	r.writeFields(omitted{length: !bodied(r.status) || r.chunked, media: r.status == http.StatusNotModified, connection: add})
	r.writeOwn(length, p)
	if add {
		r.text("Connection: close\r\n")
	}
	if r.chunked {
		r.text("Transfer-Encoding: chunked\r\n")
	}
	r.text("\r\n")
}

// readRest reads what the handler has left of the request, since many clients look for an answer only when they have sent
// all. It reports false if there is too much of it, or if it does not come: no request can follow then.
func (r *response) readRest() bool {
	b := &r.w.body
	if b.left >= maxUnread {
		r.unread = true
		return false
	}
	if b.closed {
		return b.left == 0
	}
	return b.Close() == nil
}

// text writes a piece of the head. The writer keeps its error, and tells it when it is flushed.
func (r *response) text(s string) { _, _ = r.w.out.WriteString(s) }

// number is text without a string for it.
func (r *response) number(n int64) {
	_, _ = r.w.out.Write(strconv.AppendInt(r.w.out.AvailableBuffer(), n, 10))
}

// writeStatus writes the status line, in net/http's words where there is no name for a status.
func (r *response) writeStatus(status int) {
	r.text("HTTP/1.1 ")
	r.number(int64(status))
	if reason := http.StatusText(status); reason != "" {
		r.text(" ")
		r.text(reason)
	} else {
		r.text(" status code ")
		r.number(int64(status))
	}
	r.text("\r\n")
}

// writeFields writes the handler's headers in the order of their names, without those that are no names and without line
// ends in their values, so that no value becomes a header.
func (r *response) writeFields(omit omitted) {
	r.keys = r.keys[:0]
	for key := range r.header {
		switch {
		case key == "Content-Length" && omit.length, key == "Content-Type" && omit.media, key == "Connection" && omit.connection:
		case key == "Transfer-Encoding", key == "Trailer", !token(key):
		default:
			r.keys = append(r.keys, key)
		}
	}
	slices.Sort(r.keys)
	for _, key := range r.keys {
		for _, value := range r.header[key] {
			r.text(key)
			r.text(": ")
			r.text(oneLine(value))
			r.text("\r\n")
		}
	}
}

// oneLine returns a value without line ends, and without blanks around it.
func oneLine(value string) string {
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	return textproto.TrimString(value)
}

// writeOwn writes the server's headers: the date, the length if it is known here only, and what the body seems to be if
// the handler does not tell.
func (r *response) writeOwn(length int64, p []byte) {
	if _, set := r.header["Date"]; !set {
		r.text("Date: ")
		r.text(r.w.c.server.date.at(time.Now()))
		r.text("\r\n")
	}
	if length >= 0 {
		r.text("Content-Length: ")
		r.number(length)
		r.text("\r\n")
	}
	_, typed := r.header["Content-Type"]
	if !typed && bodied(r.status) && len(p) > 0 && first(r.header["Content-Encoding"]) == "" {
		r.text("Content-Type: ")
		r.text(http.DetectContentType(p))
		r.text("\r\n")
	}
}

// bodied reports whether an answer with a status has a body (RFC 9110 6.4.1).
func bodied(status int) bool {
	return status >= http.StatusOK && status != http.StatusNoContent && status != http.StatusNotModified
}

// first returns a header's value, empty if there is none.
func first(values []string) string {
	if len(values) > 0 {
		return values[0]
	}
	return ""
}
