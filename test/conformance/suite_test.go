package conformance

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/openapi"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	apiURL        = flag.String("url", "", "address of the bridge to test; empty: build and start ours")
	managementURL = flag.String("management", "", "address of its management listener")
	bootstrap     = flag.String("bootstrap", "", "address of a broker behind it, reachable from here; needed with -url")
	peer          = flag.String("peer", "", "strimzi: skip, by name, the cases of defects that we mend")
)

// width is how many cases run at once: most of them wait.
const width = 12

func TestMain(m *testing.M) {
	flag.Parse()
	if !setOnCommandLine("test.parallel") {
		if err := flag.Set("test.parallel", strconv.Itoa(width)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}

func setOnCommandLine(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// target is one running bridge.
type target struct {
	api, management *url.URL // management is nil when its address is not known
	block           string   // max.block.ms, or a pattern for it when it is not known
}

// suite is what all cases share.
type suite struct {
	contract    *Contract
	own         *Contract // of the paths that only our bridge has
	local       *local    // nil with -url
	native      *kgo.Client
	admin       *kadm.Client
	bootstrap   string
	one, three  string // topics of the run
	autoCreates bool   // brokers create topics on first use

	tag string // of the run, in all names
	seq atomic.Int64

	mu      sync.Mutex
	targets map[variant]*target
	counts  map[string]map[string]int
}

// TestConformance is the whole contract.
func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a bridge and a broker")
	}
	s := newSuite(t)
	t.Run("all", func(t *testing.T) {
		for _, c := range cases() {
			t.Run(c.Name, func(t *testing.T) { s.run(t, c) })
		}
		for _, q := range sequences() {
			t.Run(q.name, func(t *testing.T) { s.play(t, q) })
		}
	})
	// What measures time runs when nothing else does.
	t.Run("alone", func(t *testing.T) {
		for _, q := range aloneSequences() {
			t.Run(q.name, func(t *testing.T) { s.playAlone(t, q) })
		}
	})
	s.report(t)
}

// TestCaseNames keeps names unique and in the form section/operation/what.
func TestCaseNames(t *testing.T) {
	seen := make(map[string]bool)
	check := func(name string) {
		if seen[name] {
			t.Errorf("two cases are named %s", name)
		}
		seen[name] = true
		if strings.Count(name, "/") != 2 || strings.ContainsAny(name, " \t") {
			t.Errorf("name %q is not section/operation/what", name)
		}
	}
	for _, c := range cases() {
		check(c.Name)
	}
	for _, q := range slices.Concat(sequences(), aloneSequences()) {
		check(q.name)
	}
	if len(seen) < 350 {
		t.Errorf("%d cases, want at least 350", len(seen))
	}
	t.Logf("%d cases", len(seen))
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	contract, err := NewContract(openapi.Document(""))
	if err != nil {
		t.Fatal(err)
	}
	own, err := NewContract(openapi.Steg())
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{
		contract: contract, own: own, tag: strconv.FormatInt(time.Now().UnixNano()%(36*36*36*36*36*36), 36),
		targets: make(map[variant]*target), counts: make(map[string]map[string]int), bootstrap: *bootstrap,
	}
	if *apiURL == "" {
		s.local = newLocal(t)
		s.bootstrap = s.local.rig.bootstrap
	} else {
		s.targets[plain] = remote(t)
	}
	s.openNative(t)
	s.one, s.three = "one"+s.unique(), "three"+s.unique()
	setup := &env{T: t, s: s, ctx: t.Context()}
	s.createTopic(setup, s.one, 1)
	s.createTopic(setup, s.three, 3)
	s.autoCreates = s.local == nil && s.probeAutoCreate(t)
	s.target(t, plain)
	return s
}

// remote is the bridge that the flags name.
func remote(t *testing.T) *target {
	t.Helper()
	if *bootstrap == "" {
		t.Fatal("-url needs -bootstrap: records are written and read natively too")
	}
	parse := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.Scheme == "" {
			t.Fatalf("%q is not the address of a listener", text)
		}
		return u
	}
	to := &target{api: parse(*apiURL), block: `\d+`}
	if *managementURL != "" {
		to.management = parse(*managementURL)
	}
	return to
}

// unique returns a suffix that no other name of any run has.
func (s *suite) unique() string { return "-" + s.tag + "-" + strconv.FormatInt(s.seq.Add(1), 36) }

// target returns the bridge of a variant, starting it if it is ours to start.
func (s *suite) target(t *testing.T, v variant) *target {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if to := s.targets[v]; to != nil {
		return to
	}
	if s.local == nil {
		t.Skipf("needs a bridge with other settings (%s), which only we can start", v)
	}
	to, err := s.local.start(v)
	if err != nil {
		t.Fatalf("starting the bridge %q: %v", v, err)
	}
	s.targets[v] = to
	return to
}

// document holds an exchange against the OpenAPI document.
func (s *suite) document(t *testing.T, r request, a answer) {
	t.Helper()
	header := make(http.Header)
	for _, line := range r.header {
		key, value, _ := strings.Cut(line, ":")
		header.Add(key, strings.TrimSpace(value))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), ordinary)
	defer cancel()
	for _, c := range []*Contract{s.contract, s.own} {
		if err := c.Check(ctx, Exchange{
			Method: r.method, Target: r.target, RequestHeader: header, RequestBody: []byte(r.body),
			Status: a.status, Header: a.header, Body: []byte(a.body),
		}); err != nil {
			t.Errorf("%s %.200s against the OpenAPI document: %v", r.method, r.target, err)
		}
	}
}

// Columns of the closing table.
const (
	good, bad, notFound, conflict, failure, inSequence = "good", "bad", "not found", "conflict", "failure", "sequence"
)

// count books a case under its operation and the kind of its answer.
func (s *suite) count(method, target string, status int) {
	op := s.contract.Operation(method, target)
	if op == "" || status == http.StatusNotImplemented {
		op = "(framework)"
	}
	kind := bad
	switch {
	case status < 300:
		kind = good
	case status == http.StatusNotFound:
		kind = notFound
	case status == http.StatusConflict:
		kind = conflict
	case status >= 500:
		kind = failure
	}
	s.book(op, kind)
}

func (s *suite) book(op, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts[op] == nil {
		s.counts[op] = make(map[string]int)
	}
	s.counts[op][kind]++
}

// report logs how many cases ran, by operation and kind.
func (s *suite) report(t *testing.T) {
	t.Helper()
	kinds := []string{good, bad, notFound, conflict, failure, inSequence}
	var b strings.Builder
	fmt.Fprintf(&b, "cases that ran\n%-20s", "operation")
	for _, kind := range kinds {
		fmt.Fprintf(&b, "%10s", kind)
	}
	fmt.Fprintf(&b, "%10s\n", "all")
	for _, op := range append(s.contract.Operations(), "(framework)") {
		fmt.Fprintf(&b, "%-20s", op)
		all := 0
		for _, kind := range kinds {
			fmt.Fprintf(&b, "%10d", s.counts[op][kind])
			all += s.counts[op][kind]
		}
		fmt.Fprintf(&b, "%10d\n", all)
	}
	t.Log(b.String())
}
