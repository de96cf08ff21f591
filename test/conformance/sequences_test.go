package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sequences returns every case of several requests that may run beside others.
func sequences() []sequence {
	return slices.Concat(
		fidelitySequences(), nativeSequences(), partitionSequences(),
		lifeCycle(), commits(), positions(), assignments(), poisons(), sizes(), waits(), isolation(), producing(), topicSequences(), connections(), partings(),
	)
}

// with is a sequence of one operation and others that it needs.
func with(name, mends string, play func(e *env), ops ...string) sequence {
	return sequence{name: name, ops: ops, mends: mends, play: play}
}

// lifeCycle is about instances as such.
func lifeCycle() []sequence {
	return []sequence{
		with("1.6/create-consumer/article", "the first polls are empty", func(e *env) {
			topic := e.topic("$TOPIC")
			e.produce("json", topic, `{"key":"a","value":"1"}`, `{"value":"2"}`)
			e.create("json", `"enable.auto.commit":false`)
			e.subscribe(topic)
			if got := values(e.pollOnce("json", 10*time.Second)); got != `"1" "2"` {
				e.Fatalf("the first poll returned %s", got)
			}
			e.must(204, "POST", "$CONSUMER/offsets", "", "")
			e.must(204, "DELETE", "$CONSUMER", "", "")
			if got := e.committed(e.group, topic, 0); got != 2 {
				e.Errorf("committed %d, want 2", got)
			}
		}, "createConsumer", "subscribe", "poll", "commit", "deleteConsumer"),
		with("1.6/create-consumer/again-after-delete", "", func(e *env) {
			e.create("json")
			e.must(204, "DELETE", "$CONSUMER", "", "")
			e.must(404, "GET", "$CONSUMER/subscription", "", "")
			e.create("text")
			e.must(204, "DELETE", "$CONSUMER", "", "")
			e.must(404, "DELETE", "$CONSUMER", "", "")
		}, "createConsumer", "deleteConsumer"),
		with("1.6/create-consumer/same-name-in-two-groups", "", func(e *env) {
			o := e.other()
			o.name = e.name
			e.create("json")
			o.create("json")
			e.must(204, "DELETE", "$CONSUMER", "", "")
			o.must(200, "GET", "$CONSUMER/subscription", "", "")
		}, "createConsumer"),
		with("1.9a/create-consumer/odd-names-work", "a name has to be encoded by the client", func(e *env) {
			e.name = "ä b/c?d%2F" + e.name
			body := e.must(200, "POST", "/consumers/$GROUP", typeV2, `{"name":`+quote(e.name)+`}`)
			_, uri, _ := strings.Cut(body, `"base_uri":"`)
			uri = strings.TrimSuffix(uri, `"}`)
			path := strings.TrimPrefix(uri, "http://"+e.to.api.Host)
			if path != e.consumer() {
				e.Fatalf("base_uri %s, want a path %s", uri, e.consumer())
			}
			e.must(200, "GET", path+"/subscription", "", "")
			e.must(204, "DELETE", path, "", "")
		}, "createConsumer", "deleteConsumer"),
		with("1.6/delete-consumer/two-at-once", "", func(e *env) {
			e.create("json")
			e.assign(e.topic("$TOPIC"), 1)
			o := e.other()
			o.group, o.name = e.group, e.name
			first := e.later(func() answer { return o.ask("DELETE", "$CONSUMER", "", "") })
			a, b := e.ask("DELETE", "$CONSUMER", "", ""), <-first
			for _, status := range []int{a.status, b.status} {
				// The one that comes after the other has ended finds nothing.
				if status != 204 && status != 404 {
					e.Errorf("a delete answered %d", status)
				}
			}
			if a.status != 204 && b.status != 204 {
				e.Errorf("neither delete answered 204")
			}
		}, "deleteConsumer"),
		{
			name: "2.3/create-consumer/idle-ones-go", ops: []string{"createConsumer", "listSubscriptions"}, bridge: unnamed,
			play: func(e *env) {
				all := []*env{e, e.other(), e.other()}
				for _, one := range all {
					one.create("json")
				}
				// Asking would keep them, so this is the one place that has to wait by the clock:
				// 1 s of idleness, half a second for the bridge to notice, and slack.
				time.Sleep(4 * time.Second)
				for _, one := range all {
					one.must(404, "GET", "$CONSUMER/subscription", "", "")
				}
			},
		},
		{
			name: "2.3/list-subscriptions/busy-ones-stay", ops: []string{"listSubscriptions", "poll"}, bridge: unnamed,
			play: func(e *env) {
				e.create("json")
				e.assign(e.topic("$TOPIC"), 1)
				for range 8 {
					e.pollOnce("json", 500*time.Millisecond)
				}
				e.must(200, "GET", "$CONSUMER/subscription", "", "")
			},
		},
	}
}

// later runs a step beside others; the channel gives its answer, or one without a
// status when the step failed.
func (e *env) later(step func() answer) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		defer close(out)
		out <- step()
	}()
	return out
}

// commits is about what a group keeps.
func commits() []sequence {
	three := func(e *env) string {
		topic := e.topic("$TOPIC")
		e.produce("json", topic, `{"value":"0"}`, `{"value":"1"}`, `{"value":"2"}`)
		return topic
	}
	const manual = `"enable.auto.commit":false`
	return []sequence{
		with("1.6/commit/second-consumer-continues", "", func(e *env) {
			topic := three(e)
			e.create("json", manual)
			e.subscribe(topic)
			e.poll("json", 3)
			e.post(204, "offsets", `{"offsets":[{"topic":"`+topic+`","partition":0,"offset":2}]}`)
			e.must(204, "DELETE", "$CONSUMER", "", "")
			o := e.peerInGroup()
			o.create("json", manual)
			o.subscribe(topic)
			if got := values(o.poll("json", 1)); got != `"2"` {
				e.Errorf("the second consumer got %s", got)
			}
		}, "commit", "poll"),
		with("1.6/commit/last-polled", "", func(e *env) {
			topic := three(e)
			e.create("json", manual)
			e.assign(topic, 1)
			e.poll("json", 3)
			e.must(204, "POST", "$CONSUMER/offsets", "", "")
			if got := e.committed(e.group, topic, 0); got != 3 {
				e.Errorf("committed %d, want 3", got)
			}
		}, "commit"),
		with("1.6/commit/empty-list-commits-nothing", "", func(e *env) {
			topic := three(e)
			e.create("json", manual)
			e.assign(topic, 1)
			e.poll("json", 3)
			e.post(204, "offsets", `{"offsets":[]}`)
			if got := e.committed(e.group, topic, 0); got != -1 {
				e.Errorf("committed %d, want nothing", got)
			}
		}, "commit"),
		with("1.6/commit/empty-object-is-last-polled", "", func(e *env) {
			topic := three(e)
			e.create("json", manual)
			e.assign(topic, 1)
			e.poll("json", 3)
			e.post(204, "offsets", `{}`)
			if got := e.committed(e.group, topic, 0); got != 3 {
				e.Errorf("committed %d, want 3", got)
			}
		}, "commit"),
		with("1.6/assign/starts-at-the-commit", "", func(e *env) {
			topic := three(e)
			e.create("json", manual)
			e.assign(topic, 1)
			e.post(204, "offsets", `{"offsets":[{"topic":"`+topic+`","partition":0,"offset":1}]}`)
			o := e.peerInGroup()
			o.create("json", manual)
			o.assign(topic, 1)
			if got := values(o.poll("json", 2)); got != `"1" "2"` {
				e.Errorf("got %s", got)
			}
		}, "assign", "commit"),
		with("1.6/poll/no-auto-commit", "", func(e *env) {
			topic := three(e)
			e.create("json", manual)
			e.subscribe(topic)
			e.poll("json", 3)
			e.must(204, "DELETE", "$CONSUMER", "", "")
			if got := e.committed(e.group, topic, 0); got != -1 {
				e.Errorf("committed %d, want nothing", got)
			}
		}, "poll", "deleteConsumer"),
		with("1.6/delete-consumer/auto-commits", "", func(e *env) {
			topic := three(e)
			e.create("json")
			e.subscribe(topic)
			e.poll("json", 3)
			e.must(204, "DELETE", "$CONSUMER", "", "")
			if got := e.committed(e.group, topic, 0); got != 3 {
				e.Errorf("committed %d, want 3", got)
			}
		}, "poll", "deleteConsumer"),
		with("1.6/delete-consumer/auto-commits-what-was-returned", "records fetched but never answered are committed", func(e *env) {
			topic := three(e)
			e.create("json")
			e.subscribe(topic)
			one := len(e.recordText(topic, 0, `"0"`)) + 2
			if got := values(e.pollBytes("json", one)); got != `"0"` {
				e.Fatalf("got %s", got)
			}
			e.must(204, "DELETE", "$CONSUMER", "", "")
			if got := e.committed(e.group, topic, 0); got != 1 {
				e.Errorf("committed %d, want 1", got)
			}
		}, "poll", "deleteConsumer"),
		with("1.6/commit/partition-that-does-not-exist", "the answer takes default.api.timeout.ms", func(e *env) {
			e.create("json")
			e.assign(e.s.one, 1)
			got := e.post(500, "offsets", `{"offsets":[{"topic":"$ONE","partition":99,"offset":0}]}`)
			if !strings.Contains(got, "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: ") {
				e.Errorf("answer %s", got)
			}
		}, "commit"),
	}
}

// recordText is how a record without key and headers stands in an answer.
func (e *env) recordText(topic string, offset int64, value string) string {
	e.Helper()
	r := e.read(topic, 0, offset, 1)[0]
	return fmt.Sprintf(`{"topic":%q,"key":null,"value":%s,"partition":0,"offset":%d,"timestamp":%d}`, topic, value, offset, r.Timestamp.UnixMilli())
}

// positions is about the three seeks.
func positions() []sequence {
	three := func(e *env) string {
		topic := e.topic("$TOPIC")
		e.produce("json", topic, `{"value":"0"}`, `{"value":"1"}`, `{"value":"2"}`)
		e.create("json")
		e.assign(topic, 1)
		return topic
	}
	seek := func(e *env, topic string, offset int) {
		e.post(204, "positions", fmt.Sprintf(`{"offsets":[{"topic":%q,"partition":0,"offset":%d}]}`, topic, offset))
	}
	expect := func(e *env, n int, want string) {
		e.Helper()
		if got := values(e.poll("json", n)); got != want {
			e.Errorf("got %s, want %s", got, want)
		}
	}
	return []sequence{
		with("1.6/seek/back-and-forth", "", func(e *env) {
			topic := three(e)
			expect(e, 3, `"0" "1" "2"`)
			seek(e, topic, 1)
			expect(e, 2, `"1" "2"`)
			seek(e, topic, 2)
			expect(e, 1, `"2"`)
		}, "seek", "poll"),
		with("1.6/seek/before-the-first-poll", "", func(e *env) {
			seek(e, three(e), 2)
			expect(e, 1, `"2"`)
		}, "seek"),
		with("1.6/seek/beyond-the-log-resets", "", func(e *env) {
			seek(e, three(e), 1000)
			expect(e, 3, `"0" "1" "2"`)
		}, "seek"),
		with("1.6/seek/last-in-a-list-wins", "", func(e *env) {
			topic := three(e)
			e.post(204, "positions", strings.ReplaceAll(`{"offsets":[{"topic":"T","partition":0,"offset":0},{"topic":"T","partition":0,"offset":2}]}`, "T", topic))
			expect(e, 1, `"2"`)
		}, "seek"),
		with("1.6/seek/elements-before-a-bad-one-hold", "", func(e *env) {
			topic := three(e)
			expect(e, 3, `"0" "1" "2"`)
			e.post(404, "positions", strings.ReplaceAll(`{"offsets":[{"topic":"T","partition":0,"offset":1},{"topic":"T","partition":9,"offset":0}]}`, "T", topic))
			expect(e, 2, `"1" "2"`)
		}, "seek"),
		with("1.6/seek/subscribed", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.create("json")
			e.subscribe(topic)
			e.joined("json")
			e.produce("json", topic, `{"value":"0"}`, `{"value":"1"}`)
			seek(e, topic, 1)
			expect(e, 1, `"1"`)
		}, "seek", "subscribe"),
		with("1.6/seek-to-beginning/again", "", func(e *env) {
			topic := three(e)
			expect(e, 3, `"0" "1" "2"`)
			e.post(204, "positions/beginning", fmt.Sprintf(`{"partitions":[{"topic":%q,"partition":0}]}`, topic))
			expect(e, 3, `"0" "1" "2"`)
		}, "seekToBeginning"),
		with("1.6/seek-to-beginning/all-from-the-start", "", func(e *env) {
			three(e)
			expect(e, 3, `"0" "1" "2"`)
			e.post(204, "positions/beginning", `{"partitions":[]}`)
			expect(e, 3, `"0" "1" "2"`)
		}, "seekToBeginning"),
		with("1.6/seek-to-end/skips", "", func(e *env) {
			topic := three(e)
			e.post(204, "positions/end", fmt.Sprintf(`{"partitions":[{"topic":%q,"partition":0}]}`, topic))
			if got := e.pollOnce("json", 500*time.Millisecond); len(got) != 0 {
				e.Fatalf("%d records behind the end", len(got))
			}
			e.produce("json", topic, `{"value":"3"}`)
			expect(e, 1, `"3"`)
		}, "seekToEnd", "poll"),
		with("1.6/seek-to-end/all-to-the-end", "", func(e *env) {
			topic := three(e)
			e.post(204, "positions/end", `{"partitions":[]}`)
			if got := e.pollOnce("json", 500*time.Millisecond); len(got) != 0 {
				e.Fatalf("%d records behind the end", len(got))
			}
			e.produce("json", topic, `{"value":"3"}`)
			expect(e, 1, `"3"`)
		}, "seekToEnd"),
		with("1.6/create-consumer/reset-latest-skips-the-past", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.produce("json", topic, `{"value":"old"}`)
			e.must(200, "POST", "/consumers/$GROUP", typeV2, `{"name":"$NAME","format":"json","auto.offset.reset":"latest"}`)
			e.Cleanup(e.remove)
			e.assign(topic, 1)
			if got := e.pollOnce("json", 500*time.Millisecond); len(got) != 0 {
				e.Fatalf("got %s", values(got))
			}
			e.produce("json", topic, `{"value":"new"}`)
			expect(e, 1, `"new"`)
		}, "createConsumer", "poll"),
		with("1.6/poll/reset-none", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.must(200, "POST", "/consumers/$GROUP", typeV2, `{"name":"$NAME","format":"json","auto.offset.reset":"none"}`)
			e.Cleanup(e.remove)
			e.assign(topic, 1)
			got := e.must(500, "GET", "$CONSUMER/records?timeout=5000", "", "", "Accept: "+typeJSON)
			want := "NoOffsetForPartitionException: Undefined offset with no reset policy for partitions: [" + topic + "-0]"
			if !strings.Contains(got, want) {
				e.Errorf("answer %s, want %s", got, want)
			}
		}, "poll"),
		with("1.6/poll/reset-none-out-of-range", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.must(200, "POST", "/consumers/$GROUP", typeV2, `{"name":"$NAME","format":"json","auto.offset.reset":"none"}`)
			e.Cleanup(e.remove)
			e.assign(topic, 1)
			seek(e, topic, 1000)
			if got := e.must(500, "GET", "$CONSUMER/records?timeout=5000", "", "", "Accept: "+typeJSON); !strings.Contains(got, "OffsetOutOfRangeException: ") {
				e.Errorf("answer %s", got)
			}
		}, "poll"),
	}
}

// assignments is about what a consumer reads.
func assignments() []sequence {
	return []sequence{
		with("1.6/list-subscriptions/after-the-join", "", func(e *env) {
			topic := e.topic("$TOPIC3")
			e.create("json")
			e.subscribe(topic)
			e.joined("json")
			want := strings.ReplaceAll(`{"topics":["T"],"partitions":[{"T":[0,1,2]}]}`, "T", topic)
			if got := e.must(200, "GET", "$CONSUMER/subscription", "", ""); got != want {
				e.Errorf("listing %s, want %s", got, want)
			}
		}, "listSubscriptions", "subscribe"),
		with("1.6/list-subscriptions/shared-by-two", "", func(e *env) {
			topic := e.topic("$TOPIC3")
			o := e.peerInGroup()
			for _, one := range []*env{e, o} {
				one.create("json")
				one.subscribe(topic)
			}
			e.eventually("three partitions over two members", func() bool {
				mine, theirs := 0, 0
				for p := range 3 {
					mine += e.lists(p)
					theirs += o.lists(p)
				}
				return mine > 0 && theirs > 0 && mine+theirs == 3
			})
		}, "listSubscriptions", "subscribe", "poll"),
		with("1.6/subscribe/replaces", "", func(e *env) {
			first, second := e.topic("$TOPIC"), e.topic("$TOPIC3")
			e.create("json")
			e.subscribe(first)
			e.joined("json")
			e.subscribe(second)
			e.produce("json", first, `{"value":"first"}`)
			e.produce("json", second, `{"value":"second"}`)
			if got := values(e.poll("json", 1)); got != `"second"` {
				e.Errorf("got %s", got)
			}
		}, "subscribe"),
		with("1.6/subscribe/pattern-matches-whole-names", "", func(e *env) {
			stem := "p" + e.s.unique()
			for _, name := range []string{stem + "-a", stem + "-b", "x" + stem + "-c", stem + "-d-e"} {
				e.s.createTopic(e, name, 1)
				e.produce("json", name, `{"value":`+quote(strings.TrimPrefix(name, stem))+`}`)
			}
			e.create("json")
			e.post(204, "subscription", `{"topic_pattern":"`+stem+`-[a-z]"}`)
			got := strings.Fields(values(e.poll("json", 2)))
			slices.Sort(got)
			if strings.Join(got, " ") != `"-a" "-b"` {
				e.Errorf("got %s", got)
			}
		}, "subscribe"),
		with("1.6/assign/after-unsubscribe", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.produce("json", topic, `{"value":"v"}`)
			e.create("json")
			e.subscribe(topic)
			e.must(204, "DELETE", "$CONSUMER/subscription", "", "")
			e.assign(topic, 1)
			e.poll("json", 1)
		}, "unsubscribe", "assign"),
		with("1.6/subscribe/after-unassign", "", func(e *env) {
			topic := e.topic("$TOPIC")
			e.produce("json", topic, `{"value":"v"}`)
			e.create("json")
			e.assign(topic, 1)
			e.must(204, "DELETE", "$CONSUMER/subscription", "", "")
			e.subscribe(topic)
			e.poll("json", 1)
		}, "unsubscribe", "subscribe"),
		with("1.6/assign/replaces", "", func(e *env) {
			first, second := e.topic("$TOPIC"), e.topic("$TOPIC3")
			e.create("json")
			e.assign(first, 1)
			e.assign(second, 3)
			e.produce("json", first, `{"value":"first"}`)
			e.produce("json", second, `{"value":"second"}`)
			if got := values(e.poll("json", 1)); got != `"second"` {
				e.Errorf("got %s", got)
			}
		}, "assign"),
		with("1.6/assign/before-the-topic-exists", "", func(e *env) {
			e.create("json")
			e.assign(e.missing, 1)
			e.pollOnce("json", 200*time.Millisecond)
			e.s.createTopic(e, e.missing, 1)
			e.write(&kgo.Record{Topic: e.missing, Value: []byte(`"v"`)})
			if got := values(e.pollOnce("json", 4*time.Second)); got != `"v"` {
				e.Errorf("a poll of 4 s returned %q", got)
			}
		}, "assign", "poll"),
		with("1.6/unsubscribe/leaves-nothing-to-poll", "", func(e *env) {
			e.create("json")
			e.subscribe("$ONE")
			e.joinedOrNot()
			e.must(204, "DELETE", "$CONSUMER/subscription", "", "")
			if got := e.must(500, "GET", "$CONSUMER/records", "", "", "Accept: "+typeJSON); got != `{"error_code":500,"message":"`+notReading+`"}` {
				e.Errorf("answer %s", got)
			}
		}, "unsubscribe", "poll"),
	}
}

// joinedOrNot polls once, whatever comes: $ONE holds records of every format.
func (e *env) joinedOrNot() {
	e.Helper()
	e.ask("GET", "$CONSUMER/records?timeout=200", "", "", "Accept: "+typeJSON)
}

// lists tells (1 or 0) whether env's instance has a partition of $TOPIC3. It
// polls, since the reference joins inside polls only.
func (e *env) lists(partition int) int {
	e.Helper()
	e.pollOnce("json", 100*time.Millisecond)
	body := e.must(200, "GET", "$CONSUMER/subscription", "", "")
	_, list, _ := strings.Cut(body, `[{"`)
	if strings.Contains(list, fmt.Sprint(partition)+",") || strings.Contains(list, fmt.Sprint(partition)+"]") {
		return 1
	}
	return 0
}
