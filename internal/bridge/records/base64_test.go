package records

import (
	"encoding/base64"
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

// FuzzBase64: the fast path changes nothing, and what is encoded comes back,
// with padding and without.
func FuzzBase64(f *testing.F) {
	f.Add([]byte("YWI="))
	f.Add([]byte("YWJj\n\n\n\n"))
	f.Add([]byte("é😀=="))
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
