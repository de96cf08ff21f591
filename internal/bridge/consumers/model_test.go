package consumers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steg-kafka/steg/internal/kafkatest"
)

// TestPositionsFollowTheModel runs random operations on one instance with assigned partitions against a model of its
// positions: whatever is sought, accepted in part, committed or assigned anew, a poll returns the records from the
// model's positions on, each partition in order.
func TestPositionsFollowTheModel(t *testing.T) {
	const partitions, perPartition = 3, 40
	c := kafkatest.Start(t, kafkatest.Topic("t", partitions))
	r := newRig(t, c, set("enable.auto.commit", "false", "max.poll.records", "9"))
	for p := range int32(partitions) {
		values := make([]string, perPartition)
		for n := range values {
			values[n] = fmt.Sprintf("%d/%d", p, n)
		}
		r.produce("t", p, values...)
	}
	group := 0
	rapid.Check(t, func(rt *rapid.T) {
		group++
		m := &model{rig: r, T: rt, group: fmt.Sprint("g", group), committed: map[int32]int64{}, position: map[int32]int64{}, looked: map[int32]bool{}}
		m.instance = r.create(m.group, "c")
		m.assign()
		rt.Repeat(map[string]func(*rapid.T){
			"assign": func(*rapid.T) { m.assign() },
			"poll":   func(*rapid.T) { m.poll() },
			"seek":   func(*rapid.T) { m.seek() },
			"ends":   func(*rapid.T) { m.ends() },
			"commit": func(*rapid.T) { m.commit() },
		})
		if err := r.registry.Delete(r.ctx(), m.group, "c"); err != nil {
			rt.Fatal(err)
		}
	})
}

const modelLog = 40 // records per partition

// model is what the instance should do.
type model struct {
	*rapid.T
	rig       *rig
	group     string
	instance  *Instance
	position  map[int32]int64 // of the assigned partitions
	looked    map[int32]bool  // those whose position does not depend on the committed offset any more
	committed map[int32]int64
}

func (m *model) must(err error) {
	if err != nil {
		m.Fatal(err)
	}
}

func (m *model) pick() int32 { return rapid.Int32Range(0, 2).Draw(m.T, "partition") }

func (m *model) assign() {
	chosen := rapid.SliceOfNDistinct(rapid.Int32Range(0, 2), 1, 3, rapid.ID).Draw(m.T, "assigned")
	m.must(m.instance.Assign(m.rig.ctx(), tps("t", chosen...)))
	position, looked := map[int32]int64{}, map[int32]bool{}
	for _, p := range chosen {
		if at, ok := m.position[p]; ok {
			position[p], looked[p] = at, m.looked[p]
		} else {
			position[p] = m.committed[p] // or 0, the earliest
		}
	}
	m.position, m.looked = position, looked
}

func (m *model) seek() {
	p := m.pick()
	offset := rapid.Int64Range(0, modelLog).Draw(m.T, "offset")
	err := m.instance.Seek(m.rig.ctx(), at("t", p, offset))
	if _, ok := m.position[p]; !ok {
		if err == nil {
			m.Fatalf("a seek in the unassigned partition %d", p)
		}
		return
	}
	m.must(err)
	m.position[p], m.looked[p] = offset, true
}

func (m *model) ends() {
	if rapid.Bool().Draw(m.T, "beginning") {
		m.must(m.instance.SeekToBeginning(m.rig.ctx(), nil))
		for p := range m.position {
			m.position[p], m.looked[p] = 0, true
		}
		return
	}
	m.must(m.instance.SeekToEnd(m.rig.ctx(), nil))
	for p := range m.position {
		m.position[p], m.looked[p] = modelLog, true
	}
}

// commit leaves out partitions that may or may not have looked up their committed offset yet.
func (m *model) commit() {
	p := m.pick()
	if _, ok := m.position[p]; ok && !m.looked[p] {
		return
	}
	offset := rapid.Int64Range(0, modelLog).Draw(m.T, "offset")
	m.must(m.instance.Commit(m.rig.ctx(), at("t", p, offset)))
	m.committed[p] = offset
}

// poll reads for as long as the model says that there is something, and compares.
func (m *model) poll() {
	left := 0
	for _, at := range m.position {
		left += int(modelLog - at)
	}
	b, err := m.instance.Poll(m.rig.ctx(), timeoutFor(left))
	m.must(err)
	accept := rapid.IntRange(0, len(b.Records)).Draw(m.T, "accepted")
	var trouble []string
	if left > 0 && len(b.Records) == 0 {
		trouble = append(trouble, fmt.Sprintf("nothing of %d", left))
	}
	next := map[int32]int64{}
	for n, rec := range b.Records {
		if _, ok := next[rec.Partition]; !ok {
			next[rec.Partition] = m.position[rec.Partition]
		}
		want := fmt.Sprintf("%d/%d", rec.Partition, next[rec.Partition])
		if _, ok := m.position[rec.Partition]; !ok || string(rec.Value) != want {
			trouble = append(trouble, fmt.Sprintf("got %s, want %s", rec.Value, want))
		}
		m.looked[rec.Partition] = true
		next[rec.Partition]++
		if n < accept {
			m.position[rec.Partition]++
		}
	}
	b.Accept(accept)
	if trouble != nil {
		m.Fatal(strings.Join(trouble, "; "))
	}
}

// timeoutFor keeps polls short that have nothing to find.
func timeoutFor(left int) time.Duration {
	if left > 0 {
		return 5 * time.Second
	}
	return 5 * time.Millisecond
}
