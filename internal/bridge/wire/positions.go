package wire

// POST …/assignments, …/offsets, …/positions and …/positions/{beginning,end}
// (bridge contract 1.6).
//
//	assign, beginning, end
//	         body required, MediaV2: {"partitions":[{"topic","partition"}…]}
//	         204; assign 409 Exclusive; seeks 404 NoCurrentAssignment
//	seek     body required, MediaV2: {"offsets":[{"topic","partition","offset"}…]}
//	         204; 404 NoCurrentAssignment; 500 NegativeSeek
//	commit   body optional, MediaV2, as seek's
//	         204; 422 NegativeCommit
//
// Deviations (upstream answers all of these with a plain-text 500): the body {}
// is 422 everywhere but on commit, where it commits what was last polled; an
// element of partitions without topic or partition is 400; a negative offset in
// a commit is 422.

import (
	"strconv"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// TopicPartition names one partition. Its number may be negative: no schema
// forbids it here.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// PartitionList is the body of assign and of seek to the beginning or the end.
// An empty list unsubscribes, or seeks in everything assigned.
type PartitionList struct {
	Partitions []TopicPartition
	// Present is false for {}, which MissingPartitions refuses after the check
	// that the consumer exists.
	Present bool
}

// TopicPartitionOffset names a position: the next offset to read.
type TopicPartitionOffset struct {
	Topic     string
	Partition int32
	Offset    int64
}

// OffsetList is the body of commit and seek.
type OffsetList struct {
	Offsets []TopicPartitionOffset
	// Present is false for {} and for an absent body, which commit takes for
	// "what was last polled" and which MissingOffsets refuses on seek, after the
	// check that the consumer exists.
	Present bool
}

// DecodePartitions decodes the body of assign and of seek to the beginning or
// the end. The error is a 400 *Error.
func DecodePartitions(contentType string, body []byte) (PartitionList, error) {
	var l PartitionList
	if _, err := admit(contentType, body, required, MediaV2, schema.Partitions()); err != nil {
		return l, err
	}
	for _, list := range members(body) {
		l = PartitionList{Present: true}
		for element := range rawjson.Elements(list) {
			p := position(element)
			l.Partitions = append(l.Partitions, TopicPartition{p.Topic, p.Partition})
		}
	}
	return l, nil
}

// DecodeOffsets decodes the body of commit, which may be absent. The error is a
// 400 *Error; what CheckCommit refuses comes after the check that the consumer exists.
func DecodeOffsets(contentType string, body []byte) (OffsetList, error) {
	return decodeOffsets(contentType, body, optional)
}

// DecodeSeek decodes the body of seek. The error is a 400 *Error.
func DecodeSeek(contentType string, body []byte) (OffsetList, error) {
	return decodeOffsets(contentType, body, required)
}

func decodeOffsets(contentType string, body []byte, p presence) (OffsetList, error) {
	var l OffsetList
	present, err := admit(contentType, body, p, MediaV2, schema.OffsetCommitSeekList())
	if err != nil || !present {
		return l, err
	}
	for _, list := range members(body) {
		l = OffsetList{Present: true}
		for element := range rawjson.Elements(list) {
			l.Offsets = append(l.Offsets, position(element))
		}
	}
	return l, nil
}

// CheckCommit returns the 422 of NegativeCommit if an offset is negative.
func (l OffsetList) CheckCommit() error {
	for _, o := range l.Offsets {
		if o.Offset < 0 {
			return NegativeCommit()
		}
	}
	return nil
}

// position reads one element of either list.
func position(element []byte) TopicPartitionOffset {
	var o TopicPartitionOffset
	for name, value := range members(element) {
		switch name {
		case "topic":
			o.Topic = text(value)
		case "partition":
			o.Partition = int32(number(value, 32))
		case "offset":
			o.Offset = number(value, 64)
		}
	}
	return o
}

// number returns an integer that the schema has found to fit its size in bits.
func number(value []byte, bits int) int64 {
	n, _ := strconv.ParseInt(string(value), 10, bits)
	return n
}
