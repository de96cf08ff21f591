package controller

import (
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/roll"
)

const (
	// hostAge and classAge are how long is believed what was read of Kubernetes nodes and of storage classes.
	hostAge  = 5 * time.Minute
	classAge = 5 * time.Minute
)

// memories is what is remembered between passes. Losing it costs requests, and puts off what waits for a time to pass.
type memories struct {
	mu      sync.Mutex
	kafkas  map[client.ObjectKey]*memory
	hosts   map[string]aged[host]
	classes map[string]aged[bool]
}

// aged is something that was read at a time.
type aged[T any] struct {
	value T
	at    time.Time
}

// memory is about one Kafka. It is used by one pass at a time.
type memory struct {
	// blindSince is since when Kafka could not be asked, unreachable the same of brokers.
	blindSince  time.Time
	unreachable map[int32]time.Time
	// told is what brokers were told at run time.
	told map[int32]told
	// blocked is what a rolling update waits for.
	blocked blocked
	// taken is what the API server would make pods from, by pool.
	taken map[string]string
}

// blocked is what holds up a rolling update; without a time nothing does.
type blocked struct {
	node   int32
	reason roll.Reason // as it was said last
	since  time.Time
}

// told is settings that a broker was told.
type told struct {
	what    string // their names and values
	at      time.Time
	refused bool
}

// of returns what is remembered of a Kafka.
func (m *memories) of(key client.ObjectKey) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kafkas == nil {
		m.kafkas = make(map[client.ObjectKey]*memory)
	}
	if m.kafkas[key] == nil {
		m.kafkas[key] = &memory{unreachable: make(map[int32]time.Time), told: make(map[int32]told)}
	}
	return m.kafkas[key]
}

// hold remembers what holds up a rolling update, and returns since when the node has been waited for and whether the reason is
// news. One reason may follow another, as when Kafka can't be asked for a moment: the node has waited for all of that time.
func (m *memory) hold(node int32, reason roll.Reason, now time.Time) (since time.Time, news bool) {
	before := m.blocked
	m.blocked = blocked{node: node, reason: reason, since: now}
	if !before.since.IsZero() && before.node == node {
		m.blocked.since = before.since
	}
	return m.blocked.since, before != m.blocked
}

func (m *memories) drop(key client.ObjectKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kafkas, key)
}

// host returns a Kubernetes node, which is read if it isn't known or has been for long.
func (m *memories) host(name string, now time.Time, read func() (host, error)) (host, error) {
	m.mu.Lock()
	if m.hosts == nil {
		m.hosts = make(map[string]aged[host])
	}
	m.mu.Unlock()
	return remembered(&m.mu, m.hosts, name, now, hostAge, read)
}

// class does the same for whether the claims of a storage class may grow.
func (m *memories) class(name string, now time.Time, read func() (bool, error)) (bool, error) {
	m.mu.Lock()
	if m.classes == nil {
		m.classes = make(map[string]aged[bool])
	}
	m.mu.Unlock()
	return remembered(&m.mu, m.classes, name, now, classAge, read)
}

// remembered reads without the lock: two passes may read the same thing. What is too old is dropped, so that Kubernetes nodes
// that are gone aren't kept.
func remembered[T any](mu *sync.Mutex, all map[string]aged[T], name string, now time.Time, age time.Duration, read func() (T, error)) (T, error) {
	mu.Lock()
	known, ok := all[name]
	mu.Unlock()
	if ok && now.Sub(known.at) < age {
		return known.value, nil
	}
	value, err := read()
	if err != nil {
		return value, err
	}
	mu.Lock()
	defer mu.Unlock()
	for key, old := range all {
		if now.Sub(old.at) >= 2*age {
			delete(all, key)
		}
	}
	all[name] = aged[T]{value, now}
	return value, nil
}
