package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Case is one request and the answer that is owed. Texts may hold placeholders:
//
//	$ONE $THREE      topics of the run with one and three partitions
//	$TOPIC $TOPIC3   the same, made for this case alone and empty
//	$MISSING         a topic that does not exist
//	$GROUP $NAME     group and instance, of this case alone
//	$CONSUMER        /consumers/$GROUP/instances/$NAME
//	$HOST            the Host header of the bridge
//	$BLOCK           max.block.ms of the bridge, or a pattern for it (in like only)
type Case struct {
	// Name is section/operation/what is tried.
	Name string
	// Given prepares what the request needs.
	Given given
	// Bridge names the bridge to ask: plain, or one of the variants that exist
	// only when we start the bridge ourselves.
	Bridge variant
	// Management sends the request to the management listener.
	Management bool

	Method, Path string
	Type, Accept string
	Header       []string
	Body         string

	Status int
	// Want judges the body; nil demands an empty one.
	Want want
	// WantType is the content-type; "" stands for v2 with a body and none without,
	// "-" for any.
	WantType string
	// WantHeader lists "name: value" lines that the answer must have.
	WantHeader []string
	// Allow lists the methods that the allow header must name, in any order.
	Allow string

	// Mends says which defect of the reference this case shows as mended; it is
	// skipped with -peer=strimzi.
	Mends string
	// NoCreate skips the case where brokers create topics on first use.
	NoCreate bool
	// Ours skips the case with -url: it depends on a setting of the bridge.
	Ours bool
	// Lacks says what the in-process development broker does not do; the case runs
	// on real Kafka only.
	Lacks string
	// Raw exempts the exchange from the OpenAPI document, for the reason given.
	Raw string
	// After looks at the world afterwards.
	After func(e *env)
}

// given prepares an env before a request.
type given func(e *env)

// env is the surroundings of one case: its names, its connection, its deadline.
type env struct {
	*testing.T
	s           *suite
	ctx         context.Context
	to          *target
	c           *conn
	management  *conn
	group, name string
	missing     string
	topics      *topics
}

// topics are those made for one case, by placeholder.
type topics struct {
	mu    sync.Mutex
	names map[string]string
}

const (
	// ordinary bounds a case that waits for nothing but the bridge.
	ordinary = 30 * time.Second
	// patient bounds a case that a broker's timeout may hold up: Kafka's own
	// defaults reach a minute.
	patient = 100 * time.Second
)

// newEnv makes the surroundings of a case against one bridge.
func (s *suite) newEnv(t *testing.T, to *target, limit time.Duration) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), limit) // cleanups need it too
	id := s.unique()
	e := &env{
		T: t, s: s, ctx: ctx, to: to, group: "g" + id, name: "i" + id, missing: "missing" + id,
		topics: &topics{names: make(map[string]string)},
	}
	t.Cleanup(func() {
		cancel()
		for _, c := range []*conn{e.c, e.management} {
			if c != nil {
				c.close()
			}
		}
	})
	return e
}

// run plays one case.
func (s *suite) run(t *testing.T, c Case) {
	t.Helper()
	t.Parallel()
	to := s.target(t, c.Bridge)
	switch {
	case c.Mends != "" && *peer == "strimzi":
		t.Skipf("the reference has this defect: %s", c.Mends)
	case c.NoCreate && s.autoCreates:
		t.Skip("the brokers create topics on first use")
	case c.Lacks != "" && s.local != nil && developmentBroker:
		t.Skipf("the development broker lacks %s", c.Lacks)
	case c.Ours && s.local == nil:
		t.Skip("depends on a setting of the bridge")
	case c.Management && to.management == nil:
		t.Skip("no -management address was given")
	}
	e := s.newEnv(t, to, patient)
	if c.Given != nil {
		c.Given(e)
	}
	a := e.exchange(c.request(e), c.Management, c.Raw != "" || outsideDocument(c.Status))
	e.judge(c, a)
	if c.After != nil && !t.Failed() {
		c.After(e)
	}
	s.count(c.Method, e.expand(c.Path), c.Status)
}

// outsideDocument tells the statuses that are given before an operation is reached.
func outsideDocument(status int) bool {
	switch status {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return true
	}
	return false
}

// request returns the case's request with its placeholders filled.
func (c Case) request(e *env) request {
	r := request{method: c.Method, target: e.expand(c.Path), body: e.expand(c.Body)}
	if c.Type != "" {
		r.header = append(r.header, "Content-Type: "+c.Type)
	}
	if c.Accept != "" {
		r.header = append(r.header, "Accept: "+c.Accept)
	}
	for _, line := range c.Header {
		r.header = append(r.header, e.expand(line))
	}
	return r
}

// judge compares an answer with what a case owes.
func (e *env) judge(c Case, a answer) {
	e.Helper()
	if a.status != c.Status {
		e.Fatalf("status %d, want %d; body: %.500s", a.status, c.Status, a.body)
	}
	wantType := c.WantType
	if wantType == "" && c.Want != nil {
		wantType = typeV2
	}
	if got := a.header.Get("Content-Type"); got != wantType && wantType != "-" {
		e.Errorf("content-type %q, want %q", got, wantType)
	}
	for _, line := range c.WantHeader {
		key, value, _ := strings.Cut(line, ": ")
		if got := strings.Join(a.header.Values(key), ", "); got != e.expand(value) {
			e.Errorf("header %s: %q, want %q", key, got, value)
		}
	}
	if c.Allow != "" && methods(a.header.Get("Allow")) != methods(c.Allow) {
		e.Errorf("allow: %q, want %q", a.header.Get("Allow"), c.Allow)
	}
	switch {
	case c.Want != nil:
		if err := c.Want(e, a.body); err != nil {
			e.Error(err)
		}
	case a.body != "":
		e.Errorf("body %.300q, want none", a.body)
	}
}

// methods brings a list of methods into one form.
func methods(list string) string {
	all := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(all)
	return strings.Join(all, ",")
}

// exchange sends a request over the env's connection to a listener and checks
// what every answer owes, and the OpenAPI document unless raw.
func (e *env) exchange(r request, management, raw bool) answer {
	e.Helper()
	c := e.connect(management)
	a, err := c.do(e.ctx, r)
	if err != nil {
		e.Fatalf("%s %.200s: %v", r.method, r.target, err)
	}
	if a.closes {
		e.disconnect(management)
	}
	if err := a.check(); err != nil {
		e.Errorf("%s %.200s: %v", r.method, r.target, err)
	}
	if !raw {
		e.s.document(e.T, r, a)
	}
	return a
}

// connect returns the open connection to a listener, dialing if there is none.
func (e *env) connect(management bool) *conn {
	e.Helper()
	slot, base := &e.c, e.to.api
	if management {
		slot, base = &e.management, e.to.management
	}
	if *slot == nil {
		c, err := dial(e.ctx, base)
		if err != nil {
			e.Fatal(err)
		}
		*slot = c
	}
	return *slot
}

func (e *env) disconnect(management bool) {
	slot := &e.c
	if management {
		slot = &e.management
	}
	(*slot).close()
	*slot = nil
}

// expand fills placeholders. Topics of the case are made when first named.
func (e *env) expand(text string) string {
	e.Helper()
	if !strings.Contains(text, "$") {
		return text
	}
	pairs := []string{
		"$CONSUMER", e.consumer(), "$GROUP", e.group, "$NAME", e.name, "$MISSING", e.missing,
		"$ONE", e.s.one, "$THREE", e.s.three, "$HOST", e.to.api.Host, "$BLOCK", e.to.block,
	}
	for _, name := range []string{"$TOPIC3", "$TOPIC"} { // the longer one first
		if strings.Contains(text, name) {
			pairs = append(pairs, name, e.topic(name))
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (e *env) consumer() string {
	return "/consumers/" + url.PathEscape(e.group) + "/instances/" + url.PathEscape(e.name)
}

// topic returns the case's own topic of a placeholder's kind.
func (e *env) topic(placeholder string) string {
	e.Helper()
	e.topics.mu.Lock()
	defer e.topics.mu.Unlock()
	if name, ok := e.topics.names[placeholder]; ok {
		return name
	}
	partitions := int32(1)
	if placeholder == "$TOPIC3" {
		partitions = 3
	}
	name := fmt.Sprintf("t%s-%d", e.s.unique(), partitions)
	e.s.createTopic(e, name, partitions)
	e.topics.names[placeholder] = name
	return name
}
