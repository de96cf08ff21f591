package bridgeconfig

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Setting is one key of the bridge's own, with what the settings reference says about it.
type Setting struct {
	Key     string
	Type    string // text, list, boolean or number
	Unit    string // of a number: bytes, ms or s; empty: it counts something
	Default string // as one would write it; empty: unset
	Range   string // "a to b" or "from a" of numbers, the words of a choice with commas between them; empty: anything
	Doc     string // one sentence or more
	Since   string // the first release that has it
	Ours    bool   // an addition; the others are the reference bridge's

	parse  func(*Config, string) (warning string, err error)
	render func(Config) string
}

// Settings returns the table of all keys outside of kafka.*: the 22 of the reference bridge and our own.
func Settings() []Setting {
	all := slices.Concat(bridgeSettings(), httpSettings(), tlsSettings(), logSettings())
	for i := range all {
		all[i].Since = cmp.Or(all[i].Since, firstRelease)
	}
	return all
}

// firstRelease is the version that a setting is there since unless it says another.
const firstRelease = "0.1.0"

// bridgeSettings are the keys that begin with bridge.
func bridgeSettings() []Setting {
	return []Setting{
		text("bridge.id", "", "Prefix of the names that consumers get when their creation does not name them.", func(c *Config) *string { return &c.ID }),
		metricsType(),
		text("bridge.metrics.exporter.config.path", "", "Without effect: with jmxPrometheusExporter the built-in rules hold.",
			func(c *Config) *string { return &c.Metrics.ConfigPath }),
		number("bridge.executor.pool.size", "0", math.MaxInt32, "Size of the pool that the executor metrics report; 0: by the number of processors.",
			func(c *Config) *int { return &c.ExecutorPool }),
		number("bridge.executor.queue.size", "1000", math.MaxInt32, "Size of the queue that the executor metrics report.",
			func(c *Config) *int { return &c.ExecutorQueue }),
		tracing(),
		choice("bridge.null.value", []string{NullUpstream, NullTombstone}, "What a JSON null becomes as a value in the formats json and text: "+
			"what the reference bridge makes of it, or a record without a value.", func(c *Config) *string { return &c.NullValue }),
		ours(duration("bridge.consumer.join.wait.ms", "5000", time.Millisecond, "How long the first poll after a subscription waits for partitions, "+
			"in milliseconds; 0: not at all, as the reference bridge does.", func(c *Config) *time.Duration { return &c.Consumers.JoinWait })),
		ours(flag("bridge.consumer.replace", "false", "Creating a consumer under an existing name closes the old one instead of answering 409.",
			func(c *Config) *bool { return &c.Consumers.Replace })),
		ours(duration("bridge.stop.notice.ms", "1000", time.Millisecond, "How long a bridge that is asked to stop goes on answering while /ready fails already, "+
			"so that whoever sends it requests can notice, in milliseconds.", func(c *Config) *time.Duration { return &c.StopNotice })),
		ours(duration("bridge.start.wait.kafka.ms", "0", time.Millisecond, "How long after its start a bridge that Kafka has not answered yet answers 503 "+
			"to /started, in milliseconds; 0: as soon as it listens it has started.", func(c *Config) *time.Duration { return &c.StartWait })),
		ours(number("bridge.consumer.max", "0", math.MaxInt32, "Consumers at once; creating more is answered 503. 0: one for each MiB of the memory limit, "+
			"and at most 10000.", func(c *Config) *int { return &c.Consumers.Max })),
	}
}

// httpSettings are the keys of the listeners but for TLS.
func httpSettings() []Setting {
	return []Setting{
		text("http.host", "0.0.0.0", "Address that the listeners bind to; *: all addresses, those of IPv4 and of IPv6.", func(c *Config) *string { return &c.HTTP.Host }),
		port("http.port", "", "Port of the API; 8080, or 8443 with http.ssl.enable. 0: any free one.", func(c *Config) *int { return &c.HTTP.Port }),
		ours(text("http.management.host", "", "Address that the management listener binds to, or *; http.host unless set.",
			func(c *Config) *string { return &c.HTTP.ManagementHost })),
		port("http.management.port", "8081", "Port of health, metrics and the other management paths. 0: any free one.",
			func(c *Config) *int { return &c.HTTP.ManagementPort }),
		ours(text("http.socket", "", "Path of a Unix socket on which the API is answered too, without TLS. A socket that an ended process has left there is "+
			"replaced, anything else is not. Every local user who can reach the path may connect.", func(c *Config) *string { return &c.HTTP.Socket })),
		idleTimeout(),
		flag("http.consumer.enabled", "true", "Whether consumers may be created.", func(c *Config) *bool { return &c.HTTP.ConsumerEnabled }),
		flag("http.producer.enabled", "true", "Whether records may be sent.", func(c *Config) *bool { return &c.HTTP.ProducerEnabled }),
		flag("http.cors.enabled", "false", "Whether requests of other origins are judged and answered by the rules of CORS.",
			func(c *Config) *bool { return &c.HTTP.CORS.Enabled }),
		text("http.cors.allowedOrigins", "*", "Origins that may call: *, or a comma-separated list, or a regular expression for the whole origin.",
			func(c *Config) *string { return &c.HTTP.CORS.AllowedOrigins }),
		text("http.cors.allowedMethods", "GET,POST,PUT,DELETE,OPTIONS,PATCH", "Methods that other origins may use, comma-separated.",
			func(c *Config) *string { return &c.HTTP.CORS.AllowedMethods }),
		ours(flag("http.management.pprof", "false", "Profiles of the process under /debug/pprof on the management listener, for callers on loopback.",
			func(c *Config) *bool { return &c.HTTP.Pprof })),
		ours(size("http.max.body.bytes", "Largest request body; 0: an eighth of the memory limit, 32 MiB without one.",
			func(c *Config) *int64 { return &c.HTTP.MaxBodyBytes })),
		ours(size("http.max.inflight.bytes", "All request bodies together; 0: a quarter of the memory limit, 128 MiB without one.",
			func(c *Config) *int64 { return &c.HTTP.MaxInflightBytes })),
		ours(number("http.max.connections", "0", math.MaxInt32, "Connections to the API, and requests running at once; more are answered 503. "+
			"0: one for each 192 KiB of the memory limit, and at most 16384.", func(c *Config) *int { return &c.HTTP.MaxConnections })),
		ours(number("http.rate.limit.requests", "0", math.MaxInt32, "Requests to the API that one client may make per second; more are answered 429. 0: any number.",
			func(c *Config) *int { return &c.HTTP.RateLimit.Requests })),
		ours(size("http.rate.limit.bytes", "Bytes of bodies, of requests and answers together, that one client may have per second before it is answered 429; "+
			"0: any number.", func(c *Config) *int64 { return &c.HTTP.RateLimit.Bytes })),
		ours(text("http.rate.limit.header", "", "Header that tells clients apart, such as X-Forwarded-For (its last element) or a key; without it in a request, "+
			"and unless set, it is the client's address (IPv6: its /64).", func(c *Config) *string { return &c.HTTP.RateLimit.Header })),
	}
}

// tlsSettings are the keys that begin with http.ssl. The management listener is never encrypted.
func tlsSettings() []Setting {
	return []Setting{
		flag("http.ssl.enable", "false", "TLS on the API listener.", func(c *Config) *bool { return &c.HTTP.TLS.Enabled }),
		text("http.ssl.certificate.location", "", "File with the certificate chain, PEM. Read again when it changes.",
			func(c *Config) *string { return &c.HTTP.TLS.CertificateLocation }),
		text("http.ssl.key.location", "", "File with the private key, PEM. Read again when it changes.", func(c *Config) *string { return &c.HTTP.TLS.KeyLocation }),
		text("http.ssl.certificate", "", "The certificate chain itself, PEM; not used when the files are set.",
			func(c *Config) *string { return &c.HTTP.TLS.Certificate }),
		text("http.ssl.key", "", "The private key itself, PEM; not used when the files are set.", func(c *Config) *string { return &c.HTTP.TLS.Key }),
		list("http.ssl.enabled.protocols", "TLSv1.2,TLSv1.3", "Versions of TLS, comma-separated, without a gap between them.",
			func(c *Config) *[]string { return &c.HTTP.TLS.Protocols }),
		list("http.ssl.enabled.cipher.suites", "", "Cipher suites by their registered names, comma-separated; of TLS 1.3 all or none. Unset: the library's choice.",
			func(c *Config) *[]string { return &c.HTTP.TLS.CipherSuites }),
	}
}

// ours marks an addition to the reference bridge's settings.
func ours(s Setting) Setting {
	s.Ours = true
	return s
}

// text is taken as it is, white space around it dropped.
func text(key, def, doc string, field func(*Config) *string) Setting {
	return Setting{
		Key: key, Type: "text", Default: def, Doc: doc,
		parse:  func(c *Config, v string) (string, error) { *field(c) = v; return "", nil },
		render: func(c Config) string { return *field(&c) },
	}
}

// list is cut at commas; unlike the reference bridge, which would look for a protocol with a blank in its name, white space
// around an element is dropped.
func list(key, def, doc string, field func(*Config) *[]string) Setting {
	return Setting{
		Key: key, Type: "list", Default: def, Doc: doc,
		parse: func(c *Config, v string) (string, error) {
			*field(c) = nil
			for part := range strings.SplitSeq(v, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*field(c) = append(*field(c), part)
				}
			}
			return "", nil
		},
		render: func(c Config) string { return strings.Join(*field(&c), ",") },
	}
}

// flag reads a boolean as the reference bridge does: true in any case is true, anything else is false. What is neither
// gets a warning.
func flag(key, def, doc string, field func(*Config) *bool) Setting {
	return Setting{
		Key: key, Type: "boolean", Default: def, Range: "true, false", Doc: doc,
		parse: func(c *Config, v string) (string, error) {
			*field(c) = strings.EqualFold(v, "true")
			if !*field(c) && !strings.EqualFold(v, "false") {
				return fmt.Sprintf("%q is read as false: write true or false", v), nil
			}
			return "", nil
		},
		render: func(c Config) string { return strconv.FormatBool(*field(&c)) },
	}
}

// whole reads a decimal number between two bounds, both included.
func whole(v string, low, high int64) (int64, error) {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", v)
	}
	if n < low || n > high {
		return 0, fmt.Errorf("%d is not between %d and %d", n, low, high)
	}
	return n, nil
}

// number is a whole number from 0 up to a bound; what does not parse stops the start.
func number(key, def string, high int64, doc string, field func(*Config) *int) Setting {
	return Setting{
		Key: key, Type: "number", Default: def, Range: fmt.Sprintf("0 to %d", high), Doc: doc,
		parse: func(c *Config, v string) (string, error) {
			n, err := whole(v, 0, high)
			*field(c) = int(n)
			return "", err
		},
		render: func(c Config) string { return strconv.Itoa(*field(&c)) },
	}
}

// port is a number up to 65535. A default that depends on other settings is filled in by Parse, from -1.
func port(key, def, doc string, field func(*Config) *int) Setting {
	s := number(key, def, math.MaxUint16, doc, field)
	parse := s.parse
	s.parse = func(c *Config, v string) (string, error) {
		if v == "" && def == "" {
			*field(c) = -1
			return "", nil
		}
		return parse(c, v)
	}
	return s
}

// size is a number of bytes; 0 leaves it to the memory limit.
func size(key, doc string, field func(*Config) *int64) Setting {
	return Setting{
		Key: key, Type: "number", Unit: "bytes", Default: "0", Range: "from 0", Doc: doc,
		parse: func(c *Config, v string) (string, error) {
			n, err := whole(v, 0, math.MaxInt64)
			*field(c) = n
			return "", err
		},
		render: func(c Config) string { return strconv.FormatInt(*field(&c), 10) },
	}
}

// duration is a number of units that is not negative.
func duration(key, def string, unit time.Duration, doc string, field func(*Config) *time.Duration) Setting {
	return Setting{
		Key: key, Type: "number", Unit: map[time.Duration]string{time.Millisecond: "ms", time.Second: "s"}[unit], Default: def,
		Range: fmt.Sprintf("0 to %d", math.MaxInt32), Doc: doc,
		parse: func(c *Config, v string) (string, error) {
			n, err := whole(v, 0, math.MaxInt32)
			*field(c) = time.Duration(n) * unit
			return "", err
		},
		render: func(c Config) string { return strconv.FormatInt(int64(*field(&c)/unit), 10) },
	}
}

// choice is one of a few texts, the first of which is the default.
func choice(key string, among []string, doc string, field func(*Config) *string) Setting {
	s := ours(text(key, among[0], doc, field))
	s.Range = strings.Join(among, ", ")
	s.parse = func(c *Config, v string) (string, error) {
		if !slices.Contains(among, v) {
			return "", fmt.Errorf("%q is not one of %s", v, strings.Join(among, ", "))
		}
		*field(c) = v
		return "", nil
	}
	return s
}

// idleTimeout takes any negative number for never. The reference bridge fails at start on 0, as its timer does.
func idleTimeout() Setting {
	s := duration("http.timeoutSeconds", "-1", time.Second, "Seconds without a request after which a consumer is closed; -1: never.",
		func(c *Config) *time.Duration { return &c.HTTP.IdleConsumerTimeout })
	s.Range = fmt.Sprintf("-1; 1 to %d", math.MaxInt32)
	s.parse = func(c *Config, v string) (string, error) {
		n, err := whole(v, math.MinInt32, math.MaxInt32)
		if err == nil && n == 0 {
			err = fmt.Errorf("0 would close consumers at once: a positive number of seconds, or -1 for never")
		}
		c.HTTP.IdleConsumerTimeout = time.Duration(max(n, -1)) * time.Second
		return "", err
	}
	return s
}

// metricsType takes the two types in any case and keeps the spelling of the constants.
func metricsType() Setting {
	s := text("bridge.metrics", "", "jmxPrometheusExporter or strimziMetricsReporter, in any case: which metrics of the Kafka clients /metrics "+
		"shows beside those of the bridge. Unset: /metrics answers 404.", func(c *Config) *string { return &c.Metrics.Type })
	s.Range = MetricsJMX + ", " + MetricsReporter
	s.parse = func(c *Config, v string) (string, error) {
		for _, known := range []string{"", MetricsJMX, MetricsReporter} {
			if strings.EqualFold(v, known) {
				c.Metrics.Type = known
				return "", nil
			}
		}
		return "", fmt.Errorf("Metrics type not found: %s", strings.Join(strings.Fields(v), " "))
	}
	return s
}

// tracing goes on without tracing when the value is unknown, as the reference bridge does.
func tracing() Setting {
	s := text("bridge.tracing", "", "opentelemetry: spans for sending and receiving, configured by the variables OTEL_*.",
		func(c *Config) *string { return &c.Tracing })
	s.Range = "opentelemetry"
	s.parse = func(c *Config, v string) (string, error) {
		c.Tracing = ""
		switch v {
		case "":
		case "opentelemetry":
			c.Tracing = v
		default:
			return fmt.Sprintf("tracing is off: %q is not known, opentelemetry is", v), nil
		}
		return "", nil
	}
	return s
}

// limitsOfTLS checks protocols and cipher suites of the API listener as those of Kafka clients are.
func limitsOfTLS(t HTTPTLS) (key string, err error) {
	if _, _, _, err := kafka.TLSLimits(t.Protocols, nil); err != nil {
		return "http.ssl.enabled.protocols", err
	}
	_, _, _, err = kafka.TLSLimits(t.Protocols, t.CipherSuites)
	return "http.ssl.enabled.cipher.suites", err
}
