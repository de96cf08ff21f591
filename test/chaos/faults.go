package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/test/chaos/proxy"
)

// fault is one kind of harm.
type fault struct {
	name, what string
	// lasts is how long the harm is left as it is, drawn between the two.
	lasts [2]time.Duration
	// leaves is how many brokers are left that can do without the others; 0 when it is not brokers that are harmed.
	leaves int
	// begin does it, with the choices that are left to chance, and says what was chosen. The returned function undoes it.
	begin beginning
}

type (
	beginning = func(ctx context.Context, r *run, random *rand.Rand) (end undo, detail string, err error)
	undo      = func(context.Context) error
)

// Faults are all kinds by name, each with what it does.
func Faults() (names []string, what map[string]string) {
	what = make(map[string]string)
	for _, f := range faults() {
		names = append(names, f.name)
		what[f.name] = f.what
	}
	return names, what
}

func seconds(from, to float64) [2]time.Duration {
	return [2]time.Duration{time.Duration(from * float64(time.Second)), time.Duration(to * float64(time.Second))}
}

// faults is the table. Nothing in it is skipped silently: a run names the kinds that it leaves out.
func faults() []fault {
	return []fault{
		{"kill-broker-0", "kill -9 of broker 0, restart", seconds(2, 12), 2, killBrokers(0)},
		{"kill-broker-1", "kill -9 of broker 1, restart", seconds(2, 12), 2, killBrokers(1)},
		{"kill-broker-2", "kill -9 of broker 2, restart", seconds(2, 12), 2, killBrokers(2)},
		{"kill-two", "kill -9 of two brokers, restart: no quorum of the controllers", seconds(3, 10), 0, killSome(2)},
		{"kill-all", "kill -9 of all brokers, restart", seconds(1, 5), 0, killSome(3)},
		{"restart-broker", "a broker is stopped in good order and started again", seconds(0, 2), 2, restartBroker},
		{"freeze-broker", "SIGSTOP of a broker for longer than its session", seconds(8, 12), 2, freezeBrokers(1)},
		{"freeze-two", "SIGSTOP of two brokers for longer than their sessions", seconds(8, 10), 0, freezeBrokers(2)},
		{"controller-change", "kill -9 of the active controller, restart", seconds(1, 4), 2, killController},
		{"leaders-moved", "every partition's replicas are listed in another order, and the first elected leader", seconds(0, 1), 0, moveLeaders},
		{"proxy-stop", "a broker refuses the bridges' connections", seconds(3, 10), 0, modes(one, proxy.Mode{Refuse: true})},
		{"proxy-stall", "nothing goes through between the bridges and a broker", seconds(3, 12), 0, modes(one, proxy.Mode{Stall: true})},
		{"proxy-stall-all", "nothing goes through between the bridges and any broker", seconds(3, 12), 0, modes(every, proxy.Mode{Stall: true})},
		{"proxy-stop-one-bridge", "one bridge reaches no broker", seconds(3, 10), 0, modes(oneWay, proxy.Mode{Refuse: true})},
		{"proxy-lost-answers", "a broker's answers do not come through, then all its connections are cut", seconds(2, 9), 0, lostAnswers},
		{"proxy-delay", "a fifth of a second each way between the bridges and all brokers", seconds(3, 8), 0, modes(every, proxy.Mode{Delay: 200 * time.Millisecond})},
		{"proxy-cut", "all connections to all brokers are cut every 300 ms", seconds(2, 5), 0, repeated((*proxy.Proxy).Cut)},
		{"proxy-half-close", "brokers seem to close their half of all connections, again and again", seconds(2, 5), 0, repeated((*proxy.Proxy).HalfClose)},
		{"topic-recreated", "the topic " + doomed + " is deleted and created again", seconds(0, 1), 0, recreateTopic},
		{"partitions-added", "the topic " + growing + " gets a partition", seconds(0, 1), 0, addPartition},
		{"certificate-rotated", "the client certificate is replaced, then all connections cut", seconds(1, 2), 0, rotateCertificate},
		{"certificate-broken", "the client certificate is replaced by a stranger's for a while", seconds(4, 8), 0, breakCertificate},
		{"acl-topics", "the right to the topics is taken away", seconds(3, 6), 0, takeRights(topicRights)},
		{"acl-groups", "the right to the groups is taken away", seconds(3, 6), 0, takeRights(groupRights)},
		{"disk-full-answer", "every produce of one bridge is answered KAFKA_STORAGE_ERROR", seconds(3, 8), 0, modes(answeringWay, proxy.Mode{Answer: proxy.DiskFull})},
		{"disk-full", "a broker can write to no file any more (RLIMIT_FSIZE), and ends of it; restart", seconds(3, 8), 2, fullDisk},
		{clockJump, "a broker's clock jumps by hours, and back with a restart", seconds(4, 8), 0, jumpClock},
		{"bridge-stop", "SIGTERM of a bridge under load, restart", seconds(0, 3), 0, stopBridge},
		{"bridge-kill", "kill -9 of a bridge under load, restart", seconds(0, 3), 0, killBridge},
		{"bridge-freeze", "SIGSTOP of a bridge for longer than its consumers' sessions", seconds(8, 10), 0, freezeBridge},
		{"clients-vanish", "HTTP clients leave in the middle of requests, bodies and polls", seconds(3, 6), 0, vanish},
		{"consumers-churn", "consumers join the groups and leave them", seconds(4, 8), 0, churn},
	}
}

// clockJump needs a library; see fakeClocks.
const clockJump = "clock-jump"

func nothing(context.Context) error { return nil }

func killBrokers(which ...int) beginning {
	return func(_ context.Context, r *run, _ *rand.Rand) (undo, string, error) {
		var errs []error
		for _, i := range which {
			errs = append(errs, r.cluster.rig.Kill(i))
		}
		return r.startBrokers, fmt.Sprint("brokers ", which), errors.Join(errs...)
	}
}

func killSome(n int) beginning {
	return func(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
		return killBrokers(random.Perm(brokers)[:n]...)(ctx, r, random)
	}
}

func (r *run) startBrokers(context.Context) error { return r.cluster.rig.StartAll() }

func restartBroker(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	i := random.IntN(brokers)
	return r.startBrokers, fmt.Sprint("broker ", i), r.cluster.rig.Stop(i)
}

func killController(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
	i, err := r.cluster.controller(ctx)
	if err != nil {
		return nil, "", err
	}
	return killBrokers(i)(ctx, r, random)
}

func freezeBrokers(n int) beginning {
	return func(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
		which := random.Perm(brokers)[:n]
		each := func(do func(int) error) error {
			var errs []error
			for _, i := range which {
				errs = append(errs, do(i))
			}
			return errors.Join(errs...)
		}
		return func(context.Context) error { return each(r.cluster.rig.Resume) }, fmt.Sprint("brokers ", which), each(r.cluster.rig.Pause)
	}
}

func moveLeaders(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
	found, err := r.cluster.admin.ListTopics(ctx, durable, growing, doomed)
	if err != nil {
		return nil, "", wrap("listing topics", err)
	}
	var move kadm.AlterPartitionAssignmentsReq
	for _, t := range found.Sorted() {
		for _, p := range t.Partitions.Sorted() {
			var order []int32
			for _, i := range random.Perm(brokers) {
				order = append(order, int32(i))
			}
			move.Assign(t.Topic, p.Partition, order)
		}
	}
	if _, err := r.cluster.admin.AlterPartitionAssignments(ctx, move); err != nil {
		return nil, "", wrap("moving leaders", err)
	}
	return func(ctx context.Context) error {
		_, err := r.cluster.admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, nil)
		return wrap("electing leaders", err)
	}, "", nil
}

// choice picks proxies, and says which.
type choice func(c *cluster, random *rand.Rand) ([]*proxy.Proxy, string)

// one broker, whichever way the bridges take to it.
func one(c *cluster, random *rand.Rand) (out []*proxy.Proxy, detail string) {
	i := random.IntN(brokers)
	for w := range c.proxies {
		out = append(out, c.proxies[w][i])
	}
	return out, fmt.Sprint("broker ", i)
}

func every(c *cluster, _ *rand.Rand) (out []*proxy.Proxy, detail string) {
	for w := range c.proxies {
		out = append(out, c.proxies[w][:]...)
	}
	return out, ""
}

func oneWay(c *cluster, random *rand.Rand) ([]*proxy.Proxy, string) {
	w := random.IntN(len(ways))
	return c.proxies[w][:], fmt.Sprint("bridge ", w)
}

// answeringWay is the way without TLS, where proxies can read.
func answeringWay(c *cluster, _ *rand.Rand) ([]*proxy.Proxy, string) {
	const w = 1
	return c.proxies[w][:], fmt.Sprint("bridge ", w)
}

func modes(pick choice, m proxy.Mode) beginning {
	return func(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
		list, detail := pick(r.cluster, random)
		set := func(m proxy.Mode) {
			for _, p := range list {
				p.Set(m)
			}
		}
		set(m)
		return func(context.Context) error { set(proxy.Mode{}); return nil }, detail, nil
	}
}

func lostAnswers(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	list, detail := one(r.cluster, random)
	for _, p := range list {
		p.Set(proxy.Mode{StallAnswers: true})
	}
	return func(context.Context) error {
		for _, p := range list {
			p.Cut() // what was held back is gone
			p.Set(proxy.Mode{})
		}
		return nil
	}, detail, nil
}

// repeated does something to all connections every 300 ms.
func repeated(do func(*proxy.Proxy)) beginning {
	return func(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
		list, _ := every(r.cluster, random)
		end := background(ctx, func(ctx context.Context) {
			for pause(ctx, 300*time.Millisecond) {
				for _, p := range list {
					do(p)
				}
			}
		})
		return end, "", nil
	}
}

// background runs f until the returned function is called, which waits for it.
func background(ctx context.Context, f func(context.Context)) undo {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(ctx)
	}()
	return func(context.Context) error {
		cancel()
		<-done
		return nil
	}
}

func recreateTopic(ctx context.Context, r *run, _ *rand.Rand) (undo, string, error) {
	if _, err := r.cluster.admin.DeleteTopic(ctx, doomed); err != nil {
		return nil, "", wrap("deleting "+doomed, err)
	}
	return func(ctx context.Context) error {
		if err := r.cluster.create(ctx, doomed, doomedPartitions); err != nil {
			return err
		}
		if err := r.cluster.healthy(ctx); err != nil { // no broker may still have the old one
			return err
		}
		r.journal.since(doomed)
		return nil
	}, "", nil
}

func addPartition(ctx context.Context, r *run, _ *rand.Rand) (undo, string, error) {
	_, err := r.cluster.admin.CreatePartitions(ctx, 1, growing)
	return nothing, "", wrap("adding a partition", err)
}

func rotateCertificate(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	return func(context.Context) error {
		list, _ := every(r.cluster, random)
		for _, p := range list {
			p.Cut() // new connections show what was read meanwhile
		}
		return nil
	}, "", r.cluster.certificate()
}

func breakCertificate(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
	if err := r.cluster.stranger(); err != nil {
		return nil, "", err
	}
	pause(ctx, time.Second) // the bridge notices the change
	list, _ := every(r.cluster, random)
	for _, p := range list {
		p.Cut()
	}
	return func(context.Context) error { return r.cluster.certificate() }, "", nil
}

func takeRights(rights func() *kadm.ACLBuilder) beginning {
	return func(ctx context.Context, r *run, _ *rand.Rand) (undo, string, error) {
		return func(ctx context.Context) error { return r.cluster.grant(ctx, rights()) }, "", r.cluster.revoke(ctx, rights())
	}
}

// brokerEnds is how long a broker may take to write something, and to end of it.
const brokerEnds = 15 * time.Second

// fullDisk lets a broker's next write to any file fail with EFBIG, which it treats as it does ENOSPC: the log directory
// is offline, and with its only one the broker ends. That is waited for, since a broker that has yet to end leads all it led,
// and the others would seem to have taken over already.
func fullDisk(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
	i := random.IntN(brokers)
	err := limitFiles(r.cluster.rig.PID(i))
	for end := time.Now().Add(brokerEnds); err == nil && r.cluster.rig.PID(i) != 0 && time.Now().Before(end); {
		if !pause(ctx, 20*time.Millisecond) {
			break
		}
	}
	return func(context.Context) error {
		return errors.Join(r.cluster.rig.Kill(i), r.cluster.rig.StartAll()) // it may not have written since
	}, fmt.Sprint("broker ", i), wrap("limiting a broker's files", err)
}

// jumpClock ends with a restart of the broker: some of Kafka's timers run on the wall clock, and after a jump back they may
// stand still for hours, which would be held against the bridges in later faults.
func jumpClock(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	i := random.IntN(brokers)
	by := time.Duration(1+random.IntN(5)) * time.Hour
	if random.IntN(2) == 0 {
		by = -by
	}
	return func(context.Context) error {
		return errors.Join(writeClockOf(r.cluster.rig, i, 0), r.cluster.rig.Stop(i), r.cluster.rig.StartAll())
	}, fmt.Sprintf("broker %d by %s", i, by), writeClockOf(r.cluster.rig, i, by)
}

func stopBridge(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	b := r.bridges[random.IntN(len(r.bridges))]
	over := r.journal.outage(b.index, false)
	return func(ctx context.Context) error {
		defer over()
		return b.start(ctx)
	}, fmt.Sprint("bridge ", b.index), b.stop()
}

func killBridge(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	b := r.bridges[random.IntN(len(r.bridges))]
	over := r.journal.outage(b.index, false)
	return func(ctx context.Context) error {
		defer over()
		return b.start(ctx)
	}, fmt.Sprint("bridge ", b.index), b.kill()
}

func freezeBridge(_ context.Context, r *run, random *rand.Rand) (undo, string, error) {
	b := r.bridges[random.IntN(len(r.bridges))]
	over := r.journal.outage(b.index, true)
	b.signal(syscall.SIGSTOP)
	return func(context.Context) error {
		b.signal(syscall.SIGCONT)
		over()
		return nil
	}, fmt.Sprint("bridge ", b.index), nil
}
