//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestRotation: a new certificate of the user is in use without a restart and without a failed request.
func TestRotation(t *testing.T) {
	ns := namespace(t)
	l := startLoad(t, ns, "my-rotation", "  metricsConfig: {type: strimziMetricsReporter}\n")
	before := certificateEnd(t, l)
	data := kubectl(t, "get", "secret", "my-app-renewed", "-n", kafkaNamespace, "-o", "jsonpath={.data}")
	kubectl(t, "patch", "secret", "my-app", "-n", ns, "--patch", `{"data":`+data+`}`)
	eventually(t, 2*time.Minute, func() error {
		if now := certificateEnd(t, l); now == before {
			return fmt.Errorf("the certificate still ends at %s", now)
		}
		return nil
	})
	// Connections that are open stay; a broker that goes and comes back is met with the new certificate.
	kubectl(t, "delete", "pod", "-n", kafkaNamespace, "my-cluster-kafka-2", "--wait=false")
	l.more(100)
	rollout(t, kafkaNamespace, "statefulset/my-cluster-kafka")
	l.more(100)
	l.check(0)
	if got := kubectl(t, "get", "pod", l.pod, "-n", ns, "-o", "jsonpath={.status.initContainerStatuses[0].restartCount}"); got != "0" {
		t.Errorf("the sidecar was restarted %s times", got)
	}
}

var ends = regexp.MustCompile(`(?m)^steg_certificate_expiry_timestamp_seconds\{[^}]*\} (\S+)$`)

// certificateEnd returns when the sidecar's certificates end, as its metrics have it.
func certificateEnd(t testing.TB, l *load) string {
	t.Helper()
	var all []string
	for _, found := range ends.FindAllStringSubmatch(metrics(t, l.ns, l.pod), -1) {
		all = append(all, found[1])
	}
	if len(all) == 0 {
		t.Fatal("no certificate in the metrics")
	}
	return strings.Join(all, " ")
}
