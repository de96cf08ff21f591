//go:build kafka

package realkafka

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	kafkatopic "github.com/steg-kafka/steg/internal/operator/topic"
	"github.com/steg-kafka/steg/internal/operator/user"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// keeper does for topics and users what the operator's controllers do, without Kubernetes.
type keeper struct {
	*testing.T
	admin  *kafkaadmin.Admin
	rate   int64
	status map[string]v1.KafkaTopicStatus
}

func keep(t *testing.T, r *kafkarig.Rig) *keeper {
	return &keeper{T: t, admin: kafkaadmin.New(r.Client(t), kafkaadmin.Limits{}), status: map[string]v1.KafkaTopicStatus{}}
}

// topics makes one pass and returns how many topics had changes.
func (k *keeper) topics(all ...kafkatopic.Topic) (changed int) {
	k.Helper()
	names := make([]string, len(all))
	for i, want := range all {
		names[i] = want.Name
	}
	read, err := k.admin.ReadTopics(k.Context(), names)
	if err != nil {
		k.Fatal(err)
	}
	var changes []kafkatopic.Changes
	for _, want := range all {
		if err := read.Failed[want.Name]; err != nil {
			k.stale(want.Name, err)
			changed++
			continue
		}
		o := kafkatopic.Options{Brokers: read.Brokers, Rate: k.rate, Status: k.status[want.Name]}
		c := kafkatopic.Diff(want, read.States[want.Name], o)
		if len(c.Refused) > 0 {
			k.Fatal(c.Refused)
		}
		k.status[want.Name] = v1.KafkaTopicStatus{ReplicasChange: c.Replicas}
		if !c.Empty() {
			changes = append(changes, c)
		}
	}
	for name, result := range k.admin.ApplyTopics(k.Context(), changes) {
		if result.Err != nil {
			k.stale(name, result.Err)
		}
	}
	return changed + len(changes)
}

// stale ends the test unless an error says that a broker was behind another one: another pass sees to that.
func (k *keeper) stale(name string, err error) {
	k.Helper()
	var e *kafkaadmin.Error
	if !errors.As(err, &e) || !e.Stale {
		k.Fatalf("%s: %v", name, err)
	}
}

// gone deletes topics and waits until no broker shows them.
func (k *keeper) gone(names []string) {
	k.Helper()
	var changes []kafkatopic.Changes
	for _, name := range names {
		changes = append(changes, kafkatopic.Delete(name))
	}
	for name, result := range k.admin.ApplyTopics(k.Context(), changes) {
		if result.Err != nil {
			k.Fatalf("%s: %v", name, result.Err)
		}
	}
	k.until("the topics are gone", func() bool {
		read, err := k.admin.ReadTopics(k.Context(), names)
		return err == nil && len(read.States) == 0
	})
}

func (k *keeper) until(what string, done func() bool) {
	k.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			k.Fatal("not in a minute:", what)
		}
	}
}

// Settings in any form that Kafka takes are no difference once they are set, and those that are not wanted go.
func TestKafkaAdminSettings(t *testing.T) {
	k := keep(t, sharedRig(t))
	want := kafkatopic.Topic{Name: fresh("settings"), Partitions: 3, Replicas: 1, Config: map[string]string{
		"retention.ms": "0007200000", "min.cleanable.dirty.ratio": "1", "cleanup.policy": "compact, delete", "preallocate": "TRUE",
		"compression.type": "zstd", "segment.bytes": "+1073741824",
	}}
	k.topics(want)
	k.until("the topic is as wanted", func() bool { return k.topics(want) == 0 })
	want.Config = map[string]string{"retention.ms": "5000"}
	want.Partitions = 5
	if k.topics(want) != 1 {
		t.Error("nothing was changed")
	}
	k.until("the topic is as wanted", func() bool { return k.topics(want) == 0 })
	read, err := k.admin.ReadTopics(t.Context(), []string{want.Name})
	if err != nil || len(read.States[want.Name].Config) != 1 || len(read.States[want.Name].Partitions) != 5 || len(read.States[want.Name].ID) != 22 {
		t.Errorf("%+v %v", read.States[want.Name], err)
	}
	results := k.admin.ApplyTopics(t.Context(), []kafkatopic.Changes{
		{Name: want.Name, Set: map[string]string{"retention.ms": "long"}},
		{Name: fresh("bad"), Create: &kafkatopic.Topic{Partitions: 1, Replicas: 9}},
	})
	for name, result := range results {
		t.Log(name, result.Err)
		if result.Err == nil {
			t.Error(name, "was taken")
		}
	}
	k.gone([]string{want.Name})
}

// The number of replicas goes up and down, with a throttle that does not stay, and a change that is taken back is cancelled.
func TestKafkaAdminReplicas(t *testing.T) {
	k := keep(t, ownRig(t, kafkarig.Options{Brokers: 3, Config: map[string]string{"auto.create.topics.enable": "false"}}))
	k.rate = 100_000_000
	want := kafkatopic.Topic{Name: "orders", Partitions: 6, Replicas: 1}
	k.topics(want)
	k.until("the topic is there", func() bool { return k.topics(want) == 0 })
	for _, n := range []int32{3, 2, 3, 1} {
		want.Replicas = n
		k.until(fmt.Sprintf("%d replicas", n), func() bool { return k.topics(want) == 0 && k.status["orders"].ReplicasChange == nil })
		k.until(fmt.Sprintf("%d of %d replicas on each broker, and no settings left", 2*n, 6*n), func() bool {
			read, err := k.admin.ReadTopics(t.Context(), []string{"orders"})
			return err == nil && even(read.States["orders"], n)
		})
	}
	rates, err := k.admin.Throttles(t.Context(), []int32{0, 1, 2})
	if err != nil || len(rates) != 3 {
		t.Error(rates, err)
	}
	off := map[int32]int64{}
	for _, id := range kafkatopic.Unthrottle(rates, k.rate, 0) {
		off[id] = 0
	}
	if failures := k.admin.SetThrottle(t.Context(), off); len(failures) > 0 {
		t.Error(failures)
	}
	k.until("no throttle is left", func() bool {
		rates, err = k.admin.Throttles(t.Context(), []int32{0, 1, 2})
		return err == nil && len(rates) == 0
	})
	k.cancelled()
	k.quorum()
}

// even reports whether a topic without settings has n replicas of each partition, as many on each of three brokers.
func even(s *kafkatopic.State, n int32) bool {
	if s == nil || len(s.Config) > 0 {
		return false
	}
	held := map[int32]int{}
	for _, p := range s.Partitions {
		if len(p.Replicas) != int(n) {
			return false
		}
		for _, id := range p.Replicas {
			held[id]++
		}
	}
	third := len(s.Partitions) * int(n) / 3
	return held[0] == third && held[1] == third && held[2] == third
}

// cancelled begins a move that is too slow to end, and takes it back.
func (k *keeper) cancelled() {
	k.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.brokers()...), kgo.DefaultProduceTopic("large"))
	if err != nil {
		k.Fatal(err)
	}
	defer cl.Close()
	k.rate = 1000
	want := kafkatopic.Topic{Name: "large", Partitions: 1, Replicas: 1, Config: map[string]string{}}
	k.topics(want)
	k.until("the topic is there", func() bool { return k.topics(want) == 0 })
	for range 20 {
		if err := cl.ProduceSync(k.Context(), &kgo.Record{Value: make([]byte, 500_000)}).FirstErr(); err != nil {
			k.Fatal(err)
		}
	}
	want.Replicas = 3
	k.until("the move is under way", func() bool {
		k.topics(want)
		c := k.status["large"].ReplicasChange
		return c != nil && c.State == v1.ReplicasChangeOngoing
	})
	want.Replicas = 1
	k.until("the move is cancelled", func() bool { return k.topics(want) == 0 && k.status["large"].ReplicasChange == nil })
	k.until("one replica is left, without settings", func() bool {
		read, err := k.admin.ReadTopics(k.Context(), []string{"large"})
		s := read.States["large"]
		return err == nil && s != nil && len(s.Partitions[0].Replicas) == 1 && len(s.Config) == 0
	})
}

func (k *keeper) brokers() (addresses []string) {
	c, err := k.admin.Cluster(k.Context())
	if err != nil {
		k.Fatal(err)
	}
	for _, b := range c.Brokers {
		addresses = append(addresses, fmt.Sprintf("%s:%d", b.Host, b.Port))
	}
	return addresses
}

// quorum looks at three voters that are caught up.
func (k *keeper) quorum() {
	k.Helper()
	k.until("all voters are caught up", func() bool {
		q, err := k.admin.Quorum(k.Context())
		if err != nil || q.Leader < 0 || len(q.Voters) != 3 {
			k.Fatalf("%+v %v", q, err)
		}
		return !slices.ContainsFunc(q.Voters, func(r kafkaadmin.Replica) bool { return !r.Known || r.Lag > 2*time.Second })
	})
}

// What the roll and the scaling need to know of a cluster.
func TestKafkaAdminCluster(t *testing.T) {
	k := keep(t, sharedRig(t))
	c, err := k.admin.Cluster(t.Context())
	if err != nil || len(c.Brokers) != 1 || len(c.ID) != 22 {
		t.Fatalf("%+v %v", c, err)
	}
	id := c.Brokers[0].ID
	f, err := k.admin.Features(t.Context())
	if level := f.Finalized[kafkaadmin.MetadataVersion]; err != nil || level == 0 || f.Supported[kafkaadmin.MetadataVersion][1] < level {
		t.Errorf("%+v %v", f, err)
	}
	if err := k.admin.SetFeature(t.Context(), kafkaadmin.MetadataVersion, f.Finalized[kafkaadmin.MetadataVersion]); err != nil {
		t.Error(err)
	}
	if err := k.admin.SetFeature(t.Context(), kafkaadmin.MetadataVersion, 999); err == nil {
		t.Error("a level that does not exist was set")
	}
	if err := k.admin.Unregister(t.Context(), 77); err != nil {
		t.Error(err)
	}
	dirs, err := k.admin.LogDirs(t.Context(), id)
	if err != nil || len(dirs) != 1 || dirs[0].Total <= 0 || dirs[0].Usable <= 0 {
		t.Errorf("%+v %v", dirs, err)
	}
	const key = "message.max.bytes"
	if err := k.admin.SetBrokerConfigs(t.Context(), id, map[string]string{key: "2000000"}, nil); err != nil {
		t.Fatal(err)
	}
	setting := func(want kafkaadmin.BrokerConfig) {
		t.Helper()
		k.until("the setting is in force", func() bool {
			configs, err := k.admin.BrokerConfigs(t.Context(), id)
			if err != nil || !configs["node.id"].ReadOnly {
				t.Fatal(err)
			}
			return configs[key] == want
		})
	}
	setting(kafkaadmin.BrokerConfig{Value: "2000000", Dynamic: true, Own: true})
	if err := k.admin.SetBrokerConfigs(t.Context(), id, map[string]string{key: "many"}, nil); err == nil {
		t.Error("a bad value was taken")
	}
	if err := k.admin.SetBrokerConfigs(t.Context(), id, nil, []string{key}); err != nil {
		t.Fatal(err)
	}
	setting(kafkaadmin.BrokerConfig{Value: "1048588"})
}

// users makes one pass and returns how many had changes.
func (k *keeper) users(known bool, all ...user.User) (changed int) {
	k.Helper()
	names := make([]string, len(all))
	for i, want := range all {
		names[i] = want.Name
	}
	states, err := k.admin.ReadUsers(k.Context(), names)
	if err != nil {
		k.Fatal(err)
	}
	var changes []user.Changes
	for _, want := range all {
		c := user.Diff(want, states[want.Name], user.Credential{Password: user.Password("pw-" + want.Name), Known: known})
		if !c.Empty() {
			changes = append(changes, c)
		}
	}
	for name, err := range k.admin.ApplyUsers(k.Context(), changes) {
		k.Fatalf("%s: %v", name, err)
	}
	return len(changes)
}

// people are users with three rights.
func people(prefix string, n int, how user.Authentication) (all []user.User) {
	for i := range n {
		u := user.User{Name: fmt.Sprintf("%s-%04d", prefix, i), Authentication: how}
		for _, operation := range []string{"DESCRIBE", "READ", "WRITE"} {
			u.ACLs = append(u.ACLs, user.ACL{Resource: "TOPIC", Name: u.Name, Pattern: user.PatternPrefixed, Operation: operation, Permission: user.PermissionAllow, Host: "*"})
		}
		all = append(all, u)
	}
	return all
}

// A user gets a password that Kafka takes, then a certificate's name, and leaves nothing.
func TestKafkaAdminUsers(t *testing.T) {
	r := ownRig(t, kafkarig.Options{SASL: true}) // others log in with passwords, and their broker is killed and started again
	k := keep(t, r)
	one := people(fresh("user"), 1, user.SCRAM)
	one[0].Quotas = map[string]float64{user.QuotaProducerByteRate: 1e9, user.QuotaControllerMutationRate: 12.5}
	settle := func() {
		t.Helper()
		if k.users(false, one...) != 1 {
			t.Error("nothing was changed")
		}
		k.until("the user is as wanted", func() bool { return k.users(true, one...) == 0 })
	}
	settle()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.Bootstrap(kafkarig.SCRAM)), kgo.SASL(scram.Auth{User: one[0].Name, Pass: "pw-" + one[0].Name}.AsSha512Mechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	one[0].Authentication = user.TLS
	settle()
	states, err := k.admin.ReadUsers(t.Context(), []string{one[0].Name})
	if s := states[one[0].Name]; err != nil || s.Iterations != 0 || len(s.ACLs["CN="+one[0].Name]) != 3 || len(s.Quotas["CN="+one[0].Name]) != 2 || len(s.ACLs[one[0].Name])+len(s.Quotas[one[0].Name]) > 0 {
		t.Errorf("%+v %v", s, err)
	}
	one[0] = user.User{Name: one[0].Name}
	settle()
}

// TestKafkaAdminFigures prints how long bulk work takes in Kafka, reading and comparing included. The bounds are those of the
// whole operator, which has the API server to pay besides. The controller does not wait for more records here: by default it
// does for 25 ms with each change, which no client can shorten.
func TestKafkaAdminFigures(t *testing.T) {
	k := keep(t, ownRig(t, kafkarig.Options{SASL: true, Config: map[string]string{"controller.quorum.append.linger.ms": "0"}}))
	measure := func(what string, bound time.Duration, do func()) {
		t.Helper()
		begin := time.Now()
		do()
		took := time.Since(begin)
		t.Logf("%-45s %8.3f s", what, took.Seconds())
		if took > bound {
			t.Errorf("%s took %v, more than %v", what, took, bound)
		}
	}
	thousand, names := make([]kafkatopic.Topic, 1000), make([]string, 1000)
	prefix := fresh("bulk")
	for i := range thousand {
		names[i] = fmt.Sprintf("%s-%04d", prefix, i)
		thousand[i] = kafkatopic.Topic{Name: names[i], Partitions: 1, Replicas: 1, Config: map[string]string{"retention.ms": "7200000", "segment.bytes": "1073741824"}}
	}
	measure("1,000 topics created", 5*time.Second, func() { k.topics(thousand...) })
	k.until("all topics are shown", func() bool { return k.topics(thousand...) == 0 })
	measure("1,000 topics compared, nothing to do", 2*time.Second, func() { k.topics(thousand...) })
	k.single(thousand[500])
	for i := range thousand[:250] {
		thousand[i].Config = map[string]string{"retention.ms": "3600000", "segment.bytes": "1073741824", "max.message.bytes": "2000000"}
	}
	measure("250 topics changed", 4*time.Second, func() { k.topics(thousand[:250]...) })
	measure("1,000 topics deleted", 5*time.Second, func() { k.gone(names) })

	all := people(fresh("bulk"), 1000, user.SCRAM)
	measure("1,000 users created (password, 3 rights)", 6*time.Second, func() { k.users(false, all...) })
	k.until("all users are shown", func() bool { return k.users(true, all...) == 0 })
	measure("1,000 users compared, nothing to do", 2*time.Second, func() { k.users(true, all...) })
	for i := range all {
		all[i] = user.User{Name: all[i].Name}
	}
	measure("1,000 users deleted", 6*time.Second, func() { k.users(true, all...) })
}

// single changes one of the topics, again and again.
func (k *keeper) single(want kafkatopic.Topic) {
	k.Helper()
	var took []time.Duration
	for i := range 40 {
		want.Config = map[string]string{"retention.ms": fmt.Sprint(3600000 + i), "segment.bytes": "1073741824"}
		begin := time.Now()
		k.topics(want)
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	k.Logf("%-45s %8.3f s (p95 %.3f s)", "one topic changed while 1,000 are present", took[20].Seconds(), took[38].Seconds())
	if took[20] > 30*time.Millisecond {
		k.Errorf("one change took %v", took[20])
	}
}
