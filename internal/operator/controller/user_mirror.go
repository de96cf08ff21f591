package controller

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// Mirrors repeats the Secrets of KafkaUsers in other namespaces, for pods there. A mirror has a ConfigMap of its name beside it,
// the mark: Secrets are never listed, so this is how mirrors are found again. The mark is made before the mirror and goes after
// it. Mirrors has no state: any replica may use one.
type Mirrors struct {
	client     client.Client
	live       client.Reader
	namespaces []string
}

// NewMirrors makes one that writes by a client and reads past its cache. Only the given namespaces have mirrors; none: all.
func NewMirrors(c client.Client, live client.Reader, namespaces []string) *Mirrors {
	return &Mirrors{client: c, live: live, namespaces: namespaces}
}

// reasonMirror is of warnings about mirrors.
const reasonMirror = "SecretNotMirrored"

// mark is the ConfigMap that says that a mirror of its name is beside it.
type mark struct {
	key client.ObjectKey
	of  client.ObjectKey // the KafkaUser
}

// mirrorOf returns the KafkaUser that a mark or a mirror says it is of.
func mirrorOf(object metav1.Object) (client.ObjectKey, bool) {
	namespace, name, ok := strings.Cut(object.GetAnnotations()[names.AnnotationMirrorOf], "/")
	return client.ObjectKey{Namespace: namespace, Name: name}, ok && namespace != "" && name != ""
}

// Ensure has the Secret of a KafkaUser stand in a namespace whose pods are to use it, and returns its name there. In the
// KafkaUser's own namespace that is the Secret itself, and nothing is done. If the Secret is not made yet, the leader mirrors it
// as soon as it is. The error is a user.Problem if the KafkaUser does not allow it, or if something else has the name.
func (m *Mirrors) Ensure(ctx context.Context, cr *v1.KafkaUser, namespace string) (secret string, err error) {
	if namespace == cr.Namespace {
		return cr.Status.Secret, nil
	}
	allowed, err := user.ParseAllowed(cr.Annotations[names.AnnotationAllowedNamespaces])
	if err != nil {
		return "", err
	}
	if !allowed.In(namespace) {
		return "", user.Problem{Reason: user.ReasonInvalid, Message: fmt.Sprintf(
			"KafkaUser %s of namespace %s may not be used in namespace %s: add that to its annotation %s", cr.Name, cr.Namespace, namespace, names.AnnotationAllowedNamespaces)}
	}
	var source *corev1.Secret
	if name := cr.Status.Secret; name != "" {
		if source, err = m.read(ctx, client.ObjectKey{Namespace: cr.Namespace, Name: name}); err != nil {
			return "", err
		}
	}
	if source == nil {
		return names.KafkaUserMirror(cr.Namespace, cr.Name), m.mark(ctx, cr, namespace)
	}
	return names.KafkaUserMirror(cr.Namespace, cr.Name), m.write(ctx, cr, namespace, source.Data)
}

// mark makes the mark of a mirror, unless it is there.
func (m *Mirrors) mark(ctx context.Context, cr *v1.KafkaUser, namespace string) error {
	if len(m.namespaces) > 0 && !slices.Contains(m.namespaces, namespace) {
		return user.Problem{Reason: user.ReasonInvalid, Message: fmt.Sprintf("namespace %s is none of those that the operator looks at", namespace)}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	key := client.ObjectKey{Namespace: namespace, Name: names.KafkaUserMirror(cr.Namespace, cr.Name)}
	found := &corev1.ConfigMap{}
	err := m.live.Get(ctx, key, found)
	switch of, ok := mirrorOf(found); {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("read ConfigMap %s in namespace %s: %w", key.Name, namespace, err)
	case !ok || of != client.ObjectKeyFromObject(cr):
		return taken("ConfigMap", key)
	default:
		return nil
	}
	object := coreapply.ConfigMap(key.Name, key.Namespace).WithLabels(mirrorLabels(cr)).WithAnnotations(mirrorAnnotations(cr))
	if err := m.client.Apply(ctx, object, client.FieldOwner(names.FieldOwner), client.ForceOwnership); err != nil {
		return inNamespace(namespace, "write ConfigMap "+key.Name, err)
	}
	return nil
}

// write makes the mirror hold what the Secret holds, with its mark.
func (m *Mirrors) write(ctx context.Context, cr *v1.KafkaUser, namespace string, data map[string][]byte) error {
	if err := m.mark(ctx, cr, namespace); err != nil {
		return err
	}
	data, err := m.withAuthority(ctx, cr, data)
	if err != nil {
		return err
	}
	key := client.ObjectKey{Namespace: namespace, Name: names.KafkaUserMirror(cr.Namespace, cr.Name)}
	found, err := m.read(ctx, key)
	if err != nil {
		return err
	}
	if found != nil {
		if of, ok := mirrorOf(found); !ok || of != client.ObjectKeyFromObject(cr) {
			return taken("Secret", key)
		}
		if maps.EqualFunc(found.Data, data, bytes.Equal) {
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	object := coreapply.Secret(key.Name, key.Namespace).WithType(corev1.SecretTypeOpaque).
		WithLabels(mirrorLabels(cr)).WithAnnotations(mirrorAnnotations(cr)).WithData(data)
	if err := m.client.Apply(ctx, object, client.FieldOwner(names.FieldOwner), client.ForceOwnership); err != nil {
		return inNamespace(namespace, "write Secret "+key.Name, err)
	}
	return nil
}

// withAuthority adds the certificates that vouch for the brokers, former ones that are still trusted among them: pods of
// another namespace can't mount the Secret that has them.
func (m *Mirrors) withAuthority(ctx context.Context, cr *v1.KafkaUser, data map[string][]byte) (map[string][]byte, error) {
	authority, err := m.read(ctx, client.ObjectKey{Namespace: cr.Namespace, Name: names.ClusterCACert(cr.Labels[names.LabelCluster])})
	if err != nil || authority == nil {
		return data, err
	}
	var trusted []byte
	for _, key := range slices.Sorted(maps.Keys(authority.Data)) {
		if strings.HasSuffix(key, ".crt") {
			trusted = append(append(trusted, bytes.TrimSpace(authority.Data[key])...), '\n')
		}
	}
	whole := maps.Clone(data)
	whole[names.KeyMirroredAuthority] = trusted
	return whole, nil
}

// remove deletes a mirror and its mark. What has the mirror's name and is none is left alone.
func (m *Mirrors) remove(ctx context.Context, of mark) error {
	found, err := m.read(ctx, of.key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if found != nil {
		if is, ok := mirrorOf(found); ok && is == of.of {
			if err := client.IgnoreNotFound(m.client.Delete(ctx, found, client.Preconditions{UID: &found.UID})); err != nil {
				return fmt.Errorf("delete Secret %s in namespace %s: %w", of.key.Name, of.key.Namespace, err)
			}
		}
	}
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: of.key.Namespace, Name: of.key.Name}}
	if err := client.IgnoreNotFound(m.client.Delete(ctx, object)); err != nil {
		return fmt.Errorf("delete ConfigMap %s in namespace %s: %w", of.key.Name, of.key.Namespace, err)
	}
	return nil
}

func (m *Mirrors) read(ctx context.Context, key client.ObjectKey) (*corev1.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found := &corev1.Secret{}
	err := m.live.Get(ctx, key, found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s in namespace %s: %w", key.Name, key.Namespace, err)
	}
	return found, nil
}

// inNamespace says of a failure that the namespace is not there if that is so.
func inNamespace(namespace, doing string, err error) error {
	if apierrors.IsNotFound(err) {
		return user.Problem{Reason: user.ReasonMissing, Message: fmt.Sprintf("there is no namespace %s", namespace)}
	}
	return fmt.Errorf("%s in namespace %s: %w", doing, namespace, err)
}

func taken(kind string, key client.ObjectKey) error {
	return user.Problem{Reason: user.ReasonConflict, Message: fmt.Sprintf(
		"%s %s in namespace %s exists and is no mirror of this user's Secret: delete it", kind, key.Name, key.Namespace)}
}

func mirrorLabels(cr *v1.KafkaUser) map[string]string {
	return map[string]string{
		names.LabelMirror: "true", names.LabelKind: names.KindKafkaUser, names.LabelManagedBy: names.ManagedByUsers,
		names.LabelCluster: cr.Labels[names.LabelCluster],
	}
}

func mirrorAnnotations(cr *v1.KafkaUser) map[string]string {
	return map[string]string{names.AnnotationMirrorOf: cr.Namespace + "/" + cr.Name}
}

// mirror makes the mirrors of one subject be what its annotation says: in the namespaces that it names, and in those that have
// asked and are allowed.
func (r *userRound) mirror(ctx context.Context, s *userSubject) {
	if s.paused {
		return
	}
	warn := func(err error) {
		s.warnings = append(s.warnings, user.Warning{Reason: reasonMirror, Message: err.Error()})
	}
	allowed, err := user.ParseAllowed(s.cr.Annotations[names.AnnotationAllowedNamespaces])
	if err != nil {
		warn(err)
	}
	none := s.want.Name != "" && s.want.Secret == nil
	wanted := slices.DeleteFunc(allowed.Listed(), func(namespace string) bool { return namespace == s.key.Namespace })
	for _, m := range r.mirrored[s.key] {
		switch {
		case none || !allowed.In(m.key.Namespace) || m.key.Name != names.KafkaUserMirror(s.key.Namespace, s.key.Name):
			if err := r.mirrors.remove(ctx, m); err != nil {
				warn(err)
			}
		case !slices.Contains(wanted, m.key.Namespace):
			wanted = append(wanted, m.key.Namespace)
		}
	}
	if s.data == nil {
		r.keepWarnings(s, wanted)
		return
	}
	slices.Sort(wanted)
	for _, namespace := range wanted {
		if err := r.mirrors.write(ctx, s.cr, namespace, s.data); err != nil {
			warn(err)
		}
	}
}

// keepWarnings repeats what the last look at the mirrors found, since this pass does not look at them.
func (r *userRound) keepWarnings(s *userSubject, wanted []string) {
	if len(wanted) == 0 {
		return
	}
	for _, c := range s.cr.Status.Conditions {
		if c.Type == v1.ConditionWarning && c.Reason == reasonMirror {
			s.warnings = append(s.warnings, user.Warning{Reason: c.Reason, Message: c.Message})
		}
	}
}

// marked lists the marks, by KafkaUser.
func (u *users) marked(ctx context.Context) (map[client.ObjectKey][]mark, error) {
	list := &corev1.ConfigMapList{}
	if err := u.marks.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list mirrors: %w", err)
	}
	all := make(map[client.ObjectKey][]mark)
	for i := range list.Items {
		if of, ok := mirrorOf(&list.Items[i]); ok {
			all[of] = append(all[of], mark{key: client.ObjectKeyFromObject(&list.Items[i]), of: of})
		}
	}
	return all, nil
}

// marksCache has the manager keep the marks in memory. They have a cache of their own, because one cache has one selector for
// all ConfigMaps.
func marksCache(mgr manager.Manager, namespaces []string) (cache.Cache, error) {
	marks, err := cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(),
		Scheme:     mgr.GetScheme(),
		Mapper:     mgr.GetRESTMapper(),
		ByObject: map[client.Object]cache.ByObject{
			&corev1.ConfigMap{}: {Label: labels.SelectorFromSet(labels.Set{names.LabelMirror: "true"}), Transform: stripMeta},
		},
		DefaultNamespaces:           inNamespaces(namespaces),
		ReaderFailOnMissingInformer: true,
	})
	if err != nil {
		return nil, fmt.Errorf("cache of mirrors: %w", err)
	}
	if _, err := marks.GetInformer(context.Background(), &corev1.ConfigMap{}, cache.BlockUntilSynced(false)); err != nil {
		return nil, fmt.Errorf("cache of mirrors: %w", err)
	}
	return marks, mgr.Add(nodePods{marks})
}
