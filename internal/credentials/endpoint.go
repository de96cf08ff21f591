package credentials

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// TokenFailure is why there is no token.
type TokenFailure uint8

const (
	// TokenUnreachable is an endpoint that did not answer: network, TLS, time.
	TokenUnreachable TokenFailure = iota
	// TokenRefused is an endpoint that does not believe the client, or denies it what it asks for.
	TokenRefused
	// TokenBroken is an answer that is neither a token nor a refusal: a 5xx status, a redirect, something else than JSON.
	TokenBroken
	// TokenUnreadable is a file of ours: a secret, an assertion or a token that can't be read.
	TokenUnreadable
)

// TokenError is a token that could not be had. Its text names the endpoint without its query, and the status and error
// code of the answer, but nothing that was sent.
type TokenError struct {
	Failure  TokenFailure
	Endpoint string // empty with TokenUnreadable
	Status   int    // HTTP status, 0 without an answer
	Code     string // OAuth error code (RFC 6749 5.2), empty if there was none
	Cause    error  // may be nil
}

// Error returns one line.
func (e *TokenError) Error() string {
	if e.Failure == TokenUnreadable {
		return fmt.Sprintf("no access token: %v", e.Cause)
	}
	answer := ""
	if e.Status != 0 {
		answer = fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.Code != "" {
		answer = fmt.Sprintf(" (status %d, %s)", e.Status, e.Code)
	}
	text := "no access token: " + e.Endpoint
	switch e.Failure {
	case TokenRefused:
		text += " refuses the client" + answer
	case TokenUnreachable:
		text += " can't be reached"
	default:
		text += " does not answer as a token endpoint" + answer
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *TokenError) Unwrap() error { return e.Cause }

// As lets kafka.Describe name the failure: a refusal is one of authentication, the others are none of Kafka's classes.
func (e *TokenError) As(target any) bool {
	named, ok := target.(**kafka.Error)
	if !ok {
		return false
	}
	*named = &kafka.Error{Class: "org.apache.kafka.common.KafkaException", Message: e.Error(), Cause: e}
	if e.Failure == TokenRefused {
		(*named).Class, (*named).Kind = "org.apache.kafka.common.errors.SaslAuthenticationException", kafka.KindAuthentication
	}
	return true
}

// maxAnswer bounds an endpoint's answer, in bytes.
const maxAnswer = 1 << 20

// endpoint is where tokens are asked for.
type endpoint struct {
	url    string
	client *http.Client
	accept bool // send the header accept
	retry  retryPolicy
}

// retryPolicy says how often an unreachable or broken endpoint is asked again.
type retryPolicy struct {
	attempts int           // bound of requests, 0: none
	pause    time.Duration // after the first request
	double   bool          // each pause is twice the one before
	total    time.Duration // no request starts later than this after the first, 0: no bound
}

// newEndpoint checks the URL and makes a client for it. Secured is nil for plain http. The client takes no proxy from
// the environment, as Java takes none, and follows no redirect: that would hand credentials to another place.
func newEndpoint(raw string, secured *material[clientTLS], connect, response time.Duration) (*endpoint, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("is not an http or https URL")
	}
	dialer := &net.Dialer{Timeout: connect}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true, // a token is asked for once in minutes
		ResponseHeaderTimeout:  response,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if secured != nil {
		transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connect+response)
			defer cancel()
			config := secured.get().config.Clone()
			config.ServerName = u.Hostname()
			return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, network, address)
		}
	}
	return &endpoint{
		url: raw,
		client: &http.Client{
			Transport:     transport,
			Timeout:       connect + response,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		accept: true,
	}, nil
}

// name is the URL for texts: without user, query and fragment.
func (e *endpoint) name() string {
	u, err := url.Parse(e.url)
	if err != nil {
		return "the token endpoint"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// ask posts the form, again where the policy says so, and returns the token of the answer. authorization is the header's
// value, empty for none. The error is a *TokenError, or that of ctx.
func (e *endpoint) ask(ctx context.Context, authorization string, form url.Values, now func() time.Time) (token, error) {
	started, pause := time.Now(), e.retry.pause
	for attempt := 1; ; attempt++ {
		t, err := e.post(ctx, authorization, form, now)
		var failure *TokenError
		if err == nil || !errors.As(err, &failure) || failure.Failure == TokenRefused {
			return t, err
		}
		if e.retry.attempts > 0 && attempt >= e.retry.attempts {
			return token{}, err
		}
		if e.retry.total > 0 && time.Since(started)+pause > e.retry.total {
			return token{}, err
		}
		select {
		case <-ctx.Done():
			return token{}, err
		case <-time.After(pause):
		}
		if e.retry.double {
			pause *= 2
		}
	}
}

// post asks once.
func (e *endpoint) post(ctx context.Context, authorization string, form url.Values, now func() time.Time) (token, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, e.failure(TokenBroken, 0, "", nil)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if e.accept {
		request.Header.Set("Accept", "application/json")
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return token{}, e.failure(TokenUnreachable, 0, "", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return token{}, e.failure(TokenUnreachable, response.StatusCode, "", withoutURL(err))
	}
	return e.judge(response.StatusCode, body, now())
}

// judge makes a token, or an error, of an answer.
func (e *endpoint) judge(status int, body []byte, now time.Time) (token, error) {
	var answer struct {
		AccessToken string      `json:"access_token"`
		IDToken     string      `json:"id_token"`
		ExpiresIn   json.Number `json:"expires_in"`
		Error       string      `json:"error"`
	}
	err := json.Unmarshal(body, &answer)
	if status != http.StatusOK && status != http.StatusCreated {
		failure := TokenBroken
		switch status {
		case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden: // RFC 6749 5.2
			failure = TokenRefused
		}
		return token{}, e.failure(failure, status, errorCode(answer.Error), nil)
	}
	if err != nil {
		// The parser's error may quote the answer, and a token in it.
		return token{}, e.failure(TokenBroken, status, "", errors.New("the answer is not a JSON object"))
	}
	value := answer.AccessToken
	if value == "" {
		value = answer.IDToken // as Kafka's own retriever
	}
	if value == "" {
		return token{}, e.failure(TokenBroken, status, "", errors.New("the answer holds no access_token"))
	}
	if strings.ContainsAny(value, "\x00\x01\r\n") {
		return token{}, e.failure(TokenBroken, status, "", errors.New("the access_token holds control characters"))
	}
	t := token{value: value, issued: now}
	if seconds, err := answer.ExpiresIn.Float64(); err == nil && seconds > 0 && seconds < 1e9 {
		t.expires = now.Add(time.Duration(seconds * float64(time.Second)))
	}
	return t, nil
}

// failure makes the error of this endpoint.
func (e *endpoint) failure(f TokenFailure, status int, code string, cause error) *TokenError {
	return &TokenError{Failure: f, Endpoint: e.name(), Status: status, Code: code, Cause: cause}
}

// errorCode returns the code if it looks like one: an answer is not to be trusted with our log.
func errorCode(code string) string {
	for _, c := range code {
		if (c < 'a' || c > 'z') && c != '_' && c != '-' {
			return ""
		}
	}
	if len(code) > 40 {
		return ""
	}
	return code
}

// withoutURL takes method and URL off net/http's errors.
func withoutURL(err error) error {
	var withURL *url.Error
	if errors.As(err, &withURL) {
		return withURL.Err
	}
	return err
}
