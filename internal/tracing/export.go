package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// attempts is how often one batch is tried; between two, the pause doubles.
	attempts   = 5
	firstPause = 500 * time.Millisecond
	// maxAnswer bounds what is read of an answer.
	maxAnswer = 64 << 10
)

// exporter sends spans by OTLP. The SDK calls it from one goroutine.
type exporter struct {
	config
	client *http.Client
	log    *slog.Logger
	life   context.Context // ends what is under way when the process can't wait any longer
	kill   context.CancelFunc
	failed atomic.Bool // the last batch was lost, which has been logged
}

func newExporter(c config, log *slog.Logger) *exporter {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!c.grpc)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(c.grpc)
	life, kill := context.WithCancel(context.Background())
	return &exporter{config: c, log: log, life: life, kill: kill, client: &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: c.tls, Protocols: protocols, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 1,
	}}}
}

// ExportSpans sends a batch. It never fails in the SDK's eyes, which would write to standard error: a loss is logged here,
// once until spans arrive again.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.life, cancel)()
	err := e.deliver(ctx, encode(spans))
	if failed := err != nil; e.failed.Swap(failed) != failed {
		if failed {
			e.log.Warn("spans are lost: the receiver did not take them", "url", e.url, "error", err)
		} else {
			e.log.Info("spans are taken again", "url", e.url)
		}
	}
	return nil
}

// Shutdown ends idle connections.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// busy is a refusal after which the same batch may be sent again.
type busy struct {
	cause error
	after time.Duration // what the receiver asked for; 0: nothing
}

func (b *busy) Error() string { return b.cause.Error() }
func (b *busy) Unwrap() error { return b.cause }

func (e *exporter) deliver(ctx context.Context, request []byte) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := e.try(ctx, request)
		var again *busy
		if !errors.As(err, &again) || attempt == attempts {
			return err
		}
		wait := time.NewTimer(max(again.after, pause/2+rand.N(pause)))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return errors.Join(ctx.Err(), err)
		}
		pause *= 2
	}
}

// try sends a batch once.
func (e *exporter) try(ctx context.Context, request []byte) error {
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(e.body(request)))
	if err != nil {
		return err
	}
	r.Header = e.headers.Clone()
	e.describe(r.Header)
	resp, err := e.client.Do(r)
	if err != nil {
		return &busy{cause: err}
	}
	defer func() { _ = resp.Body.Close() }() // it has been read as far as it is wanted
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return &busy{cause: err}
	}
	if e.grpc {
		return grpcOutcome(resp)
	}
	return httpOutcome(resp)
}

// body is the request as the protocol frames it.
func (e *exporter) body(request []byte) []byte {
	if e.gzip {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write(request) // a Buffer takes everything
		_ = z.Close()
		request = packed.Bytes()
	}
	if !e.grpc {
		return request
	}
	framed := make([]byte, 5, 5+len(request)) // compressed or not, and the length
	if e.gzip {
		framed[0] = 1
	}
	binary.BigEndian.PutUint32(framed[1:], uint32(len(request)))
	return append(framed, request...)
}

func (e *exporter) describe(h http.Header) {
	h.Set("User-Agent", "steg-bridge")
	if !e.grpc {
		h.Set("Content-Type", "application/x-protobuf")
		if e.gzip {
			h.Set("Content-Encoding", "gzip")
		}
		return
	}
	h.Set("Content-Type", "application/grpc")
	h.Set("Te", "trailers")
	h.Set("Grpc-Timeout", strconv.FormatInt(e.timeout.Milliseconds(), 10)+"m")
	if e.gzip {
		h.Set("Grpc-Encoding", "gzip")
	}
}

// httpOutcome judges an answer of OTLP/HTTP: the four statuses ask for another attempt.
func httpOutcome(resp *http.Response) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	err := fmt.Errorf("answered %s", resp.Status)
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // a date, or nothing: our own pause
		return &busy{cause: err, after: time.Duration(max(after, 0)) * time.Second}
	}
	return err
}

// grpcOutcome judges an answer of gRPC by its status, in the trailer, or in the header of an answer without a body.
func grpcOutcome(resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return httpOutcome(resp)
	}
	code, text := resp.Trailer.Get("Grpc-Status"), resp.Trailer.Get("Grpc-Message")
	if code == "" {
		code, text = resp.Header.Get("Grpc-Status"), resp.Header.Get("Grpc-Message")
	}
	if code == "0" {
		return nil
	}
	err := fmt.Errorf("answered gRPC status %s: %s", code, text)
	switch code {
	case "1", "4", "8", "10", "11", "14", "15": // those that OTLP calls retryable
		return &busy{cause: err}
	}
	return err
}
