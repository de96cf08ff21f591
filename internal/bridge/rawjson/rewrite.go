package rawjson

import "unicode/utf8"

// moveLimit bounds the bytes moved to drop repeated members, as a multiple of
// the text's length. Each object with repeated names moves what it holds, so
// that without a bound a text of 1000 such objects in each other would be
// moved 1000 times.
const moveLimit = 32

// AppendRewritten appends the normal form of value to dst. The value must have
// been accepted by this package and have no whitespace around it, as the
// slices that Prefix and Cursor.Value return: it is not checked again. The
// only error is a *SyntaxError for objects with repeated names that are nested
// too often; dst is then returned as it was.
func AppendRewritten(dst, value []byte) ([]byte, error) {
	w := rewriter{src: value, dst: dst, base: len(dst), moves: moveLimit * (len(value) + 1)}
	w.value(0)
	if w.moves < 0 {
		return dst, &SyntaxError{Reason: reasonRepeating}
	}
	return w.dst, nil
}

// rewriter copies a valid value in normal form. Its methods take the position
// in src to start at and return the one behind what they copied.
type rewriter struct {
	src, dst []byte
	base     int // where the value begins in dst
	moves    int // bytes that may still be moved; negative: give up
	names    names
}

func (w *rewriter) value(i int) int {
	switch w.src[i] {
	case '"':
		return w.text(i)
	case '{':
		return w.object(i)
	case '[':
		return w.array(i)
	default:
		return w.scalar(i)
	}
}

func (w *rewriter) object(i int) int {
	outer := w.names.n
	w.dst = append(w.dst, '{')
	i = skipSpace(w.src, i+1)
	for w.src[i] != '}' {
		start := len(w.dst) + 1 - w.base
		i = w.text(i)
		w.names.push(w.dst[w.base:], start, len(w.dst)-1-w.base)
		i = skipSpace(w.src, i) // now at the colon
		w.dst = append(w.dst, ':')
		i = w.value(skipSpace(w.src, i+1))
		i = w.comma(i)
	}
	if w.names.repeated(w.dst[w.base:], outer) {
		w.collapse(w.names.since(outer))
	}
	w.names.n = outer
	w.dst = append(w.dst, '}')
	return i + 1
}

func (w *rewriter) array(i int) int {
	w.dst = append(w.dst, '[')
	i = skipSpace(w.src, i+1)
	for w.src[i] != ']' {
		i = w.comma(w.value(i))
	}
	w.dst = append(w.dst, ']')
	return i + 1
}

// comma copies the comma that may follow a member or an element, and returns
// the position of the next one or of the closing bracket.
func (w *rewriter) comma(i int) int {
	i = skipSpace(w.src, i)
	if w.src[i] != ',' {
		return i
	}
	w.dst = append(w.dst, ',')
	return skipSpace(w.src, i+1)
}

// scalar copies a number or a literal as it is.
func (w *rewriter) scalar(i int) int {
	start := i
	for i < len(w.src) && (isDigit(w.src[i]) || isLetter(w.src[i]) || isSign(w.src[i])) {
		i++
	}
	w.dst = append(w.dst, w.src[start:i]...)
	return i
}

func isSign(c byte) bool { return c == '-' || c == '+' || c == '.' }

// text copies the string at i, with its quotes.
func (w *rewriter) text(i int) int {
	src, start := w.src, i
	i++
	for {
		i = skipPlain(src, i)
		switch c := src[i]; {
		case c == '"':
			w.dst = append(w.dst, src[start:i+1]...)
			return i + 1
		case c == '\\':
			w.dst = append(w.dst, src[start:i]...)
			i = w.escape(i)
			start = i
		case c >= 0xf0:
			w.dst = append(w.dst, src[start:i]...)
			r, n := utf8.DecodeRune(src[i:])
			w.dst = appendPair(w.dst, r)
			i += n
			start = i
		default:
			i++
		}
	}
}

// escape copies the escape at i in the spelling of the normal form.
func (w *rewriter) escape(i int) int {
	switch w.src[i+1] {
	case 'u':
		u, _ := hex4(w.src, i+2)
		w.dst = appendUnit(w.dst, u)
		return i + 6
	case '/':
		w.dst = append(w.dst, '/')
		return i + 2
	default:
		w.dst = append(w.dst, w.src[i:i+2]...)
		return i + 2
	}
}

// collapse drops the repeated members of the object that dst ends with,
// without its closing brace: the last value takes the first one's place.
func (w *rewriter) collapse(list []name) {
	out := w.dst[w.base:]
	begin := int(list[0].start) - 1
	if w.moves -= len(out) - begin; w.moves < 0 {
		return
	}
	last := make(map[string]int, len(list))
	for i, n := range list {
		last[string(n.of(out))] = i
	}
	kept := make([]byte, 0, len(out)-begin)
	for _, n := range list {
		at, ok := last[string(n.of(out))]
		if !ok {
			continue // written where the name stood first
		}
		delete(last, string(n.of(out)))
		end := len(out)
		if at+1 < len(list) {
			end = int(list[at+1].start) - len(`,"`)
		}
		if len(kept) > 0 {
			kept = append(kept, ',')
		}
		kept = append(kept, out[list[at].start-1:end]...)
	}
	w.dst = append(w.dst[:w.base+begin], kept...)
}
