package devbroker

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Bounds of a request frame as Kafka's wire protocol has it: four bytes of
// length, then at least API key, version and correlation id. The upper one is
// the broker's default for socket.request.max.bytes.
const (
	lengthBytes  = 4
	headerBytes  = 8
	maxFrameSize = 100 << 20
)

// FrameError says why a connection was cut off: its bytes are no request that
// the broker can be given.
type FrameError struct {
	Reason string
}

func (e *FrameError) Error() string { return "refused request: " + e.Reason }

// Guard wraps a listener so that only well-formed request frames get through:
// 8 bytes to 100 MiB long, with an API key that exists. kfake allocates
// whatever length a client claims and ends the process on an unknown key, so
// it must never be without this. A connection that breaks the rules reads a
// *FrameError, upon which the broker closes it.
//
// The guard reads plain Kafka frames: with TLS, it goes around the TLS
// listener, not inside it.
func Guard(l net.Listener) net.Listener { return &guardListener{Listener: l} }

type guardListener struct{ net.Listener }

func (l *guardListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guardConn{Conn: c}, nil
}

// guardConn checks each frame's first twelve bytes before it hands them on.
// Reads come from one goroutine at a time, as for any stream.
type guardConn struct {
	net.Conn
	head [lengthBytes + headerBytes]byte
	held []byte // checked bytes of head that have not been read yet
	body int64  // bytes of the frame that are still to come after held
}

func (c *guardConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(c.held) == 0 && c.body == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.held) > 0 {
		n := copy(p, c.held)
		c.held = c.held[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.body)])
	c.body -= int64(n)
	return n, err
}

// next reads and judges the start of the next frame.
func (c *guardConn) next() error {
	if _, err := io.ReadFull(c.Conn, c.head[:lengthBytes]); err != nil {
		return err
	}
	size := binary.BigEndian.Uint32(c.head[:lengthBytes])
	if size < headerBytes || size > maxFrameSize {
		return &FrameError{Reason: fmt.Sprintf("%d bytes long, not %d to %d", size, headerBytes, maxFrameSize)}
	}
	if _, err := io.ReadFull(c.Conn, c.head[lengthBytes:]); err != nil {
		return err
	}
	key := int16(binary.BigEndian.Uint16(c.head[lengthBytes:]))
	if kmsg.RequestForKey(key) == nil {
		return &FrameError{Reason: fmt.Sprintf("unknown API key %d", key)}
	}
	c.held, c.body = c.head[:], int64(size)-headerBytes
	return nil
}
