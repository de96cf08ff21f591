package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge"
	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/metrics"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/configsource"
	"github.com/steg-kafka/steg/internal/credentials"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/logging"
	"github.com/steg-kafka/steg/internal/tracing"
)

// clients is what stands between the settings and Kafka for one role.
type client struct {
	config    kafka.Config
	transport *credentials.Transport
	invalid   error // the first value that the Java client would refuse too
}

// parts is everything that was opened for one bridge: first the server is closed, then the rest.
type parts struct {
	server  *bridge.Server
	admin   *admin.Admin
	http    *credentials.Server // nil without TLS
	tracer  *tracing.Tracer     // nil: tracing is off
	clients map[kafka.Role]client
	changes *credentials.Changes // of the files of all of them
	limits  bridgeconfig.Limits
}

// connect interprets the settings of all three clients and opens their credentials. No connection is made: Kafka may be
// away. Errors are one line for each thing that is wrong, however many clients it is wrong for.
func connect(ctx context.Context, log *slog.Logger, s settings, changes *credentials.Changes) (map[kafka.Role]client, error) {
	out := make(map[kafka.Role]client)
	var said []string
	of := make(map[string][]string) // the clients that said it
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		c, err := connectRole(ctx, log, s, role, changes)
		if err == nil {
			out[role] = c
			continue
		}
		text := err.Error()
		if of[text] == nil {
			said = append(said, text)
		}
		of[text] = append(of[text], string(role))
	}
	if len(said) == 0 {
		return out, nil
	}
	closeClients(out)
	var errs []error
	for _, text := range said {
		if clients := of[text]; len(clients) < 3 {
			text = strings.Join(clients, " and ") + " client: " + text
		}
		errs = append(errs, errors.New(text))
	}
	return nil, errors.Join(errs...)
}

// connectRole is connect for one client. Its errors begin with the setting. changes may be nil.
func connectRole(ctx context.Context, log *slog.Logger, s settings, role kafka.Role, changes *credentials.Changes) (client, error) {
	properties, live, err := resolveLive(ctx, log, s, role)
	if err != nil {
		return client{}, err
	}
	cfg, findings := kafka.Interpret(role, properties)
	c := client{config: cfg}
	for _, f := range findings {
		switch f.Level {
		case kafka.Warning:
			if f.Unknown {
				continue // said when the settings were read, once for all clients
			}
			log.Warn("setting", "client", string(role), "key", s.fullKey(role, f.Key), "text", f.Text)
		case kafka.Refused:
			return client{}, fmt.Errorf("%s: %s", s.fullKey(role, f.Key), f.Text)
		case kafka.Invalid:
			// The reference bridge starts with an invalid producer or consumer setting and answers it to each request.
			if role == kafka.Admin {
				return client{}, fmt.Errorf("%s: %s", s.fullKey(role, f.Key), f.Text)
			}
			if c.invalid == nil {
				log.Error("setting", "client", string(role), "key", s.fullKey(role, f.Key), "text", f.Text)
				c.invalid = errors.New(f.Text)
			}
		}
	}
	c.transport, err = credentials.Open(ctx, cfg.Security, credentials.Options{
		Logger: log, LookupEnv: s.lookup, Changes: changes, Live: live,
		ConnectTimeout: cfg.ConnectTimeout, SendBuffer: cfg.SendBuffer, ReceiveBuffer: cfg.ReceiveBuffer,
	})
	if err != nil {
		return client{}, fmt.Errorf("kafka.%w", err)
	}
	return c, nil
}

// fullKey returns a client's key as it stands in the settings: with the client's own prefix where that is what counts.
func (s settings) fullKey(role kafka.Role, key string) string {
	own := map[kafka.Role]map[string]string{kafka.Admin: s.Kafka.Admin, kafka.Producer: s.Kafka.Producer, kafka.Consumer: s.Kafka.Consumer}
	if _, ok := own[role][key]; ok {
		return "kafka." + string(role) + "." + key
	}
	return "kafka." + key
}

// resolveLive returns a client's properties with references to config providers replaced, and how to read again those that
// decide how it is secured; nil if no file is behind them.
func resolveLive(ctx context.Context, log *slog.Logger, s settings, role kafka.Role) (map[string]string, *credentials.Live, error) {
	properties := s.ClientProperties(role)
	resolver, err := configsource.NewResolver(properties, configsource.Sources{LookupEnv: s.lookup, Logger: log})
	if err != nil {
		return nil, nil, err
	}
	resolved, err := resolver.Resolve(ctx, properties)
	if err != nil {
		return nil, nil, err
	}
	securing := make(map[string]string)
	for key, value := range properties {
		for _, prefix := range []string{"security.", "ssl.", "sasl."} {
			if strings.HasPrefix(key, prefix) {
				securing[key] = value
			}
		}
	}
	files := resolver.Files(securing)
	if len(files) == 0 {
		return resolved, nil, nil
	}
	return resolved, &credentials.Live{Files: files, Read: func(ctx context.Context) (kafka.Security, error) {
		fresh, err := resolver.ResolveAll(ctx, securing)
		if err != nil {
			return kafka.Security{}, err
		}
		all := maps.Clone(resolved)
		maps.Copy(all, fresh)
		return security(role, all)
	}}, nil
}

// security reads how a client is secured. The error is the first setting that can't be meant.
func security(role kafka.Role, properties map[string]string) (kafka.Security, error) {
	cfg, findings := kafka.Interpret(role, properties)
	for _, f := range findings {
		if f.Level != kafka.Warning {
			return kafka.Security{}, fmt.Errorf("kafka.%s: %s", f.Key, f.Text)
		}
	}
	return cfg.Security, nil
}

// resolve returns a client's properties with references to config providers replaced, and overrides on top.
func resolve(ctx context.Context, log *slog.Logger, s settings, role kafka.Role, overrides map[string]string) (map[string]string, error) {
	properties := s.ClientProperties(role)
	resolver, err := configsource.NewResolver(properties, configsource.Sources{LookupEnv: s.lookup, Logger: log})
	if err != nil {
		return nil, err
	}
	resolved, err := resolver.Resolve(ctx, properties)
	if err != nil {
		return nil, err
	}
	for k, v := range overrides {
		resolved[k] = v
	}
	return resolved, nil
}

func closeClients(clients map[kafka.Role]client) {
	for _, c := range clients {
		c.transport.Close()
	}
}

// assemble joins the parts of a bridge.
func assemble(ctx context.Context, logs *logging.Log, s settings, quit func()) (*parts, error) {
	log := logs.Logger
	changes := credentials.NewChanges(log)
	clients, err := connect(ctx, log, s, changes)
	if err != nil {
		changes.Close()
		return nil, err
	}
	limits := s.Limits(memoryLimit())
	limits.Connections = min(limits.Connections, openable())
	counted, err := newMetrics(s)
	if err != nil {
		closeClients(clients)
		changes.Close()
		return nil, err
	}
	w := watched{counted: counted, reach: new(bridge.Reach)}
	topics, err := admin.New(clients[kafka.Admin].config, w.hooked(clients[kafka.Admin].transport.Options(), metrics.Admin))
	if err != nil {
		closeClients(clients)
		changes.Close()
		return nil, fmt.Errorf("admin client: %w", err)
	}
	p := &parts{admin: topics, clients: clients, changes: changes, limits: limits, tracer: newTracer(ctx, log, s)}
	p.server, err = bridge.New(bridge.Options{
		Config: s.Config, Limits: limits, Version: version, Log: log, Admin: topics,
		Producer:  func() (*producer.Producer, error) { return newProducer(log, clients[kafka.Producer], limits, w) },
		Consumers: newConsumers(ctx, log, s, clients[kafka.Consumer], limits, w),
		Metrics:   counted,
		Logs:      logs, Kafka: w.reach, Certificates: p.certificates, Quit: quit, Tracer: p.tracer,
		CallTimeout: clients[kafka.Consumer].config.DefaultAPITimeout,
	})
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// close ends what a server leaves open when it is closed.
func (p *parts) close() {
	p.admin.Close()
	closeClients(p.clients)
	if p.http != nil {
		p.http.Close()
	}
	p.changes.Close()
}

// certificates lists those that the bridge shows and that end.
func (p *parts) certificates() []metrics.Certificate {
	var all []metrics.Certificate
	if p.http != nil {
		all = append(all, metrics.Certificate{Use: "http", NotAfter: p.http.NotAfter()})
	}
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		if end := p.clients[role].transport.NotAfter(); !end.IsZero() {
			all = append(all, metrics.Certificate{Use: "kafka " + string(role), NotAfter: end})
		}
	}
	return all
}

// newMetrics returns nil when bridge.metrics is not set.
func newMetrics(s settings) (*metrics.Metrics, error) {
	if s.Metrics.Type == "" {
		return nil, nil //nolint:nilnil // without metrics nothing is counted
	}
	style := metrics.JMX
	if s.Metrics.Type == bridgeconfig.MetricsReporter {
		style = metrics.Reporter
	}
	return metrics.New(metrics.Options{
		Style: style, PoolSize: s.PoolSize(runtime.GOMAXPROCS(0)), QueueSize: s.ExecutorQueue, Now: time.Now,
	})
}

// newTracer returns nil unless bridge.tracing asks for spans. What keeps them from being made is no reason not to serve, as
// in the reference bridge.
func newTracer(ctx context.Context, log *slog.Logger, s settings) *tracing.Tracer {
	if s.Tracing == "" {
		return nil
	}
	tracer, err := tracing.New(ctx, tracing.Options{Version: version, Log: log})
	if err != nil {
		log.Error("tracing is off", "error", err)
	}
	return tracer
}

// watched is who looks at the Kafka clients.
type watched struct {
	counted *metrics.Metrics // nil: nothing is counted
	reach   *bridge.Reach
}

// hooked adds the hooks that watch a client to its options.
func (w watched) hooked(options []kgo.Opt, kind metrics.Kind) []kgo.Opt {
	hooks := []kgo.Hook{w.reach}
	if w.counted != nil {
		hooks = append(hooks, w.counted.Client(kind))
	}
	return append(slices.Clip(options), kgo.WithHooks(hooks...))
}

// joined returns who is told how long consumers wait for their partitions, nil if nobody is.
func (w watched) joined() func(rebalance bool, took time.Duration) {
	if w.counted == nil {
		return nil
	}
	return w.counted.Steg.Joined
}

func newProducer(log *slog.Logger, c client, limits bridgeconfig.Limits, w watched) (*producer.Producer, error) {
	if c.invalid != nil {
		return nil, c.invalid
	}
	return producer.New(c.config, w.hooked(c.transport.Options(), metrics.Producer),
		producer.Options{InflightBytes: limits.InflightBytes, Logger: log})
}

func newConsumers(ctx context.Context, log *slog.Logger, s settings, c client, limits bridgeconfig.Limits, w watched) *consumers.Registry {
	return consumers.New(consumers.Settings{
		BridgeID: s.ID, Replace: s.Consumers.Replace, JoinWait: s.Consumers.JoinWait, IdleTimeout: s.HTTP.IdleConsumerTimeout,
		FetchBytes: limits.FetchBytes, Max: limits.Consumers, Logger: log, Now: time.Now, Joined: w.joined(),
		Transport: func() []kgo.Opt { return w.hooked(c.transport.Options(), metrics.Consumer) },
		Configure: func(overrides map[string]string) (kafka.Config, error) {
			properties, err := resolve(ctx, log, s, kafka.Consumer, overrides)
			if err != nil {
				return kafka.Config{}, err
			}
			cfg, findings := kafka.Interpret(kafka.Consumer, properties)
			for _, f := range findings {
				if f.Level != kafka.Warning {
					return kafka.Config{}, &consumers.InvalidError{Text: f.Text}
				}
			}
			return cfg, nil
		},
	})
}
