package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// Mirror has the Secret of a KafkaUser stand in another namespace, under the name names.KafkaUserMirror, which it returns. The
// error is a user.Problem if that is not allowed.
type Mirror func(ctx context.Context, of *v1.KafkaUser, namespace string) (secret string, err error)

// direct returns the KafkaBridge that stands for a pod's wish to reach a Kafka without one. What the cache has is used where it
// will do. Nobody is refused for it: it may be older than what the user did a moment ago, and it may not keep these kinds.
// Only when nothing is left to refuse is the user's Secret mirrored, and not with a dry run.
func (p *pods) direct(ctx context.Context, wish inject.Wish, namespace string, dryRun bool) (*v1.KafkaBridge, error) {
	bridge, r, err := standIn(ctx, p.cache, wish, namespace)
	if err != nil && ctx.Err() == nil {
		bridge, r, err = standIn(ctx, p.live, wish, namespace)
	}
	if err != nil || !wish.Elsewhere(namespace) || r.User.Spec.Authentication == nil {
		return bridge, err
	}
	if err := p.mirrored(ctx, r.User, namespace, dryRun); err != nil {
		return nil, err
	}
	return bridge, nil
}

// standIn reads what a pod asks for, and returns it with the KafkaBridge that stands for it.
func standIn(ctx context.Context, from client.Reader, wish inject.Wish, namespace string) (*v1.KafkaBridge, model.DirectResources, error) {
	r := model.DirectResources{Namespace: namespace}
	home := cmp.Or(wish.UserNamespace, namespace)
	if wish.User != "" {
		found, err := usable(ctx, from, client.ObjectKey{Namespace: home, Name: wish.User}, namespace)
		if err != nil {
			return nil, r, err
		}
		r.User = found
	}
	r.Kafka = &v1.Kafka{}
	if err := from.Get(ctx, client.ObjectKey{Namespace: home, Name: wish.Cluster}, r.Kafka); apierrors.IsNotFound(err) {
		return nil, r, &refusal{reason: reasonNoUser, message: fmt.Sprintf(
			"there is no Kafka %q in namespace %q: create it, or correct the pod's label %s", wish.Cluster, home, names.LabelUsesCluster)}
	} else if err != nil {
		return nil, r, fmt.Errorf("reading Kafka %q: %w", wish.Cluster, err)
	}
	bridge, err := model.Direct(r)
	if err != nil {
		return nil, r, &refusal{reason: reasonPod, message: err.Error()}
	}
	return bridge, r, nil
}

// usable returns a KafkaUser that pods of a namespace may use. One of another namespace that is missing and one that may not be
// used there are told by the same words: who makes pods here need not learn what there is elsewhere.
func usable(ctx context.Context, from client.Reader, key client.ObjectKey, namespace string) (*v1.KafkaUser, error) {
	found := &v1.KafkaUser{}
	err := from.Get(ctx, key, found)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading KafkaUser %q: %w", key.Name, err)
	}
	if key.Namespace != namespace {
		if err != nil || !user.UsableIn(found, namespace) {
			return nil, &refusal{reason: reasonNotAllowed, message: fmt.Sprintf(
				"there is no KafkaUser %q in namespace %q that pods of namespace %q may use: create it, add %s to its annotation %s, or correct the pod's annotation %s",
				key.Name, key.Namespace, namespace, namespace, names.AnnotationAllowedNamespaces, names.AnnotationUser)}
		}
		return found, nil
	}
	if err != nil {
		return nil, &refusal{reason: reasonNoUser, message: fmt.Sprintf(
			"there is no KafkaUser %q in namespace %q: create it, or correct the pod's annotation %s", key.Name, key.Namespace, names.AnnotationUser)}
	}
	if found.Spec.Authentication != nil && found.Status.Secret == "" {
		return nil, &refusal{reason: reasonNoSecret, message: fmt.Sprintf("KafkaUser %q has no Secret yet: its conditions say what it waits for", key.Name)}
	}
	return found, nil
}

// mirrored has the user's Secret stand beside the pod.
func (p *pods) mirrored(ctx context.Context, of *v1.KafkaUser, namespace string, dryRun bool) error {
	if p.mirror == nil {
		return &refusal{reason: reasonPod, message: fmt.Sprintf("this operator looks after no KafkaUsers, so that nobody can bring the Secret of %q into namespace %q: write a KafkaBridge, and its name into the label %s",
			of.Name, namespace, names.LabelBridge)}
	}
	if dryRun {
		return nil
	}
	_, err := p.mirror(ctx, of, namespace)
	if problem := (user.Problem{}); errors.As(err, &problem) {
		return &refusal{reason: reasonNotAllowed, message: problem.Message}
	}
	return err
}
