package bridge

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Reach knows whether Kafka answers, from what happens on the clients' connections: it asks nothing itself. It is a hook
// for every client of the bridge. The zero value has heard nothing yet.
type Reach struct {
	reachable atomic.Bool
	heard     atomic.Int64 // Unix nanoseconds of the last answer

	mu    sync.Mutex
	since time.Time // of the present state; zero: none was heard of yet
	cause string    // of the last failure
}

var (
	_ kgo.HookBrokerConnect = (*Reach)(nil)
	_ kgo.HookBrokerE2E     = (*Reach)(nil)
)

// hearEvery bounds how often the time of the last answer is written: every answer of every client comes by here.
const hearEvery = int64(100 * time.Millisecond)

// OnBrokerConnect notes a connection that failed. One that is open proves little: a proxy may hold it.
func (r *Reach) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		r.failed(err)
	}
}

// OnBrokerE2E notes an answer.
func (r *Reach) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e kgo.BrokerE2E) {
	if e.Err() != nil {
		return // the connection will be made anew, or fail to be
	}
	if now := time.Now().UnixNano(); now-r.heard.Load() > hearEvery {
		r.heard.Store(now)
	}
	if r.reachable.Load() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reachable.Swap(true) {
		r.since = time.Now()
	}
}

// silence is how long a cluster may be unheard before a failed connection counts as its absence: one broker of several
// may be away while the others answer.
const silence = 5 * time.Second

func (r *Reach) failed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cause = err.Error()
	if r.reachable.Load() && time.Since(time.Unix(0, r.heard.Load())) < silence {
		return
	}
	if r.reachable.Swap(false) || r.since.IsZero() {
		r.since = time.Now()
	}
}

// Reachable reports whether Kafka answered when it was last spoken to, and since when that holds; the zero time means that
// nobody has spoken to it yet. The text is the last failure's, empty if there was none.
func (r *Reach) Reachable() (reachable bool, since time.Time, lastError string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reachable.Load(), r.since, r.cause
}

// LastHeard returns when Kafka answered last; zero: never.
func (r *Reach) LastHeard() time.Time {
	if n := r.heard.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}
