package node

import (
	"bytes"
	"io"
)

// outputBuffer is how much is read at once, and the longest line that is kept in one piece.
const outputBuffer = 32 << 10

// pass copies whole lines as they come, until the end or an error of r. A line that is longer than the buffer goes on in
// pieces, a last one without an end as it is. What cannot be written is lost: Kafka is not to hang because nobody reads its
// log. While line says that it wants more, it is shown each line without its end.
func pass(r io.Reader, w io.Writer, line func([]byte) (more bool)) {
	buffer, held := make([]byte, outputBuffer), 0
	for {
		n, err := r.Read(buffer[held:])
		end := bytes.LastIndexByte(buffer[held:held+n], '\n') + 1 // what is held has none
		if end > 0 {
			end += held
		}
		held += n
		if held == len(buffer) && end == 0 || err != nil {
			end = held
		}
		if end > 0 {
			_, _ = w.Write(buffer[:end])
			if line != nil && !show(buffer[:end], line) {
				line = nil
			}
			held = copy(buffer, buffer[end:held])
		}
		if err != nil {
			return
		}
	}
}

func show(text []byte, line func([]byte) (more bool)) bool {
	for l := range bytes.Lines(text) {
		if !line(bytes.TrimRight(l, "\r\n")) {
			return false
		}
	}
	return true
}
