package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
)

// Run is the life of a node: everything is made ready, Kafka runs until it ends or ctx does, which asks it to stop. It
// returns the code to exit with: Kafka's own, 128 and the signal for one that was killed, 0 after a stop that was asked for.
// An error is one line about something that has to be mended before Kafka can run.
func Run(ctx context.Context, o Options) (int, error) {
	who, err := o.identity()
	if err != nil {
		return 1, err
	}
	m := newMonitor(o.Log)
	socket, err := o.listenSocket(ctx)
	if err != nil {
		return 1, err
	}
	defer closing(serve(socket, m.probes(), o.Log))()
	code, err := o.live(ctx, who, m)
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		o.Log.Info("asked to stop before Kafka was started")
		return 0, nil
	}
	if err != nil {
		code = 1
	}
	return code, err
}

// closing returns what ends a server.
func closing(server *http.Server) func() { return func() { _ = server.Close() } }

func (o Options) live(ctx context.Context, who identity, m *monitor) (int, error) {
	settings, texts, err := o.prepare(ctx, who)
	if err != nil {
		return 0, err
	}
	eye, err := newEye(who, settings, o.keys(who.pod))
	if err != nil {
		return 0, err
	}
	if err := o.readyStorage(ctx, who, settings, texts); err != nil {
		return 0, err
	}
	launch, err := o.launchKafka(who)
	if err != nil {
		return 0, err
	}
	if o.AgentAddress != "" {
		var l net.ListenConfig
		agent, err := l.Listen(ctx, "tcp", o.AgentAddress)
		if err != nil {
			return 0, fmt.Errorf("the port for the operator's questions: %w", err)
		}
		defer closing(serveTLS(agent, m.agent(), o.keys(who.pod).server(), o.Log))()
	}
	reloader, err := o.newReloader(who, eye)
	if err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return o.kafka(ctx, launch, m, eye, reloader)
}

// kafka runs the broker and everything that watches it.
func (o Options) kafka(ctx context.Context, launch config.Launch, m *monitor, e *eye, r *reloader) (int, error) {
	// Its end is asked for by a signal that lets it move its leaders away, not by the context.
	cmd := exec.CommandContext(context.Background(), filepath.Join(o.KafkaHome, "bin", "kafka-server-start.sh"), o.propertiesFile())
	cmd.Env = launch.Environment(o.Environ)
	m.watch(e) // before its first line
	p, err := start(cmd, o.Stdout, o.Stderr, m.line)
	if err != nil {
		return 0, fmt.Errorf("starting Kafka: %w", err)
	}
	o.Log.Info("Kafka is starting", "process", p.pid, "script", cmd.Path)
	life, end := context.WithCancel(ctx)
	var work sync.WaitGroup
	work.Go(func() {
		m.untilReady(life)
		debug.FreeOSMemory() // what starting took
	})
	if e.broker {
		work.Go(func() { r.run(life, m.ready) })
	}
	asked, killed := false, error(nil)
	select {
	case <-p.ended:
	case <-ctx.Done():
		asked = true
		o.Log.Info("stopping: Kafka moves its leaders away", "atMost", o.StopTimeout)
		m.event(config.StopAsked, "Kafka is stopping")
		killed, err = o.stop(p, e)
	}
	end()
	work.Wait()
	m.gone()
	if err != nil {
		return 0, err
	}
	return o.ended(p, asked, killed)
}

// Why a Kafka that was asked to stop is killed.
var (
	errSlow     = errors.New("it did not stop in time")
	errNoQuorum = errors.New("it waited for the controllers, of whom no majority has been there for too long")
)

// stop has Kafka stop in good order, and returns why it was killed instead: the time was over, or it is a broker that waits for
// controllers who are no more, as when all nodes of a cluster are told to stop at once. What a killed Kafka has written is in the
// kernel's page cache and gets to the disk all the same; the next start reads the logs that were open.
func (o Options) stop(p *process, e *eye) (killed, err error) {
	waiting, giveUp := context.WithCancelCause(context.Background())
	slow := time.AfterFunc(o.StopTimeout, func() { giveUp(errSlow) })
	var watch sync.WaitGroup
	if e.broker {
		watch.Go(func() {
			if newQuorum(e).lost(waiting, o.NoQuorum) {
				giveUp(errNoQuorum)
			}
		})
	}
	was, err := p.stop(waiting)
	if was {
		killed = context.Cause(waiting)
	}
	slow.Stop()
	giveUp(nil) // the watch ends
	watch.Wait()
	return killed, err
}

// ended tells how Kafka has ended; killed is why it had to be, if it was asked to stop.
func (o Options) ended(p *process, asked bool, killed error) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	code := exitCode(p.status, asked)
	switch {
	case errors.Is(killed, errNoQuorum):
		o.Log.Warn("Kafka was killed while it stopped: "+killed.Error(), "after", o.NoQuorum)
	case killed != nil:
		o.Log.Error("Kafka was killed: "+killed.Error(), "after", o.StopTimeout)
	case p.status.Signaled():
		o.Log.Error("Kafka was killed: mostly for want of memory, see the container's limit", "signal", p.status.Signal().String())
	case code != 0:
		o.Log.Error("Kafka has ended: its log says why", "exitCode", code)
	default:
		o.Log.Info("Kafka has ended", "exitCode", code)
	}
	return code, nil
}
