package conformance

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// pollBytes polls once with a limit of the answer's size.
func (e *env) pollBytes(format string, limit int) []polled {
	e.Helper()
	body := e.pollText(format, fmt.Sprintf("?timeout=5000&max_bytes=%d", limit))
	if len(body) > limit {
		e.Fatalf("an answer of %d bytes, at most %d were asked for", len(body), limit)
	}
	var out []polled
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		e.Fatalf("poll answer %.300q: %v", body, err)
	}
	return out
}

// undecodable demands the 406 of one record that is not JSON.
func (e *env) undecodable(topic string, offset int64) {
	e.Helper()
	got := e.must(406, "GET", "$CONSUMER/records?timeout=5000", "", "", "Accept: "+typeJSON)
	if !strings.HasPrefix(got, `{"error_code":406,"message":"Failed to decode:`) {
		e.Fatalf("answer %s", got)
	}
	for _, part := range []string{topic, "0", fmt.Sprint(offset)} {
		if !strings.Contains(got, part) {
			e.Errorf("the message %s does not name %s", got, part)
		}
	}
}

// poisons is about records that the json format cannot carry.
func poisons() []sequence {
	const lost = "the whole batch is lost"
	fill := func(e *env, contents ...string) string {
		topic := e.topic("$TOPIC")
		for _, value := range contents {
			e.write(&kgo.Record{Topic: topic, Value: []byte(value)})
		}
		e.create("json", `"enable.auto.commit":false`)
		e.assign(topic, 1)
		return topic
	}
	once := func(e *env, want string) {
		e.Helper()
		if got := values(e.pollOnce("json", 5*time.Second)); got != want {
			e.Fatalf("got %s, want %s", got, want)
		}
	}
	return []sequence{
		with("1.6/poll/bad-record-in-the-middle", lost, func(e *env) {
			topic := fill(e, `1`, `2`, `{bad`, `4`)
			once(e, "1 2")
			e.undecodable(topic, 2)
			once(e, "4")
		}, "poll"),
		with("1.6/poll/bad-record-first", lost, func(e *env) {
			topic := fill(e, `nonsense`, `2`)
			e.undecodable(topic, 0)
			once(e, "2")
		}, "poll"),
		with("1.6/poll/two-bad-records", lost, func(e *env) {
			topic := fill(e, `[1,`, "\xff", `3`)
			e.undecodable(topic, 0)
			e.undecodable(topic, 1)
			once(e, "3")
		}, "poll"),
		with("1.6/poll/bad-key", lost, func(e *env) {
			topic := e.topic("$TOPIC")
			e.write(&kgo.Record{Topic: topic, Key: []byte("key"), Value: []byte("1")}, &kgo.Record{Topic: topic, Value: []byte("2")})
			e.create("json")
			e.assign(topic, 1)
			e.undecodable(topic, 0)
			once(e, "2")
		}, "poll"),
		with("1.6/commit/bad-record-passed-over", lost, func(e *env) {
			topic := fill(e, `1`, `{bad`, `3`)
			once(e, "1")
			e.must(204, "POST", "$CONSUMER/offsets", "", "")
			if got := e.committed(e.group, topic, 0); got != 1 {
				e.Errorf("committed %d before the bad record was reported, want 1", got)
			}
			e.undecodable(topic, 1)
			once(e, "3")
			e.must(204, "POST", "$CONSUMER/offsets", "", "")
			if got := e.committed(e.group, topic, 0); got != 3 {
				e.Errorf("committed %d, want 3", got)
			}
		}, "commit", "poll"),
		with("1.6/seek/back-to-a-bad-record", lost, func(e *env) {
			topic := fill(e, `{bad`, `2`)
			e.undecodable(topic, 0)
			e.post(204, "positions/beginning", `{"partitions":[]}`)
			e.undecodable(topic, 0)
			once(e, "2")
		}, "seekToBeginning", "poll"),
	}
}

// sizes is about max_bytes and large answers.
func sizes() []sequence {
	const lost = "the records are lost"
	three := func(e *env) (topic string, sizes [3]int) {
		topic = e.topic("$TOPIC")
		e.produce("json", topic, `{"value":"0"}`, `{"value":"one"}`, `{"value":"two, longer"}`)
		for i, value := range []string{`"0"`, `"one"`, `"two, longer"`} {
			sizes[i] = len(e.recordText(topic, int64(i), value))
		}
		e.create("json")
		e.assign(topic, 1)
		return topic, sizes
	}
	limited := func(e *env, limit int, want string) {
		e.Helper()
		if got := values(e.pollBytes("json", limit)); got != want {
			e.Fatalf("with max_bytes=%d: %s, want %s", limit, got, want)
		}
	}
	refused := func(e *env, limit int) {
		e.Helper()
		got := e.must(422, "GET", fmt.Sprintf("$CONSUMER/records?timeout=5000&max_bytes=%d", limit), "", "", "Accept: "+typeJSON)
		if got != `{"error_code":422,"message":"`+tooManyBytes+`"}` {
			e.Errorf("answer %s", got)
		}
	}
	return []sequence{
		with("1.6/poll/max-bytes-exact", lost, func(e *env) {
			_, n := three(e)
			limited(e, n[0]+n[1]+3, `"0" "one"`)
			limited(e, n[2]+2, `"two, longer"`)
		}, "poll"),
		with("1.6/poll/max-bytes-one-short", lost, func(e *env) {
			_, n := three(e)
			limited(e, n[0]+n[1]+2, `"0"`)
			limited(e, n[1]+n[2]+3, `"one" "two, longer"`)
		}, "poll"),
		with("1.6/poll/max-bytes-not-even-one", lost, func(e *env) {
			_, n := three(e)
			refused(e, n[0]+1)
			refused(e, n[0]+1)
			limited(e, n[0]+2, `"0"`)
			refused(e, n[1]+1)
			if got := values(e.poll("json", 2)); got != `"one" "two, longer"` {
				e.Errorf("got %s", got)
			}
		}, "poll"),
		with("1.6/poll/max-bytes-before-decoding", lost, func(e *env) {
			topic := e.topic("$TOPIC")
			e.write(&kgo.Record{Topic: topic, Value: []byte("{" + strings.Repeat("x", 1000))})
			e.create("json")
			e.assign(topic, 1)
			refused(e, 500)
			e.undecodable(topic, 0)
		}, "poll"),
		with("1.6/poll/max-bytes-is-the-requests-own", "", func(e *env) {
			_, n := three(e)
			limited(e, n[0]+2, `"0"`)
			if got := values(e.poll("json", 2)); got != `"one" "two, longer"` {
				e.Errorf("without a limit: %s", got)
			}
		}, "poll"),
		with("1.6/poll/600-records", "", func(e *env) {
			topic := e.topic("$TOPIC")
			batch := make([]*kgo.Record, 600)
			for i := range batch {
				batch[i] = &kgo.Record{Topic: topic, Value: fmt.Append(nil, i)}
			}
			if err := e.s.native.ProduceSync(e.ctx, batch...).FirstErr(); err != nil {
				e.Fatal(err)
			}
			e.create("json")
			e.assign(topic, 1)
			var got []polled
			for len(got) < 600 {
				page := e.pollOnce("json", 5*time.Second)
				if len(page) == 0 || len(page) > 500 {
					e.Fatalf("a poll of %d records after %d", len(page), len(got))
				}
				got = append(got, page...)
			}
			for i, r := range got {
				if r.Offset != int64(i) || string(r.Value) != fmt.Sprint(i) {
					e.Fatalf("record %d has offset %d and value %s", i, r.Offset, r.Value)
				}
			}
		}, "poll"),
		with("1.6/poll/large-answer", "", func(e *env) {
			topic := e.topic("$TOPIC")
			var want []string
			for i := range 4 {
				value := strings.Repeat(string(rune('a'+i)), 700_000)
				e.write(&kgo.Record{Topic: topic, Value: []byte(value)})
				want = append(want, quote(value))
			}
			e.create("text")
			e.assign(topic, 1)
			if got := values(e.poll("text", 4)); got != strings.Join(want, " ") {
				e.Errorf("%d bytes of values, want %d", len(got), len(strings.Join(want, " ")))
			}
		}, "poll"),
	}
}

// waits is about polls that take time.
func waits() []sequence {
	idle := func(e *env) string {
		topic := e.topic("$TOPIC")
		e.create("json")
		e.assign(topic, 1)
		e.pollOnce("json", 0)
		return topic
	}
	// twin asks the same instance over a connection of its own.
	twin := func(e *env) *env {
		o := e.other()
		o.group, o.name = e.group, e.name
		return o
	}
	long := func(e *env, timeout time.Duration) <-chan answer {
		o := twin(e)
		out := e.later(func() answer {
			return o.ask("GET", fmt.Sprintf("$CONSUMER/records?timeout=%d", timeout.Milliseconds()), "", "", "Accept: "+typeJSON)
		})
		// Nothing outside the bridge tells that a poll has begun, so this waits by the clock.
		time.Sleep(400 * time.Millisecond)
		return out
	}
	return []sequence{
		with("1.6/poll/waits-and-wakes", "", func(e *env) {
			topic := idle(e)
			begin := time.Now()
			poll := long(e, 30*time.Second)
			e.write(&kgo.Record{Topic: topic, Value: []byte("1")})
			if a := <-poll; a.status != 200 || !strings.Contains(a.body, `"value":1`) {
				e.Errorf("answer %d %s", a.status, a.body)
			}
			if took := time.Since(begin); took > 15*time.Second {
				e.Errorf("woke after %v", took)
			}
		}, "poll"),
		with("1.6/poll/waits-its-time", "", func(e *env) {
			idle(e)
			begin := time.Now()
			if got := e.pollOnce("json", 1200*time.Millisecond); len(got) != 0 {
				e.Errorf("got %s", values(got))
			}
			if took := time.Since(begin); took < 1100*time.Millisecond || took > 10*time.Second {
				e.Errorf("took %v, want 1.2 s", took)
			}
		}, "poll"),
		with("2.2/poll/second-waits", "", func(e *env) {
			idle(e)
			begin := time.Now()
			first := long(e, 2*time.Second)
			e.pollOnce("json", 100*time.Millisecond)
			if took := time.Since(begin); took < 1900*time.Millisecond {
				e.Errorf("the second poll was answered after %v, before the first", took)
			}
			if a := <-first; a.status != 200 || a.body != "[]" {
				e.Errorf("first poll: %d %s", a.status, a.body)
			}
		}, "poll"),
		with("2.2/delete-consumer/during-a-long-poll", "", func(e *env) {
			topic := idle(e)
			poll := long(e, 20*time.Second)
			o := twin(e)
			deleted := e.later(func() answer { return o.ask("DELETE", "$CONSUMER", "", "") })
			time.Sleep(400 * time.Millisecond) // as above
			e.write(&kgo.Record{Topic: topic, Value: []byte("1")})
			if a := <-poll; a.status != 200 || !strings.Contains(a.body, `"value":1`) {
				e.Errorf("the poll got %d %s", a.status, a.body)
			}
			if a := <-deleted; a.status != 204 {
				e.Errorf("the delete got %d %s", a.status, a.body)
			}
			e.must(404, "GET", "$CONSUMER/subscription", "", "")
		}, "deleteConsumer", "poll"),
		with("2.2/commit/behind-a-delete", "", func(e *env) {
			idle(e)
			poll := long(e, 2*time.Second)
			o, p := twin(e), twin(e)
			deleted := e.later(func() answer { return o.ask("DELETE", "$CONSUMER", "", "") })
			time.Sleep(400 * time.Millisecond) // as above
			a := p.ask("POST", "$CONSUMER/offsets", "", "")
			closed := `{"error_code":500,"message":"java.lang.IllegalStateException: This consumer has already been closed."}`
			if a.status != 404 && a.body != closed {
				e.Errorf("the commit got %d %s", a.status, a.body)
			}
			if a, b := <-poll, <-deleted; a.status != 200 || b.status != 204 {
				e.Errorf("poll %d, delete %d", a.status, b.status)
			}
		}, "commit", "deleteConsumer"),
		with("2.2/poll/vanished-client", "the records of a vanished client are dropped", func(e *env) {
			topic := idle(e)
			gone := twin(e)
			c := gone.connect(false)
			r := request{method: "GET", target: e.expand("$CONSUMER/records?timeout=30000"), header: []string{"Accept: " + typeJSON}}
			if _, err := c.nc.Write(r.bytes(c.host)); err != nil {
				e.Fatal(err)
			}
			time.Sleep(400 * time.Millisecond) // as above
			gone.disconnect(false)
			e.write(&kgo.Record{Topic: topic, Value: []byte("1")})
			begin := time.Now()
			if got := values(e.poll("json", 1)); got != "1" {
				e.Errorf("got %s", got)
			}
			if took := time.Since(begin); took > 10*time.Second {
				e.Errorf("the poll of the vanished client went on: %v", took)
			}
		}, "poll"),
	}
}

// producing is about sends beyond one record's bytes.
func producing() []sequence {
	return []sequence{
		with("1.5/send/async-is-stored", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.must(204, "POST", "/topics/"+topic+"?async=true", typeText, `{"records":[{"value":"a"},{"value":"b"}]}`)
			if r := e.read(topic, 0, 0, 2); string(r[0].Value)+string(r[1].Value) != "ab" {
				e.Errorf("stored %q, %q", r[0].Value, r[1].Value)
			}
		}, "send"),
		with("1.5/send-to-partition/async-is-stored", "", func(e *env) {
			topic := e.topic("$TOPIC3")
			e.must(204, "POST", "/topics/"+topic+"/partitions/1?async=true", typeText, `{"records":[{"value":"a"}]}`)
			if r := e.read(topic, 1, 0, 1); string(r[0].Value) != "a" {
				e.Errorf("stored %q", r[0].Value)
			}
		}, "sendToPartition"),
		with("1.5/send/order-of-one-connection", "", func(e *env) {
			topic := e.topic("$TOPIC")
			for i := range 40 {
				path := "/topics/" + topic
				if i%3 == 0 {
					e.must(204, "POST", path+"?async=true", typeText, fmt.Sprintf(`{"records":[{"value":"%d"}]}`, i))
				} else {
					e.must(200, "POST", path, typeText, fmt.Sprintf(`{"records":[{"value":"%d"}]}`, i))
				}
			}
			for i, r := range e.read(topic, 0, 0, 40) {
				if string(r.Value) != fmt.Sprint(i) {
					e.Fatalf("record %d is %s", i, r.Value)
				}
			}
		}, "send"),
		with("1.5/send/many-records-in-order", "", func(e *env) {
			topic := e.topic("$TOPIC")
			records := make([]string, 3000)
			want := make([]string, len(records))
			for i := range records {
				records[i] = fmt.Sprintf(`{"value":"%d"}`, i)
				want[i] = fmt.Sprintf(`{"partition":0,"offset":%d}`, i)
			}
			body := e.must(200, "POST", "/topics/"+topic, typeText, `{"records":[`+strings.Join(records, ",")+`]}`)
			if diff := cmp.Diff(`{"offsets":[`+strings.Join(want, ",")+`]}`, body); diff != "" {
				e.Errorf("answer (-want +got):\n%.2000s", diff)
			}
		}, "send"),
		with("1.5/send/all-or-nothing", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.must(422, "POST", "/topics/"+topic, typeText, `{"records":[{"value":"good"},{"value":{}}]}`)
			e.must(400, "POST", "/topics/"+topic, typeText, `{"records":[{"value":"good"},{"key":"k"}]}`)
			if end := e.end(topic, 0); end != 0 {
				e.Errorf("%d records were stored", end)
			}
		}, "send"),
		with("1.5/send/keyless-reach-every-partition", "", func(e *env) {
			topic := e.topic("$TOPIC3")
			e.eventually("a record in each partition", func() bool {
				e.produce("text", topic, `{"value":"`+strings.Repeat("x", 20_000)+`"}`)
				return e.end(topic, 0) > 0 && e.end(topic, 1) > 0 && e.end(topic, 2) > 0
			})
		}, "send"),
		{
			name: "1.5/send/unknown-topic-one-wait", ops: []string{"send"}, mends: "each record waits for max.block.ms", noCreate: true,
			play: func(e *env) {
				if e.s.local == nil {
					e.Skip("takes max.block.ms, a minute by default")
				}
				body := `{"records":[` + strings.Repeat(`{"value":"v"},`, 9) + `{"value":"v"}]}`
				begin := time.Now()
				a := e.ask("POST", "/topics/$MISSING", typeJSON, body)
				if n := strings.Count(a.body, "not present in metadata"); n != 10 {
					e.Errorf("%d elements say so: %s", n, a.body)
				}
				if took := time.Since(begin); took > 6*time.Second {
					e.Errorf("ten records took %v", took)
				}
				e.s.createTopic(e, e.missing, 1)
				e.eventually("a send to the topic now that it exists", func() bool {
					return !strings.Contains(e.must(200, "POST", "/topics/$MISSING", typeJSON, `{"records":[{"value":"v"}]}`), "error_code")
				})
			},
		},
		{
			name: "1.5/send-to-partition/topic-made-on-first-use", ops: []string{"sendToPartition", "send"}, bridge: creates,
			play: func(e *env) {
				got := e.must(200, "POST", "/topics/$MISSING/partitions/1", typeJSON, `{"records":[{"value":"v"}]}`)
				if !strings.Contains(got, "Partition 1 of topic "+e.missing+" with partition count 1 is not present in metadata after") {
					e.Errorf("answer %s", got)
				}
				if got := e.must(200, "POST", "/topics/$MISSING", typeJSON, `{"records":[{"value":"v"}]}`); got != `{"offsets":[{"partition":0,"offset":0}]}` {
					e.Errorf("answer %s", got)
				}
			},
		},
	}
}

// topicSequences are about topics that change.
func topicSequences() []sequence {
	return []sequence{
		with("1.7/create-topic/then-everywhere", "", func(e *env) {
			name := e.expand("new-$NAME")
			e.must(201, "POST", "/admin/topics", typeJSON, `{"topic_name":"`+name+`","partitions_count":2}`)
			e.eventually("the topic in the list", func() bool {
				return strings.Contains(e.must(200, "GET", "/topics", "", ""), `"`+name+`"`)
			})
			if got := e.must(200, "GET", "/topics/"+name+"/partitions", "", ""); strings.Count(got, `"leader":`) < 2 {
				e.Errorf("partitions %s", got)
			}
			if got := e.must(500, "POST", "/admin/topics", typeJSON, `{"topic_name":"`+name+`"}`); got != `{"error_code":500,"message":"Topic '`+name+`' already exists."}` {
				e.Errorf("answer %s", got)
			}
			e.produce("json", name, `{"value":"v"}`)
		}, "createTopic", "listTopics", "listPartitions", "send"),
		with("1.7/get-offsets/moves", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.produce("json", topic, `{"value":"0"}`, `{"value":"1"}`, `{"value":"2"}`, `{"value":"3"}`, `{"value":"4"}`)
			path := "/topics/" + topic + "/partitions/0/offsets"
			if got := e.must(200, "GET", path, "", ""); got != `{"beginning_offset":0,"end_offset":5}` {
				e.Errorf("answer %s", got)
			}
			var before kadm.Offsets
			before.AddOffset(topic, 0, 2, -1)
			if _, err := e.s.admin.DeleteRecords(e.ctx, before); err != nil {
				e.Fatal(err)
			}
			if got := e.must(200, "GET", path, "", ""); got != `{"beginning_offset":2,"end_offset":5}` {
				e.Errorf("after deleting two records: %s", got)
			}
		}, "getOffsets"),
		with("1.7/get-topic/null-config", "", func(e *env) {
			var got struct {
				Configs map[string]*string `json:"configs"`
			}
			if err := json.Unmarshal([]byte(e.must(200, "GET", "/topics/$ONE", "", "")), &got); err != nil {
				e.Fatal(err)
			}
			for _, key := range []string{"cleanup.policy", "compression.type", "max.message.bytes", "min.insync.replicas", "retention.bytes", "segment.bytes"} {
				if got.Configs[key] == nil {
					e.Errorf("the setting %s has no value", key)
				}
			}
		}, "getTopic"),
	}
}
