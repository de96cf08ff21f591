package node

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// quorum finds out whether the controllers can have a leader. A broker that stops waits for one to move its partitions away, for
// up to five minutes, and goes on answering meanwhile. It is not for concurrent use.
type quorum struct {
	voters []voter // those of other nodes
	self   int     // 1 for a node that is a voter itself
	broker *peer
	limit  time.Duration // of one question
	pause  time.Duration // between two looks
}

// voter is a controller of another node.
type voter struct {
	address  string
	security func() (*tls.Config, error) // nil without TLS
}

func newQuorum(e *eye) *quorum {
	q := &quorum{broker: &peer{address: e.own.address, security: e.own.security}, limit: quorumTimeout, pause: lookPause}
	for _, v := range e.voters {
		if v.ID == int(e.id) {
			q.self = 1
			continue
		}
		other := voter{address: v.Address()}
		if e.tls {
			other.security = e.keys.client(v.Host)
		}
		q.voters = append(q.voters, other)
	}
	return q
}

// lost returns true as soon as no majority of the controllers has been there for as long as enough, while the own broker answered,
// and false when ctx ends. A broker that does not answer has come to closing its logs, or is overloaded: it needs its time.
//
// That controllers have no leader would not do: on an overloaded machine an election takes long, and each of them is there.
func (q *quorum) lost(ctx context.Context, enough time.Duration) bool {
	defer q.broker.close()
	for vacancy := (config.Vacancy{}); ; {
		began := time.Now()
		possible := q.possible(ctx)
		answered := possible || q.answers(ctx)
		if vacancy.Look(began, time.Now(), possible, answered) >= enough {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(q.pause):
		}
	}
}

// possible reports whether a majority of the voters is there, or nothing is known of them.
func (q *quorum) possible(ctx context.Context) bool {
	all, there := q.self+len(q.voters), q.self
	for _, v := range q.voters {
		if v.there(ctx, q.limit) {
			there++
		}
	}
	return all == 0 || there > all/2
}

// there reports whether somebody listens, which the kernel answers however busy he is. The handshake is made so that Kafka does not
// log a connection without one.
func (v voter) there(ctx context.Context, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", v.address)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if v.security == nil {
		return true
	}
	if settings, err := v.security(); err == nil {
		_ = tls.Client(conn, settings).HandshakeContext(ctx)
	}
	return true
}

// answers reports whether the broker answers a question that needs nobody else.
func (q *quorum) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, q.limit)
	defer cancel()
	return q.broker.ask(ctx, metadataRequest(), kmsg.NewPtrMetadataResponse()) == nil
}
