package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// Reasons of warnings about what is left when all pods are as wanted; the first is the reference operator's.
const (
	reasonMetadata   = "MetadataUpdateFailed"
	reasonQuotas     = "QuotasUpdateFailed"
	reasonUnregister = "UnregisterFailed"
)

// settle sees to what has to wait: brokers that left are forgotten and their claims deleted when their pods are gone; the metadata
// version and the default quotas are set when all nodes are as wanted. What fails is a warning, and tried again at the next pass.
func (r *kafkas) settle(ctx context.Context, s *scene, out *kafkaOutcome, step roll.Step) error {
	if err := errors.Join(r.dropSecrets(ctx, s, out), r.dropClaims(ctx, s, out)); err != nil {
		return err
	}
	if !answers(s) {
		return nil
	}
	leave := r.leavers(s, out)
	if step.Do != roll.Nothing && len(leave) == 0 {
		return nil
	}
	err := r.ask(ctx, s, func(ctx context.Context, b Brokers) error {
		r.unregister(ctx, b, s, out, leave)
		if step.Do == roll.Nothing {
			r.finalize(ctx, b, s, out)
			r.limit(ctx, b, out)
		}
		return nil
	})
	if err != nil {
		r.Log.Warn("Kafka can't be asked", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "error", err)
	}
	return nil
}

// registered are the nodes that the cluster is known to have: those wanted, and those that left and are not forgotten yet. The
// status keeps them, so that a broker is forgotten even if the operator ends in between.
func registered(s *scene, out *kafkaOutcome) []int32 {
	ids := make(map[int32]bool)
	for _, id := range s.kafka.Status.RegisteredNodeIDs {
		ids[id] = true
	}
	for node := range nodesOf(out.want) {
		ids[node.ID] = true
	}
	for _, pool := range out.want.Pools {
		for _, id := range pool.Leaving {
			ids[id] = true
		}
	}
	for _, id := range out.forgotten {
		delete(ids, id)
	}
	return slices.Sorted(maps.Keys(ids))
}

// leavers are the nodes that left and whose pods are gone.
func (r *kafkas) leavers(s *scene, out *kafkaOutcome) []int32 {
	wanted := make(map[int32]bool)
	for node := range nodesOf(out.want) {
		wanted[node.ID] = true
	}
	return slices.DeleteFunc(registered(s, out), func(id int32) bool { return wanted[id] || s.pods[id] != nil })
}

// unregister makes the cluster forget brokers that left.
func (r *kafkas) unregister(ctx context.Context, b Brokers, s *scene, out *kafkaOutcome, leave []int32) {
	for _, id := range leave {
		if err := b.Unregister(ctx, id); err != nil {
			out.warnings = append(out.warnings, model.Warning{Reason: reasonUnregister, Message: err.Error()})
			continue
		}
		out.forgotten = append(out.forgotten, id)
		r.Log.Info("broker unregistered", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "node", id)
	}
}

// finalize puts the metadata version to what is wanted, now that every node can run it, and reads it.
func (r *kafkas) finalize(ctx context.Context, b Brokers, s *scene, out *kafkaOutcome) {
	warn := func(err error) {
		out.warnings = append(out.warnings, model.Warning{Reason: reasonMetadata, Message: err.Error()})
	}
	features, err := b.Features(ctx)
	if err != nil {
		warn(err)
		return
	}
	now, known := features.Finalized[kafkaadmin.MetadataVersion]
	if !known {
		return
	}
	if name, ok := kafkaconf.MetadataName(now); ok {
		out.metadata = name
	}
	wanted, ok := kafkaconf.MetadataLevel(out.want.Metadata)
	if !ok || wanted == now {
		return
	}
	if err := b.SetFeature(ctx, kafkaadmin.MetadataVersion, wanted); err != nil {
		warn(fmt.Errorf("the metadata version stays %s: %w", out.metadata, err))
		return
	}
	r.Log.Info("metadata version set", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "from", out.metadata, "to", out.want.Metadata)
	out.metadata = out.want.Metadata
}

// limit puts the default quotas of users to what is wanted; without spec.kafka.quotas they are left alone.
func (r *kafkas) limit(ctx context.Context, b Brokers, out *kafkaOutcome) {
	if out.want.Quotas == nil || out.want.Quotas.Type != v1.QuotasKafka {
		return
	}
	have, err := b.DefaultQuotas(ctx)
	if err == nil {
		if set, remove := quotaChange(out.want.Quotas, have); len(set)+len(remove) > 0 {
			err = b.SetDefaultQuotas(ctx, set, remove)
		}
	}
	if err != nil {
		out.warnings = append(out.warnings, model.Warning{Reason: reasonQuotas, Message: err.Error()})
	}
}

// quotaChange compares the default quotas with those that are wanted. Keys that a Kafka can't name are left alone.
func quotaChange(q *v1.KafkaQuotas, have map[string]float64) (set map[string]float64, remove []string) {
	set = make(map[string]float64)
	take := func(key string, wanted bool, value float64) {
		now, there := have[key]
		switch {
		case wanted && (!there || now != value):
			set[key] = value
		case !wanted && there:
			remove = append(remove, key)
		}
	}
	take("producer_byte_rate", q.ProducerByteRate != nil, float64(value(q.ProducerByteRate)))
	take("consumer_byte_rate", q.ConsumerByteRate != nil, float64(value(q.ConsumerByteRate)))
	take("request_percentage", q.RequestPercentage != nil, float64(value(q.RequestPercentage)))
	take("controller_mutation_rate", q.ControllerMutationRate != nil, value(q.ControllerMutationRate))
	return set, remove
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// dropClaims deletes claims that no node wants any more, if they are marked for it: of nodes that left and of volumes that were
// taken away. Those that a pod still uses wait for it.
func (r *kafkas) dropClaims(ctx context.Context, s *scene, out *kafkaOutcome) error {
	kept := make(map[string]bool)
	for node := range nodesOf(out.want) {
		for _, claim := range node.Claims {
			kept[claim.Name] = true
		}
	}
	for _, pod := range s.pods {
		for _, v := range pod.Spec.Volumes {
			if v.PersistentVolumeClaim != nil {
				kept[v.PersistentVolumeClaim.ClaimName] = true
			}
		}
	}
	var errs []error
	for i := range s.claims {
		if claim := &s.claims[i]; !kept[claim.Name] && claim.Annotations[names.AnnotationDeleteClaim] == "true" {
			errs = append(errs, r.deleteClaim(ctx, s, claim))
		}
	}
	return errors.Join(errs...)
}

// dropSecrets deletes the Secrets of nodes that left. Which pool a node was of is forgotten by then.
func (r *kafkas) dropSecrets(ctx context.Context, s *scene, out *kafkaOutcome) error {
	var errs []error
	for _, id := range r.leavers(s, out) {
		for _, pool := range out.want.Pools {
			errs = append(errs, r.removeSecret(ctx, s, names.NodePod(s.kafka.Name, pool.Name, id)))
		}
	}
	return errors.Join(errs...)
}

// warn puts a warning Event on a Kafka.
func (r *kafkas) warn(kafka *v1.Kafka, reason, format string, args ...any) {
	r.event(kafka, nil, corev1.EventTypeWarning, reason, "Reconcile", format, args...)
}
