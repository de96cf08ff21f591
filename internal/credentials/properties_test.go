package credentials

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What users write in properties arrives: package kafka reads the texts, this package acts on them.
func TestOAuthFromProperties(t *testing.T) {
	ca := newAuthority(t, "ca")
	own := ca.issue(1)
	p := newIDP(t, &own)
	const module = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
	trust := write(t, "", "ca.pem", ca.pem())
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:"+clientSecret))
	for name, c := range map[string]struct {
		props map[string]string
		want  *asking // nil: the endpoint is not asked
	}{
		"strimzi": {
			map[string]string{
				"sasl.login.callback.handler.class": strimziHandler,
				"sasl.jaas.config": module + `oauth.client.id="me" oauth.client.secret="` + clientSecret + `" oauth.token.endpoint.uri="` + p.URL +
					`" oauth.ssl.truststore.location="` + trust + `" oauth.ssl.truststore.type="PEM" oauth.scope="s";`,
			},
			&asking{header, "application/json", url.Values{"grant_type": {"client_credentials"}, "scope": {"s"}}},
		},
		"kafka": {
			map[string]string{
				"sasl.login.callback.handler.class":                 "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
				"sasl.oauthbearer.token.endpoint.url":               p.URL,
				"sasl.oauthbearer.client.credentials.client.id":     "me",
				"sasl.oauthbearer.client.credentials.client.secret": clientSecret,
				"sasl.jaas.config":                                  module + `ssl.truststore.location="` + trust + `" ssl.truststore.type="PEM";`,
			},
			&asking{header, "application/json", url.Values{"grant_type": {"client_credentials"}}},
		},
		"kafka, older": {
			map[string]string{
				"sasl.login.callback.handler.class":   "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
				"sasl.oauthbearer.token.endpoint.url": p.URL,
				"sasl.jaas.config": module + `clientId="me" clientSecret="` + clientSecret + `" scope="s" ssl.truststore.location="` + trust +
					`" ssl.truststore.type="PEM";`,
			},
			&asking{header, "application/json", url.Values{"grant_type": {"client_credentials"}, "scope": {"s"}}},
		},
		"unsecured": {map[string]string{"sasl.jaas.config": module + `unsecuredLoginStringClaim_sub="alice";`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.props["security.protocol"], c.props["sasl.mechanism"] = "SASL_PLAINTEXT", "OAUTHBEARER"
			before := p.count()
			tr, _ := opened(t, properties(t, []string{"127.0.0.1:9092"}, c.props).Security)
			token, _, err := presented(t.Context(), tr)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == nil {
				if p.count() != before || strings.Count(token, ".") != 2 {
					t.Errorf("%d requests, token %q", p.count()-before, token)
				}
				return
			}
			if diff := cmp.Diff(*c.want, p.last(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
