package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

const mediaV2 = "application/vnd.kafka.v2+json"

// consumer is a consumer of a bridge, with a connection of its own.
type consumer struct {
	on        *conn
	addr      string
	path      string
	poll      []byte // whole requests
	beginning []byte
	total     int // records in the topic; 0: it grows, and is followed
	size      int
	seen      int
}

// joinTime bounds the wait for a new consumer's first records.
const joinTime = 30 * time.Second

// newConsumer creates a consumer in a group of its own name and subscribes it. timeout is that of its polls.
func newConsumer(addr, name, topic, format string, timeout time.Duration) (*consumer, error) {
	on := dial(addr)
	c := &consumer{on: on, addr: addr, path: "/consumers/" + name + "/instances/" + name}
	c.poll = request(addr, "GET", fmt.Sprintf("%s/records?timeout=%d", c.path, timeout.Milliseconds()), "application/vnd.kafka."+format+".v2+json", nil)
	var err error
	if c.beginning, err = c.seek(topic); err != nil {
		return nil, err
	}
	create := fmt.Sprintf(`{"name":%q,"format":%q,"auto.offset.reset":"earliest","enable.auto.commit":false}`, name, format)
	if err := c.post("/consumers/"+name, create); err != nil {
		return nil, err
	}
	return c, c.post(c.path+"/subscription", fmt.Sprintf(`{"topics":[%q]}`, topic))
}

// seek returns the request that moves the consumer to the beginning of all partitions.
func (c *consumer) seek(topic string) ([]byte, error) {
	type position struct {
		Topic     string `json:"topic"`
		Partition int    `json:"partition"`
	}
	var body struct {
		Partitions []position `json:"partitions"`
	}
	for p := range partitions {
		body.Partitions = append(body.Partitions, position{topic, p})
	}
	text, err := json.Marshal(body)
	return request(c.addr, "POST", c.path+"/positions/beginning", mediaV2, text), err
}

func (c *consumer) post(path, body string) error {
	return c.send(request(c.addr, "POST", path, mediaV2, []byte(body)))
}

// send asks for something whose answer has nothing to say.
func (c *consumer) send(request []byte) error {
	a, err := c.on.ask(request)
	if err == nil && a.status >= 300 {
		err = fmt.Errorf("status %d: %s", a.status, a.body)
	}
	return err
}

// next polls once, and goes back to the beginning at the end of the topic.
func (c *consumer) next() (count, error) {
	a, err := c.on.ask(c.poll)
	if err != nil {
		return count{}, err
	}
	if a.status != 200 {
		return count{}, fmt.Errorf("status %d: %.200s", a.status, a.body)
	}
	n := bytes.Count(a.body, []byte(`"offset":`))
	c.seen += n
	if c.total > 0 && c.seen >= c.total {
		c.seen = 0
		if err := c.send(c.beginning); err != nil {
			return count{}, err
		}
	}
	return count{records: n, bytes: n * c.size}, nil
}

// ready polls until the first records have come.
func (c *consumer) ready() error {
	for end := time.Now().Add(joinTime); time.Now().Before(end); {
		n, err := c.next()
		if err != nil || n.records > 0 {
			return err
		}
	}
	return fmt.Errorf("no records within %s", joinTime)
}

// close deletes the consumer. Its connection has to be its own again.
func (c *consumer) close() error {
	defer c.on.close()
	return c.send(request(c.addr, "DELETE", c.path, "", nil))
}
