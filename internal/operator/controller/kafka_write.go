package controller

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applynetworkingv1 "k8s.io/client-go/applyconfigurations/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/apply"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// identify gives a new cluster its id, and keeps it before anything is formatted with it: a node that was formatted with another
// id never starts again. Of two operators only one can write it.
func (r *kafkas) identify(ctx context.Context, s *scene) error {
	id := s.kafka.Status.ClusterID
	for _, pool := range s.pools {
		if id == "" {
			id = pool.Status.ClusterID
		}
	}
	s.resources.Observed.ClusterID = id
	if s.kafka.Status.ClusterID != "" {
		return nil
	}
	if id == "" {
		var err error
		if id, err = newClusterID(r.Random); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := s.kafka.DeepCopy()
	changed.Status = status.Kafka(status.KafkaOutcome{
		Generation: s.kafka.Generation, Previous: s.kafka.Status, ClusterID: id, Waiting: "the objects of the cluster are being made", Now: r.Now(),
	})
	if err := r.client.Status().Update(ctx, changed, client.FieldOwner(names.FieldOwner)); err != nil {
		return fmt.Errorf("write the id of the cluster: %w", err)
	}
	s.kafka = changed
	s.resources.Kafka, s.resources.Observed.ClusterID = changed, id
	return nil
}

// newClusterID is a random UUID as Kafka writes it: 22 characters of base64, the first of which is no dash, since tools would take
// it for an option.
func newClusterID(random io.Reader) (string, error) {
	for {
		var id [16]byte
		if _, err := io.ReadFull(random, id[:]); err != nil {
			return "", fmt.Errorf("random id: %w", err)
		}
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, RFC 9562
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text, nil
		}
	}
}

// randomText is 32 characters that nobody can guess.
func randomText(random io.Reader) ([]byte, error) {
	var secret [24]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, err
	}
	return []byte(base64.RawURLEncoding.EncodeToString(secret[:])), nil
}

// applyServices writes what clients connect to, and tells whether anything changed.
func (r *kafkas) applyServices(ctx context.Context, s *scene, objects []runtime.ApplyConfiguration) (changed bool, err error) {
	services := slices.DeleteFunc(slices.Clone(objects), func(o runtime.ApplyConfiguration) bool {
		switch o.(type) {
		case *applycorev1.ServiceApplyConfiguration, *applynetworkingv1.IngressApplyConfiguration:
			return false
		}
		return true
	})
	return r.applyAll(ctx, s, r.services, services)
}

// write writes everything else: Secrets first, then what refers to them, and the pods' own StrimziPodSets last.
func (r *kafkas) write(ctx context.Context, s *scene, out *kafkaOutcome) error {
	var objects []runtime.ApplyConfiguration
	var secrets []*applycorev1.SecretApplyConfiguration
	for _, object := range render.Kafka(out.want, out.certificates) {
		switch o := object.(type) {
		case *applycorev1.ServiceApplyConfiguration, *applynetworkingv1.IngressApplyConfiguration:
		case *applycorev1.SecretApplyConfiguration:
			secrets = append(secrets, o)
		default:
			objects = append(objects, object)
		}
	}
	if err := r.writeSecrets(ctx, s, secrets); err != nil {
		return err
	}
	_, err := r.applyAll(ctx, s, r.objects, objects)
	return err
}

// applyAll applies objects, for each owner those that it owns, and takes away what that owner has besides: the Kafka first, since
// nodes of all pools use what belongs to it. What belongs to nobody is the Kafka's here.
func (r *kafkas) applyAll(ctx context.Context, s *scene, with *apply.Applier, objects []runtime.ApplyConfiguration) (changed bool, err error) {
	byOwner := make(map[types.UID][]runtime.ApplyConfiguration)
	owners := []client.Object{s.kafka}
	for i := range s.pools {
		owners = append(owners, &s.pools[i])
	}
	for _, object := range objects {
		owner, err := ownerOf(object, owners)
		if err != nil {
			return changed, err
		}
		byOwner[owner] = append(byOwner[owner], object)
	}
	for _, owner := range owners {
		done, err := with.All(ctx, owner, byOwner[owner.GetUID()])
		changed = changed || len(done.Changed) > 0
		r.announce(s, done)
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// ownerOf returns the UID of the owner that an object names.
func ownerOf(object runtime.ApplyConfiguration, owners []client.Object) (types.UID, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return "", fmt.Errorf("encode %T: %w", object, err)
	}
	var meta metav1.PartialObjectMetadata
	if err := json.Unmarshal(text, &meta); err != nil {
		return "", fmt.Errorf("decode %T: %w", object, err)
	}
	for _, reference := range meta.OwnerReferences {
		if slices.ContainsFunc(owners, func(o client.Object) bool { return o.GetUID() == reference.UID }) {
			return reference.UID, nil
		}
	}
	return owners[0].GetUID(), nil
}

// announce logs what was written, and says what others had set.
func (r *kafkas) announce(s *scene, done apply.Result) {
	for _, change := range done.Changed {
		r.Log.Info("applied", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "change", change)
	}
	for i, conflict := range done.Overridden {
		if i == maxConflicts {
			r.event(s.kafka, nil, corev1.EventTypeWarning, "FieldsOverridden", "Reconcile", "%d more fields were set back", len(done.Overridden)-i)
			break
		}
		r.event(s.kafka, nil, corev1.EventTypeWarning, "FieldsOverridden", "Reconcile", "%s was set back: change the Kafka instead", conflict)
	}
}

// writeSecrets writes the Secrets that are not as they are to be: the authorities' first, then who is trusted, then what they
// have signed. They are compared with what was read, not applied, since nothing may list or watch Secrets; and each is written
// only if it is still as it was read, so that of two operators one gives way.
func (r *kafkas) writeSecrets(ctx context.Context, s *scene, secrets []*applycorev1.SecretApplyConfiguration) error {
	first := []string{
		names.ClusterCA(s.kafka.Name), names.ClusterCACert(s.kafka.Name), names.ClientsCA(s.kafka.Name), names.ClientsCACert(s.kafka.Name),
		names.TrustBundle(s.kafka.Name),
	}
	slices.Reverse(first) // what is not among them comes last
	slices.SortStableFunc(secrets, func(a, b *applycorev1.SecretApplyConfiguration) int {
		return slices.Index(first, *b.Name) - slices.Index(first, *a.Name)
	})
	for _, config := range secrets {
		want := &corev1.Secret{}
		text, err := json.Marshal(config)
		if err == nil {
			err = json.Unmarshal(text, want)
		}
		if err != nil {
			return fmt.Errorf("write Secret %s: %w", *config.Name, err)
		}
		have, err := r.secret(ctx, s, want.Name)
		if err != nil {
			return err
		}
		if err := r.writeSecret(ctx, s, have, want); err != nil {
			return err
		}
	}
	return nil
}

func (r *kafkas) writeSecret(ctx context.Context, s *scene, have, want *corev1.Secret) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	doing, change := "created", func() error { return r.client.Create(ctx, want, client.FieldOwner(names.FieldOwner)) }
	if have != nil {
		if !clusterLabels(s.kafka.Name).AsSelector().Matches(labelSet(have)) && !ownedBy(have, s) {
			return &apply.Foreign{Kind: "Secret", Name: have.Name}
		}
		next := mergedSecret(have, want, s.fulfilled[have.Name])
		if sameSecret(have, next) {
			return nil
		}
		doing, want, change = "changed", next, func() error { return r.client.Update(ctx, next, client.FieldOwner(names.FieldOwner)) }
	}
	if err := change(); apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("write Secret %s: %w", want.Name, errStale)
	} else if err != nil {
		return fmt.Errorf("write Secret %s: %w", want.Name, err)
	}
	s.secrets[want.Name] = want
	r.Log.Info("applied", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "change", doing+" Secret "+want.Name)
	return nil
}

// mergedSecret is a Secret with the content that is wanted and nothing else in it, and with whatever labels and annotations
// others gave it but for those of wishes that are fulfilled.
func mergedSecret(have, want *corev1.Secret, fulfilled []string) *corev1.Secret {
	next := have.DeepCopy()
	next.Data = want.Data
	next.Labels, next.Annotations = laidOver(have.Labels, want.Labels), laidOver(have.Annotations, want.Annotations)
	for _, key := range fulfilled {
		delete(next.Annotations, key)
	}
	next.OwnerReferences = slices.DeleteFunc(slices.Clone(have.OwnerReferences), func(o metav1.OwnerReference) bool {
		return strings.HasPrefix(o.APIVersion, "kafka.strimzi.io/") && (o.Kind == names.KindKafka || o.Kind == names.KindKafkaNodePool)
	})
	next.OwnerReferences = append(next.OwnerReferences, want.OwnerReferences...)
	return next
}

func labelSet(o client.Object) labels.Set { return o.GetLabels() }

// ownedBy tells whether an object belongs to the Kafka or to one of its KafkaNodePools.
func ownedBy(o client.Object, s *scene) bool {
	return slices.ContainsFunc(o.GetOwnerReferences(), func(r metav1.OwnerReference) bool {
		return r.UID == s.kafka.UID || slices.ContainsFunc(s.pools, func(p v1.KafkaNodePool) bool { return r.UID == p.UID })
	})
}

// laidOver lays one map over another.
func laidOver(under, upper map[string]string) map[string]string {
	all := maps.Clone(under)
	if all == nil {
		all = make(map[string]string, len(upper))
	}
	maps.Copy(all, upper)
	return all
}

func sameSecret(a, b *corev1.Secret) bool {
	return maps.EqualFunc(a.Data, b.Data, bytes.Equal) && maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations) &&
		slices.EqualFunc(a.OwnerReferences, b.OwnerReferences, func(x, y metav1.OwnerReference) bool { return x.UID == y.UID })
}

// removeSecret deletes the Secret of a node that is gone: its name is known by the id, since Secrets can't be listed.
func (r *kafkas) removeSecret(ctx context.Context, s *scene, name string) error {
	have, err := r.secret(ctx, s, name)
	if err != nil || have == nil || !clusterLabels(s.kafka.Name).AsSelector().Matches(labelSet(have)) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if err := client.IgnoreNotFound(r.client.Delete(ctx, have, client.Preconditions{UID: &have.UID})); err != nil {
		return fmt.Errorf("delete Secret %s: %w", name, err)
	}
	s.secrets[name] = nil
	return nil
}
