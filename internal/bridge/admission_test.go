package bridge

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
)

// from is a request of an address, with a header where it has a value.
func from(address, name, value string, body io.Reader) *call {
	r := httptest.NewRequest(http.MethodPost, "/topics/t", body)
	r.RemoteAddr = address
	if value != "" {
		r.Header.Set(name, value)
	}
	return &call{w: httptest.NewRecorder(), r: r, began: time.Now()}
}

// refusedBy returns the answer to a request that was not admitted.
func refusedBy(t *testing.T, s *Server, c *call) *wire.Error {
	t.Helper()
	err := s.admit(c)
	var answer *wire.Error
	if err != nil && !errors.As(err, &answer) {
		t.Fatalf("not an answer: %v", err)
	}
	return answer
}

func TestRateOfRequests(t *testing.T) {
	s := &Server{rates: newRates(bridgeconfig.RateLimit{Requests: 2, Header: "x-api-KEY"})}
	for range 2 {
		if answer := refusedBy(t, s, from("10.0.0.1:1", "X-Api-Key", "a", nil)); answer != nil {
			t.Fatalf("within the rate: %v", answer)
		}
	}
	answer := refusedBy(t, s, from("10.0.0.9:1", "X-Api-Key", "a", nil))
	if answer == nil || answer.Code != http.StatusTooManyRequests || answer.RetryAfter != 1 {
		t.Fatalf("beyond it: %+v", answer)
	}
	for _, other := range []*call{from("10.0.0.1:1", "X-Api-Key", "b", nil), from("10.0.0.1:1", "", "", nil), from("10.0.0.1:1", "X-Api-Key", " ", nil)} {
		if answer := refusedBy(t, s, other); answer != nil {
			t.Errorf("another client: %v", answer)
		}
	}
}

func TestRateOfBytes(t *testing.T) {
	s := &Server{rates: newRates(bridgeconfig.RateLimit{Bytes: 1000})}
	known := from("10.0.0.1:1", "", "", strings.NewReader(strings.Repeat("x", 3000)))
	if answer := refusedBy(t, s, known); answer != nil {
		t.Fatalf("the first request: %v", answer)
	}
	if answer := refusedBy(t, s, from("10.0.0.1:2", "", "", nil)); answer == nil || answer.RetryAfter < 2 || answer.RetryAfter > 3 {
		t.Errorf("2,000 bytes are owed: %+v", answer)
	}

	unknown := from("10.0.0.2:1", "", "", io.MultiReader(strings.NewReader(strings.Repeat("x", 3000))))
	unknown.r.ContentLength = -1
	original := unknown.r
	if answer := refusedBy(t, s, unknown); answer != nil {
		t.Fatalf("a body of unknown length: %v", answer)
	}
	if _, err := io.Copy(io.Discard, unknown.r.Body); err != nil || unknown.r == original {
		t.Fatalf("the request of net/http was changed, or %v", err)
	}
	if answer := refusedBy(t, s, from("10.0.0.2:1", "", "", nil)); answer == nil {
		t.Error("bytes of unknown number do not count")
	}

	reader := from("10.0.0.3:1", "", "", nil)
	if answer := refusedBy(t, s, reader); answer != nil {
		t.Fatal(answer)
	}
	reader.status, reader.bytes = http.StatusOK, 5000
	s.leave(reader)
	if answer := refusedBy(t, s, from("10.0.0.3:1", "", "", nil)); answer == nil {
		t.Error("bytes of answers do not count")
	}
}

func TestRatesAreOff(t *testing.T) {
	s := &Server{rates: newRates(bridgeconfig.RateLimit{Header: "X-Api-Key"})}
	for range 1000 {
		if answer := refusedBy(t, s, from("10.0.0.1:1", "", "", nil)); answer != nil {
			t.Fatal(answer)
		}
	}
}

func TestRequestsAtOnce(t *testing.T) {
	s := &Server{maxRunning: 2}
	a, b := from("10.0.0.1:1", "", "", nil), from("10.0.0.1:1", "", "", nil)
	if refusedBy(t, s, a) != nil || refusedBy(t, s, b) != nil {
		t.Fatal("refused below the limit")
	}
	c := from("10.0.0.1:1", "", "", nil)
	if answer := refusedBy(t, s, c); answer == nil || answer.Code != http.StatusServiceUnavailable || answer.RetryAfter != 1 {
		t.Fatalf("beyond the limit: %+v", answer)
	}
	s.leave(c)
	s.leave(a)
	if refusedBy(t, s, from("10.0.0.1:1", "", "", nil)) != nil {
		t.Error("what has left still counts")
	}
}
