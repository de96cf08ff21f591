package bridge

import (
	"errors"
	"math"
	"net/http"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridge/records"
	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/tracing"
)

// send answers POST /topics/{topicname}.
func (s *Server) send(c *call) error { return s.produce(c, target{}) }

// sendToPartition answers POST /topics/{topicname}/partitions/{partitionid}.
func (s *Server) sendToPartition(c *call) error {
	partition, err := wire.PartitionID(c.params[1])
	if status(err) == http.StatusBadRequest {
		return err
	}
	return s.produce(c, target{toPartition: true, partition: partition, err: err})
}

// target is where the path sends a request's records. A partition that is a number but no partition's is judged after
// the body (contract 1.5, processing order).
type target struct {
	toPartition bool
	partition   int32
	err         error
}

// recordBytes is what a decoded record takes beside its text.
const recordBytes = int(unsafe.Sizeof(kgo.Record{}))

// produce decodes a request's records, hands them to the shared producer, and answers with what became of each
// (contract 1.5). Nothing here depends on the request's context: what was taken over is sent, even if nobody waits
// for the answer any more.
func (s *Server) produce(c *call, at target) error {
	async, err := wire.Async(c.query())
	if err != nil {
		return err
	}
	body, err := s.bodies.read(c.w, c.r)
	if err != nil {
		return err
	}
	if len(body.data) == 0 {
		body.release()
		return wire.MissingBody()
	}
	format, err := wire.ProduceFormat(c.contentType())
	if err != nil {
		body.release()
		return err
	}
	to, recs, err := s.decode(format, body, at)
	if err == nil {
		err = body.charge(len(recs) * recordBytes)
	}
	if err != nil {
		body.release()
		return err
	}
	sends := c.trace.Sending(c.params[0], recs)
	if async {
		return s.produceAsync(c, to, recs, body, sends)
	}
	began := time.Now()
	outcomes, err := to.Send(c.params[0], recs, body.release)
	if err != nil {
		sends.End(limitProducer)
		return overloaded(err)
	}
	s.sent(c, time.Since(began), outcomes, sends)
	answer := s.buffers.get()
	defer s.buffers.put(answer)
	answer.data = records.AppendResults(answer.data, results(outcomes))
	return c.json(answer.data)
}

// decode returns the records of a body and the producer for them. The order of its refusals is the contract's: the
// shape of the body, the producer, the path's partition, the content of the records.
func (s *Server) decode(format wire.Format, body *body, at target) (*producer.Producer, []kgo.Record, error) {
	recs, malformed := records.Decode(format, body.data, records.Options{
		ToPartition: at.toPartition, NullValue: s.nullValue, MaxRecords: s.maxRecords, Memory: &body.decoded,
	})
	if code := status(malformed); code == http.StatusBadRequest || code == http.StatusRequestEntityTooLarge {
		return nil, nil, malformed
	}
	if !s.cfg.HTTP.ProducerEnabled {
		return nil, nil, refused(wire.ProducerDisabled(), switchedOff)
	}
	to, err := s.producer.get()
	if err != nil {
		return nil, nil, plain(err)
	}
	if err := errors.Join(at.err, malformed); err != nil {
		return nil, nil, err
	}
	for i := range recs {
		if at.toPartition {
			recs[i].Partition = at.partition
		}
	}
	return to, recs, nil
}

// status returns the HTTP status of an error of the contract, 0 for any other and for none.
func status(err error) int {
	if err == nil {
		return 0 // nearly always; what errors.As is given would be allocated
	}
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// produceAsync answers as soon as every record has been handed over (contract 1.5, async=true).
func (s *Server) produceAsync(c *call, to *producer.Producer, recs []kgo.Record, body *body, sends *tracing.Sends) error {
	if err := to.SendAsync(c.params[0], recs, body.release); err != nil {
		sends.End(limitProducer)
		return overloaded(err)
	}
	sends.End("")
	return c.noContent()
}

// results turns outcomes into the elements of the answer: a topic or partition that Kafka does not know is 404 inside
// the list, anything else 500.
func results(outcomes []producer.Outcome) []records.Result {
	out := make([]records.Result, len(outcomes))
	for i, o := range outcomes {
		out[i] = records.Result{Partition: o.Partition, Offset: o.Offset}
		if o.Err == nil {
			continue
		}
		code := http.StatusInternalServerError
		if o.Err.Kind == kafka.KindNotInMetadata {
			code = http.StatusNotFound
		}
		out[i].Err = &wire.Error{Code: code, Message: o.Err.Message}
	}
	return out
}

// overloaded turns the producer's refusal into 503 with Retry-After in whole seconds, at least one.
func overloaded(err error) error {
	var full *producer.Overload
	if !errors.As(err, &full) {
		return plain(err)
	}
	return refused(wire.Overloaded(int(math.Ceil(max(full.RetryAfter, time.Second).Seconds()))), limitProducer)
}
