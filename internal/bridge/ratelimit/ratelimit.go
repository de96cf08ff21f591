// Package ratelimit bounds what one client may do in a second: a token bucket for requests and one for bytes, for a
// bounded number of clients. It has no clock and knows nothing of HTTP: the caller says who a client is and what time it
// is.
package ratelimit

import (
	"hash/maphash"
	"math"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// maxClients is how many clients are told apart. While more than that are busy at once, the others share one
	// allowance, so that whoever makes up names gains nothing by it.
	maxClients = 16384
	// forgetEvery is the least time between two searches for clients to forget.
	forgetEvery = time.Second
	// maxWait is the longest time that a client is told to wait.
	maxWait = time.Minute
)

// Client stands for a client; it has the same size whatever the client calls itself.
type Client uint64

// Limiter judges clients. The zero value is of no use, see New; its methods may be called by any number of goroutines.
type Limiter struct {
	requests, bytes float64 // per second; 0: no limit
	seed            maphash.Seed

	mu       sync.Mutex
	clients  map[Client]*bucket
	others   bucket // of the clients beyond maxClients
	forgotAt time.Time
}

// bucket is what a client has left, as of a moment. Bytes may be owed: their number is known when they have come.
type bucket struct {
	at              time.Time
	requests, bytes float64
}

// New returns a limiter of requests and bytes per second and client; 0 is no limit. Both can be saved up for a second.
func New(requests int, bytes int64) *Limiter {
	return &Limiter{requests: float64(requests), bytes: float64(bytes), seed: maphash.MakeSeed(), clients: make(map[Client]*bucket)}
}

// Named returns the client of a header's value: its last element, which is what the nearest proxy has written. It reports
// false when there is none.
func (l *Limiter) Named(value string) (Client, bool) {
	value = strings.TrimSpace(value[strings.LastIndexByte(value, ',')+1:])
	return Client(maphash.String(l.seed, value)), value != ""
}

// At returns the client of an address with port. Addresses of IPv6 count by their first 64 bits, which is what one
// subscriber has at least (RFC 6177).
func (l *Limiter) At(addrPort string) Client {
	at, err := netip.ParseAddrPort(addrPort)
	if err != nil {
		return Client(maphash.String(l.seed, addrPort))
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.Is6() {
		half, _ := addr.Prefix(64) // 64 bits are valid for any such address
		addr = half.Addr()
	}
	return Client(maphash.Comparable(l.seed, addr))
}

// Take counts a request of a client. It returns 0, or how long the client has to wait until it may ask again.
func (l *Limiter) Take(now time.Time, c Client) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(now, c)
	if l.requests > 0 && b.requests < 1 {
		return wait(1-b.requests, l.requests)
	}
	if l.bytes > 0 && b.bytes <= 0 {
		return wait(1-b.bytes, l.bytes)
	}
	if l.requests > 0 {
		b.requests--
	}
	return 0
}

// Charge counts bytes of a client that have been read or written.
func (l *Limiter) Charge(now time.Time, c Client, bytes int64) {
	if l.bytes <= 0 || bytes <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bucket(now, c).bytes -= float64(bytes)
}

// wait returns the time in which what is missing comes together.
func wait(missing, perSecond float64) time.Duration {
	return time.Duration(math.Min(missing/perSecond*float64(time.Second), float64(maxWait)))
}

// bucket returns a client's bucket as of now; mu is held.
func (l *Limiter) bucket(now time.Time, c Client) *bucket {
	b := l.clients[c]
	if b == nil {
		b = l.enter(now, c)
	}
	passed := math.Max(now.Sub(b.at).Seconds(), 0)
	b.requests = math.Min(b.requests+passed*l.requests, math.Max(l.requests, 1))
	b.bytes = math.Min(b.bytes+passed*l.bytes, l.bytes)
	b.at = now
	return b
}

// enter takes a new client in, or returns the bucket of all others; mu is held.
func (l *Limiter) enter(now time.Time, c Client) *bucket {
	if len(l.clients) >= maxClients && now.Sub(l.forgotAt) >= forgetEvery {
		l.forgotAt = now
		l.forget(now)
	}
	if len(l.clients) >= maxClients {
		return &l.others
	}
	b := &bucket{at: now, requests: math.Max(l.requests, 1), bytes: l.bytes}
	l.clients[c] = b
	return b
}

// forget drops the clients who have saved up all they can: a new bucket would be the same; mu is held.
func (l *Limiter) forget(now time.Time) {
	for c, b := range l.clients {
		passed := now.Sub(b.at).Seconds()
		if b.requests+passed*l.requests >= l.requests && b.bytes+passed*l.bytes >= l.bytes {
			delete(l.clients, c)
		}
	}
}
