package conformance

import "strings"

const (
	replica   = `\{"broker":\d+,"leader":(true|false),"in_sync":(true|false)\}`
	aReplicas = `"replicas":\[` + replica + `(,` + replica + `)*\]`
)

// aPartition matches one partition's description.
func aPartition(id string) string {
	return `\{"partition":` + id + `,"leader":\d+,` + aReplicas + `\}`
}

// noNameCheck says what of real brokers the development broker does not do.
const noNameCheck = "a check of topic names when it is asked for metadata"

func topicCases() []Case {
	get := func(name, path string, status int, w want) Case {
		return Case{Name: "1.7/" + name, Method: "GET", Path: path, Status: status, Want: w}
	}
	threePartitions := `\[` + aPartition("0") + "," + aPartition("1") + "," + aPartition("2") + `\]`
	unknown := fails(404, unknownTopic)
	out := []Case{
		get("list-topics/good", "/topics", 200, like(`\["[^"]+"(,"[^"]+")*\]`)),
		get("list-topics/has-ours", "/topics", 200, like(`.*"$THREE".*`)),
		get("list-topics/no-internal", "/topics", 200, func(_ *env, body string) error {
			if strings.Contains(body, "__consumer_offsets") {
				return errText("an internal topic is listed: %s", body)
			}
			return nil
		}),
		get("get-topic/good", "/topics/$ONE", 200,
			like(`\{"name":"$ONE","configs":\{.*"cleanup\.policy":"delete".*\},"partitions":\[`+aPartition("0")+`\]\}`)),
		get("get-topic/three-partitions", "/topics/$THREE", 200, like(`\{"name":"$THREE","configs":\{.+\},"partitions":`+threePartitions+`\}`)),
		get("get-topic/effective-config", "/topics/$ONE", 200, like(`.*"configs":\{.*"retention\.ms":"\d+".*`)),
		get("list-partitions/good", "/topics/$ONE/partitions", 200, like(`\[`+aPartition("0")+`\]`)),
		get("list-partitions/three", "/topics/$THREE/partitions", 200, like(threePartitions)),
		get("get-partition/good", "/topics/$ONE/partitions/0", 200, like(aPartition("0"))),
		get("get-partition/last", "/topics/$THREE/partitions/2", 200, like(aPartition("2"))),
		get("get-partition/leader-is-a-replica", "/topics/$ONE/partitions/0", 200, like(`.*\{"broker":\d+,"leader":true,"in_sync":true\}.*`)),
		get("get-partition/out-of-range", "/topics/$ONE/partitions/1", 404, fails(404, "Specified partition does not exist.")),
		get("get-partition/far-out-of-range", "/topics/$ONE/partitions/2147483647", 404, fails(404, "Specified partition does not exist.")),
		get("get-partition/beyond-int32", "/topics/$ONE/partitions/2147483648", 422, fails(422, badPartition)),
		get("get-partition/decimal", "/topics/$ONE/partitions/1.0", 422, fails(422, badPartition)),
		get("get-offsets/empty", "/topics/$TOPIC/partitions/0/offsets", 200, is(`{"beginning_offset":0,"end_offset":0}`)),
		get("get-offsets/good", "/topics/$ONE/partitions/0/offsets", 200, like(`\{"beginning_offset":0,"end_offset":\d+\}`)),
		get("get-offsets/out-of-range", "/topics/$ONE/partitions/1/offsets", 404, fails(404, "Topic '$ONE' does not have partition with id 1")),
		get("get-offsets/beyond-int32", "/topics/$ONE/partitions/2147483648/offsets", 422, fails(422, badPartition)),
		get("get-topic/invalid-name", "/topics/bad%20name!", 500, failsLike(500, `org\.apache\.kafka\.common\.errors\.InvalidTopicException: .+`)),
		get("get-topic/name-of-250", "/topics/"+strings.Repeat("a", 250), 500, failsLike(500, `org\.apache\.kafka\.common\.errors\.InvalidTopicException: .+`)),
	}
	for i := range out {
		if strings.HasSuffix(out[i].Name, "invalid-name") || strings.HasSuffix(out[i].Name, "name-of-250") {
			out[i].Lacks = noNameCheck
		}
	}
	for _, path := range []string{"get-topic ", "list-partitions /partitions", "get-partition /partitions/0", "get-offsets /partitions/0/offsets"} {
		op, rest, _ := strings.Cut(path, " ")
		c := get(op+"/unknown-topic", "/topics/$MISSING"+rest, 404, unknown)
		c.After = func(e *env) {
			if e.exists(e.missing) {
				e.Errorf("asking for the topic has made it")
			}
		}
		out = append(out, c)
	}
	negative := get("get-partition/negative-unknown-topic", "/topics/$MISSING/partitions/-1", 400, violates("-1 is less than 0"))
	return append(out, negative)
}

func createTopicCases() []Case {
	create := func(name, body string, status int, w want) Case {
		return Case{Name: "1.7/create-topic/" + name, Method: "POST", Path: "/admin/topics", Type: typeJSON, Body: body, Status: status, Want: w}
	}
	good := func(name, body string, partitions int) Case {
		c := create(name, body, 201, is("{}"))
		c.After = func(e *env) {
			e.eventually("the new topic", func() bool {
				topics, err := e.s.admin.ListTopics(e.ctx, "new-"+e.name)
				got := len(topics["new-"+e.name].Partitions)
				return err == nil && got > 0 && (partitions == 0 || got == partitions)
			})
		}
		return c
	}
	lenient := func(name, body string) Case {
		c := create(name, body, 500, failsLike(500, `.+`))
		c.Lacks = "most checks of a new topic"
		return c
	}
	exists := create("exists", `{"topic_name":"$ONE"}`, 500, fails(500, "Topic '$ONE' already exists."))
	return []Case{
		good("name-only", `{"topic_name":"new-$NAME"}`, 0),
		good("with-counts", `{"topic_name":"new-$NAME","partitions_count":3,"replication_factor":1}`, 3),
		good("nulls", `{"topic_name":"new-$NAME","partitions_count":null,"replication_factor":null}`, 0),
		good("integral-decimal", `{"topic_name":"new-$NAME","partitions_count":2.0}`, 2),
		exists,
		lenient("invalid-name", `{"topic_name":"bad name!"}`), lenient("empty-name", `{"topic_name":""}`),
		create("too-many-replicas", `{"topic_name":"new-$NAME","replication_factor":99}`, 500, failsLike(500, `.+`)),
		create("no-partitions", `{"topic_name":"new-$NAME","partitions_count":0}`, 500, failsLike(500, `.+`)),
		lenient("negative-partitions", `{"topic_name":"new-$NAME","partitions_count":-5}`),
		create("exists-error-has-no-class", `{"topic_name":"$THREE","partitions_count":3}`, 500, fails(500, "Topic '$THREE' already exists.")),
	}
}
