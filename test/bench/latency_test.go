package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/devbroker"
)

func TestLatenciesAreComparedRoundByRound(t *testing.T) {
	all := []*party{{name: steg}, {name: franz}}
	got := againstFranz(all, [][]float64{{1, 8, 3}, {1, 2, 3}})
	if want := (latency{Name: steg, P50: 3, Of: 1}); got[0] != want {
		t.Errorf("%+v, want %+v: a round that is slow for one of them only must not move the median", got[0], want)
	}
	if want := (latency{Name: franz, P50: 2, Of: 1}); got[1] != want {
		t.Errorf("%+v, want %+v", got[1], want)
	}
}

func TestTheGoalIsThatOfTheBridgeInShortTurns(t *testing.T) {
	var b bench
	b.addLatencies(result{Name: "x", Acks: "1"})
	if len(b.report.Figures) > 0 {
		t.Errorf("a scenario without latencies has figures: %+v", b.report.Figures)
	}
	b.addLatencies(result{
		Name: "x", Acks: "1", Ratios: []ratio{{P50: 1.8}},
		Latencies: []latency{{Name: least, Of: 1.6}, {Name: steg, Of: 1.4}, {Name: franz, Of: 1}},
	})
	if len(b.report.Figures) != 3 {
		t.Fatalf("%+v", b.report.Figures)
	}
	for _, f := range b.report.Figures {
		if owed := f.Value == 1.4; owed != (f.Owed == 1.5) {
			t.Errorf("%+v", f)
		}
	}
}

func TestTheLeastBridgeSendsTheBody(t *testing.T) {
	ctx := t.Context()
	broker, err := devbroker.Start(ctx, devbroker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() })
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ask := func(send func([]byte) error) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		constant(bareTask{Status: http.StatusOK, Bytes: 3}, send)(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/", strings.NewReader("hello")))
		return w
	}
	if w := ask(sending(ctx, client, "orders")); w.Code != http.StatusOK || w.Body.Len() != 3 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	fetches := client.PollFetches(ctx)
	if err := fetches.Err(); err != nil || string(fetches.Records()[0].Value) != "hello" {
		t.Errorf("the topic has %v, %v", fetches.Records(), err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if w := ask(sending(gone, client, "orders")); w.Code != http.StatusBadGateway {
		t.Errorf("a record that was not written is answered with %d", w.Code)
	}
}
