package main

import (
	"log/slog"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/webhook"
)

// setUpWebhook adds the webhooks. Who only injects judges and converts nothing: the KafkaBridges are another operator's.
func setUpWebhook(mgr manager.Manager, o options, native func() bool, certificates *webhook.Certificates, e *endpoints, log *slog.Logger) error {
	e.require(certificates.Ready)
	e.require(mgr.GetWebhookServer().StartedChecker())
	var mirror webhook.Mirror
	if o.runs(controlUser) {
		mirror = controller.NewMirrors(mgr.GetClient(), mgr.GetAPIReader(), o.watchNamespaces).Ensure
	}
	return webhook.Setup(mgr, webhook.Options{
		Mirror:       mirror,
		Certificates: certificates,
		Defaults:     o.defaults(),
		Native:       native,
		CheckSecrets: o.webhookCheckSecret,
		Validate:     o.runs(controlBridge),
		Convert:      len(o.webhookConversion) > 0,
		Registerer:   e.registry,
		Log:          log,
	})
}
