package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/bridge/openapi"
)

// TestContract tries the checker itself, with exchanges that nobody had.
func TestContract(t *testing.T) {
	c, err := NewContract(openapi.Document(""))
	if err != nil {
		t.Fatal(err)
	}
	const records, consumer = "POST /topics/t", "GET /consumers/g/instances/n/records"
	cases := []struct {
		name, line, send, accept, body string
		status                         int
		gives, want                    string // want is part of the complaint, "" for none
	}{
		{"good send", records, typeJSON, `{"records":[{"value":"v"}]}`, `{"offsets":[{"partition":0,"offset":1}]}`, 200, typeV2, ""},
		{"failed element", records, typeJSON, `{"records":[{"value":"v"}]}`, `{"offsets":[{"error_code":404,"message":"m"}]}`, 200, typeV2, ""},
		{"bad request accepted", records, typeJSON, `{"records":[{"value":5}]}`, `{"offsets":[]}`, 200, typeV2, "forbids the request"},
		{"bad type accepted", records, typeV2, `{"records":[{"value":"v"}]}`, `{"offsets":[]}`, 200, typeV2, "forbids the request"},
		{"good request refused", records, typeJSON, `{"records":[]}`, `{"error_code":400,"message":"m","validation_errors":["x"]}`, 400, typeV2, "allows the request"},
		{"bad request refused", records, typeJSON, `{"records":[{"value":5}]}`, `{"error_code":400,"message":"m","validation_errors":["x"]}`, 400, typeV2, ""},
		{"error with an extra member", records, typeJSON, ``, `{"error_code":400,"message":"m","x":1}`, 400, typeV2, "departs"},
		{"status unknown", records, typeJSON, ``, `{"error_code":418,"message":"m"}`, 418, typeV2, "status is not supported"},
		{"media type with a parameter", records, typeJSON, ``, `{"error_code":400,"message":"m"}`, 400, typeV2 + "; charset=utf-8", "does not name"},
		{"body on 204", records, typeJSON, `{"records":[]}`, `x`, 204, "", "the document none"},
		{"type on 204", records, typeJSON, `{"records":[]}`, ``, 204, typeV2, "the document none"},
		{"record without offset", consumer, "", "", `[{"topic":"t","key":null,"value":1,"partition":0,"timestamp":0}]`, 200, typeJSON, "departs"},
		{"record with any value", consumer, "", "", `[{"topic":"t","key":null,"value":1.5,"partition":0,"offset":0,"timestamp":0}]`, 200, typeJSON, ""},
		{"null header", consumer, "", "", `[{"topic":"t","key":null,"value":1,"partition":0,"offset":0,"timestamp":0,"headers":[{"key":"a","value":null}]}]`, 200, typeText, ""},
		{"path unknown", "GET /nothing", "", "", `x`, 599, "text/html", ""},
		{"method unknown", "PUT /topics", "", "", `x`, 599, "text/html", ""},
		{"slashes", "GET //topics/", "", "", `["a",5]`, 200, typeV2, "departs"},
		{"bad parameter accepted", "GET /topics/t/partitions/-1", "", "", `{"partition":0,"leader":1,"replicas":[]}`, 200, typeV2, "forbids the request"},
		{"exact metrics type", "GET /metrics", "", "", `x 1`, 200, "text/plain; version=0.0.4; charset=utf-8", ""},
		{"other metrics type", "GET /metrics", "", "", `x 1`, 200, "text/plain", "departs"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			method, target, _ := strings.Cut(tc.line, " ")
			x := Exchange{
				Method: method, Target: target, RequestHeader: http.Header{}, RequestBody: []byte(tc.accept),
				Status: tc.status, Header: http.Header{}, Body: []byte(tc.body),
			}
			if tc.send != "" {
				x.RequestHeader.Set("Content-Type", tc.send)
			}
			if tc.gives != "" {
				x.Header.Set("Content-Type", tc.gives)
			}
			err := c.Check(t.Context(), x)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("unexpected complaint: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("complaint %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestOperation(t *testing.T) {
	c, err := NewContract(openapi.Document(""))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Operations()); n != 25 {
		t.Errorf("%d operations, want 25", n)
	}
	for line, want := range map[string]string{
		"GET /":                            "info",
		"GET /topics/a%2Fb?x=/y":           "getTopic",
		"POST /consumers/g/":               "createConsumer",
		"PATCH /topics/t":                  "",
		"GET /topics/%zz":                  "",
		"GET /topics/t/partitions/0/x":     "",
		"DELETE /consumers/g/instances/n/": "deleteConsumer",
	} {
		method, target, _ := strings.Cut(line, " ")
		if got := c.Operation(method, target); got != want {
			t.Errorf("%s is %q, want %q", line, got, want)
		}
	}
}
