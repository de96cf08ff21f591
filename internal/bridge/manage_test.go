package bridge

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/steg-kafka/steg/internal/bridge/openapi"
	"github.com/steg-kafka/steg/internal/kafkatest"
)

// conforms holds a body against a schema of /openapi/steg; a member that the schema does not name is an error too.
func conforms(t *testing.T, schema, body string) map[string]any {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Steg())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Components.Schemas {
		if s.Value.Properties != nil && s.Value.AdditionalProperties.Schema == nil {
			closed := false
			s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: &closed}
		}
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if err := doc.Components.Schemas[schema].Value.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
		t.Errorf("%s\n%v", body, err)
	}
	return value
}

func TestStatusOfABridgeInUse(t *testing.T) {
	r := watchBridge(t, kafkatest.Start(t, kafkatest.Topic("orders", 1)).Bootstrap(), map[string]string{"kafka.consumer.max.poll.records": "1"})
	before := conforms(t, "Status", r.expect(http.StatusOK, http.MethodGet, r.management+"/status", ""))
	if before["producer"] != nil || before["kafka"].(map[string]any)["reachable"] != true || before["bridge_version"] != "1.2.3" {
		t.Errorf("at first: %v", before)
	}
	for range 3 {
		r.send("orders")
	}
	at := r.reader("readers", "one", "orders")
	r.expect(http.StatusOK, http.MethodPost, r.api+"/consumers/readers", `{"name":"idle"}`, v2Media)
	r.expect(http.StatusOK, http.MethodGet, at+"/records?timeout=5000", "", jsonPoll)
	var after map[string]any
	var idle, one map[string]any
	for end := time.Now().Add(testPatience); ; { // a client has its answer before the poll is over that gave it
		after = conforms(t, "Status", r.expect(http.StatusOK, http.MethodGet, r.management+"/status", ""))
		list := after["consumers"].([]any)
		if idle, one = list[0].(map[string]any), list[1].(map[string]any); one["busy"] == false || time.Now().After(end) {
			break
		}
	}
	if after["producer"].(map[string]any)["topics_known"] != 1.0 {
		t.Errorf("producer: %v", after["producer"])
	}
	if idle["name"] != "idle" || idle["last_poll"] != nil || idle["mode"] != "created" {
		t.Errorf("idle: %v", idle)
	}
	if one["group"] != "readers" || one["lag"] != 2.0 || one["last_poll"] == nil || one["last_error"] != nil || one["mode"] != "subscribed" {
		t.Errorf("reader: %v", one)
	}
	position := one["positions"].([]any)[0].(map[string]any)
	if position["topic"] != "orders" || position["offset"] != 1.0 || position["lag"] != 2.0 {
		t.Errorf("position: %v", position)
	}
}

func TestStatusWithoutKafka(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", nil)
	status := conforms(t, "Status", r.expect(http.StatusOK, http.MethodGet, r.management+"/status", ""))
	kafka := status["kafka"].(map[string]any)
	if kafka["reachable"] != false || kafka["since"] == nil || kafka["last_error"] == nil || kafka["last_answer"] != nil {
		t.Errorf("kafka: %v", kafka)
	}
}

func TestReach(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Topic("orders", 1))
	r := watchBridge(t, c.Bootstrap(), nil)
	if _, since, _ := r.server.kafka.Reachable(); !since.IsZero() || !r.server.kafka.LastHeard().IsZero() {
		t.Error("something was heard before anybody spoke")
	}
	r.send("orders")
	up, since, _ := r.server.kafka.Reachable()
	if !up || time.Since(since) > testPatience || r.server.kafka.LastHeard().IsZero() {
		t.Errorf("reachable %t since %v", up, since)
	}
	c.Down(0)
	r.server.kafka.heard.Store(time.Now().Add(-2 * silence).UnixNano()) // as if it had been quiet for a while
	r.expect(http.StatusInternalServerError, http.MethodGet, r.api+"/topics", "")
	if up, _, cause := r.server.kafka.Reachable(); up || cause == "" {
		t.Errorf("reachable %t, %q", up, cause)
	}
}

func TestOneBrokerOfManyMayBeAway(t *testing.T) {
	var r Reach
	r.reachable.Store(true)
	r.heard.Store(time.Now().UnixNano())
	r.failed(http.ErrServerClosed)
	if up, _, cause := r.Reachable(); !up || cause == "" {
		t.Errorf("reachable %t, %q while others answer", up, cause)
	}
}

func TestReadyWithKafka(t *testing.T) {
	c := kafkatest.Start(t)
	r := watchBridge(t, c.Bootstrap(), nil)
	r.expect(http.StatusOK, http.MethodGet, r.management+"/ready?kafka", "")
	c.Down(0)
	r.expect(http.StatusInternalServerError, http.MethodGet, r.management+"/ready?kafka", "")
	r.expect(http.StatusOK, http.MethodGet, r.management+"/ready", "")
	r.server.SetReady(false)
	r.expect(http.StatusInternalServerError, http.MethodGet, r.management+"/ready?kafka", "")
}

func TestLoggingIsChangedWhileRunning(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", nil)
	at := r.management + "/logging"
	if got := r.expect(http.StatusOK, http.MethodGet, at, ""); got != `{"level":"info","operations":{"healthy":"warn","ready":"warn","started":"warn"}}` {
		t.Error(got)
	}
	got := r.expect(http.StatusOK, http.MethodPut, at, `{"level":"DEBUG","operations":{"send":"error","ready":null}}`)
	if got != `{"level":"debug","operations":{"healthy":"warn","send":"error","started":"warn"}}` {
		t.Error(got)
	}
	conforms(t, "Logging", got)
	r.expect(http.StatusOK, http.MethodGet, r.management+"/ready", "")
	if lines := r.lines(); lines[len(lines)-1]["operation"] != "ready" {
		t.Errorf("the change has no effect: %v", lines)
	}
	for body, status := range map[string]int{
		``: 400, `[]`: 400, `{"levels":{}}`: 400, `{"level":"loud"}`: 422, `{"level":"warn","operations":{"sned":"info"}}`: 422,
		`{"operations":{"send":"x"}}`: 422, `{"level":"warn","operations":{"send":""}}`: 422,
	} {
		r.expect(status, http.MethodPut, at, body)
	}
	if got := r.expect(http.StatusOK, http.MethodGet, at, ""); !strings.Contains(got, `"level":"debug"`) {
		t.Errorf("a refused change was made in part: %s", got)
	}
}

func TestQuit(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", nil)
	r.expect(http.StatusNoContent, http.MethodPost, r.management+"/quitquitquit", "")
	select {
	case <-r.quits:
	case <-time.After(testPatience):
		t.Error("nobody was told to quit")
	}
	r.expect(http.StatusMethodNotAllowed, http.MethodGet, r.management+"/quitquitquit", "")
	without := watchBridge(t, "127.0.0.1:1", nil, func(o *Options) { o.Quit = nil })
	without.expect(http.StatusNotFound, http.MethodPost, without.management+"/quitquitquit", "")
}

func TestOnlyLoopbackMayChangeThings(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", map[string]string{"http.management.pprof": "true"})
	handler := r.server.Management()
	for from, status := range map[string]int{
		"127.0.0.1:1": 204, "[::1]:1": 204, "[::ffff:127.0.0.1]:1": 204, "10.1.2.3:1": 403, "[fe80::1%eth0]:1": 403, "": 403, "localhost:1": 403,
	} {
		for _, what := range []struct{ method, path, body string }{
			{http.MethodPost, "/quitquitquit", ""}, {http.MethodPut, "/logging", `{}`}, {http.MethodGet, "/debug/pprof", ""}, {http.MethodGet, "/debug/pprof/goroutine", ""},
		} {
			q := httptest.NewRequest(what.method, what.path, strings.NewReader(what.body))
			q.RemoteAddr = from
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, q)
			if (w.Code == http.StatusForbidden) != (status == http.StatusForbidden) {
				t.Errorf("%s from %q: %d", what.path, from, w.Code)
			}
		}
	}
}

func TestProfiles(t *testing.T) {
	on := watchBridge(t, "127.0.0.1:1", map[string]string{"http.management.pprof": "true"})
	if got := on.expect(http.StatusOK, http.MethodGet, on.management+"/debug/pprof/", ""); !strings.Contains(got, "goroutine") {
		t.Errorf("the list is %s", got)
	}
	for path, status := range map[string]int{"goroutine?debug=1": 200, "heap": 200, "profile?seconds=1": 200, "cmdline": 404, "symbol": 404, "nothing": 404} {
		on.expect(status, http.MethodGet, on.management+"/debug/pprof/"+path, "")
	}
	off := watchBridge(t, "127.0.0.1:1", nil)
	for _, path := range []string{"/debug/pprof", "/debug/pprof/heap", "/debug/pprof/profile"} {
		off.expect(http.StatusNotFound, http.MethodGet, off.management+path, "")
	}
}

// Every path of ours is in the second document, and it has no other.
func TestOwnPathsAreDescribed(t *testing.T) {
	first, err := openapi3.NewLoader().LoadFromData(openapi.Document(""))
	if err != nil {
		t.Fatal(err)
	}
	second, err := openapi3.NewLoader().LoadFromData(openapi.Steg())
	if err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, op := range operations() {
		doc := first
		if first.Paths.Value(op.path) == nil {
			doc = second
		}
		item := doc.Paths.Value(op.path)
		if item == nil || item.GetOperation(op.method) == nil || item.GetOperation(op.method).OperationID != op.id {
			t.Errorf("%s %s is not described as %s", op.method, op.path, op.id)
			continue
		}
		described++
	}
	total := 0
	for _, doc := range []*openapi3.T{first, second} {
		for _, item := range doc.Paths.Map() {
			total += len(item.Operations())
		}
	}
	if described != total {
		t.Errorf("%d operations are described, %d are served", total, described)
	}
}

// Started means that the API is listened for, and once it is so it stays so.
func TestStarted(t *testing.T) {
	r := watchBridge(t, "127.0.0.1:1", nil)
	r.expect(http.StatusNoContent, http.MethodGet, r.management+"/started", "")
	r.server.SetReady(false)
	r.expect(http.StatusNoContent, http.MethodGet, r.management+"/started", "")
	r.expect(http.StatusNotImplemented, http.MethodGet, r.api+"/started", "")
	r.server.listened.Store(false)
	r.expect(http.StatusServiceUnavailable, http.MethodGet, r.management+"/started", "")
}

// With bridge.start.wait.kafka.ms it also means that Kafka has answered, or that the time is over.
func TestStartedWithKafka(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Away())
	waits := map[string]string{"bridge.start.wait.kafka.ms": "3600000"}
	r := watchBridge(t, c.Bootstrap(), waits)
	r.expect(http.StatusServiceUnavailable, http.MethodGet, r.management+"/started", "")
	r.expect(http.StatusOK, http.MethodGet, r.management+"/ready", "")
	c.Up(0)
	for limit := time.Now().Add(testPatience); ; {
		response, err := http.Get(r.management + "/started")
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusNoContent {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("not started while Kafka answers")
		}
	}
	c.Down(0)
	r.expect(http.StatusNoContent, http.MethodGet, r.management+"/started", "")

	late := watchBridge(t, "127.0.0.1:1", waits)
	late.expect(http.StatusServiceUnavailable, http.MethodGet, late.management+"/started", "")
	late.server.started = late.server.started.Add(-time.Hour)
	late.expect(http.StatusNoContent, http.MethodGet, late.management+"/started", "")
}
