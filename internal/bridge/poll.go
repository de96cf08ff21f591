package bridge

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/records"
	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// wholeAnswer is the largest poll answer that is put together in memory before it is written; larger ones are written
// as they are encoded, so that memory does not grow with max.poll.records.
const wholeAnswer = 128 << 10

// poll answers GET …/records. A record counts as delivered when the last byte of its answer has gone to the kernel;
// what was not delivered is what the next poll begins with.
func (s *Server) poll(c *call) error {
	params, err := wire.Poll(c.query())
	if err != nil {
		return err
	}
	i, err := s.consumer(c)
	if err != nil {
		return err
	}
	if !i.Subscribed() {
		return wire.NotSubscribed()
	}
	format, _ := wire.ParseFormat(i.Format())
	if accept := c.r.Header["Accept"]; len(accept) == 0 || accept[0] != format.MediaType() {
		return wire.AcceptMismatch()
	}
	c.dropBody()
	ctx, stop := c.whilePresent(s.polls)
	batch, err := i.Poll(ctx, params.Timeout)
	stop()
	switch {
	case errors.Is(err, context.Canceled) && s.polls.Err() != nil:
		return s.early(c, format, params.MaxBytes)
	case errors.Is(err, context.Canceled):
		return &gone{errVanished}
	case err != nil:
		return consumerFailed(err)
	}
	if len(batch.Records) > 0 && !c.present() {
		batch.Accept(0)
		return &gone{errVanished}
	}
	return s.deliver(c, format, batch, params.MaxBytes)
}

// errVanished is the cause of a poll whose client left before its records did.
var errVanished = errors.New("it closed the connection before its answer")

// early answers a poll that ended because the bridge does: without records, which wait for who polls next.
func (s *Server) early(c *call, format wire.Format, maxBytes int64) error {
	page := records.Plan(format, nil, maxBytes)
	if page.Err != nil {
		return page.Err
	}
	return s.write(c, format, nil, &page)
}

// deliver answers with the records of a batch that fit, and tells the consumer how many of them left.
func (s *Server) deliver(c *call, format wire.Format, batch *consumers.Batch, maxBytes int64) error {
	page := records.Plan(format, batch.Records, maxBytes)
	if page.Err != nil {
		if s.fail(c, page.Err); c.flush() != nil {
			page.N = 0
		}
		batch.Accept(page.N)
		return nil
	}
	err := s.write(c, format, batch.Records[:page.N], &page)
	if err != nil {
		page.N = 0
	}
	c.trace.Received(batch.Records[:page.N])
	batch.Accept(page.N)
	return err
}

// write sends a planned answer and sees it off to the kernel.
func (s *Server) write(c *call, format wire.Format, recs []*kgo.Record, page *records.Page) error {
	h := c.w.Header()
	h["Content-Type"] = []string{format.MediaType()}
	h["Content-Length"] = []string{strconv.FormatInt(page.Size, 10)}
	c.trace.Inject(h)
	c.status, c.bytes = http.StatusOK, page.Size
	c.boundAnswer(page.Size)
	c.w.WriteHeader(http.StatusOK)
	if !c.begun() {
		return &gone{errVanished}
	}
	if err := s.writeRecords(c, format, recs, page); err != nil {
		return &gone{err}
	}
	if err := c.flush(); err != nil {
		return &gone{err}
	}
	return nil
}

func (s *Server) writeRecords(c *call, format wire.Format, recs []*kgo.Record, page *records.Page) (err error) {
	buffer := s.buffers.get()
	defer s.buffers.put(buffer)
	if page.Size > wholeAnswer {
		buffer.data, err = page.Write(c.w, buffer.data, format, recs)
		return err
	}
	buffer.data = page.Append(buffer.data, format, recs)
	_, err = c.w.Write(buffer.data)
	return err
}

// flush hands what was written to the kernel; the error is the connection's.
func (c *call) flush() error { return http.NewResponseController(c.w).Flush() }
