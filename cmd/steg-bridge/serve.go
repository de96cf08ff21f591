package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/wire"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/credentials"
	"github.com/steg-kafka/steg/internal/devbroker"
	"github.com/steg-kafka/steg/internal/logging"
	"github.com/steg-kafka/steg/internal/serve"
)

const (
	// drainTime bounds a stop: less than the 30 s that Kubernetes gives a pod by default.
	drainTime = 25 * time.Second
	// requestTime is what running requests have of it. The rest is for leaving the groups: partitions of a member that says
	// no goodbye stay with it until its session times out.
	requestTime = 15 * time.Second
)

// The names of the listeners.
const (
	apiListener        = "api"
	socketListener     = "socket"
	managementListener = "management"
)

// managementConnections is how many the management listener takes: probes and scrapes, which come one at a time.
const managementConnections = 64

// serveBridge runs the bridge until ctx ends, then drains it.
func serveBridge(ctx context.Context, stdout io.Writer, s settings, o options) error {
	logs, err := logging.Open(logging.Options{
		Writer: stdout, Level: s.Log.Level, Format: logging.Format(s.Log.Format), Operations: s.Log.Operations,
	})
	if err != nil {
		return err
	}
	defer logs.Close()
	log := logs.Logger
	if !s.HTTP.Pprof {
		runtime.MemProfileRate = 0 // nobody will read the profile of the heap, which takes a megabyte
	}
	log.Info("Strimzi Kafka Bridge " + version + " is starting") // the line that start scripts of the reference wait for
	for _, f := range s.findings {
		log.Warn("setting", "key", f.Key, "text", f.Text)
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx)) // what is open outlives the signal by the drain
	defer end()
	if o.embedded.on {
		broker, err := devbroker.Start(life, devbroker.Options{Dir: o.embedded.dir, Logger: log})
		if err != nil {
			return err
		}
		defer func() { _ = broker.Close() }() // its data is on disk already
		s = s.withBroker(broker.Addr())
	}
	quit, asked := context.WithCancel(ctx)
	defer asked()
	p, err := assemble(life, logs, s, asked)
	if err != nil {
		return err
	}
	defer p.close()
	group, err := bind(life, log, s, p)
	if err != nil {
		return errors.Join(err, p.server.Close(life))
	}
	group.Serve()
	go returnMemory(life)
	go followLoad(life)
	p.server.SetReady(true)
	announce(stdout, log, s, o, group)
	notice := s.StopNotice
	if o.embedded.on {
		notice = 0 // nobody sends it requests from afar
	}
	select {
	case <-quit.Done():
		return drain(life, log, p, group, notice)
	case err := <-group.Done():
		return errors.Join(err, drain(life, log, p, group, 0))
	}
}

// withBroker returns the settings with the embedded broker for all clients. It has no encryption and no passwords, so
// that settings for another cluster's do not get in its way.
func (s settings) withBroker(addr string) settings {
	embedded := map[string]string{"bootstrap.servers": addr, "security.protocol": "PLAINTEXT"}
	for _, properties := range []*map[string]string{&s.Kafka.Common, &s.Kafka.Admin, &s.Kafka.Producer, &s.Kafka.Consumer} {
		changed := maps.Clone(*properties)
		for key := range embedded {
			delete(changed, key)
		}
		*properties = changed
	}
	if s.Kafka.Common == nil {
		s.Kafka.Common = make(map[string]string)
	}
	maps.Copy(s.Kafka.Common, embedded)
	return s
}

// bind opens both listeners.
func bind(ctx context.Context, log *slog.Logger, s settings, p *parts) (*serve.Group, error) {
	var certificates *tls.Config
	if s.HTTP.TLS.Enabled {
		source, err := credentials.OpenServer(ctx, s.HTTP.TLS, credentials.Options{Logger: log, Changes: p.changes})
		if err != nil {
			return nil, err
		}
		p.http, certificates = source, source.TLSConfig()
	}
	refusal := string(wire.BadRequest().Append(nil))
	api := serve.Listener{
		Name: apiListener, Host: bindable(s.HTTP.Host), Port: s.HTTP.Port, TLS: certificates,
		Handler: p.server.API(), ConnContext: p.server.ConnContext, ConnState: p.server.ConnState,
		RefusalMedia: wire.MediaV2, RefusalBody: refusal,
		MaxConnections: p.limits.Connections, BusyBody: string(wire.Overloaded(1).Append(nil)), RetryAfter: 1,
		Refused: p.server.ConnectionRefused,
	}
	listeners := []serve.Listener{api, {
		Name: managementListener, Host: bindable(s.HTTP.ManagementHost), Port: s.HTTP.ManagementPort,
		Handler: p.server.Management(), RefusalMedia: wire.MediaV2, RefusalBody: refusal,
		MaxConnections: managementConnections, BusyBody: string(wire.Overloaded(1).Append(nil)), RetryAfter: 1,
	}}
	if s.HTTP.Socket != "" {
		api.Name, api.Socket, api.TLS = socketListener, s.HTTP.Socket, nil
		listeners = append(listeners, api)
	}
	return serve.Bind(ctx, log, listeners...)
}

// bindable returns a host as package net knows it: all addresses of both families have none.
func bindable(host string) string {
	if host == bridgeconfig.AnyHost {
		return ""
	}
	return host
}

// announce says what listens where; with the embedded broker, also what to paste.
func announce(stdout io.Writer, log *slog.Logger, s settings, o options, group *serve.Group) {
	port := group.Addr(apiListener).Port
	log.Info(fmt.Sprintf("HTTP Bridge server started and listening on port %d", port))
	log.Info("HTTP Bridge bootstrap servers " + s.ClientProperties("admin")["bootstrap.servers"])
	if s.HTTP.Socket != "" {
		log.Info("API on a socket too", "path", s.HTTP.Socket)
	}
	log.Info("management listener", "address", group.Addr(managementListener).String())
	if o.embedded.on {
		fmt.Fprint(stdout, strings.NewReplacer(
			"SCHEME", scheme(s.Config), "HOST", fmt.Sprintf("localhost:%d", port), "BROKER", s.ClientProperties("admin")["bootstrap.servers"],
		).Replace(pasteable))
	}
}

func scheme(c bridgeconfig.Config) string {
	if c.HTTP.TLS.Enabled {
		return "https"
	}
	return "http"
}

const pasteable = `
Steg listens on SCHEME://HOST, its development broker on BROKER (for Kafka clients). Produce a record:

  curl -s SCHEME://HOST/topics/orders -H 'content-type: application/vnd.kafka.json.v2+json' \
    -d '{"records":[{"key":"42","value":{"item":"lamp"}}]}'

Consume it:

  curl -s SCHEME://HOST/consumers/shop -H 'content-type: application/vnd.kafka.v2+json' \
    -d '{"name":"till-1","format":"json","auto.offset.reset":"earliest"}'
  curl -s SCHEME://HOST/consumers/shop/instances/till-1/subscription -H 'content-type: application/vnd.kafka.v2+json' \
    -d '{"topics":["orders"]}'
  curl -s 'SCHEME://HOST/consumers/shop/instances/till-1/records?timeout=5000' \
    -H 'accept: application/vnd.kafka.json.v2+json'

Ctrl-C stops it.

`

// drain stops in the order that loses nothing: readiness first, for as long as notice so that balancers hear of it while
// requests that are on their way are still answered; then no new requests, those that run are answered, the producer is
// flushed, groups are left. A send that waits for longer than requestTime, for a topic to appear or for a
// broker, is answered as it stands when the producer closes.
func drain(ctx context.Context, log *slog.Logger, p *parts, group *serve.Group, notice time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	log.Info("stopping")
	p.server.SetReady(false)
	select {
	case <-time.After(notice):
	case <-ctx.Done():
	}
	p.server.EndPolls()
	running, enough := context.WithTimeout(ctx, requestTime)
	defer enough()
	late := shutdown(running, group) != nil
	err := p.server.Close(ctx)
	if late {
		err = errors.Join(err, shutdown(ctx, group))
	}
	err = errors.Join(err, p.tracer.Close(ctx), group.Shutdown(ctx, managementListener), group.Close())
	log.Info("stopped")
	return err
}

// shutdown stops the API on its port and on its socket side by side.
func shutdown(ctx context.Context, group *serve.Group) error {
	socket := make(chan error, 1)
	go func() { socket <- group.Shutdown(ctx, socketListener) }()
	return errors.Join(group.Shutdown(ctx, apiListener), <-socket)
}
