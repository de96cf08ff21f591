package kafkaadmin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Cluster is what a broker says about the cluster.
type Cluster struct {
	ID string
	// Brokers are those that are registered and not fenced, by id.
	Brokers []Broker
}

// Broker is a broker as clients see it.
type Broker struct {
	ID   int32
	Host string
	Port int32
	Rack string // empty if it has none
}

// Cluster reads the brokers.
func (a *Admin) Cluster(ctx context.Context) (Cluster, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, where nil would be all
	resp, err := ask(ctx, a, "describe the cluster", func(ctx context.Context, c *kgo.Client) (*kmsg.MetadataResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return Cluster{}, err
	}
	var cluster Cluster
	if resp.ClusterID != nil {
		cluster.ID = *resp.ClusterID
	}
	for i, b := range brokersOf(resp) {
		cluster.Brokers = append(cluster.Brokers, Broker{ID: b.ID, Host: resp.Brokers[i].Host, Port: resp.Brokers[i].Port, Rack: b.Rack})
	}
	slices.SortFunc(cluster.Brokers, func(x, y Broker) int { return int(x.ID - y.ID) })
	return cluster, nil
}

// Quorum is the KRaft quorum (KIP-595).
type Quorum struct {
	// Leader is the active controller, −1 if there is none.
	Leader, Epoch     int32
	Voters, Observers []Replica
}

// Replica is a node that has the metadata log.
type Replica struct {
	ID int32
	// EndOffset is the end of its log, −1 if that isn't known.
	EndOffset int64
	// Lag is how long ago it was caught up with the leader. Known is false if it never was since the leader leads.
	Lag   time.Duration
	Known bool
}

// Quorum asks the active controller.
func (a *Admin) Quorum(ctx context.Context) (Quorum, error) {
	const doing = "describe the quorum"
	partition := kmsg.NewDescribeQuorumRequestTopicPartition()
	log := kmsg.NewDescribeQuorumRequestTopic()
	log.Topic, log.Partitions = "__cluster_metadata", append(log.Partitions, partition)
	req := kmsg.NewPtrDescribeQuorumRequest()
	req.Topics = append(req.Topics, log)
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeQuorumResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil {
		err = refused(doing, resp.ErrorCode, resp.ErrorMessage)
	}
	if err == nil && (len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1) {
		err = failed(doing, errNoAnswer)
	}
	if err != nil {
		return Quorum{}, err
	}
	p := resp.Topics[0].Partitions[0]
	return quorumOf(p), refused(doing, p.ErrorCode, p.ErrorMessage)
}

func quorumOf(p kmsg.DescribeQuorumResponseTopicPartition) Quorum {
	q := Quorum{Leader: p.LeaderID, Epoch: p.LeaderEpoch}
	now := int64(-1)
	for _, v := range p.CurrentVoters {
		if v.ReplicaID == p.LeaderID {
			now = v.LastCaughtUpTimestamp // the leader's own clock when it answered
		}
	}
	replicas := func(states []kmsg.DescribeQuorumResponseTopicPartitionReplicaState) []Replica {
		all := make([]Replica, 0, len(states))
		for _, s := range states {
			r := Replica{ID: s.ReplicaID, EndOffset: s.LogEndOffset}
			if s.LastCaughtUpTimestamp >= 0 && now >= 0 {
				r.Lag, r.Known = max(0, time.Duration(now-s.LastCaughtUpTimestamp)*time.Millisecond), true
			}
			all = append(all, r)
		}
		slices.SortFunc(all, func(x, y Replica) int { return int(x.ID - y.ID) })
		return all
	}
	q.Voters, q.Observers = replicas(p.CurrentVoters), replicas(p.Observers)
	return q
}

// MetadataVersion is the feature that says which records and protocols the brokers use among each other (KIP-584).
const MetadataVersion = "metadata.version"

// Features are those of a cluster.
type Features struct {
	// Finalized are the levels in force, by feature.
	Finalized map[string]int16
	// Supported are the levels that the broker that answered has, lowest and highest.
	Supported map[string][2]int16
}

// Features asks any broker.
func (a *Admin) Features(ctx context.Context) (Features, error) {
	const doing = "describe features"
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.ApiVersionsResponse, error) {
		return kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c)
	})
	if err == nil {
		err = refused(doing, resp.ErrorCode, nil)
	}
	if err != nil {
		return Features{}, err
	}
	f := Features{Finalized: map[string]int16{}, Supported: map[string][2]int16{}}
	for _, s := range resp.SupportedFeatures {
		f.Supported[s.Name] = [2]int16{s.MinVersion, s.MaxVersion}
	}
	for _, s := range resp.FinalizedFeatures {
		f.Finalized[s.Name] = s.MaxVersionLevel
	}
	return f, nil
}

// SetFeature puts a feature to a level. A lower one is taken only if no metadata is lost by it.
func (a *Admin) SetFeature(ctx context.Context, feature string, level int16) error {
	const upgrade, safeDowngrade = 1, 2
	doing := fmt.Sprintf("set the feature %s to %d", feature, level)
	now, err := a.Features(ctx)
	if err != nil {
		return err
	}
	update := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
	update.Feature, update.MaxVersionLevel, update.UpgradeType = feature, level, upgrade
	switch was := now.Finalized[feature]; {
	case was == level:
		return nil
	case was > level:
		update.UpgradeType, update.AllowDowngrade = safeDowngrade, true
	}
	req := kmsg.NewPtrUpdateFeaturesRequest()
	req.TimeoutMillis, req.FeatureUpdates = a.millis(), append(req.FeatureUpdates, update)
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.UpdateFeaturesResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return err
	}
	for _, r := range resp.Results {
		if err := refused(doing, r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return refused(doing, resp.ErrorCode, resp.ErrorMessage)
}

// Unregister makes the cluster forget a broker that is gone for good. One that isn't registered is no error.
func (a *Admin) Unregister(ctx context.Context, id int32) error {
	doing := fmt.Sprintf("unregister broker %d", id)
	req := kmsg.NewPtrUnregisterBrokerRequest()
	req.BrokerID = id
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.UnregisterBrokerResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil || resp.ErrorCode == kerr.BrokerIDNotRegistered.Code {
		return err
	}
	return refused(doing, resp.ErrorCode, resp.ErrorMessage)
}

// LogDir is a directory of a broker's data.
type LogDir struct {
	Path string
	// Err says why the directory is of no use, or nil.
	Err error
	// Replicas is how many replicas are in it; Size what they take, in bytes.
	Replicas int
	Size     int64
	// Total and Usable are the file system's bytes, −1 if the broker doesn't say.
	Total, Usable int64
}

// LogDirs asks one broker for its directories, sorted by path.
func (a *Admin) LogDirs(ctx context.Context, id int32) ([]LogDir, error) {
	doing := fmt.Sprintf("describe the log directories of broker %d", id)
	req := kmsg.NewPtrDescribeLogDirsRequest() // no topics: all of them
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeLogDirsResponse, error) {
		return req.RequestWith(ctx, c.Broker(int(id)))
	})
	if err == nil {
		err = refused(doing, resp.ErrorCode, nil)
	}
	if err != nil {
		return nil, err
	}
	dirs := make([]LogDir, 0, len(resp.Dirs))
	for _, d := range resp.Dirs {
		dir := LogDir{Path: d.Dir, Err: refused(doing, d.ErrorCode, nil), Total: d.TotalBytes, Usable: d.UsableBytes}
		for _, t := range d.Topics {
			dir.Replicas += len(t.Partitions)
			for _, p := range t.Partitions {
				dir.Size += p.Size
			}
		}
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, func(x, y LogDir) int {
		if x.Path < y.Path {
			return -1
		}
		return 1
	})
	return dirs, nil
}
