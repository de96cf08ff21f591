package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

const (
	// socketMode lets every local user connect: who may is for the directory to say.
	socketMode = 0o666
	// longestSocket is what a path may have in sockaddr_un, with its final zero byte (unix(7)).
	longestSocket = 107
	// answerTime is how long a process that has the socket may take to accept a connection.
	answerTime = time.Second
)

// listenSocket binds a Unix socket, which is removed when the listener is closed. A socket that nobody listens on is left
// from a process that was killed, and is replaced; anything else under the path is left alone, and is an error.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > longestSocket {
		return nil, fmt.Errorf("the path has %d bytes, and a socket's may have %d", len(path), longestSocket)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%w (does its directory exist, and may this process write to it?)", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = ln.Close()
		return nil, err
	}
	return ln, nil
}

// removeStale removes a socket without a listener.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("something is there that is no socket: remove it, or choose another path")
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return errors.New("another process listens there: stop it, or choose another path")
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}
