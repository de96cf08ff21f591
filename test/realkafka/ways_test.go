//go:build kafka

package realkafka

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// way is a way into Kafka.
type way struct {
	name     string
	listener kafkarig.Listener
	settings []string // kafka.security.* without bootstrap.servers
}

// at completes the settings of a way on a rig.
func (w way) at(r *kafkarig.Rig) []string {
	return append([]string{
		"kafka.bootstrap.servers=" + r.Bootstrap(w.listener),
		"kafka.security.protocol=" + w.listener.Protocol(),
	}, w.settings...)
}

// plainWay needs neither certificates nor passwords.
var plainWay = way{name: "PLAINTEXT", listener: kafkarig.Plain}

// truststore settings, by type; "" is text in the setting itself.
func trust(t *testing.T, r *kafkarig.Rig, kind string) []string {
	t.Helper()
	return map[string][]string{
		"PEM":    {"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.location=" + r.Files.CA.Cert},
		"PKCS12": {"kafka.ssl.truststore.type=PKCS12", "kafka.ssl.truststore.location=" + r.Files.CA.PKCS12, "kafka.ssl.truststore.password=" + storePassword()},
		"JKS":    {"kafka.ssl.truststore.location=" + r.Files.CA.JKS, "kafka.ssl.truststore.password=" + storePassword()},
		"":       {"kafka.ssl.truststore.type=PEM", "kafka.ssl.truststore.certificates=" + content(t, r.Files.CA.Cert)},
	}[kind]
}

// keys are keystore settings, by type; "" is text in the settings themselves.
func keys(t *testing.T, f pki.Files, kind string) []string {
	t.Helper()
	key := privateKey(t, f)
	return map[string][]string{
		"PEM":    {"kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.location=" + f.Store},
		"PKCS12": {"kafka.ssl.keystore.type=PKCS12", "kafka.ssl.keystore.location=" + f.PKCS12, "kafka.ssl.keystore.password=" + storePassword()},
		"JKS":    {"kafka.ssl.keystore.location=" + f.JKS, "kafka.ssl.keystore.password=" + storePassword()},
		"":       {"kafka.ssl.keystore.type=PEM", "kafka.ssl.keystore.certificate.chain=" + content(t, f.Cert), "kafka.ssl.keystore.key=" + key},
	}[kind]
}

func storePassword() string { return transcript.secret("password of stores", kafkarig.StorePassword) }

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// privateKey returns a key's PEM, of which no line may be printed.
func privateKey(t *testing.T, f pki.Files) string {
	t.Helper()
	text := content(t, f.Key)
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-") {
			transcript.secret("private key", strings.TrimSpace(line))
		}
	}
	return text
}

// login is SASL with a user's password.
func login(mechanism, user, password string) []string {
	module := "org.apache.kafka.common.security.scram.ScramLoginModule"
	if mechanism == "PLAIN" {
		module = "org.apache.kafka.common.security.plain.PlainLoginModule"
	}
	transcript.secret("password of "+user, password)
	return []string{
		"kafka.sasl.mechanism=" + mechanism,
		fmt.Sprintf(`kafka.sasl.jaas.config=%s required username="%s" password="%s";`, module, user, password),
	}
}

// asUser is somebody who may do nothing until a test allows it.
func asUser() way {
	return way{"user", kafkarig.SCRAM, login("SCRAM-SHA-512", kafkarig.OrdinaryUser, kafkarig.OrdinaryPassword)}
}

func concat(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// all are the ways that must work.
func all(t *testing.T, r *kafkarig.Rig) []way {
	t.Helper()
	ways := []way{plainWay}
	for _, kind := range []string{"PEM", "PKCS12", "JKS", ""} {
		ways = append(ways,
			way{"TLS " + kind, kafkarig.TLS, trust(t, r, kind)},
			way{"mTLS " + kind, kafkarig.MTLS, concat(trust(t, r, kind), keys(t, r.Files.Admin, kind))})
	}
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"} {
		ways = append(ways, way{mechanism, kafkarig.SCRAM, login(mechanism, kafkarig.AdminUser, kafkarig.AdminPassword)})
	}
	return append(ways,
		way{"SCRAM-SHA-512 over TLS", kafkarig.SCRAMTLS, concat(trust(t, r, "PEM"), login("SCRAM-SHA-512", kafkarig.AdminUser, kafkarig.AdminPassword))},
		way{"OAUTHBEARER unsecured", kafkarig.SCRAM, []string{
			"kafka.sasl.mechanism=OAUTHBEARER",
			`kafka.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="admin";`,
		}})
}

var lastName atomic.Int64

// fresh returns a name that nothing has yet.
func fresh(prefix string) string { return fmt.Sprintf("%s-%d", prefix, lastName.Add(1)) }

// topic makes a topic of one partition.
func topic(t *testing.T, r *kafkarig.Rig) string {
	t.Helper()
	name := fresh("topic")
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	if _, err := kadm.NewClient(r.Client(t)).CreateTopic(ctx, 1, -1, nil, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// article is the sequence of the sidecar article: produce; create a consumer; subscribe; one poll has the records; commit;
// delete.
func article(t *testing.T, r *kafkarig.Rig, b *bridge) {
	t.Helper()
	name, group := topic(t, r), fresh("group")
	want(t, b.post("/topics/"+name, asJSON, `{"records":[{"key":"a","value":{"n":1}},{"value":"two"}]}`), 200,
		`{"offsets":[{"partition":0,"offset":0},{"partition":0,"offset":1}]}`)
	b.consumer(group, `,"enable.auto.commit":false`, name)
	got := b.poll(group)
	want(t, got, 200, `"key":"a","value":{"n":1},"partition":0,"offset":0,"timestamp":`)
	want(t, got, 200, `"key":null,"value":"two","partition":0,"offset":1,"timestamp":`)
	want(t, b.post("/consumers/"+group+"/instances/c/offsets", "", ""), 204, "")
	if at := committed(t, r, group, name); at != 2 {
		t.Errorf("committed offset %d", at)
	}
	want(t, b.remove(group), 204, "")
	want(t, b.poll(group), 404, "The specified consumer instance was not found.")
}

// committed is a group's offset of partition 0 of a topic, -1 without one.
func committed(t *testing.T, r *kafkarig.Rig, group, topic string) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	offsets, err := kadm.NewClient(r.Client(t)).FetchOffsets(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	if o, ok := offsets.Lookup(topic, 0); ok {
		return o.At
	}
	return -1
}

func TestKafkaWaysIn(t *testing.T) {
	r := sharedRig(t)
	for _, w := range all(t, r) {
		t.Run(w.name, func(t *testing.T) { article(t, r, start(t, w.at(r)...)) })
	}
}

// tokens is a token endpoint: what it gives is valid for a minute, to a client with the right secret.
func tokens(t *testing.T, subject, id, secret string) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	transcript.secret("client secret", secret)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if user, password, ok := r.BasicAuth(); !ok || user != id || password != secret {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		token := kafkarig.UnsignedToken(subject, time.Now().Add(time.Minute))
		transcript.secret("access token", strings.Split(token, ".")[1])
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "bearer", "expires_in": 60})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/token", asked
}

// oauth are the settings of the two handlers that ask a token endpoint.
func oauth(handler, url, id, secret string) []string {
	options := fmt.Sprintf(`oauth.token.endpoint.uri="%s" oauth.client.id="%s" oauth.client.secret="%s"`, url, id, secret)
	class := "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler"
	if handler == "Kafka" {
		options = fmt.Sprintf(`clientId="%s" clientSecret="%s"`, id, secret)
		class = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
	}
	return []string{
		"kafka.sasl.mechanism=OAUTHBEARER",
		"kafka.sasl.login.callback.handler.class=" + class,
		"kafka.sasl.oauthbearer.token.endpoint.url=" + url,
		"kafka.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " + options + ";",
	}
}

func TestKafkaOAuth(t *testing.T) {
	r := sharedRig(t)
	id, secret := "bridge-client", "s3cret-of-the-client"
	basic := base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
	transcript.secret("basic authentication", basic)
	for _, handler := range []string{"Strimzi", "Kafka"} {
		t.Run(handler, func(t *testing.T) {
			url, asked := tokens(t, kafkarig.AdminUser, id, secret)
			b := start(t, way{"", kafkarig.SCRAM, oauth(handler, url, id, secret)}.at(r)...)
			article(t, r, b)
			if n := asked.Load(); n < 1 || n > 3 {
				t.Errorf("the endpoint was asked %d times by three clients", n)
			}
		})
		t.Run(handler+", wrong secret", func(t *testing.T) {
			url, _ := tokens(t, kafkarig.AdminUser, id, secret)
			wrong := transcript.secret("wrong secret", fmt.Sprintf("%x", sha256.Sum256([]byte(handler))))
			b := start(t, append(way{"", kafkarig.SCRAM, oauth(handler, url, id, wrong)}.at(r), brief...)...)
			got := b.get("/topics")
			want(t, got, 500, `"message":"`+saslClass+": no access token: "+url+" refuses the client (status 401, invalid_client)")
			inTime(t, got)
		})
	}
}
