package webhook

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestDeadline: an answer is due before the API server gives up, however long that waits.
func TestDeadline(t *testing.T) {
	for _, c := range []struct {
		query string
		want  time.Duration
	}{
		{"", 4 * time.Second},
		{"?timeout=5s", 4 * time.Second},
		{"?timeout=30s", 4 * time.Second},
		{"?timeout=2s", 1600 * time.Millisecond},
		{"?timeout=0s", 4 * time.Second},
		{"?timeout=-1s", 4 * time.Second},
		{"?timeout=soon", 4 * time.Second},
	} {
		var left time.Duration
		h := bounded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			deadline, ok := r.Context().Deadline()
			if !ok {
				t.Error("no deadline")
			}
			left = time.Until(deadline)
		}), defaultTimeout, prometheus.ObserverFunc(func(float64) {}))
		begin := time.Now()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x"+c.query, nil))
		if most, least := c.want, c.want-time.Since(begin); left > most || left < least {
			t.Errorf("%q: %s left, want from %s to %s", c.query, left, least, most)
		}
	}
}

func TestMetrics(t *testing.T) {
	m, r := testMetrics(t)
	h := bounded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), time.Second, m.duration.WithLabelValues(webhookPods))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/x", nil))
	m.count(webhookPods, refused, reasonNoSecret)
	m.expires(time.Unix(1800000000, 0))
	problems, err := testutil.GatherAndLint(r)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	if err := testutil.GatherAndCompare(r, strings.NewReader(`# HELP steg_operator_webhook_answers_total Answers to the API server, by webhook, outcome (admitted, refused: the user's to change, failed: the operator's) and reason.
# TYPE steg_operator_webhook_answers_total counter
steg_operator_webhook_answers_total{outcome="refused",reason="SecretMissing",webhook="pods"} 1
# HELP steg_operator_webhook_certificate_expiry_timestamp_seconds End of the certificate that this replica shows to the API server, in Unix time; 0 before the first one is loaded.
# TYPE steg_operator_webhook_certificate_expiry_timestamp_seconds gauge
steg_operator_webhook_certificate_expiry_timestamp_seconds 1.8e+09
`), "steg_operator_webhook_answers_total", "steg_operator_webhook_certificate_expiry_timestamp_seconds"); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(m.duration); n != 1 {
		t.Errorf("%d histograms", n)
	}
	if _, err := newMetrics(r); err == nil {
		t.Error("the same metrics twice")
	}
}

func TestSetupNeeds(t *testing.T) {
	if err := Setup(nil, Options{}); err == nil || err.Error() != "webhook: Certificates, Native and Registerer are needed" {
		t.Errorf("error %v", err)
	}
}
