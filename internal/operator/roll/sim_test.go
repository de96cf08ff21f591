package roll

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The bounds in the simulated world, in seconds, which are its ticks.
const (
	simStart = 60
	simAdmin = 120
)

// world is a simulated cluster: kubelets, the controller of the pod sets, the brokers with their partitions, the quorum, and
// an operator without a memory. All chance is from one seed.
type world struct {
	rnd  *rand.Rand
	now  time.Time
	want Want
	// fate says what becomes of pods of a revision: "" is good, crash, hang, or a waiting reason to be stuck in.
	fate  map[string]string
	nodes map[int32]*machine
	ids   []int32 // the keys of nodes, in order
	parts []*Partition
	// synced counts for how long a replica has been catching up, by partition and node.
	synced map[[2]int32]int
	leader int32
	pools  []string
	uids   int

	boot, catchUp, shrink, stop int // how long things take, in ticks
	crash, kill, silence        float64
	silentUntil                 time.Time // Kafka gives no answer until then
	blindSince                  time.Time // the operator's memory, lost with it

	killAt   int // the number of the act during which the operator is killed, -1 for none
	acts     int // steps that were done, waits not counted
	restarts map[int32]int
	trace    []string
}

// machine is one node of it.
type machine struct {
	pod       *Pod // nil while there is none
	since     int  // ticks since the pod's last change: created, started, deleted
	recovery  int  // ticks of log recovery to come
	options   string
	refuses   bool   // the broker refuses to change options
	refused   string // the options that the operator knows to be refused
	lag       int
	voter     bool
	lostClaim bool
	noPlace   int // for so many ticks its pod can't be scheduled: its node is gone
}

type shape struct {
	Combined            bool
	Controllers         int
	Brokers, Partitions int
	Racks, Batch        int
}

// build makes a cluster in which all is as wanted. Controllers come first in id, or are the first brokers if combined.
func build(s shape, seed uint64) *world {
	w := &world{
		rnd: rand.New(rand.NewPCG(seed, 7)), now: noon, fate: map[string]string{}, nodes: map[int32]*machine{},
		synced: map[[2]int32]int{}, restarts: map[int32]int{}, boot: 5, catchUp: 8, shrink: 3, stop: 2, leader: None, killAt: -1,
	}
	w.want = Want{Batch: s.Batch, StartTimeout: simStart * time.Second, AdminTimeout: simAdmin * time.Second}
	total, firstBroker := s.Controllers+s.Brokers, s.Controllers
	if s.Combined {
		total, firstBroker = s.Brokers, 0
	}
	for i := range total {
		n := Node{ID: int32(i), Pool: "p", Controller: i < s.Controllers, Marks: Marks{Revision: "1"}, Options: "a"}
		if s.Racks > 0 {
			n.Rack = fmt.Sprint("r", i%s.Racks)
		}
		w.want.Nodes = append(w.want.Nodes, n)
		w.ids = append(w.ids, n.ID)
		w.nodes[n.ID] = &machine{voter: n.Controller}
	}
	for i := range s.Partitions {
		p := &Partition{Topic: "t", Number: int32(i), MinISR: 1 + i%3}
		rf := min(1+(i/3)%3+i%2, s.Brokers)
		for r := range rf {
			p.Replicas = append(p.Replicas, int32(firstBroker+(i*7+r)%s.Brokers))
		}
		p.ISR = slices.Clone(p.Replicas)
		w.parts = append(w.parts, p)
	}
	for range w.boot + 5 {
		w.tick()
	}
	return w
}

func (w *world) node(id int32) Node {
	return w.want.Nodes[slices.IndexFunc(w.want.Nodes, func(n Node) bool { return n.ID == id })]
}

func (w *world) each(f func(id int32, n *Node)) {
	for i := range w.want.Nodes {
		f(w.want.Nodes[i].ID, &w.want.Nodes[i])
	}
}

// roll changes what is wanted of all nodes.
func (w *world) roll(revision string) {
	w.each(func(_ int32, n *Node) { n.Revision = revision })
}

func (w *world) running(id int32) bool {
	p := w.nodes[id].pod
	return p != nil && !p.Deleting && p.Waiting == ""
}

func (w *world) ready(id int32) bool { return w.running(id) && w.nodes[id].pod.Ready }

// tick lets a second pass.
func (w *world) tick() {
	w.now = w.now.Add(time.Second)
	for _, id := range w.ids {
		w.kubelet(id)
	}
	w.quorum()
	for i, p := range w.parts {
		w.replicate(int32(i), p)
	}
	if w.rnd.Float64() < w.silence {
		w.silentUntil = w.now.Add(time.Duration(w.rnd.IntN(simAdmin/4)) * time.Second)
	}
}

func (w *world) kubelet(id int32) {
	m := w.nodes[id]
	m.since++
	m.noPlace--
	switch {
	case m.pod == nil:
		w.create(id)
	case m.pod.Deleting:
		if m.since > w.stop {
			if m.pod.ClaimsDeleting {
				m.lostClaim = true
			}
			m.pod = nil
		}
	case m.pod.Ready:
		switch {
		case w.rnd.Float64() >= w.crash:
		case w.rnd.IntN(3) == 0:
			m.noPlace, m.pod = w.rnd.IntN(300), nil
		default:
			m.recovery = w.rnd.IntN(30)
			w.setReady(m, false)
		}
	case m.pod.Waiting == "ContainerCreating", m.pod.Waiting == "Unschedulable" && m.noPlace <= 0 && w.fate[m.pod.Revision] == "":
		m.pod.Waiting, m.since = "", 0
	default:
		w.start(m)
	}
}

// create is the controller of the pod sets: it makes a missing pod from what is wanted now.
func (w *world) create(id int32) {
	m, n := w.nodes[id], w.node(id)
	w.uids++
	m.pod = &Pod{
		Name: fmt.Sprint("pod-", id), UID: fmt.Sprint("uid-", w.uids), Marks: n.Marks, Options: n.Options,
		Created: w.now, Since: w.now, Waiting: "ContainerCreating", Claims: 1,
	}
	m.since, m.options, m.refused = 0, n.Options, ""
	if f := w.fate[n.Revision]; f != "" && f != "crash" && f != "hang" {
		m.pod.Waiting = f
	}
	if m.noPlace > 0 {
		m.pod.Waiting = "Unschedulable"
	}
	if m.lostClaim {
		m.lostClaim = false
		for i, p := range w.parts {
			w.synced[[2]int32{int32(i), id}] = 0
			p.ISR = slices.DeleteFunc(p.ISR, func(r int32) bool { return r == id })
		}
	}
}

// start is a pod on its way to be ready, or to what its revision is fated to.
func (w *world) start(m *machine) {
	if m.since <= w.boot || m.pod.Waiting != "" {
		return
	}
	if m.recovery > 0 {
		m.recovery--
		return
	}
	switch w.fate[m.pod.Revision] {
	case "crash":
		m.pod.Waiting = "CrashLoopBackOff"
	case "hang":
	default:
		w.setReady(m, true)
	}
}

func (w *world) setReady(m *machine, ready bool) {
	m.pod.Ready, m.pod.Since, m.since = ready, w.now, 0
}

// quorum moves lags and leader: a controller takes part a moment after its process runs.
func (w *world) quorum() {
	voters, up := 0, []int32{}
	for _, id := range w.ids {
		m := w.nodes[id]
		if !m.voter {
			continue
		}
		voters++
		m.lag++
		if w.running(id) && (m.pod.Ready || m.since > w.boot/2) {
			up = append(up, id)
			m.lag = min(m.lag, 4) - 2
			m.lag = max(m.lag, 0)
		}
	}
	switch {
	case len(up) <= voters/2:
		w.leader = None
	case !slices.Contains(up, w.leader):
		w.leader = up[w.rnd.IntN(len(up))]
	}
}

// replicate moves a partition's ISR: a broker that stops leaves at once, one that dies a little later, the last one stays;
// one that is back needs time to catch up.
func (w *world) replicate(i int32, p *Partition) {
	if w.leader == None {
		return
	}
	p.ISR = slices.DeleteFunc(slices.Clone(p.ISR), func(r int32) bool {
		m := w.nodes[r]
		gone := m.pod == nil || m.pod.Deleting || !m.pod.Ready && m.since > w.shrink
		return gone && w.live(p) > 0
	})
	p.Leader = None
	for _, r := range p.ISR {
		if w.ready(r) {
			p.Leader = r
			break
		}
	}
	for _, r := range p.Replicas {
		key := [2]int32{i, r}
		switch {
		case slices.Contains(p.ISR, r) || !w.ready(r) || p.Leader == None:
			w.synced[key] = 0
		case w.synced[key] >= w.catchUp:
			p.ISR = append(p.ISR, r)
		default:
			w.synced[key]++
		}
	}
}

// live counts the replicas that are in sync and serve.
func (w *world) live(p *Partition) (n int) {
	for _, r := range p.ISR {
		if w.ready(r) {
			n++
		}
	}
	return n
}

// see is what the operator reads.
func (w *world) see() Seen {
	s := Seen{Pods: map[int32]Pod{}, Brokers: map[int32]Broker{}, RollPools: slices.Clone(w.pools)}
	silent := w.now.Before(w.silentUntil)
	for _, id := range w.ids {
		m := w.nodes[id]
		if m.pod == nil {
			continue
		}
		s.Pods[id] = *m.pod
		b := Broker{Recovering: m.recovery > 0 && !m.pod.Ready, Segments: m.recovery, Refused: m.refused == w.node(id).Options}
		if m.options != w.node(id).Options {
			b.Drift = []string{"log.retention.ms"}
		}
		if silent || !w.running(id) {
			b.Unreachable = w.now
		}
		s.Brokers[id] = b
	}
	if !silent {
		s.Kafka = &Kafka{Leader: w.leader}
		for _, id := range w.ids {
			if m := w.nodes[id]; m.voter {
				s.Kafka.Voters = append(s.Kafka.Voters, Voter{ID: id, Lag: time.Duration(m.lag) * time.Second})
			}
		}
		for _, p := range w.parts {
			q := *p
			q.Replicas, q.ISR = slices.Clone(p.Replicas), slices.Clone(p.ISR)
			s.Kafka.Partitions = append(s.Kafka.Partitions, q)
		}
	}
	if !silent && w.leader != None {
		w.blindSince = time.Time{}
	} else if w.blindSince.IsZero() {
		w.blindSince = w.now
	}
	s.BlindSince = w.blindSince
	return s
}

// operate is one pass of the operator. It may be killed before it does the step or in the middle of it, which it survives
// without a memory. An error is a rule that was broken.
func (w *world) operate() (Step, error) {
	step := Next(w.want, w.see(), w.now)
	if step.Do == Nothing || step.Do == Wait {
		return step, nil
	}
	if err := w.judge(step); err != nil {
		return step, fmt.Errorf("%s at %d s: %w", step, int(w.now.Sub(noon).Seconds()), err)
	}
	w.trace = append(w.trace, step.String())
	doomed := w.acts == w.killAt || w.rnd.Float64() < w.kill
	w.acts++
	if doomed {
		w.blindSince = time.Time{}
		for _, id := range w.ids {
			w.nodes[id].refused = ""
		}
		step.Targets = step.Targets[:w.rnd.IntN(len(step.Targets)+1)]
		if step.Do == Unmark {
			return step, nil
		}
	}
	w.do(step)
	return step, nil
}

func (w *world) do(step Step) {
	if step.Do == Unmark {
		w.pools = slices.DeleteFunc(w.pools, func(p string) bool { return p == step.Pool })
	}
	for _, t := range step.Targets {
		m := w.nodes[t.Node]
		switch step.Do {
		case Mark:
			m.pod.Roll = true
		case DeleteClaims:
			m.pod.Claims, m.pod.ClaimsDeleting = 0, true
		case Reconfigure:
			if options := w.node(t.Node).Options; m.refuses {
				m.refused = options
			} else {
				m.options = options
			}
		case Restart:
			w.restarts[t.Node]++
			w.setReady(m, false)
			m.pod.Deleting = true
		}
	}
}

// run lets the world go on until the operator has nothing to do, for at most so many ticks.
func (w *world) run(ticks int, watch func() error) error {
	var step Step
	for range ticks {
		var err error
		if step, err = w.operate(); err != nil {
			return err
		}
		if step.Do == Nothing {
			return w.converged()
		}
		w.tick()
		if watch != nil {
			if err := watch(); err != nil {
				return fmt.Errorf("%w after\n%q", err, w.trace)
			}
		}
	}
	return fmt.Errorf("not done after %d ticks: %s; before that\n%q", ticks, step, w.trace)
}
