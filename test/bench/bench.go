package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/test/kafkarig"
)

// bench is one run of the program.
type bench struct {
	options
	dir       string // temporary
	bootstrap string
	binary    string
	client    *kgo.Client
	admin     *kadm.Client
	closers   []func() error
	report    report
}

// open brings up Kafka and builds the bridge.
func open(ctx context.Context, o options) (*bench, error) {
	b := &bench{options: o, report: report{Began: time.Now().UTC(), Go: runtime.Version(), CPUs: runtime.NumCPU()}}
	err := b.open(ctx)
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *bench) open(ctx context.Context) error {
	var err error
	if b.dir, err = os.MkdirTemp("", "steg-bench-"); err != nil {
		return err
	}
	b.closers = append(b.closers, func() error { return os.RemoveAll(b.dir) })
	if b.binary = b.bridge; b.binary == "" {
		if b.binary, err = build(ctx, b.options, b.dir); err != nil {
			return err
		}
	}
	if err := b.openKafka(ctx); err != nil {
		return err
	}
	b.client, err = kgo.NewClient(kgo.SeedBrokers(b.bootstrap), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	b.closers = append(b.closers, func() error { b.client.Close(); return nil })
	b.admin = kadm.NewClient(b.client)
	return nil
}

// openKafka starts what the flags say, or nothing.
func (b *bench) openKafka(ctx context.Context) error {
	switch {
	case b.options.bootstrap != "":
		b.bootstrap, b.report.Kafka = b.options.bootstrap, "at "+b.options.bootstrap
	case b.embedded:
		c, err := role(roleBroker)
		if err != nil {
			return err
		}
		b.closers = append(b.closers, c.stop)
		if b.bootstrap, err = c.line(); err != nil {
			return err
		}
		b.report.Kafka = "development broker"
	default:
		rig, err := kafkarig.Up(ctx, kafkarig.Options{Heap: "1g", JVM: []string{"-XX:+UseG1GC"}, Config: b.brokerSettings()})
		if err != nil {
			return err
		}
		b.closers = append(b.closers, rig.Close)
		b.bootstrap, b.report.Kafka = rig.Bootstrap(kafkarig.Plain), "Apache Kafka "+rig.Version
	}
	return nil
}

// close ends everything in the reverse order of its beginning.
func (b *bench) close() error {
	var errs []error
	for _, f := range slices.Backward(b.closers) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// all runs what the flags pick, and prints and writes the report, as far as it came.
func (b *bench) all(ctx context.Context) error {
	err := b.everything(ctx)
	b.report.print(os.Stdout)
	if b.json != "" {
		text, e := json.MarshalIndent(b.report, "", "  ")
		if e == nil {
			e = os.WriteFile(b.json, append(text, '\n'), 0o644) //nolint:gosec // figures are no secret
		}
		err = errors.Join(err, e)
	}
	return err
}

func (b *bench) everything(ctx context.Context) error {
	if len(b.growth) > 0 {
		return b.grow(ctx)
	}
	if b.picks("start", true) {
		if err := b.starts(ctx); err != nil {
			return err
		}
	}
	for i, acks := range b.acks {
		if err := b.withAcks(ctx, acks, i == 0); err != nil {
			return err
		}
	}
	return b.footprint(ctx)
}

// withAcks runs the scenarios on one bridge. Polls do not depend on acks, so that they are measured with the first only.
func (b *bench) withAcks(ctx context.Context, acks string, first bool) error {
	own, err := b.launch(ctx, acks)
	if err != nil {
		return err
	}
	defer func() { _ = own.stop() }() // what it says at its end is no figure
	subjects := append([]subject{own.subject}, b.peers...)
	ran := 0
	for _, s := range scenarios() {
		if !b.picks(s.name, s.owed > 0 || s.p50) || s.consumes() && !first {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := b.measure(ctx, s, acks, subjects)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintln(os.Stderr, r.line())
		b.report.Results = append(b.report.Results, r)
		b.addLatencies(r)
		ran++
	}
	if b.picks("pending", first) && first {
		if err := b.pending(ctx, own.subject); err != nil {
			return err
		}
	}
	if ran > 1 && first {
		return b.laterMemory(own.subject)
	}
	return nil
}
