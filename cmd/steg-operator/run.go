package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	crlog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/steg-kafka/steg/internal/logging"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/webhook"
)

// The lease is long, so that an API server that is away for less than renewDeadline ends no operator. A leader that stops
// gives it back, so that its successor need not wait.
const (
	leaseDuration = time.Minute
	renewDeadline = 45 * time.Second
	retryPeriod   = 5 * time.Second
	// stopTimeout is what requests that are being answered get to end.
	stopTimeout = 10 * time.Second
)

// operate is `steg-operator run`.
func (p program) operate(ctx context.Context, args []string) error {
	o, err := parseOptions(args, p.environ, p.stdout)
	if err != nil {
		return err
	}
	log, err := logging.Open(logging.Options{Writer: p.stderr, Level: o.logLevel, Format: logging.Format(o.logFormat)})
	if err != nil {
		return usageError{err}
	}
	defer log.Close()
	libraries := libraryLog{log.Handler(), func() bool { return ctx.Err() != nil }}
	bridgeLogs(libraries)
	config, err := restConfig(o.kubeconfig, p.environ)
	if err != nil {
		return err
	}
	c, err := reach(ctx, log.Logger, config, o.kafkaKinds()...)
	if err != nil {
		return err
	}
	lock, err := lease(config, c.scheme, o, p.environ)
	if err != nil {
		return err
	}
	mgr, ways, err := assemble(o, c, lock, log.Logger)
	if err != nil {
		return err
	}
	defer ways.Close() // controllers use them until the manager has stopped
	log.Info("started", "version", version, "controllers", o.controllers.String(), "namespaces", o.watchNamespaces.String(), "kafkabridge", c.version)
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("stopped: %w", err)
	}
	log.Info("stopped")
	return nil
}

// bridgeLogs sends what the Kubernetes libraries log to ours. It is the only place that knows their logger.
func bridgeLogs(libraries slog.Handler) {
	klog.SetSlogLogger(slog.New(libraries))
	crlog.SetLogger(klog.Background())
	slog.SetDefault(slog.New(libraries)) // net/http's servers write to package log, which goes this way too
}

// assemble builds the manager with all that the options ask for, and the ways to Kafka that its controllers share.
func assemble(o options, c *cluster, lock resourcelock.Interface, log *slog.Logger) (manager.Manager, *controller.Clusters, error) {
	kept := controller.BridgeCache
	if o.runsKafka() {
		kept = controller.Cache
	}
	cache, err := kept(o.watchNamespaces)
	if err != nil {
		return nil, nil, err
	}
	certificates, err := webhook.NewCertificates(o.certificates(log))
	if err != nil {
		return nil, nil, err
	}
	stop, duration, renew, retry := stopTimeout, leaseDuration, renewDeadline, retryPeriod
	mgr, err := manager.New(c.config, manager.Options{
		Scheme:                              c.scheme,
		MapperProvider:                      c.mapperProvider,
		Cache:                               cache,
		Client:                              client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}}},
		LeaderElection:                      o.leaderElection,
		LeaderElectionResourceLockInterface: lock,
		LeaderElectionReleaseOnCancel:       true,
		LeaseDuration:                       &duration,
		RenewDeadline:                       &renew,
		RetryPeriod:                         &retry,
		GracefulShutdownTimeout:             &stop,
		Metrics:                             metricsserver.Options{BindAddress: "0"}, // served by endpoints
		HealthProbeBindAddress:              "0",
		WebhookServer:                       certificates.Server(ctrlwebhook.Options{Port: o.webhookPort}),
	})
	if err != nil {
		return nil, nil, err
	}
	e := newEndpoints(o.httpAddress, log)
	ways := controller.NewClusters(controller.ClustersOptions{Live: mgr.GetAPIReader()})
	if err := errors.Join(setUp(mgr, o, ways, certificates, e, log), e.add(mgr), mgr.Add(memory{})); err != nil {
		return nil, nil, err
	}
	return mgr, ways, nil
}

// setUp adds the parts that the options ask for.
func setUp(mgr manager.Manager, o options, ways *controller.Clusters, certificates *webhook.Certificates, e *endpoints, log *slog.Logger) error {
	metrics, err := controller.NewMetrics(e.registry)
	if err != nil {
		return err
	}
	if err := errors.Join(setUpBridges(mgr, o, metrics, log), setUpKafka(mgr, o, ways, metrics, log)); err != nil {
		return err
	}
	native, err := followVersion(mgr, o.native.value, log)
	if err != nil {
		return err
	}
	return setUpWebhook(mgr, o, native, certificates, e, log)
}

// setUpBridges adds what looks after KafkaBridges, and after pods with sidecars.
func setUpBridges(mgr manager.Manager, o options, metrics *controller.Metrics, log *slog.Logger) error {
	if !o.runs(controlBridge) && !o.runs(controlInject) {
		return nil
	}
	err := controller.SetupBridge(mgr, controller.Options{
		Deploy:   o.runs(controlBridge),
		Rollout:  o.runs(controlInject),
		Defaults: o.defaults(),
		Interval: o.reconcileInterval,
		Timeout:  o.operationTimeout,
		Metrics:  metrics,
		Log:      log,
	})
	if err != nil || !o.runs(controlInject) {
		return err
	}
	return setUpPods(mgr, o, metrics, log)
}

// setUpPods adds what looks after pods that ask for a sidecar without a KafkaBridge, and after those that have none.
func setUpPods(mgr manager.Manager, o options, metrics *controller.Metrics, log *slog.Logger) error {
	pods, err := controller.AskingPods(mgr, o.watchNamespaces)
	if err != nil {
		return err
	}
	if o.runs(controlUser) { // otherwise KafkaUsers may not be watched, by the chart's rights
		err = controller.SetupDirect(mgr, controller.DirectOptions{
			Pods: pods, Namespaces: o.watchNamespaces, Defaults: o.defaults(), Metrics: metrics, Log: log,
		})
	}
	if err != nil || o.watchdogInterval == 0 {
		return err
	}
	return controller.SetupWatchdog(mgr, controller.WatchdogOptions{
		Interval: o.watchdogInterval, Grace: o.watchdogGrace, Evict: o.watchdogEvict, Pods: pods, Metrics: metrics, Log: log,
	})
}

// defaults is what every KafkaBridge is modelled with.
func (o *options) defaults() model.BridgeResources {
	d := model.BridgeResources{
		DefaultImage:               o.bridgeImage,
		ImagePullPolicy:            corev1.PullPolicy(o.imagePullPolicy.value),
		WithoutNetworkPolicy:       !o.networkPolicies,
		WithoutPodDisruptionBudget: !o.budgets,
	}
	for _, secret := range o.imagePullSecrets {
		d.ImagePullSecrets = append(d.ImagePullSecrets, corev1.LocalObjectReference{Name: secret})
	}
	return d
}

// certificates says where the webhook's certificate is, and who has to trust it.
func (o *options) certificates(log *slog.Logger) webhook.CertificateOptions {
	c := webhook.CertificateOptions{
		Namespace: o.namespace, Secret: o.webhookSecret, Service: o.webhookService, URL: o.webhookURL,
		Directory: o.webhookDirectory, CustomResources: o.webhookConversion, Log: log,
	}
	if o.webhookMutating != "" && o.runs(controlInject) {
		c.Mutating = []string{o.webhookMutating}
	}
	if o.webhookValidating != "" && o.runs(controlBridge) {
		c.Validating = []string{o.webhookValidating}
	}
	return c
}
