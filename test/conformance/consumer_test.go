package conformance

import "strings"

// createConsumerCases are those of creation that need one request.
func createConsumerCases() []Case {
	create := func(name, body string, status int, w want) Case {
		return Case{Name: "1.6/create-consumer/" + name, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: body, Status: status, Want: w}
	}
	created := is(`{"instance_id":"$NAME","base_uri":"http://$HOST/consumers/$GROUP/instances/$NAME"}`)
	uuid := `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	generated := func(prefix string) want {
		return like(`\{"instance_id":"` + prefix + uuid + `","base_uri":"http://$HOST/consumers/$GROUP/instances/` + prefix + uuid + `"\}`)
	}
	noType := create("no-body-no-type", "", 200, whatever)
	noType.Type = ""
	named := create("generated-name", `{}`, 200, generated(`.*`))
	prefixed := create("generated-name-with-bridge-id", `{}`, 200, generated("conformance-"))
	prefixed.Ours = true
	anonymous := create("generated-name-without-bridge-id", `{}`, 200, generated("kafka-bridge-consumer-"))
	anonymous.Bridge = unnamed
	emptyName := create("empty-name-is-absent", `{"name":""}`, 200, generated(`.*`))
	emptyName.Mends = "an instance with an empty name can never be addressed"
	encoded := create("name-is-encoded", `{"name":"a b/c?d%$NAME"}`, 200,
		like(`\{"instance_id":"a b/c\?d%$NAME","base_uri":"http://$HOST/consumers/$GROUP/instances/a%20b%2Fc%3Fd%25$NAME"\}`))
	encoded.Mends = "the name stands raw in base_uri"
	exists := create("exists", `{"name":"$NAME","format":"json"}`, 409,
		fails(409, "A consumer instance with the specified name already exists in the Kafka Bridge."))
	exists.Given = consumer("json")
	existsText := create("exists-other-format", `{"name":"$NAME","format":"text"}`, 409, whatever)
	existsText.Given = consumer("json")
	withoutKafka := create("kafka-away", `{"name":"$NAME"}`, 200, created)
	withoutKafka.Bridge = away
	return []Case{
		create("named", `{"name":"$NAME"}`, 200, created),
		create("empty-body", "", 200, generated(`.*`)), noType, named, prefixed, anonymous, emptyName, encoded, exists, existsText, withoutKafka,
		create("format-json", `{"name":"$NAME","format":"json"}`, 200, created),
		create("format-binary", `{"name":"$NAME","format":"binary"}`, 200, created),
		create("format-text", `{"name":"$NAME","format":"text"}`, 200, created),
		create("format-unknown", `{"format":"avro"}`, 422, fails(422, "Invalid format type.")),
		create("format-capitals", `{"format":"JSON"}`, 422, fails(422, "Invalid format type.")),
		create("format-empty", `{"format":""}`, 422, fails(422, "Invalid format type.")),
		create("isolation-bad", `{"isolation.level":"foo"}`, 422,
			fails(422, "Invalid value foo for configuration isolation.level: String must be one of: read_committed, read_uncommitted")),
		create("reset-bad", `{"auto.offset.reset":"foo"}`, 422,
			fails(422, "Invalid value foo for configuration auto.offset.reset: Invalid value `foo` for configuration auto.offset.reset. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.")),
		create("fetch-negative", `{"fetch.min.bytes":-1}`, 422, fails(422, "Invalid value -1 for configuration fetch.min.bytes: Value must be at least 0")),
		create("request-timeout-negative", `{"consumer.request.timeout.ms":-1}`, 422,
			fails(422, "Invalid value -1 for configuration request.timeout.ms: Value must be at least 0")),
		create("fetch-beyond-int32", `{"fetch.min.bytes":3000000000}`, 422, failsLike(422, `Invalid value 3000000000 for configuration fetch\.min\.bytes: .+`)),
		create("reset-none", `{"name":"$NAME","auto.offset.reset":"none"}`, 200, created),
		create("reset-by-duration", `{"name":"$NAME","auto.offset.reset":"by_duration:PT1H"}`, 200, created),
		create("reset-latest", `{"name":"$NAME","auto.offset.reset":"latest"}`, 200, created),
		create("everything", `{"name":"$NAME","format":"json","auto.offset.reset":"earliest","fetch.min.bytes":1,"consumer.request.timeout.ms":1000,"enable.auto.commit":false,"isolation.level":"read_committed"}`, 200, created),
	}
}

// baseURICases try what stands before a proxy's rewriting (base_uri, rules 1 to 5).
func baseURICases() []Case {
	at := func(name, uri string, header ...string) Case {
		return Case{
			Name: "1.6/create-consumer/uri-" + name, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: `{"name":"$NAME"}`, Header: header,
			Status: 200, Want: is(`{"instance_id":"$NAME","base_uri":"` + uri + `"}`),
		}
	}
	const path, direct = "/consumers/$GROUP/instances/$NAME", "http://$HOST/consumers/$GROUP/instances/$NAME"
	slash := at("trailing-slash", direct)
	slash.Path += "/"
	scheme := at("unknown-scheme", "", "Forwarded: host=my.host;proto=mqtt")
	scheme.Status, scheme.Want = 500, fails(500, "mqtt is not a valid schema/proto.")
	schemeX := at("unknown-scheme-x", "", "X-Forwarded-Host: my.host", "X-Forwarded-Proto: mqtt")
	schemeX.Status, schemeX.Want = 500, fails(500, "mqtt is not a valid schema/proto.")
	return []Case{
		slash, scheme, schemeX,
		at("host-header", "http://other.host:8081"+path, "Host: other.host:8081"),
		at("host-without-port", "http://other.host:80"+path, "Host: other.host"),
		at("forwarded", "https://my.host:443"+path, "Forwarded: host=my.host;proto=https"),
		at("forwarded-http", "http://my.host:80"+path, "Forwarded: host=my.host;proto=http"),
		at("forwarded-port", "https://my.host:1234"+path, "Forwarded: host=my.host:1234;proto=https"),
		at("forwarded-order-and-more", "https://my.host:443"+path, "Forwarded: for=10.0.0.1;proto=https;by=x;host=my.host"),
		at("forwarded-capitals", "https://my.host:443"+path, "Forwarded: Host=my.host;PROTO=https"),
		at("forwarded-any-scheme-with-port", "mqtt://my.host:1"+path, "Forwarded: host=my.host:1;proto=mqtt"),
		at("forwarded-without-proto", direct, "Forwarded: host=my.host"),
		at("forwarded-without-host", direct, "Forwarded: proto=https"),
		at("forwarded-incomplete-stops", direct, "Forwarded: host=my.host", "X-Forwarded-Host: x.host", "X-Forwarded-Proto: https"),
		at("forwarded-first-line", "https://one.host:443"+path, "Forwarded: host=one.host;proto=https", "Forwarded: host=two.host;proto=http"),
		at("forwarded-wins", "https://my.host:443"+path, "Forwarded: host=my.host;proto=https", "X-Forwarded-Host: x.host", "X-Forwarded-Proto: http"),
		at("x-forwarded", "https://x.host:443"+path, "X-Forwarded-Host: x.host", "X-Forwarded-Proto: https"),
		at("x-forwarded-port", "https://x.host:9443"+path, "X-Forwarded-Host: x.host:9443", "X-Forwarded-Proto: https"),
		at("x-forwarded-host-alone", direct, "X-Forwarded-Host: x.host"),
		at("x-forwarded-proto-alone", direct, "X-Forwarded-Proto: https"),
		at("x-forwarded-path", "http://$HOST/my-bridge/consumers/$GROUP/instances/$NAME", "X-Forwarded-Path: /my-bridge/consumers/$GROUP"),
		at("x-forwarded-path-empty", direct, "X-Forwarded-Path: "),
		at("x-forwarded-path-with-all", "https://x.host:443/p/instances/$NAME", "X-Forwarded-Host: x.host", "X-Forwarded-Proto: https", "X-Forwarded-Path: /p"),
		at("forwarded-with-path", "https://my.host:443/p/instances/$NAME", "Forwarded: host=my.host;proto=https", "X-Forwarded-Path: /p"),
	}
}

// unknownConsumers asks every operation for an instance that is not there: 404,
// but only when the request is right, and 400 before it.
func unknownConsumers() []Case {
	var out []Case
	unknown := fails(404, noInstance)
	for _, o := range withBodies() {
		if !strings.HasPrefix(o.path, "$CONSUMER") {
			continue
		}
		add := func(name, mediaType, body string, status int, w want) {
			out = append(out, Case{Name: "1.6/" + o.op + "/" + name, Method: "POST", Path: o.path, Type: mediaType, Body: body, Status: status, Want: w})
		}
		add("unknown-instance", o.mediaType, o.body, 404, unknown)
		add("unknown-instance-empty-object", o.mediaType, "{}", 404, unknown)
		add("unknown-instance-bad-body", o.mediaType, `{"flavor":1}`, 400, violates(extra("flavor")))
	}
	other := Case{Name: "1.6/list-subscriptions/other-group", Method: "GET", Path: "/consumers/other-$GROUP/instances/$NAME/subscription", Given: consumer("json"), Status: 404, Want: unknown}
	return append(out, other,
		Case{Name: "1.6/commit/unknown-instance-no-body", Method: "POST", Path: "$CONSUMER/offsets", Status: 404, Want: unknown},
		Case{Name: "1.6/delete-consumer/unknown-instance", Method: "DELETE", Path: "$CONSUMER", Status: 404, Want: unknown},
		Case{Name: "1.6/list-subscriptions/unknown-instance", Method: "GET", Path: "$CONSUMER/subscription", Status: 404, Want: unknown},
		Case{Name: "1.6/unsubscribe/unknown-instance", Method: "DELETE", Path: "$CONSUMER/subscription", Status: 404, Want: unknown},
		Case{Name: "1.6/poll/unknown-instance", Method: "GET", Path: "$CONSUMER/records", Accept: typeJSON, Status: 404, Want: unknown},
		Case{Name: "1.6/poll/unknown-before-accept", Method: "GET", Path: "$CONSUMER/records", Accept: "text/html", Status: 404, Want: unknown},
		Case{Name: "1.6/delete-consumer/good", Method: "DELETE", Path: "$CONSUMER", Given: consumer("json"), Status: 204},
		Case{Name: "1.6/delete-consumer/subscribed", Method: "DELETE", Path: "$CONSUMER", Given: subscribed("json", "$ONE"), Status: 204},
		Case{Name: "1.6/delete-consumer/assigned", Method: "DELETE", Path: "$CONSUMER", Given: assigned("json", "$ONE"), Status: 204},
		Case{Name: "1.6/delete-consumer/trailing-slash", Method: "DELETE", Path: "$CONSUMER/", Given: consumer("json"), Status: 204},
		Case{Name: "1.6/delete-consumer/kafka-away", Bridge: away, Method: "DELETE", Path: "$CONSUMER", Given: consumer("json"), Status: 204},
		Case{Name: "1.6/delete-consumer/kafka-away-assigned", Bridge: away, Method: "DELETE", Path: "$CONSUMER", Given: assigned("json", "t"), Status: 204},
		Case{
			Name: "1.6/delete-consumer/kafka-away-position-to-commit", Bridge: away, Method: "DELETE", Path: "$CONSUMER", Status: 204,
			Given: func(e *env) {
				e.create("json")
				e.assign("t", 1)
				e.post(204, "positions", `{"offsets":[{"topic":"t","partition":0,"offset":5}]}`)
			},
		},
	)
}

func subscriptionCases() []Case {
	subscribe := func(name, body string, g given, status int, w want) Case {
		return Case{Name: "1.6/subscribe/" + name, Method: "POST", Path: "$CONSUMER/subscription", Type: typeV2, Body: body, Given: g, Status: status, Want: w}
	}
	neither := fails(422, "A list (of Topics type) or a topic_pattern must be specified.")
	unsupported := func(name, pattern, text string) Case {
		c := subscribe("pattern-"+name, `{"topic_pattern":`+quote(pattern)+`}`, consumer("json"), 422, failsLike(422, text))
		c.Mends = "a pattern of Java's that we cannot evaluate is refused at once"
		return c
	}
	list := func(name string, g given, w want) Case {
		return Case{Name: "1.6/list-subscriptions/" + name, Method: "GET", Path: "$CONSUMER/subscription", Given: g, Status: 200, Want: w}
	}
	empty := is(`{"topics":[],"partitions":[]}`)
	unsubscribe := func(name string, g given) Case {
		return Case{
			Name: "1.6/unsubscribe/" + name, Method: "DELETE", Path: "$CONSUMER/subscription", Given: g, Status: 204,
			After: func(e *env) {
				if got := e.must(200, "GET", "$CONSUMER/subscription", "", ""); got != `{"topics":[],"partitions":[]}` {
					e.Errorf("listing afterwards: %s", got)
				}
			},
		}
	}
	withBody := unsubscribe("with-a-body", subscribed("json", "$ONE"))
	withBody.Body = `{"topics":["$ONE"]}` // the reference's own test sends one without a content-type
	return []Case{
		subscribe("topics", `{"topics":["$ONE","$THREE"]}`, consumer("json"), 204, nil),
		subscribe("pattern", `{"topic_pattern":"one-.*"}`, consumer("json"), 204, nil),
		subscribe("again", `{"topics":["$THREE"]}`, subscribed("json", "$ONE"), 204, nil),
		subscribe("empty-list", `{"topics":[]}`, consumer("json"), 204, nil),
		subscribe("empty-list-unsubscribes", `{"topics":[]}`, subscribed("json", "$ONE"), 204, nil),
		subscribe("topic-that-does-not-exist", `{"topics":["$MISSING"]}`, consumer("json"), 204, nil),
		subscribe("both", `{"topics":["$ONE"],"topic_pattern":"a.*"}`, consumer("json"), 409, fails(409, exclusive)),
		subscribe("assigned", `{"topics":["$ONE"]}`, assigned("json", "$ONE"), 409, fails(409, exclusive)),
		subscribe("assigned-pattern", `{"topic_pattern":"a.*"}`, assigned("json", "$ONE"), 409, fails(409, exclusive)),
		subscribe("neither", `{}`, consumer("json"), 422, neither),
		subscribe("pattern-after-topics", `{"topic_pattern":"a.*"}`, subscribed("json", "$ONE"), 500,
			fails(500, "java.lang.IllegalStateException: Subscription to topics, partitions and pattern are mutually exclusive")),
		subscribe("pattern-bad", `{"topic_pattern":"(abc"}`, consumer("json"), 500, failsLike(500, `java\.util\.regex\.PatternSyntaxException: .+`)),
		unsupported("look-ahead", `(?=a).*`, `.*look-?ahead.*`), unsupported("back-reference", `(a)\1`, `.*back-?reference.*`),
		unsupported("class-intersection", `[a-z&&[^b]]+`, `.*intersection.*`), unsupported("open-repetition", `a{,2}`, `.*repetition.*`),
		unsupported("possessive-quantifier", `a*+b`, `.*possessive quantifier.*`),
		list("fresh", consumer("json"), empty),
		list("assigned", assigned("json", "$ONE"), is(`{"topics":["$ONE"],"partitions":[{"$ONE":[0]}]}`)),
		list("assigned-two", func(e *env) { e.create("json"); e.assign(e.s.three, 3) }, is(`{"topics":["$THREE"],"partitions":[{"$THREE":[0,1,2]}]}`)),
		unsubscribe("subscribed", subscribed("json", "$ONE")), unsubscribe("assigned", assigned("json", "$ONE")),
		unsubscribe("fresh", consumer("json")), withBody,
	}
}

func assignmentCases() []Case {
	assign := func(name, body string, g given, status int, w want) Case {
		return Case{Name: "1.6/assign/" + name, Method: "POST", Path: "$CONSUMER/assignments", Type: typeV2, Body: body, Given: g, Status: status, Want: w}
	}
	missingList := assign("no-list", `{}`, consumer("json"), 422, failsLike(422, ".+"))
	missingList.Mends = "it is answered 500 in plain text"
	one := `{"partitions":[{"topic":"$ONE","partition":0}]}`
	return []Case{
		assign("one", one, consumer("json"), 204, nil),
		assign("again", `{"partitions":[{"topic":"$THREE","partition":1}]}`, assigned("json", "$ONE"), 204, nil),
		assign("empty-list", `{"partitions":[]}`, consumer("json"), 204, nil),
		assign("empty-list-unassigns", `{"partitions":[]}`, assigned("json", "$ONE"), 204, nil),
		assign("topic-that-does-not-exist", `{"partitions":[{"topic":"$MISSING","partition":0}]}`, consumer("json"), 204, nil),
		assign("subscribed", one, subscribed("json", "$ONE"), 409, fails(409, exclusive)),
		assign("emptied-subscription-still-excludes", one, func(e *env) { e.create("json"); e.post(204, "subscription", `{"topics":[]}`) }, 409, fails(409, exclusive)),
		missingList,
	}
}

func pollCases() []Case {
	poll := func(name, format, accept, query string, status int, w want) Case {
		return Case{
			Name: "1.6/poll/" + name, Method: "GET", Path: "$CONSUMER/records" + query, Accept: accept, Given: assigned(format, "$TOPIC"),
			Status: status, Want: w,
		}
	}
	none := func(name, format, query string) Case {
		c := poll(name, format, mediaTypes[format], query, 200, is("[]"))
		c.WantType = mediaTypes[format]
		return c
	}
	refused := fails(406, wrongAccept)
	out := []Case{
		none("nothing-json", "json", ""), none("nothing-binary", "binary", ""), none("nothing-text", "text", ""),
		none("timeout-0", "json", "?timeout=0"), none("timeout-and-bytes", "json", "?timeout=50&max_bytes=2"),
		none("first-timeout-counts", "json", "?timeout=1&timeout=20000"),
		poll("accept-missing", "json", "", "", 406, refused), poll("accept-any", "json", "*/*", "", 406, refused),
		poll("accept-other-format", "json", typeBinary, "", 406, refused), poll("accept-v2", "json", typeV2, "", 406, refused),
		poll("accept-parameter", "json", typeJSON+";q=1", "", 406, refused), poll("accept-list", "json", typeJSON+", "+typeText, "", 406, refused),
		poll("accept-capitals", "text", strings.ToUpper(typeText), "", 406, refused),
		poll("max-bytes-1-of-nothing", "json", typeJSON, "?max_bytes=1", 422, fails(422, tooManyBytes)),
		poll("max-bytes-0", "json", typeJSON, "?max_bytes=0", 422, fails(422, tooManyBytes)),
		poll("timeout-negative", "json", typeJSON, "?timeout=-1", 500, fails(500, "java.lang.IllegalArgumentException: Invalid negative timeout -1")),
	}
	byDefault := poll("default-format-is-binary", "json", typeJSON, "", 406, refused)
	byDefault.Given = func(e *env) {
		e.must(200, "POST", "/consumers/$GROUP", typeV2, `{"name":"$NAME"}`)
		e.Cleanup(e.remove)
		e.assign(e.s.one, 1)
	}
	fresh := poll("nothing-subscribed", "json", typeJSON, "", 500, fails(500, notReading))
	fresh.Given = consumer("json")
	beforeAccept := poll("nothing-subscribed-before-accept", "json", "*/*", "", 500, fails(500, notReading))
	beforeAccept.Given = consumer("json")
	unsubscribed := poll("unsubscribed", "json", typeJSON, "", 500, fails(500, notReading))
	unsubscribed.Given = func(e *env) {
		e.create("json")
		e.subscribe("$ONE")
		e.must(204, "DELETE", "$CONSUMER/subscription", "", "")
	}
	emptied := poll("emptied-subscription", "json", typeJSON, "", 500, fails(500, "java.lang.IllegalStateException: "+notReading))
	emptied.Given = func(e *env) { e.create("json"); e.post(204, "subscription", `{"topics":[]}`) }
	return append(out, byDefault, fresh, beforeAccept, unsubscribed, emptied)
}

// offsetCases are commit and the three seeks.
func offsetCases() []Case {
	request := func(name, path, body string, g given, status int, w want) Case {
		c := Case{Name: "1.6/" + name, Method: "POST", Path: "$CONSUMER/" + path, Type: typeV2, Body: body, Given: g, Status: status, Want: w}
		if body == "" {
			c.Type = ""
		}
		return c
	}
	own := assigned("json", "$ONE")
	at := func(topic, partition, offset string) string {
		return `{"offsets":[{"topic":"` + topic + `","partition":` + partition + `,"offset":` + offset + `}]}`
	}
	none := func(partition string) want { return fails(404, "No current assignment for partition "+partition) }
	negative := request("commit/negative-offset", "offsets", at("$ONE", "0", "-1"), own, 422, failsLike(422, ".+"))
	negative.Mends = "a negative offset is answered 500 in plain text"
	seekNoList := request("seek/no-list", "positions", `{}`, own, 422, failsLike(422, ".+"))
	seekNoList.Mends = "the answer is a Java null pointer's text"
	out := []Case{
		request("commit/no-body", "offsets", "", own, 204, nil),
		request("commit/empty-object", "offsets", `{}`, own, 204, nil),
		request("commit/empty-list", "offsets", `{"offsets":[]}`, own, 204, nil),
		request("commit/offset", "offsets", at("$ONE", "0", "0"), own, 204, nil),
		request("commit/not-assigned-partition", "offsets", at("$THREE", "2", "0"), own, 204, nil),
		request("commit/nothing-subscribed", "offsets", at("$ONE", "0", "0"), consumer("json"), 204, nil), negative,
		request("seek/good", "positions", at("$ONE", "0", "0"), own, 204, nil),
		request("seek/beyond-the-log", "positions", at("$ONE", "0", "9223372036854775807"), own, 204, nil),
		request("seek/empty-list", "positions", `{"offsets":[]}`, own, 204, nil),
		request("seek/not-assigned", "positions", at("$THREE", "1", "0"), own, 404, none("$THREE-1")),
		request("seek/not-assigned-partition", "positions", at("$ONE", "1", "0"), own, 404, none("$ONE-1")),
		request("seek/nothing-assigned", "positions", at("$ONE", "0", "0"), consumer("json"), 404, none("$ONE-0")),
		request("seek/unknown-topic", "positions", at("$MISSING", "0", "0"), own, 404, none("$MISSING-0")),
		request("seek/negative-offset", "positions", at("$ONE", "0", "-1"), own, 500, fails(500, "seek offset must not be a negative number")),
		seekNoList,
	}
	for _, end := range []string{"beginning", "end"} {
		op, path := "seek-to-"+end, "positions/"+end
		noList := request(op+"/no-list", path, `{}`, own, 422, failsLike(422, ".+"))
		noList.Mends = "it is answered 500 in plain text"
		out = append(out, noList,
			request(op+"/good", path, `{"partitions":[{"topic":"$ONE","partition":0}]}`, own, 204, nil),
			request(op+"/all", path, `{"partitions":[]}`, own, 204, nil),
			request(op+"/not-assigned", path, `{"partitions":[{"topic":"$ONE","partition":1}]}`, own, 404, none("$ONE-1")),
			request(op+"/nothing-assigned", path, `{"partitions":[{"topic":"$ONE","partition":0}]}`, consumer("json"), 404, none("$ONE-0")),
		)
	}
	return out
}
