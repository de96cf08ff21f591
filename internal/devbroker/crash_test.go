package devbroker

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// child is a broker in a process of its own, which can be killed.
type child struct {
	cmd  *exec.Cmd
	addr string
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd}
	t.Cleanup(func() { c.kill(); _ = in.Close() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if c.addr = strings.TrimSpace(line); err != nil || strings.Contains(c.addr, " ") {
		t.Fatalf("the child says %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return c
}

// kill ends the child as a power cut would: nothing of it runs any more.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// acknowledged produces numbered records until the broker dies and returns how
// many were acknowledged; enough is called once a good number were.
func acknowledged(t *testing.T, cl *kgo.Client, topic string, enough func()) []int {
	t.Helper()
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	var (
		mu    sync.Mutex
		acked []int
	)
	for n := 0; ctx.Err() == nil; n++ {
		cl.Produce(ctx, &kgo.Record{Topic: topic, Value: []byte(strconv.Itoa(n))}, func(_ *kgo.Record, err error) {
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				cancel()
				return
			}
			if acked = append(acked, n); len(acked) == 20000 {
				go func() { enough(); cancel() }()
			}
		})
	}
	mu.Lock()
	defer mu.Unlock()
	return acked
}

func TestAcknowledgedRecordsSurviveKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := startChild(t, dir)
	cl := client(t, c.addr, kgo.MaxBufferedRecords(2000))
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), strconv.Itoa(c.cmd.Process.Pid)) {
		t.Fatalf("a second process got the directory: %v", err)
	}

	produce(t, cl, "small", "first")
	adm := kadm.NewClient(cl)
	commit := kadm.Offsets{}
	commit.AddOffset("small", 0, 1, -1)
	if err := adm.CommitAllOffsets(bounded(t), "group", commit); err != nil {
		t.Fatal(err)
	}
	acked := acknowledged(t, cl, "big", c.kill)
	cl.Close()
	if len(acked) < 20000 {
		t.Fatalf("only %d records acknowledged before the kill", len(acked))
	}

	b := start(t, Options{Dir: dir})
	if got := values(t, b.Addr(), "small", 1); got[0] != "first" {
		t.Errorf("read %q", got)
	}
	offsets, err := kadm.NewClient(client(t, b.Addr())).FetchOffsets(bounded(t), "group")
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := offsets.Lookup("small", 0); !ok || o.At != 1 {
		t.Errorf("committed offset %v, %v", o.At, ok)
	}
	found := map[string]bool{}
	for _, v := range values(t, b.Addr(), "big", len(acked)) {
		found[v] = true
	}
	for _, n := range acked {
		if !found[strconv.Itoa(n)] {
			t.Fatalf("record %d was acknowledged and is lost", n)
		}
	}
}
