package rawjson

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// firstSpecial is what skipPlain finds, byte by byte.
func firstSpecial(b []byte) int {
	if i := slices.IndexFunc(b, func(c byte) bool { return !isPlain(c) }); i >= 0 {
		return i
	}
	return len(b)
}

// checkSkip compares the ways to skip what is plain.
func checkSkip(t *testing.T, b []byte) {
	t.Helper()
	want := firstSpecial(b)
	if got := skipPlain(b, 0); got != want {
		t.Fatalf("skipPlain(%q) = %d, want %d", b, got, want)
	}
	if got := skipWords(b, 0); got != want {
		t.Fatalf("skipWords(%q) = %d, want %d", b, got, want)
	}
	if hasVector && len(b) >= vectorLen {
		if got := skipVector(b); got != want {
			t.Fatalf("skipVector(%q) = %d, want %d", b, got, want)
		}
	}
}

// TestSkipPlain: every byte is told apart, at every place of a block, and the first of two is found.
func TestSkipPlain(t *testing.T) {
	t.Parallel()
	if !hasVector {
		t.Log("this processor has no AVX2: only words are tried")
	}
	for n := range 200 {
		b := bytes.Repeat([]byte("z"), n)
		checkSkip(t, b)
		for i := range b {
			for _, c := range []byte{'"', '\\', 0, 0x1f, 0x80, 0xff} {
				b[i] = c
				checkSkip(t, b)
				b[n-1] = '"'
				checkSkip(t, b)
				b[n-1], b[i] = 'z', 'z'
			}
		}
	}
	for c := range 256 {
		checkSkip(t, []byte(strings.Repeat("z", 70)+string([]byte{byte(c)})+strings.Repeat("z", 70)))
	}
}

func FuzzSkipPlain(f *testing.F) {
	for _, text := range seeds() {
		f.Add([]byte(text))
		f.Add([]byte(strings.Repeat("plain ", 15) + text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkSkip(t, b)
	})
}
