package check

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const second = time.Second

var (
	p0 = Place{"t", 0}
	p1 = Place{"t", 1}
)

// faultless is a history in which a bridge did everything right: two connections, two partitions, one group with two
// members and a rebalance between them, a request that failed and was written all the same, one without an answer.
func faultless() *History {
	h := &History{
		Log:    map[Place][]Logged{},
		Groups: []Group{{"g", []string{"t"}}},
		Since:  map[string]Time{},
		Slack:  second,
	}
	for n := range int64(20) {
		place := p0
		if n%2 == 1 {
			place = p1
		}
		id := ID{1 + n/10, n}
		offset := int64(len(h.Log[place])) + 5 // offsets need not begin at 0
		h.Log[place] = append(h.Log[place], Logged{id, offset})
		at := Time(n) * second
		s := Sent{ID: id, Topic: "t", Start: at, End: at + second/2, Outcome: Acknowledged, Partition: place.Partition, Offset: offset}
		switch n {
		case 7:
			s.Outcome, s.Partition, s.Offset = Failed, 0, 0
		case 8:
			s.Outcome, s.Partition, s.Offset = Unknown, 0, 0
		}
		h.Sent = append(h.Sent, s)
		h.Requests = append(h.Requests, Request{Operation: "send", Start: s.Start, End: s.End, Bound: second, Answered: n != 8, Status: 200})
	}
	// The request without an answer met the end of its bridge.
	h.Outages = append(h.Outages, Outage{From: 8 * second, To: 9 * second})
	h.Sent = append(h.Sent, Sent{ID: ID{3, 1}, Topic: "t", Outcome: Failed})
	h.Deliveries = []Delivery{
		{Group: "g", Member: "a", Start: 1 * second, End: 2 * second, Records: from(h, p0, 0, 5)},
		{Group: "g", Member: "a", Start: 3 * second, End: 4 * second, Records: append(from(h, p0, 5, 8), from(h, p1, 0, 5)...)},
		// The others of its records were not committed when the group was rebalanced.
		{Group: "g", Member: "b", Start: 11 * second, End: 12 * second, Records: from(h, p0, 5, 10)},
		{Group: "g", Member: "a", Start: 11 * second, End: 12 * second, Records: from(h, p1, 3, 10)},
	}
	h.Rebalances = []Rebalance{{"g", 10 * second, 10*second + second/2}}
	h.Committed = []Committed{
		{"g", p0, 10, 3 * second},
		{"g", p1, 8, 5 * second},
		{"g", p0, 15, 20 * second},
		{"g", p1, 15, 20 * second},
	}
	return h
}

// from is what a poll returns of a log.
func from(h *History, place Place, begin, end int) (out []Got) {
	for _, l := range h.Log[place][begin:end] {
		out = append(out, Got{place, l.Offset, l.ID})
	}
	return out
}

func TestFaultless(t *testing.T) {
	v := Check(faultless())
	if !v.OK() {
		t.Fatalf("problems were found in a history without: %v", v.Problems)
	}
	want := Verdict{Sent: 21, Acknowledged: 18, Failed: 2, Unknown: 1, Logged: 20, Unasked: 2, Delivered: 25, Redelivered: 5, Requests: 20}
	got := *v
	got.Count, got.Problems, got.Longest, got.LongestWhat = nil, nil, 0, ""
	if !equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if v.Longest != second/2 || v.LongestWhat != "send" {
		t.Errorf("longest: %s of %s", v.Longest, v.LongestWhat)
	}
}

func equal(a, b Verdict) bool {
	return a.Sent == b.Sent && a.Acknowledged == b.Acknowledged && a.Failed == b.Failed && a.Unknown == b.Unknown &&
		a.Logged == b.Logged && a.Unasked == b.Unasked && a.Twice == b.Twice && a.Delivered == b.Delivered &&
		a.Redelivered == b.Redelivered && a.Requests == b.Requests
}

// spoilt are bridges and Kafkas that misbehave, and which rules have to notice. What else a deed breaks is listed too.
var spoilt = []struct {
	name  string
	spoil func(h *History)
	want  []Kind
}{
	{"an acknowledged record is lost", func(h *History) {
		h.Log[p0] = slices.Delete(h.Log[p0], 3, 4)
	}, []Kind{Lost}},
	{"an acknowledged record is written twice", func(h *History) {
		l := h.Log[p0][9]
		h.Log[p0] = append(h.Log[p0], Logged{l.ID, l.Offset + 1})
		h.Deliveries[2].Records = append(h.Deliveries[2].Records, Got{p0, l.Offset + 1, l.ID})
	}, []Kind{Duplicated}},
	{"an offset is answered that the record does not have", func(h *History) {
		h.Sent[19].Offset++
	}, []Kind{Misplaced}},
	{"a partition is answered that the record is not in", func(h *History) {
		h.Sent[19].Partition = 7
	}, []Kind{Misplaced}},
	{"two requests of a connection change places", func(h *History) {
		l := h.Log[p0]
		l[1].ID, l[2].ID = l[2].ID, l[1].ID
		h.Sent[2].Offset, h.Sent[4].Offset = h.Sent[4].Offset, h.Sent[2].Offset
		h.Deliveries[0].Records = from(h, p0, 0, 5)
	}, []Kind{Reordered}},
	{"a record appears that nobody sent", func(h *History) {
		h.Log[p0] = append(h.Log[p0], Logged{ID{99, 1}, 15})
		h.Deliveries[2].Records = append(h.Deliveries[2].Records, Got{p0, 15, ID{99, 1}})
	}, []Kind{Invented}},
	{"a record is never delivered, nothing is committed", func(h *History) {
		h.Committed = nil
		h.Deliveries[2].Records = from(h, p0, 5, 9)
	}, []Kind{Unread}},
	{"a record is passed over by a commit", func(h *History) {
		h.Deliveries[2].Records = from(h, p0, 5, 9)
	}, []Kind{Unread, Skipped}},
	{"a record that was delivered later had been committed before", func(h *History) {
		h.Committed[0].Offset = 15
	}, []Kind{Skipped}},
	{"a record is delivered with another's content", func(h *History) {
		h.Deliveries[0].Records[2].ID.Number = 77
	}, []Kind{Garbled}},
	{"a member gets a record twice", func(h *History) {
		h.Deliveries[1].Records = append(from(h, p0, 4, 8), from(h, p1, 0, 5)...)
	}, []Kind{Repeated}},
	{"a member gets a whole poll twice", func(h *History) {
		d := h.Deliveries[1]
		d.Start, d.End = 5*second, 6*second
		h.Deliveries = append(h.Deliveries, d)
	}, []Kind{Repeated}},
	{"a poll has its records in the wrong order", func(h *History) {
		r := h.Deliveries[0].Records
		r[1], r[2] = r[2], r[1]
	}, []Kind{Backwards}},
	{"a request is not answered", func(h *History) {
		h.Requests[3].Answered = false
	}, []Kind{Unanswered}},
	{"a request is not answered while another bridge is away", func(h *History) {
		h.Outages[0].Bridge = 1
	}, []Kind{Unanswered}},
	{"a request is answered too late", func(h *History) {
		h.Requests[3].End = h.Requests[3].Start + 2*second + 1
	}, []Kind{Late}},
	{"an outage does not excuse lateness", func(h *History) {
		h.Requests[8].Answered = true
		h.Requests[8].End = h.Requests[8].Start + 3*second
	}, []Kind{Late}},
	{"a status is answered that no operation has", func(h *History) {
		h.Requests[3].Status = 502
	}, []Kind{Internal}},
}

func TestSpoilt(t *testing.T) {
	for _, s := range spoilt {
		t.Run(s.name, func(t *testing.T) {
			h := faultless()
			s.spoil(h)
			expect(t, Check(h), s.want...)
		})
	}
}

func expect(t *testing.T, v *Verdict, want ...Kind) {
	t.Helper()
	for kind, n := range v.Count {
		if !slices.Contains(want, kind) {
			t.Errorf("%d of %q: %v", n, kind, v.Problems)
		}
	}
	for _, kind := range want {
		if v.Count[kind] == 0 {
			t.Errorf("nothing of %q was found", kind)
		}
		if !slices.ContainsFunc(v.Problems, func(p Problem) bool { return p.Kind == kind && strings.TrimSpace(p.Text) != "" }) {
			t.Errorf("%q has no text", kind)
		}
	}
}

// What is allowed is not reported.
func TestAllowed(t *testing.T) {
	for name, change := range map[string]func(h *History){
		"a record without an answer is there twice": func(h *History) {
			h.Log[p0] = append(h.Log[p0], Logged{ID{1, 8}, 15})
			h.Deliveries[2].Records = append(h.Deliveries[2].Records, Got{p0, 15, ID{1, 8}})
		},
		"a failed record is not there": func(h *History) {
			h.Sent = append(h.Sent, Sent{ID: ID{1, 50}, Topic: "t", Outcome: Failed})
		},
		"a topic was deleted with its records and created again": func(h *History) {
			h.Log[p0], h.Log[p1] = nil, nil
			h.Since["t"] = 100 * second
			h.Groups = nil
		},
		"a member reads again after a seek": func(h *History) {
			d := h.Deliveries[1]
			d.Start, d.End, d.Seeks = 5*second, 6*second, 1
			h.Deliveries = append(h.Deliveries, d)
		},
		"another member reads again": func(h *History) {
			d := h.Deliveries[1]
			d.Start, d.End, d.Member = 5*second, 6*second, "c"
			h.Deliveries = append(h.Deliveries, d)
		},
		"a group that nothing is promised to": func(h *History) {
			h.Committed = append(h.Committed, Committed{"other", p0, 15, 0})
		},
		"a client goes away": func(h *History) {
			h.Requests = append(h.Requests, Request{Operation: "poll", Start: 0, End: 90 * second, Abandoned: true})
		},
		"a frozen bridge": func(h *History) {
			h.Outages = append(h.Outages, Outage{From: 14 * second, To: 20 * second, Frozen: true})
			h.Requests[14].End = 22 * second
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := faultless()
			change(h)
			expect(t, Check(h))
		})
	}
}

// Findings are kept within bounds, and counted beyond them.
func TestManyProblems(t *testing.T) {
	h := &History{Log: map[Place][]Logged{}}
	for n := range int64(3 * keepProblems) {
		h.Sent = append(h.Sent, Sent{ID: ID{1, n}, Topic: "t", Outcome: Acknowledged, Offset: n})
	}
	v := Check(h)
	if v.Count[Lost] != 3*keepProblems || len(v.Problems) != keepProblems {
		t.Errorf("%d counted, %d kept", v.Count[Lost], len(v.Problems))
	}
}

// TestAnyLossIsFound takes a correct run of any shape and spoils one thing at any place.
func TestAnyLossIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		h := correct(rand.New(rand.NewPCG(seed, 0)))
		if v := Check(h); !v.OK() {
			t.Fatalf("a correct run was found guilty: %v", v.Problems)
		}
		random := rand.New(rand.NewPCG(seed, 1))
		place := Place{"t", int32(random.IntN(3))}
		log := h.Log[place]
		if len(log) < 2 {
			return
		}
		at := random.IntN(len(log) - 1)
		var want Kind
		switch random.IntN(4) {
		case 0:
			want = Lost
			h.Log[place] = slices.Delete(slices.Clone(log), at, at+1)
		case 1:
			want = Duplicated
			h.Log[place] = append(slices.Clone(log), Logged{log[at].ID, log[len(log)-1].Offset + 1})
		case 2:
			want = Unread
			forget(h, place, log[at].Offset)
		case 3:
			want = Reordered
			if log[at].ID.Connection != log[at+1].ID.Connection {
				return
			}
			swap(h, log[at].ID, log[at+1].ID)
		}
		if v := Check(h); v.Count[want] == 0 {
			t.Fatalf("%s at %s offset %d was not found: %v", want, place, log[at].Offset, v.Count)
		}
	})
}

// correct is a run of a few connections and one member per partition without any fault.
func correct(random *rand.Rand) *History {
	h := &History{Log: map[Place][]Logged{}, Groups: []Group{{"g", []string{"t"}}}}
	for n := range int64(5 + random.IntN(60)) {
		place := Place{"t", int32(random.IntN(3))}
		id := ID{1 + random.Int64N(3), n}
		offset := n // with gaps within a partition
		h.Log[place] = append(h.Log[place], Logged{id, offset})
		h.Sent = append(h.Sent, Sent{ID: id, Topic: "t", Start: Time(n), End: Time(n) + 1, Outcome: Acknowledged, Partition: place.Partition, Offset: offset})
	}
	for place, log := range h.Log {
		for begin := 0; begin < len(log); {
			end := min(begin+1+random.IntN(5), len(log))
			at := Time(begin) * second
			h.Deliveries = append(h.Deliveries, Delivery{Group: "g", Member: place.String(), Start: at, End: at + second/2, Records: from(h, place, begin, end)})
			h.Committed = append(h.Committed, Committed{"g", place, log[end-1].Offset + 1, at + second})
			begin = end
		}
	}
	return h
}

// forget takes one record out of what was delivered.
func forget(h *History, place Place, offset int64) {
	for i := range h.Deliveries {
		d := &h.Deliveries[i]
		d.Records = slices.DeleteFunc(d.Records, func(r Got) bool { return r.Place == place && r.Offset == offset })
	}
}

// swap exchanges two records in the log and in the answers.
func swap(h *History, a, b ID) {
	var x, y *Sent
	for i := range h.Sent {
		switch h.Sent[i].ID {
		case a:
			x = &h.Sent[i]
		case b:
			y = &h.Sent[i]
		}
	}
	x.Offset, y.Offset = y.Offset, x.Offset
	x.Partition, y.Partition = y.Partition, x.Partition
}
