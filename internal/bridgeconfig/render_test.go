package bridgeconfig

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/steg-kafka/steg/internal/kafka"
)

// anyValues draws texts for some of the settings, so that most of them are valid.
func anyValues(t *rapid.T) map[string]string {
	values := map[string]string{}
	word := rapid.StringMatching(`[a-zA-Z0-9 .:/*\\=#-]{0,12}`)
	for _, s := range Settings() {
		if !rapid.Bool().Draw(t, "set "+s.Key) {
			continue
		}
		switch {
		case s.Key == "bridge.metrics":
			values[s.Key] = rapid.SampledFrom([]string{"", MetricsJMX, MetricsReporter, "STRIMZImetricsreporter"}).Draw(t, s.Key)
		case s.Key == "bridge.null.value":
			values[s.Key] = rapid.SampledFrom([]string{NullUpstream, NullTombstone}).Draw(t, s.Key)
		case s.Key == "log.level":
			values[s.Key] = rapid.SampledFrom([]string{"INFO", "trace", "error"}).Draw(t, s.Key)
		case s.Key == "log.format":
			values[s.Key] = rapid.SampledFrom([]string{"text", "json"}).Draw(t, s.Key)
		case s.Key == "log.level.operations":
			values[s.Key] = rapid.SampledFrom([]string{"", "send=debug", "ready=info, poll=OFF"}).Draw(t, s.Key)
		case s.Key == "http.ssl.enabled.protocols":
			values[s.Key] = rapid.SampledFrom([]string{"TLSv1.2", "TLSv1.3", "TLSv1.3,TLSv1.2", ""}).Draw(t, s.Key)
		case s.Key == "http.ssl.enabled.cipher.suites":
			values[s.Key] = rapid.SampledFrom([]string{"", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}).Draw(t, s.Key)
		case s.Type == "boolean":
			values[s.Key] = rapid.SampledFrom([]string{"true", "false", "TRUE", "x"}).Draw(t, s.Key)
		case s.Type == "number":
			values[s.Key] = rapid.SampledFrom([]string{"-3", "0", "1", "60", "8443", "65535"}).Draw(t, s.Key)
		default:
			values[s.Key] = word.Draw(t, s.Key)
		}
	}
	for _, prefix := range []string{"kafka.", "kafka.admin.", "kafka.producer.", "kafka.consumer."} {
		for range rapid.IntRange(0, 3).Draw(t, prefix) {
			values[prefix+rapid.SampledFrom(kafka.Names()).Draw(t, "name")] = rapid.String().Draw(t, "value")
		}
	}
	return values
}

// accepted leaves out whatever a bridge refuses to start with, so that each draw is a case. What one left out has hidden is
// found by going over the rest again.
func accepted(values map[string]string) map[string]string {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		without := maps.Clone(values)
		delete(without, key)
		if problems(without) < problems(values) {
			return accepted(without)
		}
	}
	return values
}

// problems counts what is wrong with the values.
func problems(values map[string]string) int {
	_, _, err := Parse(file(values))
	if err == nil {
		return 0
	}
	return strings.Count(err.Error(), "\n") + 1
}

// TestRenderIsParsedBack: what the operator renders, the bridge reads as the same settings.
func TestRenderIsParsedBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := accepted(anyValues(t))
		c, _, err := Parse(file(values))
		if err != nil {
			t.Fatalf("%v: %v", values, err)
		}
		again, findings, err := Parse([]Layer{{Origin: "rendered", Values: c.Render()}})
		if err != nil {
			t.Fatalf("%v: %v", c.Render(), err)
		}
		for _, f := range findings {
			if f.Unknown {
				t.Fatalf("%+v", f)
			}
		}
		c.origins, again.origins = nil, nil
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("\n got %+v\nwant %+v\nrendered %v", again, c, c.Render())
		}
	})
}

func TestEffectiveMasks(t *testing.T) {
	values := map[string]string{
		"http.ssl.key": "PRIVATE1", "kafka.sasl.jaas.config": "PRIVATE2", "kafka.producer.ssl.keystore.password": "PRIVATE3",
		"kafka.consumer.ssl.keystore.key": "PRIVATE4", "kafka.admin.sasl.oauthbearer.client.credentials.client.secret": "PRIVATE5",
		"kafka.config.providers.vault.param.token": "PRIVATE6", "kafka.my.passphrase": "PRIVATE7", "kafka.ssl.keystore.location": "/shown",
	}
	c := parsed(t, values)
	shown := 0
	for _, e := range c.Effective() {
		if strings.Contains(e.Value, "PRIVATE") {
			t.Errorf("%+v", e)
		}
		if e.Value == "[hidden]" {
			shown++
			if e.Origin != "file" {
				t.Errorf("%+v", e)
			}
		}
		if e.Key == "kafka.ssl.keystore.location" && e.Value != "/shown" {
			t.Errorf("%+v", e)
		}
		if e.Key == "http.host" && e != (Effective{"http.host", "0.0.0.0", "default"}) {
			t.Errorf("%+v", e)
		}
	}
	if shown != 7 {
		t.Errorf("%d values are hidden, want 7", shown)
	}
	for key, v := range values {
		if c.Render()[key] != v {
			t.Errorf("%s was rendered as %q", key, c.Render()[key])
		}
	}
}

func TestSecret(t *testing.T) {
	for key, want := range map[string]bool{
		"http.ssl.key": true, "http.ssl.key.location": false, "http.ssl.certificate": false,
		"kafka.ssl.key.password": true, "kafka.producer.ssl.keystore.key": true, "kafka.ssl.keystore.location": false,
		"kafka.sasl.jaas.config": true, "kafka.key.serializer": false, "kafka.consumer.key.deserializer": false,
		"kafka.sasl.oauthbearer.token.endpoint.url": false, "kafka.sasl.oauthbearer.assertion.private.key.file": false,
		"kafka.sasl.oauthbearer.assertion.private.key.passphrase": true, "kafka.partitioner.ignore.keys": false,
		"kafka.config.providers.secrets.class": false, "kafka.config.providers.secrets.param.separator": false,
		"kafka.config.providers.x.param.password": true, "kafka.config.providers": false,
		"kafka.some.api.key": true, "kafka.some.token": true, "kafka.some.token.file": false, "some.password": true, "bridge.id": false,
		"STEG_KAFKA_SSL_KEY_PASSWORD": true, "STEG_SOME_SECRET": true, "STEG_HTTP_PROT": false, "oauth.client.assertion": true,
		"oauth.access.token.location": false, "kafka.client.id": false,
	} {
		if got := Secret(key); got != want {
			t.Errorf("%s: %t", key, got)
		}
	}
}
