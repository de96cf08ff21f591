package proxy

import (
	"encoding/binary"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Request is the beginning of a Kafka request.
type Request struct {
	Key, Version int16
	Correlation  int32
	// Body is what follows the request's header.
	Body []byte
}

// Answers returns the body of the answer to give instead of the broker's, or false to let the request through. It works
// on connections without TLS only, and must leave SASL alone.
type Answers func(Request) (kmsg.Response, bool)

// DiskFull answers every Produce as a broker whose disk is full does: KAFKA_STORAGE_ERROR for each partition. The broker
// itself never hears of these records.
func DiskFull(r Request) (kmsg.Response, bool) {
	if r.Key != int16(kmsg.Produce) {
		return nil, false
	}
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(r.Version)
	if err := req.ReadFrom(r.Body); err != nil || req.Acks == 0 {
		return nil, false
	}
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.KafkaStorageError.Code
			partition.BaseOffset = -1
			topic.Partitions = append(topic.Partitions, partition)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp, true
}

// frames follows the frames of a connection, so that answers of ours take their place in the order of the requests.
type frames struct {
	link  *link
	split bool   // this connection is cut into frames; decided when its first byte comes
	begun bool   // the first byte has come
	in    []byte // of the client, not a whole frame yet

	mu    sync.Mutex // also held while something is written to the client
	out   []byte     // of the server, not a whole frame yet
	queue [][]byte   // by request without an answer: ours, or nil for the broker's
}

func newFrames(l *link) *frames { return &frames{link: l} }

// largest is the largest frame that is believed: TLS records and other protocols read as much larger ones.
const largest = 64 << 20

// fromClient takes what the client sent.
func (f *frames) fromClient(m Mode, b []byte) error {
	if !f.begun {
		f.begun, f.split = true, len(b) > 8 && binary.BigEndian.Uint32(b) < largest
	}
	if !f.split {
		_, err := f.link.server.Write(b)
		return err
	}
	f.in = append(f.in, b...)
	for {
		frame, rest := cut(f.in)
		if frame == nil {
			return nil
		}
		f.in = rest
		if err := f.request(m, frame); err != nil {
			return err
		}
	}
}

// cut returns the first whole frame, its length included, and what follows it.
func cut(b []byte) (frame, rest []byte) {
	if len(b) < 4 {
		return nil, b
	}
	n := 4 + int(binary.BigEndian.Uint32(b))
	if len(b) < n {
		return nil, b
	}
	return b[:n], b[n:]
}

// request passes a request on, or answers it.
func (f *frames) request(m Mode, frame []byte) error {
	var answer []byte
	if m.Answer != nil {
		if r, ok := parse(frame[4:]); ok {
			if resp, ours := m.Answer(r); ours {
				answer = encode(r, resp)
			}
		}
	}
	f.mu.Lock()
	f.queue = append(f.queue, answer)
	if answer != nil {
		defer f.mu.Unlock()
		return f.flush()
	}
	f.mu.Unlock()
	// Without the lock: while the server does not read, its answers have to get out.
	_, err := f.link.server.Write(frame)
	return err
}

// fromServer takes what the server sent.
func (f *frames) fromServer(_ Mode, b []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.split {
		_, err := f.link.client.Write(b)
		return err
	}
	f.out = append(f.out, b...)
	for {
		frame, rest := cut(f.out)
		if frame == nil {
			return nil
		}
		f.out = rest
		if _, err := f.link.client.Write(frame); err != nil {
			return err
		}
		if len(f.queue) > 0 {
			f.queue = f.queue[1:]
		}
		if err := f.flush(); err != nil {
			return err
		}
	}
}

// flush writes the answers of ours that are next; mu is held.
func (f *frames) flush() error {
	for len(f.queue) > 0 && f.queue[0] != nil {
		if _, err := f.link.client.Write(f.queue[0]); err != nil {
			return err
		}
		f.queue = f.queue[1:]
	}
	return nil
}

// parse reads a request's header (KIP-482: version 2 of it, with tags, for flexible versions).
func parse(b []byte) (Request, bool) {
	if len(b) < 10 {
		return Request{}, false
	}
	r := Request{
		Key: int16(binary.BigEndian.Uint16(b)), Version: int16(binary.BigEndian.Uint16(b[2:])),
		Correlation: int32(binary.BigEndian.Uint32(b[4:])),
	}
	n := max(int(int16(binary.BigEndian.Uint16(b[8:]))), 0)
	if len(b) < 10+n {
		return Request{}, false
	}
	r.Body = b[10+n:]
	if flexible(r) {
		if len(r.Body) == 0 || r.Body[0] != 0 { // tags in a request's header: nobody sends any
			return Request{}, false
		}
		r.Body = r.Body[1:]
	}
	return r, true
}

func flexible(r Request) bool {
	req := kmsg.RequestForKey(r.Key)
	if req == nil {
		return false
	}
	req.SetVersion(r.Version)
	return req.IsFlexible()
}

// encode makes a frame of an answer.
func encode(r Request, resp kmsg.Response) []byte {
	resp.SetVersion(r.Version)
	b := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(r.Correlation))
	if resp.IsFlexible() {
		b = append(b, 0)
	}
	b = resp.AppendTo(b)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}
