package controller

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// digestSize is that of what is remembered of a password.
const digestSize = sha256.Size

// userNote is what is remembered of a KafkaUser between two passes.
type userNote struct {
	uid        types.UID // of the KafkaUser
	generation int64     // that was looked at
	wish       uint64    // wishOf
	secret     string    // its name, "" if there is none
	secretUID  types.UID // of the Secret, so that no other one of its name is deleted
	look       time.Time // when the Secret is looked at again though nothing happens
	// password is the digest of the one that Kafka was given since the operator runs; zero if none was.
	password [digestSize]byte
}

// supply makes the Secrets of those subjects whose Secrets are to be looked at.
func (r *userRound) supply(ctx context.Context) {
	var looked []*userSubject
	for _, s := range r.subjects {
		if s.serves() && r.due(s) {
			s.looks = true
			looked = append(looked, s)
		}
	}
	issuer := sync.OnceValues(func() (user.Issuer, error) { return r.issuer(ctx) })
	r.forEach(ctx, looked, func(ctx context.Context, s *userSubject) {
		if err := r.supplyOne(ctx, s, issuer); err != nil {
			s.err = err
		}
	})
}

// due reports whether the Secret of a subject is looked at in this pass: when something about it is wanted that was not before,
// when somebody asks by touching the KafkaUser, and now and then.
func (r *userRound) due(s *userSubject) bool {
	note, ok := r.state.notes[s.key]
	touched := slices.Contains(r.pass.Keys, s.key) && note.generation == s.cr.Generation
	return !ok || touched || note.uid != s.cr.UID || note.wish != wishOf(s.want) || !r.began.Before(note.look)
}

// wishOf sums up what a user's Secret depends on.
func wishOf(u user.User) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %v %d %d ", u.Authentication, u.PasswordFrom, u.Validity, u.RenewBefore)
	if u.Secret != nil {
		_, _ = fmt.Fprintf(h, "%q %q %q", u.Secret.Name, u.Secret.Labels, u.Secret.Annotations) // maps are printed sorted
	}
	return h.Sum64()
}

// supplyOne makes the Secret of one subject, and notes it.
func (r *userRound) supplyOne(ctx context.Context, s *userSubject, issuer func() (user.Issuer, error)) error {
	if err := r.dropFormer(ctx, s); err != nil {
		return err
	}
	if s.want.Secret == nil {
		r.note(s, "", "")
		return nil
	}
	if s.cr.Status.Secret == "" && s.cr.Status.ObservedGeneration == 0 { // it is new, and so is its Secret, most likely
		if done, err := r.createOne(ctx, s, issuer); done || err != nil {
			return err
		}
	}
	have, err := r.ownSecret(ctx, s)
	if err != nil {
		return err
	}
	data, renewed, err := r.content(ctx, s, have, issuer)
	if err != nil {
		return err
	}
	if have == nil || !r.holds(have, s, data) {
		if have, err = r.writeSecret(ctx, s, have, data); err != nil {
			return err
		}
	}
	r.note(s, have.Name, have.UID)
	s.data = data
	if renewed == "" {
		return nil
	}
	r.events.Eventf(s.cr, nil, corev1.EventTypeNormal, "CertificateRenewed", "Reconcile", "the user has a new certificate: %s", renewed)
	return r.granted(ctx, have)
}

// dropFormer deletes the Secret that a user had by another name or for another way of authentication.
func (r *userRound) dropFormer(ctx context.Context, s *userSubject) error {
	former := s.cr.Status.Secret
	if former == "" || s.want.Secret != nil && s.want.Secret.Name == former {
		return nil
	}
	have, err := r.secret(ctx, client.ObjectKey{Namespace: s.key.Namespace, Name: former})
	if err != nil || have == nil || !belongs(have, s.cr) {
		return err
	}
	return r.deleteSecret(ctx, client.ObjectKeyFromObject(have), have.UID)
}

// ownSecret reads the Secret of a subject; nil if there is none. One that was not made for it is a user.Problem.
func (r *userRound) ownSecret(ctx context.Context, s *userSubject) (*corev1.Secret, error) {
	have, err := r.secret(ctx, client.ObjectKey{Namespace: s.key.Namespace, Name: s.want.Secret.Name})
	if err != nil || have == nil || belongs(have, s.cr) {
		return have, err
	}
	return nil, user.Problem{Reason: user.ReasonConflict, Message: fmt.Sprintf(
		"Secret %s exists and was not made for this resource: delete it, or call the user something else", have.Name)}
}

// belongs reports whether a Secret was made for a KafkaUser, or for one of its name before it. What only has the labels was
// restored from a copy.
func belongs(secret *corev1.Secret, cr *v1.KafkaUser) bool {
	if slices.ContainsFunc(secret.OwnerReferences, func(o metav1.OwnerReference) bool {
		return o.Kind == names.KindKafkaUser && o.Name == cr.Name
	}) {
		return true
	}
	return len(secret.OwnerReferences) == 0 && secret.Labels[names.LabelKind] == names.KindKafkaUser &&
		secret.Labels[names.LabelManagedBy] == names.ManagedByUsers && secret.Labels[names.LabelInstance] == names.LabelValue(cr.Name)
}

// content returns what the Secret of a subject is to hold, and why its certificate was renewed if it was.
func (r *userRound) content(ctx context.Context, s *userSubject, secret *corev1.Secret, issuer func() (user.Issuer, error)) (data map[string][]byte, renewed string, err error) {
	var have map[string][]byte
	force := false
	if secret != nil {
		have, force = secret.Data, secret.Annotations[names.AnnotationForceRenew] == "true"
	}
	if s.want.Authentication != user.TLS {
		var from []byte
		if p := s.want.PasswordFrom; p != nil {
			source, err := r.secret(ctx, client.ObjectKey{Namespace: s.key.Namespace, Name: p.Secret})
			if err != nil {
				return nil, "", err
			}
			if source != nil {
				from = source.Data[p.Key]
			}
		}
		data, s.password, err = s.want.Credentials(have, from, r.Random)
		return data, "", err
	}
	by, err := issuer()
	if err != nil {
		return nil, "", err
	}
	leaf, decision, err := s.want.Renew(user.LeafOf(have), by, user.Renewal{
		Force: force, Closed: r.terms.never || !r.terms.windows.Open(r.began), Now: r.began,
	}, r.Random)
	if err != nil {
		return nil, "", err
	}
	if decision.Action == pki.Renew {
		renewed = decision.Reason
	}
	data, err = s.want.Certificates(have, leaf, r.Random)
	return data, renewed, err
}

// holds reports whether a Secret is as wanted. Labels and annotations that others add are theirs.
func (r *userRound) holds(have *corev1.Secret, s *userSubject, data map[string][]byte) bool {
	if note, ok := r.state.notes[s.key]; ok && note.uid == s.cr.UID && note.wish != wishOf(s.want) {
		return false // also what a template has no longer: only applying takes that away
	}
	within := func(want, have map[string]string) bool {
		for key, value := range want {
			if v, ok := have[key]; !ok || v != value {
				return false
			}
		}
		return true
	}
	return maps.EqualFunc(have.Data, data, bytes.Equal) && within(s.want.Secret.Labels, have.Labels) && within(s.want.Secret.Annotations, have.Annotations) &&
		slices.ContainsFunc(have.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == s.cr.UID })
}

// createOne makes the Secret of a subject that has none, which costs a third of looking first and applying then. It is not done
// if there is one already.
func (r *userRound) createOne(ctx context.Context, s *userSubject, issuer func() (user.Issuer, error)) (done bool, err error) {
	data, _, err := r.content(ctx, s, nil, issuer)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.key.Namespace, Name: s.want.Secret.Name, Labels: s.want.Secret.Labels, Annotations: s.want.Secret.Annotations,
			OwnerReferences: []metav1.OwnerReference{{APIVersion: v1.GroupVersion.String(), Kind: names.KindKafkaUser, Name: s.cr.Name, UID: s.cr.UID}},
		},
		Type: corev1.SecretTypeOpaque, Data: data,
	}
	err = r.client.Create(ctx, secret, client.FieldOwner(names.FieldOwner))
	switch {
	case apierrors.IsAlreadyExists(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("write Secret %s: %w", secret.Name, err)
	}
	r.note(s, secret.Name, secret.UID)
	s.data = data
	return true, nil
}

// writeSecret applies the Secret of a subject over the one that is there, if any, and returns its metadata.
func (r *userRound) writeSecret(ctx context.Context, s *userSubject, have *corev1.Secret, data map[string][]byte) (*corev1.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if have != nil {
		if err := r.takeOver(ctx, have); err != nil {
			return nil, fmt.Errorf("write Secret %s: %w", have.Name, err)
		}
	}
	object := coreapply.Secret(s.want.Secret.Name, s.key.Namespace).
		WithLabels(s.want.Secret.Labels).WithAnnotations(s.want.Secret.Annotations).
		WithOwnerReferences(metaapply.OwnerReference().
			WithAPIVersion(v1.GroupVersion.String()).WithKind(names.KindKafkaUser).WithName(s.cr.Name).WithUID(s.cr.UID)).
		WithType(corev1.SecretTypeOpaque).WithData(data)
	if err := r.client.Apply(ctx, object, client.FieldOwner(names.FieldOwner), client.ForceOwnership); err != nil {
		return nil, fmt.Errorf("write Secret %s: %w", s.want.Secret.Name, err)
	}
	r.Log.Debug("wrote Secret", "namespace", s.key.Namespace, "user", s.key.Name, "secret", s.want.Secret.Name)
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.key.Namespace, Name: *object.Name, UID: *object.UID, Annotations: object.Annotations}}, nil
}

// takeOver makes the fields that a Secret was created with be applied ones: else applying would never take one away.
func (r *userRound) takeOver(ctx context.Context, have *corev1.Secret) error {
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(have, sets.New(names.FieldOwner), names.FieldOwner)
	if err != nil || patch == nil {
		return err
	}
	return r.client.Patch(ctx, have, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(names.FieldOwner))
}

// granted takes the wish for a new certificate off a Secret, if it is there.
func (r *userRound) granted(ctx context.Context, secret *corev1.Secret) error {
	if _, asked := secret.Annotations[names.AnnotationForceRenew]; !asked {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, names.AnnotationForceRenew)
	err := r.client.Patch(ctx, secret, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(names.FieldOwner))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("take annotation %s off Secret %s: %w", names.AnnotationForceRenew, secret.Name, err)
	}
	return nil
}

// deleteSecret deletes exactly the Secret that was seen.
func (u *users) deleteSecret(ctx context.Context, key client.ObjectKey, uid types.UID) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	err := client.IgnoreNotFound(u.client.Delete(ctx, secret, client.Preconditions{UID: &uid}))
	if err != nil {
		return fmt.Errorf("delete Secret %s: %w", key.Name, err)
	}
	return nil
}

// note keeps what is to be remembered of the Secret of a subject.
func (r *userRound) note(s *userSubject, secret string, uid types.UID) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s.key.String()))
	spread := time.Duration(h.Sum32()%1000) * (userSecretInterval / 2) / 1000
	s.supplied = true
	s.noted = userNote{
		uid: s.cr.UID, generation: s.cr.Generation, wish: wishOf(s.want),
		secret: secret, secretUID: uid, look: r.began.Add(userSecretInterval - spread),
	}
	if s.password != "" {
		s.digest = sha256.Sum256([]byte(s.password))
	}
}

// credential returns the password of a subject for package user, with what is known of it.
func (r *userRound) credential(s *userSubject) user.Credential {
	known := r.state.notes[s.key].password
	if !s.looks {
		return user.Credential{Known: known != [digestSize]byte{}}
	}
	return user.Credential{Password: s.password, Known: known == s.digest}
}

// forget has the Secret of a user looked at the next time.
func (r *userRound) forget(key client.ObjectKey) { delete(r.state.notes, key) }

// remember keeps what the pass found out, and drops who is gone. A password counts as known only once Kafka has it.
func (r *userRound) remember() {
	for _, s := range r.subjects {
		note, known := r.state.notes[s.key]
		switch {
		case s.supplied:
			note = s.noted
			if s.err == nil || s.rightsWait {
				note.password = s.digest
			}
		case !known:
			continue
		case s.err != nil && s.looks:
			note.look = time.Time{}
		case s.err == nil && !s.paused:
			note.generation = s.cr.Generation
		}
		r.state.notes[s.key] = note
	}
	for _, key := range r.gone {
		delete(r.state.notes, key)
	}
	if r.kafka == nil && len(r.all) == 0 {
		r.mu.Lock()
		delete(r.clusters, r.cluster)
		r.mu.Unlock()
	}
}

// stateOf returns what is remembered of a cluster. Of one that was made anew only the users' Secrets count.
func (u *users) stateOf(cluster client.ObjectKey, kafka *v1.Kafka) *userCluster {
	u.mu.Lock()
	defer u.mu.Unlock()
	state := u.clusters[cluster]
	if state == nil {
		state = &userCluster{notes: make(map[client.ObjectKey]userNote)}
		u.clusters[cluster] = state
	}
	if uid := kafka.GetUID(); state.uid != uid {
		state.uid, state.ledger = uid, ledger{}
		for key, note := range state.notes {
			note.password = [digestSize]byte{}
			state.notes[key] = note
		}
	}
	return state
}

// leave cleans up after users that are not the cluster's any more: the Secret and the mirrors of those whose KafkaUser is
// deleted. The garbage collector would delete the Secret too, at its leisure.
func (r *userRound) leave(ctx context.Context) {
	var deleted []*userSubject
	for _, key := range r.gone {
		cr := &v1.KafkaUser{}
		if err := r.client.Get(ctx, key, cr); err == nil && cr.DeletionTimestamp == nil {
			continue
		}
		deleted = append(deleted, &userSubject{key: key})
	}
	r.forEach(ctx, deleted, func(ctx context.Context, s *userSubject) {
		note := r.state.notes[s.key]
		var errs []error
		if note.secret != "" {
			errs = append(errs, r.deleteSecret(ctx, client.ObjectKey{Namespace: s.key.Namespace, Name: note.secret}, note.secretUID))
		}
		for _, m := range r.mirrored[s.key] {
			// A webhook may have seen the KafkaUser before this cache does.
			if err := r.live.Get(ctx, s.key, &v1.KafkaUser{}); apierrors.IsNotFound(err) {
				errs = append(errs, r.mirrors.remove(ctx, m))
			}
		}
		if err := errors.Join(errs...); err != nil {
			r.Log.Warn("a deleted KafkaUser left something behind", "namespace", s.key.Namespace, "user", s.key.Name, "error", err)
		}
	})
}
