package kafkatest

import (
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AllBrokers, instead of an id, means each broker.
const AllBrokers = -1

// Hold keeps back a broker's answers to requests of these kinds, all kinds if
// none is given: the requests are carried out. As a connection's answers come
// in order, later ones on it wait too. The answers leave at release, which can
// be called more than once and is at the test's end at the latest; those of
// connections that ended meanwhile are lost.
func (c *Cluster) Hold(broker int, keys ...kmsg.Key) (release func()) {
	r := &rule{node: int32(broker), keys: keys, held: make(chan struct{})}
	remove := c.rules.add(r)
	release = sync.OnceFunc(func() {
		remove()
		close(r.held)
	})
	c.t.Cleanup(release) // so that no cleanup waits for an answer
	return release
}

// Delay makes every answer to requests of these kinds, all kinds if none is
// given, leave that much later, until stop is called.
func (c *Cluster) Delay(d time.Duration, keys ...kmsg.Key) (stop func()) {
	return c.rules.add(&rule{node: AllBrokers, keys: keys, delay: d})
}

// Rewrite has change look at, and change, every answer of one kind until stop
// is called. Calls come from several goroutines.
func (c *Cluster) Rewrite(key kmsg.Key, change func(kmsg.Response)) (stop func()) {
	return c.rules.add(&rule{node: AllBrokers, keys: []kmsg.Key{key}, rewrite: change})
}

// Leaderless takes a partition's leader away until restore is called: metadata
// says LEADER_NOT_AVAILABLE and -1, requests for it NOT_LEADER_OR_FOLLOWER.
func (c *Cluster) Leaderless(topic string, partition int32) (restore func()) {
	info := c.Fake.TopicInfo(topic)
	if info == nil {
		c.t.Helper()
		c.t.Fatalf("test cluster: no topic %s to take a leader from", topic)
	}
	stop := c.Rewrite(kmsg.Metadata, func(r kmsg.Response) {
		for _, t := range r.(*kmsg.MetadataResponse).Topics {
			if t.TopicID != info.TopicID && (t.Topic == nil || *t.Topic != topic) {
				continue
			}
			if i := slices.IndexFunc(t.Partitions, func(p kmsg.MetadataResponseTopicPartition) bool { return p.Partition == partition }); i >= 0 {
				p := &t.Partitions[i]
				p.ErrorCode, p.Leader, p.ISR = kerr.LeaderNotAvailable.Code, -1, nil
			}
		}
	})
	requests := []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets}
	refuse := kfake.Fault{Keys: requests, Topic: topic, Partitions: []int32{partition}, Err: kerr.NotLeaderForPartition, Count: -1}
	byID := refuse
	byID.Topic, byID.TopicID = "", info.TopicID
	faults := c.Fake.Fault(refuse, byID)
	return sync.OnceFunc(func() {
		stop()
		faults.Remove()
	})
}

// Down makes a broker unreachable: its connections end, new ones are refused.
func (c *Cluster) Down(broker int) { c.gates[broker].down() }

// Up makes a broker reachable again, on its old address.
func (c *Cluster) Up(broker int) {
	c.t.Helper()
	if err := c.gates[broker].up(); err != nil {
		c.t.Fatal("test cluster:", err)
	}
}

// DropConnections ends a broker's connections; new ones are welcome.
func (c *Cluster) DropConnections(broker int) { c.gates[broker].drop() }

// rule is what happens to certain answers.
type rule struct {
	node    int32
	keys    []kmsg.Key // none means all
	held    chan struct{}
	delay   time.Duration
	rewrite func(kmsg.Response)
}

func (r *rule) matches(node int32, key int16) bool {
	return (r.node == AllBrokers || r.node == node) && (len(r.keys) == 0 || slices.Contains(r.keys, kmsg.Key(key)))
}

// ruleBook has the rules in force, and counts requests.
type ruleBook struct {
	mu    sync.Mutex
	rules []*rule
	seen  map[int16]int
}

func (b *ruleBook) add(r *rule) (remove func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules = append(b.rules, r)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.rules = slices.DeleteFunc(b.rules, func(o *rule) bool { return o == r })
	}
}

func (b *ruleBook) matching(node int32, key int16) []*rule {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []*rule
	for _, r := range b.rules {
		if r.matches(node, key) {
			out = append(out, r)
		}
	}
	return out
}

func (b *ruleBook) saw(key int16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[int16]int{}
	}
	b.seen[key]++
}

func (b *ruleBook) count(key int16) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[key]
}
