package topic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Claim is a resource that speaks for a topic of one cluster.
type Claim struct {
	Namespace, Name string // of the resource
	Topic           string
	Created         time.Time
	Deleting        bool
}

// ClaimOf returns the claim of a resource; ok is false if it makes none, since it isn't managed. A resource that is the
// topic's already goes on to claim the topic that it has, whatever its spec says now.
func ClaimOf(cr *v1.KafkaTopic) (claim Claim, ok bool) {
	claim = Claim{
		Namespace: cr.Namespace, Name: cr.Name, Topic: cmp.Or(cr.Status.TopicName, Name(cr)),
		Created: cr.CreationTimestamp.Time, Deleting: cr.DeletionTimestamp != nil,
	}
	return claim, Managed(cr)
}

// Owners returns for each topic the resource that decides about it: the oldest, as with the reference operator, by name if
// they are of one age. One that is being deleted comes last: if another resource wants the topic, it takes it over as it
// is. (The reference operator deletes the topic and makes it again, empty.)
func Owners(claims []Claim) map[string]Claim {
	owners := make(map[string]Claim, len(claims))
	for _, c := range claims {
		if now, taken := owners[c.Topic]; !taken || compareClaims(c, now) < 0 {
			owners[c.Topic] = c
		}
	}
	return owners
}

func compareClaims(a, b Claim) int {
	return cmp.Or(
		compareBool(a.Deleting, b.Deleting),
		a.Created.Compare(b.Created),
		strings.Compare(a.Namespace, b.Namespace),
		strings.Compare(a.Name, b.Name))
}

// Conflict is the problem of a resource whose topic another one owns.
func Conflict(owner Claim) Problem {
	return Problem{ReasonConflict, fmt.Sprintf(
		"the topic %s is managed by the KafkaTopic %s in namespace %s, which is older: delete one of the two, or set %s: \"false\" on it",
		owner.Topic, owner.Name, owner.Namespace, names.AnnotationManaged)}
}

// Managed reports whether a resource is to be carried out at all.
func Managed(cr *v1.KafkaTopic) bool { return cr.Annotations[names.AnnotationManaged] != "false" }

// Action is what becomes of a resource in one pass.
type Action int

// The actions.
const (
	// Reconcile: Diff and carry out.
	Reconcile Action = iota
	// Pause: nothing, and the status says so.
	Pause
	// Unmanage: nothing, and the status says so.
	Unmanage
	// Yield: another resource owns the topic; the status says so.
	Yield
	// Remove: delete the topic that the resource owns (Facts.Owner.Topic), then take the finalizer away.
	Remove
	// Release: take the finalizer away, the topic stays.
	Release
)

// String names the action for logs.
func (a Action) String() string {
	return [...]string{"reconcile", "pause", "unmanage", "yield", "remove", "release"}[a]
}

// Facts is what Decide needs to know besides the resource.
type Facts struct {
	// Gone says that the cluster is deleted, or being deleted: that there is no Kafka resource of that name, or one with a
	// deletion timestamp. A cluster that does not answer is not gone.
	Gone bool
	// Owner is the topic's owner by Owners.
	Owner Claim
}

// Decide says what becomes of a resource. A deleted one is let go, and its topic stays, where nothing can or may be
// deleted: the cluster is gone (the finalizer would hold the namespace for ever), the resource isn't managed or is paused,
// another resource has the topic, or the topic is one of Kafka's own.
func Decide(cr *v1.KafkaTopic, f Facts) Action {
	mine := f.Owner.Namespace == cr.Namespace && f.Owner.Name == cr.Name
	paused := cr.Annotations[names.AnnotationPause] == "true"
	if cr.DeletionTimestamp != nil {
		if f.Gone || !Managed(cr) || paused || !mine || Protected(f.Owner.Topic) {
			return Release
		}
		return Remove
	}
	switch {
	case paused:
		return Pause
	case !Managed(cr):
		return Unmanage
	case !mine:
		return Yield
	}
	return Reconcile
}

// Protected reports whether a topic holds Kafka's own state, so that deleting a resource must never delete it.
func Protected(topic string) bool {
	return slices.Contains([]string{"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"}, topic)
}
