package controller

import (
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// notes is what is remembered of each KafkaBridge between two passes. Losing it costs an Event said twice.
type notes struct {
	mu  sync.Mutex
	all map[client.ObjectKey]note
}

// note is about one KafkaBridge.
type note struct {
	due  time.Time // when it is looked at even if nothing happens
	said string    // what the last Event about stale pods was about
}

// due tells whether the time has come that schedule set.
func (n *notes) due(key client.ObjectKey, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	at := n.all[key].due
	return !at.IsZero() && !now.Before(at)
}

func (n *notes) schedule(key client.ObjectKey, at time.Time) {
	n.change(key, func(about *note) { about.due = at })
}

// news tells whether this is not what was said last, and remembers it.
func (n *notes) news(key client.ObjectKey, what string) (isNew bool) {
	n.change(key, func(about *note) {
		isNew = about.said != what
		about.said = what
	})
	return isNew
}

func (n *notes) drop(key client.ObjectKey) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, key)
}

func (n *notes) change(key client.ObjectKey, change func(*note)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.all == nil {
		n.all = make(map[client.ObjectKey]note)
	}
	about := n.all[key]
	change(&about)
	n.all[key] = about
}
