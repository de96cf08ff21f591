package chaos

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/steg-kafka/steg/test/chaos/check"
)

// vanish lets clients leave in the middle: of a body, after a request, of a long poll. Records whose body arrived may be
// in the log; nothing is promised for them.
func vanish(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
	var all []func(context.Context)
	for _, b := range r.bridges {
		seed := random.Uint64()
		all = append(all,
			func(ctx context.Context) { r.vanishingSenders(ctx, b, rand.New(rand.NewPCG(seed, 1))) },
			func(ctx context.Context) { r.vanishingReaders(ctx, b, rand.New(rand.NewPCG(seed, 2))) })
	}
	return background(ctx, func(ctx context.Context) {
		var wait sync.WaitGroup
		for _, f := range all {
			wait.Go(func() { f(ctx) })
		}
		wait.Wait()
	}), "", nil
}

// vanishingSenders send a record and leave at any byte of it, by FIN or RST.
func (r *run) vanishingSenders(ctx context.Context, to endpoint, random *rand.Rand) {
	for pause(ctx, 20*time.Millisecond) {
		if to.address() == "" {
			continue
		}
		id := check.ID{Connection: r.journal.connections.Add(1), Number: 1}
		body := fmt.Sprintf(`{"records":[{"value":{"c":%d,"n":%d}}]}`, id.Connection, id.Number)
		text := fmt.Sprintf("POST /topics/%s HTTP/1.1\r\nHost: bridge\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", durable, jsonFormat, len(body), body)
		start := r.journal.now()
		leaveAfter(ctx, to, text[:len(text)-random.IntN(3)*random.IntN(len(text)/2)], random)
		r.journal.sent([]check.Sent{{ID: id, Topic: durable, Start: start, End: r.journal.now()}})
	}
}

// vanishingReaders poll as a group of their own and leave before or in the middle of the answer.
func (r *run) vanishingReaders(ctx context.Context, to endpoint, random *rand.Rand) {
	reader := &reader{client: newClient(r.journal, to), bounds: r.bounds, group: "vanishing", topics: []string{durable}, commit: automatic}
	defer reader.client.close()
	defer reader.leave()
	for ctx.Err() == nil {
		if to.address() == "" || reader.member == "" && !reader.join() {
			pause(ctx, 200*time.Millisecond)
			continue
		}
		text := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: bridge\r\nAccept: %s\r\n\r\n", reader.path("records?timeout=1000"), jsonFormat)
		leaveAfter(ctx, to, text, random)
		if random.IntN(4) == 0 {
			reader.turn()
		}
	}
}

// leaveAfter sends text, waits for a moment, maybe reads a little, and leaves.
func leaveAfter(ctx context.Context, to endpoint, text string, random *rand.Rand) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", to.address())
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.Copy(conn, strings.NewReader(text)); err != nil {
		return
	}
	pause(ctx, time.Duration(random.IntN(60))*time.Millisecond)
	if random.IntN(2) == 0 {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // it cannot fail on an open connection
		_, _ = io.ReadFull(conn, make([]byte, 100))
	}
	if tcp, ok := conn.(*net.TCPConn); ok && random.IntN(2) == 0 {
		_ = tcp.SetLinger(0) // RST
	}
}

// churn has further members come into the groups and go.
func churn(ctx context.Context, r *run, random *rand.Rand) (undo, string, error) {
	lives := make([][]time.Duration, len(r.bridges))
	for i := range lives {
		for range 32 {
			lives[i] = append(lives[i], time.Duration(500+random.IntN(2500))*time.Millisecond)
		}
	}
	return background(ctx, func(ctx context.Context) {
		var wait sync.WaitGroup
		for i, b := range r.bridges {
			wait.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					life, cancel := context.WithTimeout(ctx, lives[i][n%len(lives[i])])
					g := groups()[n%len(groups())]
					(&reader{client: newClient(r.journal, b), bounds: r.bounds, group: g.name, topics: g.topics, commit: g.commit}).run(life)
					cancel()
				}
			})
		}
		wait.Wait()
	}), "", nil
}
