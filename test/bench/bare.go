package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// bareTask is what the net/http limit has to answer.
type bareTask struct {
	Status int
	Media  string
	Bytes  int // of the answer's body

	Produce *rawTask `json:",omitempty"` // where a body of at most bodySize goes first; nil: nowhere
}

// bare is the role of the first limit: a server that reads each body into a pooled buffer and answers a constant. It prints
// its address.
func bare(ctx context.Context, task string) error {
	var t bareTask
	if err := json.Unmarshal([]byte(task), &t); err != nil {
		return err
	}
	ctx = orphaned(ctx)
	send := func([]byte) error { return nil }
	if t.Produce != nil {
		client, err := kgo.NewClient(t.Produce.producer()...)
		if err != nil {
			return err
		}
		defer client.Close()
		send = sending(ctx, client, t.Produce.Topics[0])
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: constant(t, send), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Println(ln.Addr())
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// bodySize is how much of a body is in memory at a time.
const bodySize = 256 << 10

// constant returns a handler that reads a body, hands it to send, and answers as the task says, or 502.
func constant(t bareTask, send func(body []byte) error) http.HandlerFunc {
	answer := []byte(strings.Repeat("x", t.Bytes))
	buffers := sync.Pool{New: func() any { return new([bodySize]byte) }}
	return func(w http.ResponseWriter, r *http.Request) {
		buffer := buffers.Get().(*[bodySize]byte)
		defer buffers.Put(buffer)
		n, err := io.ReadFull(r.Body, buffer[:])
		for err == nil { // larger than the buffer: the rest is read over it
			_, err = r.Body.Read(buffer[:])
		}
		if err := send(buffer[:n]); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if t.Media != "" {
			w.Header()["Content-Type"] = []string{t.Media}
		}
		w.WriteHeader(t.Status)
		_, _ = w.Write(answer) // the client's concern
	}
}

// sending returns a function that writes a body to a topic and waits for it.
func sending(ctx context.Context, client *kgo.Client, topic string) func(body []byte) error {
	return func(body []byte) error {
		return client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: body}).FirstErr()
	}
}
