package http1

import (
	"bytes"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
)

// maxFields is the most header lines that a plain request has.
const maxFields = 32

// verdict says what bytes are.
type verdict uint8

const (
	// incomplete bytes are the beginning of what may be a plain request.
	incomplete verdict = iota
	// plain bytes begin with the line and headers of a request that this package answers.
	plain
	// other bytes are net/http's.
	other
)

// head is the line and headers of a request. It remembers those of the request before, of whichever client: most are the
// same, and then the comparison of the bytes is all that has to be done, and no string is made.
type head struct {
	line   string // without its CRLF
	method string
	target string
	url    url.URL
	fields [maxFields]field

	// Of the request that was parsed last:
	header http.Header
	host   string
	length int64 // of its body
	close  bool  // the client wants the connection to be closed behind the answer
}

// field is a header line.
type field struct {
	line, key, value string // without CRLF; in canonical form; without the blanks around it
	room             [1]string
}

// values returns a header map's value, written anew, whatever a handler has done to the one of before.
func (f *field) values() []string {
	f.room[0] = f.value
	return f.room[:1:1]
}

// parse reads what p begins with. n is the length of the line and headers if they are plain.
func (h *head) parse(p []byte) (n int, v verdict) {
	line, n, v := cutLine(p)
	if v != plain {
		return 0, v
	}
	if !h.parseLine(line) {
		return 0, other
	}
	clear(h.header)
	h.host, h.length, h.close = "", 0, false
	for i := 0; ; i++ {
		line, size, v := cutLine(p[n:])
		if v != plain {
			return 0, v
		}
		n += size
		if len(line) == 0 {
			break
		}
		if i == maxFields || !h.parseField(&h.fields[i], line) {
			return 0, other
		}
	}
	if h.host == "" {
		return 0, other
	}
	return n, plain
}

// cutLine returns the first line of p and its length with CRLF. Lines that end otherwise are not plain.
func cutLine(p []byte) (line []byte, n int, v verdict) {
	end := bytes.IndexByte(p, '\n')
	switch {
	case end < 0:
		return nil, 0, incomplete
	case end == 0 || p[end-1] != '\r':
		return nil, 0, other
	}
	return p[:end-1], end + 1, plain
}

// parseLine reads a request line, and reports whether it is plain: a method that the contract has, and a path, which
// package net/url reads.
func (h *head) parseLine(line []byte) bool {
	if string(line) == h.line {
		return h.line != ""
	}
	name, rest, _ := bytes.Cut(line, []byte(" "))
	target, ok := bytes.CutSuffix(rest, []byte(" HTTP/1.1"))
	method := plainMethod(name)
	if !ok || method == "" || len(target) == 0 || target[0] != '/' || !visible(target) {
		return false
	}
	text := string(line)
	at := len(name) + 1
	address, err := url.ParseRequestURI(text[at : at+len(target)])
	if err != nil {
		return false
	}
	h.line, h.method, h.target, h.url = text, method, text[at:at+len(target)], *address
	return true
}

// plainMethod returns the name of a method, empty for all that have rules of their own.
func plainMethod(name []byte) string {
	switch string(name) {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	case http.MethodPut:
		return http.MethodPut
	case http.MethodDelete:
		return http.MethodDelete
	}
	return ""
}

// visible reports whether a target is of visible ASCII.
func visible(target []byte) bool {
	for _, c := range target {
		if c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// parseField reads a header line, f is the one in its place of the request before. It reports whether the line is plain.
func (h *head) parseField(f *field, line []byte) bool {
	if string(line) != f.line && !f.parse(line) {
		return false
	}
	before, again := h.header[f.key]
	if again {
		return h.repeat(f, before)
	}
	if !h.heed(f.key, f.value) {
		return false
	}
	if f.key != "Host" { // net/http takes it out of the map
		h.header[f.key] = f.values()
	}
	return true
}

// repeat adds a line whose name there was before.
func (h *head) repeat(f *field, before []string) bool {
	switch f.key {
	case "Content-Length", "Connection":
		return false
	}
	h.header[f.key] = append(before, f.value) // before has no room for more, and is left as it was
	return true
}

// heed obeys the headers that say how a request is cut, and reports false for those that are not plain. Upgrade is not
// among them: net/http leaves it to its handlers, and there are none here who would follow.
func (h *head) heed(key, value string) bool {
	switch key {
	case "Host":
		if h.host != "" || !plainHost(value) {
			return false
		}
		h.host = value
	case "Content-Length":
		n, err := strconv.ParseUint(value, 10, 63)
		h.length = int64(n)
		return err == nil
	case "Connection":
		h.close = strings.EqualFold(value, "close")
		return h.close || !strings.Contains(strings.ToLower(value), "close")
	case "Transfer-Encoding", "Trailer", "Expect", "Pragma": // net/http adds a header to the last
		return false
	}
	return true
}

// plainHost reports whether a Host is of what names, addresses and ports are made of.
func plainHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.', c == '-', c == ':', c == '[', c == ']', c == '_':
		default:
			return false
		}
	}
	return host != ""
}

// parse reads a line that is not the one of before.
func (f *field) parse(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 || !token(line[:colon]) || !printed(line[colon+1:]) {
		return false
	}
	text := string(line)
	f.line, f.key, f.value = text, http.CanonicalHeaderKey(text[:colon]), textproto.TrimString(text[colon+1:])
	return true
}

// token reports whether a name is one (RFC 9110 5.6.2).
func token[T string | []byte](name T) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c > ' ' && c < 0x7f && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return len(name) > 0
}

// printed reports whether a value has no control characters but tabs.
func printed(value []byte) bool {
	for _, c := range value {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
