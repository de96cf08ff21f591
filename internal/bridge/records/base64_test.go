package records

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"
)

// What Java 17's Base64.getDecoder().decode(String) does.
func TestAppendBase64(t *testing.T) {
	const (
		ending = "Input byte array has wrong 4-byte ending unit"
		short  = "Input byte[] should at least have 2 bytes for base64 bytes"
		few    = "Last unit does not have enough valid bits"
	)
	for _, test := range []struct{ text, want, err string }{
		{"", "", ""},
		{"YWJj", "abc", ""},
		{"YWI=", "ab", ""},
		{"YWI", "ab", ""},
		{"YQ==", "a", ""},
		{"YQ", "a", ""},
		{"YR==", "a", ""}, // bits behind the last byte are ignored
		{"YWJ", "ab", ""},
		{"YWJjYQ", "abca", ""},
		{"+/+/", "\xfb\xff\xbf", ""},
		{"Y", "", short},
		{"=", "", short},
		{"_", "", short},
		{"YWJjY", "", few},
		{"YWJjY=", "", few},
		{"Y=", "", few},
		{"YQ=", "", ending},
		{"YQ=a", "", ending},
		{"YWJj=", "", ending},
		{"==", "", ending},
		{"====", "", ending},
		{"YQ==YQ==", "", "Input byte array has incorrect ending byte at 4"},
		{"YWI=YWI=", "", "Input byte array has incorrect ending byte at 4"},
		{"YQ===", "", "Input byte array has incorrect ending byte at 4"},
		{"ab_d", "", "Illegal base64 character 5f"},
		{"ab-d", "", "Illegal base64 character 2d"},
		{"ab d", "", "Illegal base64 character 20"},
		{"ab\nc", "", "Illegal base64 character a"},
		{"abcd\r\nab", "", "Illegal base64 character d"},
		{"ab\x00d", "", "Illegal base64 character 0"},
		{"abé", "", "Illegal base64 character -17"},
		{"ab€", "", "Illegal base64 character 3f"},
		{"ab😀", "", "Illegal base64 character 3f"},
		{"abcdé===", "", "Illegal base64 character -17"},
	} {
		for name, decode := range map[string]func(dst, text []byte) ([]byte, error){
			"fast": appendBase64, "Java": appendJavaBase64,
		} {
			got, err := decode([]byte("x"), []byte(test.text))
			switch {
			case test.err != "" && (err == nil || err.Error() != test.err):
				t.Errorf("%s %q: %q, %v; want %s", name, test.text, got, err, test.err)
			case test.err == "" && (err != nil || string(got) != "x"+test.want):
				t.Errorf("%s %q: %q, %v; want %q", name, test.text, got, err, test.want)
			}
		}
	}
}

// patterned returns n bytes that hit every character of the alphabet.
func patterned(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*131 + i>>3)
	}
	return b
}

// The vector instructions take blocks; around their sizes nothing is lost, and nothing is touched but what is returned and
// the room that was asked for.
func TestBase64Blocks(t *testing.T) {
	const fence = 64
	for n := range 300 {
		data := patterned(n)
		text := base64.StdEncoding.AppendEncode(nil, data)
		room := bytes.Repeat([]byte{0xa5}, fence+len(text)+fence)
		got := encodeBase64(room[:fence], data)
		if !bytes.Equal(got[fence:], text) || &got[0] != &room[0] {
			t.Fatalf("%d bytes are encoded as %s", n, got[fence:])
		}
		checkFence(t, room[:fence], room[fence+len(text):])

		room = bytes.Repeat([]byte{0xa5}, fence+len(text)/4*3+fence)
		got, err := appendBase64(room[:fence], text)
		if err != nil || !bytes.Equal(got[fence:], data) || &got[0] != &room[0] {
			t.Fatalf("%s comes back as %x, %v", text, got[fence:], err)
		}
		checkFence(t, room[:fence], room[fence+len(text)/4*3:])
	}
}

func checkFence(t *testing.T, parts ...[]byte) {
	t.Helper()
	for _, part := range parts {
		if bytes.Count(part, []byte{0xa5}) != len(part) {
			t.Fatalf("memory beside was written to: %x", part)
		}
	}
}

// A character that does not belong there is found wherever a block has it, and named as Java does.
func TestBase64BadCharacterAnywhere(t *testing.T) {
	text := base64.StdEncoding.AppendEncode(nil, patterned(150))
	for i := range text {
		for _, bad := range []byte("\n\r =_-.:[`{\x00\x7f\x80\xff") {
			spoilt := bytes.Clone(text)
			spoilt[i] = bad
			_, err := appendBase64(nil, spoilt)
			_, want := appendJavaBase64(nil, spoilt)
			if !errors.Is(err, want) || want == nil && (bad != '=' || i < len(text)-1) {
				t.Fatalf("%q at %d: %v, want %v", bad, i, err, want)
			}
		}
	}
}

// Four line breaks make up for a unit, so that the length is a multiple of four again.
func TestBase64LineBreaksInFours(t *testing.T) {
	for n := range 100 {
		text := base64.StdEncoding.AppendEncode(nil, patterned(n))
		for i := range len(text) + 1 {
			broken := append(append(bytes.Clone(text[:i]), "\r\n\r\n"...), text[i:]...)
			if _, err := appendBase64(nil, broken); err == nil {
				t.Fatalf("%q is accepted", broken)
			}
		}
	}
}

// FuzzBase64: the fast path changes nothing, and what is encoded comes back,
// with padding and without.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("YWI="))
	f.Add([]byte("YWJj\n\n\n\n"))
	f.Add([]byte("é😀=="))
	f.Add(base64.StdEncoding.AppendEncode(nil, patterned(100)))
	f.Add(append(base64.StdEncoding.AppendEncode(nil, patterned(96)), "\n\n\n\n"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		fast, fastErr := appendBase64(nil, b)
		slow, slowErr := appendJavaBase64(nil, b)
		if (fastErr == nil) != (slowErr == nil) || fastErr == nil && string(fast) != string(slow) {
			t.Fatalf("%q: %q, %v and %q, %v", b, fast, fastErr, slow, slowErr)
		}
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
			got, err := appendBase64(nil, encoding.AppendEncode(nil, b))
			if len(b) > 0 && (err != nil || string(got) != string(b)) {
				t.Fatalf("%q comes back as %q, %v", b, got, err)
			}
		}
	})
}

// checkEncode compares with the standard library.
func checkEncode(t *testing.T, data []byte) {
	t.Helper()
	want := base64.StdEncoding.EncodeToString(data)
	if got := encodeBase64(nil, data); string(got) != want {
		t.Fatalf("%x is encoded as %s, want %s", data, got, want)
	}
}

// Every value is encoded at every place of a block.
func TestEncodeBase64Values(t *testing.T) {
	for i := range 60 {
		data := make([]byte, 60)
		for v := range 256 {
			data[i] = byte(v)
			checkEncode(t, data)
		}
	}
}

func FuzzEncodeBase64(f *testing.F) {
	f.Add([]byte("abc"))
	f.Add(patterned(100))
	f.Fuzz(checkEncode)
}
