package topic

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

func TestOwners(t *testing.T) {
	at := func(ns, name string, minute int, deleting bool) Claim {
		return Claim{Namespace: ns, Name: name, Topic: "orders", Created: noon.Add(time.Duration(minute) * time.Minute), Deleting: deleting}
	}
	for name, c := range map[string]struct {
		claims []Claim
		want   string
	}{
		"the oldest":                    {[]Claim{at("a", "b", 2, false), at("b", "a", 1, false)}, "b/a"},
		"by namespace, by name":         {[]Claim{at("b", "a", 1, false), at("a", "c", 1, false), at("a", "b", 1, false)}, "a/b"},
		"taken over from one that goes": {[]Claim{at("a", "a", 1, true), at("b", "b", 9, false)}, "b/b"},
		"the oldest of those that go":   {[]Claim{at("a", "a", 2, true), at("b", "b", 1, true)}, "b/b"},
	} {
		if got := Owners(c.claims)["orders"]; got.Namespace+"/"+got.Name != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	problem := Conflict(at("a", "b", 0, false))
	if problem.Reason != ReasonConflict || problem.Message != `the topic orders is managed by the KafkaTopic b in namespace a, which is older: delete one of the two, or set strimzi.io/managed: "false" on it` {
		t.Error(problem)
	}
}

// Who owns a topic does not depend on the order in which resources are listed, and each topic that is claimed has one owner.
func TestOwnersAreStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		claims := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Claim {
			return Claim{
				Namespace: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "ns"), Name: rapid.StringMatching("[a-d]").Draw(t, "name"),
				Topic:   rapid.SampledFrom([]string{"x", "y"}).Draw(t, "topic"),
				Created: noon.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "age")) * time.Second), Deleting: rapid.Bool().Draw(t, "deleting"),
			}
		}), 0, 8, func(c Claim) string { return c.Namespace + "/" + c.Name }).Draw(t, "claims")
		owners := Owners(claims)
		again := Owners(rapid.Permutation(claims).Draw(t, "order"))
		for _, c := range claims {
			o := owners[c.Topic]
			if o != again[c.Topic] || !slices.Contains(claims, o) || o.Topic != c.Topic {
				t.Fatalf("%+v and %+v own %s", o, again[c.Topic], c.Topic)
			}
			if o.Deleting && !c.Deleting || o.Deleting == c.Deleting && c.Created.Before(o.Created) {
				t.Fatalf("%+v owns instead of %+v", o, c)
			}
		}
	})
}

func TestDecide(t *testing.T) {
	mine, other := Claim{Namespace: "shop", Name: "orders", Topic: "orders"}, Claim{Namespace: "a", Name: "b", Topic: "orders"}
	internal := Claim{Namespace: "shop", Name: "orders", Topic: "__consumer_offsets"}
	for name, c := range map[string]struct {
		deleting bool
		with     map[string]string
		f        Facts
		want     Action
	}{
		"usual":                            {f: Facts{Owner: mine}, want: Reconcile},
		"somebody else's":                  {f: Facts{Owner: other}, want: Yield},
		"paused":                           {with: map[string]string{names.AnnotationPause: "true"}, f: Facts{Owner: mine}, want: Pause},
		"not managed":                      {with: map[string]string{names.AnnotationManaged: "false"}, want: Unmanage},
		"managed":                          {with: map[string]string{names.AnnotationManaged: "true", names.AnnotationPause: "no"}, f: Facts{Owner: mine}, want: Reconcile},
		"deleted":                          {deleting: true, f: Facts{Owner: mine}, want: Remove},
		"deleted, the cluster is gone":     {deleting: true, f: Facts{Owner: mine, Gone: true}, want: Release},
		"deleted, somebody else's":         {deleting: true, f: Facts{Owner: other}, want: Release},
		"deleted, not managed":             {deleting: true, with: map[string]string{names.AnnotationManaged: "false"}, want: Release},
		"deleted, paused":                  {deleting: true, with: map[string]string{names.AnnotationPause: "true"}, f: Facts{Owner: mine}, want: Release},
		"deleted, one of Kafka's own":      {deleting: true, f: Facts{Owner: internal}, want: Release},
		"not deleted, the cluster is gone": {f: Facts{Owner: mine, Gone: true}, want: Reconcile},
	} {
		cr := resource(1, 1, nil)
		cr.Annotations = c.with
		if c.deleting {
			cr.DeletionTimestamp = &metav1.Time{Time: noon}
		}
		if got := Decide(cr, c.f); got != c.want {
			t.Errorf("%s: %v instead of %v", name, got, c.want)
		}
	}
}

// A resource claims the topic that it has, and nothing if it isn't managed.
func TestClaimOf(t *testing.T) {
	cr := resource(1, 1, nil)
	cr.Spec.TopicName, cr.Status.TopicName = "new", "old"
	if c, ok := ClaimOf(cr); !ok || c != (Claim{Namespace: "shop", Name: "orders", Topic: "old", Created: noon}) {
		t.Errorf("%+v", c)
	}
	cr.Status = v1.KafkaTopicStatus{}
	if c, _ := ClaimOf(cr); c.Topic != "new" {
		t.Errorf("%+v", c)
	}
	cr.Annotations = map[string]string{names.AnnotationManaged: "false"}
	if _, ok := ClaimOf(cr); ok {
		t.Error("claimed")
	}
}
