package conformance

import "strings"

func serviceCases() []Case {
	document := func(op, path string) []Case {
		get := func(name string, w want, header ...string) Case {
			return Case{Name: "1.8/" + op + "/" + name, Method: "GET", Path: path, Header: header, Status: 200, WantType: typePlain, Want: w}
		}
		with := func(base string) want {
			return like(`.*"basePath": ?` + base + `[,}].*`)
		}
		without := func(_ *env, body string) error {
			if strings.Contains(body, `"basePath"`) || !strings.Contains(body, `"3.1.0"`) {
				return errText("want the document without basePath, got %.200s", body)
			}
			return nil
		}
		return []Case{
			get("good", without),
			get("forwarded-path", with(`"/bridge"`), "X-Forwarded-Path: /bridge"),
			get("forwarded-prefix", with(`"/prefix"`), "X-Forwarded-Prefix: /prefix"),
			get("path-wins-over-prefix", with(`"/bridge"`), "X-Forwarded-Prefix: /prefix", "X-Forwarded-Path: /bridge"),
			get("accept-ignored", without, "Accept: text/yaml"),
		}
	}
	out := append(document("openapi", "/openapi"), document("openapiv3", "/openapi/v3")...)
	return append(out,
		Case{Name: "own/status/good", Ours: true, Management: true, Method: "GET", Path: "/status", Status: 200, WantType: typePlain, Want: whatever},
		Case{Name: "own/started/good", Ours: true, Management: true, Method: "GET", Path: "/started", Status: 204},
		Case{Name: "own/started/without-kafka", Bridge: away, Ours: true, Management: true, Method: "GET", Path: "/started", Status: 204},
		Case{Name: "own/started/other-listener", Ours: true, Method: "GET", Path: "/started", Status: 501},
		Case{Name: "own/status/other-listener", Ours: true, Method: "GET", Path: "/status", Status: 501},
		Case{
			Name: "own/openapi-steg/good", Ours: true, Method: "GET", Path: "/openapi/steg", Status: 200, WantType: typePlain,
			Want: func(e *env, body string) error {
				served, err := NewContract([]byte(body))
				if err == nil && strings.Join(served.Operations(), " ") != strings.Join(e.s.own.Operations(), " ") {
					err = errText("operations %s", served.Operations())
				}
				return err
			},
		},
		Case{Name: "own/openapi-steg/other-listener", Ours: true, Management: true, Method: "GET", Path: "/openapi/steg", Status: 501},
		Case{Name: "1.4/openapi/counts", Method: "GET", Path: "/openapi", Status: 200, WantType: typePlain, Want: isTheContract},
		Case{Name: "1.4/openapiv3/counts", Method: "GET", Path: "/openapi/v3", Status: 200, WantType: typePlain, Want: isTheContract},
		Case{Name: "1.8/info/good", Method: "GET", Path: "/", Status: 200, WantType: typePlain, Want: like(`\{"bridge_version":"[^"]+"\}`)},
		Case{Name: "1.8/info/query-ignored", Method: "GET", Path: "/?x=1", Status: 200, WantType: typePlain, Want: whatever},
		Case{Name: "1.8/healthy/good", Management: true, Method: "GET", Path: "/healthy", Status: 200},
		Case{Name: "1.8/ready/good", Management: true, Method: "GET", Path: "/ready", Status: 200},
		Case{Name: "1.8/healthy/without-kafka", Bridge: away, Management: true, Method: "GET", Path: "/healthy", Status: 200},
		Case{Name: "1.8/ready/without-kafka", Bridge: away, Management: true, Method: "GET", Path: "/ready", Status: 200},
		Case{Name: "1.8/info/without-kafka", Bridge: away, Method: "GET", Path: "/", Status: 200, WantType: typePlain, Want: whatever},
		Case{Name: "1.8/openapi/without-kafka", Bridge: away, Method: "GET", Path: "/openapi", Status: 200, WantType: typePlain, Want: whatever},
		Case{Name: "1.8/openapiv3/without-kafka", Bridge: away, Method: "GET", Path: "/openapi/v3", Status: 200, WantType: typePlain, Want: whatever},
		Case{
			Name: "1.8/metrics/good", Ours: true, Management: true, Method: "GET", Path: "/metrics", Status: 200,
			WantType: "text/plain; version=0.0.4; charset=utf-8", Want: like(`.*# HELP .*# TYPE .*`),
		},
		Case{Name: "1.8/metrics/switched-off", Bridge: noProducer, Management: true, Method: "GET", Path: "/metrics", Status: 404},
	)
}

// isTheContract demands what the reference's own test demands of the document.
func isTheContract(e *env, body string) error {
	served, err := NewContract([]byte(body))
	if err != nil {
		return err
	}
	if n := len(served.doc.Paths.Map()); n != 21 {
		return errText("%d paths, want 21", n)
	}
	if n := len(served.doc.Components.Schemas); n != 28 {
		return errText("%d schemas, want 28", n)
	}
	if n := len(served.doc.Tags); n != 4 {
		return errText("%d tags, want 4", n)
	}
	if got, want := strings.Join(served.Operations(), " "), strings.Join(e.s.contract.Operations(), " "); got != want {
		return errText("operations %s, want %s", got, want)
	}
	return nil
}

const (
	corsMethods = "GET,POST,PUT,DELETE,OPTIONS,PATCH"
	corsHeaders = "access-control-allow-origin,content-length,x-forwarded-proto,x-forwarded-host,origin,x-requested-with,content-type,access-control-allow-methods,accept"
)

func corsCases() []Case {
	rejected := is("CORS Rejected - Invalid origin")
	preflight := func(name string, b variant, path, origin, allow string) Case {
		return Case{
			Name: "1.9/cors/preflight-" + name, Bridge: b, Method: "OPTIONS", Path: path,
			Header: []string{"Origin: " + origin, "Access-Control-Request-Method: POST"}, Status: 204,
			WantHeader: []string{
				"Access-Control-Allow-Origin: " + origin, "Access-Control-Allow-Methods: " + allow, "Access-Control-Allow-Headers: " + corsHeaders,
				"Access-Control-Max-Age: ", "Access-Control-Allow-Credentials: ", "Access-Control-Expose-Headers: ",
			},
			Raw: "answered before an operation is reached",
		}
	}
	refused := func(name string, b variant, method, path, origin string) Case {
		return Case{
			Name: "1.9/cors/refused-" + name, Bridge: b, Method: method, Path: path,
			Header: []string{"Origin: " + origin, "Access-Control-Request-Method: POST"}, Status: 403, WantType: "-", Want: rejected,
		}
	}
	get := func(name string, b variant, origin, allowed string) Case {
		c := Case{
			Name: "1.9/cors/" + name, Bridge: b, Method: "GET", Path: "/topics", Status: 200, Want: whatever,
			WantHeader: []string{"Access-Control-Allow-Origin: " + allowed},
		}
		if origin != "" {
			c.Header = []string{"Origin: " + origin}
		}
		return c
	}
	const star = "the origins * refuse to start"
	out := []Case{
		preflight("regex", cors, "/consumers/$GROUP", "https://www.example.org", corsMethods),
		preflight("regex-topic", cors, "/topics/$ONE", "http://example.org", corsMethods),
		preflight("any", corsAny, "/topics/$ONE", "https://anything.example:8443", corsMethods),
		preflight("list-second", corsList, "/topics/$ONE", "https://b.example", "GET,POST"),
		get("allowed-regex", cors, "https://example.org", "https://example.org"),
		get("no-origin", cors, "", ""),
		get("allowed-any", corsAny, "null", "null"),
		get("allowed-list", corsList, "https://a.example", "https://a.example"),
		refused("regex", cors, "GET", "/topics", "https://example.com"),
		refused("regex-is-whole", cors, "GET", "/topics", "https://example.org.evil.com"),
		refused("regex-prefix", cors, "GET", "/topics", "xhttps://example.org"),
		refused("preflight", cors, "OPTIONS", "/topics/$ONE", "https://example.com"),
		refused("list", corsList, "GET", "/topics", "https://c.example"),
		refused("before-validation", cors, "POST", "/topics/$ONE", "https://example.com"),
		{
			Name: "1.9/cors/allowed-error", Bridge: cors, Method: "POST", Path: "/topics/$ONE", Header: []string{"Origin: https://example.org"}, Type: typeV2, Body: "{}",
			Status: 400, Want: fails(400, badFormat), WantHeader: []string{"Access-Control-Allow-Origin: https://example.org"},
		},
		{
			Name: "1.9/cors/not-on-management", Bridge: cors, Management: true, Method: "GET", Path: "/healthy", Header: []string{"Origin: https://example.com"},
			Status: 200, WantHeader: []string{"Access-Control-Allow-Origin: "},
		},
		{Name: "1.9/cors/vary", Bridge: cors, Method: "GET", Path: "/topics", Header: []string{"Origin: https://example.org"}, Status: 200, Want: whatever, WantHeader: []string{"Vary: origin"}},
		{
			Name: "1.9/cors/off-by-default", Method: "GET", Path: "/topics", Header: []string{"Origin: https://example.org"}, Status: 200, Want: whatever,
			WantHeader: []string{"Access-Control-Allow-Origin: ", "Vary: "}, Ours: true,
		},
	}
	for i := range out {
		if out[i].Bridge == corsAny || out[i].Bridge == corsList {
			out[i].Mends = star
		}
	}
	return out
}

func switchedOff() []Case {
	const (
		consumers = "Consumer is disabled in config. To enable consumer update http.consumer.enabled to true"
		producers = "Producer is disabled in config. To enable producer update http.producer.enabled to true"
		records   = `{"records":[{"value":"v"}]}`
	)
	return []Case{
		{Name: "1.6/create-consumer/switched-off", Bridge: noConsumer, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: "{}", Status: 503, Want: fails(503, consumers)},
		{Name: "1.6/create-consumer/switched-off-but-invalid", Bridge: noConsumer, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: "[]", Status: 400, Want: violates(wrongType("array", "object"))},
		{Name: "1.6/poll/switched-off-is-unknown", Bridge: noConsumer, Method: "GET", Path: "$CONSUMER/records", Status: 404, Want: fails(404, noInstance)},
		{Name: "1.5/send/consumers-switched-off", Bridge: noConsumer, Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: records, Status: 200, Want: whatever},
		{Name: "1.5/send/switched-off", Bridge: noProducer, Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: records, Status: 503, Want: fails(503, producers)},
		{Name: "1.5/send-to-partition/switched-off", Bridge: noProducer, Method: "POST", Path: "/topics/$ONE/partitions/0", Type: typeJSON, Body: records, Status: 503, Want: fails(503, producers)},
		{Name: "1.6/create-consumer/producers-switched-off", Bridge: noProducer, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: `{"name":"$NAME"}`, Status: 200, Want: whatever},
	}
}
