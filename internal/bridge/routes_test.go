package bridge

import (
	"net/http"
	"strings"
	"testing"
)

func TestRoutesFindEveryOperation(t *testing.T) {
	table := newRoutes(operations())
	for _, op := range operations() {
		path := strings.NewReplacer("{groupid}", "g", "{name}", "n", "{topicname}", "t", "{partitionid}", "7").Replace(op.path)
		route, _ := table.find(path)
		if route == nil {
			t.Errorf("%s is not found", path)
			continue
		}
		if got := route.operation(op.method); got == nil || got.id != op.id {
			t.Errorf("%s %s finds %v, want %s", op.method, path, got, op.id)
		}
	}
}

func TestRoutesNormalisePaths(t *testing.T) {
	table := newRoutes(operations())
	for _, c := range []struct {
		path, id string // the GET or POST operation found; "" for none
		params   [maxParams]string
	}{
		{"", "info", [2]string{}},
		{"/", "info", [2]string{}},
		{"//topics", "listTopics", [2]string{}},
		{"/topics/", "listTopics", [2]string{}},
		{"/topics/t/", "getTopic", [2]string{"t"}},
		{"/topics/%2e%2e", "info", [2]string{}},
		{"/topics/x/../t", "getTopic", [2]string{"t"}},
		{"/topics/.%2E/topics/./t", "getTopic", [2]string{"t"}},
		{"/../../topics", "listTopics", [2]string{}},
		{"/%74opics", "listTopics", [2]string{}},
		{"/topics/a%2Fb", "getTopic", [2]string{"a/b"}},
		{"/topics/a%20b/partitions/1", "getPartition", [2]string{"a b", "1"}},
		{"/topics/...", "getTopic", [2]string{"..."}},
		{"/consumers/g/", "createConsumer", [2]string{"g"}},
		{"/consumers", "", [2]string{}},
		{"/topics/t/partitions/1/offsets/x", "", [2]string{}},
		{"/a/b/c/d/e/f/g/h/i/j/k", "", [2]string{}},
		{"*", "", [2]string{}},
	} {
		route, params := table.find(c.path)
		id := ""
		if route != nil {
			op := route.operation(http.MethodGet)
			if op == nil {
				op = route.operation(http.MethodPost)
			}
			id = op.id
		}
		if id != c.id || params != c.params {
			t.Errorf("find(%q) = %q %q, want %q %q", c.path, id, params, c.id, c.params)
		}
	}
}

func TestRoutesAllow(t *testing.T) {
	table := newRoutes(operations())
	for path, want := range map[string]string{
		"/topics":                               "GET",
		"/topics/t":                             "POST,GET",
		"/consumers/g/instances/n/subscription": "POST,GET,DELETE",
		"/healthy":                              "GET",
	} {
		route, _ := table.find(path)
		if route.allow != want {
			t.Errorf("%s allows %q, want %q", path, route.allow, want)
		}
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	table := newRoutes(operations())
	if n := testing.AllocsPerRun(100, func() { table.find("/topics/orders/partitions/3") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFind(f *testing.F) {
	for _, seed := range []string{"/topics/t", "//topics", "/%2e%2e/", "/consumers/g/instances/n/records", "/%zz"} {
		f.Add(seed)
	}
	table := newRoutes(operations())
	f.Fuzz(func(t *testing.T, path string) {
		route, params := table.find(path)
		if route == nil && params != [maxParams]string{} {
			t.Errorf("no route, but parameters %q", params)
		}
	})
}
