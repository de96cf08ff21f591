package topic

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/golden"
)

// TestResourceName compares with the names that the reference operator gave, and with the rule at its edges.
func TestResourceName(t *testing.T) {
	var out strings.Builder
	for _, topic := range []string{
		"__consumer_offsets", "__strimzi_store_topic", "__strimzi-topic-operator-kstreams-topic-store-changelog",
		"orders", "my.orders-2", "Orders", "a_b", "a__b", "a.-b_", "-a", "a-", "a..b", "___", "...a", strings.Repeat("a", 249),
		strings.Repeat("A", 249), strings.Repeat("a.", 105) + strings.Repeat("B", 39), "topic_15", "topic_32",
	} {
		fmt.Fprintf(&out, "%s\n    %s\n", topic, ResourceName(topic))
	}
	golden.Equal(t, "names.golden", []byte(out.String()))
}

// The zeros that a hash begins with are lost, as in the reference operator.
func TestResourceNameLosesZeros(t *testing.T) {
	short := 0
	for i := range 200 {
		name := ResourceName(fmt.Sprint("T", i))
		hash := name[strings.LastIndex(name, "-")+1:]
		if hash[0] == '0' {
			t.Errorf("%s begins with a zero", name)
		}
		if len(hash) < 40 {
			short++
		}
	}
	if short == 0 {
		t.Error("no hash was short: the rule was not tried")
	}
}

var subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// FuzzResourceName: each topic that Kafka takes has a name that Kubernetes takes, and a legible one is kept.
func FuzzResourceName(f *testing.F) {
	for _, s := range []string{"__consumer_offsets", "a", "A.-_", strings.Repeat("_", 249), "a.-b", "a-.b", "a_."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		cr := resource(1, 1, nil)
		if cr.Spec.TopicName = topic; topic == "" || checkName(cr) != nil {
			t.Skip("no name of a topic")
		}
		name := ResourceName(topic)
		if len(name) > maxResource || !subdomain.MatchString(name) {
			t.Errorf("%q became %q", topic, name)
		}
		if subdomain.MatchString(topic) && name != topic {
			t.Errorf("%q became %q", topic, name)
		}
	})
}
