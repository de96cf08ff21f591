package conformance

import (
	"fmt"
	"strings"
)

// elements matches the answer to a send, element by element.
func elements(parts ...string) want {
	return like(`\{"offsets":\[` + strings.Join(parts, ",") + `\]\}`)
}

// Elements of an answer: stored in a partition, and not in the metadata.
const (
	anyPlace     = `\{"partition":\d+,"offset":\d+\}`
	inZero       = `\{"partition":0,"offset":\d+\}`
	topicMissing = `\{"error_code":404,"message":"Topic $MISSING not present in metadata after $BLOCK ms\."\}`
)

// outOfRange matches the element for a partition that a topic does not have.
func outOfRange(partition int, topic string, count int) string {
	return fmt.Sprintf(`\{"error_code":404,"message":"Partition %d of topic %s with partition count %d is not present in metadata after $BLOCK ms\."\}`,
		partition, topic, count)
}

// post is a case of a send that is answered 200.
func post(name, path, mediaType, records string, w want) Case {
	return Case{
		Name: name, Method: "POST", Path: path, Type: mediaType, Body: `{"records":[` + records + `]}`, Status: 200, Want: w,
	}
}

func produceAnswers() []Case {
	const topic, partition = "/topics/$ONE", "/topics/$ONE/partitions/0"
	async := post("1.5/send/async", topic+"?async=true", typeJSON, `{"value":"v"}`, nil)
	asyncPartition := post("1.5/send-to-partition/async", partition+"?async=true", typeJSON, `{"value":"v"}`, nil)
	asyncFirst := post("1.9a/send/async-first-repeated-counts", topic+"?async=true&async=wrong", typeJSON, `{"value":"v"}`, nil)
	asyncEmpty := post("1.5/send/async-no-records", topic+"?async=true", typeJSON, ``, nil)
	asyncMissing := post("1.5/send/async-unknown-topic", "/topics/$MISSING?async=true", typeJSON, `{"value":"v"}`, nil)
	asyncMissing.NoCreate = true
	for _, c := range []*Case{&async, &asyncPartition, &asyncFirst, &asyncEmpty, &asyncMissing} {
		c.Status = 204
	}
	unknown := post("1.5/send/unknown-topic", "/topics/$MISSING", typeJSON, `{"value":"v"}`, elements(topicMissing))
	unknownTo := post("1.5/send-to-partition/unknown-topic", "/topics/$MISSING/partitions/0", typeJSON, `{"value":"v"}`, elements(topicMissing))
	unknownTwo := post("1.5/send/unknown-topic-two-records", "/topics/$MISSING", typeJSON, `{"value":"v"},{"key":"k","value":"v"}`, elements(topicMissing, topicMissing))
	unknown.NoCreate, unknownTo.NoCreate, unknownTwo.NoCreate = true, true, true
	invalidName := post("1.5/send/invalid-topic-name", "/topics/bad%20name!", typeJSON, `{"value":"v"}`,
		elements(`\{"error_code":500,"message":"Invalid topics: \[bad name!\]"\}`))
	invalidName.Lacks = noNameCheck
	tooLarge := func(op, path string) Case {
		c := post("1.5/"+op+"/record-too-large", path, typeText, `{"value":"small"},{"value":"`+strings.Repeat("a", 1_100_000)+`"}`,
			elements(anyPlace, `\{"error_code":500,"message":"The message is 1100\d\d\d bytes when serialized which is larger than 1048576, which is the value of the max\.request\.size configuration\."\}`))
		c.Ours = true
		return c
	}
	nullText := func(op, path string) Case {
		c := post("1.5/"+op+"/tombstone-setting", path, typeText, `{"key":"k","value":null}`, elements(inZero))
		c.Bridge = tombstones
		return c
	}
	acks0 := post("1.5/send/acks-none", topic, typeJSON, `{"value":"v"}`, is(`{"offsets":[{"partition":0,"offset":-1}]}`))
	acks0.Bridge = acksNone
	return []Case{
		post("1.5/send/json", topic, typeJSON, `{"key":"k","value":{"a":[1,2]}}`, elements(inZero)),
		post("1.5/send/binary", topic, typeBinary, `{"key":"az==","value":"dg=="}`, elements(inZero)),
		post("1.5/send/text", topic, typeText, `{"key":"k","value":"v"}`, elements(inZero)),
		post("1.5/send/no-records", topic, typeJSON, ``, is(`{"offsets":[]}`)),
		post("1.5/send-to-partition/no-records", partition, typeJSON, ``, is(`{"offsets":[]}`)),
		post("1.5/send/three-records", topic, typeJSON, `{"value":"1"},{"value":"2"},{"value":"3"}`, consecutive(3)),
		post("1.5/send-to-partition/three-records", partition, typeJSON, `{"value":"1"},{"value":"2"},{"value":"3"}`, consecutive(3)),
		post("1.5/send-to-partition/json", partition, typeJSON, `{"key":[1],"value":{"a":1}}`, elements(inZero)),
		post("1.5/send-to-partition/binary", partition, typeBinary, `{"value":"dg=="}`, elements(inZero)),
		post("1.5/send-to-partition/text", partition, typeText, `{"value":"v"}`, elements(inZero)),
		post("1.5/send-to-partition/last-of-three", "/topics/$THREE/partitions/2", typeJSON, `{"value":"v"}`, elements(`\{"partition":2,"offset":\d+\}`)),
		post("1.5/send/partition-in-record", "/topics/$THREE", typeJSON, `{"value":"v","partition":2},{"value":"v","partition":0}`,
			elements(`\{"partition":2,"offset":\d+\}`, `\{"partition":0,"offset":\d+\}`)),
		post("1.5/send/async-false", topic+"?async=false", typeJSON, `{"value":"v"}`, elements(inZero)),
		post("1.9a/send/base64-without-padding", topic, typeBinary, `{"key":"aw","value":"dg"}`, elements(inZero)),
		async, asyncPartition, asyncFirst, asyncEmpty, asyncMissing, unknown, unknownTo, unknownTwo, invalidName,
		post("1.5/send/partition-out-of-range", topic, typeJSON, `{"value":"v","partition":10000}`, elements(outOfRange(10000, "$ONE", 1))),
		post("1.5/send/partition-one-of-one", topic, typeJSON, `{"value":"v","partition":1}`, elements(outOfRange(1, "$ONE", 1))),
		post("1.5/send-to-partition/out-of-range", "/topics/$ONE/partitions/10000", typeJSON, `{"value":"v"}`, elements(outOfRange(10000, "$ONE", 1))),
		post("1.5/send-to-partition/out-of-range-of-three", "/topics/$THREE/partitions/3", typeBinary, `{"value":"dg=="}`, elements(outOfRange(3, "$THREE", 3))),
		post("1.5/send/good-and-out-of-range", "/topics/$THREE", typeJSON, `{"value":"v","partition":7},{"value":"v","partition":1}`,
			elements(outOfRange(7, "$THREE", 3), `\{"partition":1,"offset":\d+\}`)),
		tooLarge("send", topic), tooLarge("send-to-partition", partition),
		nullText("send", topic), nullText("send-to-partition", partition), acks0,
	}
}

// consecutive demands n elements with increasing offsets in partition 0.
func consecutive(n int) want {
	return func(_ *env, body string) error {
		var first int64
		if _, err := fmt.Sscanf(body, `{"offsets":[{"partition":0,"offset":%d}`, &first); err != nil {
			return errText("answer %s: %w", body, err)
		}
		// Other cases write to the topic too, but not between one request's records
		// of one batch; so only the order is certain.
		last := first - 1
		for _, part := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(body, `{"offsets":[`), `]}`), "},") {
			var offset int64
			if _, err := fmt.Sscanf(part, `{"partition":0,"offset":%d`, &offset); err != nil {
				return errText("element %s: %w", part, err)
			}
			if offset <= last {
				return errText("offsets out of order: %s", body)
			}
			last = offset
			n--
		}
		if n != 0 {
			return errText("%d elements are missing: %s", n, body)
		}
		return nil
	}
}

// produceRefusals are the 422s of a send: shape right, content wrong.
func produceRefusals() []Case {
	var out []Case
	refuse := func(op, path, name, mediaType, body string, w want) {
		out = append(out, Case{Name: "1.5/" + op + "/" + name, Method: "POST", Path: path, Type: mediaType, Body: body, Status: 422, Want: w})
	}
	for _, p := range []struct{ op, path string }{{"send", "/topics/$ONE"}, {"send-to-partition", "/topics/$ONE/partitions/0"}} {
		records := func(name, mediaType, record string, w want) {
			refuse(p.op, p.path, name, mediaType, `{"records":[{"value":"dmFs"},`+record+`]}`, w)
		}
		refuse(p.op, p.path, "no-list", typeJSON, `{}`, failsLike(422, `.*records.*`))
		out[len(out)-1].Mends = "the message is a Java null pointer's"
		records("text-key-object", typeText, `{"key":{"a":1},"value":"v"}`, fails(422, "Because the embedded format is 'text', the key must be a string"))
		records("text-key-array", typeText, `{"key":[1],"value":"v"}`, fails(422, "Because the embedded format is 'text', the key must be a string"))
		records("text-value-object", typeText, `{"value":{}}`, fails(422, "Because the embedded format is 'text', the value must be a string"))
		records("text-value-array", typeText, `{"value":[]}`, fails(422, "Because the embedded format is 'text', the value must be a string"))
		records("text-value-null", typeText, `{"value":null}`, fails(422, "Because the embedded format is 'text', the value must be a string"))
		records("bad-base64-value", typeBinary, `{"value":"a*b="}`, failsLike(422, `Illegal base64 character .+`))
		records("bad-base64-key", typeBinary, `{"key":"?","value":"dg=="}`, failsLike(422, `.*base64.*`))
		for name, record := range map[string]string{"object": `{"value":{"a":1}}`, "array": `{"value":[]}`} {
			records("binary-value-"+name, typeBinary, record, failsLike(422, `.+`))
			out[len(out)-1].Mends = "it is stored as an empty value"
		}
	}
	refuse("send", "/topics/$ONE", "negative-timestamp", typeJSON, `{"records":[{"value":"v","timestamp":-1}]}`,
		fails(422, "Invalid timestamp: -1. Timestamp should always be non-negative or null."))
	refuse("send", "/topics/$ONE", "negative-partition", typeJSON, `{"records":[{"value":"v","partition":-1}]}`,
		fails(422, "Invalid partition: -1. Partition number should always be non-negative or null."))
	for name, id := range map[string]string{"beyond-int32": "3000000000", "decimal": "1.0"} {
		refuse("send-to-partition", "/topics/$ONE/partitions/"+id, "path-"+name, typeJSON, `{"records":[{"value":"v"}]}`, fails(422, badPartition))
	}
	return out
}
