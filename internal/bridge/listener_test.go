package bridge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/serve"
)

// listening serves a handler as the product does and returns its address. Both hooks may be nil.
func listening(t *testing.T, handler http.Handler, each func(context.Context, net.Conn) context.Context, state func(net.Conn, http.ConnState)) string {
	t.Helper()
	group, err := serve.Bind(t.Context(), slog.New(slog.DiscardHandler), serve.Listener{
		Name: "api", Host: "127.0.0.1", Handler: handler, ConnContext: each, ConnState: state,
	})
	if err != nil {
		t.Fatal(err)
	}
	group.Serve()
	t.Cleanup(func() {
		if err := group.Close(); err != nil {
			t.Error(err)
		}
	})
	return group.Addr("api").String()
}

// TestNothingOfARequestIsKept: a request and its headers are the next one's as soon as it has been answered. Under the
// race detector this finds who still looks at them: a send that goes on behind its answer, a poll whose client is looked
// for, a span, a line of the log.
func TestNothingOfARequestIsKept(t *testing.T) {
	r := watchBridge(t, kafkatest.Start(t, kafkatest.Topic("orders", 2)).Bootstrap(), nil)
	addr := strings.TrimPrefix(r.api, "http://")
	reader := strings.TrimPrefix(r.reader("g", "c", "orders"), r.api)
	const record = `{"records":[{"key":"k","value":{"a":1}}]}`
	post := func(target, media, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/vnd.kafka%s+json\r\nContent-Length: %d\r\n\r\n%s", target, media, len(body), body)
	}
	poll := "GET " + reader + "/records?timeout=20 HTTP/1.1\r\nHost: x\r\nAccept: application/vnd.kafka.json.v2+json\r\n\r\n"
	requests := []string{
		post("/topics/orders", ".json.v2", record), post("/topics/orders?async=true", ".json.v2", record), poll,
		post("/topics/orders/partitions/0", ".json.v2", record), post(reader+"/offsets", ".v2", "{}"), post("/topics/orders", ".json.v2", "{"),
		"GET /topics HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\r\n\r\n", "GET /absent HTTP/1.1\r\nHost: x\r\n\r\n",
	}
	var all sync.WaitGroup
	for shift := range 4 {
		all.Go(func() {
			for range 10 {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				for n := range requests {
					_, _ = io.WriteString(conn, requests[(n+shift)%len(requests)]) // read below
				}
				_, _ = io.WriteString(conn, poll) // its client leaves
				if _, err := io.ReadFull(conn, make([]byte, 500)); err != nil {
					t.Error(err)
				}
				_ = conn.Close()
			}
		})
	}
	all.Wait()
}
