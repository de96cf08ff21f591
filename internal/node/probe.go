package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Probe asks a running node for its readiness ("ready") or life ("live") and returns its answer: one line. The error says
// no. It is what the kubelet runs in the container, every few seconds, and takes less than timeout.
func Probe(ctx context.Context, root, question string, timeout time.Duration) (string, error) {
	if question != "ready" && question != "live" {
		return "", fmt.Errorf("unknown probe %q: ready or live", question)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var dialer net.Dialer
	path := Options{Root: root}.path(SocketFile)
	conn, err := dialer.DialContext(ctx, "unix", path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "", fmt.Errorf("%s: nobody answers there: does steg-node run in this container?", path)
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "GET /"+question+" HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", fmt.Errorf("no answer within %s: %w", timeout, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxHeader))
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(text))
	if response.StatusCode != http.StatusOK {
		return "", errors.New(line)
	}
	return line, nil
}
