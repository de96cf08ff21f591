package devbroker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// frame is a request as it goes over the wire, with any length claimed for it.
func frame(claimed uint32, key int16, rest string) string {
	b := binary.BigEndian.AppendUint32(nil, claimed)
	b = binary.BigEndian.AppendUint16(b, uint16(key))
	return string(b) + rest
}

// streamConn is a connection of which only the reading half exists.
type streamConn struct {
	net.Conn
	io.Reader
}

func (c streamConn) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func TestGuardReadsFrames(t *testing.T) {
	t.Parallel()
	good := frame(8, 18, "\x00\x03\x00\x00\x00\x01")
	long := frame(8+70000, 0, "\x00\x09\x00\x00\x00\x02"+strings.Repeat("x", 70000))
	for _, c := range []struct{ name, in, want, refused string }{
		{"nothing", "", "", ""},
		{"one frame", good, good, ""},
		{"three frames", good + long + good, good + long + good, ""},
		{"the longest frame, cut off", frame(maxFrameSize, 18, "\x00\x03\x00\x00\x00\x01"), frame(maxFrameSize, 18, "\x00\x03\x00\x00\x00\x01"), ""},
		{"cut off in the length", good + "\x00\x00", good, io.ErrUnexpectedEOF.Error()},
		{"cut off in the header", good + "\x00\x00\x00\x08\x00", good, io.ErrUnexpectedEOF.Error()},
		{"too short", good + frame(7, 18, "\x00\x03\x00\x00\x00"), good, "refused request: 7 bytes long, not 8 to 104857600"},
		{"empty", frame(0, 18, ""), "", "refused request: 0 bytes long, not 8 to 104857600"},
		{"too long", good + long + frame(maxFrameSize+1, 18, "\x00\x03\x00\x00\x00\x01"), good + long, "refused request: 104857601 bytes long, not 8 to 104857600"},
		{"negative length", frame(math.MaxUint32, 18, "\x00\x03\x00\x00\x00\x01"), "", "refused request: 4294967295 bytes long, not 8 to 104857600"},
		{"unknown key", good + frame(8, 999, "\x00\x00\x00\x00\x00\x01"), good, "refused request: unknown API key 999"},
		{"negative key", frame(8, -1, "\x00\x00\x00\x00\x00\x01"), "", "refused request: unknown API key -1"},
		{"text", "GET / HTTP/1.1\r\n\r\n", "", "refused request: 1195725856 bytes long, not 8 to 104857600"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, r := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
				got, err := io.ReadAll(&guardConn{Conn: streamConn{Reader: r}})
				if string(got) != c.want {
					t.Errorf("read %d bytes, want %d", len(got), len(c.want))
				}
				if text := errText(err); text != c.refused {
					t.Errorf("error %q, want %q", text, c.refused)
				}
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestGuardReadsNothingIntoNothing(t *testing.T) {
	t.Parallel()
	c := &guardConn{Conn: streamConn{Reader: iotest.ErrReader(errors.New("read"))}}
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nil) = %d, %v", n, err)
	}
}

func TestGuardReportsAccept(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := Guard(ln)
	_ = ln.Close()
	if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept on a closed listener: %v", err)
	}
}

// FuzzGuard holds the guard to its promise: what gets through is a prefix of
// what was sent, and whole frames of it have a permitted length and key.
func FuzzGuard(f *testing.F) {
	f.Add([]byte(frame(8, 18, "\x00\x03\x00\x00\x00\x01")), uint8(3))
	f.Add([]byte(frame(8, 999, "\x00\x03\x00\x00\x00\x01")), uint8(1))
	f.Add([]byte(frame(1<<31, 0, "")), uint8(200))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint8) {
		c := &guardConn{Conn: streamConn{Reader: bytes.NewReader(in)}}
		got, buf := []byte(nil), make([]byte, int(chunk)+1)
		for {
			n, err := c.Read(buf)
			got = append(got, buf[:n]...)
			if err != nil {
				break
			}
		}
		if !bytes.HasPrefix(in, got) {
			t.Fatal("bytes were changed")
		}
		for len(got) > 0 {
			if len(got) < 12 {
				t.Fatalf("%d bytes of a header got through", len(got))
			}
			size, key := binary.BigEndian.Uint32(got), int16(binary.BigEndian.Uint16(got[4:]))
			if size < headerBytes || size > maxFrameSize || kmsg.RequestForKey(key) == nil {
				t.Fatalf("let through: size %d, key %d", size, key)
			}
			got = got[min(len(got), lengthBytes+int(size)):]
		}
	})
}
