package records

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// prose is n bytes that need no escape.
func prose(n int) string {
	return strings.Repeat("The quick brown fox jumps over the lazy dog. ", n/45+1)[:n]
}

// event is a JSON object of about n bytes, two thirds of it strings.
func event(n int) string {
	var b strings.Builder
	b.WriteString(`{"id":123456789`)
	for i := 0; b.Len() < n-70; i++ {
		fmt.Fprintf(&b, `,"member%02d":{"text":"%s","count":%d,"good":true}`, i, prose(40), i*977)
	}
	b.WriteString(`}`)
	return b.String()
}

// produceBody is a body of count records with the given value.
func produceBody(count int, value string) []byte {
	var b bytes.Buffer
	b.WriteString(`{"records":[`)
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"key":"a2V5%04d","value":%s}`, i, value)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func BenchmarkDecode(b *testing.B) {
	encoded := base64.StdEncoding.EncodeToString([]byte(prose(768)))
	for _, bench := range []struct {
		name   string
		format wire.Format
		body   []byte
	}{
		{"json 1 x 100 B", wire.JSON, produceBody(1, `{"sensor":"living-room","celsius":21.5,"at":"2026-11-22T17:00:00Z","ok":true,"seq":123456}`)},
		{"json 100 x 1 KiB string", wire.JSON, produceBody(100, `"`+prose(1022)+`"`)},
		{"json 100 x 1 KiB object", wire.JSON, produceBody(100, event(1024))},
		{"json 100 x 1 KiB spaced", wire.JSON, produceBody(100, strings.ReplaceAll(event(1024), `":`, `": `))},
		{"text 100 x 1 KiB", wire.Text, produceBody(100, `"`+prose(1022)+`"`)},
		{"text 100 x 1 KiB escapes", wire.Text, produceBody(100, `"`+strings.Repeat(prose(44)+`\n`, 22)+`"`)},
		{"binary 100 x 1 KiB", wire.Binary, produceBody(100, `"`+encoded+`"`)},
		{"json 100 with 2 headers", wire.JSON, bytes.ReplaceAll(produceBody(100, `"`+prose(100)+`"`), []byte(`"key"`),
			[]byte(`"headers":[{"key":"trace","value":"YWJj"},{"key":"span","value":"YWJjZA=="}],"key"`))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(bench.format, bench.body, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func polled(count int, value string) []*kgo.Record {
	recs := make([]*kgo.Record, count)
	for i := range recs {
		recs[i] = &kgo.Record{
			Topic: "orders", Partition: 3, Offset: int64(1000 + i), Timestamp: time.UnixMilli(1790000000000),
			Key: []byte(`"key"`), Value: []byte(value),
		}
	}
	return recs
}

func BenchmarkPage(b *testing.B) {
	for _, bench := range []struct {
		name   string
		format wire.Format
		value  string
	}{
		{"json string", wire.JSON, `"` + prose(1022) + `"`},
		{"json object", wire.JSON, event(1024)},
		{"json spaced", wire.JSON, strings.ReplaceAll(event(1024), `":`, `": `)},
		{"binary", wire.Binary, prose(1024)},
		{"text", wire.Text, prose(1024)},
		{"text of json", wire.Text, event(1024)},
	} {
		recs := polled(500, bench.value)
		size := Plan(bench.format, recs, math.MaxInt64).Size
		b.Run("plan/"+bench.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				Plan(bench.format, recs, math.MaxInt64)
			}
		})
		b.Run("append/"+bench.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = AppendPage(dst[:0], bench.format, recs)
			}
		})
		b.Run("write/"+bench.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := WritePage(io.Discard, bench.format, recs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeBase64(b *testing.B) {
	for _, n := range []int{16, 64, 1024} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			data, text := patterned(n), []byte(nil)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				text = encodeBase64(text[:0], data)
			}
		})
	}
}
