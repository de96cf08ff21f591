package conformance

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// sequence is a case that takes several requests.
type sequence struct {
	name   string // section/operation/what
	ops    []string
	bridge variant
	mends  string // as Case.Mends
	// noCreate is Case.NoCreate.
	noCreate bool
	play     func(e *env)
}

func (s *suite) play(t *testing.T, q sequence) {
	t.Helper()
	t.Parallel()
	s.playAlone(t, q)
}

func (s *suite) playAlone(t *testing.T, q sequence) {
	t.Helper()
	to := s.target(t, q.bridge)
	switch {
	case q.mends != "" && *peer == "strimzi":
		t.Skipf("the reference has this defect: %s", q.mends)
	case q.noCreate && s.autoCreates:
		t.Skip("the brokers create topics on first use")
	}
	q.play(s.newEnv(t, to, patient))
	for _, op := range q.ops {
		s.book(op, inSequence)
	}
}

// other returns an env with its own connection and names, on the same bridge.
// Topics are shared.
func (e *env) other() *env {
	e.Helper()
	o := e.s.newEnv(e.T, e.to, patient)
	o.topics = e.topics
	return o
}

// peerInGroup is other with the same group.
func (e *env) peerInGroup() *env {
	e.Helper()
	o := e.other()
	o.group = e.group
	return o
}

// ask sends a request whose answer the caller judges.
func (e *env) ask(method, path, mediaType, body string, header ...string) answer {
	e.Helper()
	r := request{method: method, target: e.expand(path), body: e.expand(body)}
	if mediaType != "" {
		r.header = append(r.header, "Content-Type: "+mediaType)
	}
	for _, line := range header {
		r.header = append(r.header, e.expand(line))
	}
	return e.exchange(r, false, false)
}

// must is ask for an answer of one status; it returns the body.
func (e *env) must(status int, method, path, mediaType, body string, header ...string) string {
	e.Helper()
	a := e.ask(method, path, mediaType, body, header...)
	if a.status != status {
		e.Fatalf("%s %s: status %d, want %d; body %.500s", method, e.expand(path), a.status, status, a.body)
	}
	return a.body
}

// post is must for a consumer operation of env's own instance.
func (e *env) post(status int, operation, body string) string {
	e.Helper()
	return e.must(status, http.MethodPost, "$CONSUMER/"+operation, typeV2, body)
}

// create makes env's consumer instance; settings are further members of the body.
// It is deleted when the test ends.
func (e *env) create(format string, settings ...string) {
	e.Helper()
	members := append([]string{`"name":"` + e.name + `"`, `"format":"` + format + `"`, `"auto.offset.reset":"earliest"`}, settings...)
	e.must(200, http.MethodPost, "/consumers/$GROUP", typeV2, "{"+strings.Join(members, ",")+"}")
	e.Cleanup(e.remove)
}

// remove deletes env's instance if it is still there. A 500 (the consumer did not
// close well) is for the cases to judge that are about it.
func (e *env) remove() {
	e.Helper()
	c, err := dial(e.ctx, e.to.api)
	if err != nil {
		e.Error(err)
		return
	}
	defer c.close()
	a, err := c.do(e.ctx, request{method: http.MethodDelete, target: e.consumer()})
	if err != nil || (a.status != http.StatusNoContent && a.status != http.StatusNotFound && a.status != http.StatusInternalServerError) {
		e.Errorf("deleting %s: status %d, %v", e.consumer(), a.status, err)
	}
}

// subscribe subscribes env's instance to topics.
func (e *env) subscribe(topics ...string) {
	e.Helper()
	e.post(204, "subscription", `{"topics":["`+strings.Join(topics, `","`)+`"]}`)
}

// assign assigns the first n partitions of a topic.
func (e *env) assign(topic string, n int) {
	e.Helper()
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"topic":%q,"partition":%d}`, topic, i)
	}
	e.post(204, "assignments", `{"partitions":[`+strings.Join(list, ",")+`]}`)
}

// produce sends records in a format and demands that all were stored.
func (e *env) produce(format, topic string, records ...string) {
	e.Helper()
	body := e.must(200, http.MethodPost, "/topics/"+topic, mediaTypes[format], `{"records":[`+strings.Join(records, ",")+`]}`)
	if strings.Contains(body, "error_code") {
		e.Fatalf("sending to %s: %s", e.expand(topic), body)
	}
}

// mediaTypes are the embedded formats' types.
var mediaTypes = map[string]string{"json": typeJSON, "binary": typeBinary, "text": typeText}

// polled is one record of a poll answer.
type polled struct {
	Topic     string          `json:"topic"`
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
	Partition int32           `json:"partition"`
	Offset    int64           `json:"offset"`
	Timestamp int64           `json:"timestamp"`
}

// pollOnce polls env's instance once, waiting at most the given time.
func (e *env) pollOnce(format string, timeout time.Duration) []polled {
	e.Helper()
	path := fmt.Sprintf("$CONSUMER/records?timeout=%d", timeout.Milliseconds())
	body := e.must(200, http.MethodGet, path, "", "", "Accept: "+mediaTypes[format])
	var out []polled
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		e.Fatalf("poll answer %.300q: %v", body, err)
	}
	return out
}

// poll polls until n records have come, in any number of polls, at most 20 s.
func (e *env) poll(format string, n int) []polled {
	e.Helper()
	var out []polled
	for end := time.Now().Add(20 * time.Second); len(out) < n; {
		out = append(out, e.pollOnce(format, time.Second)...)
		if time.Now().After(end) && len(out) < n {
			e.Fatalf("%d of %d records within 20 s", len(out), n)
		}
	}
	if len(out) > n {
		e.Fatalf("%d records, want %d", len(out), n)
	}
	return out
}

// values joins the values of polled records.
func values(records []polled) string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = string(r.Value)
	}
	return strings.Join(out, " ")
}

// joined polls until the group has given env's instance its partitions, and
// fails if a record comes with that.
func (e *env) joined(format string) {
	e.Helper()
	e.eventually("assignment of "+e.name, func() bool {
		if got := e.pollOnce(format, 200*time.Millisecond); len(got) > 0 {
			e.Fatalf("%d records while joining, want none", len(got))
		}
		return strings.Contains(e.must(200, http.MethodGet, "$CONSUMER/subscription", "", ""), "[{")
	})
}

// Given: an instance of this format, with earliest as its reset policy.
func consumer(format string, settings ...string) given {
	return func(e *env) { e.create(format, settings...) }
}

// Given: an instance with partition 0 of a topic assigned.
func assigned(format, topic string) given {
	return func(e *env) {
		e.create(format)
		e.assign(e.expand(topic), 1)
	}
}

// Given: an instance subscribed to a topic.
func subscribed(format, topic string) given {
	return func(e *env) {
		e.create(format)
		e.subscribe(topic)
	}
}
