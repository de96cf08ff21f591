package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/chaos/check"
	"github.com/steg-kafka/steg/test/chaos/proxy"
	"github.com/steg-kafka/steg/test/kafkarig"
)

const (
	brokers = 3
	inSync  = 2
)

// ways are the listeners that bridges use, each behind proxies of its own: bridge i comes by ways[i]. One is encrypted,
// so that certificates count; in the other, proxies can answer in a broker's place.
var ways = [...]kafkarig.Listener{kafkarig.MTLS, kafkarig.SCRAM}

// cluster is the Kafka of a run, with proxies before it. The run's own clients go past the proxies.
type cluster struct {
	rig     *kafkarig.Rig
	proxies [len(ways)][brokers]*proxy.Proxy
	client  *kgo.Client
	admin   *kadm.Client
	tls     string // folder of the bridges' certificate
}

func startCluster(ctx context.Context, dir string) (*cluster, error) {
	c := &cluster{tls: filepath.Join(dir, "bridge-tls")}
	for w := range c.proxies {
		for i := range c.proxies[w] {
			p, err := proxy.Listen()
			if err != nil {
				return nil, errors.Join(err, c.close())
			}
			c.proxies[w][i] = p
		}
	}
	rig, err := kafkarig.Up(ctx, kafkarig.Options{
		Brokers: brokers, TLS: true, SASL: true, Away: true, Dir: filepath.Join(dir, "kafka"), Advertise: c.advertise,
		Config: map[string]string{
			"broker.session.timeout.ms": "6000", "broker.heartbeat.interval.ms": "1000", "min.insync.replicas": fmt.Sprint(inSync),
			"group.min.session.timeout.ms": "3000", "auto.create.topics.enable": "false",
			"replica.lag.time.max.ms": "6000", "unclean.leader.election.enable": "false",
		},
	})
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	c.rig = rig
	for w, listener := range ways {
		for i, addr := range rig.Addrs(listener) {
			c.proxies[w][i].Forward(addr)
		}
	}
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// begin starts the brokers and what is needed to talk to them.
func (c *cluster) begin() error {
	if err := writeClock(c.rig, 0); err != nil {
		return err
	}
	if err := c.rig.StartAll(); err != nil {
		return err
	}
	if err := os.MkdirAll(c.tls, 0o755); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	if err := c.certificate(); err != nil {
		return err
	}
	var err error
	c.client, err = kgo.NewClient(append(c.rig.ClientOptions(kafkarig.Plain), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.RequestTimeoutOverhead(2*time.Second), kgo.RetryTimeout(20*time.Second))...)
	if err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	c.admin = kadm.NewClient(c.client)
	return nil
}

// advertise is where bridges find broker i.
func (c *cluster) advertise(i int, l kafkarig.Listener) string {
	for w := range ways {
		if ways[w] == l {
			return c.proxies[w][i].Addr()
		}
	}
	return ""
}

func (c *cluster) close() error {
	var errs []error
	if c.client != nil {
		c.client.Close()
	}
	for w := range c.proxies {
		for _, p := range c.proxies[w] {
			if p != nil {
				errs = append(errs, p.Close())
			}
		}
	}
	if c.rig != nil {
		errs = append(errs, c.rig.Close())
	}
	return errors.Join(errs...)
}

// certificate writes a new certificate of the bridges' user where they read it, as a rotation does.
func (c *cluster) certificate() error {
	_, err := c.rig.Issue(c.tls, "bridge", pki.Subject{CommonName: kafkarig.OrdinaryUser})
	return err
}

// stranger writes a certificate that no broker believes over the bridges' one.
func (c *cluster) stranger() error {
	for from, to := range map[string]string{c.rig.Files.Stranger.Cert: "bridge.crt", c.rig.Files.Stranger.Key: "bridge.key", c.rig.Files.Stranger.Store: "bridge.pem"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(c.tls, to), text, 0o600)
		}
		if err != nil {
			return fmt.Errorf("chaos: %w", err)
		}
	}
	return nil
}

// bridgeSets are the settings with which bridge i reaches the brokers.
func (c *cluster) bridgeSets(i int) []string {
	way := i % len(ways)
	var addrs []string
	for _, p := range c.proxies[way] {
		addrs = append(addrs, p.Addr())
	}
	sets := []string{
		"kafka.bootstrap.servers=" + strings.Join(addrs, ","),
		"kafka.security.protocol=" + ways[way].Protocol(),
	}
	if ways[way] == kafkarig.SCRAM {
		return append(sets, "kafka.sasl.mechanism=SCRAM-SHA-512",
			fmt.Sprintf("kafka.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username=%q password=%q;",
				kafkarig.OrdinaryUser, kafkarig.OrdinaryPassword))
	}
	return append(sets,
		"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location="+c.rig.Files.CA.Cert,
		"kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.location="+filepath.Join(c.tls, "bridge.pem"))
}

// principals are who the bridges are to the brokers.
func principals() []string {
	return []string{"User:" + kafkarig.OrdinaryUser, "User:CN=" + kafkarig.OrdinaryUser}
}

// rights of the bridges, each in one piece as they are given and taken.
func topicRights() *kadm.ACLBuilder {
	return onAll().Topics("*").Operations(kadm.OpRead, kadm.OpWrite, kadm.OpDescribe)
}

func groupRights() *kadm.ACLBuilder { return onAll().Groups("*").Operations(kadm.OpRead) }

func onAll() *kadm.ACLBuilder {
	return kadm.NewACLs().Allow(principals()...).AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral)
}

// grant gives the rights, revoke takes them away. Either reaches every broker a moment later.
func (c *cluster) grant(ctx context.Context, rights *kadm.ACLBuilder) error {
	created, err := c.admin.CreateACLs(ctx, rights)
	if err == nil {
		for _, r := range created {
			err = errors.Join(err, r.Err)
		}
	}
	return wrap("creating ACLs", err)
}

func (c *cluster) revoke(ctx context.Context, rights *kadm.ACLBuilder) error {
	deleted, err := c.admin.DeleteACLs(ctx, rights)
	if err == nil {
		for _, r := range deleted {
			err = errors.Join(err, r.Err)
			if len(r.Deleted) == 0 {
				err = errors.Join(err, errors.New("there was none"))
			}
		}
	}
	return wrap("deleting ACLs", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("chaos: %s: %w", what, err)
}

// create makes a topic that keeps everything.
func (c *cluster) create(ctx context.Context, topic string, partitions int32) error {
	for {
		_, err := c.admin.CreateTopic(ctx, partitions, brokers, nil, topic)
		if err == nil || ctx.Err() != nil {
			return wrap("creating "+topic, err)
		}
		pause(ctx, 100*time.Millisecond) // its deletion may not be over
	}
}

// controller returns the active controller's broker.
func (c *cluster) controller(ctx context.Context) (int, error) {
	req := kmsg.NewPtrDescribeQuorumRequest()
	t := kmsg.NewDescribeQuorumRequestTopic()
	t.Topic = "__cluster_metadata"
	t.Partitions = append(t.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, c.client)
	if err != nil {
		return 0, wrap("finding the controller", err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errors.New("chaos: finding the controller: an empty answer")
	}
	return int(resp.Topics[0].Partitions[0].LeaderID), nil
}

// healthy waits until all brokers say that all of them are there and that every partition can be written to.
func (c *cluster) healthy(ctx context.Context) error {
	_, err := c.writable(ctx, brokers)
	return err
}

// writable waits until so many brokers answer, and each of them says that every partition has a leader and enough
// replicas in sync, and none in sync that does not answer. It returns the partitions of the run's topics.
func (c *cluster) writable(ctx context.Context, alive int) ([]check.Place, error) {
	for {
		places, problem := c.ailing(ctx, alive)
		if problem == nil {
			return places, nil
		}
		if !pause(ctx, 50*time.Millisecond) {
			return nil, fmt.Errorf("chaos: the brokers do not recover: %w", problem)
		}
	}
}

// ailing returns what is wrong with the cluster, or else its partitions.
func (c *cluster) ailing(ctx context.Context, alive int) ([]check.Place, error) {
	var views [brokers]*kmsg.MetadataResponse
	var failures [brokers]error
	var wait sync.WaitGroup
	for i := range brokers {
		wait.Go(func() { views[i], failures[i] = c.view(ctx, i) })
	}
	wait.Wait()
	answers := make(map[int32]bool)
	for i, v := range views {
		if v != nil {
			answers[int32(i)] = true
		}
	}
	if len(answers) < alive {
		return nil, fmt.Errorf("%d brokers answer: %w", len(answers), errors.Join(failures[:]...))
	}
	var out []check.Place
	for i, v := range views {
		if v == nil {
			continue
		}
		if err := sound(v, answers); err != nil {
			return nil, fmt.Errorf("as broker %d sees it: %w", i, err)
		}
		out = places(v)
	}
	return out, nil
}

// places are the partitions of the run's topics.
func places(v *kmsg.MetadataResponse) (out []check.Place) {
	for _, t := range v.Topics {
		for _, p := range t.Partitions {
			if !t.IsInternal {
				out = append(out, check.Place{Topic: *t.Topic, Partition: p.Partition})
			}
		}
	}
	return out
}

// sound holds one broker's view against the brokers that answer.
func sound(v *kmsg.MetadataResponse, answers map[int32]bool) error {
	if len(v.Brokers) < len(answers) {
		return fmt.Errorf("%d brokers", len(v.Brokers))
	}
	for _, t := range v.Topics {
		for _, p := range t.Partitions {
			stuck := slices.ContainsFunc(p.ISR, func(i int32) bool { return !answers[i] })
			if p.ErrorCode != 0 || !answers[p.Leader] || len(p.ISR) < inSync || stuck {
				return fmt.Errorf("%s-%d: leader %d, in sync %v, error %d", *t.Topic, p.Partition, p.Leader, p.ISR, p.ErrorCode)
			}
		}
	}
	return nil
}

// view asks one broker for everything.
func (c *cluster) view(ctx context.Context, broker int) (*kmsg.MetadataResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all of them
	got, err := c.client.Broker(broker).Request(ctx, req)
	if err != nil {
		return nil, err
	}
	resp, _ := got.(*kmsg.MetadataResponse)
	return resp, nil
}
