package bridgeconfig

import (
	"maps"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/kafka"
)

func TestEnvName(t *testing.T) {
	for key, want := range map[string]string{
		"kafka.bootstrap.servers": "STEG_KAFKA_BOOTSTRAP_SERVERS", "kafka.producer.acks": "STEG_KAFKA_PRODUCER_ACKS",
		"http.timeoutSeconds": "STEG_HTTP_TIMEOUTSECONDS", "a-b": "STEG_A_B",
	} {
		if got := EnvName(key); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
}

// TestEveryKeyHasItsName: a key's variable leads back to the key, so no two keys share one.
func TestEveryKeyHasItsName(t *testing.T) {
	keys := []string{"kafka.config.providers.env.class", "kafka.producer.config.providers.env.param.allowlist.pattern", "kafka.prometheus.metrics.reporter.allowlist"}
	for _, s := range Settings() {
		keys = append(keys, s.Key)
	}
	for _, prefix := range []string{"kafka.", "kafka.admin.", "kafka.producer.", "kafka.consumer."} {
		for _, name := range kafka.Names() {
			keys = append(keys, prefix+name)
		}
	}
	for _, key := range keys {
		if got := FromEnv([]string{EnvName(key) + "=v"}); !maps.Equal(got, map[string]string{key: "v"}) {
			t.Errorf("%s: %v", key, got)
		}
	}
}

func TestFromEnv(t *testing.T) {
	got := FromEnv([]string{
		"PATH=/bin", "bridge.id=x", "STEG_BRIDGE_ID=b=c", "STEG_HTTP_PROT=1", "nonsense", "STEG_HTTP_HOST=",
		"STEG_OPERATOR_SERVICE_HOST=10.0.0.1", "STEG_OPERATOR_SERVICE_PORT=443", "STEG_OPERATOR_SERVICE_PORT_HTTPS=443",
		"STEG_OPERATOR_PORT=tcp://10.0.0.1:443", "STEG_OPERATOR_PORT_443_TCP=tcp://10.0.0.1:443", "STEG_OPERATOR_PORT_443_TCP_ADDR=10.0.0.1",
		"STEG_HTTP_PORT=8090", "STEG_HTTP_MANAGEMENT_PORT=tcp://10.0.0.1:80", "steg_bridge_id=lower",
	})
	want := map[string]string{"bridge.id": "b=c", "STEG_HTTP_PROT": "1", "http.host": "", "http.port": "8090"}
	if !maps.Equal(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

// FuzzFromEnv: any variable gives at most one setting, with its own value, and a key that names it.
func FuzzFromEnv(f *testing.F) {
	for _, seed := range []string{"STEG_HTTP_PORT=1", "STEG_X", "=", "STEG_KAFKA_CONFIG_PROVIDERS_ENV_PARAM_A_B=c", "STEG_A_PORT_1_TCP=x", "STEG_KAFKA_=\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		got := FromEnv([]string{entry})
		name, v, found := strings.Cut(entry, "=")
		if len(got) > 1 || len(got) == 1 && (!found || !strings.HasPrefix(name, "STEG_")) {
			t.Fatalf("%q gave %v", entry, got)
		}
		for key, value := range got {
			if value != v {
				t.Errorf("%q gave %v", entry, got)
			}
			if key != name && EnvName(key) != name {
				t.Errorf("%q became %q, whose name is %q", entry, key, EnvName(key))
			}
		}
		if _, _, err := Parse([]Layer{{Origin: "environment", Values: got}}); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: one variable, several errors: %v", entry, err)
		}
	})
}
