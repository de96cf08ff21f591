package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/credentials"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/origins"
)

// checkTime bounds each client's attempt to reach Kafka.
const checkTime = 10 * time.Second

// check validates the settings, tries Kafka with each client's own credentials, and prints a line for each thing it
// looked at. The error, if any, is the summary: the lines have the details.
func check(ctx context.Context, w io.Writer, s settings) error {
	for _, f := range s.findings {
		fmt.Fprintf(w, "%-8s %s: %s\n", f.Level, f.Key, f.Text)
	}
	failed := 0
	report := func(what string, err error, ok string) {
		if err != nil {
			failed++
			fmt.Fprintf(w, "%-8s %s: %s\n", "failed", what, withCause(err))
			return
		}
		fmt.Fprintf(w, "%-8s %s: %s\n", "ok", what, ok)
	}
	if s.HTTP.TLS.Enabled {
		source, err := credentials.OpenServer(ctx, s.HTTP.TLS, credentials.Options{})
		report("http.ssl", err, "certificate and key belong together")
		if err == nil {
			source.Close()
		}
	}
	if s.HTTP.CORS.Enabled {
		_, err := origins.Parse(s.HTTP.CORS.AllowedOrigins)
		report("http.cors.allowedOrigins", err, "every origin is * or a regular expression")
	}
	for _, t := range tryAll(ctx, s) {
		fmt.Fprint(w, t.log.String())
		report(string(t.role)+" client", t.err, t.found)
	}
	if failed > 0 {
		return fmt.Errorf("%d of the checks failed", failed)
	}
	return nil
}

// withCause is an error's text, and behind a Java text what the client library said: an answer must have the words that
// programs know, and who sets up a bridge wants to know which certificate, and which address.
func withCause(err error) string {
	var java *kafka.Error
	if errors.As(err, &java) && java.Cause != nil && !strings.Contains(java.Cause.Error(), java.Message) {
		return fmt.Sprintf("%v (%v)", err, java.Cause)
	}
	return err.Error()
}

// trial is what came of one client's attempt to reach Kafka.
type trial struct {
	role  kafka.Role
	found string
	err   error
	log   strings.Builder // what there is to say about its settings
}

// tryAll lets the three clients try side by side: a Kafka that is away costs the time of one.
func tryAll(ctx context.Context, s settings) []*trial {
	var trials []*trial
	var running sync.WaitGroup
	for _, role := range []kafka.Role{kafka.Admin, kafka.Producer, kafka.Consumer} {
		t := &trial{role: role}
		trials = append(trials, t)
		running.Go(func() { t.found, t.err = tryKafka(ctx, &t.log, s, role) })
	}
	running.Wait()
	return trials
}

// tryKafka connects with one client's settings and says what it found.
func tryKafka(ctx context.Context, w io.Writer, s settings, role kafka.Role) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: withoutTime}))
	c, err := connectRole(ctx, log, s, role, nil)
	if err != nil {
		return "", err
	}
	defer c.transport.Close()
	if c.invalid != nil {
		return "", c.invalid
	}
	cfg := c.config
	cfg.DefaultAPITimeout = cmp.Or(cfg.DefaultAPITimeout, cfg.Producer.MaxBlock, checkTime) // a producer has only the second
	a, err := admin.New(cfg, c.transport.Options())
	if err != nil {
		return "", err
	}
	defer a.Close()
	cluster, err := a.Cluster(ctx)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%s, %d brokers, cluster %s", c.config.Security.Protocol, cluster.Brokers, cluster.ID)
	if end := c.transport.NotAfter(); !end.IsZero() {
		text += ", certificate valid until " + end.UTC().Format(time.RFC3339)
	}
	return text, nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
