package node

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// clientID is how the node's questions are called in Kafka's request logs.
const clientID = "steg-node"

// maxAnswer bounds an answer of Kafka, in bytes: the largest lists the nodes of a cluster.
const maxAnswer = 8 << 20

// peer is one connection to a Kafka process, made when it is first needed and kept. A client library would know the cluster,
// its topics and many versions of each request; this asks one process four questions in versions that all of Kafka 3.9 to
// 4.3 know, and costs a tenth of the memory. It is not for concurrent use.
type peer struct {
	address  string
	security func() (*tls.Config, error) // nil without TLS

	conn        net.Conn
	correlation int32
}

// ask sends a request and fills the answer. The context must have a deadline. After an error the connection is closed.
func (p *peer) ask(ctx context.Context, request kmsg.Request, answer kmsg.Response) error {
	err := p.exchange(ctx, request, answer)
	if err != nil {
		p.close()
	}
	return err
}

func (p *peer) exchange(ctx context.Context, request kmsg.Request, answer kmsg.Response) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return errors.New("a question to Kafka without a deadline")
	}
	if err := p.conn.SetDeadline(deadline); err != nil {
		return err
	}
	p.correlation++
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, request, p.correlation)
	if _, err := p.conn.Write(frame); err != nil {
		return err
	}
	body, err := p.readFrame()
	if err != nil {
		return err
	}
	if body, err = skipHeader(body, p.correlation, request.IsFlexible()); err != nil {
		return err
	}
	answer.SetVersion(request.GetVersion())
	return answer.ReadFrom(body)
}

func (p *peer) connect(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", p.address)
	if err != nil || p.security == nil {
		p.conn = conn
		return err
	}
	settings, err := p.security()
	if err == nil {
		secured := tls.Client(conn, settings)
		if err = secured.HandshakeContext(ctx); err == nil {
			p.conn = secured
			return nil
		}
	}
	return errors.Join(err, conn.Close())
}

func (p *peer) close() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// readFrame reads an answer without the size in front of it.
func (p *peer) readFrame() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(p.conn, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes: whoever listens at %s does not speak Kafka's protocol", n, p.address)
	}
	body := make([]byte, n)
	_, err := io.ReadFull(p.conn, body)
	return body, err
}

// errFrame is an answer that is not one of the Kafka protocol.
var errFrame = errors.New("an answer that is not of Kafka's protocol")

// skipHeader takes the header off an answer: the number of the request, and with flexible versions (KIP-482) tagged fields
// that nobody needs.
func skipHeader(body []byte, correlation int32, flexible bool) ([]byte, error) {
	if len(body) < 4 || int32(binary.BigEndian.Uint32(body)) != correlation {
		return nil, errFrame
	}
	body = body[4:]
	if !flexible {
		return body, nil
	}
	tags, n := binary.Uvarint(body)
	if n <= 0 {
		return nil, errFrame
	}
	body = body[n:]
	for range tags {
		_, key := binary.Uvarint(body)
		if key <= 0 {
			return nil, errFrame
		}
		size, n := binary.Uvarint(body[key:])
		if n <= 0 || size > uint64(len(body)-key-n) {
			return nil, errFrame
		}
		body = body[key+n+int(size):]
	}
	return body, nil
}
