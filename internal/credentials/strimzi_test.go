package credentials

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const strimziHandler = "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler"

// Each of Strimzi's ways to log in, by what the endpoint is sent.
func TestStrimziGrants(t *testing.T) {
	p := newIDP(t, nil)
	const header = "Basic "
	file := func(content string) string { return write(t, "", "f", content+"\n") }
	assertionType := "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	for name, c := range map[string]struct {
		options map[string]string
		auth    string
		form    url.Values
	}{
		"client secret": {
			map[string]string{"oauth.client.id": "me", "oauth.client.secret": clientSecret},
			"me:" + clientSecret,
			url.Values{"grant_type": {"client_credentials"}},
		},
		"scope and audience": {
			map[string]string{"oauth.client.id": "me", "oauth.client.secret": clientSecret, "oauth.scope": "a b", "oauth.audience": "kafka"},
			"me:" + clientSecret,
			url.Values{"grant_type": {"client_credentials"}, "scope": {"a b"}, "audience": {"kafka"}},
		},
		"encoded": {
			map[string]string{"oauth.client.id": "m:e", "oauth.client.secret": "a%b+c d"},
			"m%3Ae:a%25b%2Bc+d",
			url.Values{"grant_type": {"client_credentials"}},
		},
		"grant type": {
			map[string]string{"oauth.client.id": "me", "oauth.client.secret": clientSecret, "oauth.client.credentials.grant.type": "x:y"},
			"me:" + clientSecret,
			url.Values{"grant_type": {"x:y"}},
		},
		"secret file": {
			map[string]string{"oauth.client.id": "me", "oauth.client.secret.location": file(clientSecret)},
			"me:" + clientSecret,
			url.Values{"grant_type": {"client_credentials"}},
		},
		"refresh token": {
			map[string]string{"oauth.client.id": "me", "oauth.refresh.token": refreshSecret},
			"",
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshSecret}, "client_id": {"me"}},
		},
		"refresh token file with a secret": {
			map[string]string{"oauth.client.id": "me", "oauth.refresh.token.location": file(refreshSecret), "oauth.client.secret": clientSecret},
			"me:" + clientSecret,
			url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshSecret}, "client_id": {"me"}},
		},
		"password": {
			map[string]string{"oauth.client.id": "me", "oauth.password.grant.username": "alice", "oauth.password.grant.password": userPass},
			"me:",
			url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {userPass}},
		},
		"assertion": {
			map[string]string{"oauth.client.id": "me", "oauth.client.assertion": tokenSecret},
			"",
			url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"me"}, "client_assertion": {tokenSecret}, "client_assertion_type": {assertionType},
			},
		},
		"assertion of a service account": {
			map[string]string{"oauth.client.id": "me", "oauth.client.assertion.location": file(tokenSecret), "oauth.client.assertion.type": "t"},
			"",
			url.Values{"grant_type": {"client_credentials"}, "client_id": {"me"}, "client_assertion": {tokenSecret}, "client_assertion_type": {"t"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.options["oauth.token.endpoint.uri"] = p.URL + "/token"
			tr, _ := opened(t, bearerSecurity(strimziHandler, c.options))
			token, _, err := presented(t.Context(), tr)
			if err != nil || token != fmt.Sprintf("%s-%d", tokenSecret, p.count()) {
				t.Fatalf("token %q, %v", token, err)
			}
			got := p.last(t)
			if c.auth != "" {
				c.auth = header + base64.StdEncoding.EncodeToString([]byte(c.auth))
			}
			if diff := cmp.Diff(asking{c.auth, "application/json", c.form}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The environment wins over the login module's options, in both spellings, and only the environment that is given.
func TestStrimziEnvironment(t *testing.T) {
	p := newIDP(t, nil)
	t.Setenv("OAUTH_CLIENT_ID", "from the process")
	env := map[string]string{"OAUTH_CLIENT_SECRET": clientSecret, "oauth.scope": "literal", "OAUTH_INCLUDE_ACCEPT_HEADER": "No"}
	o, _ := options(t)
	o.LookupEnv = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	tr := openedWith(t, bearerSecurity(strimziHandler, map[string]string{
		"oauth.token.endpoint.uri": p.URL, "oauth.client.id": "jaas", "oauth.client.secret": "of jaas", "oauth.scope": "of jaas",
	}), o)
	if _, _, err := presented(t.Context(), tr); err != nil {
		t.Fatal(err)
	}
	want := asking{basic("jaas", clientSecret, true), "", url.Values{"grant_type": {"client_credentials"}, "scope": {"literal"}}}
	if diff := cmp.Diff(want, p.last(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Tokens that are at hand are sent as they are; a file is read for every session.
func TestStrimziAccessToken(t *testing.T) {
	tr, _ := opened(t, bearerSecurity(strimziHandler, map[string]string{
		"oauth.access.token": tokenSecret, "oauth.sasl.extension.traceId": "a b", "oauth.sasl.extension.X": "1",
	}))
	token, extensions, err := presented(t.Context(), tr)
	if err != nil || token != tokenSecret {
		t.Errorf("%q, %v", token, err)
	}
	if diff := cmp.Diff(map[string]string{"traceId": "a b", "X": "1"}, extensions); diff != "" {
		t.Errorf("extensions (-want +got):\n%s", diff)
	}
	path := write(t, "", "token", "first\n")
	tr, _ = opened(t, bearerSecurity(strimziHandler, map[string]string{"oauth.access.token.location": path, "oauth.access.token": "ignored"}))
	for _, want := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if token, _, err := presented(t.Context(), tr); err != nil || token != want {
			t.Errorf("%q, %v; want %q", token, err, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, _, err = presented(t.Context(), tr)
	fails(t, err, "no access token: oauth.access.token.location: "+path+": no such file or directory")
}

func TestOAuthOpenErrors(t *testing.T) {
	const uri = "oauth.token.endpoint.uri"
	good := map[string]string{uri: "http://127.0.0.1:1", "oauth.client.id": "me", "oauth.client.secret": clientSecret}
	with := func(pairs ...string) map[string]string {
		out := map[string]string{}
		for k, v := range good {
			out[k] = v
		}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i]] = pairs[i+1]
		}
		return out
	}
	const kafkaHandler = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
	for name, c := range map[string]struct {
		handler string
		options map[string]string
		want    string
	}{
		"handler":          {"com.example.Handler", nil, "sasl.login.callback.handler.class: com.example.Handler is a Java class that has no counterpart here; "},
		"no endpoint":      {strimziHandler, with(uri, ""), "sasl.jaas.config: oauth.token.endpoint.uri is missing (or oauth.access.token)"},
		"no id":            {strimziHandler, with("oauth.client.id", ""), "sasl.jaas.config: oauth.client.id is missing (or oauth.access.token)"},
		"nothing":          {strimziHandler, with("oauth.client.secret", ""), "sasl.jaas.config: nothing to log in with: "},
		"no password":      {strimziHandler, with("oauth.password.grant.username", "a"), "sasl.jaas.config: oauth.password.grant.username needs oauth.password.grant.password"},
		"bad uri":          {strimziHandler, with(uri, "ftp://"+tokenSecret), "sasl.jaas.config: oauth.token.endpoint.uri: is not an http or https URL"},
		"bad number":       {strimziHandler, with("oauth.http.retries", "-1"), "sasl.jaas.config: oauth.http.retries is not a number of at least 0"},
		"bad flag":         {strimziHandler, with("oauth.access.token.is.jwt", tokenSecret), "sasl.jaas.config: oauth.access.token.is.jwt is neither true nor false"},
		"short expiry":     {strimziHandler, with("oauth.max.token.expiry.seconds", "59"), "sasl.jaas.config: oauth.max.token.expiry.seconds is less than 60"},
		"extension":        {strimziHandler, with("oauth.sasl.extension.auth", "x"), "sasl.jaas.config: option oauth.sasl.extension.auth is not a possible SASL extension"},
		"extension name":   {strimziHandler, with("oauth.sasl.extension.a1", "x"), "sasl.jaas.config: option oauth.sasl.extension.a1 is not a possible SASL extension"},
		"extension value":  {strimziHandler, with("oauth.sasl.extension.a", "\x01"), "sasl.jaas.config: the value of option oauth.sasl.extension.a is not possible"},
		"trust":            {strimziHandler, with(uri, "https://x", "oauth.ssl.truststore.location", "/none/t.p12"), "sasl.jaas.config: oauth.ssl.truststore.location: /none/t.p12: no such file or directory"},
		"kafka endpoint":   {kafkaHandler, nil, "sasl.oauthbearer.token.endpoint.url: is missing"},
		"unsecured":        {"", nil, "sasl.jaas.config: option unsecuredLoginStringClaim_sub is missing (the default login of OAUTHBEARER makes unsecured tokens; for a token endpoint set sasl.login.callback.handler.class)"},
		"unsecured life":   {"", map[string]string{"unsecuredLoginStringClaim_sub": "a", "unsecuredLoginLifetimeSeconds": "x"}, "sasl.jaas.config: option unsecuredLoginLifetimeSeconds is not a number"},
		"unsecured number": {"", map[string]string{"unsecuredLoginNumberClaim_n": "x"}, "sasl.jaas.config: option unsecuredLoginNumberClaim_n is not a number"},
		"unsecured claim":  {"", map[string]string{"unsecuredLoginStringClaim_exp": "1"}, "sasl.jaas.config: claim exp can't be set"},
	} {
		t.Run(name, func(t *testing.T) {
			o, _ := options(t)
			_, err := Open(t.Context(), bearerSecurity(c.handler, c.options), o)
			fails(t, err, c.want)
		})
	}
}

// An endpoint that fails at first is asked again as often as oauth.http.retries says; a refusal is final.
func TestStrimziRetries(t *testing.T) {
	p := newIDP(t, nil)
	open := func() *Transport {
		tr, _ := opened(t, bearerSecurity(strimziHandler, map[string]string{
			"oauth.token.endpoint.uri": p.URL, "oauth.client.id": "me", "oauth.client.secret": clientSecret,
			"oauth.http.retries": "2", "oauth.http.retry.pause.millis": "1",
		}))
		return tr
	}
	p.answers(func(w http.ResponseWriter, n int) {
		if n < 3 {
			status(502, "")(w, n)
			return
		}
		grant(time.Hour)(w, n)
	})
	if _, _, err := presented(t.Context(), open()); err != nil || p.count() != 3 {
		t.Errorf("%d requests, %v", p.count(), err)
	}
	p.answers(status(502, ""))
	_, _, err := presented(t.Context(), open())
	fails(t, err, "no access token: ")
	if p.count() != 6 {
		t.Errorf("%d requests", p.count())
	}
	p.answers(status(401, "invalid_client"))
	_, _, err = presented(t.Context(), open())
	fails(t, err, "no access token: ")
	if p.count() != 7 {
		t.Errorf("%d requests", p.count())
	}
}
