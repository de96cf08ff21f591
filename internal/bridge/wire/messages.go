package wire

// Every refusal of the bridge contract 1.1 to 1.9 that has a text of its own.
// The texts are part of the contract: clients and upstream's tests compare them.

import "fmt"

// Statuses that the contract uses. They are spelled here because this package
// knows no HTTP library.
const (
	statusBadRequest    = 400
	statusNotFound      = 404
	statusNotAcceptable = 406
	statusConflict      = 409
	statusTooLarge      = 413
	statusTooMany       = 429
	statusUnprocessable = 422
	statusInternal      = 500
	statusUnavailable   = 503
)

// validationPrefix begins the message of every 400 that the contract's
// validation gives (contract 1.3).
const validationPrefix = "Validation error on: "

// Bodies of answers that are not built from values.
const (
	// EmptyObject is the body of a created topic's 201.
	EmptyObject = `{}`
	// NotFoundBody is the body of the 404 of an unknown path.
	NotFoundBody = `{"error_code":404,"message":"Not Found"}`
	// CORSRejected is the plain text of the 403 to an origin that is not allowed.
	CORSRejected = "CORS Rejected - Invalid origin"
)

// NotFound is the answer to a path that is not in the contract (1.1).
func NotFound() *Error { return &Error{Code: statusNotFound, Message: "Not Found"} }

// BadRequest is the answer to a request that HTTP itself makes unreadable: a bad
// percent escape, a body that breaks off (1.1).
func BadRequest() *Error { return &Error{Code: statusBadRequest, Message: "Bad Request"} }

// InternalServerError is the answer to a failure that has no text for clients.
func InternalServerError() *Error {
	return &Error{Code: statusInternal, Message: "Internal Server Error"}
}

// BodyTooLarge refuses a body of more than limit bytes. Upstream has no limit.
func BodyTooLarge(limit int64) *Error {
	return &Error{
		Code:    statusTooLarge,
		Message: fmt.Sprintf("The request body is larger than the limit of %d bytes", limit),
	}
}

// TooManyRecords refuses a body of more than limit records. Upstream has no limit.
func TooManyRecords(limit int) *Error {
	return &Error{
		Code:    statusTooLarge,
		Message: fmt.Sprintf("The request has more records than the limit of %d", limit),
	}
}

// Overloaded asks the client to come back after the given number of seconds
// (1.5); 0 gives no Retry-After header.
func Overloaded(retryAfter int) *Error {
	return &Error{
		Code: statusUnavailable, Message: "Bridge is overloaded, please retry later", RetryAfter: retryAfter,
	}
}

// TooManyRequests asks one client, who is beyond its rate, to come back after the
// given number of seconds. Upstream limits nobody.
func TooManyRequests(retryAfter int) *Error {
	return &Error{
		Code: statusTooMany, Message: "Too many requests, please retry later", RetryAfter: retryAfter,
	}
}

// SchemaViolation refuses a body or parameter with the list of what is wrong
// with it (1.3).
func SchemaViolation(texts []string) *Error {
	return &Error{
		Code: statusBadRequest, Message: validationPrefix + "Schema validation error", Validation: texts,
	}
}

// MissingBody refuses a request whose body is required and absent (1.3).
func MissingBody() *Error {
	return invalid("The related request does not contain the required body.")
}

// UnsupportedBody refuses a Content-Type that is missing or is not one of the
// operation's (1.3).
func UnsupportedBody() *Error {
	return invalid("The format of the request body is not supported")
}

// UndecodableBody refuses a body that is not JSON (1.3).
func UndecodableBody() *Error { return invalid("The request body can't be decoded") }

// MissingParameter refuses a request without a required parameter; in is "path"
// or "query" (1.3).
func MissingParameter(in, name string) *Error {
	return invalid(fmt.Sprintf("The related request does not contain the required %s parameter %s", in, name))
}

// UndecodableParameter refuses a parameter that is neither JSON nor fit to stand
// in a JSON string; in is "path" or "query" (1.3).
func UndecodableParameter(in, name string) *Error {
	return invalid(fmt.Sprintf("The value of %s parameter %s can't be decoded.", in, name))
}

// invalid builds a 400 of the validation.
func invalid(reason string) *Error {
	return &Error{Code: statusBadRequest, Message: validationPrefix + reason}
}

// Unprocessable is a 422 with a text from elsewhere: a value that Kafka's own
// configuration check refuses, a record that cannot be converted.
func Unprocessable(message string) *Error {
	return &Error{Code: statusUnprocessable, Message: message}
}

// Failed is a 500 with a text from elsewhere: a failure of Kafka, with the Java
// class in front where the contract has it there.
func Failed(message string) *Error { return &Error{Code: statusInternal, Message: message} }

// Missing is a 404 with a text from elsewhere: a topic that Kafka does not know.
func Missing(message string) *Error { return &Error{Code: statusNotFound, Message: message} }

// ProducerDisabled is the answer to a send when http.producer.enabled=false (1.5).
func ProducerDisabled() *Error {
	return &Error{
		Code:    statusUnavailable,
		Message: "Producer is disabled in config. To enable producer update http.producer.enabled to true",
	}
}

// MissingRecords refuses a produce body without "records" (1.5; the text is
// ours, upstream's is a Java null-pointer text).
func MissingRecords() *Error { return Unprocessable("A list of records must be specified.") }

// TextKey refuses a key that is not a string in text format (1.5).
func TextKey() *Error {
	return Unprocessable("Because the embedded format is 'text', the key must be a string")
}

// TextValue refuses a value that is not a string in text format (1.5).
func TextValue() *Error {
	return Unprocessable("Because the embedded format is 'text', the value must be a string")
}

// NegativeTimestamp refuses a record's timestamp, in milliseconds (1.5).
func NegativeTimestamp(ms int64) *Error {
	return Unprocessable(fmt.Sprintf(
		"Invalid timestamp: %d. Timestamp should always be non-negative or null.", ms))
}

// NegativePartition refuses the partition inside a record (1.5).
func NegativePartition(partition int32) *Error {
	return Unprocessable(fmt.Sprintf(
		"Invalid partition: %d. Partition number should always be non-negative or null.", partition))
}

// InvalidPartition refuses a partition in a path that passed the schema and is
// no int32 all the same, such as 3000000000 or 1.0 (1.5, 1.7).
func InvalidPartition() *Error { return Unprocessable("Specified partition is not a valid number") }

// ConsumerDisabled is the answer to create consumer when
// http.consumer.enabled=false (1.6).
func ConsumerDisabled() *Error {
	return &Error{
		Code:    statusUnavailable,
		Message: "Consumer is disabled in config. To enable consumer update http.consumer.enabled to true",
	}
}

// ConsumerNotFound is the answer to any operation on an unknown pair of group
// and instance (1.6).
func ConsumerNotFound() *Error { return Missing("The specified consumer instance was not found.") }

// ConsumerExists refuses a second consumer of the same group and name (1.6).
func ConsumerExists() *Error {
	return &Error{
		Code:    statusConflict,
		Message: "A consumer instance with the specified name already exists in the Kafka Bridge.",
	}
}

// InvalidFormat refuses an embedded format that is not binary, json or text (1.6).
func InvalidFormat() *Error { return Unprocessable("Invalid format type.") }

// InvalidScheme fails a base_uri that would need a default port for a scheme
// that has none (1.6).
func InvalidScheme(scheme string) *Error { return Failed(scheme + " is not a valid schema/proto.") }

// Exclusive refuses topics together with a pattern, and a subscription together
// with an assignment (1.6).
func Exclusive() *Error {
	return &Error{
		Code:    statusConflict,
		Message: "Subscriptions to topics, partitions, and patterns are mutually exclusive.",
	}
}

// ModeSwitch fails a change from topics to a pattern or back on one consumer (1.6).
func ModeSwitch() *Error {
	return Failed("java.lang.IllegalStateException: Subscription to topics, partitions and pattern are mutually exclusive")
}

// MissingSubscription refuses a subscription to nothing (1.6).
func MissingSubscription() *Error {
	return Unprocessable("A list (of Topics type) or a topic_pattern must be specified.")
}

// InvalidPattern fails a topic pattern that is no Java regular expression; reason
// says what is wrong and where (1.6; what follows the class name is our text).
func InvalidPattern(reason string) *Error {
	return Failed("java.util.regex.PatternSyntaxException: " + reason)
}

// UnsupportedPattern refuses a topic pattern that Java would take; reason names
// the construct and its position (1.6).
func UnsupportedPattern(reason string) *Error {
	return Unprocessable("The topic_pattern is not supported: " + reason)
}

// NotSubscribed fails a poll without subscription or assignment (1.6).
func NotSubscribed() *Error {
	return Failed("Consumer is not subscribed to any topics or assigned any partitions")
}

// NothingSubscribed fails a poll after a subscription to an empty list, which
// upstream lets through to Kafka (1.6).
func NothingSubscribed() *Error {
	return Failed("java.lang.IllegalStateException: Consumer is not subscribed to any topics or assigned any partitions")
}

// ConsumerClosed fails an operation that waited behind a delete (2.2).
func ConsumerClosed() *Error {
	return Failed("java.lang.IllegalStateException: This consumer has already been closed.")
}

// AcceptMismatch refuses a poll whose Accept is not exactly the type of the
// consumer's format (1.6).
func AcceptMismatch() *Error {
	return &Error{
		Code:    statusNotAcceptable,
		Message: "Consumer format does not match the embedded format requested by the Accept header.",
	}
}

// Undecodable refuses a polled record that does not fit the consumer's format
// (1.6). Upstream's prefix has no space behind the colon.
func Undecodable(reason string) *Error {
	return &Error{Code: statusNotAcceptable, Message: "Failed to decode:" + reason}
}

// TooManyBytes refuses a poll whose answer would exceed max_bytes (1.6).
func TooManyBytes() *Error {
	return Unprocessable("Response exceeds the maximum number of bytes the consumer can receive")
}

// MissingPartitions refuses the body {} on assign and on seek to the beginning
// or the end. The caller applies it after its check that the consumer exists
// (1.6; the text is ours, upstream fails with a plain-text 500).
func MissingPartitions() *Error { return Unprocessable("A list of partitions must be specified.") }

// MissingOffsets refuses the body {} on seek, like MissingPartitions (1.6).
func MissingOffsets() *Error { return Unprocessable("A list of offsets must be specified.") }

// NegativeCommit refuses to commit a negative offset (1.6; upstream fails with a
// plain-text 500).
func NegativeCommit() *Error { return Unprocessable("Invalid negative offset") }

// NegativeSeek fails a seek to a negative offset (1.6).
func NegativeSeek() *Error { return Failed("seek offset must not be a negative number") }

// NoCurrentAssignment refuses a seek in a partition that the consumer does not have (1.6).
func NoCurrentAssignment(topic string, partition int32) *Error {
	return Missing(fmt.Sprintf("No current assignment for partition %s-%d", topic, partition))
}

// PartitionNotFound is the answer about a partition that the topic does not have
// (1.7).
func PartitionNotFound() *Error { return Missing("Specified partition does not exist.") }

// OffsetsNotFound is the answer about the offsets of a partition that the topic
// does not have (1.7).
func OffsetsNotFound(topic string, partition int32) *Error {
	return Missing(fmt.Sprintf("Topic '%s' does not have partition with id %d", topic, partition))
}

// TopicExists fails the creation of a topic that is there already; the status is
// upstream's (1.7).
func TopicExists(topic string) *Error {
	return Failed(fmt.Sprintf("Topic '%s' already exists.", topic))
}
