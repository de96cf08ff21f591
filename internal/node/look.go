package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Versions of requests that Kafka 3.9 to 4.3 know.
const (
	metadataVersion         = 12
	describeClusterVersion  = 1 // the first with controllers (KIP-919)
	describeQuorumVersion   = 1 // the first with times (KIP-836)
	incrementalAlterVersion = 1
)

// endpointControllers asks DescribeCluster for the quorum's side of the cluster.
const endpointControllers = 2

// caughtUp is how far a controller may be behind the quorum's leader: twice what a follower waits for an answer before it
// looks for a new leader (controller.quorum.fetch.timeout.ms).
const caughtUp = 4 * time.Second

// eye asks the node's own Kafka process whether it has its place in the cluster. It is not for concurrent use.
type eye struct {
	id        int32
	broker    bool
	listeners []config.Listener
	voters    []config.Voter
	own       *peer
	keys      keys
	tls       bool
	limit     time.Duration // of one look
	leader    *peer         // of the quorum, when a controller asks another one
	open      bool          // the listeners were seen open, and the process has answered ever since
}

func newEye(who identity, settings config.Settings, k keys) (*eye, error) {
	listeners, err := settings.Listeners()
	if err != nil {
		return nil, err
	}
	own, err := settings.Own()
	if err != nil {
		return nil, err
	}
	voters, err := settings.Voters()
	if err != nil {
		return nil, err
	}
	e := &eye{
		id: int32(who.id), broker: settings.Broker(), listeners: listeners, voters: voters, keys: k, tls: own.TLS(),
		limit: lookTimeout, own: &peer{address: own.Local()},
	}
	if e.tls {
		e.own.security = k.client(settings.HostName(own, who.pod))
	}
	return e, nil
}

func (e *eye) close() {
	e.own.close()
	if e.leader != nil {
		e.leader.close()
	}
}

// look returns what was found, and in words what is missing.
func (e *eye) look(ctx context.Context) (config.Event, string) {
	ctx, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	if !e.open {
		if closed := e.closed(); len(closed) > 0 {
			return config.Unreachable, "nothing listens yet for " + strings.Join(closed, ", ")
		}
	}
	question := e.askController
	if e.broker {
		question = e.askBroker
	}
	missing, err := question(ctx)
	e.open = err == nil
	switch {
	case err != nil:
		return config.Unreachable, fmt.Sprintf("%s: %v", e.own.address, err)
	case missing != "":
		return config.Fenced, missing
	}
	return config.Served, ""
}

// askBroker finds the node among the brokers that clients are told of. A broker answers no request before it has caught up
// with the metadata, and is among them when the controller has unfenced it.
func (e *eye) askBroker(ctx context.Context) (missing string, err error) {
	answer := kmsg.NewPtrMetadataResponse()
	if err := e.own.ask(ctx, metadataRequest(), answer); err != nil {
		return "", err
	}
	if !slices.ContainsFunc(answer.Brokers, func(b kmsg.MetadataResponseBroker) bool { return b.NodeID == e.id }) {
		return "the broker is fenced: the controller has not let it in yet", nil
	}
	return "", nil
}

// metadataRequest asks for the brokers, and no topics.
func metadataRequest() *kmsg.MetadataRequest {
	request := kmsg.NewPtrMetadataRequest()
	request.Version, request.Topics = metadataVersion, []kmsg.MetadataRequestTopic{} // nil would be all topics
	return request
}

// askController finds the node among those of the quorum that keep up with its leader.
func (e *eye) askController(ctx context.Context) (missing string, err error) {
	request, answer := kmsg.NewPtrDescribeClusterRequest(), kmsg.NewPtrDescribeClusterResponse()
	request.Version, request.EndpointType = describeClusterVersion, endpointControllers
	if err := e.own.ask(ctx, request, answer); err != nil {
		return "", err
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return "", fmt.Errorf("describing the quorum: %w", err)
	}
	if answer.ControllerID < 0 {
		return "the quorum has no leader", nil
	}
	if answer.ControllerID == e.id {
		return "", nil
	}
	at := slices.IndexFunc(answer.Brokers, func(b kmsg.DescribeClusterResponseBroker) bool { return b.NodeID == answer.ControllerID })
	if at < 0 {
		return fmt.Sprintf("the quorum's leader %d has not registered yet", answer.ControllerID), nil
	}
	behind, err := e.behind(ctx, answer.Brokers[at].Host, answer.Brokers[at].Port)
	if err != nil {
		return "the quorum's leader does not answer: " + err.Error(), nil //nolint:nilerr // the own process has answered
	}
	return behind, nil
}

// behind asks the quorum's leader how far the node is behind it.
func (e *eye) behind(ctx context.Context, host string, port int32) (missing string, err error) {
	address := net.JoinHostPort(host, strconv.Itoa(int(port)))
	if e.leader == nil || e.leader.address != address {
		if e.leader != nil {
			e.leader.close()
		}
		e.leader = &peer{address: address}
		if e.tls {
			e.leader.security = e.keys.client(host)
		}
	}
	request, answer := kmsg.NewPtrDescribeQuorumRequest(), kmsg.NewPtrDescribeQuorumResponse()
	request.Version = describeQuorumVersion
	request.Topics = []kmsg.DescribeQuorumRequestTopic{{
		Topic: "__cluster_metadata", Partitions: []kmsg.DescribeQuorumRequestTopicPartition{{Partition: 0}},
	}}
	if err := e.leader.ask(ctx, request, answer); err != nil {
		return "", err
	}
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil {
		return "", err
	}
	if len(answer.Topics) != 1 || len(answer.Topics[0].Partitions) != 1 {
		return "", errors.New("an answer without the metadata's partition")
	}
	partition := answer.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
		return "", err
	}
	return e.lag(append(partition.CurrentVoters, partition.Observers...), partition.LeaderID), nil
}

// lag judges the node's place among the replicas that the leader knows.
func (e *eye) lag(replicas []kmsg.DescribeQuorumResponseTopicPartitionReplicaState, leader int32) (missing string) {
	times := make(map[int32]time.Time, len(replicas))
	for _, r := range replicas {
		times[r.ReplicaID] = time.UnixMilli(r.LastCaughtUpTimestamp)
	}
	mine, ok := times[e.id]
	if !ok {
		return "the quorum's leader does not know this node: it has fetched nothing yet"
	}
	if late := times[leader].Sub(mine); late > caughtUp {
		return fmt.Sprintf("this node is %s behind the quorum's leader", late.Round(time.Second))
	}
	return ""
}

// closed names the listeners on whose ports nobody listens. The kernel's tables know without a connection, of which Kafka
// would log that its handshake has failed.
func (e *eye) closed() []string {
	var ports portSet
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		if text, err := os.ReadFile(file); err == nil {
			ports.add(string(text))
		}
	}
	if ports == nil {
		return nil // no such tables here: the question itself has to tell
	}
	var names []string
	for _, l := range e.listeners {
		if l.Controller && e.broker {
			continue // the broker's own place tells that the quorum works
		}
		if !ports[uint16(l.Port)] {
			names = append(names, l.Name)
		}
	}
	return names
}

// portSet are TCP ports on which somebody listens.
type portSet map[uint16]bool

// add reads a table of the kernel: the second column is the local address, the fourth the state, of which 0A is listening.
func (s *portSet) add(table string) {
	if *s == nil {
		*s = make(portSet)
	}
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) < 4 || columns[3] != "0A" {
			continue
		}
		_, digits, _ := strings.Cut(columns[1], ":")
		if port, err := strconv.ParseUint(digits, 16, 16); err == nil {
			(*s)[uint16(port)] = true
		}
	}
}
