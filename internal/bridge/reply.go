package bridge

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/kafka"
)

// autoLength is the longest body for which net/http sets content-length by itself.
const autoLength = 2048

// reply answers with a body. The error is the connection's; there is nothing left to answer then.
func (c *call) reply(status int, media string, body []byte) error {
	h := c.w.Header()
	h["Content-Type"] = []string{media}
	if len(body) > autoLength {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.status, c.bytes = status, int64(len(body))
	c.boundAnswer(c.bytes)
	c.w.WriteHeader(status)
	if _, err := c.w.Write(body); err != nil {
		return &gone{err}
	}
	return nil
}

// json answers 200 with a JSON body of the contract.
func (c *call) json(body []byte) error { return c.reply(http.StatusOK, wire.MediaV2, body) }

// empty answers without a body and without a content type.
func (c *call) empty(status int) {
	c.status = status
	if status != http.StatusNoContent && c.r.Method != http.MethodHead {
		c.w.Header()["Content-Length"] = []string{"0"}
	}
	c.w.WriteHeader(status)
}

// noContent answers 204.
func (c *call) noContent() error {
	c.empty(http.StatusNoContent)
	return nil
}

// clientGone is the class of a request whose client did not wait for its answer.
const clientGone = "client gone"

// gone is a connection that broke while the answer was written.
type gone struct{ cause error }

func (g *gone) Error() string { return "the client is gone: " + g.cause.Error() }
func (g *gone) Unwrap() error { return g.cause }

// fail answers an error: the one place where an error becomes a status and a body.
func (s *Server) fail(c *call, err error) {
	var left *gone
	if errors.As(err, &left) {
		c.failure = clientGone
		if s.counted != nil {
			s.counted.HTTP.Reset()
		}
		s.log.Debug("client gone", "operation", c.id(), "error", left.cause)
		return
	}
	if c.status != 0 {
		c.failure = "broken answer"
		s.log.Error("failed after the answer had begun", "id", c.requestID(), "operation", c.id(), "error", err)
		return
	}
	var answer *wire.Error
	if !errors.As(err, &answer) {
		answer = &wire.Error{Code: http.StatusInternalServerError, Message: err.Error()}
	}
	c.failure = class(err, answer.Code)
	if answer.Code >= http.StatusInternalServerError {
		s.log.Warn("request failed", "id", c.requestID(), "operation", c.id(), "status", answer.Code, "error", answer.Message)
	}
	if answer.RetryAfter > 0 {
		c.w.Header()["Retry-After"] = []string{strconv.Itoa(answer.RetryAfter)}
	}
	body := answer.Append(nil)
	c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))} // a poll flushes before net/http would count
	_ = c.reply(answer.Code, wire.MediaV2, body)                       // a broken connection needs no second answer
}

// panicked answers a handler's panic with the JSON error object and logs where it came from.
func (s *Server) panicked(c *call, problem any) {
	if err, ok := problem.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(problem)
	}
	c.failure = "panic"
	s.log.Error("panic", "id", c.requestID(), "operation", c.id(), "problem", fmt.Sprint(problem), "stack", string(debug.Stack()))
	if c.status == 0 {
		s.fail(c, &wire.Error{Code: http.StatusInternalServerError, Message: "Internal Server Error"})
	}
}

// prefixed turns a Kafka failure into 500 with the Java class in front of the text, as upstream's asynchronous paths
// answer it; any other error passes through.
func prefixed(err error) error {
	var k *kafka.Error
	if errors.As(err, &k) {
		return fromKafka(k, k.Prefixed())
	}
	return err
}

// plain turns a Kafka failure into 500 with its text alone.
func plain(err error) error {
	var k *kafka.Error
	if errors.As(err, &k) {
		return fromKafka(k, k.Message)
	}
	return err
}
