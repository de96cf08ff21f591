package model

import (
	"fmt"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// kafka settles where Kafka is, whom the bridge believes and who it says it is. Credentials are files of mounted Secrets,
// which the kubelet exchanges and the bridge reads again; no value of a Secret is ever among the settings.
func (b *bridgeBuilder) kafka() {
	b.set("kafka.bootstrap.servers", strings.TrimSpace(b.spec.BootstrapServers), "spec.bootstrapServers")
	if strings.TrimSpace(b.spec.BootstrapServers) == "" {
		b.Invalid("spec.bootstrapServers", "is missing: host:port of one broker or more, separated by commas")
	}
	protocol := "PLAINTEXT"
	if tls := b.spec.TLS; tls != nil {
		protocol = "SSL"
		const field = "spec.tls.trustedCertificates"
		if location := b.trust(tls.TrustedCertificates, field, names.DirTrusted, names.VolumeTrusted); location != "" {
			b.set("kafka.ssl.truststore.type", "PEM", field)
			b.set("kafka.ssl.truststore.location", location, field)
		}
	}
	if b.spec.Authentication != nil && b.authentication(*b.spec.Authentication) {
		protocol = map[string]string{"PLAINTEXT": "SASL_PLAINTEXT", "SSL": "SASL_SSL"}[protocol]
	}
	b.set("kafka.security.protocol", protocol, "")
}

// trust mounts certificates, one directory for each entry, and returns the location of the trust store that they make up:
// paths and globs with commas between them. A Secret that is taken by a glob is mounted whole.
func (b *bridgeBuilder) trust(certificates []v1.CertSecretSource, field, dir, volume string) string {
	var locations []string
	for i, c := range certificates {
		at := fmt.Sprintf("%s[%d]", field, i)
		v := Volume{Name: volume + decimal(i), Path: path.Join(dir, decimal(i))}
		switch {
		case (c.Certificate == "") == (c.Pattern == ""):
			b.Invalid(at, "set either certificate (one key of the Secret) or pattern (a glob over its keys, such as *.crt)")
			continue
		case c.Certificate != "":
			b.secretKey(at+".certificate", c.Certificate)
			v.Sources = []Source{{Secret: c.SecretName, Items: []Item{{Key: c.Certificate, File: c.Certificate}}}}
			locations = append(locations, path.Join(v.Path, c.Certificate))
		default:
			if _, err := path.Match(c.Pattern, ""); err != nil || strings.ContainsAny(c.Pattern, "/,\\ ") {
				b.Invalid(at+".pattern", "%q is not a glob over keys of a Secret, such as *.crt", c.Pattern)
			}
			v.Sources = []Source{{Secret: c.SecretName}}
			locations = append(locations, v.Path+"/"+c.Pattern)
		}
		b.secretName(at+".secretName", c.SecretName)
		b.out.Volumes = append(b.out.Volumes, v)
	}
	return strings.Join(locations, ",")
}

// authentication takes what the bridge authenticates with, and reports whether that is SASL.
func (b *bridgeBuilder) authentication(a v1.ClientAuthentication) (sasl bool) {
	const field = "spec.authentication"
	switch a.Type {
	case v1.AuthenticationTLS:
		b.certificate(a)
		return false
	case v1.AuthenticationScramSHA256, v1.AuthenticationScramSHA512:
		b.password(a, strings.ToUpper(a.Type), "org.apache.kafka.common.security.scram.ScramLoginModule")
	case v1.AuthenticationPlain:
		b.password(a, "PLAIN", "org.apache.kafka.common.security.plain.PlainLoginModule")
	case v1.AuthenticationOAuth:
		b.Warn(ReasonDeprecatedFields, "spec.authentication.type oauth is deprecated: type custom says the same with Kafka's own settings")
		b.oauth(a)
	case v1.AuthenticationCustom:
		b.custom(a)
		return a.SASL != nil && *a.SASL
	case "":
		b.Invalid(field+".type", "is missing: tls, scram-sha-512, scram-sha-256, plain or custom")
	default:
		b.Invalid(field+".type", "%q is not one of tls, scram-sha-512, scram-sha-256, plain and custom", a.Type)
	}
	return true
}

// certificate is the client's own. Without TLS nobody would ask for it.
func (b *bridgeBuilder) certificate(a v1.ClientAuthentication) {
	const field = "spec.authentication.certificateAndKey"
	c := a.CertificateAndKey
	if c == nil {
		b.Invalid(field, "is missing: authentication of type tls needs a Secret with certificate and key")
		return
	}
	b.certificateAndKey(field, *c)
	if b.spec.TLS == nil {
		b.NoEffect("spec.authentication of type tls", "the connection is not encrypted; set spec.tls")
		return
	}
	b.authVolume(Source{Secret: c.SecretName, Items: itemsOf(c.Certificate, c.Key)})
	b.set("kafka.ssl.keystore.type", "PEM", field)
	b.set("kafka.ssl.keystore.certificate.chain", authReference(c.Certificate), field)
	b.set("kafka.ssl.keystore.key", authReference(c.Key), field)
}

// password is a user's name with a password from a Secret. The password is a reference that the bridge resolves, and it
// quotes what it puts into the login module's text, so that no character of a password needs care here.
func (b *bridgeBuilder) password(a v1.ClientAuthentication, mechanism, module string) {
	const field = "spec.authentication"
	if a.Username == "" {
		b.Invalid(field+".username", "is missing: authentication of type %s needs it", a.Type)
	}
	if a.PasswordSecret == nil {
		b.Invalid(field+".passwordSecret", "is missing: authentication of type %s needs a Secret with the password", a.Type)
		return
	}
	p := *a.PasswordSecret
	b.secretName(field+".passwordSecret.secretName", p.SecretName)
	b.secretKey(field+".passwordSecret.password", p.Password)
	b.authVolume(Source{Secret: p.SecretName, Items: itemsOf(p.Password)})
	b.set("kafka.sasl.mechanism", mechanism, field)
	b.set("kafka.sasl.jaas.config", jaas(module, []option{
		{"username", a.Username}, {"password", authReference(p.Password)},
	}), field)
}

// custom passes Kafka's own settings of SASL and of the key store on, as the reference operator does.
func (b *bridgeBuilder) custom(a v1.ClientAuthentication) {
	const field = "spec.authentication.config"
	for _, entry := range b.FreeForm(field, a.Config) {
		if !HasPrefix(entry.Key, "sasl.", "ssl.keystore.") {
			b.Warn(ReasonForbiddenFields, "%s: %s is left out: only settings that begin with sasl. or ssl.keystore. can be set here", field, entry.Key)
			continue
		}
		b.set("kafka."+entry.Key, entry.Value, field+"."+entry.Key)
	}
}

// option is one option of a login module.
type option struct{ name, value string }

// jaas writes sasl.jaas.config: the login module with its options, quoted as Java's StreamTokenizer reads them.
func jaas(module string, options []option) string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`)
	var out strings.Builder
	out.WriteString(module + " required")
	for _, o := range options {
		fmt.Fprintf(&out, ` %s="%s"`, o.name, quote.Replace(o.value))
	}
	return out.String() + ";"
}

// authVolume adds a Secret to the directory of what the bridge authenticates with.
func (b *bridgeBuilder) authVolume(s Source) {
	for i := range b.out.Volumes {
		if v := &b.out.Volumes[i]; v.Name == names.VolumeAuth {
			v.Sources = append(v.Sources, s)
			return
		}
	}
	b.out.Volumes = append(b.out.Volumes, Volume{Name: names.VolumeAuth, Path: names.DirAuth, Sources: []Source{s}})
}

// authReference is the reference to a file of that directory, for settings of Kafka clients.
func authReference(file string) string {
	return "${" + names.AliasDirectory + ":" + names.DirAuth + ":" + file + "}"
}

// authFile is the path of such a file, for settings that take one.
func authFile(file string) string { return path.Join(names.DirAuth, file) }

// itemsOf is keys as files of the same names, each once.
func itemsOf(keys ...string) []Item {
	var items []Item
	for i, key := range keys {
		if i == 0 || key != keys[0] {
			items = append(items, Item{Key: key, File: key})
		}
	}
	return items
}

// certificateAndKey checks the names of a certificate and its key.
func (b *bridgeBuilder) certificateAndKey(field string, c v1.CertAndKeySecretSource) {
	b.secretName(field+".secretName", c.SecretName)
	b.secretKey(field+".certificate", c.Certificate)
	b.secretKey(field+".key", c.Key)
}

// secretName refuses what the API server would refuse in the pod, where the message names a field that the user never wrote.
func (b *bridgeBuilder) secretName(field, name string) {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		b.Invalid(field, "%q is not a name of a Secret", name)
	}
}

// secretKey does the same for a key; the key becomes the name of a file, so that a slash in it would leave the directory.
func (b *bridgeBuilder) secretKey(field, key string) {
	if len(validation.IsConfigMapKey(key)) > 0 {
		b.Invalid(field, "%q is not a key of a Secret", key)
	}
}
