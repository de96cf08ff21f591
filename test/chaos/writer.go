package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/steg-kafka/steg/test/chaos/check"
)

const jsonFormat = "application/vnd.kafka.json.v2+json"

// value is a record as it is sent, in the format json.
type value struct {
	Connection int64 `json:"c"`
	Number     int64 `json:"n"`
}

// writer sends requests of numbered records, one after the other on one connection.
type writer struct {
	client *client
	bound  time.Duration
	topic  string
	keyed  bool
	batch  int           // records in a request, at most
	pace   time.Duration // between two requests
	number int64         // of the last record
	random *rand.Rand
}

// run sends until ctx ends.
func (w *writer) run(ctx context.Context) {
	defer w.client.close()
	for pause(ctx, w.pace) {
		if w.client.to.address() == "" {
			continue
		}
		records := w.send(fmt.Sprintf("/topics/%s", w.topic), 1+w.random.IntN(w.batch))
		if records[0].Outcome == check.Unknown {
			pause(ctx, 100*time.Millisecond)
		}
	}
}

// send sends one request of n records and notes what became of them.
func (w *writer) send(path string, n int) []check.Sent {
	connection := w.client.connection
	records := make([]check.Sent, n)
	body := []byte(`{"records":[`)
	for i := range records {
		w.number++
		records[i].ID = check.ID{Connection: connection, Number: w.number}
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, '{')
		if w.keyed {
			body = append(body, `"key":"k`+strconv.Itoa(w.random.IntN(64))+`",`...)
		}
		body = fmt.Appendf(body, `"value":{"c":%d,"n":%d}}`, connection, w.number)
	}
	body = append(body, "]}"...)
	a := w.client.do(call{operation: "send", method: "POST", path: path, contentType: jsonFormat, body: body, bound: w.bound})
	told := outcomes(a, n)
	for i := range records {
		r := &records[i]
		r.Topic, r.Start, r.End = w.topic, a.start, a.end
		r.Outcome, r.Partition, r.Offset = told[i].outcome, told[i].partition, told[i].offset
	}
	w.client.journal.sent(records)
	return records
}

type told struct {
	outcome   check.Outcome
	partition int32
	offset    int64
}

// outcomes reads the answer to a send of n records.
func outcomes(a answer, n int) []told {
	out := make([]told, n)
	if !a.ok {
		return out
	}
	var body struct {
		Offsets []struct {
			Partition *int32 `json:"partition"`
			Offset    *int64 `json:"offset"`
			ErrorCode int    `json:"error_code"`
		} `json:"offsets"`
	}
	whole := a.status == 200 && json.Unmarshal(a.body, &body) == nil && len(body.Offsets) == n
	for i := range out {
		out[i].outcome = check.Failed
		if !whole {
			continue
		}
		if e := body.Offsets[i]; e.ErrorCode == 0 && e.Partition != nil && e.Offset != nil {
			out[i] = told{check.Acknowledged, *e.Partition, *e.Offset}
		}
	}
	return out
}

// pause waits and reports whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
