package wire

// POST, GET and DELETE …/instances/{name}/subscription (bridge contract 1.6).
//
//	POST     body required, MediaV2: {"topics":[…]} or {"topic_pattern":"…"}
//	         204; 409 Exclusive; 422 MissingSubscription, UnsupportedPattern
//	GET      200 {"topics":["t"],"partitions":[{"t":[0,1]}]}: what is assigned
//	DELETE   204, no body is read

import (
	"strconv"

	"github.com/steg-kafka/steg/internal/bridge/rawjson"
	"github.com/steg-kafka/steg/internal/bridge/schema"
)

// Subscription is the body of subscribe. {"topics":[]} unsubscribes, which is
// not the same as having no topics member.
type Subscription struct {
	Topics     []string
	HasTopics  bool
	Pattern    string
	HasPattern bool
}

// DecodeSubscription decodes the body of subscribe. The error is a 400 *Error;
// what Check refuses comes after the check that the consumer exists.
func DecodeSubscription(contentType string, body []byte) (Subscription, error) {
	var s Subscription
	if _, err := admit(contentType, body, required, MediaV2, schema.Topics()); err != nil {
		return s, err
	}
	for name, value := range members(body) {
		switch name {
		case "topics":
			s.Topics, s.HasTopics = stringList(value), true
		case "topic_pattern":
			s.Pattern, s.HasPattern = text(value), true
		}
	}
	return s, nil
}

// Check returns the 409 or 422 of a body that names both or neither of topics
// and pattern, nil otherwise.
func (s Subscription) Check() error {
	switch {
	case s.HasTopics && s.HasPattern:
		return Exclusive()
	case !s.HasTopics && !s.HasPattern:
		return MissingSubscription()
	}
	return nil
}

// stringList returns the elements of a raw array of strings, never nil.
func stringList(array []byte) []string {
	list := []string{}
	for value := range rawjson.Elements(array) {
		list = append(list, text(value))
	}
	return list
}

// TopicPartitions are partitions of one topic.
type TopicPartitions struct {
	Topic      string
	Partitions []int32
}

// AppendSubscription appends the answer to the listing: names of topics, and
// the assigned partitions by topic.
func AppendSubscription(dst []byte, topics []string, assigned []TopicPartitions) []byte {
	dst = append(dst, `{"topics":`...)
	dst = appendStrings(dst, topics)
	dst = append(dst, `,"partitions":[`...)
	for i, t := range assigned {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '{')
		dst = rawjson.AppendQuoteString(dst, t.Topic)
		dst = append(dst, `:[`...)
		for j, p := range t.Partitions {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendInt(dst, int64(p), 10)
		}
		dst = append(dst, `]}`...)
	}
	return append(dst, `]}`...)
}
