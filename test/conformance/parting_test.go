package conformance

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// partings is about clients that send less than they announced, or nothing more than their request.
func partings() []sequence {
	const records = `{"records":[{"value":"v"}]}`
	halves := with("1.1/connection/half-closed", "", func(e *env) {
		e.create("json")
		for _, c := range []struct {
			method, path, media, body string
			status                    int
		}{
			{"GET", "/topics", "", "", 200},
			{"GET", "/topics/$ONE", "", "", 200},
			{"GET", "/topics/$ONE/partitions", "", "", 200},
			{"GET", "/topics/$ONE/partitions/0", "", "", 200},
			{"GET", "/topics/$ONE/partitions/0/offsets", "", "", 200},
			{"POST", "/admin/topics", typeJSON, `{"topic_name":"$TOPIC-half"}`, 201},
			{"POST", "/topics/$ONE", typeJSON, records, 200},
			{"POST", "$CONSUMER/subscription", typeV2, `{"topics":["$ONE"]}`, 204},
			{"POST", "$CONSUMER/offsets", "", "", 204},
			{"DELETE", "$CONSUMER", "", "", 204},
		} {
			body := e.expand(c.body)
			head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: $HOST\r\nContent-Length: %d\r\n", c.method, c.path, len(body))
			if c.media != "" {
				head += "Content-Type: " + c.media + "\r\n"
			}
			conn := e.raw(head + "\r\n" + body)
			e.closeSending(conn)
			e.next(conn, c.method, c.status)
		}
	}, "listTopics", "getTopic", "listPartitions", "getPartition", "getOffsets", "createTopic", "send", "subscribe", "commit", "deleteConsumer")
	oldPoll := with("1.6/poll/half-closed-http-1.0", "", func(e *env) {
		topic := e.topic("$TOPIC")
		e.create("json")
		e.assign(topic, 1)
		e.produce("json", topic, `{"value":"kept"}`)
		conn := e.raw("GET $CONSUMER/records?timeout=10000 HTTP/1.0\r\nHost: $HOST\r\nAccept: " + typeJSON + "\r\n\r\n")
		e.closeSending(conn)
		if a := e.next(conn, "GET", 200); !strings.Contains(a.body, `"kept"`) {
			e.Errorf("answered %s", a.body)
		}
	}, "poll")
	unread := with("1.9a/connection/body-that-never-comes", "slow bodies stay open, and nothing is answered", func(e *env) {
		var waiting []*conn
		requests := []struct {
			line   string
			status int
		}{
			{"GET /topics", 200},
			{"POST /nothing", 404},
			{"PUT /topics", 405},
			{"GET /healthy", 501},
			{"DELETE $CONSUMER/subscription", 404},
			{"POST /topics/$ONE?async=wrong", 400},
		}
		for _, r := range requests {
			waiting = append(waiting, e.raw(r.line+" HTTP/1.1\r\nHost: $HOST\r\nContent-Length: 10\r\n\r\n"))
		}
		began := time.Now()
		for i, r := range requests {
			method, _, _ := strings.Cut(r.line, " ")
			if a := e.next(waiting[i], method, r.status); !a.closes {
				e.Errorf("%s: the connection stays open for the rest of its body", r.line)
			}
		}
		if took := time.Since(began); took > 25*time.Second {
			e.Errorf("answered after %v", took)
		}
	}, "(framework)")
	return []sequence{halves, oldPoll, unread}
}

// closeSending ends what a raw connection sends, as `nc -N` does.
func (e *env) closeSending(c *conn) {
	e.Helper()
	half, ok := c.nc.(interface{ CloseWrite() error })
	if _, plain := c.nc.(*net.TCPConn); !ok || !plain {
		e.Skip("the listener speaks TLS")
	}
	if err := half.CloseWrite(); err != nil {
		e.Fatal(err)
	}
}
