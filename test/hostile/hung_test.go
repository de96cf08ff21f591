package hostile

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/test/bridgeproc"
)

// unhurried is how long a first answer may take that needs nothing of the broker that hangs. A question to it is given up
// after a second or two, instead of the half minute of request.timeout.ms; from then on it is gone past.
const unhurried = 8 * time.Second

// TestHungBrokerDelaysNobodyElse: one of three brokers takes connections and answers nothing. What others can answer is
// answered: the list of topics, descriptions, sends to topics that others lead, known and not known before.
func TestHungBrokerDelaysNobodyElse(t *testing.T) {
	cluster := kafkatest.Start(t, kafkatest.Brokers(3))
	var topics []string
	for i := range 12 {
		name := fmt.Sprintf("orders-%d", i)
		cluster.CreateTopic(name, 1)
		if cluster.Fake.LeaderFor(name, 0) != 0 {
			topics = append(topics, name)
		}
	}
	if len(topics) < 4 {
		t.Fatalf("only %d topics are led by others", len(topics))
	}
	b := bridgeproc.Start(t, nil, "--set", "kafka.bootstrap.servers="+cluster.Bootstrap())
	send := func(topic string) (int, time.Duration) { return ask(t, b, http.MethodPost, "/topics/"+topic) }
	if status, _ := send(topics[0]); status != http.StatusOK {
		t.Fatalf("a send while all is well was answered %d", status)
	}
	defer cluster.Hold(0)()

	var asking sync.WaitGroup
	judge := func(what string, most time.Duration, ask func() (int, time.Duration)) {
		asking.Go(func() {
			if status, took := ask(); status != http.StatusOK || took > most {
				t.Errorf("%s: %d after %v", what, status, took)
			}
		})
	}
	for range 6 {
		judge("list of topics", unhurried, func() (int, time.Duration) { return ask(t, b, http.MethodGet, "/topics") })
	}
	for _, topic := range topics {
		judge("description of "+topic, unhurried, func() (int, time.Duration) { return ask(t, b, http.MethodGet, "/topics/"+topic) })
		judge("send to "+topic, unhurried, func() (int, time.Duration) { return send(topic) })
	}
	asking.Wait()
	for range 5 { // by now the bridge knows whom not to ask
		judge("list of topics, later", time.Second, func() (int, time.Duration) { return ask(t, b, http.MethodGet, "/topics") })
		judge("send to a known topic", time.Second, func() (int, time.Duration) { return send(topics[0]) })
	}
	asking.Wait()
}

// ask sends one request and returns the status and how long the answer took.
func ask(t *testing.T, b *bridgeproc.Bridge, method, path string) (int, time.Duration) {
	begin := time.Now()
	var body io.Reader
	if method == http.MethodPost {
		body = bytes.NewReader([]byte(`{"records":[{"value":"lamp"}]}`))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+b.API+path, body)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	request.Header.Set("Content-Type", "application/vnd.kafka.json.v2+json")
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0, 0
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || bytes.Contains(text, []byte("error_code")) {
		t.Errorf("%s %s: %s, %v", method, path, text, err)
	}
	return response.StatusCode, time.Since(begin)
}
