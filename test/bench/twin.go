package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/bridge"
	"github.com/steg-kafka/steg/internal/bridge/admin"
	"github.com/steg-kafka/steg/internal/bridge/consumers"
	"github.com/steg-kafka/steg/internal/bridge/producer"
	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/credentials"
	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/serve"
)

// twinAsk is a question to the twin: what to do before it answers.
type twinAsk struct {
	Collect bool   // run the garbage collector
	Start   string // file for a CPU profile, which begins
	Stop    string // file for a profile of all allocations; the CPU profile ends
}

// twinSays is the twin's answer.
type twinSays struct {
	Objects, Bytes uint64 // ever allocated
	Held           uint64 // bytes of living objects and stacks
	Collections    uint32
	CPU            time.Duration
}

// twin is the role of a bridge that tells of its memory and can be profiled: the packages of the product, put together as its
// main does. It prints its address and then answers questions.
func twin(ctx context.Context, sets []string) error {
	values := make(map[string]string)
	for _, s := range sets {
		key, value, _ := strings.Cut(s, "=")
		values[key] = value
	}
	cfg, _, err := bridgeconfig.Parse([]bridgeconfig.Layer{{Origin: "bench", Values: values}})
	if err != nil {
		return err
	}
	server, err := assemble(ctx, cfg)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	group, err := serve.Bind(ctx, log, serve.Listener{
		Name: "api", Host: "127.0.0.1", Handler: server.API(), ConnContext: server.ConnContext, ConnState: server.ConnState,
	})
	if err != nil {
		return err
	}
	group.Serve()
	server.SetReady(true)
	fmt.Println(group.Addr("api"))
	err = interview()
	server.EndPolls()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(err, group.Close(), server.Close(ctx))
}

// interview answers questions until there are no more.
func interview() error {
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		var q twinAsk
		if err := json.Unmarshal(questions.Bytes(), &q); err != nil {
			return err
		}
		if err := q.obey(); err != nil {
			return err
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		used, err := ownCPU()
		if err != nil {
			return err
		}
		text, err := json.Marshal(twinSays{Objects: m.Mallocs, Bytes: m.TotalAlloc, Held: m.HeapAlloc + m.StackInuse, Collections: m.NumGC, CPU: used})
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
	return questions.Err()
}

func (q twinAsk) obey() error {
	if q.Collect {
		runtime.GC()
		runtime.GC() // what pools still hold goes with the second
	}
	if q.Start != "" {
		f, err := os.Create(q.Start)
		if err != nil {
			return err
		}
		return pprof.StartCPUProfile(f) // the file is complete when the profile stops, and closed with the process
	}
	if q.Stop != "" {
		pprof.StopCPUProfile()
		f, err := os.Create(q.Stop)
		if err != nil {
			return err
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
	}
	return nil
}

// assemble joins the parts of a bridge without credentials or config providers.
func assemble(ctx context.Context, cfg bridgeconfig.Config) (*bridge.Server, error) {
	open := func(role kafka.Role) (kafka.Config, []kgo.Opt, error) {
		c, _ := kafka.Interpret(role, cfg.ClientProperties(role))
		transport, err := credentials.Open(ctx, c.Security, credentials.Options{ConnectTimeout: c.ConnectTimeout})
		if err != nil {
			return c, nil, err
		}
		return c, transport.Options(), nil
	}
	adminConfig, adminOptions, err := open(kafka.Admin)
	if err != nil {
		return nil, err
	}
	topics, err := admin.New(adminConfig, adminOptions)
	if err != nil {
		return nil, err
	}
	_, consumerOptions, err := open(kafka.Consumer)
	if err != nil {
		return nil, err
	}
	limits := cfg.Limits(0)
	return bridge.New(bridge.Options{
		Config: cfg, Limits: limits, Version: "bench", Log: slog.New(slog.DiscardHandler), Admin: topics,
		Producer: func() (*producer.Producer, error) {
			c, opts, err := open(kafka.Producer)
			if err != nil {
				return nil, err
			}
			return producer.New(c, opts, producer.Options{InflightBytes: limits.InflightBytes})
		},
		Consumers: consumers.New(consumers.Settings{
			JoinWait: cfg.Consumers.JoinWait, IdleTimeout: cfg.HTTP.IdleConsumerTimeout, FetchBytes: limits.FetchBytes, Now: time.Now,
			Logger:    slog.New(slog.DiscardHandler),
			Transport: func() []kgo.Opt { return consumerOptions },
			Configure: func(overrides map[string]string) (kafka.Config, error) {
				properties := cfg.ClientProperties(kafka.Consumer)
				for k, v := range overrides {
					properties[k] = v
				}
				c, _ := kafka.Interpret(kafka.Consumer, properties)
				return c, nil
			},
		}),
	})
}
