package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/devbroker"
	"github.com/steg-kafka/steg/test/chaos/check"
)

// liar stands before a bridge and makes it a worse one. It shows that the clients and the checker of the real runs,
// which are the same as here, notice.
type liar struct {
	bridge *bridge
	spoil  func(l *liar, w http.ResponseWriter, r *http.Request, body []byte) bool // true: it has answered

	mu    sync.Mutex
	asked int
	kept  []byte // an answer from before
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if l.spoil != nil && l.spoil(l, w, r, body) {
		return
	}
	status, answer := l.forward(r, body)
	reply(w, status, answer)
}

// forward asks the bridge.
func (l *liar) forward(r *http.Request, body []byte) (status int, answer []byte) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+l.bridge.address()+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return http.StatusBadGateway, nil
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return http.StatusBadGateway, nil
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return http.StatusBadGateway, nil
	}
	return resp.StatusCode, answer
}

func reply(w http.ResponseWriter, status int, body []byte) {
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// every reports true for each nth call.
func (l *liar) every(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return l.asked%n == 0
}

func (l *liar) keep(b []byte) (before []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before, l.kept = l.kept, b
	return before
}

func isPoll(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/records") }
func isSend(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/topics/") }

// acknowledgesEarly answers some sends before Kafka has, and then drops them, as a bridge that dies would.
func acknowledgesEarly(l *liar, w http.ResponseWriter, r *http.Request, body []byte) bool {
	if !isSend(r) {
		return false
	}
	if !l.every(5) {
		status, answer := l.forward(r, body)
		l.keep(answer)
		reply(w, status, answer)
		return true
	}
	reply(w, http.StatusOK, l.keep(nil)) // offsets as they may be
	return true
}

// writesTwice sends some requests to Kafka again, as a producer without idempotence does that missed an answer.
func writesTwice(l *liar, w http.ResponseWriter, r *http.Request, body []byte) bool {
	if isSend(r) && l.every(5) {
		l.forward(r, body)
	}
	return false
}

// commitsEarly commits what was polled before the client has got it, and some answers never arrive.
func commitsEarly(l *liar, w http.ResponseWriter, r *http.Request, body []byte) bool {
	if !isPoll(r) {
		return false
	}
	status, answer := l.forward(r, body)
	commit := r.Clone(r.Context())
	commit.Method = http.MethodPost
	commit.URL.Path, commit.URL.RawQuery = strings.TrimSuffix(r.URL.Path, "records")+"offsets", ""
	l.forward(commit, nil)
	if len(answer) > 2 && l.every(5) {
		answer = []byte("[]")
	}
	reply(w, status, answer)
	return true
}

// deliversTwice gives some answers to polls a second time.
func deliversTwice(l *liar, w http.ResponseWriter, r *http.Request, body []byte) bool {
	if !isPoll(r) {
		return false
	}
	if before := l.keep(nil); before != nil {
		reply(w, http.StatusOK, before)
		return true
	}
	status, answer := l.forward(r, body)
	if status == http.StatusOK && len(answer) > 2 && l.every(5) {
		l.keep(answer)
	}
	reply(w, status, answer)
	return true
}

// hangsUp leaves some requests without an answer.
func hangsUp(l *liar, _ http.ResponseWriter, _ *http.Request, _ []byte) bool {
	if l.every(20) {
		panic(http.ErrAbortHandler)
	}
	return false
}

// TestBrokenBridges has the checker of the real runs judge bridges that are known to be wrong, and one that is not.
func TestBrokenBridges(t *testing.T) {
	broker, err := devbroker.Start(t.Context(), devbroker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	binary, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := newBridge(0, binary, t.TempDir(), []string{"kafka.bootstrap.servers=" + broker.Addr(), "kafka.producer.linger.ms=0"})
	if err := b.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.stop(); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct {
		name  string
		spoil func(*liar, http.ResponseWriter, *http.Request, []byte) bool
		want  []check.Kind // one of them is enough
	}{
		{"right", nil, nil},
		{"acknowledges-early", acknowledgesEarly, []check.Kind{check.Lost}},
		{"writes-twice", writesTwice, []check.Kind{check.Duplicated}},
		{"commits-early", commitsEarly, []check.Kind{check.Skipped}},
		{"delivers-twice", deliversTwice, []check.Kind{check.Repeated}},
		{"hangs-up", hangsUp, []check.Kind{check.Unanswered}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(&liar{bridge: b, spoil: c.spoil})
			defer server.Close()
			h := small(t, broker.Addr(), strings.TrimPrefix(server.URL, "http://"), c.name)
			v := check.Check(h)
			t.Logf("%d sent, %d delivered, %v", v.Sent, v.Delivered, v.Count)
			if v.Sent < 50 || v.Delivered < 50 {
				t.Error("too little happened to judge")
			}
			if len(c.want) == 0 && !v.OK() {
				t.Errorf("the right one: %v", v.Problems)
			}
			for _, kind := range c.want {
				if v.Count[kind] == 0 {
					t.Errorf("nothing of %q was found", kind)
				}
			}
		})
	}
}

// fixed is an endpoint that stays.
type fixed struct {
	addr  string
	index int
}

func (f fixed) address() string { return f.addr }
func (f fixed) number() int     { return f.index }

// small is the history of a few seconds of traffic without faults, on a topic and with a group of its own.
func small(t *testing.T, broker, bridge, name string) *check.History {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 2, 1, nil, name); err != nil {
		t.Fatal(err)
	}
	j, to, limits := newJournal(), fixed{addr: bridge}, settingBounds()
	w := &writer{client: newClient(j, to), bound: limits.send, topic: name, keyed: true, batch: 3, pace: 10 * time.Millisecond, random: rand.New(rand.NewPCG(1, 1))}
	r := &reader{client: newClient(j, to), bounds: limits, group: name, topics: []string{name}, commit: polled}
	endReader := start(ctx, r.run)
	endSampler := start(ctx, func(ctx context.Context) { sample(ctx, j, admin, name) })
	endWriter := start(ctx, w.run)
	for pause(ctx, 1500*time.Millisecond) && !j.enough() {
	}
	endWriter()
	pause(ctx, 3*pollTime)
	endReader()
	endSampler()
	if j.history.Log, err = readLogs(ctx, []kgo.Opt{kgo.SeedBrokers(broker)}, name); err != nil {
		t.Fatal(err)
	}
	j.history.Groups = []check.Group{{Name: name, Topics: []string{name}}}
	j.history.Slack = 3 * time.Second
	return &j.history
}

// enough tells whether as much has happened as it takes to judge: on a busy machine that takes its time.
func (j *journal) enough() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	delivered := 0
	for _, d := range j.history.Deliveries {
		delivered += len(d.Records)
	}
	return len(j.history.Sent) >= 100 && delivered >= 100
}

// sample notes what a group has committed, again and again.
func sample(ctx context.Context, j *journal, admin *kadm.Client, group string) {
	for pause(ctx, 20*time.Millisecond) {
		stored, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			continue
		}
		now := j.now()
		stored.Each(func(o kadm.OffsetResponse) {
			if o.At >= 0 {
				j.committed(check.Committed{Group: group, Place: check.Place{Topic: o.Topic, Partition: o.Partition}, Offset: o.At, Seen: now})
			}
		})
	}
}

func TestScheduleIsTheSeeds(t *testing.T) {
	list := func(seed uint64) string {
		var out []string
		next := schedule(seed, faults())
		for range 3 * len(faults()) {
			p := next()
			out = append(out, fmt.Sprint(p.name, p.lasts, p.random.Uint64()))
		}
		return strings.Join(out, "\n")
	}
	first := list(1)
	if again := list(1); again != first {
		t.Error("a seed makes two schedules")
	}
	if list(2) == first {
		t.Error("two seeds make one schedule")
	}
}

func TestEveryRoundHasEveryFault(t *testing.T) {
	next := schedule(3, faults())
	for range 2 {
		seen := make(map[string]bool)
		for range faults() {
			p := next()
			seen[p.name] = true
			if p.lasts < p.fault.lasts[0] || p.lasts > p.fault.lasts[1] {
				t.Errorf("%s lasts %s", p.name, p.lasts)
			}
		}
		if len(seen) != len(faults()) {
			t.Errorf("%d kinds in a round", len(seen))
		}
	}
	if n := len(faults()); n < 20 {
		t.Errorf("%d kinds of faults", n)
	}
}

func TestUnknownFault(t *testing.T) {
	if _, err := Run(t.Context(), Options{Faults: []string{"flood"}, Out: io.Discard}); err == nil || !strings.Contains(err.Error(), `"flood"`) {
		t.Errorf("got %v", err)
	}
}
