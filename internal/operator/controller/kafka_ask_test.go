package controller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// brokersFake is a Kafka whose answers a test gives.
type brokersFake struct {
	Brokers // what is not there is not to be asked

	mu         sync.Mutex
	err        error // of whatever is asked
	refuse     error // of a change
	configs    map[int32]map[string]kafkaadmin.BrokerConfig
	quorum     kafkaadmin.Quorum
	partitions []roll.Partition
	level      int16
	refusedTo  error // of a new level
	quotas     map[string]float64
	calls      []string
}

func (f *brokersFake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

func (f *brokersFake) Quorum(context.Context) (kafkaadmin.Quorum, error) { return f.quorum, f.err }

func (f *brokersFake) Partitions(context.Context) ([]roll.Partition, error) {
	f.note("partitions")
	return f.partitions, f.err
}

func (f *brokersFake) BrokerConfigs(_ context.Context, id int32) (map[string]kafkaadmin.BrokerConfig, error) {
	return f.configs[id], f.err
}

func (f *brokersFake) SetBrokerConfigs(_ context.Context, id int32, set map[string]string, reset []string) error {
	f.note("%d set %v reset %v", id, set, reset)
	return f.refuse
}

func (f *brokersFake) Features(context.Context) (kafkaadmin.Features, error) {
	return kafkaadmin.Features{Finalized: map[string]int16{kafkaadmin.MetadataVersion: f.level}}, f.err
}

func (f *brokersFake) SetFeature(_ context.Context, feature string, level int16) error {
	f.note("%s to %d", feature, level)
	return f.refusedTo
}

func (f *brokersFake) Unregister(_ context.Context, id int32) error {
	f.note("unregister %d", id)
	return f.refuse
}

func (f *brokersFake) DefaultQuotas(context.Context) (map[string]float64, error) {
	return f.quotas, f.err
}

func (f *brokersFake) SetDefaultQuotas(_ context.Context, set map[string]float64, remove []string) error {
	f.note("quotas %v remove %v", set, remove)
	return f.refuse
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

// asking is a controller that asks a fake, and the scene of a cluster of n brokers that are ready.
func asking(n int32, f *brokersFake) (*kafkas, *scene, cluster.Cluster, *clock) {
	at := &clock{time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}
	r := newKafkas(nil, nil, KafkaOptions{
		Now: func() time.Time { return at.now },
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Admin: func(ctx context.Context, _ client.ObjectKey, do func(context.Context, Brokers) error) error {
			return do(ctx, f)
		},
		Agent: func(context.Context, kafkaadmin.Access, string) (kafkaadmin.NodeState, error) {
			return kafkaadmin.NodeState{State: kafkaadmin.BrokerRecovery, Logs: 3, Segments: 40}, nil
		},
	})
	s := &scene{
		kafka:   &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: "c", Namespace: "ns"}},
		pods:    make(map[int32]*corev1.Pod),
		secrets: map[string]*corev1.Secret{"c-cluster-operator-certs": {}, "c-trustbundle": {}},
	}
	c := cluster.Cluster{Version: kafkaconf.Default(), Shared: map[string]string{}, Pools: []cluster.Pool{{Name: "kafka"}}}
	for id := range n {
		c.Pools[0].Nodes = append(c.Pools[0].Nodes, cluster.Node{ID: id, Broker: true, Controller: true, Pod: names.NodePod("c", "kafka", id)})
		s.pods[id] = &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Name: names.NodePod("c", "kafka", id), UID: "u", Labels: map[string]string{names.LabelBrokerRole: "true"},
			},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
		}
		f.quorum.Voters = append(f.quorum.Voters, kafkaadmin.Replica{ID: id, Known: true})
	}
	return r, s, c, at
}

// TestDrift: which options of a broker are not as wanted.
func TestDrift(t *testing.T) {
	type config = kafkaadmin.BrokerConfig
	for name, c := range map[string]struct {
		wide, broker, shared map[string]string
		have                 map[string]config
		want                 []string
	}{
		"same":                      {wide: map[string]string{"log.cleaner.threads": "2"}, have: map[string]config{"log.cleaner.threads": {Value: "2"}}},
		"the same in other words":   {wide: map[string]string{"log.retention.ms": "0100"}, have: map[string]config{"log.retention.ms": {Value: "100"}}},
		"another value":             {wide: map[string]string{"log.cleaner.threads": "2"}, have: map[string]config{"log.cleaner.threads": {Value: "1"}}, want: []string{"log.cleaner.threads"}},
		"of one broker":             {broker: map[string]string{"num.io.threads": "9"}, have: map[string]config{"num.io.threads": {Value: "8"}}, want: []string{"num.io.threads"}},
		"missing":                   {wide: map[string]string{"log.cleaner.threads": "2"}, want: []string{"log.cleaner.threads"}},
		"a secret can't be told":    {wide: map[string]string{"log.cleaner.threads": "2"}, have: map[string]config{"log.cleaner.threads": {Secret: true}}},
		"set by hand":               {have: map[string]config{"log.cleaner.threads": {Value: "4", Dynamic: true}}, want: []string{"log.cleaner.threads"}},
		"was in the file":           {have: map[string]config{"log.cleaner.threads": {Value: "4", Static: true}}, want: []string{"log.cleaner.threads"}},
		"the default in the file":   {have: map[string]config{"log.cleaner.threads": {Value: "1", Static: true}}},
		"a default":                 {have: map[string]config{"log.cleaner.threads": {Value: "1"}}},
		"throttle of a move":        {have: map[string]config{"leader.replication.throttled.rate": {Value: "1", Dynamic: true}}},
		"key store read again":      {have: map[string]config{"listener.name.tls-9093.ssl.keystore.location": {Value: "/run/x.pem", Dynamic: true, Own: true}}},
		"read only":                 {have: map[string]config{"log.dirs": {Value: "/x", Static: true, ReadOnly: true}}},
		"not known":                 {have: map[string]config{"some.plugin": {Value: "/x", Static: true}}},
		"wanted, and not dynamic":   {shared: map[string]string{"auto.create.topics.enable": "false"}, have: map[string]config{"auto.create.topics.enable": {Value: "true", Static: true}}},
		"wanted and set by the way": {shared: map[string]string{"log.cleaner.threads": "2"}, have: map[string]config{"log.cleaner.threads": {Value: "2", Dynamic: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			wanted := cluster.Cluster{Version: kafkaconf.Default(), ClusterWide: c.wide, PerBroker: c.broker, Shared: c.shared}
			if got := drift(wanted, &cluster.Node{}, c.have); !slices.Equal(got, c.want) {
				t.Errorf("%v instead of %v", got, c.want)
			}
		})
	}
}

// TestReconfigure: what is told to all brokers and what to one.
func TestReconfigure(t *testing.T) {
	f := &brokersFake{}
	r, s, c, _ := asking(1, f)
	c.ClusterWide = map[string]string{"log.cleaner.threads": "2"}
	c.PerBroker = map[string]string{"num.io.threads": "9"}
	known := map[int32]settings{0: {have: map[string]kafkaadmin.BrokerConfig{
		"log.cleaner.threads":    {Value: "3", Dynamic: true, Own: true},
		"log.retention.ms":       {Value: "1", Dynamic: true},
		"message.max.bytes":      {Value: "1", Dynamic: true, Own: true},
		"background.threads":     {Value: "1", Static: true},
		"num.replica.fetchers":   {Value: "1"},
		"compression.type":       {Value: "gzip"},
		"log.flush.interval.ms":  {Value: "1"},
		"num.network.threads":    {Value: "3"},
		"max.connections.per.ip": {Value: "3"},
	}}}
	step := roll.Step{Do: roll.Reconfigure, Targets: []roll.Target{{Node: 0}}, Keys: []string{
		"background.threads", "log.cleaner.threads", "log.retention.ms", "message.max.bytes", "num.io.threads",
	}}
	if err := r.reconfigure(t.Context(), s, c, step, known); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"-1 set map[log.cleaner.threads:2] reset [log.retention.ms]",
		"0 set map[num.io.threads:9] reset [log.cleaner.threads message.max.bytes]",
	}
	if diff := cmp.Diff(want, f.calls); diff != "" {
		t.Error(diff)
	}
}

// TestJudge: a broker gets a while to take over what it was told; what it refuses, or does not have after that, is refused.
func TestJudge(t *testing.T) {
	f := &brokersFake{configs: map[int32]map[string]kafkaadmin.BrokerConfig{0: {"log.cleaner.threads": {Value: "1"}}}}
	r, s, c, at := asking(1, f)
	c.ClusterWide = map[string]string{"log.cleaner.threads": "2"}
	look := func() roll.Broker {
		t.Helper()
		seen := rollSeen(s, nil)
		r.see(t.Context(), s, c, &seen, false)
		if seen.Kafka == nil {
			t.Fatal("Kafka was not asked")
		}
		return seen.Brokers[0]
	}
	expect := func(what string, want roll.Broker) {
		t.Helper()
		if diff := cmp.Diff(want, look()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	tell := func() {
		t.Helper()
		seen := rollSeen(s, nil)
		known := r.see(t.Context(), s, c, &seen, false)
		step := roll.Step{Do: roll.Reconfigure, Targets: []roll.Target{{Node: 0}}, Keys: []string{"log.cleaner.threads"}}
		if err := r.reconfigure(t.Context(), s, c, step, known); err != nil {
			t.Fatal(err)
		}
	}
	drifted := []string{"log.cleaner.threads"}
	expect("at first", roll.Broker{Drift: drifted})
	tell()
	expect("just told", roll.Broker{})
	at.now = at.now.Add(settlePause)
	expect("told in vain", roll.Broker{Drift: drifted, Refused: true})
	c.ClusterWide["log.cleaner.threads"] = "3"
	expect("another value", roll.Broker{Drift: drifted})
	f.refuse = kerr.InvalidConfig
	tell()
	expect("refused", roll.Broker{Drift: drifted, Refused: true})
	f.configs[0]["log.cleaner.threads"] = kafkaadmin.BrokerConfig{Value: "3"}
	expect("taken over after all", roll.Broker{})
	f.configs[0]["log.cleaner.threads"] = kafkaadmin.BrokerConfig{Value: "1"}
	expect("and lost again", roll.Broker{Drift: drifted})

	f.refuse = errors.New("connection lost")
	seen := rollSeen(s, nil)
	known := r.see(t.Context(), s, c, &seen, false)
	step := roll.Step{Targets: []roll.Target{{Node: 0}}, Keys: drifted}
	if err := r.reconfigure(t.Context(), s, c, step, known); err == nil {
		t.Error("a lost connection is no refusal")
	}
}

// TestBlind: since when Kafka can't be asked is remembered, and forgotten when it can.
func TestBlind(t *testing.T) {
	f := &brokersFake{}
	r, s, c, at := asking(3, f)
	began := at.now
	look := func() roll.Seen {
		seen := rollSeen(s, nil)
		r.see(t.Context(), s, c, &seen, true)
		return seen
	}
	f.partitions = []roll.Partition{{Topic: "t"}}
	if seen := look(); seen.Kafka == nil || len(seen.Kafka.Partitions) != 1 || len(seen.Kafka.Voters) != 3 || !seen.BlindSince.IsZero() {
		t.Errorf("%+v", seen)
	}
	f.err = errors.New("away")
	look()
	at.now = at.now.Add(time.Minute)
	seen := look()
	if seen.Kafka != nil || !seen.BlindSince.Equal(began) || !seen.Brokers[1].Unreachable.Equal(began) {
		t.Errorf("%+v", seen)
	}
	f.err = nil
	f.quorum.Leader = roll.None
	if seen := look(); !seen.BlindSince.Equal(began) || !seen.Brokers[1].Unreachable.IsZero() {
		t.Errorf("without a leader: %+v", seen)
	}
	f.quorum.Leader, f.quorum.Voters[2].Known = 1, false
	if seen := look(); !seen.BlindSince.IsZero() || seen.Kafka.Voters[1].Lag != 0 || seen.Kafka.Voters[2].Lag < time.Hour {
		t.Errorf("a voter that was never caught up: %+v", seen)
	}
	f.err = errors.New("away again")
	if seen := look(); !seen.BlindSince.Equal(at.now) || !seen.Brokers[1].Unreachable.Equal(at.now) {
		t.Errorf("the outage before counts: %+v", seen)
	}
	f.err = nil
	s.pods[0].Status.Conditions, s.pods[1].Status.Conditions, s.pods[2].Status.Conditions = nil, nil, nil
	f.calls = nil
	seen = look()
	if seen.Kafka != nil || len(f.calls) > 0 {
		t.Errorf("nobody is ready, and %v was asked: %+v", f.calls, seen)
	}
	if b := seen.Brokers[0]; !b.Recovering || b.Logs != 3 || b.Segments != 40 {
		t.Errorf("the agent was not asked: %+v", b)
	}
}

// TestOccupied: brokers with replicas, or nil if nobody can tell.
func TestOccupied(t *testing.T) {
	f := &brokersFake{partitions: []roll.Partition{{Replicas: []int32{0, 2}}, {Replicas: []int32{2}}}}
	r, s, _, _ := asking(3, f)
	if diff := cmp.Diff(map[int32]bool{0: true, 2: true}, r.occupied(t.Context(), s)); diff != "" {
		t.Error(diff)
	}
	f.err = errors.New("away")
	if got := r.occupied(t.Context(), s); got != nil {
		t.Error(got)
	}
	for _, pod := range s.pods {
		pod.Labels = nil
	}
	f.err = nil
	if got := r.occupied(t.Context(), s); got != nil {
		t.Error(got)
	}
}

// TestSettle: what is done when all pods are as wanted, and what has to wait for that.
func TestSettle(t *testing.T) {
	f := &brokersFake{level: 29, quotas: map[string]float64{"consumer_byte_rate": 1, "producer_byte_rate": 5}}
	r, s, c, _ := asking(2, f)
	s.kafka.Status.RegisteredNodeIDs = []int32{0, 1, 2}
	s.fulfilled = map[string][]string{}
	s.secrets["c-kafka-2"] = nil
	c.Metadata = "4.3-IV0"
	c.Quotas = &v1.KafkaQuotas{Type: v1.QuotasKafka, ProducerByteRate: new(int64(7))}
	out := &kafkaOutcome{want: c}
	s.pods[2] = aNode() // it is going
	if err := r.settle(t.Context(), s, out, roll.Step{Do: roll.Wait}); err != nil || len(f.calls) > 0 {
		t.Fatal(err, f.calls)
	}
	delete(s.pods, 2)
	if err := r.settle(t.Context(), s, out, roll.Step{Do: roll.Wait}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"unregister 2"}, f.calls); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int32{0, 1}, registered(s, out)); diff != "" {
		t.Error(diff)
	}
	f.calls = nil
	if err := r.settle(t.Context(), s, out, roll.Step{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"metadata.version to 30", "quotas map[producer_byte_rate:7] remove [consumer_byte_rate]"}, f.calls); diff != "" {
		t.Error(diff)
	}
	if out.metadata != "4.3-IV0" || len(out.warnings) > 0 {
		t.Errorf("%+v", out)
	}

	f.refusedTo = errors.New("no")
	if err := r.settle(t.Context(), s, out, roll.Step{}); err != nil {
		t.Fatal(err)
	}
	if out.metadata != "4.2-IV1" || len(out.warnings) != 1 || out.warnings[0].Reason != reasonMetadata || !strings.Contains(out.warnings[0].Message, "4.2-IV1") {
		t.Errorf("%+v", out)
	}
}
