package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/steg-kafka/steg/internal/devbroker"
)

// build compiles the bridge of this tree into dir.
func build(ctx context.Context, o options, dir string) (string, error) {
	binary := filepath.Join(dir, "steg-bridge")
	args := []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", binary}
	if o.overlay != "" {
		args = append(args, "-overlay", o.overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/steg-kafka/steg/cmd/steg-bridge")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the bridge: %w\n%s", err, out)
	}
	return binary, nil
}

// freePort returns a port that was free a moment ago.
func freePort(ctx context.Context) (int, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

// bridgeArgs are the command line of a bridge on a port. Compression and linger are off, as the limit has them.
func bridgeArgs(o options, bootstrap, acks string, port int) []string {
	sets := []string{
		"http.host=127.0.0.1", "http.port=" + strconv.Itoa(port), "http.management.port=0",
		"kafka.bootstrap.servers=" + bootstrap, "kafka.producer.acks=" + acks, "kafka.producer.linger.ms=0",
	}
	var args []string
	for _, s := range append(sets, o.sets...) {
		args = append(args, "--set", s)
	}
	return args
}

// launched is a bridge that was started here.
type launched struct {
	*child
	subject
	answered time.Duration // from the start to the first 200
	cpu      time.Duration // until then
}

// launch starts a bridge and waits for its first 200.
func (b *bench) launch(ctx context.Context, acks string) (*launched, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	args := bridgeArgs(b.options, b.bootstrap, acks, port)
	began := time.Now()
	c, err := start(b.binary, args...)
	if err != nil {
		return nil, err
	}
	l := &launched{child: c, subject: subject{name: steg, addr: fmt.Sprintf("127.0.0.1:%d", port), pid: c.id()}}
	go func() {
		for c.lines.Scan() { // the log is not wanted, but the pipe must not fill up
		}
	}()
	for end := began.Add(joinTime); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if !answers(l.addr) {
			continue
		}
		l.answered = time.Since(began)
		l.cpu, err = threadsCPU(l.pid)
		return l, err
	}
	_ = c.stop()
	return nil, fmt.Errorf("the bridge did not answer within %s", joinTime)
}

// answers reports whether GET / is answered with 200.
func answers(addr string) bool {
	c := dial(addr)
	defer c.close()
	a, err := c.ask(request(addr, "GET", "/", "application/json", nil))
	return err == nil && a.status == 200
}

// broker is the role of the development broker. It prints its address.
func broker(ctx context.Context) error {
	ctx = orphaned(ctx)
	b, err := devbroker.Start(ctx, devbroker.Options{})
	if err != nil {
		return err
	}
	fmt.Println(b.Addr())
	<-ctx.Done()
	return b.Close()
}
