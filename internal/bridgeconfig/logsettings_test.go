package bridgeconfig

import (
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/logging"
)

func TestLogSettings(t *testing.T) {
	c := parsed(t, map[string]string{"log.level": "TRACE", "log.format": "json", "log.level.operations": "send=debug, ready=info,"})
	if c.Log.Level != "debug" || c.Log.Format != "json" {
		t.Errorf("got %+v", c.Log)
	}
	got := strings.Join(logging.RenderOperations(c.Log.Operations), ",")
	if want := "healthy=warn,ready=info,send=debug,started=warn"; got != want {
		t.Errorf("operations %s, want %s: a probe that is not named stays quiet", got, want)
	}
	if got := c.Render()["log.level.operations"]; got != "healthy=warn,ready=info,send=debug,started=warn" {
		t.Errorf("rendered as %q", got)
	}
	for key, value := range map[string]string{"log.level": "loud", "log.format": "xml", "log.level.operations": "send"} {
		_, _, err := Parse(file(map[string]string{key: value}))
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
}

func TestLogSettingsFromTheEnvironment(t *testing.T) {
	for name, key := range map[string]string{
		"STEG_LOG_LEVEL": "log.level", "STEG_LOG_FORMAT": "log.format", "STEG_LOG_LEVEL_OPERATIONS": "log.level.operations",
		"STEG_HTTP_MANAGEMENT_PPROF": "http.management.pprof",
	} {
		if got := FromEnv([]string{name + "=x"}); got[key] != "x" {
			t.Errorf("%s gives %v, want %s", name, got, key)
		}
	}
}
