package webhook

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The webhooks, as the metrics name them.
const (
	webhookPods    = "pods"
	webhookBridges = "kafkabridges"
	webhookConvert = "convert"
)

// metrics are what is counted about answers.
type metrics struct {
	duration *prometheus.HistogramVec
	answers  *prometheus.CounterVec
	expiry   prometheus.Gauge
}

// newMetrics registers the series; that fails if they are registered already.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "steg_operator_webhook_duration_seconds",
			Help:    "Time from a request of the API server to the answer, by webhook.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"webhook"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "steg_operator_webhook_answers_total",
			Help: "Answers to the API server, by webhook, outcome (admitted, refused: the user's to change, failed: the operator's) and reason.",
		}, []string{"webhook", "outcome", "reason"}),
		expiry: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "steg_operator_webhook_certificate_expiry_timestamp_seconds",
			Help: "End of the certificate that this replica shows to the API server, in Unix time; 0 before the first one is loaded.",
		}),
	}
	for _, c := range []prometheus.Collector{m.duration, m.answers, m.expiry} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of the webhook: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) count(webhook, outcome, reason string) {
	m.answers.WithLabelValues(webhook, outcome, reason).Inc()
}

func (m *metrics) expires(at time.Time) { m.expiry.Set(float64(at.Unix())) }
