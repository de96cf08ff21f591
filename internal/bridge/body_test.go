package bridge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/bridge/wire"
)

// readOnce posts a body through a real server and returns what read made of it.
func readOnce(t *testing.T, p *bodies, send io.Reader) (got []byte, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b *body
		if b, err = p.read(w, r); err == nil {
			got = bytes.Clone(b.data)
			b.release()
		}
	}))
	defer server.Close()
	request, reqErr := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, send)
	if reqErr != nil {
		t.Fatal(reqErr)
	}
	response, doErr := http.DefaultClient.Do(request)
	if doErr == nil {
		_ = response.Body.Close()
	}
	return got, err
}

func TestBodyArrivesWhole(t *testing.T) {
	p := newBodies(1<<20, 4<<20)
	for _, size := range []int{0, 1, firstBuffer - 1, firstBuffer, firstBuffer + 1, pooledBuffer, pooledBuffer + 1, 1 << 20} {
		want := bytes.Repeat([]byte("x"), size)
		got, err := readOnce(t, p, bytes.NewReader(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		got, err = readOnce(t, p, io.MultiReader(bytes.NewReader(want))) // no known length: chunked
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes chunked: got %d, %v", size, len(got), err)
		}
	}
	if used := p.budget.used.Load(); used != 0 {
		t.Errorf("%d bytes of the budget were not given back", used)
	}
}

func TestBodyRoom(t *testing.T) {
	const most = 32 << 20
	for _, c := range []struct{ size, claimed, want int64 }{
		{firstBuffer, 100 << 10, 100 << 10}, // a sixteenth has come
		{firstBuffer, 1 << 20, 4 * firstBuffer},
		{4 * firstBuffer, 1 << 20, 1 << 20},
		{4 * firstBuffer, 10 << 20, 16 * firstBuffer},
		{1 << 20, 10 << 20, 10 << 20},
		{1 << 20, -1, 4 << 20}, // chunked: nothing is claimed
		{16 << 20, -1, most},
	} {
		if got := room(c.size, most, c.claimed); got != c.want {
			t.Errorf("%d bytes of %d grow to %d, want %d", c.size, c.claimed, got, c.want)
		}
	}
}

func TestBodyOverTheLimit(t *testing.T) {
	p := newBodies(10, 1<<20)
	for name, send := range map[string]io.Reader{
		"known length": strings.NewReader("12345678901"), "chunked": io.MultiReader(strings.NewReader("12345678901")),
	} {
		_, err := readOnce(t, p, send)
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v, want 413", name, err)
		}
	}
	if used := p.budget.used.Load(); used != 0 {
		t.Errorf("%d bytes of the budget were not given back", used)
	}
}

func TestBodyWithoutRoom(t *testing.T) {
	p := newBodies(1<<20, 100)
	if !p.budget.take(60) {
		t.Fatal("an empty budget refused")
	}
	_, err := readOnce(t, p, strings.NewReader(strings.Repeat("x", 50)))
	var e *wire.Error
	if !errors.As(err, &e) || e.Code != http.StatusServiceUnavailable || e.RetryAfter < 1 {
		t.Errorf("%v, want 503 with Retry-After", err)
	}
	p.budget.give(60)
	if _, err := readOnce(t, p, strings.NewReader(strings.Repeat("x", 5000))); err != nil {
		t.Errorf("a body larger than the budget must get in when it is alone: %v", err)
	}
}
