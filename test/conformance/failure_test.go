package conformance

// guardedTopic exists on the Kafka whose user may do nothing.
const guardedTopic = "guarded"

// onEverything is a failure of Kafka seen through the operations that need it:
// the pattern of the message is that of each kind of operation.
func onEverything(section, what string, b variant, topic string, admin, read want, element string) []Case {
	const records = `{"records":[{"value":"v"}]}`
	path := "/topics/" + topic
	get := func(op, path string) Case {
		return Case{Name: section + "/" + op + "/" + what, Bridge: b, Method: "GET", Path: path, Status: 500, Want: admin}
	}
	send := func(op, path string) Case {
		return Case{
			Name: section + "/" + op + "/" + what, Bridge: b, Method: "POST", Path: path, Type: typeJSON, Body: records, Status: 200, Want: elements(element),
		}
	}
	out := []Case{
		get("get-topic", path), get("list-partitions", path+"/partitions"), get("get-partition", path+"/partitions/0"),
		get("get-offsets", path+"/partitions/0/offsets"), send("send", path), send("send-to-partition", path+"/partitions/0"),
	}
	return append(out, Case{
		Name: section + "/commit/" + what, Bridge: b, Method: "POST", Path: "$CONSUMER/offsets", Type: typeV2,
		Body:  `{"offsets":[{"topic":"` + topic + `","partition":0,"offset":0}]}`,
		Given: func(e *env) { e.create("json"); e.assign(topic, 1) }, Status: 500, Want: read,
	})
}

// awayCases are those of a Kafka that nobody can reach: every operation that
// needs it fails with the error object, in bounded time.
func awayCases() []Case {
	timeout := failsLike(500, `org\.apache\.kafka\.common\.errors\.TimeoutException: .+`)
	out := onEverything("1.7", "kafka-away", away, "anything", timeout, timeout,
		`\{"error_code":404,"message":"Topic anything not present in metadata after $BLOCK ms\."\}`)
	return append(out,
		Case{Name: "1.7/list-topics/kafka-away", Bridge: away, Method: "GET", Path: "/topics", Status: 500, Want: timeout},
		Case{
			Name: "1.7/create-topic/kafka-away", Bridge: away, Method: "POST", Path: "/admin/topics", Type: typeJSON, Body: `{"topic_name":"t"}`,
			Status: 500, Want: failsLike(500, ".+"),
		},
		Case{
			Name: "1.6/subscribe/kafka-away", Bridge: away, Method: "POST", Path: "$CONSUMER/subscription", Type: typeV2, Body: `{"topics":["t"]}`,
			Given: consumer("json"), Status: 204,
		},
		Case{
			Name: "1.6/assign/kafka-away", Bridge: away, Method: "POST", Path: "$CONSUMER/assignments", Type: typeV2, Body: `{"partitions":[{"topic":"t","partition":0}]}`,
			Given: consumer("json"), Status: 204,
		},
		Case{
			Name: "1.6/seek/kafka-away", Bridge: away, Method: "POST", Path: "$CONSUMER/positions", Type: typeV2, Body: `{"offsets":[{"topic":"t","partition":0,"offset":5}]}`,
			Given: assigned("json", "t"), Status: 204,
		},
		Case{Name: "1.6/unsubscribe/kafka-away", Bridge: away, Method: "DELETE", Path: "$CONSUMER/subscription", Given: subscribed("json", "t"), Status: 204},
		Case{Name: "1.6/list-subscriptions/kafka-away", Bridge: away, Method: "GET", Path: "$CONSUMER/subscription", Given: subscribed("json", "t"), Status: 200, Want: is(`{"topics":[],"partitions":[]}`)},
		Case{
			Name: "1.6/poll/kafka-away", Bridge: away, Method: "GET", Path: "$CONSUMER/records?timeout=200", Accept: typeJSON,
			Given: assigned("json", "t"), Status: 200, WantType: typeJSON, Want: is("[]"),
		},
		Case{
			Name: "1.5/send/producer-cannot-be-made", Bridge: badAcks, Method: "POST", Path: "/topics/$ONE", Type: typeJSON, Body: `{"records":[{"value":"v"}]}`,
			Status: 500, Want: failsLike(500, `Invalid value 5 for configuration acks: .+`),
		},
		Case{
			Name: "1.5/send-to-partition/producer-cannot-be-made", Bridge: badAcks, Method: "POST", Path: "/topics/$ONE/partitions/0", Type: typeJSON,
			Body: `{"records":[{"value":"v"}]}`, Status: 500, Want: failsLike(500, `Invalid value 5 for configuration acks: .+`),
		},
	)
}

// deniedCases are those of a user without any right.
func deniedCases() []Case {
	const denial = "Not authorized to access topics: [" + guardedTopic + "]"
	topic := failsLike(500, `org\.apache\.kafka\.common\.errors\.TopicAuthorizationException: .+`)
	group := failsLike(500, `org\.apache\.kafka\.common\.errors\.GroupAuthorizationException: Not authorized to access group: $GROUP`)
	out := onEverything("5", "not-authorized", denied, guardedTopic, topic, group,
		`\{"error_code":500,"message":"Not authorized to access topics: \[`+guardedTopic+`\]"\}`)
	return append(out,
		Case{Name: "5/list-topics/not-authorized", Bridge: denied, Method: "GET", Path: "/topics", Status: 200, Want: is("[]")},
		Case{
			Name: "5/create-topic/not-authorized", Bridge: denied, Method: "POST", Path: "/admin/topics", Type: typeJSON, Body: `{"topic_name":"t"}`, Status: 500,
			Want: failsLike(500, `Authorization failed\.|Cluster authorization failed\.|Not authorized .+`),
		},
		Case{
			Name: "5/poll/assigned-not-authorized", Bridge: denied, Method: "GET", Path: "$CONSUMER/records?timeout=3000", Accept: typeJSON,
			Given: assigned("json", guardedTopic), Status: 500,
			Want: failsLike(500, `org\.apache\.kafka\.common\.errors\.(TopicAuthorizationException: Not authorized to access topics: \[`+guardedTopic+`\]|GroupAuthorizationException: Not authorized to access group: $GROUP)`),
		},
		Case{
			Name: "5/poll/subscribed-not-authorized", Bridge: denied, Method: "GET", Path: "$CONSUMER/records?timeout=3000", Accept: typeJSON,
			Given: subscribed("json", guardedTopic), Status: 500,
			Want: failsLike(500, `org\.apache\.kafka\.common\.errors\.(TopicAuthorizationException: Not authorized to access topics: \[`+guardedTopic+`\]|GroupAuthorizationException: Not authorized to access group: $GROUP)`),
		},
		Case{
			Name: "5/send/not-authorized-once-per-record", Bridge: denied, Method: "POST", Path: "/topics/" + guardedTopic, Type: typeText,
			Body: `{"records":[{"value":"a"},{"key":"k","value":"b"}]}`, Status: 200,
			Want: is(`{"offsets":[{"error_code":500,"message":"` + denial + `"},{"error_code":500,"message":"` + denial + `"}]}`),
		},
	)
}

// refusedCases are those of a user with a wrong password.
func refusedCases() []Case {
	failed := failsLike(500, `org\.apache\.kafka\.common\.errors\.SaslAuthenticationException: .+`)
	out := []Case{
		{Name: "5/list-topics/wrong-password", Bridge: refused, Method: "GET", Path: "/topics", Status: 500, Want: failed},
		{Name: "5/get-topic/wrong-password", Bridge: refused, Method: "GET", Path: "/topics/t", Status: 500, Want: failed},
		{
			Name: "5/create-topic/wrong-password", Bridge: refused, Method: "POST", Path: "/admin/topics", Type: typeJSON, Body: `{"topic_name":"t"}`,
			Status: 500, Want: failsLike(500, ".+"),
		},
		{
			Name: "5/send/wrong-password", Bridge: refused, Method: "POST", Path: "/topics/t", Type: typeJSON, Body: `{"records":[{"value":"v"}]}`,
			Status: 200, Want: elements(`\{"error_code":500,"message":"[^"]+"\}`),
		},
		{
			Name: "5/poll/wrong-password", Bridge: refused, Method: "GET", Path: "$CONSUMER/records?timeout=3000", Accept: typeJSON,
			Given: subscribed("json", "t"), Status: 500, Want: failed,
		},
		{
			Name: "5/commit/wrong-password", Bridge: refused, Method: "POST", Path: "$CONSUMER/offsets", Type: typeV2,
			Body: `{"offsets":[{"topic":"t","partition":0,"offset":0}]}`, Given: assigned("json", "t"), Status: 500, Want: failed,
		},
	}
	for i := range out {
		out[i].Lacks = "an answer to a wrong password: it hangs up"
	}
	return out
}
