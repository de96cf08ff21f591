//go:build kafka

package realkafka

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// These are the settings of an injected bridge: one environment variable without secrets, and Secrets mounted as files.

// mounted starts a bridge whose settings are one text, with a provider for what is below dir.
func mounted(t *testing.T, r *kafkarig.Rig, l kafkarig.Listener, dir string, lines ...string) *bridge {
	t.Helper()
	lines = append([]string{
		"kafka.bootstrap.servers=" + r.Bootstrap(l),
		"kafka.config.providers=dir",
		"kafka.config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider",
		"kafka.config.providers.dir.param.allowed.paths=" + dir,
	}, append(lines, brief...)...)
	return launch{env: []string{"STEG_PROPERTIES=" + strings.Join(lines, "\n")}}.start(t)
}

// A client certificate, its key and the authority are exchanged while requests run: another subject, which may read, and a
// further authority in a Secret of its own.
func TestKafkaMountedCertificate(t *testing.T) {
	r := sharedRig(t)
	dir, name := t.TempDir(), topic(t, r)
	for _, principal := range []string{"CN=mounted-before", "CN=mounted-after"} {
		r.Allow(t, principal, kafkarig.Resource{Topic: name}, kadm.OpWrite, kadm.OpRead)
	}
	r.Allow(t, "CN=mounted-after", kafkarig.Resource{Group: "group-", Prefix: true}, kadm.OpRead)
	user := func(common string) map[string][]byte {
		pair, err := r.CA.Issue(pki.Subject{CommonName: common})
		if err != nil {
			t.Fatal(err)
		}
		return map[string][]byte{"user.crt": pair.CertPEM, "user.key": []byte(transcript.secret("key of "+common, string(pair.KeyPEM)))}
	}
	other, err := pki.NewCA("other-ca")
	if err != nil {
		t.Fatal(err)
	}
	auth, one, all := filepath.Join(dir, "auth"), filepath.Join(dir, "trusted", "0"), filepath.Join(dir, "trusted", "1")
	volume(t, auth, "1", user("mounted-before"))
	volume(t, one, "1", map[string][]byte{"ca.crt": other.PEM})
	volume(t, all, "1", map[string][]byte{"a.crt": r.CA.PEM, "b.crt": other.PEM})
	b := mounted(t, r, kafkarig.MTLS, dir,
		"kafka.security.protocol=SSL",
		"kafka.ssl.truststore.type=PEM",
		"kafka.ssl.truststore.location="+filepath.Join(one, "ca.crt")+","+filepath.Join(all, "*.crt"),
		"kafka.ssl.keystore.type=PEM",
		"kafka.ssl.keystore.certificate.chain=${dir:"+auth+":user.crt}",
		"kafka.ssl.keystore.key=${dir:"+auth+":user.key}")
	acknowledged, stop := b.load(name)
	b.more(acknowledged)
	want(t, b.readable(name), 500, groupClass)

	volume(t, auth, "2", user("mounted-after"))
	b.wait("the new certificate", func() bool { return b.readable(name).status == 200 })
	b.more(acknowledged)

	volume(t, one, "2", map[string][]byte{"ca.crt": r.CA.PEM})
	volume(t, all, "2", map[string][]byte{"a.crt": other.PEM, "b.crt": other.PEM})
	b.wait("the authorities that have changed places", func() bool {
		return strings.Count(b.out.String(), "material=\"kafka tls\"") >= 3 // of each client once
	})
	want(t, b.readable(name), 200, `"value":`)
	b.more(acknowledged)
	stop()
}

// A password is changed at the brokers and then in the Secret while requests run.
func TestKafkaMountedPassword(t *testing.T) {
	r := sharedRig(t)
	dir, name := t.TempDir(), topic(t, r)
	const user = "mounted"
	r.Allow(t, user, kafkarig.Resource{Topic: name}, kadm.OpWrite, kadm.OpRead)
	r.Allow(t, user, kafkarig.Resource{Group: "group-", Prefix: true}, kadm.OpRead)
	set := func(password string) {
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		defer cancel()
		answers, err := kadm.NewClient(r.Client(t)).AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{
			{User: user, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: transcript.secret("password", password)},
		})
		if err == nil {
			err = answers.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const first, second = "f1rst-password-of-mounted", "sec0nd-password-of-mounted"
	set(first)
	volume(t, dir, "1", map[string][]byte{"password": []byte(first)})
	b := mounted(t, r, kafkarig.SCRAM, dir,
		"kafka.security.protocol=SASL_PLAINTEXT",
		"kafka.sasl.mechanism=SCRAM-SHA-512",
		`kafka.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="`+user+`" password="${dir:`+dir+`:password}";`)
	acknowledged, stop := b.load(name)
	b.more(acknowledged)
	b.wait("a read", func() bool { return b.readable(name).status == 200 })

	set(second)
	b.wait("the broker to know the new password", func() bool { return b.readable(name).status != 200 })
	b.more(acknowledged) // the connections that are open go on
	volume(t, dir, "2", map[string][]byte{"password": []byte(second)})
	b.wait("the new password", func() bool { return b.readable(name).status == 200 })
	b.more(acknowledged)
	stop()
}
