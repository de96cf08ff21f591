package controller

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

const (
	// askTimeout bounds what is asked of Kafka in one pass, and brokerTimeout what is asked of one broker.
	askTimeout    = 30 * time.Second
	brokerTimeout = 10 * time.Second
	// askAtOnce is how many brokers are asked at the same time.
	askAtOnce = 8
)

// Brokers is what is asked of a Kafka cluster: the part of kafkaadmin.Admin that a Kafka needs.
type Brokers interface {
	Quorum(ctx context.Context) (kafkaadmin.Quorum, error)
	Partitions(ctx context.Context) ([]roll.Partition, error)
	BrokerConfigs(ctx context.Context, id int32) (map[string]kafkaadmin.BrokerConfig, error)
	SetBrokerConfigs(ctx context.Context, id int32, set map[string]string, reset []string) error
	Features(ctx context.Context) (kafkaadmin.Features, error)
	SetFeature(ctx context.Context, feature string, level int16) error
	Unregister(ctx context.Context, id int32) error
	DefaultQuotas(ctx context.Context) (map[string]float64, error)
	SetDefaultQuotas(ctx context.Context, set map[string]float64, remove []string) error
}

// ask asks Kafka, for a bounded time.
func (r *kafkas) ask(ctx context.Context, s *scene, do func(context.Context, Brokers) error) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return r.Admin(ctx, s.key(), do)
}

// answers tells whether any broker can be expected to answer.
func answers(s *scene) bool {
	for _, pod := range s.pods {
		if pod.Labels[names.LabelBrokerRole] == "true" && pod.DeletionTimestamp == nil && podReady(pod) {
			return true
		}
	}
	return false
}

// occupied asks which brokers have replicas; nil if that can't be found out.
func (r *kafkas) occupied(ctx context.Context, s *scene) map[int32]bool {
	if !answers(s) {
		return nil
	}
	var occupied map[int32]bool
	err := r.ask(ctx, s, func(ctx context.Context, b Brokers) error {
		partitions, err := b.Partitions(ctx)
		if err != nil {
			return err
		}
		occupied = make(map[int32]bool)
		for _, p := range partitions {
			for _, id := range p.Replicas {
				occupied[id] = true
			}
		}
		return nil
	})
	if err != nil {
		r.Log.Warn("which brokers have replicas can't be asked", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "error", err)
		return nil
	}
	return occupied
}

// see adds what Kafka says to what Kubernetes says. Partitions are read if something is about to be restarted; without them the
// quorum alone is known, which is enough for everything else. The pods have been read before.
func (r *kafkas) see(ctx context.Context, s *scene, c cluster.Cluster, seen *roll.Seen, partitions bool) (known map[int32]settings) {
	memory := r.memory.of(s.key())
	known = make(map[int32]settings)
	if answers(s) {
		err := r.ask(ctx, s, func(ctx context.Context, b Brokers) error {
			r.seeBrokers(ctx, b, s, c, seen, known)
			kafka, err := readKafka(ctx, b, partitions)
			if err == nil {
				seen.Kafka = kafka
			}
			return err
		})
		if err != nil {
			r.Log.Warn("Kafka can't be asked", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "error", err)
		}
	}
	r.seeUnready(ctx, s, c, seen)
	switch {
	case seen.Kafka != nil && seen.Kafka.Leader != roll.None:
		memory.blindSince = time.Time{}
	case memory.blindSince.IsZero():
		memory.blindSince = r.Now()
	}
	seen.BlindSince = memory.blindSince
	return known
}

// readKafka reads the quorum, and the partitions if they are asked for.
func readKafka(ctx context.Context, b Brokers, partitions bool) (*roll.Kafka, error) {
	quorum, err := b.Quorum(ctx)
	if err != nil {
		return nil, err
	}
	kafka := &roll.Kafka{Leader: quorum.Leader}
	for _, v := range quorum.Voters {
		lag := v.Lag
		if !v.Known {
			lag = 24 * time.Hour // never since the leader leads
		}
		kafka.Voters = append(kafka.Voters, roll.Voter{ID: v.ID, Lag: lag})
	}
	if partitions {
		if kafka.Partitions, err = b.Partitions(ctx); err != nil {
			return nil, err
		}
	}
	return kafka, nil
}

// seeBrokers asks the brokers whose pods are ready for their settings, a few at a time.
func (r *kafkas) seeBrokers(ctx context.Context, b Brokers, s *scene, c cluster.Cluster, seen *roll.Seen, known map[int32]settings) {
	var (
		mu    sync.Mutex
		group sync.WaitGroup
		slots = make(chan struct{}, askAtOnce)
	)
	for node := range nodesOf(c) {
		if pod, there := seen.Pods[node.ID]; !node.Broker || !there || !pod.Ready || pod.Deleting {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
			defer cancel()
			have, err := b.BrokerConfigs(ctx, node.ID)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				known[node.ID] = settings{have: have, drift: drift(c, node, have)}
			}
			seen.Brokers[node.ID] = r.judge(s, c, node.ID, known[node.ID], err)
		})
	}
	group.Wait()
}

// judge says of a broker since when it does not answer, and what it has been told in vain. It gets a while to take over what it
// was told: until then it counts as told.
func (r *kafkas) judge(s *scene, c cluster.Cluster, id int32, now settings, err error) roll.Broker {
	memory := r.memory.of(s.key())
	if err != nil {
		if memory.unreachable[id].IsZero() {
			memory.unreachable[id] = r.Now()
		}
		return roll.Broker{Unreachable: memory.unreachable[id]}
	}
	delete(memory.unreachable, id)
	if len(now.drift) == 0 {
		delete(memory.told, id)
		return roll.Broker{}
	}
	last, ok := memory.told[id]
	switch {
	case !ok || last.what != wishes(c, id, now.drift):
		return roll.Broker{Drift: now.drift}
	case !last.refused && r.Now().Sub(last.at) < settlePause:
		return roll.Broker{}
	}
	return roll.Broker{Drift: now.drift, Refused: true}
}

// seeUnready asks the agents of pods that run and are not ready how their brokers fare. One that does not answer says nothing.
func (r *kafkas) seeUnready(ctx context.Context, s *scene, c cluster.Cluster, seen *roll.Seen) {
	access, ok := r.access(s)
	if !ok {
		return
	}
	for node := range nodesOf(c) {
		pod, there := seen.Pods[node.ID]
		if !node.Broker || !there || pod.Ready || pod.Deleting || pod.Waiting != "" || s.pods[node.ID].Status.Phase != corev1.PodRunning {
			continue
		}
		state, err := r.Agent(ctx, access, node.Host)
		if err != nil {
			r.Log.Debug("agent", "pod", pod.Name, "error", err)
			continue
		}
		if state.State == kafkaadmin.BrokerRecovery {
			broker := seen.Brokers[node.ID]
			broker.Recovering, broker.Logs, broker.Segments = true, state.Logs, state.Segments
			seen.Brokers[node.ID] = broker
		}
	}
}

// access is how the operator shows itself to agents.
func (r *kafkas) access(s *scene) (kafkaadmin.Access, bool) {
	own, bundle := s.secrets[names.OperatorCertificate(s.kafka.Name)], s.secrets[names.TrustBundle(s.kafka.Name)]
	if own == nil || bundle == nil {
		return kafkaadmin.Access{}, false
	}
	return kafkaadmin.Access{
		Trusted: bundle.Data[names.KeyClusterCA], Certificate: own.Data[names.KeyOperatorCert], Key: own.Data[names.KeyOperatorKey],
	}, true
}
