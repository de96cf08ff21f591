package serve

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// overSocket is a client of a Unix socket.
func overSocket(path string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}

func onSocket(path string) Listener {
	return Listener{Name: "socket", Socket: path, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello")
	})}
}

// A socket is there for every local user while it is served, and gone afterwards.
func TestSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bridge.sock")
	for range 2 { // a second process finds nothing in its way
		g, err := Bind(t.Context(), slog.New(slog.DiscardHandler), onSocket(path))
		if err != nil {
			t.Fatal(err)
		}
		g.Serve()
		info, err := os.Stat(path)
		if err != nil || info.Mode() != os.ModeSocket|socketMode {
			t.Error(info, err)
		}
		if g.Addr("socket") != nil {
			t.Error("a socket has a TCP address")
		}
		response, err := overSocket(path).Get("http://localhost/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if string(body) != "hello" {
			t.Errorf("%q", body)
		}
		if err := g.Shutdown(t.Context(), "socket"); err != nil {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !os.IsNotExist(err) {
			t.Error("the socket is still there:", err)
		}
	}
}

// What is under the path already counts, unless it is a socket that nobody listens on.
func TestSocketInTheWay(t *testing.T) {
	dir := t.TempDir()
	bind := func(path string) error {
		g, err := Bind(t.Context(), slog.New(slog.DiscardHandler), onSocket(path))
		if err == nil {
			_ = g.Close()
		}
		return err
	}
	stale := filepath.Join(dir, "stale.sock")
	left, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := bind(stale); err == nil || !strings.Contains(err.Error(), "another process listens there") {
		t.Error("beside another process:", err)
	}
	_ = left.Close()
	if err := bind(stale); err != nil {
		t.Error("after one that has ended:", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file:                                     "socket listener on " + file + ": something is there that is no socket",
		filepath.Join(dir, "none", "b.sock"):     "does its directory exist",
		"/" + strings.Repeat("a", longestSocket): "the path has 108 bytes, and a socket's may have 107",
	} {
		if err := bind(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Error("the file was touched:", err)
	}
}
