package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// aloneSequences run one after the other, when nothing else loads the bridge:
// they measure, or look at figures that every other case moves.
func aloneSequences() []sequence {
	return []sequence{
		with("2.1/send/beside-64-long-polls", "as many long polls as pool threads stop everybody", besideLongPolls, "send", "poll", "listTopics"),
		with("1.9a/send/beside-hopeless-commits", "four commits for an unknown partition stop every send for a minute", besideHopeless, "send", "commit", "listTopics"),
		with("1.9a/send/after-malformed-requests", "a send after a burst of malformed requests gets no answer", afterMalformed, "send"),
		{name: "4.1/metrics/after-use", ops: []string{"metrics"}, play: metricsAfterUse},
	}
}

// pace returns the slowest but one of 20 sends and 20 listings, made one by one:
// a single hiccup of the machine is not the bridge's.
func (e *env) pace() time.Duration {
	e.Helper()
	var took []time.Duration
	for range 20 {
		begin := time.Now()
		e.produce("text", e.s.three, `{"value":"v"}`)
		took = append(took, time.Since(begin))
		begin = time.Now()
		e.must(200, "GET", "/topics", "", "")
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[len(took)-2]
}

// unhindered fails if requests beside a load are much slower than without. The
// bound is wide, since a machine under load is slow by itself; the defect that
// it is about stops requests for seconds.
func (e *env) unhindered(before time.Duration) {
	e.Helper()
	during := e.pace()
	e.Logf("slowest request: %v alone, %v beside the load", before, during)
	if during > 10*before+500*time.Millisecond {
		e.Errorf("requests take %v beside the load, %v without", during, before)
	}
}

func besideLongPolls(e *env) {
	before := e.pace()
	topic := e.topic("$TOPIC")
	polls := make([]<-chan answer, 64)
	for i := range polls {
		o := e.other()
		o.create("json")
		o.assign(topic, 1)
		polls[i] = e.later(func() answer {
			return o.ask("GET", "$CONSUMER/records?timeout=8000", "", "", "Accept: "+typeJSON)
		})
	}
	e.unhindered(before)
	e.produce("json", topic, `{"value":"wake"}`)
	for _, p := range polls {
		if a := <-p; a.status != 200 || !strings.Contains(a.body, `"wake"`) {
			e.Errorf("a poll got %d %.200s", a.status, a.body)
		}
	}
}

func besideHopeless(e *env) {
	before := e.pace()
	var all []<-chan answer
	for i := range 8 {
		o := e.other()
		o.create("json")
		o.assign(e.s.one, 1)
		all = append(all, e.later(func() answer {
			return o.ask("POST", "$CONSUMER/offsets", typeV2, fmt.Sprintf(`{"offsets":[{"topic":"$ONE","partition":%d,"offset":0}]}`, 50+i))
		}))
		p := e.other()
		all = append(all, e.later(func() answer {
			return p.ask("POST", "/topics/$MISSING", typeJSON, `{"records":[{"value":"v"}]}`)
		}))
	}
	e.unhindered(before)
	for _, a := range all {
		if got := <-a; got.status != 200 && got.status != 500 {
			e.Errorf("a hopeless request got %d %.200s", got.status, got.body)
		}
	}
}

func afterMalformed(e *env) {
	before := e.pace()
	for i := range 200 {
		c := e.raw([]string{
			"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "POST /topics/$ONE HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{", "nonsense\r\n\r\n",
			"POST /consumers/g HTTP/1.1\r\nHost: x\r\nContent-Type: " + typeV2 + "\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		}[i%4])
		if i%4 == 0 {
			_, _ = c.read("GET") // whatever it says; on the others it may wait for more
		}
		c.close()
	}
	e.unhindered(before)
}

// metricsAfterUse holds the exposition to what dashboards and the reference's
// own tests read.
func metricsAfterUse(e *env) {
	if e.s.local == nil {
		e.Skip("depends on bridge.metrics")
	}
	e.produce("json", e.s.one, `{"value":"v"}`)
	e.create("json")
	e.assign(e.topic("$TOPIC"), 1)
	e.pollOnce("json", 100*time.Millisecond)
	body := e.exchange(request{method: "GET", target: "/metrics"}, true, false).body
	for _, name := range []string{
		"strimzi_bridge_http_server_requests_total{", "strimzi_bridge_http_server_active_requests", "strimzi_bridge_http_server_active_connections",
		"strimzi_bridge_http_server_bytes_read_total", "strimzi_bridge_http_server_bytes_written_total",
		"jvm_memory_used_bytes", "jvm_gc_pause_seconds_count", "jvm_gc_pause_seconds_sum",
		"executor_active_threads", "executor_queued_tasks", "executor_queue_remaining_tasks", "executor_pool_size_threads", "executor_completed_tasks_total",
		`name="kafka-bridge"`, "kafka_producer_", "kafka_consumer_", "kafka_producer_producer_metrics_record_send",
	} {
		if !strings.Contains(body, name) {
			e.Errorf("%s is missing", name)
		}
	}
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "strimzi_bridge_http_") && strings.Contains(line, e.s.one) {
			e.Errorf("a label holds a path as it was sent: %s", line)
		}
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "#" {
			continue
		}
		if i := strings.LastIndexByte(value, ' '); i >= 0 {
			value = value[i+1:] // a label held a space
		}
		if strings.Trim(value, "-0123456789.") != "" && value != "NaN" {
			e.Errorf("value %q of %s is not written in digits", value, name)
		}
		if strings.HasPrefix(name, "executor_completed_tasks_total") || strings.HasPrefix(name, "executor_pool_size_threads") {
			if value == "0" || value == "0.0" {
				e.Errorf("%s is %s", name, value)
			}
		}
	}
}
