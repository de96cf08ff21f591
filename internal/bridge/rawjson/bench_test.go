package rawjson

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// samples are texts in the shapes that records have.
func samples() map[string][]byte {
	var flat, deep bytes.Buffer
	flat.WriteString(`{`)
	for i := range 20 {
		if i > 0 {
			flat.WriteByte(',')
		}
		fmt.Fprintf(&flat, `"member-%02d":%d`, i, i*7919)
	}
	flat.WriteString(`}`)
	for i := range 10 {
		fmt.Fprintf(&deep, `{"id":%d,"nested":[`, i)
	}
	deep.WriteString(strings.Repeat(`]}`, 10))
	return map[string][]byte{
		"small":   []byte(`{"sensor":"living-room","celsius":21.5,"at":"2026-11-22T17:00:00Z","ok":true,"seq":123456}`),
		"string":  []byte(`{"text":"` + strings.Repeat("The quick brown fox jumps over the lazy dog. ", 23) + `"}`),
		"flat":    flat.Bytes(),
		"deep":    deep.Bytes(),
		"cjk":     []byte(`{"text":"` + strings.Repeat("橋の上を水が流れる。", 34) + `"}`),
		"spaced":  []byte(`{"sensor": "living-room", "celsius": 21.5, "at": "2026-11-22T17:00:00Z", "ok": true, "seq": 123456}`),
		"escaped": []byte(`{"text": "` + strings.Repeat(`\u6a4b\u306e plain text \n`, 40) + `"}`),
	}
}

func BenchmarkValid(b *testing.B) {
	for name, text := range samples() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Valid(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendNormal(b *testing.B) {
	for name, text := range samples() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				var err error
				if dst, err = AppendNormal(dst[:0], text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPeer is what the same texts cost the library that the differential
// fuzz target compares with.
func BenchmarkPeer(b *testing.B) {
	for name, text := range samples() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true)) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
