package credentials

import (
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// stallAfter is how long a broker may leave a question unanswered that costs it next to nothing. The client library
// itself waits for request.timeout.ms, 30 s by default, before it asks another broker for the same metadata, and
// everything that waits for them waits as long.
const stallAfter = 1500 * time.Millisecond

// The requests that a broker answers from memory and at once, by their API keys (Kafka protocol guide).
const (
	keyMetadata        = 3
	keyFindCoordinator = 10
	keyAPIVersions     = 18
)

// apiVersionsRequest is a request of version 0 without a client ID: length, API key, version, correlation ID, client ID.
var apiVersionsRequest = []byte{0, 0, 0, 10, 0, keyAPIVersions, 0, 0, 0, 0, 0, 0, 0xff, 0xff}

// stallAtMost is as far as the patience grows with a cluster of which no broker answers in time.
const stallAtMost = 30 * time.Second

// stalls knows how patient to be. As long as any broker answers in time, one that does not hangs: it is given up soon, and
// gone past at once until it has given a sign of life. When none answers, they are slow rather than away: each question
// that stalls then gives the next one twice the time.
type stalls struct {
	first time.Duration
	now   func() time.Time
	// lives waits for a sign of life from the broker at an address, for as long as that may reasonably take. An address
	// that refuses lives too: whoever connects to it is told at once.
	lives func(address string) bool

	mu     sync.Mutex
	after  time.Duration   // 0: first
	last   time.Time       // when a broker last answered in time
	hung   map[string]bool // by address, whether a sign of life is being waited for
	closed bool
	waits  sync.WaitGroup // for signs of life
}

// patience returns the time for the next question.
func (s *stalls) patience() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.first, s.after)
}

// stalled notes that it was not enough for the broker at an address.
func (s *stalls) stalled(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now().Sub(s.last) > stallAtMost {
		s.after = min(2*max(s.first, s.after), stallAtMost)
		return
	}
	s.hang(address)
}

// undialed notes that the whole time for connecting was not enough for the broker at an address.
func (s *stalls) undialed(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hang(address)
}

// hang has a broker gone past. The lock is held.
func (s *stalls) hang(address string) {
	if _, hung := s.hung[address]; hung {
		return
	}
	if s.hung == nil {
		s.hung = make(map[string]bool)
	}
	s.hung[address] = false
}

// answered notes that the broker at an address answered in time.
func (s *stalls) answered(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after, s.last = 0, s.now()
	delete(s.hung, address)
}

// hangs reports whether the broker at an address is not worth a question now, and has a sign of life waited for if so.
func (s *stalls) hangs(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	waited, hung := s.hung[address]
	if hung && !waited && !s.closed {
		s.hung[address] = true
		s.waits.Go(func() { s.await(address) })
	}
	return hung
}

// await waits for a sign of life.
func (s *stalls) await(address string) {
	lives := s.lives(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, hung := s.hung[address]; hung && !lives {
		s.hung[address] = false // whoever asks next has it waited for again
		return
	}
	delete(s.hung, address)
}

// close ends the waiting once lives returns.
func (s *stalls) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.waits.Wait()
}

// stallConn closes a connection on which such a request gets no answer for stallAfter, so that the client goes on with
// another broker. A broker answers a connection's requests in their order, and the library sends these on a connection
// of their own kind, apart from fetches and sends that may take their time.
type stallConn struct {
	net.Conn
	address string
	stalls  *stalls

	mu    sync.Mutex
	timer *time.Timer // nil: nothing is waited for
}

// Write writes requests; the library hands over one at a time, as a whole.
func (c *stallConn) Write(p []byte) (int, error) {
	share := prompt(p)
	if share > 0 && c.stalls.hangs(c.address) {
		_ = c.Conn.Close() // the library gets the error from the write, and asks another
		return c.Conn.Write(p)
	}
	if share > 0 {
		c.mu.Lock()
		if c.timer == nil {
			c.timer = time.AfterFunc(share*c.stalls.patience(), c.stall)
		}
		c.mu.Unlock()
	}
	return c.Conn.Write(p)
}

// stall ends the connection; the library's reader gets the error.
func (c *stallConn) stall() {
	c.stalls.stalled(c.address)
	_ = c.Conn.Close() // it is given up either way
}

// Read reads answers; whatever comes is a sign of life.
func (c *stallConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.rest() && n > 0 {
		c.stalls.answered(c.address)
	}
	return n, err
}

// Close closes the connection.
func (c *stallConn) Close() error {
	c.rest()
	return c.Conn.Close()
}

// rest ends the waiting, and reports whether there was one.
func (c *stallConn) rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer == nil {
		return false
	}
	c.timer.Stop()
	c.timer = nil
	return true
}

// prompt returns how many times the patience a request gets that has to be answered at once, 0 for any other: four bytes
// of length, two of API key. The first request of a connection gets twice the time, since no other broker can stand in
// when it is the leader of a partition that is connected to.
func prompt(p []byte) time.Duration {
	if len(p) < 8 || int(binary.BigEndian.Uint32(p)) != len(p)-4 {
		return 0
	}
	switch binary.BigEndian.Uint16(p[4:]) {
	case keyMetadata, keyFindCoordinator:
		return 1
	case keyAPIVersions:
		return 2
	}
	return 0
}
