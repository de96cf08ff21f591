package logging

import (
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"
)

// Request is what one line says of a request. None of it may come from a body, and Path is a template: what a client puts
// into a path may be a secret.
type Request struct {
	At        time.Time // the end
	ID        string
	Operation string
	Method    string
	Path      string
	From      string // the peer's address
	Status    int
	Duration  time.Duration
	BytesIn   int64
	BytesOut  int64
	Error     string // class of the failure; empty: none
}

// requestMessage is the message of every such line.
const requestMessage = "request"

// Request writes the line of a request at level INFO, whatever the levels are: who calls has asked its Threshold. The line
// may be held back for heldTime.
func (l *Log) Request(r *Request) {
	if l.format == JSON {
		l.out.hold(r.appendJSON)
		return
	}
	l.out.hold(r.appendText)
}

func (r *Request) appendText(o *output, dst []byte) []byte {
	dst = o.appendTime(append(dst, "time="...), r.At)
	dst = append(append(dst, " level="...), slog.LevelInfo.String()...)
	dst = append(dst, " msg="+requestMessage...)
	dst = appendWord(append(dst, " id="...), r.ID)
	dst = appendWord(append(dst, " operation="...), r.Operation)
	dst = appendWord(append(dst, " method="...), r.Method)
	dst = appendWord(append(dst, " path="...), r.Path)
	dst = strconv.AppendInt(append(dst, " status="...), int64(r.Status), 10)
	dst = appendMilliseconds(append(dst, " duration_ms="...), r.Duration)
	dst = strconv.AppendInt(append(dst, " bytes_in="...), r.BytesIn, 10)
	dst = strconv.AppendInt(append(dst, " bytes_out="...), r.BytesOut, 10)
	dst = appendWord(append(dst, " from="...), r.From)
	if r.Error != "" {
		dst = appendWord(append(dst, " error="...), r.Error)
	}
	return append(dst, '\n')
}

func (r *Request) appendJSON(o *output, dst []byte) []byte {
	dst = o.appendTime(append(dst, `{"time":"`...), r.At)
	dst = append(append(dst, `","level":"`...), slog.LevelInfo.String()...)
	dst = append(dst, `","msg":"`+requestMessage+`"`...)
	dst = appendString(append(dst, `,"id":`...), r.ID)
	dst = appendString(append(dst, `,"operation":`...), r.Operation)
	dst = appendString(append(dst, `,"method":`...), r.Method)
	dst = appendString(append(dst, `,"path":`...), r.Path)
	dst = strconv.AppendInt(append(dst, `,"status":`...), int64(r.Status), 10)
	dst = appendMilliseconds(append(dst, `,"duration_ms":`...), r.Duration)
	dst = strconv.AppendInt(append(dst, `,"bytes_in":`...), r.BytesIn, 10)
	dst = strconv.AppendInt(append(dst, `,"bytes_out":`...), r.BytesOut, 10)
	dst = appendString(append(dst, `,"from":`...), r.From)
	if r.Error != "" {
		dst = appendString(append(dst, `,"error":`...), r.Error)
	}
	return append(dst, "}\n"...)
}

// appendMilliseconds appends a duration in milliseconds with three decimals.
func appendMilliseconds(dst []byte, d time.Duration) []byte {
	us := max(d, 0).Microseconds()
	dst = strconv.AppendInt(dst, us/1000, 10)
	us %= 1000
	return append(dst, '.', byte('0'+us/100), byte('0'+us/10%10), byte('0'+us%10))
}

// appendWord appends a value of a text line, in quotes where slog would write them.
func appendWord(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, `""`...)
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f {
			return strconv.AppendQuote(dst, s)
		}
	}
	return append(dst, s...)
}

// appendString appends a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			dst = append(dst, c)
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		i++
	}
	return append(dst, '"')
}
