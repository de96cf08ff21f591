package rawjson

// Cursor walks through a text that nothing is known about yet, checking what
// it passes, so that a text is read only once. The caller opens the arrays and
// objects whose structure it cares for and takes everything else as values:
//
//	c := rawjson.NewCursor(text)
//	if c.OpenObject() {
//		for name, ok := c.Member(); ok; name, ok = c.Member() {
//			value, normal := c.Value()
//			…
//		}
//	}
//	err := c.End()
//
// After every Member or Element that returned true, the value must be taken or
// opened. The first error makes all later calls return nothing; End returns
// it. Names that repeat in an object opened by the caller are the caller's
// affair; inside a value they make it not normal.
type Cursor struct {
	s scanner
	i int
	// first is true until the innermost open array or object has been asked
	// for its first element or member.
	first bool
}

// NewCursor returns a cursor in front of the value of text.
func NewCursor(text []byte) Cursor {
	c := Cursor{s: scanner{data: text}}
	if len(text) > MaxText {
		c.i = c.s.fail(MaxText, reasonLarge)
		return c
	}
	c.i = skipSpace(text, bomLen(text))
	return c
}

// Kind returns the kind of the value in front of the cursor, by its first
// byte; Invalid after an error.
func (c *Cursor) Kind() Kind {
	if c.i < 0 {
		return Invalid
	}
	return KindOf(c.s.data[c.i:])
}

// OpenObject enters the value in front of the cursor if it is an object.
func (c *Cursor) OpenObject() bool { return c.open(Object) }

// OpenArray enters the value in front of the cursor if it is an array.
func (c *Cursor) OpenArray() bool { return c.open(Array) }

func (c *Cursor) open(k Kind) bool {
	if c.Kind() != k {
		return false
	}
	if c.s.depth++; c.s.depth > MaxDepth {
		c.i = c.s.fail(c.i, reasonDepth)
		return false
	}
	c.i = skipSpace(c.s.data, c.i+1)
	c.first = true
	return true
}

// Member goes to the next member of the innermost open object and returns its
// name as it is spelled, between the quotes. At the end of the object it
// leaves it and returns false, as it does after an error.
func (c *Cursor) Member() (name []byte, ok bool) {
	if !c.next('}', reasonMember) {
		return nil, false
	}
	start := c.i + 1
	c.s.normal = false // so that the scanner keeps no names
	end, next := c.s.name(c.i)
	if c.i = next; next < 0 {
		return nil, false
	}
	return c.s.data[start:end], true
}

// Element goes to the next element of the innermost open array. At its end it
// leaves the array and returns false, as it does after an error.
func (c *Cursor) Element() bool { return c.next(']', reasonElement) }

// next passes the comma in front of the next member or element, or the closing
// bracket.
func (c *Cursor) next(closing byte, reason string) bool {
	if c.i < 0 {
		return false
	}
	b := c.s.data
	c.i = skipSpace(b, c.i)
	switch {
	case c.i < len(b) && b[c.i] == closing:
		c.s.depth--
		c.i++
		c.first = false
		return false
	case c.first:
		c.first = false
		return true
	case c.i < len(b) && b[c.i] == ',':
		c.i = skipSpace(b, c.i+1)
		return true
	default:
		c.i = c.s.fail(c.i, reason)
		return false
	}
}

// Value takes the value in front of the cursor. It returns it as it stands in
// the text, and whether that is its normal form; nil after an error.
func (c *Cursor) Value() (raw []byte, normal bool) {
	if c.i < 0 {
		return nil, false
	}
	start := c.i
	c.s.normal = true
	if c.i = c.s.value(start); c.i < 0 {
		return nil, false
	}
	return c.s.data[start:c.i], c.s.normal
}

// Offset returns the position of the cursor in the text, in bytes; −1 after an
// error.
func (c *Cursor) Offset() int { return c.i }

// End checks that nothing but whitespace is left once the outermost value has
// been taken, or returns the first error: a *SyntaxError either way.
func (c *Cursor) End() error {
	if c.s.err != nil {
		return c.s.err
	}
	if i := skipSpace(c.s.data, c.i); i < len(c.s.data) {
		c.i = c.s.fail(i, reasonTrailing)
		return c.s.err
	}
	return nil
}
