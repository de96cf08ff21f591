package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// errorsTSV is every error code with its Java class and message, read from the jar by internal/gen/kafkakeys.
//
//go:embed errors.tsv
var errorsTSV string

// javaError is one error code as the Java clients raise it.
type javaError struct{ class, message string }

var errorsByCode = sync.OnceValue(func() map[int16]javaError {
	all, err := parseErrors(errorsTSV)
	if err != nil {
		panic(err) // the data are part of the program; a test parses them
	}
	return all
})

func parseErrors(tsv string) (map[int16]javaError, error) {
	all := map[int16]javaError{}
	for line := range strings.Lines(tsv) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("errors.tsv: %d columns instead of 5 in %q", len(f), line)
		}
		code, err := strconv.ParseInt(f[0], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("errors.tsv: %w", err)
		}
		all[int16(code)] = javaError{class: f[2], message: f[3]}
	}
	return all, nil
}

// Classes that no error code stands for, and those named here for their own texts.
const (
	errorsPackage       = "org.apache.kafka.common.errors."
	classKafka          = "org.apache.kafka.common.KafkaException"
	classTimeout        = errorsPackage + "TimeoutException"
	classTLS            = errorsPackage + "SslAuthenticationException"
	classInterrupt      = errorsPackage + "InterruptException"
	classRecordTooLarge = errorsPackage + "RecordTooLargeException"
	classExhausted      = "org.apache.kafka.clients.producer.BufferExhaustedException"
	classTruncated      = "org.apache.kafka.clients.consumer.LogTruncationException"
	classIllegalState   = "java.lang.IllegalStateException"
)

// Describe names a failure of a client as the Java client would: the broker's error codes with the Java classes and
// messages of kafka-clients 4.3.1, and kgo's own failures, ended contexts, broken connections, TLS and SASL by the
// nearest class. An *Error in the chain is returned as it is; nil gives nil. The subject's nouns go into the texts that
// have one. The cause stays in the chain for logs; apart from the fallback for failures that nothing here knows, no text
// repeats it.
func Describe(err error, s Subject) *Error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if e := describeCode(err, s); e != nil {
		return e
	}
	for _, describe := range []func(error, Subject) *Error{describeClient, describeTLS, describeNetwork} {
		if e := describe(err, s); e != nil {
			e.Cause = err
			return e
		}
	}
	return &Error{Class: classKafka, Message: err.Error(), Cause: err}
}

// describeCode names a broker's answer.
func describeCode(err error, s Subject) *Error {
	var code *kerr.Error
	if !errors.As(err, &code) {
		return nil
	}
	e := &Error{Class: classKafka, Message: code.Description, Kind: kindOf(code.Code), Cause: err}
	if java, ok := errorsByCode()[code.Code]; ok {
		e.Class, e.Message = java.class, java.message
	}
	if s.Message != "" {
		e.Message = s.Message
	} else if text := s.noun(code.Code); text != "" {
		e.Message = text
	} else if e.Kind == KindAuthentication {
		e.Message = brokerText(err, code, e.Message)
	}
	return e
}

// noun returns the text of a code that Java composes with the names of what it is about.
func (s Subject) noun(code int16) string {
	if s.Topic != "" {
		switch code {
		case kerr.TopicAuthorizationFailed.Code:
			return "Not authorized to access topics: [" + s.Topic + "]"
		case kerr.InvalidTopicException.Code:
			return "Invalid topics: [" + s.Topic + "]"
		case kerr.TopicAlreadyExists.Code:
			return "Topic '" + s.Topic + "' already exists."
		}
	}
	if s.Group != "" && code == kerr.GroupAuthorizationFailed.Code {
		return "Not authorized to access group: " + s.Group
	}
	return ""
}

// brokerText finds the text that the broker sent with an error code, which Java shows for failed authentication. kgo
// wraps it as "<code>: <text>".
func brokerText(err error, code *kerr.Error, otherwise string) string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if text, ok := strings.CutPrefix(e.Error(), code.Error()+": "); ok && text != "" {
			return text
		}
	}
	return otherwise
}

// kindOf sorts the error codes that somebody branches on; the others are answered by their texts alone.
func kindOf(code int16) Kind {
	switch code {
	case kerr.UnknownTopicOrPartition.Code, kerr.UnknownTopicID.Code:
		return KindUnknownTopic
	case kerr.InvalidTopicException.Code:
		return KindInvalidTopic
	case kerr.TopicAlreadyExists.Code:
		return KindTopicExists
	case kerr.TopicAuthorizationFailed.Code, kerr.GroupAuthorizationFailed.Code, kerr.ClusterAuthorizationFailed.Code,
		kerr.TransactionalIDAuthorizationFailed.Code, kerr.DelegationTokenAuthorizationFailed.Code:
		return KindAuthorization
	case kerr.SaslAuthenticationFailed.Code, kerr.UnsupportedSaslMechanism.Code, kerr.IllegalSaslState.Code:
		return KindAuthentication
	case kerr.RequestTimedOut.Code:
		return KindTimeout
	case kerr.ThrottlingQuotaExceeded.Code:
		return KindOverloaded
	case kerr.MessageTooLarge.Code, kerr.RecordListTooLarge.Code:
		return KindTooLarge
	case kerr.InvalidConfig.Code, kerr.InvalidSessionTimeout.Code, kerr.InvalidRequiredAcks.Code:
		return KindInvalidConfig
	case kerr.RebalanceInProgress.Code, kerr.IllegalGeneration.Code, kerr.UnknownMemberID.Code, kerr.FencedInstanceID.Code,
		kerr.FencedMemberEpoch.Code, kerr.StaleMemberEpoch.Code:
		return KindRebalance
	case kerr.OffsetOutOfRange.Code:
		return KindNoOffset
	}
	return KindOther
}

// describeClient names kgo's own failures.
func describeClient(err error, s Subject) *Error {
	var truncated *kgo.ErrDataLoss
	switch {
	case errors.Is(err, kgo.ErrRecordTimeout):
		return &Error{Class: classTimeout, Message: "Expiring 1 record(s) for " + s.partition(), Kind: KindTimeout}
	case errors.Is(err, kgo.ErrRecordRetries):
		return &Error{Class: classTimeout, Message: "The record could not be written within the configured number of retries.", Kind: KindTimeout}
	case errors.Is(err, kgo.ErrMaxBuffered):
		return &Error{Class: classExhausted, Message: "The producer's buffer is full.", Kind: KindOverloaded}
	case errors.Is(err, kgo.ErrAborting):
		return &Error{Class: classKafka, Message: "Producer is closed forcefully.", Kind: KindClosed}
	case errors.Is(err, kgo.ErrClientClosed) && s.Group != "":
		return &Error{Class: classIllegalState, Message: "This consumer has already been closed.", Kind: KindClosed}
	case errors.Is(err, kgo.ErrClientClosed):
		return &Error{Class: classIllegalState, Message: "Cannot perform operation after producer has been closed", Kind: KindClosed}
	case errors.As(err, &truncated):
		return &Error{
			Class:   classTruncated,
			Message: fmt.Sprintf("Truncated partitions detected with divergent offsets {%s-%d=%d}", truncated.Topic, truncated.Partition, truncated.ResetTo),
		}
	}
	return nil
}

// describeTLS names a handshake that failed. Java has one text for all of them.
func describeTLS(err error, _ Subject) *Error {
	var (
		alert     *net.OpError
		header    tls.RecordHeaderError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	// Alerts have no exported type: they are operations by these names.
	alerted := errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error")
	if alerted || errors.As(err, &header) || errors.As(err, &untrusted) ||
		errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) {
		return &Error{Class: classTLS, Message: "SSL handshake failed", Kind: KindAuthentication}
	}
	return nil
}

// describeNetwork names ended contexts and connections that broke or were never made. The Java clients try those again
// until a call's time is over, and then say that it is.
func describeNetwork(err error, _ Subject) *Error {
	var network net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{Class: classInterrupt, Message: "The operation was canceled.", Kind: KindClosed}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Class: classTimeout, Message: "The request timed out.", Kind: KindTimeout}
	case errors.As(err, &network), errors.Is(err, net.ErrClosed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Class: classTimeout, Message: "Timed out waiting for a node assignment.", Kind: KindTimeout}
	}
	return nil
}
