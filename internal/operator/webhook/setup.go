package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	// defaultTimeout is the longest time for an answer, below the 5 s that the chart has the API server wait.
	defaultTimeout = 4 * time.Second
	// share is the part of the API server's own patience that an answer may take; the rest is for the way back.
	share = 0.8
)

// Options are what Setup needs to know.
type Options struct {
	// Certificates is what the manager's webhook server was made from, by Certificates.Server.
	Certificates *Certificates
	// Defaults are the operator's settings for every KafkaBridge: images, pull policies.
	Defaults model.BridgeResources
	// Native says whether the kubelets can run native sidecars (init containers with restartPolicy Always).
	Native func() bool
	// CheckSecrets has a pod refused when a Secret or a key that its sidecar mounts does not exist; it needs the right to
	// get Secrets.
	CheckSecrets bool
	// Mirror brings the Secrets of KafkaUsers into the namespaces of pods that may use them; nil: nobody does.
	Mirror Mirror
	// Validate registers the webhook that judges KafkaBridges, Convert the one that converts them. Without both, only
	// pods are looked at.
	Validate, Convert bool
	// Timeout is the longest time for an answer, 4 s if zero. It is shortened if the API server says that it waits less.
	Timeout time.Duration
	// Registerer takes the metrics.
	Registerer prometheus.Registerer
	// Log is where refusals by error are written.
	Log *slog.Logger
}

// Setup registers the webhooks with a manager that is not started yet. The manager's scheme must know pods, Secrets,
// ConfigMaps and KafkaBridges, its cache must be one that keeps KafkaBridges.
func Setup(mgr manager.Manager, o Options) error {
	if o.Certificates == nil || o.Native == nil || o.Registerer == nil {
		return errors.New("webhook: Certificates, Native and Registerer are needed")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return err
	}
	if err := o.Certificates.setup(mgr, m.expires); err != nil {
		return fmt.Errorf("webhook certificate: %w", err)
	}
	// Nobody else may want KafkaBridges in the cache, if pods are all that is looked at.
	if _, err := mgr.GetCache().GetInformer(context.Background(), &v1.KafkaBridge{}, cache.BlockUntilSynced(false)); err != nil {
		return fmt.Errorf("webhook: watching KafkaBridges: %w", err)
	}
	read := reader{cache: mgr.GetClient(), live: mgr.GetAPIReader(), defaults: o.Defaults}
	decoder := admission.NewDecoder(mgr.GetScheme())
	register := func(path, webhook string, h http.Handler) {
		mgr.GetWebhookServer().Register(path, bounded(h, o.Timeout, m.duration.WithLabelValues(webhook)))
	}
	register(names.WebhookPodsBridge, webhookPods, &admission.Webhook{Handler: &pods{
		reader: read, decoder: decoder, checkSecrets: o.CheckSecrets, native: o.Native, mirror: o.Mirror, metrics: m, log: o.Log,
	}})
	if o.Validate {
		register(names.WebhookValidateKafkaBridge, webhookBridges, &admission.Webhook{Handler: &bridges{reader: read, decoder: decoder, metrics: m}})
	}
	if o.Convert {
		register(names.WebhookConvert, webhookConvert, &converter{metrics: m, log: o.Log})
	}
	return nil
}

// bounded gives each request a deadline before the API server's own, which it sends as the parameter timeout: an answer that
// says what took too long is worth more than a broken connection. It also measures.
func bounded(h http.Handler, limit time.Duration, seconds prometheus.Observer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), patience(r, limit))
		defer cancel()
		h.ServeHTTP(w, r.WithContext(ctx))
		seconds.Observe(time.Since(begin).Seconds())
	})
}

func patience(r *http.Request, limit time.Duration) time.Duration {
	told, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || told <= 0 {
		return limit
	}
	return min(limit, time.Duration(share*float64(told)))
}
