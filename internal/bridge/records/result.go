package records

import (
	"strconv"

	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// Result is what became of one record of a send.
type Result struct {
	// Partition and Offset are where the record is; the offset is -1 when the
	// brokers were not asked to confirm.
	Partition int32
	Offset    int64
	// Err is why the record was not sent, nil if it was.
	Err *wire.Error
}

// AppendResults appends the answer to a send, {"offsets":[…]} with one element
// per result in their order (bridge contract 1.5).
func AppendResults(dst []byte, results []Result) []byte {
	dst = append(dst, `{"offsets":[`...)
	for i, r := range results {
		if i > 0 {
			dst = append(dst, ',')
		}
		if r.Err != nil {
			dst = r.Err.Append(dst)
			continue
		}
		dst = append(dst, `{"partition":`...)
		dst = strconv.AppendInt(dst, int64(r.Partition), 10)
		dst = append(dst, `,"offset":`...)
		dst = strconv.AppendInt(dst, r.Offset, 10)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}
