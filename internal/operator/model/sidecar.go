package model

import (
	"maps"
	"time"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// Sidecar is what one pod's sidecar has of its own.
type Sidecar struct {
	Port, ManagementPort int32
	LogLevel             string        // empty: that of the KafkaBridge
	WaitForKafka         time.Duration // before the application starts; 0: not at all
	StopNotice           time.Duration // 0: none, since the application has ended before the sidecar is told to
	Socket               bool          // the API on names.Socket too
}

// SidecarProperties returns the settings of one pod's sidecar by the bridge's keys. The map is the caller's. The API is on
// loopback, since whoever reaches it has the bridge's rights; probes come from outside. Consumers that nobody asks end
// after a minute, and creating one anew replaces it, unless the KafkaBridge says otherwise: an application's container can
// restart alone and leaves its consumers behind.
func (b Bridge) SidecarProperties(s Sidecar) map[string]string {
	all := map[string]string{"http.timeoutSeconds": "60", "bridge.consumer.replace": "true"}
	maps.Copy(all, b.settings)
	maps.Copy(all, map[string]string{
		"http.host":             "127.0.0.1",
		"http.port":             decimal(s.Port),
		"http.management.host":  "*",
		"http.management.port":  decimal(s.ManagementPort),
		"bridge.stop.notice.ms": decimal(s.StopNotice.Milliseconds()),
	})
	if s.LogLevel != "" {
		all["log.level"] = s.LogLevel
	}
	if s.WaitForKafka > 0 {
		all["bridge.start.wait.kafka.ms"] = decimal(s.WaitForKafka.Milliseconds())
	}
	if s.Socket {
		all["http.socket"] = names.Socket
	}
	return all
}
