package controller

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/roll"
)

// readMarks reads off a pod's annotations what it was made from.
func readMarks(annotations map[string]string) roll.Marks {
	return roll.Marks{
		Revision:         annotations[names.AnnotationRevision],
		ResourceRevision: annotations[names.AnnotationResourceRevision],
		Configuration:    annotations[names.AnnotationConfigurationHash],
		Certificates:     annotations[names.AnnotationServerCertHash],
		Trust:            annotations[names.AnnotationTrustHash],
		ClusterCAKey:     number(annotations[names.AnnotationClusterCAKeyGeneration]),
		ClusterCACert:    number(annotations[names.AnnotationClusterCACertGeneration]),
		ClientsCACert:    number(annotations[names.AnnotationClientsCACertGeneration]),
	}
}

// rollWant is the cluster as it should be, for package roll: the marks are those of the pods that are rendered.
func (r *kafkas) rollWant(s *scene, c cluster.Cluster, pods map[int32]corev1.Pod) roll.Want {
	want := roll.Want{Batch: r.Batch, StartTimeout: r.Timeout, FetchTimeout: fetchTimeout(c)}
	for p := range c.Pools {
		pool := &c.Pools[p]
		for n := range pool.Nodes {
			node := &pool.Nodes[n]
			annotations := pods[node.ID].Annotations
			wanted := roll.Node{
				ID: node.ID, Pool: pool.Name, Controller: node.Controller, ResizeInPlace: c.ResizeInPlace,
				Options: annotations[names.AnnotationDynamicHash], Marks: readMarks(annotations),
			}
			if pod := s.pods[node.ID]; pod != nil {
				wanted.Rack = pod.Annotations[names.AnnotationRack]
			}
			want.Nodes = append(want.Nodes, wanted)
		}
	}
	return want
}

// fetchTimeout is the lag up to which Kafka itself takes a voter for caught up.
func fetchTimeout(c cluster.Cluster) time.Duration {
	return time.Duration(number(c.Shared["controller.quorum.fetch.timeout.ms"])) * time.Millisecond // 0: the default
}

// rollSeen is what Kubernetes says of the cluster, for package roll.
func rollSeen(s *scene, want map[int32]corev1.Pod) roll.Seen {
	seen := roll.Seen{Pods: make(map[int32]roll.Pod, len(s.pods)), Brokers: make(map[int32]roll.Broker)}
	claims := make(map[string]*corev1.PersistentVolumeClaim, len(s.claims))
	for i := range s.claims {
		claims[s.claims[i].Name] = &s.claims[i]
	}
	for id, pod := range s.pods {
		wanted := want[id]
		seen.Pods[id] = seenPod(pod, &wanted, claims)
	}
	for pool, set := range s.sets {
		if set.Annotations[names.AnnotationManualRollingUpdate] == "true" {
			seen.RollPools = append(seen.RollPools, pool)
		}
	}
	return seen
}

// seenPod is a pod as package roll looks at it.
func seenPod(pod, wanted *corev1.Pod, claims map[string]*corev1.PersistentVolumeClaim) roll.Pod {
	p := roll.Pod{
		Name: pod.Name, UID: string(pod.UID), Marks: readMarks(pod.Annotations),
		Options:    pod.Annotations[names.AnnotationDynamicHash],
		Created:    pod.CreationTimestamp.Time,
		Since:      pod.CreationTimestamp.Time,
		Deleting:   pod.DeletionTimestamp != nil,
		Waiting:    waitingFor(pod),
		Roll:       pod.Annotations[names.AnnotationManualRollingUpdate] == "true",
		DropClaims: pod.Annotations[names.AnnotationDeletePodAndPVC] == "true",
	}
	for _, c := range pod.Status.Conditions {
		switch c.Type {
		case corev1.PodReady:
			p.Ready = c.Status == corev1.ConditionTrue
			if !c.LastTransitionTime.IsZero() {
				p.Since = c.LastTransitionTime.Time
			}
		case corev1.PodResizePending:
			p.ResizeInfeasible = p.ResizeInfeasible || c.Status == corev1.ConditionTrue && c.Reason == corev1.PodReasonInfeasible
		}
	}
	p.ResizeInfeasible = p.ResizeInfeasible || resizeRefused(pod, wanted)
	for _, claim := range claimsOf(pod, claims) {
		if claim.DeletionTimestamp != nil {
			p.ClaimsDeleting = true
			continue
		}
		p.Claims++
		for _, c := range claim.Status.Conditions {
			if c.Type == corev1.PersistentVolumeClaimFileSystemResizePending && c.Status == corev1.ConditionTrue && c.LastTransitionTime.After(p.ResizePending) {
				p.ResizePending = c.LastTransitionTime.Time
			}
		}
	}
	return p
}

// claimsOf returns the claims that a pod uses, as far as they are the cluster's.
func claimsOf(pod *corev1.Pod, claims map[string]*corev1.PersistentVolumeClaim) []*corev1.PersistentVolumeClaim {
	var used []*corev1.PersistentVolumeClaim
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		if claim := claims[v.PersistentVolumeClaim.ClaimName]; claim != nil {
			used = append(used, claim)
		}
	}
	return used
}

// waitingFor says why Kafka's container doesn't run: the reason of its own waiting state, or of that of the init container, which
// runs the node's own image; or that there is no place for the pod.
func waitingFor(pod *corev1.Pod) string {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return corev1.PodReasonUnschedulable
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for _, c := range statuses {
			if w := c.State.Waiting; w != nil && w.Reason != "" {
				return w.Reason
			}
		}
	}
	return ""
}
