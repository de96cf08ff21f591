package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// operations is the endpoint table of the bridge contract, 1.4, with every
// status an operation may answer. It is written out again here so that a slip
// in the document shows.
var operations = map[string]struct {
	route    string
	statuses string
}{
	"createConsumer":    {"POST /consumers/{groupid}", "200 400 408 409 413 422 429 500 501 503"},
	"deleteConsumer":    {"DELETE /consumers/{groupid}/instances/{name}", "204 400 404 429 500 501 503"},
	"subscribe":         {"POST /consumers/{groupid}/instances/{name}/subscription", "204 400 404 408 409 413 422 429 500 501 503"},
	"listSubscriptions": {"GET /consumers/{groupid}/instances/{name}/subscription", "200 400 404 429 500 501 503"},
	"unsubscribe":       {"DELETE /consumers/{groupid}/instances/{name}/subscription", "204 400 404 429 500 501 503"},
	"assign":            {"POST /consumers/{groupid}/instances/{name}/assignments", "204 400 404 408 409 413 422 429 500 501 503"},
	"poll":              {"GET /consumers/{groupid}/instances/{name}/records", "200 400 404 406 422 429 500 501 503"},
	"commit":            {"POST /consumers/{groupid}/instances/{name}/offsets", "204 400 404 408 413 422 429 500 501 503"},
	"seek":              {"POST /consumers/{groupid}/instances/{name}/positions", "204 400 404 408 413 422 429 500 501 503"},
	"seekToBeginning":   {"POST /consumers/{groupid}/instances/{name}/positions/beginning", "204 400 404 408 413 422 429 500 501 503"},
	"seekToEnd":         {"POST /consumers/{groupid}/instances/{name}/positions/end", "204 400 404 408 413 422 429 500 501 503"},
	"listTopics":        {"GET /topics", "200 429 500 501 503"},
	"getTopic":          {"GET /topics/{topicname}", "200 400 404 429 500 501 503"},
	"send":              {"POST /topics/{topicname}", "200 204 400 408 413 422 429 500 501 503"},
	"listPartitions":    {"GET /topics/{topicname}/partitions", "200 400 404 429 500 501 503"},
	"getPartition":      {"GET /topics/{topicname}/partitions/{partitionid}", "200 400 404 422 429 500 501 503"},
	"sendToPartition":   {"POST /topics/{topicname}/partitions/{partitionid}", "200 204 400 408 413 422 429 500 501 503"},
	"getOffsets":        {"GET /topics/{topicname}/partitions/{partitionid}/offsets", "200 400 404 422 429 500 501 503"},
	"createTopic":       {"POST /admin/topics", "201 400 408 413 429 500 501 503"},
	"openapi":           {"GET /openapi", "200 429 501 503"},
	"openapiv3":         {"GET /openapi/v3", "200 429 501 503"},
	"info":              {"GET /", "200 429 501 503"},
	"healthy":           {"GET /healthy", "200 500 501"},
	"ready":             {"GET /ready", "200 500 501"},
	"metrics":           {"GET /metrics", "200 404 501"},
}

// load parses and validates a document, its examples included.
func load(t *testing.T, data []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatalf("validate: %v", err)
	}
	return doc
}

func TestDocumentCounts(t *testing.T) {
	doc := load(t, Document(""))
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi = %q, want 3.1.0", doc.OpenAPI)
	}
	if doc.Info.Version != "0.1.0" {
		t.Errorf("info.version = %q, want 0.1.0", doc.Info.Version)
	}
	if n := doc.Paths.Len(); n != 21 {
		t.Errorf("%d paths, want 21", n)
	}
	if n := len(doc.Components.Schemas); n != 28 {
		t.Errorf("%d component schemas, want 28", n)
	}
	tags := make([]string, 0, len(doc.Tags))
	for _, tag := range doc.Tags {
		tags = append(tags, tag.Name)
	}
	if diff := cmp.Diff([]string{"Consumers", "Topics", "Seek", "Producer"}, tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestDocumentOperations(t *testing.T) {
	doc := load(t, Document(""))
	seen := make(map[string]bool)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			seen[op.OperationID] = true
			want, ok := operations[op.OperationID]
			if !ok {
				t.Errorf("%s %s: operationId %q is not in the contract", method, path, op.OperationID)
				continue
			}
			if got := method + " " + path; got != want.route {
				t.Errorf("%s is %s, want %s", op.OperationID, got, want.route)
			}
			statuses := slices.Sorted(maps.Keys(op.Responses.Map()))
			if got := strings.Join(statuses, " "); got != want.statuses {
				t.Errorf("%s answers %s, want %s", op.OperationID, got, want.statuses)
			}
		}
	}
	for id := range operations {
		if !seen[id] {
			t.Errorf("operation %s is missing", id)
		}
	}
}

// TestDocumentMediaTypes holds every body to the media types of the bridge
// contract, 1.1, and checks that failures carry the Error object or nothing.
func TestDocumentMediaTypes(t *testing.T) {
	const (
		v2    = "application/vnd.kafka.v2+json"
		json  = "application/vnd.kafka.json.v2+json"
		all   = "application/vnd.kafka.binary.v2+json " + json + " application/vnd.kafka.text.v2+json"
		plain = "application/json"
	)
	requests := map[string]string{
		"createConsumer": v2, "subscribe": v2, "assign": v2, "commit": v2, "seek": v2, "seekToBeginning": v2,
		"seekToEnd": v2, "send": all, "sendToPartition": all, "createTopic": json,
	}
	answers := map[string]string{
		"poll": all, "openapi": plain, "openapiv3": plain, "info": plain, "healthy": "", "ready": "",
		"metrics": "text/plain; version=0.0.4; charset=utf-8",
	}
	doc := load(t, Document(""))
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			got := ""
			if op.RequestBody != nil {
				got = types(op.RequestBody.Value.Content)
			}
			if got != requests[op.OperationID] {
				t.Errorf("%s: request types %q, want %q", op.OperationID, got, requests[op.OperationID])
			}
			for status, ref := range op.Responses.Map() {
				got := types(ref.Value.Content)
				want := v2
				if special, ok := answers[op.OperationID]; ok && status[0] == '2' {
					want = special
				}
				if status == "204" || status == "501" || op.OperationID == "healthy" || op.OperationID == "ready" ||
					op.OperationID == "metrics" && status == "404" {
					want = ""
				}
				if got != want {
					t.Errorf("%s %s: types %q, want %q", op.OperationID, status, got, want)
				}
				if status >= "400" && want != "" && ref.Value.Content[v2].Schema.Ref != "#/components/schemas/Error" {
					t.Errorf("%s %s is not the Error object", op.OperationID, status)
				}
			}
		}
	}
}

func types(content openapi3.Content) string {
	return strings.Join(slices.Sorted(maps.Keys(content)), " ")
}

// TestExamples makes sure that each schema shows itself, and truly.
func TestExamples(t *testing.T) {
	for name, data := range map[string][]byte{"bridge": Document(""), "steg": Steg()} {
		for id, ref := range load(t, data).Components.Schemas {
			if len(ref.Value.Examples) == 0 {
				t.Errorf("%s: schema %s has no example", name, id)
			}
			if ref.Value.Description == "" {
				t.Errorf("%s: schema %s has no description", name, id)
			}
			for i, example := range ref.Value.Examples {
				if err := ref.Value.VisitJSON(example, openapi3.EnableJSONSchema2020()); err != nil {
					t.Errorf("%s: example %d of schema %s: %v", name, i, id, err)
				}
			}
		}
	}
}

// TestRequestSchemas tries the rules of the bridge contract, 1.3, on the
// schemas of request bodies: what must pass and what must not.
func TestRequestSchemas(t *testing.T) {
	doc := load(t, Document(""))
	cases := []struct {
		schema, body string
		valid        bool
	}{
		{"Consumer", `{}`, true},
		{"Consumer", `{"enable.auto.commit":"foo"}`, false},
		{"Consumer", `{"foo":1}`, false},
		{"Consumer", `{"fetch.min.bytes":1.0}`, true},
		{"Consumer", `{"fetch.min.bytes":1.5}`, false},
		{"Topics", `{"topics":[1]}`, false},
		{"Topics", `{"topics":["a"],"topic_pattern":"b"}`, true},
		{"Partitions", `{"partitions":[{"topic":"t"}]}`, false},
		{"Partitions", `{"partitions":[{"topic":"t","partition":0}]}`, true},
		{"Partitions", `{"partitions":[{"topic":"t","x":0}]}`, false},
		{"Partitions", `{"partitions":[{"topic":"t","partition":3000000000}]}`, false},
		{"OffsetCommitSeekList", `{}`, true},
		{"OffsetCommitSeekList", `{"offsets":[{"topic":"t","partition":0}]}`, false},
		{"OffsetCommitSeekList", `{"offsets":[{"topic":"t","partition":0,"offset":1,"metadata":"m"}]}`, false},
		{"ProducerRecordList", `{"records":[{"key":"k"}]}`, false},
		{"ProducerRecordList", `{"records":[{"key":null,"value":"v"}]}`, false},
		{"ProducerRecordList", `{"records":[{"key":5,"value":"v"}]}`, false},
		{"ProducerRecordList", `{"records":[{"key":[1],"value":null}]}`, true},
		{"ProducerRecordList", `{"records":[{"value":true}]}`, false},
		{"ProducerRecordList", `{"records":[{"value":"v","partition":3000000000}]}`, false},
		{"ProducerRecordList", `{"records":[{"value":"v","headers":[{"key":"a","value":"YQ==","more":1}]}]}`, true},
		{"ProducerRecordList", `{"records":[{"value":"v","headers":[{"key":"a","value":null}]}]}`, false},
		{"ProducerRecordToPartitionList", `{"records":[{"value":"v","partition":0}]}`, false},
		{"NewTopic", `{"partitions_count":1}`, false},
		{"NewTopic", `{"topic_name":"t","partitions_count":null}`, true},
		{"NewTopic", `{"topic_name":"t","replication_factor":65537}`, false},
	}
	for _, c := range cases {
		var value any
		if err := json.Unmarshal([]byte(c.body), &value); err != nil {
			t.Fatal(err)
		}
		err := doc.Components.Schemas[c.schema].Value.VisitJSON(value, openapi3.EnableJSONSchema2020())
		if c.valid != (err == nil) {
			t.Errorf("%s %s: valid = %v, want %v (%v)", c.schema, c.body, err == nil, c.valid, err)
		}
	}
}

func TestBasePath(t *testing.T) {
	for _, path := range []string{"/bridge", "/a<b>&c", "quote\" back\\slash\x01\n", "grüße", "\xff"} {
		data := Document(path)
		var got struct {
			BasePath string `json:"basePath"`
			OpenAPI  string `json:"openapi"`
		}
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if want := strings.ToValidUTF8(path, "\uFFFD"); got.BasePath != want || got.OpenAPI != "3.1.0" {
			t.Errorf("%q: basePath %q, openapi %q", path, got.BasePath, got.OpenAPI)
		}
		if !utf8.Valid(data) || bytes.Contains(data, []byte(`\u003c`)) {
			t.Errorf("%q: not plain UTF-8: %.60s", path, data)
		}
	}
	if n := testing.AllocsPerRun(10, func() { Document("") }); n != 0 {
		t.Errorf("Document(\"\") allocates %v times", n)
	}
}

func FuzzBasePath(f *testing.F) {
	f.Add("/a")
	f.Add("\"\\\u2028")
	f.Fuzz(func(t *testing.T, path string) {
		if !json.Valid(Document(path)) {
			t.Errorf("not JSON with basePath %q", path)
		}
	})
}

// TestStegIsApart keeps the second document from naming a path of the first.
func TestStegIsApart(t *testing.T) {
	first, second := load(t, Document("")), load(t, Steg())
	if second.OpenAPI != "3.1.0" {
		t.Errorf("openapi = %q, want 3.1.0", second.OpenAPI)
	}
	for path, item := range second.Paths.Map() {
		if first.Paths.Value(path) != nil {
			t.Errorf("%s is in both documents", path)
		}
		if path == "/status" && item.GetOperation(http.MethodGet) == nil {
			t.Errorf("GET /status is missing")
		}
	}
}
