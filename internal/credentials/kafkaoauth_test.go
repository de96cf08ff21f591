package credentials

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Kafka's own handler: client id and secret from its settings or, the older way, from the login options.
func TestKafkaClientCredentials(t *testing.T) {
	ca := newAuthority(t, "ca")
	own := ca.issue(1)
	p := newIDP(t, &own)
	tls := map[string]string{"ssl.truststore.type": "PEM", "ssl.truststore.location": write(t, "", "ca.pem", ca.pem())}
	older := bearerSecurity("org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler", map[string]string{
		"clientId": "m:e", "clientSecret": clientSecret, "scope": " a ", "extension_logicalCluster": "x",
	})
	newer := bearerSecurity("org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler", map[string]string{"clientId": "other"})
	newer.SASL.OAuth = kafka.OAuth{ClientID: "m:e", ClientSecret: clientSecret, Scope: "a", HeaderURLEncode: true}
	for auth, security := range map[string]kafka.Security{"m:e:" + clientSecret: older, "m%3Ae:" + clientSecret: newer} {
		security.SASL.OAuth.TokenEndpointURL = p.URL + "/token"
		for k, v := range tls {
			security.SASL.JAAS.Options[k] = v
		}
		tr, _ := opened(t, security)
		token, extensions, err := presented(t.Context(), tr)
		if err != nil || !strings.HasPrefix(token, tokenSecret) {
			t.Fatalf("%q, %v", token, err)
		}
		want := asking{"Basic " + base64.StdEncoding.EncodeToString([]byte(auth)), "application/json", url.Values{"grant_type": {"client_credentials"}, "scope": {"a"}}}
		if diff := cmp.Diff(want, p.last(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if want := security.SASL.JAAS.Options["extension_logicalCluster"]; extensions["logicalCluster"] != want {
			t.Errorf("extensions %v", extensions)
		}
	}
}

func TestKafkaFileToken(t *testing.T) {
	path := write(t, "", "token", tokenSecret+"\n")
	for _, raw := range []string{"file://" + path, "file:" + path} {
		security := bearerSecurity(handlerKafka, nil)
		security.SASL.OAuth.TokenEndpointURL = raw
		tr, _ := opened(t, security)
		if token, _, err := presented(t.Context(), tr); err != nil || token != tokenSecret {
			t.Errorf("%s: %q, %v", raw, token, err)
		}
	}
	security := bearerSecurity(handlerKafka, nil)
	security.SASL.OAuth.TokenEndpointURL = "file://elsewhere/x"
	o, _ := options(t)
	_, err := Open(t.Context(), security, o)
	fails(t, err, "sasl.oauthbearer.token.endpoint.url: is not the URL of a local file")
}

// Assertions are signed for every token, by RSA and by EC keys, and laid over by a template; ready ones come from a file.
func TestKafkaAssertion(t *testing.T) {
	p, c := newIDP(t, nil), newClock()
	key, curve := rsaKey(t), ecKey(t)
	full := kafka.Assertion{
		PrivateKeyFile: write(t, "", "key", signed{key: key}.keyPEM(t, keyPassword)), PrivateKeyPass: keyPassword, Algorithm: "RS256",
		Audience: "idp", Issuer: "me", Subject: "sub", ExpirySeconds: 300, NotBeforeSeconds: 60, IncludeIdentifier: true,
		TemplateFile: write(t, "", "t.json", `{"header":{"kid":"k1"},"payload":{"sub":"templated","x":[1]}}`),
	}
	ec := kafka.Assertion{PrivateKeyFile: write(t, "", "key", signed{key: curve}.keyPEM(t, "")), Algorithm: "es256", Issuer: "me"}
	ready := kafka.Assertion{File: write(t, "", "ready", tokenSecret+"\n")}
	for _, bearerGrant := range []bool{true, false} {
		for name, a := range map[string]kafka.Assertion{"rsa": full, "ec": ec, "ready": ready} {
			security := bearerSecurity(handlerKafka, nil)
			security.SASL.OAuth = kafka.OAuth{TokenEndpointURL: p.URL, ClientID: "id", ClientSecret: clientSecret, Assertion: a}
			if bearerGrant {
				security.SASL.OAuth.JWTRetriever = "JwtBearerJwtRetriever"
			}
			o, _ := options(t)
			o.Now = c.now
			tr := openedWith(t, security, o)
			if _, _, err := presented(t.Context(), tr); err != nil {
				t.Fatal(err)
			}
			form := p.last(t).Form
			text := form.Get("assertion")
			if !bearerGrant {
				text = form.Get("client_assertion")
			}
			if (form.Get("grant_type") == grantJWTBearer) != bearerGrant || (form.Get("client_id") == "id") == bearerGrant || p.last(t).Authorization != "" {
				t.Errorf("%s: %v", name, form)
			}
			switch name {
			case "ready":
				if text != tokenSecret {
					t.Errorf("%q", text)
				}
			case "rsa":
				checkAssertion(t, text, &key.PublicKey, c.now())
			case "ec":
				if len(decodePart(t, text, 2)) != 64 {
					t.Errorf("signature of %d bytes", len(decodePart(t, text, 2)))
				}
			}
		}
	}
}

func decodePart(t *testing.T, jwt string, n int) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[n])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkAssertion(t *testing.T, jwt string, key *rsa.PublicKey, now time.Time) {
	t.Helper()
	digest := sha256.Sum256([]byte(jwt[:strings.LastIndexByte(jwt, '.')]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], decodePart(t, jwt, 2)); err != nil {
		t.Error(err)
	}
	var header, payload map[string]any
	if err := errors.Join(json.Unmarshal(decodePart(t, jwt, 0), &header), json.Unmarshal(decodePart(t, jwt, 1), &payload)); err != nil {
		t.Fatal(err)
	}
	if id, _ := payload["jti"].(string); len(id) != 36 {
		t.Errorf("jti %q", id)
	}
	delete(payload, "jti")
	at := float64(now.Unix())
	want := map[string]any{"iat": at, "exp": at + 300, "nbf": at - 60, "iss": "me", "aud": "idp", "sub": "templated", "x": []any{1.0}}
	if diff := cmp.Diff(want, payload); diff != "" {
		t.Errorf("payload (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k1"}, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestKafkaOAuthErrors(t *testing.T) {
	ecFile := write(t, "", "key", signed{key: ecKey(t)}.keyPEM(t, ""))
	bad := write(t, "", "t.json", "[]")
	for name, c := range map[string]struct {
		settings kafka.OAuth
		want     string
	}{
		"no id":       {kafka.OAuth{}, "sasl.oauthbearer.client.credentials.client.id: is missing"},
		"no secret":   {kafka.OAuth{ClientID: "a"}, "sasl.oauthbearer.client.credentials.client.secret: is missing"},
		"retriever":   {kafka.OAuth{JWTRetriever: "com.example.R"}, "sasl.oauthbearer.jwt.retriever.class: com.example.R is a Java class that has no counterpart here; "},
		"no key":      {kafka.OAuth{JWTRetriever: "JwtBearerJwtRetriever"}, "sasl.oauthbearer.assertion.private.key.file: is missing"},
		"missing key": {kafka.OAuth{Assertion: kafka.Assertion{Issuer: "i", PrivateKeyFile: "/none/k"}}, "sasl.oauthbearer.assertion.private.key.file: /none/k: no such file or directory"},
		"other key":   {kafka.OAuth{Assertion: kafka.Assertion{Issuer: "i", PrivateKeyFile: ecFile}}, "sasl.oauthbearer.assertion.private.key.file: " + ecFile + ": is not an RSA key, which RS256 needs"},
		"algorithm":   {kafka.OAuth{Assertion: kafka.Assertion{Issuer: "i", PrivateKeyFile: ecFile, Algorithm: "HS256"}}, "sasl.oauthbearer.assertion.private.key.file: " + ecFile + ": can't be used with sasl.oauthbearer.assertion.algorithm HS256"},
		"template":    {kafka.OAuth{Assertion: kafka.Assertion{Issuer: "i", PrivateKeyFile: ecFile, TemplateFile: bad}}, "sasl.oauthbearer.assertion.template.file: " + bad + ": is not a JSON object"},
		"empty ready": {kafka.OAuth{Assertion: kafka.Assertion{File: os.DevNull}}, "no access token: sasl.oauthbearer.assertion.file: " + os.DevNull + ": is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			c.settings.TokenEndpointURL = "http://127.0.0.1:1"
			security := bearerSecurity(handlerKafka, nil)
			security.SASL.OAuth = c.settings
			o, _ := options(t)
			_, err := Open(t.Context(), security, o)
			fails(t, err, c.want)
		})
	}
}

// Kafka's default handler: unsecured tokens with the claims of the options.
func TestUnsecured(t *testing.T) {
	c := newClock()
	o, _ := options(t)
	o.Now = c.now
	tr := openedWith(t, bearerSecurity("", map[string]string{
		"unsecuredLoginStringClaim_sub": `al"ice`, "unsecuredLoginNumberClaim_n": "1.5", "unsecuredLoginListClaim_scope": ",a,b",
		"unsecuredLoginListClaim_none": "", "unsecuredLoginLifetimeSeconds": "60", "unsecuredLoginExtension_x": "y",
	}), o)
	value, extensions, err := presented(t.Context(), tr)
	if err != nil || !strings.HasSuffix(value, ".") || string(decodePart(t, value, 0)) != `{"alg":"none"}` {
		t.Fatalf("%q, %v", value, err)
	}
	var payload map[string]any
	if err := json.Unmarshal(decodePart(t, value, 1), &payload); err != nil {
		t.Fatal(err)
	}
	at := float64(c.now().Unix())
	want := map[string]any{"iat": at, "exp": at + 60, "sub": `al"ice`, "n": 1.5, "scope": []any{"a", "b"}, "none": []any{}}
	if diff := cmp.Diff(want, payload); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if extensions["x"] != "y" {
		t.Errorf("extensions %v", extensions)
	}
}
