package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// bareTask is what the net/http limit has to answer.
type bareTask struct {
	Status int
	Media  string
	Bytes  int // of the answer's body
}

// bare is the role of the first limit: a server that reads each body into a pooled buffer and answers a constant. It prints
// its address.
func bare(ctx context.Context, task string) error {
	var t bareTask
	if err := json.Unmarshal([]byte(task), &t); err != nil {
		return err
	}
	ctx = orphaned(ctx)
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: constant(t), ReadHeaderTimeout: 10 * time.Second}
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

func constant(t bareTask) http.HandlerFunc {
	answer := []byte(strings.Repeat("x", t.Bytes))
	buffers := sync.Pool{New: func() any { return new([256 << 10]byte) }}
	return func(w http.ResponseWriter, r *http.Request) {
		buffer := buffers.Get().(*[256 << 10]byte)
		defer buffers.Put(buffer)
		for {
			if _, err := r.Body.Read(buffer[:]); err != nil {
				break // the end
			}
		}
		if t.Media != "" {
			w.Header()["Content-Type"] = []string{t.Media}
		}
		w.WriteHeader(t.Status)
		_, _ = w.Write(answer) // the client's concern
	}
}
