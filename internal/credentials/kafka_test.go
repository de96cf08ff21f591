package credentials

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/kafka"
)

// properties are what a user writes for the client, taken through package kafka as a start does.
func properties(t *testing.T, bootstrap []string, props map[string]string) kafka.Config {
	t.Helper()
	props["bootstrap.servers"] = bootstrap[0]
	config, findings := kafka.Interpret(kafka.Producer, props)
	for _, f := range findings {
		if f.Level != kafka.Warning {
			t.Fatalf("%s: %s", f.Key, f.Text)
		}
	}
	return config
}

// produced writes one record with the transport and reports how that ended.
func produced(t *testing.T, config kafka.Config, tr *Transport) error {
	t.Helper()
	client, err := kgo.NewClient(append(config.Options(), tr.Options()...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return client.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("v")}).FirstErr()
}

// A record goes to a broker that demands TLS, a client's certificate and a password, by each mechanism.
func TestProduce(t *testing.T) {
	ca := newAuthority(t, "ca")
	own := ca.issue(9)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(serverConfig(ca.issue(1), ca)),
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "alice", userPass), kfake.Superuser("SCRAM-SHA-256", "alice", userPass),
		kfake.Superuser("SCRAM-SHA-512", "alice", userPass))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	const plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	const scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
	open := func(mechanism, module, password string) (kafka.Config, *Transport) {
		config := properties(t, cluster.ListenAddrs(), map[string]string{
			"security.protocol":              "SASL_SSL",
			"ssl.truststore.type":            "PEM",
			"ssl.truststore.certificates":    ca.pem(),
			"ssl.keystore.type":              "PEM",
			"ssl.keystore.certificate.chain": own.chainPEM(),
			"ssl.keystore.key":               own.keyPEM(t, keyPassword),
			"ssl.key.password":               keyPassword,
			"sasl.mechanism":                 mechanism,
			"sasl.jaas.config":               module + ` required username="alice" password="` + password + `";`,
			"delivery.timeout.ms":            "3000",
			"request.timeout.ms":             "2000",
		})
		tr, _ := opened(t, config.Security)
		return config, tr
	}
	for mechanism, module := range map[string]string{"PLAIN": plainModule, "SCRAM-SHA-256": scramModule, "SCRAM-SHA-512": scramModule} {
		config, tr := open(mechanism, module, userPass)
		if err := produced(t, config, tr); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
	}
	// This broker hangs up instead of telling that the password is wrong.
	config, tr := open("PLAIN", plainModule, clientSecret)
	fails(t, produced(t, config, tr), "records have timed out before they were able to be produced")
}

// The options of the login modules are complete, or the start fails with a line that names them.
func TestPasswordErrors(t *testing.T) {
	for name, c := range map[string]struct {
		mechanism string
		options   map[string]string
		want      string
	}{
		"plain user":     {"PLAIN", map[string]string{"password": userPass}, "sasl.jaas.config: option username is missing"},
		"plain password": {"PLAIN", map[string]string{"username": "a"}, "sasl.jaas.config: option password is missing"},
		"scram user":     {"SCRAM-SHA-512", nil, "sasl.jaas.config: option username is missing"},
		"mechanism":      {"GSSAPI", nil, `sasl.mechanism: "GSSAPI" is not supported; PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 and OAUTHBEARER are`},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t)
			_, err := Open(t.Context(), kafka.Security{Protocol: "SASL_PLAINTEXT", SASL: kafka.SASL{Mechanism: c.mechanism, JAAS: kafka.JAAS{Options: c.options}}}, o)
			fails(t, err, c.want)
		})
	}
}
