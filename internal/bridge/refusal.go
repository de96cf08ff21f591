package bridge

import (
	"errors"
	"net/http"
	"strings"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/kafka"
)

// The limits that refuse requests, as log and metrics call them.
const (
	limitBodySize    = "body size"
	limitBodyTime    = "body time"
	limitBodyMemory  = "body memory"
	limitProducer    = "producer memory"
	limitTarget      = "request line"
	limitHeaders     = "headers"
	limitRate        = "rate"
	limitConnections = "connections"
	limitOther       = "overload"
)

// switchedOff is the class of a refusal that a setting asks for; no limit was reached.
const switchedOff = "switched off"

// classed is an answer with the class of what caused it, which the answer itself does not tell.
type classed struct {
	answer *wire.Error
	class  string
}

func (c *classed) Error() string { return c.answer.Error() }
func (c *classed) Unwrap() error { return c.answer }

// refused is an answer that a limit gave.
func refused(answer *wire.Error, limit string) error { return &classed{answer: answer, class: limit} }

// fromKafka is an answer that a failure of Kafka gave; its class is the name of Java's exception.
func fromKafka(k *kafka.Error, text string) error {
	return &classed{answer: &wire.Error{Code: http.StatusInternalServerError, Message: text}, class: exception(k)}
}

// exception is the name of Java's class without its package.
func exception(k *kafka.Error) string { return k.Class[strings.LastIndexByte(k.Class, '.')+1:] }

// class names what went wrong for log and metrics: never more than a few words of ours or Java's.
func class(err error, status int) string {
	var known *classed
	if errors.As(err, &known) && known.class != "" {
		return known.class
	}
	return classOf(status)
}

// classOf names a failure by its status.
func classOf(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return limitBodySize
	case http.StatusRequestTimeout:
		return limitBodyTime
	case http.StatusRequestURITooLong:
		return limitTarget
	case http.StatusRequestHeaderFieldsTooLarge:
		return limitHeaders
	case http.StatusTooManyRequests:
		return limitRate
	case http.StatusServiceUnavailable:
		return limitOther
	}
	if status < http.StatusBadRequest {
		return ""
	}
	return strings.ToLower(http.StatusText(status))
}

// limiting reports whether an answer with this status was given by a limit.
func limiting(status int) bool {
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout, http.StatusRequestURITooLong,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}
