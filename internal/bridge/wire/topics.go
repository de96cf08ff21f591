package wire

// The topic and admin operations (bridge contract 1.7).
//
//	GET /topics                                200 ["t1",…]
//	GET /topics/{t}                            200 {"name","configs":{…},"partitions":[P…]}
//	GET /topics/{t}/partitions                 200 [P…]
//	GET /topics/{t}/partitions/{p}             200 P
//	GET /topics/{t}/partitions/{p}/offsets     200 {"beginning_offset","end_offset"}
//	POST /admin/topics                         201 {}
//
//	P  {"partition":0,"leader":1,"replicas":[{"broker":1,"leader":true,"in_sync":true}…]}
//
// Create takes MediaJSON, not MediaV2. Deviations: upstream cuts a replication
// factor to 16 bits and never answers about a partition without a leader; here
// the first is 400, as is a count beyond 32 bits, and such a leader is -1.

import (
	"math"
	"strconv"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// NewTopic is the body of create topic. A nil number means the broker's default.
type NewTopic struct {
	Name              string
	Partitions        *int32
	ReplicationFactor *int16
}

// DecodeNewTopic decodes the body of create topic. The error is a 400 *Error.
func DecodeNewTopic(contentType string, body []byte) (NewTopic, error) {
	var t NewTopic
	if _, err := admit(contentType, body, required, MediaJSON, schema.NewTopic()); err != nil {
		return t, err
	}
	var partitions, factor []byte
	for name, value := range members(body) {
		switch name {
		case "topic_name":
			t.Name = text(value)
		case "partitions_count":
			partitions = value
		case "replication_factor":
			factor = value
		}
	}
	p, fits := count(partitions, math.MinInt32, math.MaxInt32)
	if !fits {
		return NewTopic{}, outOfRange("partitions_count", "int32")
	}
	r, fits := count(factor, math.MinInt16, math.MaxInt16)
	if !fits {
		return NewTopic{}, outOfRange("replication_factor", "int16")
	}
	if p != nil {
		t.Partitions = new(int32(*p))
	}
	if r != nil {
		t.ReplicationFactor = new(int16(*r))
	}
	return t, nil
}

// count reads an integral number, however it is written, or null; nil means
// absent or null. It reports whether the number lies within the bounds.
func count(value []byte, low, high float64) (*float64, bool) {
	if value == nil || value[0] == 'n' {
		return nil, true
	}
	// Numbers beyond a double's range become infinities, which lie outside.
	f, _ := strconv.ParseFloat(string(value), 64)
	return &f, f >= low && f <= high
}

// outOfRange words a number that is too large the way the schema would, had the
// contract declared a format for it.
func outOfRange(property, format string) *Error {
	return SchemaViolation([]string{
		`Property "` + property + `" does not match schema`,
		`Integer does not match the format "` + format + `"`,
		`Property "` + property + `" does not match additional properties schema`,
	})
}

// Topic is a topic's description.
type Topic struct {
	Name       string
	Configs    []ConfigEntry
	Partitions []Partition
}

// ConfigEntry is one effective configuration value; nil means unset or secret.
type ConfigEntry struct {
	Name  string
	Value *string
}

// Partition is a partition's description.
type Partition struct {
	ID int32
	// Leader is the broker's id, -1 without a leader.
	Leader   int32
	Replicas []Replica
}

// Replica is one replica of a partition.
type Replica struct {
	Broker         int32
	Leader, InSync bool
}

// AppendTopics appends the answer to the listing of topics.
func AppendTopics(dst []byte, names []string) []byte { return appendStrings(dst, names) }

// AppendTopic appends the description of a topic.
func AppendTopic(dst []byte, t Topic) []byte {
	dst = append(dst, `{"name":`...)
	dst = rawjson.AppendQuoteString(dst, t.Name)
	dst = append(dst, `,"configs":{`...)
	for i, c := range t.Configs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(rawjson.AppendQuoteString(dst, c.Name), ':')
		if c.Value == nil {
			dst = append(dst, `null`...)
		} else {
			dst = rawjson.AppendQuoteString(dst, *c.Value)
		}
	}
	dst = append(dst, `},"partitions":`...)
	return append(AppendPartitions(dst, t.Partitions), '}')
}

// AppendPartitions appends the array of a topic's partitions.
func AppendPartitions(dst []byte, list []Partition) []byte {
	dst = append(dst, '[')
	for i, p := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendPartition(dst, p)
	}
	return append(dst, ']')
}

// AppendPartition appends the description of one partition.
func AppendPartition(dst []byte, p Partition) []byte {
	dst = append(dst, `{"partition":`...)
	dst = strconv.AppendInt(dst, int64(p.ID), 10)
	dst = append(dst, `,"leader":`...)
	dst = strconv.AppendInt(dst, int64(p.Leader), 10)
	dst = append(dst, `,"replicas":[`...)
	for i, r := range p.Replicas {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"broker":`...)
		dst = strconv.AppendInt(dst, int64(r.Broker), 10)
		dst = append(dst, `,"leader":`...)
		dst = strconv.AppendBool(dst, r.Leader)
		dst = append(dst, `,"in_sync":`...)
		dst = strconv.AppendBool(dst, r.InSync)
		dst = append(dst, '}')
	}
	return append(dst, `]}`...)
}

// AppendOffsetRange appends the first offset of a partition and the one that the
// next record will get.
func AppendOffsetRange(dst []byte, beginning, end int64) []byte {
	dst = append(dst, `{"beginning_offset":`...)
	dst = strconv.AppendInt(dst, beginning, 10)
	dst = append(dst, `,"end_offset":`...)
	dst = strconv.AppendInt(dst, end, 10)
	return append(dst, '}')
}
