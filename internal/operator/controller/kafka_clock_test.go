package controller

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestNoteWritten: certificates are judged by the operator's clock, or by the API server's where that was seen to be ahead.
func TestNoteWritten(t *testing.T) {
	clock := time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)
	by := func(after time.Duration) metav1.ManagedFieldsEntry {
		at := metav1.NewTime(clock.Add(after))
		return metav1.ManagedFieldsEntry{Time: &at}
	}
	for _, c := range []struct {
		name    string
		created time.Duration
		by      []metav1.ManagedFieldsEntry
		want    time.Duration
		warns   string
	}{
		{"nothing is known", -time.Hour, nil, 0, ""},
		{"a former time", -48 * time.Hour, []metav1.ManagedFieldsEntry{{}, by(-time.Hour)}, 0, ""},
		{"seconds", 2 * time.Second, nil, 2 * time.Second, ""},
		{"created tomorrow", 24 * time.Hour, nil, 24 * time.Hour, "at least 24h0m0s behind"},
		{"written tomorrow", -time.Hour, []metav1.ManagedFieldsEntry{by(time.Hour), by(24 * time.Hour), by(2 * time.Hour)}, 24 * time.Hour, "at least 24h0m0s behind"},
	} {
		i := &issuer{now: clock}
		i.noteWritten(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(clock.Add(c.created)), ManagedFields: c.by}})
		i.noteWritten(&corev1.Secret{}) // of which nothing is known
		if got := i.now.Sub(clock); got != c.want {
			t.Errorf("%s: judged %v later, want %v", c.name, got, c.want)
		}
		warnings := i.clockWarning(clock)
		if len(warnings) != min(1, len(c.warns)) || c.warns != "" && !strings.Contains(warnings[0].Message, c.warns) {
			t.Errorf("%s: warnings %v, want %q", c.name, warnings, c.warns)
		}
	}
}
