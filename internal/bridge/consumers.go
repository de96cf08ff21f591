package bridge

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/javaregex"
	"github.com/steg-kafka/steg/internal/kafka"
)

// createConsumer answers POST /consumers/{groupid} (contract 1.6; this and all below).
func (s *Server) createConsumer(c *call) error {
	body, err := s.bodies.read(c.w, c.r)
	if err != nil {
		return err
	}
	defer body.release()
	in, err := wire.DecodeCreateConsumer(c.contentType(), body.data)
	if err != nil {
		return err
	}
	if !s.cfg.HTTP.ConsumerEnabled {
		return refused(wire.ConsumerDisabled(), switchedOff)
	}
	format, err := in.EmbeddedFormat()
	if err != nil {
		return err
	}
	base, err := s.baseURI(c)
	if err != nil {
		return err
	}
	consumer, err := s.consumers.Create(consumers.Spec{Group: c.params[0], Name: in.Name, Format: format.String(), Overrides: in.Properties()})
	if err != nil {
		return createFailed(err)
	}
	uri, err := base(consumer.Name())
	if err != nil {
		return err
	}
	return c.json(wire.AppendCreated(nil, consumer.Name(), uri))
}

// baseURI returns the function that places a consumer's name behind the address that the client used, or that its
// proxies forwarded. An address that cannot be used is found before anything is created.
func (s *Server) baseURI(c *call) (func(name string) (string, error), error) {
	h := c.r.Header
	at := wire.Location{
		Scheme: c.scheme(), Host: c.r.Host, Path: c.r.URL.EscapedPath(), Forwarded: h.Get("Forwarded"),
		ForwardedHost: h.Get("X-Forwarded-Host"), ForwardedProto: h.Get("X-Forwarded-Proto"), ForwardedPath: h.Get("X-Forwarded-Path"),
	}
	if _, err := wire.BaseURI(at, ""); err != nil {
		return nil, err
	}
	return func(name string) (string, error) { return wire.BaseURI(at, name) }, nil
}

const (
	// limitConsumers is the class of refusals by the number of consumers.
	limitConsumers = "consumers"
	// consumerRetry is when to try again, in seconds, where there are too many: they leave when they are deleted or idle.
	consumerRetry = 30
)

func createFailed(err error) error {
	var invalid *consumers.InvalidError
	switch {
	case errors.Is(err, consumers.ErrExists):
		return wire.ConsumerExists()
	case errors.Is(err, consumers.ErrTooMany):
		return refused(wire.Overloaded(consumerRetry), limitConsumers)
	case errors.As(err, &invalid):
		return &wire.Error{Code: http.StatusUnprocessableEntity, Message: invalid.Text}
	}
	return plain(err)
}

// consumer finds the instance that the path names.
func (s *Server) consumer(c *call) (*consumers.Instance, error) {
	i, err := s.consumers.Get(c.params[0], c.params[1])
	if err != nil {
		return nil, consumerFailed(err)
	}
	return i, nil
}

// consumerFailed turns an error of the consumers into its answer.
func consumerFailed(err error) error {
	var unassigned *consumers.NotAssignedError
	switch {
	case errors.Is(err, consumers.ErrNotFound):
		return wire.ConsumerNotFound()
	case errors.Is(err, consumers.ErrExclusive):
		return wire.Exclusive()
	case errors.Is(err, consumers.ErrNotSubscribed):
		return wire.NotSubscribed()
	case errors.Is(err, consumers.ErrClosed):
		return wire.ConsumerClosed()
	case errors.As(err, &unassigned):
		return wire.NoCurrentAssignment(unassigned.Topic, unassigned.Partition)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = kafka.Describe(err, kafka.Subject{Partition: -1})
	}
	return prefixed(err)
}

// done answers 204, or the error of a consumer operation.
func (c *call) done(err error) error {
	if err != nil {
		return consumerFailed(err)
	}
	return c.noContent()
}

// goodbyeTime is left for what an operation does beyond its own call to Kafka, such as leaving the group.
const goodbyeTime = 20 * time.Second

// patience bounds an operation that waits for Kafka or for the operation before it. It does not end when the client
// leaves: what was begun is finished.
func (s *Server) patience(c *call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.lasting(), s.callTimeout+goodbyeTime)
}

// deleteConsumer answers DELETE …/instances/{name}.
func (s *Server) deleteConsumer(c *call) error {
	ctx, cancel := s.patience(c)
	defer cancel()
	return c.done(s.consumers.Delete(ctx, c.params[0], c.params[1]))
}

// subscribe answers POST …/subscription.
func (s *Server) subscribe(c *call) error {
	in, err := decode(s, c, wire.DecodeSubscription)
	if err != nil {
		return err
	}
	i, err := s.consumer(c)
	if err != nil {
		return err
	}
	if err := in.Check(); err != nil {
		return err
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	if !in.HasPattern {
		return c.done(i.Subscribe(ctx, in.Topics))
	}
	match, err := pattern(in.Pattern)
	if err != nil {
		return err
	}
	return c.done(i.SubscribePattern(ctx, match))
}

// pattern compiles a topic pattern. One that is wrong in Java too is answered as there; one that only Java could match is
// refused with the construct that is missing here.
func pattern(text string) (*regexp.Regexp, error) {
	match, err := javaregex.Compile(text)
	var unsupported *javaregex.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		return nil, wire.UnsupportedPattern(err.Error())
	case err != nil:
		return nil, wire.InvalidPattern(err.Error())
	}
	return match, nil
}

// listSubscriptions answers GET …/subscription with what is assigned now.
func (s *Server) listSubscriptions(c *call) error {
	i, err := s.consumer(c)
	if err != nil {
		return err
	}
	assigned := i.Assignment()
	topics := make([]string, len(assigned))
	lists := make([]wire.TopicPartitions, len(assigned))
	for n, a := range assigned {
		topics[n] = a.Topic
		lists[n] = wire.TopicPartitions{Topic: a.Topic, Partitions: a.Partitions}
	}
	return c.json(wire.AppendSubscription(nil, topics, lists))
}

// unsubscribe answers DELETE …/subscription.
func (s *Server) unsubscribe(c *call) error {
	i, err := s.consumer(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	return c.done(i.Unsubscribe(ctx))
}

// assign answers POST …/assignments.
func (s *Server) assign(c *call) error {
	in, i, err := s.partitionList(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	return c.done(i.Assign(ctx, topicPartitions(in)))
}

// commit answers POST …/offsets; without a body, or with {}, what was polled last is committed.
func (s *Server) commit(c *call) error {
	in, err := decode(s, c, wire.DecodeOffsets)
	if err != nil {
		return err
	}
	i, err := s.consumer(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	if !in.Present {
		return c.done(i.Commit(ctx, nil))
	}
	if err := in.CheckCommit(); err != nil {
		return err
	}
	return c.done(i.Commit(ctx, offsets(in)))
}

// seek answers POST …/positions.
func (s *Server) seek(c *call) error {
	in, err := decode(s, c, wire.DecodeSeek)
	if err != nil {
		return err
	}
	i, err := s.consumer(c)
	if err != nil {
		return err
	}
	if !in.Present {
		return wire.MissingOffsets()
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	return c.done(plain(i.Seek(ctx, offsets(in))))
}

// seekToBeginning answers POST …/positions/beginning.
func (s *Server) seekToBeginning(c *call) error {
	in, i, err := s.partitionList(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	return c.done(i.SeekToBeginning(ctx, topicPartitions(in)))
}

// seekToEnd answers POST …/positions/end.
func (s *Server) seekToEnd(c *call) error {
	in, i, err := s.partitionList(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.patience(c)
	defer cancel()
	return c.done(i.SeekToEnd(ctx, topicPartitions(in)))
}

// partitionList reads a body that must have the member partitions, after the consumer has been found.
func (s *Server) partitionList(c *call) (wire.PartitionList, *consumers.Instance, error) {
	in, err := decode(s, c, wire.DecodePartitions)
	if err != nil {
		return in, nil, err
	}
	i, err := s.consumer(c)
	if err != nil {
		return in, nil, err
	}
	if !in.Present {
		return in, nil, wire.MissingPartitions()
	}
	return in, i, nil
}

// decode reads a body and gives it to one of wire's decoders.
func decode[T any](s *Server, c *call, with func(contentType string, body []byte) (T, error)) (T, error) {
	body, err := s.bodies.read(c.w, c.r)
	if err != nil {
		var none T
		return none, err
	}
	defer body.release()
	return with(c.contentType(), body.data)
}

func topicPartitions(in wire.PartitionList) []consumers.TopicPartition {
	out := make([]consumers.TopicPartition, len(in.Partitions))
	for i, p := range in.Partitions {
		out[i] = consumers.TopicPartition{Topic: p.Topic, Partition: p.Partition}
	}
	return out
}

func offsets(in wire.OffsetList) []consumers.TopicPartitionOffset {
	out := make([]consumers.TopicPartitionOffset, len(in.Offsets))
	for i, o := range in.Offsets {
		out[i] = consumers.TopicPartitionOffset{Topic: o.Topic, Partition: o.Partition, Offset: o.Offset}
	}
	return out
}
