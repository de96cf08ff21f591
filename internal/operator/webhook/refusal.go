package webhook

import (
	"context"
	"errors"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// Outcomes and reasons, as the metrics count them. The reasons of failures are those of the operator, not of the user.
const (
	admitted = "admitted"
	refused  = "refused"
	failed   = "failed"

	reasonUnchanged   = "Unchanged"
	reasonInjected    = "Injected"
	reasonValid       = "Valid"
	reasonPod         = "PodNotInjectable"
	reasonNoBridge    = "KafkaBridgeMissing"
	reasonBridge      = "KafkaBridgeInvalid"
	reasonNoUser      = "ClusterOrUserMissing"
	reasonNotAllowed  = "UserNotAllowed"
	reasonNoSecret    = "SecretMissing"
	reasonForbidden   = "NotAllowedToRead"
	reasonTimeout     = "Timeout"
	reasonUndecodable = "Undecodable"
	reasonInternal    = "Internal"
	reasonConverted   = "Converted"
	reasonUnconverted = "NotConvertible"
)

// refusal is an answer that says no, in one line that says what to change.
type refusal struct {
	reason  string
	message string
}

func (r *refusal) Error() string { return r.message }

// answer turns an error of a handler into the answer for the API server, with the outcome and the reason for the metrics. A
// refusal is 403 Forbidden, as kubectl shows it; what the operator itself could not do is 500 or 503, so that controllers try
// again soon.
func answer(err error) (response admission.Response, outcome, reason string) {
	var no *refusal
	var pod *inject.Refusal
	var invalid model.Invalid
	switch {
	case errors.As(err, &no):
		return denied(http.StatusForbidden, metav1.StatusReasonForbidden, no.message), refused, no.reason
	case errors.As(err, &pod):
		return denied(http.StatusForbidden, metav1.StatusReasonForbidden, err.Error()), refused, reasonPod
	case errors.As(err, &invalid):
		return denied(http.StatusForbidden, metav1.StatusReasonForbidden, err.Error()), refused, reasonBridge
	case errors.Is(err, context.DeadlineExceeded), apierrors.IsTimeout(err), apierrors.IsServerTimeout(err), apierrors.IsTooManyRequests(err):
		return denied(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable, "steg-operator got no answer from the API server in time, try again: "+err.Error()), failed, reasonTimeout
	case apierrors.IsForbidden(err):
		return denied(http.StatusInternalServerError, metav1.StatusReasonInternalError, "steg-operator lacks a right: "+err.Error()), failed, reasonForbidden
	}
	return denied(http.StatusInternalServerError, metav1.StatusReasonInternalError, "steg-operator failed: "+err.Error()), failed, reasonInternal
}

func denied(code int32, reason metav1.StatusReason, message string) admission.Response {
	return admission.Response{AdmissionResponse: admissionv1.AdmissionResponse{
		Result: &metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message},
	}}
}
