package devbroker

import (
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// RefuseBadTopicNames makes c answer INVALID_TOPIC_EXCEPTION to topic names
// that Apache Kafka refuses (empty, "." and "..", over 249 characters, other
// characters than letters, digits, dot, underscore, hyphen), on look-up and on
// creation. kfake by itself takes any name.
func RefuseBadTopicNames(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		for _, t := range r.(*kmsg.MetadataRequest).Topics {
			if t.Topic != nil && !validTopic(*t.Topic) {
				refuse(c, kmsg.Metadata, *t.Topic)
			}
		}
		return nil, nil, false
	})
	c.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		for _, t := range r.(*kmsg.CreateTopicsRequest).Topics {
			if !validTopic(t.Topic) {
				refuse(c, kmsg.CreateTopics, t.Topic)
			}
		}
		return nil, nil, false
	})
}

// createOnUse creates the topics that a metadata request names and allows to be
// created. kfake can do that too, but does not write the topic down until some
// other change, so that a crash loses the topic with all its records.
func createOnUse(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		req := r.(*kmsg.MetadataRequest)
		for _, t := range req.Topics {
			if !req.AllowAutoTopicCreation || t.Topic == nil || !validTopic(*t.Topic) {
				continue
			}
			// A name that collides with another (a.b, a_b) is refused as an
			// invalid one is; any other failure leaves the topic unknown.
			if errors.Is(c.CreateTopic(*t.Topic, -1, nil), kerr.InvalidTopicException) {
				refuse(c, kmsg.Metadata, *t.Topic)
			}
		}
		return nil, nil, false
	})
}

// refuse answers the topic in the request being looked at, and only there, with
// an error. An empty name draws the request's other topics in: a fault has no
// other way to name it.
func refuse(c *kfake.Cluster, in kmsg.Key, topic string) {
	c.Fault(kfake.Fault{Keys: []kmsg.Key{in}, Topic: topic, Err: kerr.InvalidTopicException})
}

func validTopic(name string) bool {
	strange := strings.ContainsFunc(name, func(r rune) bool {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
		return !letter && !strings.ContainsRune("._-", r)
	})
	return !strange && name != "" && name != "." && name != ".." && len(name) <= 249
}
