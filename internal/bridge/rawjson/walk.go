package rawjson

import "iter"

// Members goes through the members of an object in order: the name as it is
// spelled, between the quotes, and the value. The object must have been
// accepted by this package; anything else yields nothing or its valid part.
// In a text from Normal no name repeats and equal names are spelled equally.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		c := NewCursor(object)
		if !c.OpenObject() {
			return
		}
		for name, ok := c.Member(); ok; name, ok = c.Member() {
			value, _ := c.Value()
			if value == nil || !yield(name, value) {
				return
			}
		}
	}
}

// Elements goes through the elements of an array in order. The array must have
// been accepted by this package; anything else yields nothing or its valid
// part.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func(value []byte) bool) {
		c := NewCursor(array)
		if !c.OpenArray() {
			return
		}
		for c.Element() {
			value, _ := c.Value()
			if value == nil || !yield(value) {
				return
			}
		}
	}
}
