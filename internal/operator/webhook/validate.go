package webhook

import (
	"context"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// bridges judges KafkaBridges when they are written. The controller comes to the same judgement later; here it reaches the
// person at the keyboard.
type bridges struct {
	reader
	decoder admission.Decoder
	metrics *metrics
}

// Handle answers for one KafkaBridge.
func (b *bridges) Handle(ctx context.Context, req admission.Request) admission.Response {
	response, outcome, reason := b.judge(ctx, req)
	b.metrics.count(webhookBridges, outcome, reason)
	return response
}

func (b *bridges) judge(ctx context.Context, req admission.Request) (response admission.Response, outcome, reason string) {
	bridge := &v1.KafkaBridge{}
	if err := b.decoder.DecodeRaw(req.Object, bridge); err != nil {
		return answer(&refusal{reason: reasonUndecodable, message: "the KafkaBridge can't be decoded: " + err.Error()})
	}
	if bridge.DeletionTimestamp != nil {
		return admission.Allowed(""), admitted, reasonUnchanged // finalizers have to go, whatever it says
	}
	resources, err := b.resources(ctx, bridge)
	if err != nil {
		return answer(err)
	}
	_, found, err := model.ForBridge(resources)
	response = admission.Allowed("")
	for _, w := range found {
		response.Warnings = append(response.Warnings, w.Message)
	}
	if err == nil {
		return response, admitted, reasonValid
	}
	if b.unchanged(req, bridge) {
		response.Warnings = append(response.Warnings, err.Error())
		return response, admitted, reasonUnchanged
	}
	no := denied(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, err.Error())
	no.Result.Details = &metav1.StatusDetails{Group: v1.GroupVersion.Group, Kind: names.KindKafkaBridge, Name: bridge.Name, Causes: causes(err)}
	no.Warnings = response.Warnings
	return no, refused, reasonBridge
}

// unchanged reports whether an update leaves alone all that is judged: a KafkaBridge that was accepted once, perhaps by an
// older operator, must not stand in the way of those who write its other fields.
func (b *bridges) unchanged(req admission.Request, bridge *v1.KafkaBridge) bool {
	if req.Operation != admissionv1.Update {
		return false
	}
	old := &v1.KafkaBridge{}
	if err := b.decoder.DecodeRaw(req.OldObject, old); err != nil {
		return false
	}
	return equality.Semantic.DeepEqual(old.Spec, bridge.Spec) && equality.Semantic.DeepEqual(old.Annotations, bridge.Annotations) &&
		equality.Semantic.DeepEqual(old.Labels, bridge.Labels)
}

// causes lists every model.Invalid of an error, with its field, for kubectl and other programs.
func causes(err error) []metav1.StatusCause {
	switch e := err.(type) { //nolint:errorlint // this walks the chain itself, to find all and not the first
	case model.Invalid:
		return []metav1.StatusCause{{Type: metav1.CauseTypeFieldValueInvalid, Field: e.Field, Message: e.Message}}
	case interface{ Unwrap() []error }:
		var all []metav1.StatusCause
		for _, one := range e.Unwrap() {
			all = append(all, causes(one)...)
		}
		return all
	case interface{ Unwrap() error }:
		return causes(e.Unwrap())
	}
	return nil
}
