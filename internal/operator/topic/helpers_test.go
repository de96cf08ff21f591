package topic

import (
	"fmt"
	"maps"
	"slices"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// resource makes a KafkaTopic named orders.
func resource(partitions, replicas int32, config map[string]string) *v1.KafkaTopic {
	cr := &v1.KafkaTopic{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders", Generation: 3, CreationTimestamp: metav1.NewTime(noon)}}
	if partitions != Default {
		cr.Spec.Partitions = &partitions
	}
	if replicas != Default {
		cr.Spec.Replicas = &replicas
	}
	cr.Spec.Config = v1.Config{}
	for key, raw := range config {
		cr.Spec.Config[key] = apiextensionsv1.JSON{Raw: []byte(raw)}
	}
	return cr
}

// state makes a topic named orders whose partition n has the n-th list of replicas, all in sync.
func state(config map[string]Setting, replicas ...[]int32) *State {
	s := &State{Name: "orders", ID: "AAAAAAAAAAAAAAAAAAAAAA", Config: config}
	for _, r := range replicas {
		s.Partitions = append(s.Partitions, Partition{Replicas: r, ISR: r})
	}
	return s
}

func brokers(racks ...string) (all []Broker) {
	for id, rack := range racks {
		all = append(all, Broker{ID: int32(id), Rack: rack})
	}
	return all
}

func unracked(n int) []Broker { return brokers(make([]string, n)...) }

// apply does to a topic what Kafka does, and leaves moves running.
func apply(t rapid.TB, s *State, c Changes, all []Broker) *State {
	t.Helper()
	if c.Create != nil {
		return create(t, c, all)
	}
	if c.Delete {
		return nil
	}
	width := len(s.Partitions[0].after())
	for n := int32(len(s.Partitions)); n < c.Partitions; n++ {
		s.Partitions = append(s.Partitions, placed(int(n), width, all))
	}
	for key, value := range c.Set {
		s.Config[key] = Setting{Value: value, Type: s.Config[key].Type}
	}
	for _, key := range c.Reset {
		if _, there := s.Config[key]; !there {
			t.Fatalf("reset of %s, which is not set", key)
		}
		delete(s.Config, key)
	}
	if c.Move != nil {
		move(t, s, c.Move, all)
	}
	return s
}

func create(t rapid.TB, c Changes, all []Broker) *State {
	t.Helper()
	s := &State{Name: c.Name, Config: map[string]Setting{}}
	n, width := c.Create.Partitions, int(c.Create.Replicas)
	if n == Default {
		n = 1
	}
	if c.Create.Replicas == Default {
		width = 1
	}
	for i := range n {
		s.Partitions = append(s.Partitions, placed(int(i), width, all))
	}
	for key, value := range c.Create.Config {
		s.Config[key] = Setting{Value: value}
	}
	return s
}

func placed(n, width int, all []Broker) (p Partition) {
	for i := range width {
		p.Replicas = append(p.Replicas, all[(n+i)%len(all)].ID)
	}
	p.ISR = p.Replicas
	return p
}

func move(t rapid.TB, s *State, m *Move, all []Broker) {
	t.Helper()
	for _, n := range m.Cancel {
		p := &s.Partitions[n]
		if !p.moving() {
			t.Fatalf("cancel of partition %d, which does not move", n)
		}
		p.Replicas, p.Adding, p.Removing = p.before(), nil, nil
	}
	for n, replicas := range m.Assign {
		p := &s.Partitions[n]
		before := p.before()
		checkAssignment(t, replicas, all, before)
		p.Adding, p.Removing = without(replicas, before), without(before, replicas)
		p.Replicas = slices.Concat(replicas, p.Removing)
	}
}

// checkAssignment: replicas are distinct, new ones are on brokers that are there.
func checkAssignment(t rapid.TB, replicas []int32, all []Broker, before []int32) {
	t.Helper()
	seen := map[int32]bool{}
	for _, id := range replicas {
		alive := slices.ContainsFunc(all, func(b Broker) bool { return b.ID == id })
		if seen[id] || !alive && !slices.Contains(before, id) {
			t.Fatalf("replicas %v: %d is there twice or its broker is not", replicas, id)
		}
		seen[id] = true
	}
}

// arrive ends the moves of the first partitions that move, at most n.
func arrive(s *State, n int) {
	for i := range s.Partitions {
		p := &s.Partitions[i]
		if n == 0 {
			return
		}
		if p.moving() {
			p.Replicas, p.Adding, p.Removing = p.after(), nil, nil
			p.ISR = p.Replicas
			n--
		}
	}
}

func loads(s *State) map[int32]int {
	load := map[int32]int{}
	for _, p := range s.Partitions {
		for _, id := range p.after() {
			load[id]++
		}
	}
	return load
}

func render(plan map[int32][]int32) string {
	text := ""
	for _, n := range slices.Sorted(maps.Keys(plan)) {
		text += fmt.Sprintf("%d:%v ", n, plan[n])
	}
	return text
}
