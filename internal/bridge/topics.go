package bridge

import (
	"errors"
	"net/http"

	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/kafka"
)

// listTopics answers GET /topics (contract 1.7; this and all below).
func (s *Server) listTopics(c *call) error {
	names, err := s.admin.Topics(c.lasting())
	if err != nil {
		return prefixed(err)
	}
	return c.json(wire.AppendTopics(nil, names))
}

// getTopic answers GET /topics/{topicname}.
func (s *Server) getTopic(c *call) error {
	topic, err := s.admin.Topic(c.lasting(), c.params[0])
	if err != nil {
		return unknownTopic(err)
	}
	answer := wire.Topic{Name: topic.Name, Partitions: partitions(topic.Partitions)}
	for _, entry := range topic.Configs {
		answer.Configs = append(answer.Configs, wire.ConfigEntry(entry))
	}
	return c.json(wire.AppendTopic(nil, answer))
}

// listPartitions answers GET /topics/{topicname}/partitions.
func (s *Server) listPartitions(c *call) error {
	list, err := s.admin.Partitions(c.lasting(), c.params[0])
	if err != nil {
		return unknownTopic(err)
	}
	return c.json(wire.AppendPartitions(nil, partitions(list)))
}

// getPartition answers GET /topics/{topicname}/partitions/{partitionid}.
func (s *Server) getPartition(c *call) error {
	id, err := wire.PartitionID(c.params[1])
	if err != nil {
		return err
	}
	list, err := s.admin.Partitions(c.lasting(), c.params[0])
	if err != nil {
		return unknownTopic(err)
	}
	if int(id) >= len(list) {
		return wire.PartitionNotFound()
	}
	return c.json(wire.AppendPartition(nil, partitions(list[id : id+1])[0]))
}

// getOffsets answers GET /topics/{topicname}/partitions/{partitionid}/offsets.
func (s *Server) getOffsets(c *call) error {
	id, err := wire.PartitionID(c.params[1])
	if err != nil {
		return err
	}
	list, err := s.admin.Partitions(c.lasting(), c.params[0])
	if err != nil {
		return unknownTopic(err)
	}
	if int(id) >= len(list) {
		return wire.OffsetsNotFound(c.params[0], id)
	}
	beginning, end, err := s.admin.Offsets(c.lasting(), c.params[0], id)
	if err != nil {
		return unknownTopic(err)
	}
	return c.json(wire.AppendOffsetRange(nil, beginning, end))
}

// createTopic answers POST /admin/topics.
func (s *Server) createTopic(c *call) error {
	body, err := s.bodies.read(c.w, c.r)
	if err != nil {
		return err
	}
	defer body.release()
	topic, err := wire.DecodeNewTopic(c.contentType(), body.data)
	if err != nil {
		return err
	}
	if err := s.admin.CreateTopic(c.lasting(), topic.Name, topic.Partitions, topic.ReplicationFactor); err != nil {
		return plain(err)
	}
	return c.reply(http.StatusCreated, wire.MediaV2, []byte("{}"))
}

// unknownTopic is 404 for a topic that Kafka does not know; every other failure is 500, both with the Java class.
func unknownTopic(err error) error {
	var k *kafka.Error
	if errors.As(err, &k) && k.Kind == kafka.KindUnknownTopic {
		return &wire.Error{Code: http.StatusNotFound, Message: k.Prefixed()}
	}
	return prefixed(err)
}

func partitions(list []admin.Partition) []wire.Partition {
	out := make([]wire.Partition, len(list))
	for i, p := range list {
		out[i] = wire.Partition{ID: p.ID, Leader: p.Leader, Replicas: make([]wire.Replica, len(p.Replicas))}
		for j, r := range p.Replicas {
			out[i].Replicas[j] = wire.Replica{Broker: r.Broker, Leader: r.Leader, InSync: r.InSync}
		}
	}
	return out
}
