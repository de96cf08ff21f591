package webhook

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// SampleMetrics registers the metrics and gives each of them a value, for the page that lists them. It fails if others of the
// same names are there.
func SampleMetrics(r prometheus.Registerer) error {
	m, err := newMetrics(r)
	if err != nil {
		return err
	}
	m.duration.WithLabelValues(webhookPods).Observe(0)
	m.count(webhookPods, refused, reasonNoSecret)
	m.expires(time.Time{})
	return nil
}
