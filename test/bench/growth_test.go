package main

import (
	"encoding/json"
	"errors"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestGrew(t *testing.T) {
	for _, c := range []struct {
		cost, ratio float64
		want        string
	}{
		{1, 1, "flat"},
		{1.35, 1.35, "flat"},
		{0.65, 0.65, "flat"},
		{1.36, 1.4, "grows 1.4 ×"},
		{2.5, 2, "grows 2.0 ×"}, // the limits have grown by a quarter
		{4, 1.2, "flat"},        // as the limits do
		{1, 2, "flat"},          // the limits have become cheaper
		{0.3, 0.5, "falls to 0.50 ×"},
		{0.3, 0.9, "flat"},
		{math.NaN(), 1, "unknown"},
		{3, math.Inf(1), "unknown"},
		{-2, -2, "unknown"},
		{0, 1, "unknown"},
	} {
		cost, ratio, got := grew(c.cost, c.ratio)
		if got != c.want {
			t.Errorf("%v and %v: %s, want %s", c.cost, c.ratio, got, c.want)
		}
		if got == "unknown" && (cost != 0 || ratio != 0) {
			t.Errorf("%v and %v go into the file as %v and %v", c.cost, c.ratio, cost, ratio)
		}
	}
}

// measured is a step with costs in µs per record.
func measured(at string, n int, own, bare, raw float64) row {
	party := func(name string, cost float64) runs {
		return runs{Name: name, Samples: []sample{{CPU: cost, Records: 1e6, Requests: 1e6, P50: cost / 100}}}
	}
	r := row{At: at, N: n, Cost: own, Ratio: own / (bare + raw), RSS: 20}
	r.Result.Parties = []runs{party(steg, own), party(nethttp, bare), party(franz, raw)}
	if bare == 0 {
		r.Ratio, r.Result.Parties = own/raw, []runs{party(steg, own), party(franz, raw)}
	}
	return r
}

func verdicts(g grown) []string {
	var all []string
	for _, r := range g.Rows {
		all = append(all, r.Verdict)
	}
	return all
}

func TestJudgeComparesWithTheBase(t *testing.T) {
	g := grown{axis: axis{base: 100}, Rows: []row{
		measured("1", 1, 170, 40, 90), measured("10", 10, 50, 20, 20), measured("100", 100, 20, 10, 10),
		measured("1,000", 1000, 60, 30, 30), measured("10,000", 10_000, 60, 10, 10),
	}}
	g.judge()
	g.judge() // as after each further step
	if got, want := verdicts(g), []string{"–", "–", "base", "flat", "grows 3.0 ×"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if r := g.Rows[3]; r.Growth != 3 || math.Abs(r.Against-1) > 1e-9 {
		t.Errorf("1,000 grow by %v, and by %v against the limits; want 3 and 1", r.Growth, r.Against)
	}
}

// TestJudgeOfSizes is about bytes: a fixed price of 20 µs, and 2 ns per byte that become 4 with 1 MB; the limits have 1.
func TestJudgeOfSizes(t *testing.T) {
	g := grown{axis: axis{base: 10_000, perByte: true}, Rows: []row{
		measured("100 B", 100, 20.2, 10, 10.1), measured("10 KB", 10_000, 40, 10, 20), measured("100 KB", 100_000, 220, 10, 110),
		measured("1 MB", 1_000_000, 4020, 10, 1010),
	}}
	g.judge()
	if got, want := verdicts(g), []string{"–", "base", "flat", "grows 2.0 ×"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if r := g.Rows[1]; math.Abs(r.Byte-2) > 1e-6 || math.Abs(r.Limits-1) > 1e-6 {
		t.Errorf("a byte beyond 100 costs %v ns and the limits %v, want 2 and 1", r.Byte, r.Limits)
	}
}

func TestJudgeWithoutNetHTTP(t *testing.T) {
	g := grown{axis: axis{}, Rows: []row{measured("1", 1, 100, 0, 50), measured("10", 10, 300, 0, 100)}}
	g.judge()
	if got, want := verdicts(g), []string{"base", "grows 1.5 ×"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := g.Rows[1].limits(); got != 100 {
		t.Errorf("the limit is %v, want franz-go's 100", got)
	}
}

func TestGrowthIsPrinted(t *testing.T) {
	a := axis{
		name: "things", about: "what they cost", base: 1,
		columns: slices.Concat(produceColumns(), memoryColumns(), verdictColumns()),
	}
	g := grown{Axis: a.name, About: a.about, axis: a, Rows: []row{measured("1", 1, 20, 10, 10), measured("1,000", 1000, 44, 10, 10)}}
	g.Rows[1].Result.Parties[0].Samples[0].Errors = 3
	g.Rows[1].Result.Acknowledged, g.Rows[1].Result.Found = 10, 8
	g.Rows[1].Peak, g.Rows[1].Each, g.Rows[1].Threads = 31, 7.25, 9
	g.judge()
	var r report
	r.setGrowth(grown{Axis: "others"})
	r.setGrowth(grown{Axis: a.name})
	r.setGrowth(g)
	if len(r.Growth) != 2 {
		t.Errorf("%d axes in the report, want 2", len(r.Growth))
	}
	var b strings.Builder
	g.print(&b)
	want := []string{
		"", "things: what they cost", "",
		"things µs/request net/http franz-go × p50 ms franz-go's RSS MiB peak KiB each threads cost grows × grows verdict errors",
		"1 20.0 10.0 10.0 1.00 0.20 0.10 20.0 – – – 1.00 1.00 base 0",
		"1,000 44.0 10.0 10.0 2.20 0.44 0.10 20.0 31.0 7.2 9 2.20 2.20 grows 2.2 × 3, LOST 2 of 10 records", "",
	}
	var got []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("printed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(text), `"verdict":"grows 2.2 ×"`) {
		t.Errorf("%v, %s", err, text)
	}
}

func TestEveryAxisHasItsSteps(t *testing.T) {
	want := map[string]string{
		"connections": "1 10 100 1,000 10,000", "partitions": "1 10 100 1,000", "topics": "1 10 100 1,000",
		"sizes": "100 B 1 KB 10 KB 100 KB 1 MB 10 MB", "consumers": "1 10 100 1,000",
	}
	varied := map[string]func(scenario) int{
		"connections": func(s scenario) int { return s.connections }, "partitions": func(s scenario) int { return s.manyParts },
		"topics": func(s scenario) int { return s.manyTopics }, "sizes": func(s scenario) int { return s.size },
		"consumers": func(s scenario) int { return s.consumers },
	}
	names := make(map[string]bool)
	for _, a := range axes() {
		var at []string
		base := false
		for _, s := range a.steps {
			at = append(at, s.at)
			base = base || s.n == a.base || a.base == 0
			if names[s.name] {
				t.Errorf("two steps are called %s", s.name)
			}
			names[s.name] = true
			if got := varied[a.name](s.scenario); got != s.n {
				t.Errorf("%s has %d of them", s.name, got)
			}
			if s.producers == 0 && s.rate == 0 {
				t.Errorf("%s does nothing", s.name)
			}
		}
		if got := strings.Join(at, " "); got != want[a.name] {
			t.Errorf("%s: %s, want %s", a.name, got, want[a.name])
		}
		if !base {
			t.Errorf("%s has no step with %d", a.name, a.base)
		}
	}
	if len(axes()) != len(want) {
		t.Errorf("%d axes, want %d", len(axes()), len(want))
	}
}

func TestOpenFiles(t *testing.T) {
	for _, c := range []struct {
		limit uint64
		ok    bool
	}{{1024, false}, {13_000, false}, {20_000, true}} {
		if err := connectionAxis().openFiles(c.limit); (err == nil) != c.ok {
			t.Errorf("10,000 connections with %d open files: %v", c.limit, err)
		}
	}
	if err := topicAxis().openFiles(1024); err != nil {
		t.Error(err)
	}
}

// TestTargetsAreShared holds that the workers together have every target, and each target one worker, or more where there are
// fewer targets than workers.
func TestTargetsAreShared(t *testing.T) {
	topics := []string{"a", "b", "c", "d", "e"}
	for _, c := range []struct {
		keys, workers int
		want          [][]target
	}{
		{0, 2, [][]target{{{"a", ""}, {"c", ""}, {"e", ""}}, {{"b", ""}, {"d", ""}}}},
		{0, 7, [][]target{{{"a", ""}}, {{"b", ""}}, {{"c", ""}}, {{"d", ""}}, {{"e", ""}}, {{"a", ""}}, {{"b", ""}}}},
		{7, 3, [][]target{{{"a", "k0"}, {"d", "k3"}, {"b", "k6"}}, {{"b", "k1"}, {"e", "k4"}}, {{"c", "k2"}, {"a", "k5"}}}},
	} {
		for which, want := range c.want {
			if got := targets(topics, c.keys, which, c.workers); !slices.Equal(got, want) {
				t.Errorf("worker %d of %d with %d keys: %v, want %v", which, c.workers, c.keys, got, want)
			}
		}
	}
}

// TestManyConnectionsHaveTheirTurns drives a server over more connections than run at a time.
func TestManyConnectionsHaveTheirTurns(t *testing.T) {
	const connections, busy = 7, 2
	var mu sync.Mutex
	asked := make(map[string]int) // by the client's address
	paths := make(map[string]bool)
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.RemoteAddr]++
		paths[r.Method+" "+r.URL.Path] = true
		_, _ = w.Write([]byte("{}"))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Add(-1)
		}
	}
	server.Start()
	defer server.Close()
	s := scenario{format: "json", size: 100, records: 1, producers: busy, connections: connections}
	l, err := new(bench).drive(s, server.Listener.Addr().String(), []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	got, err := driven(l, os.Getpid())(0, 50*time.Millisecond)
	if err != nil || got.Errors > 0 {
		t.Fatal(err, got.Error)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != connections || len(l.workers) != busy {
		t.Errorf("%d connections by %d workers, want %d by %d", len(asked), len(l.workers), connections, busy)
	}
	for from, n := range asked {
		if n < 2 {
			t.Errorf("%s was only opened", from)
		}
	}
	for _, path := range []string{"GET /", "POST /topics/a", "POST /topics/b", "POST /topics/c"} {
		if !paths[path] {
			t.Errorf("%s was never asked", path)
		}
	}
	for end := time.Now().Add(10 * time.Second); open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are open after the run", open.Load())
		}
	}
}

func TestEachStopsAtAnError(t *testing.T) {
	var calls atomic.Int64
	if err := each(100, func(int) error { calls.Add(1); return nil }); err != nil || calls.Load() != 100 {
		t.Errorf("%d calls, %v", calls.Load(), err)
	}
	broken := errors.New("no luck")
	calls.Store(0)
	err := each(1e6, func(i int) error {
		calls.Add(1)
		if i == 3 {
			return broken
		}
		return nil
	})
	if !errors.Is(err, broken) || calls.Load() == 1e6 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	took, err := join(3, func(i int) error { time.Sleep(time.Duration(i) * 10 * time.Millisecond); return nil })
	if err != nil || took < 10*time.Millisecond || took > time.Second {
		t.Errorf("the median of 0, 10 and 20 ms is %v, %v", took, err)
	}
	if took, err := join(0, nil); took != 0 || err != nil {
		t.Errorf("nobody joins in %v, %v", took, err)
	}
}

func TestLengthsFollowTheLoad(t *testing.T) {
	b := &bench{options: options{warm: time.Second, length: 2 * time.Second}}
	for _, c := range []struct {
		scenario
		warm, length time.Duration
	}{
		{scenario{size: 100}, time.Second, 2 * time.Second},
		{scenario{size: 100, rate: 1000}, 2 * time.Second, 2 * time.Second},
		{scenario{size: 1_000_000}, time.Second, 4 * time.Second},
	} {
		warm, length := (&turns{bench: b, scenario: c.scenario}).lengths()
		if warm != c.warm || length != c.length {
			t.Errorf("%+v: %v after %v, want %v after %v", c.scenario, length, warm, c.length, c.warm)
		}
	}
}
