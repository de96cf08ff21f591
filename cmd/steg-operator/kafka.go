package main

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	podsets "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	clusters "github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/topic"
)

// kafkaOptions is what `steg-operator run` is told about Kafka clusters, their topics and their users.
type kafkaOptions struct {
	images     words
	repository string
	nodeImage  string
	domain     string
	pkcs12     bool
	batch      int

	watchedNamespace bool
	importTopics     bool
	bidirectional    bool
	alterable        string
	throttle         int64
}

func (k *kafkaOptions) register(f *flags) {
	f.Var(&k.images, "kafka-images", "comma `LIST` of VERSION=IMAGE for versions of Kafka that are not taken from --kafka-repository")
	f.StringVar(&k.repository, "kafka-repository", "docker.io/apache/kafka", "`REPOSITORY` of Apache Kafka's stock images; the version is the tag")
	f.StringVar(&k.nodeImage, "node-image", "", "`IMAGE` with steg-node, which Kafka's pods take it from")
	f.StringVar(&k.domain, "dns-domain", "cluster.local", "the cluster's DNS `DOMAIN`")
	f.BoolVar(&k.pkcs12, "pkcs12", true, "write PKCS#12 stores beside PEM into the Secrets of authorities")
	f.IntVar(&k.batch, "roll-batch", 1, "how many brokers of one rack may be restarted together if no partition suffers: `N`")
	f.BoolVar(&k.watchedNamespace, "watched-namespace", false, "let a Kafka claim the KafkaTopics and KafkaUsers of other namespaces by spec.entityOperator")
	f.BoolVar(&k.importTopics, "import-topics", false, "make a KafkaTopic for each topic that has none")
	f.BoolVar(&k.bidirectional, "bidirectional-topics", false, "let changes in Kafka change KafkaTopics too, as the reference operator did until 0.40")
	f.StringVar(&k.alterable, "alterable-topic-config", "ALL", "settings of topics that may be changed: ALL, NONE or a comma `LIST`")
	f.Int64Var(&k.throttle, "replication-throttle", 0, "`BYTES` per second and broker for replicas that move because a KafkaTopic asks for more or fewer; 0: no bound")
}

// check says what is wrong with each flag.
func (k *kafkaOptions) check() (errs []error) {
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, pair := range k.images {
		version, image, _ := strings.Cut(pair, "=")
		_, known := kafkaconf.Lookup(version)
		wrong(!known || image == "", "--kafka-images: %q is not VERSION=IMAGE of a supported version", pair)
	}
	wrong(k.repository == "", "--kafka-repository is empty: where Kafka's images are")
	wrong(!domain.MatchString(k.domain), "--dns-domain: %q cannot be a domain", k.domain)
	wrong(k.batch < 1, "--roll-batch %d is less than 1", k.batch)
	wrong(k.throttle < 0, "--replication-throttle %d is negative", k.throttle)
	if _, err := topic.ParseAlterable(k.alterable); err != nil {
		errs = append(errs, fmt.Errorf("--alterable-topic-config: %w", err))
	}
	return errs
}

var domain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// clusterDefaults is what every Kafka is modelled with.
func (o *options) clusterDefaults() clusters.Defaults {
	d := clusters.Defaults{
		Images:                     map[string]string{},
		ImageRepository:            o.kafka.repository,
		NodeImage:                  o.kafka.nodeImage,
		ImagePullPolicy:            corev1.PullPolicy(o.imagePullPolicy.value),
		ImagePullSecrets:           o.defaults().ImagePullSecrets,
		Domain:                     o.kafka.domain,
		WithoutNetworkPolicy:       !o.networkPolicies,
		WithoutPodDisruptionBudget: !o.budgets,
		WithoutPKCS12:              !o.kafka.pkcs12,
		OperatorNamespace:          o.namespace,
	}
	for _, pair := range o.kafka.images {
		version, image, _ := strings.Cut(pair, "=")
		d.Images[version] = image
	}
	return d
}

// runsKafka reports whether clusters, topics or users are looked after.
func (o *options) runsKafka() bool {
	return o.runs(controlKafka) || o.runs(controlTopic) || o.runs(controlUser)
}

// kafkaKinds are the kinds without which those controllers can't start.
func (o *options) kafkaKinds() []schema.GroupVersionKind {
	if !o.runsKafka() {
		return nil
	}
	kinds := []schema.GroupVersionKind{podsets.GroupVersion.WithKind(names.KindStrimziPodSet)}
	for _, kind := range []string{names.KindKafka, names.KindKafkaNodePool, names.KindKafkaTopic, names.KindKafkaUser} {
		kinds = append(kinds, v1.GroupVersion.WithKind(kind))
	}
	return kinds
}

// setUpKafka adds the controllers of clusters, topics and users, which share their ways to Kafka.
func setUpKafka(mgr manager.Manager, o options, ways *controller.Clusters, metrics *controller.Metrics, log *slog.Logger) error {
	return errors.Join(setUpClusters(mgr, o, ways, metrics, log), setUpTopics(mgr, o, ways, metrics, log), setUpUsers(mgr, o, ways, metrics, log))
}

func setUpClusters(mgr manager.Manager, o options, ways *controller.Clusters, metrics *controller.Metrics, log *slog.Logger) error {
	if !o.runs(controlKafka) {
		return nil
	}
	pods, err := controller.NodePods(mgr, o.watchNamespaces)
	if err != nil {
		return err
	}
	return errors.Join(
		controller.SetupPodSet(mgr, controller.PodSetOptions{Pods: pods, Metrics: metrics, Log: log}),
		controller.SetupKafka(mgr, controller.KafkaOptions{
			Pods: pods, Clusters: ways, Defaults: o.clusterDefaults(), Version: version,
			Interval: o.reconcileInterval, Timeout: o.operationTimeout, Batch: o.kafka.batch, Metrics: metrics, Log: log,
		}),
	)
}

func setUpTopics(mgr manager.Manager, o options, ways *controller.Clusters, metrics *controller.Metrics, log *slog.Logger) error {
	if !o.runs(controlTopic) {
		return nil
	}
	alterable, err := topic.ParseAlterable(o.kafka.alterable)
	if err != nil {
		return err
	}
	return controller.SetupTopic(mgr, controller.TopicOptions{
		Clusters: ways, Interval: o.reconcileInterval, WatchedNamespace: o.kafka.watchedNamespace, Import: o.kafka.importTopics,
		Bidirectional: o.kafka.bidirectional, Alterable: alterable, Throttle: o.kafka.throttle, Metrics: metrics, Log: log,
	})
}

func setUpUsers(mgr manager.Manager, o options, ways *controller.Clusters, metrics *controller.Metrics, log *slog.Logger) error {
	if !o.runs(controlUser) {
		return nil
	}
	return controller.SetupUser(mgr, controller.UserOptions{
		Clusters: ways, Namespaces: o.watchNamespaces, WatchedNamespace: o.kafka.watchedNamespace,
		Interval: o.reconcileInterval, Metrics: metrics, Log: log,
	})
}
