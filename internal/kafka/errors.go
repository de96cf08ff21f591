package kafka

import (
	"fmt"
	"strconv"
	"time"
)

// Kind is the class of a failure that somebody branches on.
type Kind uint8

const (
	// KindOther failures are answered by their text alone.
	KindOther Kind = iota
	// KindNotInMetadata is a topic or a partition that did not appear within max.block.ms.
	KindNotInMetadata
	// KindUnknownTopic is the broker's word that it does not have a topic or a partition.
	KindUnknownTopic
	// KindInvalidTopic is a name that no topic can have.
	KindInvalidTopic
	// KindTopicExists is the refusal to create a topic again.
	KindTopicExists
	// KindAuthorization is a right that the principal lacks.
	KindAuthorization
	// KindAuthentication is a principal that was not believed: TLS or SASL.
	KindAuthentication
	// KindTimeout is an answer that did not come in time.
	KindTimeout
	// KindOverloaded is a full buffer of our own, or the broker's throttling.
	KindOverloaded
	// KindTooLarge is a record, or an answer, beyond a limit.
	KindTooLarge
	// KindInvalidConfig is a setting that a broker, or the client library, refuses.
	KindInvalidConfig
	// KindClosed is a client that is being closed.
	KindClosed
	// KindRebalance is a group that moved on: a commit came too late, or the member is not in it any more.
	KindRebalance
	// KindNoOffset is a partition without a position and without a reset policy.
	KindNoOffset
)

// Error is a failure named as the Java client names it.
type Error struct {
	Class   string // Java class with its package, such as org.apache.kafka.common.errors.TimeoutException
	Message string // the exception's message
	Kind    Kind
	Cause   error // what the client library said; not part of any text
}

// Error returns the message alone: the form of the answers to send, seek and create (bridge contract 1.10).
func (e *Error) Error() string { return e.Message }

// Prefixed returns class and message: the form of the answers to poll, subscribe, assign, commit and describe.
func (e *Error) Prefixed() string { return e.Class + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Subject is what a failed call was about: nouns for the texts that name a topic, a partition or a group. Empty fields
// are unknown; Partition counts only where Topic is set and it is not negative. Message is the text that the broker sent
// along with the code, where the answer has a place for one: it wins over every other, as it does in Java.
type Subject struct {
	Topic     string
	Group     string
	Partition int32
	Message   string
}

// partition writes topic and partition as Java's TopicPartition does.
func (s Subject) partition() string {
	if s.Partition < 0 {
		return s.Topic
	}
	return s.Topic + "-" + strconv.Itoa(int(s.Partition))
}

// NotInMetadata is a send to a topic that did not appear within max.block.ms.
func NotInMetadata(topic string, maxBlock time.Duration) *Error {
	return &Error{
		Class:   classTimeout,
		Message: fmt.Sprintf("Topic %s not present in metadata after %d ms.", topic, maxBlock.Milliseconds()),
		Kind:    KindNotInMetadata,
	}
}

// PartitionNotInMetadata is a send to a partition that the topic, with count partitions, did not have within
// max.block.ms.
func PartitionNotInMetadata(topic string, partition int32, count int, maxBlock time.Duration) *Error {
	return &Error{
		Class: classTimeout,
		Message: fmt.Sprintf("Partition %d of topic %s with partition count %d is not present in metadata after %d ms.",
			partition, topic, count, maxBlock.Milliseconds()),
		Kind: KindNotInMetadata,
	}
}

// Expired is a send of n records to one partition that was not answered within delivery.timeout.ms; after is how long it
// took. The records may still be written.
func Expired(n int, topic string, partition int32, after time.Duration) *Error {
	return &Error{
		Class: classTimeout,
		Message: fmt.Sprintf("Expiring %d record(s) for %s-%d:%d ms has passed since batch creation",
			n, topic, partition, after.Milliseconds()),
		Kind: KindTimeout,
	}
}

// TooLarge is a record of size bytes, by the Java producer's estimate of its serialised form, beyond max.request.size.
func TooLarge(size int, limit int32) *Error {
	return &Error{
		Class: classRecordTooLarge,
		Message: fmt.Sprintf("The message is %d bytes when serialized which is larger than %d, which is the value of the "+
			"max.request.size configuration.", size, limit),
		Kind: KindTooLarge,
	}
}
