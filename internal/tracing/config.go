package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// config is where spans go and how: OTEL_EXPORTER_OTLP_*, those of traces alone first (OpenTelemetry specification,
// Protocol Exporter).
type config struct {
	grpc    bool
	url     string
	headers http.Header
	timeout time.Duration // of one attempt
	gzip    bool
	tls     *tls.Config
}

// grpcPath is the method that takes spans.
const grpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// setting returns a variable, that of traces before that of all signals.
func setting(name string) (value string, ofTraces bool) {
	if v := os.Getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
		return v, true
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_" + name), false
}

func readConfig() (config, error) {
	c := config{timeout: 10 * time.Second, headers: make(http.Header)}
	switch protocol, _ := setting("PROTOCOL"); protocol {
	case "", "grpc":
		c.grpc = true
	case "http/protobuf":
	default:
		return c, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL=%s: grpc or http/protobuf", protocol)
	}
	if v, _ := setting("TIMEOUT"); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return c, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT=%s: a number of milliseconds", v)
		}
		c.timeout = time.Duration(ms) * time.Millisecond
	}
	switch v, _ := setting("COMPRESSION"); v {
	case "", "none":
	case "gzip":
		c.gzip = true
	default:
		return c, fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION=%s: gzip or none", v)
	}
	return c, errors.Join(c.readEndpoint(), c.readHeaders(), c.readTLS())
}

// readEndpoint knows that a URL for traces is used as it is, and one for all signals is what /v1/traces is appended to.
func (c *config) readEndpoint() error {
	endpoint, ofTraces := setting("ENDPOINT")
	if endpoint == "" {
		endpoint = "http://localhost:4318"
		if c.grpc {
			endpoint = "http://localhost:4317"
		}
	}
	if !strings.Contains(endpoint, "://") && c.grpc {
		scheme := "https://"
		if insecure, _ := setting("INSECURE"); strings.EqualFold(insecure, "true") {
			scheme = "http://"
		}
		endpoint = scheme + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT=%s: not a URL of http or https", endpoint)
	}
	switch {
	case c.grpc:
		u.Path = grpcPath
	case !ofTraces:
		u.Path = strings.TrimSuffix(u.Path, "/") + "/v1/traces"
	case u.Path == "":
		u.Path = "/"
	}
	c.url = u.String()
	return nil
}

// readHeaders reads name=value pairs, percent-encoded and separated by commas. Values are secrets: an error names none.
func (c *config) readHeaders() error {
	list, _ := setting("HEADERS")
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || name == "" || err != nil {
			return errors.New("OTEL_EXPORTER_OTLP_HEADERS: not written as name=value,name=value")
		}
		c.headers.Set(name, decoded)
	}
	return nil
}

func (c *config) readTLS() error {
	c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if file, _ := setting("CERTIFICATE"); file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		c.tls.RootCAs = x509.NewCertPool()
		if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: there is no certificate in %s", file)
		}
	}
	certificate, _ := setting("CLIENT_CERTIFICATE")
	key, _ := setting("CLIENT_KEY")
	if certificate == "" && key == "" {
		return nil
	}
	own, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY: %w", err)
	}
	c.tls.Certificates = []tls.Certificate{own}
	return nil
}
