package credentials

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// clock is a settable time.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// A token is asked for once and kept for most of its life; its successor is asked for before it ends.
func TestTokenIsKept(t *testing.T) {
	p, c := newIDP(t, nil), newClock()
	o, _ := options(t)
	o.Now = c.now
	security := bearerSecurity(strimziHandler, map[string]string{
		"oauth.token.endpoint.uri": p.URL, "oauth.client.id": "me", "oauth.client.secret": clientSecret,
	})
	security.SASL.RefreshWindow = kafka.RefreshWindow{Factor: 0.8, MinPeriod: time.Minute, Buffer: 5 * time.Minute}
	tr := openedWith(t, security, o)
	for _, step := range []struct {
		after    time.Duration
		requests int
	}{{0, 1}, {time.Minute, 1}, {46 * time.Minute, 1}, {2 * time.Minute, 2}, {time.Minute, 2}} {
		c.pass(step.after)
		token, _, err := presented(t.Context(), tr)
		if err != nil || token != fmt.Sprintf("%s-%d", tokenSecret, step.requests) || p.count() != step.requests {
			t.Fatalf("at %v: %q, %d requests, %v", c.now(), token, p.count(), err)
		}
	}
}

// A due renewal that fails costs nothing while the old token counts; when that has ended, the failure is told.
func TestRenewalFails(t *testing.T) {
	p, c := newIDP(t, nil), newClock()
	o, log := options(t)
	o.Now = c.now
	tr := openedWith(t, bearerSecurity(strimziHandler, map[string]string{
		"oauth.token.endpoint.uri": p.URL, "oauth.client.id": "me", "oauth.client.secret": clientSecret,
	}), o)
	if _, _, err := presented(t.Context(), tr); err != nil {
		t.Fatal(err)
	}
	p.answers(status(503, ""))
	c.pass(58 * time.Minute)
	for range 3 { // within the pause of one failure
		if token, _, err := presented(t.Context(), tr); err != nil || token != tokenSecret+"-1" {
			t.Fatalf("%q, %v", token, err)
		}
	}
	if p.count() != 2 || !strings.Contains(log.String(), "no new access token") {
		t.Errorf("%d requests, log %s", p.count(), log.String())
	}
	c.pass(3 * time.Minute)
	for range 3 {
		_, _, err := presented(t.Context(), tr)
		fails(t, err, "no access token: "+p.URL+" does not answer as a token endpoint (status 503)")
	}
	if p.count() != 3 {
		t.Errorf("%d requests: failures are not spaced", p.count())
	}
	p.answers(nil)
	c.pass(2 * failurePause)
	if token, _, err := presented(t.Context(), tr); err != nil || token != tokenSecret+"-4" {
		t.Errorf("%q, %v", token, err)
	}
}

// Many sessions that start at once share one request, and one that gives up takes nothing from the others.
func TestOneRequestAtATime(t *testing.T) {
	p := newIDP(t, nil)
	release := make(chan struct{})
	p.answers(func(w http.ResponseWriter, n int) {
		<-release
		grant(time.Hour)(w, n)
	})
	tr, _ := opened(t, bearerSecurity(strimziHandler, map[string]string{
		"oauth.token.endpoint.uri": p.URL, "oauth.client.id": "me", "oauth.client.secret": clientSecret,
	}))
	gone, leave := context.WithCancel(t.Context())
	results := make(chan error)
	for range 8 {
		go func() { _, _, err := presented(t.Context(), tr); results <- err }()
	}
	go func() { _, _, err := presented(gone, tr); results <- err }()
	eventually(t, "a request", func() bool { return p.count() == 1 })
	leave()
	if err := <-results; !errors.Is(err, context.Canceled) {
		t.Errorf("the session that left: %v", err)
	}
	close(release)
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	if p.count() != 1 {
		t.Errorf("%d requests", p.count())
	}
}

// Close ends a request that runs: nothing is left behind (goleak), and who waits is told.
func TestCloseEndsARequest(t *testing.T) {
	p := newIDP(t, nil)
	release := make(chan struct{})
	defer close(release)
	p.answers(func(http.ResponseWriter, int) { <-release })
	o, _ := options(t)
	tr, err := Open(t.Context(), bearerSecurity(strimziHandler, map[string]string{
		"oauth.token.endpoint.uri": p.URL, "oauth.client.id": "me", "oauth.client.secret": clientSecret,
	}), o)
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error)
	go func() { _, _, err := presented(t.Context(), tr); result <- err }()
	eventually(t, "a request", func() bool { return p.count() == 1 })
	tr.Close()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_, _, err = presented(t.Context(), tr)
	if err == nil {
		t.Error("a token after the end")
	}
}

func TestRenewal(t *testing.T) {
	now := newClock().now()
	window := kafka.RefreshWindow{Factor: 0.8, Jitter: 0.05, MinPeriod: time.Minute, Buffer: 5 * time.Minute}
	for _, c := range []struct {
		name         string
		issued, ends time.Duration // from now
		roll         float64
		want         time.Duration
	}{
		{"an hour", 0, time.Hour, 0, 48 * time.Minute},
		{"an hour, latest roll", 0, time.Hour, 1, 51 * time.Minute},
		{"kept from the end", 0, 20 * time.Minute, 0, 15 * time.Minute},
		{"kept from now", -50 * time.Minute, 10 * time.Minute, 0, time.Minute},
		{"too short for that", 0, 5 * time.Minute, 0, 4 * time.Minute},
	} {
		got := renewal(token{issued: now.Add(c.issued), expires: now.Add(c.ends)}, now, window, c.roll)
		if got.Sub(now).Round(time.Second) != c.want {
			t.Errorf("%s: %v, want %v", c.name, got.Sub(now), c.want)
		}
	}
}

// The end of a token is that of the JWT if it is one; Strimzi's bound shortens it.
func TestTokenEnds(t *testing.T) {
	now := newClock().now()
	jwt := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".x"
	}
	stamp := fmt.Sprintf(`{"iat":%d,"exp":%d.5}`, now.Unix(), now.Unix()+1000)
	for name, c := range map[string]struct {
		value   string
		isJWT   bool
		longest time.Duration
		want    time.Duration
	}{
		"jwt":          {jwt(stamp), true, 0, 1000500 * time.Millisecond},
		"opaque":       {"abc", true, 0, 3 * time.Hour},
		"not as a jwt": {jwt(stamp), false, 0, 3 * time.Hour},
		"no end":       {jwt(`{"iat":1}`), true, 0, 3 * time.Hour},
		"not JSON":     {jwt(`{`), true, 0, 3 * time.Hour},
		"nonsense":     {jwt(`{"exp":1e300}`), true, 0, 3 * time.Hour},
		"bounded":      {jwt(stamp), true, time.Minute, time.Minute},
	} {
		s := &strimzi{isJWT: c.isJWT, longest: c.longest, now: func() time.Time { return now }}
		got := s.dated(token{value: c.value, issued: now, expires: now.Add(3 * time.Hour)})
		if got.expires.Sub(now) != c.want {
			t.Errorf("%s: %v, want %v", name, got.expires.Sub(now), c.want)
		}
	}
}

func FuzzClaims(f *testing.F) {
	for _, seed := range []string{"a.b.c", "e30.e30.", "..", "e30.eyJleHAiOjF9.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, jwt string) {
		issued, expires := claims(jwt)
		for _, at := range []time.Time{issued, expires} {
			if !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
				t.Errorf("%v", at)
			}
		}
	})
}

// The secrets that the log and the errors are searched for are those that the tests use.
func TestSecretsAreDistinct(t *testing.T) {
	all := secrets()
	slices.Sort(all)
	if len(slices.Compact(all)) != len(secrets()) || slices.Contains(all, "") {
		t.Error("a secret twice, or an empty one")
	}
}
