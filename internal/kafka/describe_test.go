package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDescribe(t *testing.T) {
	topic := Subject{Topic: "t", Partition: -1}
	group := Subject{Group: "g", Partition: -1}
	none := Subject{Partition: -1}
	for _, tc := range []struct {
		err         error
		subject     Subject
		class, text string
		kind        Kind
	}{
		{kerr.UnknownTopicOrPartition, topic, errorsPackage + "UnknownTopicOrPartitionException", "This server does not host this topic-partition.", KindUnknownTopic},
		{kerr.UnknownTopicID, topic, errorsPackage + "UnknownTopicIdException", "This server does not host this topic ID.", KindUnknownTopic},
		{fmt.Errorf("x: %w", kerr.TopicAuthorizationFailed), topic, errorsPackage + "TopicAuthorizationException", "Not authorized to access topics: [t]", KindAuthorization},
		{kerr.TopicAuthorizationFailed, none, errorsPackage + "TopicAuthorizationException", "Topic authorization failed.", KindAuthorization},
		{&kgo.ErrGroupSession{Err: kerr.GroupAuthorizationFailed}, group, errorsPackage + "GroupAuthorizationException", "Not authorized to access group: g", KindAuthorization},
		{kerr.ClusterAuthorizationFailed, topic, errorsPackage + "ClusterAuthorizationException", "Cluster authorization failed.", KindAuthorization},
		{kerr.InvalidTopicException, topic, errorsPackage + "InvalidTopicException", "Invalid topics: [t]", KindInvalidTopic},
		{kerr.TopicAlreadyExists, topic, errorsPackage + "TopicExistsException", "Topic 't' already exists.", KindTopicExists},
		{kerr.TopicAlreadyExists, Subject{Topic: "t", Message: "Topic 't' is marked for deletion."}, errorsPackage + "TopicExistsException", "Topic 't' is marked for deletion.", KindTopicExists},
		{kerr.InvalidReplicationFactor, Subject{Topic: "t", Message: "Unable to replicate the partition 3 time(s)"}, errorsPackage + "InvalidReplicationFactorException", "Unable to replicate the partition 3 time(s)", KindOther},
		{kerr.InvalidPartitions, topic, errorsPackage + "InvalidPartitionsException", "Number of partitions is below 1.", KindOther},
		{kerr.PolicyViolation, topic, errorsPackage + "PolicyViolationException", "Request parameters do not satisfy the configured policy.", KindOther},
		{kerr.MessageTooLarge, topic, errorsPackage + "RecordTooLargeException", "The request included a message larger than the max message size the server will accept.", KindTooLarge},
		{kerr.NotEnoughReplicas, topic, errorsPackage + "NotEnoughReplicasException", "Messages are rejected since there are fewer in-sync replicas than required.", KindOther},
		{kerr.NotEnoughReplicasAfterAppend, topic, errorsPackage + "NotEnoughReplicasAfterAppendException", "Messages are written to the log, but to fewer in-sync replicas than required.", KindOther},
		{kerr.RequestTimedOut, topic, classTimeout, "The request timed out.", KindTimeout},
		{kerr.RebalanceInProgress, group, errorsPackage + "RebalanceInProgressException", "The group is rebalancing, so a rejoin is needed.", KindRebalance},
		{kerr.FencedInstanceID, group, errorsPackage + "FencedInstanceIdException", "The broker rejected this static consumer since another consumer with the same group.instance.id has registered with a different member.id.", KindRebalance},
		{kerr.InvalidSessionTimeout, group, errorsPackage + "InvalidSessionTimeoutException", "The session timeout is not within the range allowed by the broker (as configured by group.min.session.timeout.ms and group.max.session.timeout.ms).", KindInvalidConfig},
		{kerr.ThrottlingQuotaExceeded, topic, errorsPackage + "ThrottlingQuotaExceededException", "The throttling quota has been exceeded.", KindOverloaded},
		{kerr.SaslAuthenticationFailed, none, errorsPackage + "SaslAuthenticationException", "SASL Authentication failed.", KindAuthentication},
		{fmt.Errorf("broker 1: %w", fmt.Errorf("%w: %s", kerr.SaslAuthenticationFailed, "Authentication failed: Invalid username or password")), none, errorsPackage + "SaslAuthenticationException", "Authentication failed: Invalid username or password", KindAuthentication},
		{kerr.UnsupportedSaslMechanism, none, errorsPackage + "UnsupportedSaslMechanismException", "The broker does not support the requested SASL mechanism.", KindAuthentication},
		{kerr.UnsupportedVersion, none, errorsPackage + "UnsupportedVersionException", "The version of API is not supported.", KindOther},
		{kerr.OffsetOutOfRange, topic, errorsPackage + "OffsetOutOfRangeException", "The requested offset is not within the range of offsets maintained by the server.", KindNoOffset},
		{kerr.InvalidRecord, topic, "org.apache.kafka.common.InvalidRecordException", "This record has failed the validation on broker and hence will be rejected.", KindOther},

		{kgo.ErrRecordTimeout, Subject{Topic: "t", Partition: 3}, classTimeout, "Expiring 1 record(s) for t-3", KindTimeout},
		{kgo.ErrRecordTimeout, topic, classTimeout, "Expiring 1 record(s) for t", KindTimeout},
		{kgo.ErrRecordRetries, topic, classTimeout, "The record could not be written within the configured number of retries.", KindTimeout},
		{kgo.ErrMaxBuffered, topic, classExhausted, "The producer's buffer is full.", KindOverloaded},
		{kgo.ErrAborting, topic, classKafka, "Producer is closed forcefully.", KindClosed},
		{kgo.ErrClientClosed, topic, classIllegalState, "Cannot perform operation after producer has been closed", KindClosed},
		{fmt.Errorf("poll: %w", kgo.ErrClientClosed), group, classIllegalState, "This consumer has already been closed.", KindClosed},
		{&kgo.ErrDataLoss{Topic: "t", Partition: 1, ResetTo: 5}, topic, classTruncated, "Truncated partitions detected with divergent offsets {t-1=5}", KindOther},

		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, none, classTLS, "SSL handshake failed", KindAuthentication},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, none, classTLS, "SSL handshake failed", KindAuthentication},
		{fmt.Errorf("dial: %w", x509.UnknownAuthorityError{}), none, classTLS, "SSL handshake failed", KindAuthentication},
		{x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}, none, classTLS, "SSL handshake failed", KindAuthentication},
		{x509.CertificateInvalidError{Reason: x509.Expired}, none, classTLS, "SSL handshake failed", KindAuthentication},
		{&net.OpError{Op: "remote error", Err: tls.AlertError(42)}, none, classTLS, "SSL handshake failed", KindAuthentication},

		{context.Canceled, none, classInterrupt, "The operation was canceled.", KindClosed},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), none, classTimeout, "The request timed out.", KindTimeout},
		{os.ErrDeadlineExceeded, none, classTimeout, "The request timed out.", KindTimeout},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, none, classTimeout, "Timed out waiting for a node assignment.", KindTimeout},
		{&net.DNSError{Err: "no such host", Name: "h"}, none, classTimeout, "Timed out waiting for a node assignment.", KindTimeout},
		{io.ErrUnexpectedEOF, none, classTimeout, "Timed out waiting for a node assignment.", KindTimeout},
		{errors.New("odd"), none, classKafka, "odd", KindOther},
	} {
		got := Describe(tc.err, tc.subject)
		if got.Class != tc.class || got.Message != tc.text || got.Kind != tc.kind {
			t.Errorf("%v\n got %s: %s (%d)\nwant %s: %s (%d)", tc.err, got.Class, got.Message, got.Kind, tc.class, tc.text, tc.kind)
		}
		if !errors.Is(got, tc.err) {
			t.Errorf("%v: the cause is lost", tc.err)
		}
	}
}

func TestDescribeKeepsWhatIsDescribed(t *testing.T) {
	if got := Describe(nil, Subject{}); got != nil {
		t.Errorf("nil gave %v", got)
	}
	known := NotInMetadata("t", time.Second)
	if got := Describe(fmt.Errorf("x: %w", known), Subject{Topic: "u"}); got != known {
		t.Errorf("an error of this package was described again: %v", got)
	}
}

// TestEveryCodeIsKnown holds kgo's error codes against the jar's: a broker's answer never falls back to kgo's words.
func TestEveryCodeIsKnown(t *testing.T) {
	const last = 133 // of Kafka 4.3; kgo knows those of 4.4 too
	java := errorsByCode()
	if len(java) != last+1 {
		t.Errorf("%d codes, want -1 and 1 to %d", len(java), last)
	}
	for code := int16(-1); code <= last; code++ {
		err := kerr.ErrorForCode(code)
		if code == 0 {
			continue
		}
		if _, ok := java[code]; !ok {
			var known *kerr.Error
			if errors.As(err, &known) && known.Code == code {
				t.Errorf("kgo knows code %d, %s, and the table does not", code, known.Message)
			}
			continue
		}
		if got := Describe(err, Subject{Partition: -1}); got.Class != java[code].class || !strings.Contains(got.Class, "org.apache.kafka.") {
			t.Errorf("%d: %s", code, got.Class)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, tc := range []struct {
		err  *Error
		kind Kind
		want string
	}{
		{NotInMetadata("t", time.Minute), KindNotInMetadata, classTimeout + ": Topic t not present in metadata after 60000 ms."},
		{PartitionNotInMetadata("t", 9, 3, 10*time.Second), KindNotInMetadata, classTimeout + ": Partition 9 of topic t with partition count 3 is not present in metadata after 10000 ms."},
		{Expired(2, "t", 1, 120005*time.Millisecond), KindTimeout, classTimeout + ": Expiring 2 record(s) for t-1:120005 ms has passed since batch creation"},
		{TooLarge(2000088, 1048576), KindTooLarge, classRecordTooLarge + ": The message is 2000088 bytes when serialized which is larger than 1048576, which is the value of the max.request.size configuration."},
	} {
		if tc.err.Prefixed() != tc.want || tc.err.Kind != tc.kind {
			t.Errorf("got %s\nwant %s", tc.err.Prefixed(), tc.want)
		}
		if !strings.HasSuffix(tc.want, ": "+tc.err.Error()) || errors.Unwrap(tc.err) != nil {
			t.Errorf("text without class: %s", tc.err)
		}
	}
}
