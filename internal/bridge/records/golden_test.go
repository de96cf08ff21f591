package records

import (
	"math"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/golden"
)

// TestGoldenPages: whole answers of polls, byte for byte. Whoever changes one changes what clients parse.
func TestGoldenPages(t *testing.T) {
	record := func(offset int64, key, value string, headers ...kgo.RecordHeader) *kgo.Record {
		r := &kgo.Record{Topic: "orders", Partition: 1, Offset: offset, Timestamp: time.UnixMilli(1_700_000_000_000 + offset), Headers: headers}
		if key != "" {
			r.Key = []byte(key)
		}
		if value != "" {
			r.Value = []byte(value)
		}
		return r
	}
	recs := []*kgo.Record{
		record(0, `"k"`, `{"b":1.10,"a":1e400,"b":123456789012345678901234567890,"c":"<&\/é😀"}`),
		record(1, "", ""),
		record(2, `[1, 2]`, "null",
			kgo.RecordHeader{Key: "trace", Value: []byte("one")}, kgo.RecordHeader{Key: "trace", Value: []byte("two")},
			kgo.RecordHeader{Key: "", Value: []byte{}}, kgo.RecordHeader{Key: `q"`, Value: nil}),
		record(9, `{"nested":[[],{}]}`, `"\u0041\u0001\ud83d"  trailing text is ignored`),
	}
	for name, format := range map[string]wire.Format{"json": wire.JSON, "binary": wire.Binary, "text": wire.Text} {
		page := Plan(format, recs, math.MaxInt64)
		if page.Err != nil || page.N != len(recs) {
			t.Errorf("%s: %d of %d records, %v", name, page.N, len(recs), page.Err)
			continue
		}
		golden.Equal(t, "page."+name+".golden", AppendPage(nil, format, recs))
	}
}
