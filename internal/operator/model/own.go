package model

import (
	"slices"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
)

// own takes spec.config: settings of the bridge itself that no other field says. The reference operator forbids all of
// http.*; those that only this bridge knows have no other place, and are let through.
func (b *bridgeBuilder) own() {
	const field = "spec.config"
	for _, e := range b.FreeForm(field, b.spec.Config) {
		written := []string{
			"bridge.id", "bridge.tracing", "bridge.metrics", "bridge.start.wait.kafka.ms", "bridge.stop.notice.ms", "http.management.host", "http.socket",
		}
		if slices.Contains(written, e.Key) || HasPrefix(e.Key, "kafka.", "http.", "bridge.metrics.") && !isOurs(e.Key) {
			b.Warn(ReasonForbiddenFields, "%s: %s is left out: it is written from other fields, or by each pod", field, e.Key)
			continue
		}
		b.set(e.Key, e.Value, field+"."+e.Key)
	}
}

// isOurs reports whether the reference bridge does not know a setting that ours has.
func isOurs(key string) bool {
	return slices.ContainsFunc(bridgeconfig.Settings(), func(s bridgeconfig.Setting) bool { return s.Ours && s.Key == key })
}
