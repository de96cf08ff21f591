package webhook

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
)

// target is an object of the API server that says how a webhook is called, and whom to trust in doing so.
type target struct {
	kind schema.GroupVersionKind
	name string
	// client is what a CustomResourceDefinition is told about where the webhook is; webhook configurations say that
	// themselves.
	client map[string]any
}

func configuration(kind, name string) target {
	return target{kind: schema.GroupVersionKind{Group: "admissionregistration.k8s.io", Version: "v1", Kind: kind}, name: name}
}

func definition(name string, client map[string]any) target {
	return target{
		kind: schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
		name: name, client: client,
	}
}

// targets lists what the options name.
func (c *Certificates) targets() []target {
	var all []target
	for _, name := range c.o.Mutating {
		all = append(all, configuration("MutatingWebhookConfiguration", name))
	}
	for _, name := range c.o.Validating {
		all = append(all, configuration("ValidatingWebhookConfiguration", name))
	}
	where := map[string]any{"service": map[string]any{
		"namespace": c.o.Namespace, "name": c.o.Service, "path": names.WebhookConvert, "port": int64(443),
	}}
	if c.o.URL != "" {
		where = map[string]any{"url": c.o.URL + names.WebhookConvert}
	}
	for _, name := range c.o.CustomResources {
		all = append(all, definition(name, where))
	}
	return all
}

func (t target) read(ctx context.Context, live client.Reader) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(t.kind)
	if err := live.Get(ctx, client.ObjectKey{Name: t.name}, object); err != nil {
		return nil, fmt.Errorf("reading %s %s: %w", t.kind.Kind, t.name, err)
	}
	return object, nil
}

// install makes the object carry the bundle, and reports whether that took a write. What is applied are these fields alone,
// under the operator's field owner: all others stay with whoever wrote the object (Helm, a GitOps tool).
func (t target) install(ctx context.Context, live client.Reader, writer client.Client, bundle []byte) (bool, error) {
	object, err := t.read(ctx, live)
	if err != nil {
		return false, err
	}
	wanted := t.wanted(object, base64.StdEncoding.EncodeToString(bundle))
	if covers(object.Object, wanted) {
		return false, nil
	}
	patch := &unstructured.Unstructured{Object: wanted}
	patch.SetGroupVersionKind(t.kind)
	patch.SetName(t.name)
	patch.SetUID(object.GetUID()) // applies to this object, never creates one
	owned := client.FieldOwner(names.FieldOwner)
	if err := writer.Apply(ctx, client.ApplyConfigurationFromUnstructured(patch), owned, client.ForceOwnership); err != nil {
		return false, fmt.Errorf("installing the webhook's authorities in %s %s: %w", t.kind.Kind, t.name, err)
	}
	return true, nil
}

// wanted is the part of the object that belongs to the operator.
func (t target) wanted(object *unstructured.Unstructured, bundle string) map[string]any {
	if t.client != nil {
		where := map[string]any{"caBundle": bundle}
		for k, v := range t.client {
			where[k] = v
		}
		return map[string]any{"spec": map[string]any{"conversion": map[string]any{
			"strategy": "Webhook",
			"webhook":  map[string]any{"clientConfig": where, "conversionReviewVersions": []any{"v1"}},
		}}}
	}
	var hooks []any
	for _, name := range hookNames(object) {
		hooks = append(hooks, map[string]any{"name": name, "clientConfig": map[string]any{"caBundle": bundle}})
	}
	return map[string]any{"webhooks": hooks}
}

func hookNames(object *unstructured.Unstructured) (found []string) {
	hooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
	for _, h := range hooks {
		if m, ok := h.(map[string]any); ok {
			if name, ok := m["name"].(string); ok {
				found = append(found, name)
			}
		}
	}
	return found
}

// trusts checks that every webhook of the object is called with trust in the leaf.
func (t target) trusts(ctx context.Context, live client.Reader, leaf *x509.Certificate, now time.Time) error {
	object, err := t.read(ctx, live)
	if err != nil {
		return err
	}
	for _, text := range t.bundles(object) {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("%s %s: caBundle is no base64", t.kind.Kind, t.name)
		}
		trusted, err := pki.ParseCertificates(der)
		if err == nil {
			err = pki.Verify(leaf, trusted, now)
		}
		if err != nil {
			return fmt.Errorf("%s %s: the caBundle does not fit the webhook's certificate yet: %w", t.kind.Kind, t.name, err)
		}
	}
	return nil
}

// bundles returns each caBundle in base64, an empty text for each that is missing.
func (t target) bundles(object *unstructured.Unstructured) (found []string) {
	if t.client != nil {
		text, _, _ := unstructured.NestedString(object.Object, "spec", "conversion", "webhook", "clientConfig", "caBundle")
		return []string{text}
	}
	hooks, _, _ := unstructured.NestedSlice(object.Object, "webhooks")
	for _, h := range hooks {
		m, _ := h.(map[string]any)
		text, _, _ := unstructured.NestedString(m, "clientConfig", "caBundle")
		found = append(found, text)
	}
	return found
}

// covers reports whether have holds all of want: maps by their keys, lists element by element.
func covers(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		for k, v := range w {
			ok = ok && covers(h[k], v)
		}
		return ok
	case []any:
		h, ok := have.([]any)
		ok = ok && len(h) == len(w)
		for i := range w {
			ok = ok && covers(h[i], w[i])
		}
		return ok
	default:
		return have == want
	}
}

// RemoveConversion sets the conversion of the named CustomResourceDefinitions to None, so that custom resources can be read
// and deleted when no operator runs any more (the two versions differ in name only, nothing is lost). Definitions that are
// not there, or convert by somebody else's webhook, are left alone. All are tried; the errors are joined.
func RemoveConversion(ctx context.Context, c client.Client, definitions []string) error {
	var errs []error
	for _, name := range definitions {
		errs = append(errs, removeConversion(ctx, c, definition(name, nil)))
	}
	return errors.Join(errs...)
}

func removeConversion(ctx context.Context, c client.Client, t target) error {
	object, err := t.read(ctx, c)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !ours(object) {
		return nil
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"conversion":{"strategy":"None","webhook":null}}}`))
	if err := c.Patch(ctx, object, patch, client.FieldOwner(names.FieldOwner)); err != nil {
		return fmt.Errorf("setting the conversion of %s to None: %w", t.name, err)
	}
	return nil
}

// ours reports whether a definition converts by this operator's webhook, recognised by who wrote it.
func ours(object *unstructured.Unstructured) bool {
	strategy, _, _ := unstructured.NestedString(object.Object, "spec", "conversion", "strategy")
	if strategy != "Webhook" {
		return false
	}
	for _, f := range object.GetManagedFields() {
		if f.Manager == names.FieldOwner {
			return true
		}
	}
	return false
}
