package controller

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/model"
)

const (
	// reasonClock is of the warning about the operator's clock.
	reasonClock = "ClockBehind"
	// clockTolerance is how far clocks may differ before somebody is told.
	clockTolerance = 5 * time.Minute
)

// written is when the API server last took a change of a Secret, by its own clock; zero if it doesn't say.
func written(secret *corev1.Secret) time.Time {
	at := secret.CreationTimestamp.Time
	for _, by := range secret.ManagedFields {
		if by.Time != nil && by.Time.After(at) {
			at = by.Time.Time
		}
	}
	return at
}

// noteWritten makes certificates be judged by a time that is not before what was read was written. On an operator whose clock is
// behind they would be valid only in the future: it would make all of them anew, and restart every node for that.
func (i *issuer) noteWritten(secret *corev1.Secret) {
	if at := written(secret); at.After(i.now) {
		i.now = at
	}
}

// clockWarning tells whoever is responsible for the clock, if the times of Secrets have shown that it is behind.
func (i *issuer) clockWarning(clock time.Time) []model.Warning {
	behind := i.now.Sub(clock)
	if behind <= clockTolerance {
		return nil
	}
	return []model.Warning{{Reason: reasonClock, Message: fmt.Sprintf(
		"the operator's clock is at least %s behind the API server's: have the clock of its Kubernetes node set, since certificates end by it", behind.Round(time.Second))}}
}
