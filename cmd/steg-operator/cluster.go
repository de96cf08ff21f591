package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	podsets "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	// reachTimeout is how long the API server is waited for at the start. To end and be started again takes longer and
	// longer each time.
	reachTimeout = 5 * time.Minute
	// reachPause is the time between two tries.
	reachPause = 2 * time.Second
)

// cluster is the API server and what it serves.
type cluster struct {
	config  *rest.Config
	client  *http.Client
	mapper  meta.RESTMapper
	scheme  *runtime.Scheme
	version string // of KafkaBridge, by which it is read and written
}

func (c *cluster) mapperProvider(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	return c.mapper, nil
}

// restConfig finds the API server: the given kubeconfig, the one of KUBECONFIG, or the pod's service account.
func restConfig(kubeconfig string, environ []string) (*rest.Config, error) {
	if kubeconfig == "" {
		kubeconfig, _ = lookup(environ, clientcmd.RecommendedConfigPathEnvVar)
	}
	var config *rest.Config
	var err error
	if kubeconfig == "" {
		if config, err = rest.InClusterConfig(); errors.Is(err, rest.ErrNotInCluster) {
			return nil, errors.New("not in a cluster, and neither --kubeconfig nor KUBECONFIG is set")
		}
	} else {
		rules := &clientcmd.ClientConfigLoadingRules{Precedence: strings.Split(kubeconfig, ":")}
		config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	}
	if err != nil {
		return nil, fmt.Errorf("where the API server is: %w", err)
	}
	config.UserAgent = names.FieldOwner + "/" + version
	config.QPS = -1 // a batch of topics is as many writes; the API server has limits of its own, by which it tells clients apart
	return config, nil
}

// reach asks the API server which version of KafkaBridge it serves. It waits for an API server that is away, and for one that
// serves not all kinds yet: definitions that are installed together with the operator are served one after the other.
func reach(ctx context.Context, log *slog.Logger, config *rest.Config, kinds ...schema.GroupVersionKind) (*cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	for {
		c, err := connect(config, kinds)
		if err == nil || errors.Is(err, errNotServed) {
			return c, err
		}
		log.Warn("the API server cannot be used yet", "error", err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(reachPause):
		}
	}
}

// errNotServed is final: nothing can be done without KafkaBridges.
var errNotServed = errors.New("the API server serves no kafkabridges.kafka.strimzi.io in version v1 or v1beta2: install the CustomResourceDefinitions first")

// connect makes what a manager needs, for the newest version of KafkaBridge that is served. The other kinds have to be served too.
func connect(config *rest.Config, kinds []schema.GroupVersionKind) (*cluster, error) {
	c := &cluster{config: config}
	var err error
	if c.client, err = rest.HTTPClientFor(config); err != nil {
		return nil, err
	}
	if c.mapper, err = apiutil.NewDynamicRESTMapper(config, c.client); err != nil {
		return nil, err
	}
	asks, err := discovery.NewDiscoveryClientForConfigAndClient(config, c.client)
	if err != nil {
		return nil, err
	}
	for _, gv := range []schema.GroupVersion{v1.GroupVersion, v1beta2.GroupVersion} {
		ok, err := serves(asks, gv.WithKind(names.KindKafkaBridge))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		for _, kind := range kinds {
			if ok, err := serves(asks, kind); err != nil || !ok {
				return nil, errors.Join(err, fmt.Errorf("it serves no %s: install the CustomResourceDefinitions, or leave the controller out (--controllers)", kind))
			}
		}
		c.version = gv.Version
		c.scheme, err = newScheme(gv)
		return c, err
	}
	return nil, errNotServed
}

// serves asks whether a kind is served.
func serves(asks discovery.ServerResourcesInterface, kind schema.GroupVersionKind) (bool, error) {
	served, err := asks.ServerResourcesForGroupVersion(kind.GroupVersion().String())
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(served.APIResources, func(r metav1.APIResource) bool { return r.Kind == kind.Kind }), nil
}

// newScheme knows the kinds that are read and written by their Go types. What sidecars are configured from is v1's type in any
// version: the versions have the same properties, so that an older one is read as it is where the newer is not served, as beside
// an older release of the reference operator.
func newScheme(bridges schema.GroupVersion) (*runtime.Scheme, error) {
	s := runtime.NewScheme()
	err := errors.Join(corev1.AddToScheme(s), appsv1.AddToScheme(s), policyv1.AddToScheme(s), storagev1.AddToScheme(s))
	if bridges == v1.GroupVersion {
		return s, errors.Join(err, v1.AddToScheme(s), podsets.AddToScheme(s))
	}
	s.AddKnownTypeWithName(bridges.WithKind(names.KindKafkaBridge), &v1.KafkaBridge{})
	s.AddKnownTypeWithName(bridges.WithKind(names.KindKafkaBridge+"List"), &v1.KafkaBridgeList{})
	s.AddKnownTypeWithName(bridges.WithKind(names.KindKafka), &v1.Kafka{})
	s.AddKnownTypeWithName(bridges.WithKind(names.KindKafkaUser), &v1.KafkaUser{})
	metav1.AddToGroupVersion(s, bridges)
	return s, err
}
