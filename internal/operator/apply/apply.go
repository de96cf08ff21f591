// Package apply makes the API server hold the objects that an owner wants: server-side apply of each, and removal of what
// the owner had and no longer wants. It decides nothing about content. What it may touch is told by owner and labels: an
// object that stands under a wanted name but belongs to somebody else is left alone and reported.
//
// An object that was applied before, with the same content, and that the watch shows unchanged since, costs no request: an
// idle pass asks the API server for nothing.
package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// requestTimeout bounds one request; the API server's own bound for a mutating request is 34 s.
	requestTimeout = 15 * time.Second
	// allTimeout bounds one call of All.
	allTimeout = time.Minute
)

// Options is what an Applier is made of.
type Options struct {
	// Client writes, and reads the metadata of Kinds from a cache that watches every object with the labels of Identity.
	Client client.Client
	// Live reads past the cache: it tells what stands under a name that the cache does not know.
	Live client.Reader
	// FieldOwner is the manager under which fields are applied.
	FieldOwner string
	// Kinds are those among which an owner's objects are looked for when it no longer wants them. Every object that is
	// applied must be of one of them, or of one of Kept, whose objects are never deleted here.
	Kinds, Kept []schema.GroupVersionKind
	// Identity returns the labels that every object of an owner carries, and no object of another.
	Identity func(owner client.Object) labels.Set
}

// Applier applies the objects of owners of one kind. Its methods may be called from any goroutine, but for one owner only
// from one at a time.
type Applier struct {
	Options
	memory memory
}

// New returns an Applier that remembers nothing yet.
func New(o Options) *Applier {
	return &Applier{Options: o, memory: memory{owners: make(map[client.ObjectKey]map[ref]mark)}}
}

// Result is what a call of All did.
type Result struct {
	// Changed names the objects that are not as they were before, each as "created Kind name", "changed …" or "deleted …".
	Changed []string
	// Overridden lists the fields that somebody else had set to another value, which is gone now.
	Overridden []Conflict
}

// Conflict is one field with two managers.
type Conflict struct {
	Object  string // "Kind name"
	Field   string // as the API server names it, ".spec.replicas"
	Manager string // the other's name
}

func (c Conflict) String() string {
	return fmt.Sprintf("%s: %s set by %q", c.Object, c.Field, c.Manager)
}

// Foreign is the error for an object that stands under a wanted name and is not the owner's.
type Foreign struct {
	Kind, Name string
}

func (e *Foreign) Error() string {
	return fmt.Sprintf("%s %s exists and was not made for this resource: delete it or give it another name", e.Kind, e.Name)
}

// All applies every object, then deletes what the owner has besides. It goes on after an error, and returns all of them
// joined; nothing is deleted unless everything wanted could be applied, so that a replacement stands before the old goes.
// It takes at most a minute.
func (a *Applier) All(ctx context.Context, owner client.Object, objects []runtime.ApplyConfiguration) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, allTimeout)
	defer cancel()
	var (
		result Result
		errs   []error
	)
	wanted := make(map[ref]bool, len(objects))
	for _, object := range objects {
		w, err := decode(object)
		if err != nil {
			return result, err
		}
		if !slices.Contains(a.Kinds, w.ref.gvk) && !slices.Contains(a.Kept, w.ref.gvk) {
			return result, fmt.Errorf("%s is of a kind that would never be pruned", w.ref)
		}
		wanted[w.ref] = true
		if err := a.one(ctx, owner, w, &result); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", w.ref, err))
		}
	}
	if len(errs) > 0 {
		return result, errors.Join(errs...)
	}
	return result, a.prune(ctx, owner, wanted, &result)
}

// Forget drops what is remembered of an owner that is gone. Its objects are the garbage collector's.
func (a *Applier) Forget(owner client.ObjectKey) { a.memory.forget(owner) }

// one applies one object unless it is known to be there as wanted.
func (a *Applier) one(ctx context.Context, owner client.Object, w want, result *Result) error {
	key := client.ObjectKeyFromObject(owner)
	before, err := a.existing(ctx, owner, w.ref)
	if err != nil {
		return err
	}
	last := a.memory.recall(key, w.ref)
	if before != "" && last.version == before && last.hash == w.hash {
		return nil
	}
	after, conflicts, err := a.write(ctx, w)
	if err != nil {
		return err
	}
	a.memory.remember(key, w.ref, mark{hash: w.hash, version: after})
	result.Overridden = append(result.Overridden, conflicts...)
	switch {
	case before == "":
		result.Changed = append(result.Changed, "created "+w.ref.String())
	case after != before && after != last.version: // the cache may be behind our own last write
		result.Changed = append(result.Changed, "changed "+w.ref.String())
	}
	return nil
}

// existing returns the resource version of what stands under the name, or "" if nothing does; a Foreign error if it is
// not the owner's. Whoever made it counts less than what it says: objects of an owner that was deleted without them and
// made anew are taken back, and so are those of the reference operator, which carry the same labels.
func (a *Applier) existing(ctx context.Context, owner client.Object, r ref) (string, error) {
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(r.gvk)
	err := a.Client.Get(ctx, r.key, found)
	if apierrors.IsNotFound(err) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err = a.Live.Get(ctx, r.key, found)
	}
	switch {
	case apierrors.IsNotFound(err):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read: %w", err)
	case !owns(owner, found) && !a.Identity(owner).AsSelector().Matches(labels.Set(found.Labels)):
		return "", &Foreign{Kind: r.gvk.Kind, Name: r.key.Name}
	}
	return found.ResourceVersion, nil
}

// write applies the object. A field that has another manager and another value is a conflict: it is noted, and taken.
func (a *Applier) write(ctx context.Context, w want) (version string, conflicts []Conflict, err error) {
	version, err = a.send(ctx, w)
	if !apierrors.IsConflict(err) {
		return version, nil, err
	}
	conflicts = conflictsOf(w.ref, err)
	version, err = a.send(ctx, w, client.ForceOwnership)
	return version, conflicts, err
}

func (a *Applier) send(ctx context.Context, w want, force ...client.ApplyOption) (version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	sent := &unstructured.Unstructured{}
	if err := sent.UnmarshalJSON(w.body); err != nil {
		return "", err
	}
	options := append([]client.ApplyOption{client.FieldOwner(a.FieldOwner)}, force...)
	err = a.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(sent), options...)
	return sent.GetResourceVersion(), err
}

// prune deletes the owner's objects that are not wanted. An object counts as the owner's only if it says so twice: by its
// owner reference and by its labels.
func (a *Applier) prune(ctx context.Context, owner client.Object, wanted map[ref]bool, result *Result) error {
	var errs []error
	for _, gvk := range a.Kinds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		err := a.Client.List(ctx, list, client.InNamespace(owner.GetNamespace()), client.MatchingLabels(a.Identity(owner)))
		if err != nil {
			errs = append(errs, fmt.Errorf("list %s: %w", gvk.Kind, err))
			continue
		}
		for i := range list.Items {
			found := &list.Items[i]
			r := ref{gvk: gvk, key: client.ObjectKeyFromObject(found)}
			if wanted[r] || !owns(owner, found) || found.DeletionTimestamp != nil {
				continue
			}
			if err := a.remove(ctx, r, found); err != nil {
				errs = append(errs, fmt.Errorf("delete %s: %w", r, err))
				continue
			}
			a.memory.drop(client.ObjectKeyFromObject(owner), r)
			result.Changed = append(result.Changed, "deleted "+r.String())
		}
	}
	return errors.Join(errs...)
}

// remove deletes exactly the object that was seen, not one that took its name since.
func (a *Applier) remove(ctx context.Context, r ref, found *metav1.PartialObjectMetadata) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	found.SetGroupVersionKind(r.gvk)
	err := a.Client.Delete(ctx, found, client.Preconditions{UID: &found.UID}, client.PropagationPolicy(metav1.DeletePropagationBackground))
	return client.IgnoreNotFound(err)
}

// owns tells whether the object has an owner reference to this very owner, not to a namesake before it.
func owns(owner client.Object, object metav1.Object) bool {
	return slices.ContainsFunc(object.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == owner.GetUID() })
}

// conflictsOf reads the API server's answer to an apply that was not forced.
func conflictsOf(r ref, err error) []Conflict {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var conflicts []Conflict
	for _, cause := range status.Status().Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		conflicts = append(conflicts, Conflict{Object: r.String(), Field: cause.Field, Manager: managerIn(cause.Message)})
	}
	return conflicts
}

// managerIn takes the name out of a cause like `conflict with "kubectl" using apps/v1`, which has it nowhere else. A
// message of another form is returned as it is: it is only shown.
func managerIn(message string) string {
	_, rest, ok := strings.Cut(message, `"`)
	if name, _, closed := strings.Cut(rest, `"`); ok && closed {
		return name
	}
	return message
}
