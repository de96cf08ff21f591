package credentials

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

const (
	// patience is how long a session waits for a fresh token while the old one would still do.
	patience = 5 * time.Second
	// failurePause is how long an endpoint that failed is left alone; sessions of that time get the same error.
	failurePause = time.Second
	// unknownLifetime is assumed of a token that does not tell its end.
	unknownLifetime = time.Minute
)

// token is an access token with the time in which it counts. A zero expires is unknown.
type token struct {
	value           string
	issued, expires time.Time
}

// tokenSource gives sessions a token: the one at hand, or a new one when that is near its end. One token is asked for at
// a time, however many sessions wait.
type tokenSource struct {
	fetch  func(context.Context) (token, error) // bounded by itself
	now    func() time.Time
	window kafka.RefreshWindow
	log    *slog.Logger

	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex
	held    token
	renewAt time.Time
	failed  error // of the last attempt
	retryAt time.Time
	running *flight // nil: none
	all     sync.WaitGroup
}

// flight is one request for a token.
type flight struct {
	done chan struct{}
	err  error
}

// newTokenSource asks for nothing yet. Ending ctx is like close, without the waiting.
func newTokenSource(ctx context.Context, fetch func(context.Context) (token, error), window kafka.RefreshWindow, o Options) *tokenSource {
	if window == (kafka.RefreshWindow{}) {
		// The defaults of sasl.login.refresh.*.
		window = kafka.RefreshWindow{Factor: 0.8, Jitter: 0.05, MinPeriod: time.Minute, Buffer: 5 * time.Minute}
	}
	s := &tokenSource{fetch: fetch, now: o.Now, window: window, log: o.Logger}
	s.life, s.end = context.WithCancel(ctx)
	return s
}

// get returns a token for one session. It waits for a new one as long as ctx lasts; where the old one still counts, it
// waits only shortly and an endpoint's failure is no error.
func (s *tokenSource) get(ctx context.Context) (string, error) {
	held, usable, f, err := s.next()
	if f == nil {
		return held, err
	}
	var enough <-chan time.Time
	if usable {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-f.done:
	case <-enough:
		return held, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
	switch {
	case f.err == nil:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.held.value, nil
	case usable:
		return held, nil
	}
	return "", f.err
}

// next decides: the held token with a nil flight when it will do (or an error when the endpoint is left alone for now),
// otherwise the flight to wait for, started if nobody has.
func (s *tokenSource) next() (held string, usable bool, f *flight, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	usable = s.held.value != "" && now.Before(s.held.expires)
	// The order matters: who has a token that is not due never waits, and a request that runs is joined before its
	// predecessor's failure is told.
	switch {
	case usable && now.Before(s.renewAt):
		return s.held.value, true, nil, nil
	case s.running != nil:
		return s.held.value, usable, s.running, nil
	case s.failed != nil && now.Before(s.retryAt) && usable:
		return s.held.value, true, nil, nil
	case s.failed != nil && now.Before(s.retryAt):
		return "", false, nil, s.failed
	case s.life.Err() != nil:
		return "", false, nil, errors.New("no new token: the client is closed")
	}
	s.running = &flight{done: make(chan struct{})}
	s.all.Add(1)
	go s.renew(s.running)
	return s.held.value, usable, s.running, nil
}

// renew asks for a token outside of any session, so that a session that goes away takes nothing from the others.
func (s *tokenSource) renew(f *flight) {
	defer s.all.Done()
	defer close(f.done)
	fresh, err := s.fetch(s.life)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.running, s.failed, f.err = nil, err, err
	if err != nil {
		s.retryAt = now.Add(failurePause)
		s.log.Warn("no new access token", "error", err, "old token counts until", s.held.expires)
		return
	}
	// An issuer whose clock is ahead must not push the renewal beyond the token's end by our clock.
	if fresh.issued.IsZero() || fresh.issued.After(now) {
		fresh.issued = now
	}
	if fresh.expires.IsZero() {
		fresh.expires = now.Add(unknownLifetime)
	}
	s.held, s.renewAt = fresh, renewal(fresh, now, s.window, rand.Float64())
}

// renewal is the moment from which a token is replaced, by the rules of Java's refreshing login: a fraction of its
// lifetime, kept away from its end and from the last renewal unless it lives too short for that. roll is in [0, 1).
func renewal(t token, now time.Time, w kafka.RefreshWindow, roll float64) time.Time {
	factor := w.Factor + w.Jitter*roll
	proposed := t.issued.Add(time.Duration(factor * float64(t.expires.Sub(t.issued))))
	if now.Add(w.MinPeriod + w.Buffer).After(t.expires) {
		return proposed
	}
	if latest := t.expires.Add(-w.Buffer); proposed.After(latest) {
		proposed = latest
	}
	if earliest := now.Add(w.MinPeriod); proposed.Before(earliest) {
		proposed = earliest
	}
	return proposed
}

// close stops a request that runs and waits for it. The token at hand can still be had.
func (s *tokenSource) close() {
	s.end()
	s.all.Wait()
}

// claims reads issue and end of a JWT (RFC 7519) without checking its signature, which is the broker's task. Opaque
// tokens give zero times.
func claims(jwt string) (issued, expires time.Time) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return time.Time{}, time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, time.Time{}
	}
	var c struct {
		IssuedAt float64 `json:"iat"`
		Expires  float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return time.Time{}, time.Time{}
	}
	return numericDate(c.IssuedAt), numericDate(c.Expires)
}

// numericDate is RFC 7519's: seconds since the epoch, fractions allowed. Nonsense is no date.
func numericDate(seconds float64) time.Time {
	if seconds <= 0 || seconds > math.MaxInt32*100.0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}
