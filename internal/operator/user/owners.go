package user

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Claim is a KafkaUser of one cluster. Several of one name in several namespaces are one user to Kafka.
type Claim struct {
	Namespace, Name string
	Created         time.Time
}

// Owners returns for each name the resource that decides about the user: the oldest, by namespace if they are of one age.
// Resources with a deletion timestamp must be left out.
func Owners(claims []Claim) map[string]Claim {
	owners := make(map[string]Claim, len(claims))
	for _, c := range claims {
		now, taken := owners[c.Name]
		if !taken || cmp.Or(c.Created.Compare(now.Created), strings.Compare(c.Namespace, now.Namespace)) < 0 {
			owners[c.Name] = c
		}
	}
	return owners
}

// Conflict is the problem of a resource whose user another one owns.
func Conflict(owner Claim) Problem {
	return Problem{ReasonConflict, fmt.Sprintf(
		"metadata.name: the user %s is managed by the KafkaUser of that name in namespace %s, which is older: call this one something else", owner.Name, owner.Namespace)}
}

// Paused reports whether a resource is to be left as it is.
func Paused(cr *v1.KafkaUser) bool { return cr.Annotations[names.AnnotationPause] == "true" }

// Allowed is who may use a user. The zero value is its own namespace only.
type Allowed struct {
	all   bool
	names map[string]bool
}

// maxNamespace is the longest name of a namespace (a DNS label).
const maxNamespace = 63

// ParseAllowed reads the annotation. The error is a Problem; nobody is allowed then.
func ParseAllowed(text string) (Allowed, error) {
	var a Allowed
	if strings.TrimSpace(text) == "" {
		return a, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "*" {
			a.all = true
			continue
		}
		if !namespace(part) {
			return Allowed{}, invalid("metadata.annotations[%s]: %q is no name of a namespace: write names with commas, such as shop,billing, or * for all", names.AnnotationAllowedNamespaces, clip(part))
		}
		if a.names == nil {
			a.names = map[string]bool{}
		}
		a.names[part] = true
	}
	return a, nil
}

// UsableIn reports whether pods of a namespace may use the user: those of its own, and of those that its annotation names. One
// that can't be read names none.
func UsableIn(cr *v1.KafkaUser, namespace string) bool {
	if cr.Namespace == namespace {
		return true
	}
	allowed, err := ParseAllowed(cr.Annotations[names.AnnotationAllowedNamespaces])
	return err == nil && allowed.In(namespace)
}

// In reports whether pods of a namespace may use the user of another one.
func (a Allowed) In(namespace string) bool { return a.all || a.names[namespace] }

// Listed returns the namespaces that are named, sorted; * names none.
func (a Allowed) Listed() []string { return slices.Sorted(maps.Keys(a.names)) }

func namespace(name string) bool {
	outer := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' }
	if name == "" || len(name) > maxNamespace || !outer(name[0]) || !outer(name[len(name)-1]) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

// clip shortens what a message repeats.
func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
