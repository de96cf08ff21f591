package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// report writes the statuses of a Kafka and of its KafkaNodePools, if they say something new, and an Event for each failure and
// warning that is new in that of the Kafka. The pools come first: their ids must not be lost.
func (r *kafkas) report(ctx context.Context, s *scene, out kafkaOutcome, paused bool) error {
	var errs []error
	for i := range s.pools {
		errs = append(errs, r.reportPool(ctx, s, out, &s.pools[i], paused))
	}
	return errors.Join(append(errs, r.reportKafka(ctx, s, out, paused))...)
}

// reportPool writes the status of a KafkaNodePool.
func (r *kafkas) reportPool(ctx context.Context, s *scene, out kafkaOutcome, pool *v1.KafkaNodePool, paused bool) error {
	in := status.NodePoolOutcome{
		Generation: pool.Generation, Previous: pool.Status, Err: out.err, Paused: paused, Waiting: out.waiting, Overdue: out.overdue,
		Timeout: r.Timeout, Cluster: s.kafka.Name, ClusterID: s.kafka.Status.ClusterID, Now: r.Now(),
	}
	if out.modelled {
		at := slices.IndexFunc(out.want.Pools, func(p cluster.Pool) bool { return p.Name == pool.Name })
		if at >= 0 {
			in.Pool = &out.want.Pools[at]
		}
	}
	next := status.NodePool(in)
	if status.SameNodePool(pool.Status, next) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := pool.DeepCopy()
	changed.Status = next
	if err := client.IgnoreNotFound(r.client.Status().Update(ctx, changed, client.FieldOwner(names.FieldOwner))); err != nil {
		return fmt.Errorf("write status of KafkaNodePool %s: %w", pool.Name, err)
	}
	*pool = *changed
	return nil
}

// keepIDs writes down the ids of the pools' nodes before anything is made for them. It fails if a pool is not as it was read:
// ids that were chosen by an older state could be those of other nodes.
func (r *kafkas) keepIDs(ctx context.Context, s *scene, out kafkaOutcome) error {
	out.waiting = "the objects of the nodes are being made"
	for i := range s.pools {
		pool := &s.pools[i]
		at := slices.IndexFunc(out.want.Pools, func(p cluster.Pool) bool { return p.Name == pool.Name })
		if at < 0 || slices.EqualFunc(out.want.Pools[at].Nodes, pool.Status.NodeIDs, func(n cluster.Node, id int32) bool { return n.ID == id }) {
			continue
		}
		if err := r.reportPool(ctx, s, out, pool, false); err != nil {
			return err
		}
	}
	return nil
}

// reportKafka writes the status of a Kafka.
func (r *kafkas) reportKafka(ctx context.Context, s *scene, out kafkaOutcome, paused bool) error {
	previous := s.kafka.Status
	next := status.Kafka(status.KafkaOutcome{
		Generation: s.kafka.Generation, Previous: previous, Warnings: out.warnings, Err: out.err, Paused: paused,
		ClusterID: previous.ClusterID, Waiting: out.waiting, Overdue: out.overdue, Timeout: r.Timeout,
		Want: out.want, Observed: s.resources.Observed, Certificates: listenerCertificates(s, out),
		MetadataVersion: out.metadata, OperatorVersion: r.Version, Now: r.Now(),
	})
	if out.modelled && out.err == nil {
		next.RegisteredNodeIDs = registered(s, &out)
	}
	if status.SameKafka(previous, next) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	changed := s.kafka.DeepCopy()
	changed.Status = next
	if err := client.IgnoreNotFound(r.client.Status().Update(ctx, changed, client.FieldOwner(names.FieldOwner))); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	for _, c := range status.NewConditions(previous.Status, next.Status) {
		if c.Type == v1.ConditionWarning || c.Type == v1.ConditionNotReady && c.Reason != status.ReasonCreating {
			r.warn(s.kafka, c.Reason, "%s", c.Message)
		}
		r.Log.Info("status", "namespace", s.kafka.Namespace, "kafka", s.kafka.Name, "condition", c.Type, "reason", c.Reason, "message", c.Message)
	}
	return nil
}

// listenerCertificates are what clients of the listeners have to trust: the whole bundle, since brokers with certificates of a
// former key and of the new one may run side by side.
func listenerCertificates(s *scene, out kafkaOutcome) status.ListenerCertificates {
	all := status.ListenerCertificates{
		ClusterCA: single(out.certificates.Secrets[names.TrustBundle(s.kafka.Name)].Data[names.KeyClusterCA]),
		Own:       make(map[string][]string),
	}
	for _, l := range out.want.Listeners {
		if l.Certificate == nil {
			continue
		}
		if found := s.secrets[l.Certificate.SecretName]; found != nil {
			all.Own[l.Name] = single(found.Data[l.Certificate.Certificate])
		}
	}
	return all
}

// single returns each certificate of a PEM text as a text of its own.
func single(text []byte) (all []string) {
	certificates, err := pki.ParseCertificates(text)
	if err != nil {
		return nil
	}
	for _, c := range certificates {
		all = append(all, string(pki.EncodeCertificates(c)))
	}
	return all
}

// oneLine is an error's text without line ends.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
