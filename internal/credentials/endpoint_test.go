package credentials

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// idp is an authorization server as far as its token endpoint goes.
type idp struct {
	*httptest.Server
	mu       sync.Mutex
	requests []asking
	// answer decides; nil: tokens "token-1", "token-2" … of an hour.
	answer func(w http.ResponseWriter, n int)
}

// asking is one request for a token.
type asking struct {
	Authorization, Accept string
	Form                  url.Values
}

// newIDP starts one, with TLS if it is given a certificate.
func newIDP(t *testing.T, own *signed) *idp {
	t.Helper()
	p := &idp{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.Config.ErrorLog = nil
	if own == nil {
		p.Start()
	} else {
		p.TLS = serverConfig(*own, nil)
		p.StartTLS()
	}
	t.Cleanup(p.Close)
	return p
}

func (p *idp) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	p.mu.Lock()
	p.requests = append(p.requests, asking{r.Header.Get("Authorization"), r.Header.Get("Accept"), form})
	n, answer := len(p.requests), p.answer
	p.mu.Unlock()
	if answer == nil {
		answer = grant(time.Hour)
	}
	answer(w, n)
}

// grant answers with opaque tokens, numbered.
func grant(life time.Duration) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, n int) {
		_, _ = fmt.Fprintf(w, `{"access_token":"%s-%d","token_type":"bearer","expires_in":%d}`, tokenSecret, n, int(life.Seconds()))
	}
}

// status answers with a status and an OAuth error that quotes what was sent.
func status(code int, name string) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, _ int) {
		w.WriteHeader(code)
		_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":"%s is wrong"}`, name, clientSecret)
	}
}

func (p *idp) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

func (p *idp) last(t *testing.T) asking {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		t.Fatal("nothing was asked")
	}
	return p.requests[len(p.requests)-1]
}

func (p *idp) answers(answer func(http.ResponseWriter, int)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// bearerSecurity is OAUTHBEARER without encryption, by the handler with these login options.
func bearerSecurity(handler string, o map[string]string) kafka.Security {
	return kafka.Security{Protocol: "SASL_PLAINTEXT", SASL: kafka.SASL{
		Mechanism: "OAUTHBEARER", LoginCallbackHandler: handler,
		JAAS: kafka.JAAS{Module: "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule", Options: o},
	}}
}

// presented returns what a session sends first, taken apart: the token and the extensions.
func presented(ctx context.Context, tr *Transport) (token string, extensions map[string]string, err error) {
	_, first, err := present{tr}.Authenticate(ctx, "broker:9092")
	if err != nil {
		return "", nil, err
	}
	extensions = map[string]string{}
	for _, part := range strings.Split(string(first), "\x01")[1:] {
		if key, value, ok := strings.Cut(part, "="); ok && key != "auth" {
			extensions[key] = value
		} else if ok {
			token = strings.TrimPrefix(value, "Bearer ")
		}
	}
	return token, extensions, nil
}

// What an endpoint can do wrong, told apart: only a refusal is a matter of authentication.
func TestTokenFailures(t *testing.T) {
	p := newIDP(t, nil)
	dead := httptest.NewServer(nil)
	dead.Close()
	redirect := func(w http.ResponseWriter, _ int) {
		w.Header().Set("Location", p.URL+"/elsewhere")
		w.WriteHeader(http.StatusFound)
	}
	text := func(s string) func(http.ResponseWriter, int) {
		return func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, s) }
	}
	for name, c := range map[string]struct {
		url     string
		answer  func(http.ResponseWriter, int)
		failure TokenFailure
		want    string // after the endpoint
	}{
		"unauthorized": {p.URL, status(401, "invalid_client"), TokenRefused, " refuses the client (status 401, invalid_client)"},
		"bad request":  {p.URL, status(400, "invalid_scope"), TokenRefused, " refuses the client (status 400, invalid_scope)"},
		"odd code":     {p.URL, status(403, clientSecret), TokenRefused, " refuses the client (status 403)"},
		"not found":    {p.URL, status(404, ""), TokenBroken, " does not answer as a token endpoint (status 404)"},
		"server error": {p.URL, status(500, ""), TokenBroken, " does not answer as a token endpoint (status 500)"},
		"redirect":     {p.URL, redirect, TokenBroken, " does not answer as a token endpoint (status 302)"},
		"not JSON":     {p.URL, text(tokenSecret), TokenBroken, " does not answer as a token endpoint (status 200): the answer is not a JSON object"},
		"no token":     {p.URL, text(`{"token":"` + tokenSecret + `"}`), TokenBroken, " does not answer as a token endpoint (status 200): the answer holds no access_token"},
		"odd token":    {p.URL, text(`{"access_token":"` + tokenSecret + `\u0001"}`), TokenBroken, " does not answer as a token endpoint (status 200): the access_token holds"},
		"gone":         {dead.URL, nil, TokenUnreachable, " can't be reached: dial tcp "},
	} {
		t.Run(name, func(t *testing.T) {
			p.answers(c.answer)
			tr, _ := opened(t, bearerSecurity(strimziHandler, map[string]string{
				"oauth.token.endpoint.uri": c.url + "/t?key=" + tokenSecret, "oauth.client.id": "me", "oauth.client.secret": clientSecret,
			}))
			_, _, err := presented(t.Context(), tr)
			fails(t, err, "no access token: "+c.url+"/t"+c.want)
			var failure *TokenError
			if !errors.As(err, &failure) || failure.Failure != c.failure {
				t.Errorf("%T", err)
			}
			described := kafka.Describe(fmt.Errorf("dial: %w", err), kafka.Subject{})
			if (described.Kind == kafka.KindAuthentication) != (c.failure == TokenRefused) || described.Message != err.Error() {
				t.Errorf("described as %v %s", described.Kind, described.Prefixed())
			}
		})
	}
}

// The token endpoint has a trust store of its own, exchanged like the others, and a name check of its own.
func TestEndpointTLS(t *testing.T) {
	ca, another := newAuthority(t, "ca"), newAuthority(t, "another")
	own, named := ca.issue(1), ca.issue(2, "idp.example")
	p, misnamed := newIDP(t, &own), newIDP(t, &named)
	base := func(endpoint string, more ...string) kafka.Security {
		o := map[string]string{"oauth.token.endpoint.uri": endpoint, "oauth.client.id": "me", "oauth.client.secret": clientSecret}
		for i := 0; i < len(more); i += 2 {
			o[more[i]] = more[i+1]
		}
		return bearerSecurity(strimziHandler, o)
	}
	path := write(t, "", "trust.pem", another.pem())
	tr, _ := opened(t, base(p.URL, "oauth.ssl.truststore.location", path, "oauth.ssl.truststore.type", "pem"))
	_, _, err := presented(t.Context(), tr)
	fails(t, err, "no access token: "+p.URL+" can't be reached: tls: failed to verify certificate: ")
	if err := os.WriteFile(path, []byte(ca.pem()), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new trust store", func() bool { _, _, err := presented(t.Context(), tr); return err == nil })
	inline := []string{"oauth.ssl.truststore.certificates", ca.pem(), "oauth.ssl.truststore.type", "PEM"}
	tr, _ = opened(t, base(misnamed.URL, inline...))
	_, _, err = presented(t.Context(), tr)
	fails(t, err, "no access token: "+misnamed.URL+" can't be reached: ")
	tr, _ = opened(t, base(misnamed.URL, append(inline, "oauth.ssl.endpoint.identification.algorithm", "")...))
	if _, _, err := presented(t.Context(), tr); err != nil {
		t.Error(err)
	}
}
