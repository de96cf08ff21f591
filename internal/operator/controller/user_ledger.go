package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// ledger is a cluster's ConfigMap of users as it was last read or written.
type ledger struct {
	read    bool // the rest counts
	names   user.Ledger
	version string // resourceVersion; empty if there is no ConfigMap
}

// mark writes the names of the users of this pass into the ledger, before anything is done in Kafka for them. It returns the
// names in the ledger that nobody wants any more: of those that were asked for, or all.
func (r *userRound) mark(ctx context.Context) (orphans []string, err error) {
	l, err := r.ledger(ctx)
	if err != nil {
		return nil, err
	}
	var served []string
	for _, s := range r.subjects {
		if s.serves() {
			served = append(served, s.key.Name)
		}
	}
	if next, changed := l.names.With(served...); changed {
		if err := r.writeLedger(ctx, next); err != nil {
			return nil, err
		}
	}
	if !r.pass.All && len(r.gone) == 0 {
		return nil, nil // nobody is known to be gone
	}
	for _, namespace := range r.namespacesOf(r.kafka) {
		if len(r.Namespaces) > 0 && !slices.Contains(r.Namespaces, namespace) {
			return nil, nil // where users may be is not looked at: none is known to be gone
		}
	}
	wanted := make(map[string]bool, len(r.all))
	for key := range r.all {
		wanted[key.Name] = true
	}
	orphans = r.state.ledger.names.Orphans(func(name string) bool { return wanted[name] })
	if !r.pass.All {
		orphans = slices.DeleteFunc(orphans, func(name string) bool {
			return !slices.ContainsFunc(r.gone, func(key client.ObjectKey) bool { return key.Name == name })
		})
	}
	return orphans, nil
}

// unmark takes names out of the ledger of whom nothing is left in Kafka. If that fails, they are looked at again with all.
func (r *userRound) unmark(ctx context.Context, gone []string) {
	next, changed := r.state.ledger.names.Without(gone...)
	if !changed {
		return
	}
	if err := r.writeLedger(ctx, next); err != nil {
		r.Log.Warn("the users that are gone stay in the ledger for now", "cluster", r.cluster.String(), "error", err)
	}
}

// ledger reads the ConfigMap, once: nobody else is to write it.
func (r *userRound) ledger(ctx context.Context) (ledger, error) {
	if r.state.ledger.read {
		return r.state.ledger, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	key := client.ObjectKey{Namespace: r.cluster.Namespace, Name: names.KafkaUserLedger(r.cluster.Name)}
	found := &corev1.ConfigMap{}
	if err := r.live.Get(ctx, key, found); client.IgnoreNotFound(err) != nil {
		return ledger{}, fmt.Errorf("read ConfigMap %s: %w", key.Name, err)
	}
	parsed, err := user.ParseLedger(found.Data)
	if err != nil {
		return ledger{}, user.Problem{Reason: user.ReasonInternal, Message: fmt.Sprintf("ConfigMap %s in namespace %s: %v", key.Name, key.Namespace, err)}
	}
	r.state.ledger = ledger{read: true, names: parsed, version: found.ResourceVersion}
	return r.state.ledger, nil
}

// writeLedger writes the ConfigMap as long as it is the one that was read last: another leader's names are not lost.
func (r *userRound) writeLedger(ctx context.Context, next user.Ledger) error {
	data, err := next.Data()
	if err != nil {
		return user.Problem{Reason: user.ReasonInternal, Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	object := coreapply.ConfigMap(names.KafkaUserLedger(r.cluster.Name), r.cluster.Namespace).
		WithLabels(map[string]string{
			names.LabelKind: names.KindKafkaUser, names.LabelCluster: names.LabelValue(r.cluster.Name),
			names.LabelManagedBy: names.ManagedByUsers,
		}).
		WithOwnerReferences(metaapply.OwnerReference().
			WithAPIVersion(v1.GroupVersion.String()).WithKind(names.KindKafka).WithName(r.kafka.Name).WithUID(r.kafka.UID)).
		WithData(data)
	if r.state.ledger.version != "" {
		object.WithResourceVersion(r.state.ledger.version)
	}
	err = r.client.Apply(ctx, object, client.FieldOwner(names.FieldOwner), client.ForceOwnership)
	if err != nil {
		r.state.ledger = ledger{} // to be read again
		if apierrors.IsConflict(err) {
			return fmt.Errorf("ConfigMap %s was changed by somebody else: it is read again", *object.Name)
		}
		return fmt.Errorf("write ConfigMap %s: %w", *object.Name, err)
	}
	r.state.ledger = ledger{read: true, names: next, version: *object.ResourceVersion}
	return nil
}
