package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/steg-kafka/steg/test/chaos/check"
)

const consumerFormat = "application/vnd.kafka.v2+json"

// pollTime is the timeout that readers ask for.
const pollTime = 500 * time.Millisecond

// commitment is how a reader commits.
type commitment int

const (
	automatic commitment = iota // enable.auto.commit
	polled                      // by a commit without a body: what was polled last
	explicit                    // by a commit that names the offsets
)

// reader is one member after the other of a consumer group: when its bridge has forgotten it, it begins anew.
type reader struct {
	client *client
	bounds bounds
	group  string
	topics []string
	commit commitment

	member string // the present instance, "" for none
}

// run reads until ctx ends, and then leaves the group.
func (r *reader) run(ctx context.Context) {
	defer r.client.close()
	defer r.leave()
	for ctx.Err() == nil {
		if r.client.to.address() == "" || r.member == "" && !r.join() {
			pause(ctx, 200*time.Millisecond)
			continue
		}
		if !r.turn() {
			pause(ctx, 200*time.Millisecond)
		}
	}
}

// join creates an instance with a name of its own and subscribes it.
func (r *reader) join() bool {
	name := fmt.Sprintf("member-%d", r.client.journal.members.Add(1))
	create := fmt.Appendf(nil, `{"name":%q,"format":"json","auto.offset.reset":"earliest","enable.auto.commit":%t}`, name, r.commit == automatic)
	a := r.client.do(call{
		operation: "createConsumer", method: "POST", path: "/consumers/" + r.group,
		contentType: consumerFormat, body: create, bound: r.bounds.other,
	})
	if !a.ok || a.status != 200 {
		return false
	}
	topics, err := json.Marshal(map[string]any{"topics": r.topics})
	if err != nil {
		return false
	}
	r.member = name
	a = r.client.do(call{
		operation: "subscribe", method: "POST", path: r.path("subscription"), contentType: consumerFormat, body: topics, bound: r.bounds.other,
	})
	if !a.ok || a.status != 204 {
		r.forget(a)
		return false
	}
	return true
}

func (r *reader) path(of string) string {
	return fmt.Sprintf("/consumers/%s/instances/%s/%s", r.group, r.member, of)
}

// forget drops an instance that the bridge does not have any more.
func (r *reader) forget(a answer) {
	if a.ok && a.status == 404 {
		r.member = ""
	}
}

// turn polls, and commits what came. It reports whether all went well.
func (r *reader) turn() bool {
	a := r.client.do(call{
		operation: "poll", method: "GET", path: r.path(fmt.Sprintf("records?timeout=%d", pollTime.Milliseconds())),
		accept: jsonFormat, bound: r.bounds.poll,
	})
	r.forget(a)
	if !a.ok || a.status != 200 {
		return false
	}
	records, err := received(a.body)
	if err != nil {
		// What cannot be read was not delivered: the checker will miss it.
		return false
	}
	if len(records) == 0 {
		return true
	}
	r.client.journal.delivered(check.Delivery{Group: r.group, Member: r.member, Start: a.start, End: a.end, Records: records})
	return r.store(records)
}

// received reads a poll's answer.
func received(body []byte) ([]check.Got, error) {
	var list []struct {
		Topic     string `json:"topic"`
		Partition int32  `json:"partition"`
		Offset    int64  `json:"offset"`
		Value     value  `json:"value"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("poll: %w", err)
	}
	records := make([]check.Got, len(list))
	for i, e := range list {
		records[i] = check.Got{
			Place: check.Place{Topic: e.Topic, Partition: e.Partition}, Offset: e.Offset,
			ID: check.ID{Connection: e.Value.Connection, Number: e.Value.Number},
		}
	}
	return records, nil
}

// store commits, as the reader does.
func (r *reader) store(records []check.Got) bool {
	var body []byte
	switch r.commit {
	case automatic:
		return true
	case explicit:
		body = offsets(records)
	case polled:
	}
	a := r.client.do(call{
		operation: "commit", method: "POST", path: r.path("offsets"), contentType: consumerFormat, body: body, bound: r.bounds.commit,
	})
	r.forget(a)
	return a.ok && a.status == 204
}

// offsets is the body that commits the places behind records.
func offsets(records []check.Got) []byte {
	next := make(map[check.Place]int64)
	for _, r := range records {
		next[r.Place] = r.Offset + 1
	}
	body := []byte(`{"offsets":[`)
	for place, offset := range next {
		if len(body) > len(`{"offsets":[`) {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"topic":%q,"partition":%d,"offset":%d}`, place.Topic, place.Partition, offset)
	}
	return append(body, "]}"...)
}

// leave deletes the instance.
func (r *reader) leave() {
	if r.member == "" || r.client.to.address() == "" {
		return
	}
	r.client.do(call{
		operation: "deleteConsumer", method: "DELETE", path: fmt.Sprintf("/consumers/%s/instances/%s", r.group, r.member), bound: r.bounds.other,
	})
	r.member = ""
}
