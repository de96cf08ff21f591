package webhook

import (
	"context"
	"fmt"
	"log/slog"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
)

// pods puts sidecars into pods when they are created. It changes nothing else but for mirrors, which a dry run leaves alone. A
// second call for the same pod (reinvocation) finds the sidecar and brings it to the same state.
type pods struct {
	reader
	decoder      admission.Decoder
	checkSecrets bool
	native       func() bool
	mirror       Mirror // nil: nobody mirrors
	metrics      *metrics
	log          *slog.Logger
}

// Handle answers for one pod.
func (p *pods) Handle(ctx context.Context, req admission.Request) admission.Response {
	response, reason, err := p.judge(ctx, req)
	if err == nil {
		p.metrics.count(webhookPods, admitted, reason)
		return response
	}
	response, outcome, reason := answer(err)
	p.metrics.count(webhookPods, outcome, reason)
	p.log.Warn("pod not admitted", "namespace", req.Namespace, "outcome", outcome, "reason", reason, "message", response.Result.Message)
	return response
}

func (p *pods) judge(ctx context.Context, req admission.Request) (response admission.Response, reason string, err error) {
	pod := &corev1.Pod{}
	if err := p.decoder.DecodeRaw(req.Object, pod); err != nil {
		return response, "", &refusal{reason: reasonUndecodable, message: "the pod can't be decoded: " + err.Error()}
	}
	wish, wanted, err := inject.Wants(pod.Labels, pod.Annotations)
	if err != nil {
		return response, "", err
	}
	if !wanted {
		return admission.Allowed(""), reasonUnchanged, nil
	}
	// A pod that a controller makes has neither namespace nor name yet: the namespace is the request's.
	bridge, err := p.wanted(ctx, wish, req.Namespace, req.DryRun != nil && *req.DryRun)
	if err != nil {
		return response, "", err
	}
	changed, warnings, err := inject.Pod(pod, inject.Request{Namespace: req.Namespace, Bridge: bridge, Native: p.native()})
	if err != nil {
		return response, "", err
	}
	patch, err := jsonPatch(req.Object.Raw, pod, changed)
	if err != nil {
		return response, "", err
	}
	response = admission.Allowed("")
	response.Warnings = warnings
	if patch == nil {
		return response, reasonUnchanged, nil
	}
	response.Patch, response.PatchType = patch, new(admissionv1.PatchTypeJSONPatch)
	return response, reasonInjected, nil
}

// wanted returns the checked KafkaBridge that a pod asks for, or that stands for its wish. Its warnings are the KafkaBridge's
// owner's business and stand in its status: who creates a pod gets those of the pod alone.
func (p *pods) wanted(ctx context.Context, wish inject.Wish, namespace string, dryRun bool) (model.Bridge, error) {
	var (
		resource *v1.KafkaBridge
		err      error
	)
	if wish.Bridge != "" {
		resource, err = p.bridge(ctx, client.ObjectKey{Namespace: namespace, Name: wish.Bridge})
	} else {
		resource, err = p.direct(ctx, wish, namespace, dryRun)
	}
	if err != nil {
		return model.Bridge{}, err
	}
	resources, err := p.resources(ctx, resource)
	if err != nil {
		return model.Bridge{}, err
	}
	bridge, _, err := model.ForBridge(resources)
	if err != nil {
		return model.Bridge{}, fmt.Errorf("%s can't be used: %w", wish, err)
	}
	if brought := !dryRun || !wish.Elsewhere(namespace); p.checkSecrets && brought {
		err = p.secrets(ctx, resource, wish)
	}
	return bridge, err
}
