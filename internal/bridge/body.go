package bridge

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/records"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

const (
	// bodyPatience is how long the next bytes of a body may take.
	bodyPatience = 15 * time.Second
	// slowest is how many bytes per second a body has to bring on average once bodyPatience is over, so that a client
	// cannot hold its buffer by a byte now and then.
	slowest = 1 << 10
	// firstBuffer is what a body begins with, whatever length it claims; a buffer grows as the bytes come.
	firstBuffer = 16 << 10
	// believed is which part of its claimed length a body must have brought to be given room for all of it. Each time that
	// a buffer grows what it holds is copied: a third of a body of 1 MB where it always grows by four, a twelfth so.
	believed = 16
	// pooledBuffer is the largest buffer that is kept for the next request.
	pooledBuffer = 256 << 10
	// drained is how much of a refused body is read and dropped, and for how long: most clients look for an answer only
	// when they have sent all, and to open a new connection is the dearest part of a request.
	drained, drainTime = 2 << 20, 5 * time.Second
)

// body is a request body in memory. Records alias it, so that it is released only when Kafka's client has let go of
// the last of them.
type body struct {
	data     []byte
	decoded  records.Memory // what was made of data, and aliased like it
	reserved int64
	from     *bodies
}

// bodies reads request bodies within its limits and keeps small buffers for the next ones.
type bodies struct {
	max    int64
	budget budget
	pool   sync.Pool
}

func newBodies(maxBytes, inflight int64) *bodies {
	return &bodies{max: maxBytes, budget: budget{limit: inflight}, pool: sync.Pool{New: func() any { return new(body) }}}
}

// release gives the buffer back; the data must not be used afterwards.
func (b *body) release() {
	b.from.budget.give(b.reserved)
	b.reserved = 0
	if cap(b.data) > pooledBuffer {
		b.data = nil
	}
	b.data = b.data[:0]
	b.from.pool.Put(b)
}

// read returns the whole body of a request. Errors are answers: 413 over the limit, 503 when no memory is left for it,
// 408 when the client is too slow, 400 when it breaks off.
func (p *bodies) read(w http.ResponseWriter, r *http.Request) (*body, error) {
	b := p.pool.Get().(*body)
	b.from = p
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return b, nil
	}
	var err error
	if r.ContentLength > p.max {
		err = wire.BodyTooLarge(p.max)
	} else {
		err = p.fill(b, w, r)
	}
	if err != nil {
		left := r.ContentLength - int64(len(b.data))
		b.release()
		return nil, p.refuse(w, r, left, err)
	}
	return b, nil
}

// refuse closes the connection behind an answer that leaves a part of the body unread, unless the bridge is overloaded and
// the rest, of which left bytes are known to come, is worth to be read for nothing. A client that has asked whether it
// may send the body has not sent it.
func (p *bodies) refuse(w http.ResponseWriter, r *http.Request, left int64, err error) error {
	if r.ProtoMajor > 1 {
		return err // the stream ends, and the connection stays
	}
	if left >= 0 && left <= drained && status(err) == http.StatusServiceUnavailable && r.Header.Get("Expect") == "" {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime)) // a connection always can
		if _, failed := io.Copy(io.Discard, r.Body); failed == nil {
			return err
		}
	}
	w.Header()["Connection"] = []string{"close"}
	return err
}

// fill reads a body into b. Its buffer grows with what has come, and only then with what is claimed, so that memory goes to
// those who send.
func (p *bodies) fill(b *body, w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	most := r.ContentLength
	if most < 0 {
		most = p.max + 1
	}
	if err := b.grow(min(most, firstBuffer)); err != nil {
		return err
	}
	for began := time.Now(); ; {
		_ = control.SetReadDeadline(patience(began, len(b.data)))
		n, err := r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		switch {
		case int64(len(b.data)) > p.max:
			return wire.BodyTooLarge(p.max)
		case errors.Is(err, io.EOF), err == nil && int64(len(b.data)) == r.ContentLength:
			_ = control.SetReadDeadline(time.Time{}) // a poll may take longer than a body's next bytes
			return nil
		case err != nil:
			return broken(err)
		case len(b.data) < cap(b.data):
			continue
		}
		if err := b.grow(room(int64(cap(b.data)), most, r.ContentLength)); err != nil {
			return err
		}
	}
}

// room is to what a buffer of size bytes grows when it is full, of a body of at most most bytes that claims a length, or
// none (-1): four times what there was, or all of a claim that is believed.
func room(size, most, claimed int64) int64 {
	if claimed > 0 && size >= claimed/believed {
		return claimed
	}
	return min(4*size, most)
}

// patience returns until when the next bytes of a body have to come, of which n have come since it began.
func patience(began time.Time, n int) time.Time {
	next, overall := time.Now().Add(bodyPatience), began.Add(bodyPatience+time.Duration(min(n/slowest, 1<<20))*time.Second)
	if overall.Before(next) {
		return overall
	}
	return next
}

// charge reserves n more bytes for what was made of the body, until it is released.
func (b *body) charge(n int) error {
	if !b.from.budget.take(int64(n)) {
		return refused(wire.Overloaded(b.from.budget.retryAfter(int64(n), time.Now())), limitBodyMemory)
	}
	b.reserved += int64(n)
	return nil
}

// grow makes room for size bytes in all, within the budget of all bodies.
func (b *body) grow(size int64) error {
	size = max(size, int64(cap(b.data)))
	if !b.from.budget.take(size - b.reserved) {
		return refused(wire.Overloaded(b.from.budget.retryAfter(size-b.reserved, time.Now())), limitBodyMemory)
	}
	b.reserved = size
	if int64(cap(b.data)) >= size {
		return nil
	}
	larger := make([]byte, len(b.data), size)
	copy(larger, b.data)
	b.data = larger
	return nil
}

// broken is the answer to a body that did not arrive whole.
func broken(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &wire.Error{Code: http.StatusRequestTimeout, Message: "The request body did not arrive in time"}
	}
	return &wire.Error{Code: http.StatusBadRequest, Message: "The request body broke off"}
}
