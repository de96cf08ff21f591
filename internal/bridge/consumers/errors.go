package consumers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/steg-kafka/steg/internal/kafka"
)

// What the operations answer with when it is not Kafka that refuses.
var (
	// ErrNotFound says that no instance has this group and name.
	ErrNotFound = errors.New("no such consumer instance")
	// ErrExists refuses a creation because the name is taken.
	ErrExists = errors.New("the consumer instance exists already")
	// ErrTooMany refuses a creation because there are Settings.Max instances already.
	ErrTooMany = errors.New("there are as many consumer instances as there may be")
	// ErrExclusive refuses a subscription of an instance with assigned partitions, and the reverse.
	ErrExclusive = errors.New("subscription and assignment are mutually exclusive")
	// ErrNotSubscribed refuses a poll before any subscription or assignment.
	ErrNotSubscribed = errors.New("neither subscribed nor assigned")
	// ErrClosed is what an operation gets that waited behind the closing of its instance, or came after that of the
	// registry.
	ErrClosed = errors.New("the consumer instance is closed")
)

// NotAssignedError refuses a seek in a partition that the instance does not have.
type NotAssignedError struct {
	Topic     string
	Partition int32
}

// Error returns the text of the bridge contract, 1.6.
func (e *NotAssignedError) Error() string {
	return fmt.Sprintf("No current assignment for partition %s-%d", e.Topic, e.Partition)
}

// InvalidError is a setting that the Java client refuses; Text is its ConfigException's message.
type InvalidError struct{ Text string }

// Error returns the Java client's text.
func (e *InvalidError) Error() string { return e.Text }

// Java classes that are named here because no answer of a broker leads to them.
const (
	classIllegalState    = "java.lang.IllegalStateException"
	classIllegalArgument = "java.lang.IllegalArgumentException"
	classKafka           = "org.apache.kafka.common.KafkaException"
	classTimeout         = "org.apache.kafka.common.errors.TimeoutException"
	classCommitFailed    = "org.apache.kafka.clients.consumer.CommitFailedException"
	classNoOffset        = "org.apache.kafka.clients.consumer.NoOffsetForPartitionException"
	classOutOfRange      = "org.apache.kafka.clients.consumer.OffsetOutOfRangeException"
)

func illegalState(message string) error {
	return &kafka.Error{Class: classIllegalState, Message: message}
}

func illegalArgument(message string) error {
	return &kafka.Error{Class: classIllegalArgument, Message: message}
}

// errMixed is the Java client's refusal to go from topics to a pattern, or back, without unsubscribing.
func errMixed() error {
	return illegalState("Subscription to topics, partitions and pattern are mutually exclusive")
}

// errIdle is what the Java client says to a poll after an empty subscription.
func errIdle() error {
	return illegalState("Consumer is not subscribed to any topics or assigned any partitions")
}

// errNoOffset is auto.offset.reset=none at partitions of which the group has committed nothing.
func errNoOffset(partitions []TopicPartition) error {
	names := make([]string, len(partitions))
	for i, tp := range partitions {
		names[i] = tp.String()
	}
	return &kafka.Error{
		Class:   classNoOffset,
		Message: "Undefined offset with no reset policy for partitions: [" + strings.Join(names, ", ") + "]",
		Kind:    kafka.KindNoOffset,
	}
}

// errOutOfRange is auto.offset.reset=none at a position that the log does not have. The Java client's text goes on with
// the leader's address inside the braces.
func errOutOfRange(tp TopicPartition, offset int64) error {
	return &kafka.Error{
		Class: classOutOfRange,
		Message: fmt.Sprintf("Fetch position FetchPosition{offset=%d, offsetEpoch=Optional.empty} is out of range for partition %s",
			offset, tp),
		Kind: kafka.KindNoOffset,
	}
}

// errUnreadable is a batch whose checksum, compression or framing is wrong: the Java client repeats this until the
// application seeks past it.
func errUnreadable(tp TopicPartition, cause error) error {
	return &kafka.Error{
		Class: classKafka,
		Message: fmt.Sprintf("Received exception when fetching the next record from %s. If needed, please seek past the record to continue consumption.",
			tp),
		Cause: cause,
	}
}

// errNotMember refuses a commit of a subscriber that is in no group, or not yet.
func errNotMember() error {
	return &kafka.Error{
		Class: classCommitFailed,
		Message: "Offset commit cannot be completed since the consumer is not part of an active group " +
			"for auto partition assignment; it is likely that the consumer was kicked out of the group.",
		Kind: kafka.KindRebalance,
	}
}

// errMoved refuses a commit that comes from an older generation of the group.
func errMoved(cause error) error {
	return &kafka.Error{
		Class: classCommitFailed,
		Message: "Commit cannot be completed since the group has already rebalanced and assigned the partitions to another member. " +
			"This means that the time between subsequent calls to poll() was longer than the configured max.poll.interval.ms, " +
			"which typically implies that the poll loop is spending too much time message processing. " +
			"You can address this either by increasing max.poll.interval.ms or by reducing the maximum size of batches " +
			"returned in poll() with max.poll.records.",
		Kind:  kafka.KindRebalance,
		Cause: cause,
	}
}

// errCommitTimeout is a commit that met nothing but passing trouble for default.api.timeout.ms.
func errCommitTimeout(after time.Duration, offsets []TopicPartitionOffset, cause error) error {
	parts := make([]string, len(offsets))
	for i, o := range offsets {
		parts[i] = fmt.Sprintf("%s-%d=OffsetAndMetadata{offset=%d, leaderEpoch=null, metadata=''}", o.Topic, o.Partition, o.Offset)
	}
	return &kafka.Error{
		Class: classTimeout,
		Message: fmt.Sprintf("Timeout of %dms expired before successfully committing offsets {%s}",
			after.Milliseconds(), strings.Join(parts, ", ")),
		Kind:  kafka.KindTimeout,
		Cause: cause,
	}
}

// passing says whether an error heals by itself, so that a poll tries again instead of failing: whatever a broker calls
// retriable, what belongs to a rebalance, and every broken connection except one whose other side was not believed.
func passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var code *kerr.Error
	if !errors.As(err, &code) {
		return kafka.Describe(err, kafka.Subject{Partition: -1}).Kind != kafka.KindAuthentication
	}
	switch code.Code {
	case kerr.RebalanceInProgress.Code, kerr.UnknownMemberID.Code, kerr.IllegalGeneration.Code, kerr.MemberIDRequired.Code,
		kerr.FencedMemberEpoch.Code, kerr.StaleMemberEpoch.Code, kerr.OffsetOutOfRange.Code, kerr.UnknownServerError.Code:
		return true
	default:
		return code.Retriable
	}
}
