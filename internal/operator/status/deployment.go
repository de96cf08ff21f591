package status

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// Deployment is what counts about a Deployment.
type Deployment struct {
	Name      string
	Wanted    int32 // pods that are to be
	Replicas  int32 // pods that are
	Updated   int32 // pods of the newest template
	Available int32 // pods that have been ready for a while
	Observed  bool  // the numbers are of the newest specification
	Serving   bool  // the Deployment controller says that enough pods are available
	Problem   string
}

// Observe reads a Deployment.
func Observe(d *appsv1.Deployment) Deployment {
	seen := Deployment{
		Name:      d.Name,
		Wanted:    1, // the API server's default
		Replicas:  d.Status.Replicas,
		Updated:   d.Status.UpdatedReplicas,
		Available: d.Status.AvailableReplicas,
		Observed:  d.Status.ObservedGeneration >= d.Generation,
	}
	if d.Spec.Replicas != nil {
		seen.Wanted = *d.Spec.Replicas
	}
	for _, c := range d.Status.Conditions {
		switch {
		case c.Type == appsv1.DeploymentAvailable:
			seen.Serving = c.Status == corev1.ConditionTrue
		case c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue,
			c.Type == appsv1.DeploymentProgressing && c.Status == corev1.ConditionFalse:
			seen.Problem = c.Message
		}
	}
	return seen
}

// complete tells whether the Deployment is as wanted: every pod is of the newest template, none is left of an older one, and
// as many are available as its strategy demands. One pod of several that is away for a while changes nothing, as long as
// enough are left.
func (d Deployment) complete() bool {
	return d.Observed && d.Updated == d.Wanted && d.Replicas == d.Wanted && (d.Wanted == 0 || d.Serving)
}

// shortcoming says what is missing after the time was up.
func (d Deployment) shortcoming(timeout time.Duration) string {
	message := fmt.Sprintf("Deployment %s was not available after %s: %d of %d pods are updated, %d available",
		d.Name, timeout, d.Updated, d.Wanted, d.Available)
	if d.Problem != "" {
		message += ": " + d.Problem
	}
	return message
}
