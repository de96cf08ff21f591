//go:build kafka

package memory

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/steg-kafka/steg/internal/devbroker"
	"github.com/steg-kafka/steg/test/bridgeproc"
)

var lasting = flag.Duration("memory.time", 20*time.Second, "how long the pressure lasts")

// A connection past the limit is answered before it has asked, which net/http's client writes to the log.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	bridgeproc.Main(m)
}

const (
	limit     = "64MiB"   // what the bridge is told
	ceiling   = 96 << 20  // what it may have in all
	posters   = 256       // clients that send
	bodySize  = 1_000_000 // bytes of each of their bodies
	consumers = 50
	media     = "application/vnd.kafka.v2+json"
)

// load is what the clients have met.
type load struct {
	api      string
	client   *http.Client
	statuses [600]atomic.Int64
	broken   atomic.Int64 // requests without an answer
	records  atomic.Int64 // consumed
	problem  atomic.Pointer[string]
}

func newLoad(api string) *load {
	return &load{api: "http://" + api, client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 2 * (posters + consumers), MaxIdleConns: 2 * (posters + consumers)},
		Timeout:   time.Minute,
	}}
}

// do sends a request and returns its status and body; 0 when there was no answer.
func (l *load) do(ctx context.Context, method, path, contentType string, body []byte, accept string) (int, []byte) {
	request, err := http.NewRequestWithContext(ctx, method, l.api+path, bytes.NewReader(body))
	if err != nil {
		panic(err) // the test's own mistake
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := l.client.Do(request)
	if err != nil {
		l.failed(ctx, err)
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		l.failed(ctx, err)
		return 0, nil
	}
	l.statuses[response.StatusCode].Add(1)
	if response.StatusCode >= http.StatusInternalServerError && response.StatusCode != http.StatusServiceUnavailable {
		problem := fmt.Sprintf("%s %s: %d %.300s", method, path, response.StatusCode, text)
		l.problem.Store(&problem)
	}
	return response.StatusCode, text
}

// failed counts a request without an answer. One that met a connection closing behind a refused body is the client's to
// repeat.
func (l *load) failed(ctx context.Context, err error) {
	if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
		l.broken.Add(1)
	}
}

func (l *load) String() string {
	var text strings.Builder
	for status := range l.statuses {
		if n := l.statuses[status].Load(); n > 0 {
			fmt.Fprintf(&text, "%d × %d, ", n, status)
		}
	}
	fmt.Fprintf(&text, "%d without an answer, %d records consumed", l.broken.Load(), l.records.Load())
	return text.String()
}

// post sends bodies until ctx ends.
func (l *load) post(ctx context.Context, topic string, body []byte) {
	for ctx.Err() == nil {
		if status, _ := l.do(ctx, http.MethodPost, "/topics/"+topic, "application/vnd.kafka.json.v2+json", body, ""); status != http.StatusOK {
			pause(ctx, 50*time.Millisecond) // far sooner than the bridge asks for
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// consume reads a topic from its beginning to its end, again and again, as a consumer of its own.
func (l *load) consume(ctx context.Context, n int, topic, format string) {
	group := fmt.Sprintf("/consumers/memory-%d", n)
	create := fmt.Sprintf(`{"name":"c","format":%q,"auto.offset.reset":"earliest","enable.auto.commit":false}`, format)
	me := group + "/instances/c"
	for _, step := range [][2]string{
		{group, create}, {me + "/assignments", fmt.Sprintf(`{"partitions":[{"topic":%q,"partition":%d}]}`, topic, n%partitions)},
	} {
		for status := 0; status != http.StatusOK && status != http.StatusNoContent; {
			if ctx.Err() != nil {
				return
			}
			if status, _ = l.do(ctx, http.MethodPost, step[0], media, []byte(step[1]), ""); status == http.StatusServiceUnavailable || status == 0 {
				pause(ctx, 50*time.Millisecond)
			}
		}
	}
	accept := "application/vnd.kafka." + format + ".v2+json"
	for ctx.Err() == nil {
		status, text := l.do(ctx, http.MethodGet, me+"/records?timeout=1000", "", nil, accept)
		if status == http.StatusOK && len(text) > 2 {
			l.records.Add(int64(bytes.Count(text, []byte(`"offset":`))))
			continue
		}
		l.do(ctx, http.MethodPost, me+"/positions/beginning", media, []byte(`{"partitions":[]}`), "")
	}
}

// partitions of the topic that is consumed.
const partitions = 5

// fill writes records of 1 KB to 1 MB, as many of each decade as of the other ones, JSON texts all.
func fill(t *testing.T, addr, topic string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.AllowAutoTopicCreation(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sizes := rand.New(rand.NewPCG(1, 2))
	for p := range int32(partitions) {
		for range 40 {
			size := int(1000 * math.Pow(1000, sizes.Float64()))
			value := fmt.Appendf(nil, "%q", strings.Repeat("x", size))
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: p, Value: value}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// bodies are one record of a megabyte, and a thousand of a kilobyte.
func bodies() [][]byte {
	one := []byte(`{"records":[{"value":"` + strings.Repeat("x", bodySize-26) + `"}]}`)
	var many bytes.Buffer
	many.WriteString(`{"records":[`)
	for many.Len() < bodySize-1000 {
		fmt.Fprintf(&many, `{"key":"%d","value":"%s"},`, many.Len(), strings.Repeat("x", 970))
	}
	many.Truncate(many.Len() - 1)
	many.WriteString(`]}`)
	return [][]byte{one, many.Bytes()}
}

// TestKafkaMemoryUnderPressure: 256 clients post bodies of a megabyte, 50 consumers read records of up to a megabyte, and
// the bridge, told of 64 MiB, stays below 96 MiB, answers everybody, and gets work done.
func TestKafkaMemoryUnderPressure(t *testing.T) {
	broker, err := devbroker.Start(t.Context(), devbroker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Close() }) // behind the bridge, which drains
	admin(t, broker.Addr(), "sizes", partitions)
	admin(t, broker.Addr(), "load", 8)
	fill(t, broker.Addr(), "sizes")
	b := bridgeproc.Start(t, []string{"GOMEMLIMIT=" + limit}, "--set", "kafka.bootstrap.servers="+broker.Addr())
	l := newLoad(b.API)
	ctx, cancel := context.WithTimeout(t.Context(), *lasting)
	defer cancel()
	var all sync.WaitGroup
	formats := []string{"json", "binary", "text"}
	for n := range consumers {
		all.Go(func() { l.consume(ctx, n, "sizes", formats[n%len(formats)]) })
	}
	texts := bodies()
	for n := range posters {
		all.Go(func() { l.post(ctx, "load", texts[n%len(texts)]) })
	}
	highest := watch(ctx, b)
	all.Wait()
	l.client.CloseIdleConnections()
	_, peak := b.Memory()
	t.Logf("highest %d KiB (by the kernel %d) in %s; %s", highest>>10, peak>>10, *lasting, l)
	if peak > ceiling {
		t.Errorf("the bridge had %d KiB, more than %d", peak>>10, ceiling>>10)
	}
	if p := l.problem.Load(); p != nil {
		t.Errorf("answered other than by a refusal: %s", *p)
	}
	seconds := int64(lasting.Seconds())
	if good := l.statuses[http.StatusOK].Load(); good < 20*seconds || l.records.Load() < 20*seconds {
		t.Errorf("hardly anything got done: %s", l)
	}
	if l.statuses[http.StatusServiceUnavailable].Load() == 0 {
		t.Error("nothing was refused: the pressure was too low to show anything")
	}
}

// watch samples the memory of the bridge until ctx ends, and returns the highest.
func watch(ctx context.Context, b *bridgeproc.Bridge) (highest int64) {
	for ctx.Err() == nil {
		now, _ := b.Memory()
		highest = max(highest, now)
		pause(ctx, 50*time.Millisecond)
	}
	return highest
}
