package conformance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// cases returns every case of one request.
func cases() []Case {
	return slices.Concat(
		unknownPaths(), otherMethods(), otherListener(), spellings(), oversized(), // 1.1
		bodyValidation(), createValidation(), listValidation(), topicValidation(), sendValidation(), parameterValidation(), // 1.3
		produceAnswers(), produceRefusals(), // 1.5
		createConsumerCases(), baseURICases(), unknownConsumers(), subscriptionCases(), assignmentCases(), pollCases(), offsetCases(), // 1.6
		topicCases(), createTopicCases(), // 1.7
		serviceCases(), corsCases(), switchedOff(), // 1.8, 1.9
		awayCases(), deniedCases(), refusedCases(),
	)
}

// sample is an operation as a request that belongs to it.
type sample struct{ op, method, path string }

// samples has all 25 operations (1.4).
func samples() []sample {
	return []sample{
		{"createConsumer", "POST", "/consumers/$GROUP"},
		{"deleteConsumer", "DELETE", "$CONSUMER"},
		{"subscribe", "POST", "$CONSUMER/subscription"},
		{"listSubscriptions", "GET", "$CONSUMER/subscription"},
		{"unsubscribe", "DELETE", "$CONSUMER/subscription"},
		{"assign", "POST", "$CONSUMER/assignments"},
		{"poll", "GET", "$CONSUMER/records"},
		{"commit", "POST", "$CONSUMER/offsets"},
		{"seek", "POST", "$CONSUMER/positions"},
		{"seekToBeginning", "POST", "$CONSUMER/positions/beginning"},
		{"seekToEnd", "POST", "$CONSUMER/positions/end"},
		{"listTopics", "GET", "/topics"},
		{"getTopic", "GET", "/topics/$ONE"},
		{"send", "POST", "/topics/$ONE"},
		{"listPartitions", "GET", "/topics/$ONE/partitions"},
		{"getPartition", "GET", "/topics/$ONE/partitions/0"},
		{"sendToPartition", "POST", "/topics/$ONE/partitions/0"},
		{"getOffsets", "GET", "/topics/$ONE/partitions/0/offsets"},
		{"createTopic", "POST", "/admin/topics"},
		{"openapi", "GET", "/openapi"},
		{"openapiv3", "GET", "/openapi/v3"},
		{"info", "GET", "/"},
		{"healthy", "GET", "/healthy"},
		{"ready", "GET", "/ready"},
		{"metrics", "GET", "/metrics"},
	}
}

// management tells the operations of the management listener.
func management(op string) bool { return op == "healthy" || op == "ready" || op == "metrics" }

func unknownPaths() []Case {
	notFound := is(`{"error_code":404,"message":"Not Found"}`)
	var out []Case
	for name, path := range map[string]string{
		"one-segment": "/nothing", "consumers-bare": "/consumers", "instances-bare": "/consumers/$GROUP/instances",
		"below-offsets": "/topics/$ONE/partitions/0/offsets/x", "below-topic": "/topics/$ONE/nothing",
		"openapi-v2": "/openapi/v2", "admin-bare": "/admin", "admin-topic": "/admin/topics/$ONE",
		"upper-case": "/TOPICS", "longer-word": "/topicsx", "deep": "/a/b/c/d/e/f/g/h/i/j/k/l", "position-word": "$CONSUMER/positions/middle",
	} {
		out = append(out, Case{Name: "1.1/not-found/" + name, Method: "GET", Path: path, Status: 404, Want: notFound})
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		out = append(out, Case{
			Name: "1.1/not-found/by-" + strings.ToLower(method), Method: method, Path: "/nothing",
			Status: 404, Want: notFound,
		})
	}
	return append(out,
		Case{Name: "1.1/not-found/on-management", Management: true, Method: "GET", Path: "/nothing", Status: 404, Want: notFound},
		Case{Name: "1.1/not-found/with-a-body", Method: "POST", Path: "/nothing", Type: typeV2, Body: "{}", Status: 404, Want: notFound},
	)
}

// otherMethods asks each path for a method that it does not have.
func otherMethods() []Case {
	allow := make(map[string][]string)
	var paths []string
	for _, s := range samples() {
		if allow[s.path] == nil {
			paths = append(paths, s.path)
		}
		allow[s.path] = append(allow[s.path], s.method)
	}
	var out []Case
	for _, path := range paths {
		out = append(out, Case{
			Name: "1.1/method/put" + strings.NewReplacer("/", "-", "$", "").Replace(path), Method: "PUT", Path: path, Status: 405,
			Allow: strings.Join(allow[path], ","),
		})
	}
	return append(out,
		Case{Name: "1.1/method/options-without-cors", Method: "OPTIONS", Path: "/topics", Status: 405, Allow: "GET"},
		Case{
			Name: "1.1/method/preflight-without-cors", Method: "OPTIONS", Path: "/topics/$ONE", Status: 405, Allow: "GET,POST",
			Header: []string{"Origin: https://example.org", "Access-Control-Request-Method: POST"},
		},
		Case{Name: "1.1/method/unknown", Method: "BREW", Path: "/topics", Status: 405, Allow: "GET"},
		Case{Name: "1.1/method/trace", Method: "TRACE", Path: "/topics", Status: 405, Allow: "GET"},
		Case{Name: "1.1/method/lower-case", Method: "get", Path: "/topics", Status: 405, Allow: "GET"},
		Case{Name: "1.1/method/patch-consumer", Method: "PATCH", Path: "$CONSUMER", Status: 405, Allow: "DELETE"},
		Case{Name: "1.1/method/get-consumer", Method: "GET", Path: "$CONSUMER", Status: 405, Allow: "DELETE"},
		Case{Name: "1.1/method/delete-topic", Method: "DELETE", Path: "/topics/$ONE", Status: 405, Allow: "GET,POST"},
		Case{Name: "1.1/method/with-a-body", Method: "PUT", Path: "/topics/$ONE", Type: typeV2, Body: "{}", Status: 405, Allow: "GET,POST"},
		Case{Name: "1.1/method/on-management", Management: true, Method: "POST", Path: "/healthy", Status: 405, Allow: "GET"},
		Case{Name: "1.1/method/head-topics", Method: "HEAD", Path: "/topics", Status: 405, WantHeader: []string{"Allow: ", "Content-Length: "}},
		Case{Name: "1.1/method/head-info", Method: "HEAD", Path: "/", Status: 405, WantHeader: []string{"Allow: ", "Content-Length: "}},
	)
}

// otherListener asks each operation of the listener that does not have it.
func otherListener() []Case {
	var out []Case
	for _, s := range samples() {
		c := Case{
			Name: "1.1/other-listener/" + s.op, Management: !management(s.op), Method: s.method, Path: s.path, Status: http.StatusNotImplemented,
		}
		if s.method == "POST" {
			c.Type, c.Body = typeV2, "{}"
			if strings.HasPrefix(s.op, "send") || s.op == "createTopic" {
				c.Type, c.Body = typeJSON, `{"records":[]}`
			}
		}
		if s.op == "createTopic" {
			c.Body = `{"topic_name":"never"}`
		}
		out = append(out, c)
	}
	return out
}

func spellings() []Case {
	version := like(`\{"bridge_version":".+"\}`)
	names := like(`\[.*"$ONE".*\]`)
	out := []Case{
		{Name: "1.1/list-topics/trailing-slash", Method: "GET", Path: "/topics/", Status: 200, Want: names},
		{Name: "1.1/get-topic/trailing-slash", Method: "GET", Path: "/topics/$ONE/", Status: 200, Want: whatever},
		{Name: "1.1/list-partitions/trailing-slash", Method: "GET", Path: "/topics/$ONE/partitions/", Status: 200, Want: whatever},
		{Name: "1.1/get-partition/trailing-slash", Method: "GET", Path: "/topics/$ONE/partitions/0/", Status: 200, Want: whatever},
		{Name: "1.1/openapi/trailing-slash", Method: "GET", Path: "/openapi/", Status: 200, WantType: typePlain, Want: whatever},
		{Name: "1.1/healthy/trailing-slash", Management: true, Method: "GET", Path: "/healthy/", Status: 200},
		{
			Name: "1.1/send/trailing-slash", Method: "POST", Path: "/topics/$ONE/", Type: typeJSON, Body: `{"records":[]}`,
			Status: 200, Want: is(`{"offsets":[]}`),
		},
		{Name: "1.1/list-topics/double-slash", Method: "GET", Path: "//topics", Status: 200, Want: names},
		{Name: "1.1/get-topic/double-slash-inside", Method: "GET", Path: "/topics//$ONE", Status: 200, Want: whatever},
		{Name: "1.1/list-topics/dot-segment", Method: "GET", Path: "/./topics", Status: 200, Want: names, Raw: "the path is normalised"},
		{Name: "1.1/info/dot-dot-encoded", Method: "GET", Path: "/topics/%2e%2e", Status: 200, WantType: typePlain, Want: version, Raw: "the path is normalised"},
		{Name: "1.1/list-topics/dot-dot-upper", Method: "GET", Path: "/topics/%2E%2E/topics", Status: 200, Want: names, Raw: "the path is normalised"},
		{Name: "1.1/info/dot-dot", Method: "GET", Path: "/topics/..", Status: 200, WantType: typePlain, Want: version, Raw: "the path is normalised"},
		{Name: "1.1/list-topics/encoded-letter", Method: "GET", Path: "/%74opics", Status: 200, Want: names, Raw: "the path is normalised"},
		{Name: "1.1/list-topics/query-ignored", Method: "GET", Path: "/topics?nothing=5", Status: 200, Want: names},
		{Name: "1.1/get-topic/encoded-name", Method: "GET", Path: "/topics/%6eothing-of-the-kind", Status: 404, Want: fails(404, unknownTopic), NoCreate: true},
		{
			Name: "1.1/get-topic/nul", Method: "GET", Path: "/topics/%00", Status: 500,
			Want: failsLike(500, `org\.apache\.kafka\.common\.errors\.InvalidTopicException: .+`), Lacks: noNameCheck,
		},
		{
			Name: "1.1/get-topic/encoded-slash", Method: "GET", Path: "/topics/a%2Fb", Status: 500,
			Want: failsLike(500, `org\.apache\.kafka\.common\.errors\.InvalidTopicException: .+`), Lacks: noNameCheck,
		},
	}
	for name, path := range map[string]string{"letters": "/topics/%zz", "end": "/topics/%", "short": "/topics/%4", "query": "/topics/$ONE/partitions/0?x=%zz"} {
		c := Case{
			Name: "1.1/bad-escape/" + name, Method: "GET", Path: path, Status: 400, Want: failsLike(400, ".+"),
			Mends: "a bad percent escape is answered in plain text", Raw: "no path can be read",
		}
		if name == "query" {
			c.Status, c.Want, c.Raw = 200, whatever, "no query can be read"
		}
		out = append(out, c)
	}
	for _, accept := range []string{"text/html", "application/xml;q=0.5", typeBinary} {
		out = append(out, Case{
			Name: "1.1/list-topics/accept-" + strings.NewReplacer("/", "-", ";", "-").Replace(accept), Method: "GET", Path: "/topics",
			Accept: accept, Status: 200, Want: names,
		})
	}
	return out
}

func oversized() []Case {
	deep := func(arrays int) string {
		return `{"records":[{"value":` + strings.Repeat("[", arrays) + strings.Repeat("]", arrays) + `}]}`
	}
	number := func(digits int) string {
		return `{"records":[{"value":{"n":` + strings.Repeat("7", digits) + `}}]}`
	}
	stored := like(`\{"offsets":\[\{"partition":0,"offset":\d+\}\]\}`)
	return []Case{
		{Name: "1.1/limits/long-path", Method: "GET", Path: "/topics/" + strings.Repeat("a", 5000), Status: 414},
		{Name: "1.1/limits/long-header", Method: "GET", Path: "/topics", Header: []string{"X-Long: " + strings.Repeat("a", 9000)}, Status: 431},
		{Name: "1.1/limits/header-that-fits", Method: "GET", Path: "/topics", Header: []string{"X-Long: " + strings.Repeat("a", 6000)}, Status: 200, Want: whatever},
		{Name: "1.9a/send/nesting-1000", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: deep(997), Status: 200, Want: stored},
		{Name: "1.9a/send/nesting-1001", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: deep(998), Status: 400, Want: fails(400, notJSON)},
		{Name: "1.9a/send/nesting-100000", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: deep(100_000), Status: 400, Want: fails(400, notJSON)},
		{Name: "1.9a/send/number-of-1000-digits", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: number(1000), Status: 200, Want: stored, Raw: "the checker's JSON library has smaller numbers"},
		{Name: "1.9a/send/number-of-1001-digits", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: number(1001), Status: 400, Want: fails(400, notJSON)},
		{
			Name: "1.9a/send/number-beyond-double", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: `{"records":[{"value":{"n":1e400}}]}`,
			Status: 200, Want: stored, Mends: "1e400 becomes the string Infinity", Raw: "the checker's JSON library has smaller numbers",
		},
		{
			Name: "8/send/body-too-large", Ours: true, Method: "POST", Path: "/topics/$ONE", Type: typeText,
			Body: fmt.Sprintf(`{"records":[{"value":%q}]}`, strings.Repeat("a", 5<<20)), Status: 413, Want: failsLike(413, ".+"),
		},
		{
			Name: "8/create-consumer/body-too-large", Ours: true, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2,
			Body: fmt.Sprintf(`{"name":%q}`, strings.Repeat("a", 5<<20)), Status: 413, Want: failsLike(413, ".+"),
		},
	}
}
