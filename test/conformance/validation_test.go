package conformance

import (
	"slices"
	"strings"
)

// bodied is an operation that takes a body, with a body that is right for it.
type bodied struct {
	op, path, mediaType, body string
	optional                  bool
	given                     given
	status                    int // of the good body
	mends                     string
}

// withBodies has the ten operations with a request body.
func withBodies() []bodied {
	onOne := assigned("json", "$ONE")
	const produce = "a parameter of the content type is answered 500"
	return []bodied{
		{"create-consumer", "/consumers/$GROUP", typeV2, `{"name":"$NAME"}`, true, nil, 200, ""},
		{"subscribe", "$CONSUMER/subscription", typeV2, `{"topics":["$ONE"]}`, false, consumer("json"), 204, ""},
		{"assign", "$CONSUMER/assignments", typeV2, `{"partitions":[{"topic":"$ONE","partition":0}]}`, false, consumer("json"), 204, ""},
		{"commit", "$CONSUMER/offsets", typeV2, `{"offsets":[{"topic":"$ONE","partition":0,"offset":0}]}`, true, onOne, 204, ""},
		{"seek", "$CONSUMER/positions", typeV2, `{"offsets":[{"topic":"$ONE","partition":0,"offset":0}]}`, false, onOne, 204, ""},
		{"seek-to-beginning", "$CONSUMER/positions/beginning", typeV2, `{"partitions":[{"topic":"$ONE","partition":0}]}`, false, onOne, 204, ""},
		{"seek-to-end", "$CONSUMER/positions/end", typeV2, `{"partitions":[{"topic":"$ONE","partition":0}]}`, false, onOne, 204, ""},
		{"send", "/topics/$ONE", typeJSON, `{"records":[{"value":"v"}]}`, false, nil, 200, produce},
		{"send-to-partition", "/topics/$ONE/partitions/0", typeJSON, `{"records":[{"value":"v"}]}`, false, nil, 200, produce},
		{"create-topic", "/admin/topics", typeJSON, `{"topic_name":"new-$NAME"}`, false, nil, 201, ""},
	}
}

// bodyValidation tries what holds for the body of every operation.
func bodyValidation() []Case {
	var out []Case
	for _, o := range withBodies() {
		add := func(name string, c Case) {
			c.Name, c.Method, c.Path = "1.3/"+o.op+"/"+name, "POST", o.path
			out = append(out, c)
		}
		refused := fails(400, badFormat)
		add("no-content-type", Case{Body: o.body, Status: 400, Want: refused})
		add("plain-json-type", Case{Type: typePlain, Body: o.body, Status: 400, Want: refused})
		add("type-in-capitals", Case{Type: strings.ToUpper(o.mediaType), Body: o.body, Status: 400, Want: refused})
		for name, text := range map[string]string{
			"truncated": o.body[:len(o.body)-1], "text-behind": o.body + " {}", "single-quotes": "{'name':'a'}",
			"blank": "  ", "bad-utf8": "{\"name\":\"\xff\xfe\"}",
		} {
			add(name, Case{Type: o.mediaType, Body: text, Status: 400, Want: fails(400, notJSON)})
		}
		for name, pair := range map[string][2]string{"array": {"[]", "array"}, "null": {"null", "null"}, "text": {`"a"`, "string"}} {
			add("top-level-"+name, Case{Type: o.mediaType, Body: pair[0], Status: 400, Want: violates(wrongType(pair[1], "object"))})
		}
		if o.op != "create-topic" { // its required member would be reported too
			add("unknown-member", Case{Type: o.mediaType, Body: `{"flavor":1}`, Status: 400, Want: violates(extra("flavor"))})
		}
		if !o.optional {
			add("no-body", Case{Type: o.mediaType, Status: 400, Want: fails(400, noBody)})
		}
		answer := goodAnswer(o)
		add("good", Case{Type: o.mediaType, Body: o.body, Given: o.given, Status: o.status, Want: answer})
		add("charset", Case{Type: o.mediaType + ";charset=utf-8", Body: o.body, Given: o.given, Status: o.status, Want: answer, Mends: o.mends})
		add("charset-spaced", Case{Type: o.mediaType + " ; charset=UTF-8", Body: o.body, Given: o.given, Status: o.status, Want: answer, Mends: o.mends})
		add("byte-order-mark", Case{
			Type: o.mediaType, Body: "\xef\xbb\xbf" + o.body, Given: o.given, Status: o.status, Want: answer,
			Raw: "the checker does not know byte order marks",
		})
	}
	return out
}

func goodAnswer(o bodied) want {
	switch o.status {
	case 204:
		return nil
	case 201:
		return is("{}")
	}
	return whatever
}

func createValidation() []Case {
	const op = "create-consumer"
	var out []Case
	refuse := func(name, body string, texts ...string) {
		out = append(out, Case{
			Name: "1.3/" + op + "/" + name, Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: body,
			Status: 400, Want: violates(texts...),
		})
	}
	refuse("enable.auto.commit-string", `{"name":"a","enable.auto.commit":"foo"}`, property("enable.auto.commit", wrongType("string", "boolean"))...)
	refuse("enable.auto.commit-number", `{"enable.auto.commit":1}`, property("enable.auto.commit", wrongType("number", "boolean"))...)
	refuse("enable.auto.commit-null", `{"enable.auto.commit":null}`, property("enable.auto.commit", wrongType("null", "boolean"))...)
	refuse("name-number", `{"name":5}`, property("name", wrongType("number", "string"))...)
	refuse("name-object", `{"name":{}}`, property("name", wrongType("object", "string"))...)
	refuse("format-array", `{"format":["json"]}`, property("format", wrongType("array", "string"))...)
	refuse("auto.offset.reset-boolean", `{"auto.offset.reset":true}`, property("auto.offset.reset", wrongType("boolean", "string"))...)
	refuse("isolation.level-number", `{"isolation.level":1.5}`, property("isolation.level", wrongType("number", "string"))...)
	refuse("fetch.min.bytes-string", `{"fetch.min.bytes":"1"}`, property("fetch.min.bytes", wrongType("string", "integer"))...)
	refuse("fetch.min.bytes-fraction", `{"fetch.min.bytes":1.5}`, property("fetch.min.bytes", wrongType("number", "integer"))...)
	refuse("request-timeout-string", `{"consumer.request.timeout.ms":"x"}`, property("consumer.request.timeout.ms", wrongType("string", "integer"))...)
	refuse("unknown-foo", `{"foo":"bar"}`, extra("foo"))
	refuse("unknown-empty", `{"":1}`, extra(""))
	refuse("two-unknown", `{"foo":1,"bar":2}`, extra("foo"), extra("bar"))
	refuse("two-bad", `{"name":5,"format":6}`,
		`Property "name" does not match schema`, wrongType("number", "string"),
		`Property "format" does not match schema`, wrongType("number", "string"), extra("name"), extra("format"))
	refuse("schema-order", `{"format":6,"name":5}`,
		`Property "name" does not match schema`, wrongType("number", "string"),
		`Property "format" does not match schema`, wrongType("number", "string"), extra("format"), extra("name"))
	refuse("duplicate-last-bad", `{"name":"a","name":5}`, property("name", wrongType("number", "string"))...)
	refuse("escaped-member", `{"\u0066oo":1}`, extra("foo"))
	return append(out,
		Case{
			Name: "1.3/" + op + "/duplicate-last-good", Method: "POST", Path: "/consumers/$GROUP", Type: typeV2, Body: `{"name":5,"name":"$NAME"}`,
			Status: 200, Want: like(`\{"instance_id":"$NAME",.*\}`),
		},
		Case{
			Name: "1.3/" + op + "/integral-decimal", Method: "POST", Path: "/consumers/$GROUP", Type: typeV2,
			Body: `{"name":"$NAME","fetch.min.bytes":1.0}`, Status: 422, // the schema admits it, the client's setting does not
			Want: fails(422, "Invalid value 1.0 for configuration fetch.min.bytes: Not a number of type INT"),
		})
}

// item wraps texts as those of a bad element, itself behind a reference, of a list.
func item(list string, texts ...string) []string {
	return property(list, append([]string{"Items did not match schema", "A subschema had errors"}, texts...)...)
}

// unseen exempts numbers just beyond 64 bits from the OpenAPI document.
const unseen = "the checker compares such numbers as doubles"

func listValidation() []Case {
	var out []Case
	refuse := func(name, path, body string, texts ...string) {
		out = append(out, Case{
			Name: "1.3/" + name, Method: "POST", Path: "$CONSUMER/" + path, Type: typeV2, Body: body, Status: 400, Want: violates(texts...),
		})
	}
	refuse("subscribe/topics-string", "subscription", `{"topics":"a"}`, property("topics", wrongType("string", "array"))...)
	refuse("subscribe/topics-number-inside", "subscription", `{"topics":["a",1]}`, property("topics", "Items did not match schema", wrongType("number", "string"))...)
	refuse("subscribe/topics-two-bad", "subscription", `{"topics":[1,true]}`,
		property("topics", "Items did not match schema", wrongType("number", "string"), "Items did not match schema", wrongType("boolean", "string"))...)
	refuse("subscribe/pattern-number", "subscription", `{"topic_pattern":5}`, property("topic_pattern", wrongType("number", "string"))...)
	for _, p := range []struct{ op, path string }{
		{"assign", "assignments"}, {"seek-to-beginning", "positions/beginning"}, {"seek-to-end", "positions/end"},
	} {
		refuse(p.op+"/list-object", p.path, `{"partitions":{}}`, property("partitions", wrongType("object", "array"))...)
		refuse(p.op+"/element-number", p.path, `{"partitions":[5]}`, item("partitions", wrongType("number", "object"))...)
		refuse(p.op+"/topic-number", p.path, `{"partitions":[{"topic":5,"partition":0}]}`,
			item("partitions", property("topic", wrongType("number", "string"))...)...)
		refuse(p.op+"/partition-beyond-int32", p.path, `{"partitions":[{"topic":"a","partition":3000000000}]}`,
			item("partitions", property("partition", `Integer does not match the format "int32"`)...)...)
		refuse(p.op+"/offset-in-it", p.path, `{"partitions":[{"topic":"a","partition":0,"offset":1}]}`, item("partitions", extra("offset"))...)
		out = append(out, Case{
			Name: "1.6/" + p.op + "/element-without-partition", Method: "POST", Path: "$CONSUMER/" + p.path, Type: typeV2,
			Body: `{"partitions":[{"topic":"$ONE"}]}`, Given: consumer("json"), Status: 400, Want: violatesSomehow,
			Mends: "an element without partition is answered 500 in plain text",
		})
	}
	for _, p := range []struct{ op, path string }{{"commit", "offsets"}, {"seek", "positions"}} {
		refuse(p.op+"/list-string", p.path, `{"offsets":"all"}`, property("offsets", wrongType("string", "array"))...)
		refuse(p.op+"/empty-element", p.path, `{"offsets":[{}]}`, item("offsets", missing("topic"), missing("partition"), missing("offset"))...)
		refuse(p.op+"/no-offset", p.path, `{"offsets":[{"topic":"a","partition":0}]}`, item("offsets", missing("offset"))...)
		refuse(p.op+"/metadata", p.path, `{"offsets":[{"topic":"a","partition":0,"offset":1,"metadata":"m"}]}`, item("offsets", extra("metadata"))...)
		refuse(p.op+"/offset-string", p.path, `{"offsets":[{"topic":"a","partition":0,"offset":1},{"topic":"a","partition":0,"offset":1,"x":1}]}`,
			item("offsets", extra("x"))...)
		refuse(p.op+"/offset-beyond-int64", p.path, `{"offsets":[{"topic":"a","partition":0,"offset":9223372036854775808}]}`,
			item("offsets", property("offset", `Integer does not match the format "int64"`)...)...)
		out[len(out)-1].Raw = unseen
	}
	return out
}

func topicValidation() []Case {
	create := func(name, body string, w want) Case {
		return Case{Name: "1.3/create-topic/" + name, Method: "POST", Path: "/admin/topics", Type: typeJSON, Body: body, Status: 400, Want: w}
	}
	const prefix = `\{"error_code":400,"message":"Validation error on: Schema validation error","validation_errors":\[`
	unmended := create("replication-beyond-int16", `{"topic_name":"$NAME","replication_factor":65537}`, violatesSomehow)
	unmended.Mends = "a replication factor of 65537 is cut to one of 1"
	return []Case{
		create("empty-object", `{}`, violates(missing("topic_name"))),
		create("v2-member-only", `{"partitions_count":1}`, violates(missing("topic_name"))),
		create("name-number", `{"topic_name":5}`, violates(property("topic_name", wrongType("number", "string"))...)),
		create("unknown-member", `{"topic_name":"a","flavor":1}`, violates(extra("flavor"))),
		create("missing-and-unknown", `{"flavor":1}`, violates(missing("topic_name"), extra("flavor"))),
		create("count-string", `{"topic_name":"a","partitions_count":"1"}`, like(prefix+
			`"Property \\"partitions_count\\" does not match schema","Instance type string is invalid. Expected integer, ?null",`+
			`"Property \\"partitions_count\\" does not match additional properties schema"\]\}`)),
		create("factor-boolean", `{"topic_name":"a","replication_factor":true}`, like(prefix+
			`"Property \\"replication_factor\\" does not match schema","Instance type boolean is invalid. Expected integer, ?null",.+\]\}`)),
		{
			Name: "1.3/create-topic/v2-type", Method: "POST", Path: "/admin/topics", Type: typeV2, Body: `{"topic_name":"a"}`,
			Status: 400, Want: fails(400, badFormat),
		},
		unmended,
	}
}

// sendValidation tries the schemas of records, on both operations and formats.
func sendValidation() []Case {
	var out []Case
	branches := func(actual string, expected ...string) []string {
		texts := []string{"A subschema had errors", "Instance does not match exactly one subschema (0 matches)"}
		for _, e := range expected {
			texts = append(texts, wrongType(actual, e))
		}
		return texts
	}
	key := func(actual string) []string {
		return item("records", property("key", branches(actual, "array", "object", "string")...)...)
	}
	value := func(actual string) []string {
		return item("records", property("value", branches(actual, "array", "object", "string", "null")...)...)
	}
	headers := func(texts ...string) []string {
		return item("records", property("headers", append([]string{"A subschema had errors"}, texts...)...)...)
	}
	header := func(texts ...string) []string {
		return headers(append([]string{"Items did not match schema", "A subschema had errors"}, texts...)...)
	}
	rows := []struct {
		name, record string
		texts        []string
	}{
		{"no-value", `{"key":"k"}`, item("records", missing("value"))},
		{"value-number", `{"value":5}`, value("number")},
		{"value-boolean", `{"value":true}`, value("boolean")},
		{"key-null", `{"key":null,"value":"v"}`, key("null")},
		{"key-number", `{"key":1.5,"value":"v"}`, key("number")},
		{"key-boolean", `{"key":false,"value":"v"}`, key("boolean")},
		{"element-string", `"v"`, item("records", wrongType("string", "object"))},
		{"unknown-member-in-record", `{"value":"v","flavor":1}`, item("records", extra("flavor"))},
		{"headers-object", `{"value":"v","headers":{}}`, headers(wrongType("object", "array"))},
		{"header-without-value", `{"value":"v","headers":[{"key":"a"}]}`, header(missing("value"))},
		{"header-without-key", `{"value":"v","headers":[{"value":"YQ=="}]}`, header(missing("key"))},
		{"header-key-number", `{"value":"v","headers":[{"key":1,"value":"YQ=="}]}`, header(`Property "key" does not match schema`, wrongType("number", "string"))},
		{"header-not-base64", `{"value":"v","headers":[{"key":"a","value":"%%%"}]}`, header(`Property "value" does not match schema`, `String does not match format "byte"`)},
		{"second-bad", `{"value":"v"},{"key":"k"}`, item("records", missing("value"))},
	}
	for _, p := range []struct{ op, path string }{{"send", "/topics/$ONE"}, {"send-to-partition", "/topics/$ONE/partitions/0"}} {
		refuse := func(name, body string, texts []string) {
			out = append(out, Case{
				Name: "1.3/" + p.op + "/" + name, Method: "POST", Path: p.path, Type: typeJSON, Body: body, Status: 400, Want: violates(texts...),
			})
		}
		for _, r := range rows {
			refuse(r.name, `{"records":[`+r.record+`]}`, r.texts)
		}
		refuse("records-object", `{"records":{}}`, property("records", wrongType("object", "array")))
		refuse("two-bad-records", `{"records":[{"key":"a"},{"key":"b"}]}`, property("records",
			"Items did not match schema", "A subschema had errors", missing("value"), "Items did not match schema", "A subschema had errors", missing("value")))
	}
	refuse := func(op, path, name, record string, texts []string) {
		out = append(out, Case{
			Name: "1.3/" + op + "/" + name, Method: "POST", Path: path, Type: typeJSON, Body: `{"records":[` + record + `]}`,
			Status: 400, Want: violates(texts...),
		})
	}
	const partition = "/topics/$ONE/partitions/0"
	refuse("send-to-partition", partition, "partition-in-record", `{"value":"v","partition":0}`, item("records", extra("partition")))
	refuse("send-to-partition", partition, "timestamp-in-record", `{"value":"v","timestamp":0}`, item("records", extra("timestamp")))
	int32Format, int64Format := `Integer does not match the format "int32"`, `Integer does not match the format "int64"`
	refuse("send", "/topics/$ONE", "partition-beyond-int32", `{"value":"v","partition":3000000000}`, item("records", property("partition", int32Format)...))
	refuse("send", "/topics/$ONE", "partition-null", `{"value":"v","partition":null}`,
		item("records", property("partition", wrongType("null", "integer"), int32Format)...))
	refuse("send", "/topics/$ONE", "timestamp-beyond-int64", `{"value":"v","timestamp":9223372036854775808}`, item("records", property("timestamp", int64Format)...))
	out[len(out)-1].Raw = unseen
	out = append(out, Case{
		Name: "1.3/send/partition-decimal", Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: `{"records":[{"value":"v","partition":0.0}]}`,
		Status: 400, Want: violates(item("records", property("partition", int32Format)...)...), Raw: "the reference refuses 0.0 as an int32, JSON Schema does not",
	})
	return slices.Concat(out, []Case{
		{Name: "1.3/send/v2-type", Method: "POST", Path: "/topics/$ONE", Type: typeV2, Body: `{"records":[]}`, Status: 400, Want: fails(400, badFormat)},
		{Name: "1.3/send/octet-stream", Method: "POST", Path: "/topics/$ONE", Type: "application/octet-stream", Body: `{"records":[]}`, Status: 400, Want: fails(400, badFormat)},
		{
			Name: "1.3/send/text-key-in-schema", Method: "POST", Path: "/topics/$ONE", Type: typeText, Body: `{"records":[{"key":5,"value":"v"}]}`,
			Status: 400, Want: violates(key("number")...),
		},
		{
			Name: "1.3/send/binary-value-in-schema", Method: "POST", Path: "/topics/$ONE", Type: typeBinary, Body: `{"records":[{"value":5}]}`,
			Status: 400, Want: violates(value("number")...),
		},
	})
}

func parameterValidation() []Case {
	var out []Case
	refuse := func(name, method, path, body string, w want) {
		c := Case{Name: "1.3/" + name, Method: method, Path: path, Body: body, Status: 400, Want: w}
		if body != "" {
			c.Type = typeJSON
		}
		out = append(out, c)
	}
	const records = `{"records":[{"value":"v"}]}`
	for name, pair := range map[string][2]string{
		"word": {"karel", wrongType("string", "integer")}, "negative": {"-1", "-1 is less than 0"}, "fraction": {"1.5", wrongType("number", "integer")},
		"boolean": {"true", wrongType("boolean", "integer")}, "null": {"null", wrongType("null", "integer")},
		"quoted": {"%225%22", wrongType("string", "integer")}, "object": {"%7B%7D", wrongType("object", "integer")},
	} {
		w := violates(pair[1])
		refuse("get-partition/"+name, "GET", "/topics/$ONE/partitions/"+pair[0], "", w)
		refuse("get-offsets/"+name, "GET", "/topics/$ONE/partitions/"+pair[0]+"/offsets", "", w)
		refuse("send-to-partition/path-"+name, "POST", "/topics/$ONE/partitions/"+pair[0], records, w)
	}
	for name, pair := range map[string][2]string{
		"word": {"wrong", wrongType("string", "boolean")}, "number": {"1", wrongType("number", "boolean")}, "capitals": {"TRUE", wrongType("string", "boolean")},
	} {
		for op, path := range map[string]string{"send": "/topics/$ONE", "send-to-partition": "/topics/$ONE/partitions/0"} {
			refuse(op+"/async-"+name, "POST", path+"?async="+pair[0], records, violates(pair[1]))
			out[len(out)-1].Raw = "the checker takes 1 and TRUE for booleans"
		}
	}
	refuse("send/async-empty", "POST", "/topics/$ONE?async=", records, whatever)
	refuse("send-to-partition/path-before-query", "POST", "/topics/$ONE/partitions/karel?async=wrong", `{"records":5}`, violates(wrongType("string", "integer")))
	refuse("send/query-before-body", "POST", "/topics/$ONE?async=wrong", `{"records":5}`, violates(wrongType("string", "boolean")))
	refuse("poll/timeout-word", "GET", "$CONSUMER/records?timeout=abc", "", violates(wrongType("string", "integer")))
	refuse("poll/timeout-fraction", "GET", "$CONSUMER/records?timeout=1.5", "", violates(wrongType("number", "integer")))
	refuse("poll/timeout-boolean", "GET", "$CONSUMER/records?timeout=true", "", violates(wrongType("boolean", "integer")))
	refuse("poll/max_bytes-word", "GET", "$CONSUMER/records?max_bytes=abc", "", violates(wrongType("string", "integer")))
	refuse("poll/first-repeated-counts", "GET", "$CONSUMER/records?timeout=abc&timeout=5", "", violates(wrongType("string", "integer")))
	for name, value := range map[string]string{"exponent": "1e3", "beyond-int64": "9223372036854775808", "huge": "99999999999999999999999", "decimal": "1.0"} {
		refuse("poll/timeout-"+name, "GET", "$CONSUMER/records?timeout="+value, "", violatesSomehow)
		out[len(out)-1].Mends = "such a timeout is answered 500 in plain text"
		out[len(out)-1].Raw = "JSON Schema takes it for an integer"
	}
	return out
}
