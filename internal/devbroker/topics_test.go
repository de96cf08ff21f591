package devbroker

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestBadTopicNamesAreRefused(t *testing.T) {
	t.Parallel()
	cl := client(t, start(t, Options{}).Addr())
	adm := kadm.NewClient(cl)
	long := strings.Repeat("x", 249)
	produce(t, cl, "with.dot", "v")
	for _, c := range []struct {
		name string
		want error
	}{
		{"a-Z_0.9", nil},
		{long, nil},
		{long + "x", kerr.InvalidTopicException},
		{"a b", kerr.InvalidTopicException},
		{"../../etc", kerr.InvalidTopicException},
		{"é", kerr.InvalidTopicException},
		{".", kerr.InvalidTopicException},
		{"..", kerr.InvalidTopicException},
		{"", kerr.InvalidTopicException},
		{"with_dot", kerr.InvalidTopicException}, // collides with with.dot
	} {
		// The good topic beside it must not be drawn in.
		req := kmsg.NewPtrMetadataRequest()
		req.AllowAutoTopicCreation = true
		for _, n := range []string{c.name, "beside"} {
			rt := kmsg.NewMetadataRequestTopic()
			rt.Topic = kmsg.StringPtr(n)
			req.Topics = append(req.Topics, rt)
		}
		resp, err := req.RequestWith(bounded(t), cl)
		if err != nil {
			t.Fatal(err)
		}
		for _, rt := range resp.Topics {
			name, want := "", c.want
			if rt.Topic != nil {
				name = *rt.Topic
			}
			if name == "beside" && c.name != "" {
				want = nil
			}
			if err := kerr.ErrorForCode(rt.ErrorCode); !errors.Is(err, want) {
				t.Errorf("metadata of %.20q: %v, want %v", name, err, want)
			}
		}
		if c.want == nil {
			continue
		}
		created, err := adm.CreateTopics(bounded(t), 1, 1, nil, c.name, "made-beside")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range created.Sorted() {
			if refused := r.Topic == c.name || c.name == ""; refused != errors.Is(r.Err, kerr.InvalidTopicException) {
				t.Errorf("creating %.20q: %v", r.Topic, r.Err)
			}
		}
		if _, err := adm.DeleteTopics(bounded(t), "made-beside"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnknownTopicStaysUnknownWithoutLeave(t *testing.T) {
	t.Parallel()
	cl := client(t, start(t, Options{}).Addr())
	for range 2 {
		req := kmsg.NewPtrMetadataRequest()
		rt := kmsg.NewMetadataRequestTopic()
		rt.Topic = kmsg.StringPtr("unknown")
		req.Topics = append(req.Topics, rt)
		resp, err := req.RequestWith(bounded(t), cl)
		if err != nil {
			t.Fatal(err)
		}
		if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); !errors.Is(err, kerr.UnknownTopicOrPartition) {
			t.Errorf("metadata: %v", err)
		}
	}
}
