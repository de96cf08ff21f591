package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/webhook"
)

const uninstallUsage = `steg-operator uninstall: leave nothing behind that hangs.

Without an operator nobody converts custom resources and nobody takes finalizers off. So before it is removed, it is stopped
(--deployment), the policy by which KafkaTopics begin with a finalizer is ended (--finalizer-policy), the CustomResourceDefinitions
that convert by its webhook are set to convert by themselves, and its finalizers are taken off all custom resources. Nothing else is
deleted. It may be run again at any time, and does nothing where nothing is left to do.
The chart runs it before it is uninstalled.

Flags:
`

// uninstallOptions is what `steg-operator uninstall` is told.
type uninstallOptions struct {
	kubeconfig  string
	definitions words
	deployment  string
	namespace   string
	policy      string
	timeout     time.Duration
}

// pageSize bounds how many custom resources are read at once.
const pageSize = 200

// stopPause is the time between two looks for the pods of a Deployment that is being stopped.
const stopPause = 200 * time.Millisecond

// uninstall is `steg-operator uninstall`.
func (p program) uninstall(ctx context.Context, args []string) error {
	o := uninstallOptions{definitions: words{"kafkabridges." + v1.Group}}
	f := newFlags("uninstall", uninstallUsage)
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `FILE`, outside a cluster; by default KUBECONFIG, then the pod's service account")
	f.Var(&o.definitions, "crds", "`LIST` of the CustomResourceDefinitions that the operator owns")
	f.StringVar(&o.deployment, "deployment", "", "`NAME` of the operator's Deployment, which is stopped first, lest the operator puts back what is taken off; empty: none")
	f.StringVar(&o.namespace, "namespace", ownNamespace(p.environ), "`NAMESPACE` of the Deployment")
	f.StringVar(&o.policy, "finalizer-policy", "", "`NAME` of the MutatingAdmissionPolicyBinding by which new KafkaTopics have a finalizer; empty: there is none")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "`TIME` after which it gives up")
	if err := f.read(args, p.environ, p.stdout); err != nil {
		return err
	}
	config, err := restConfig(o.kubeconfig, p.environ)
	if err != nil {
		return err
	}
	c, err := client.New(config, client.Options{})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	var stopped error
	if o.deployment != "" {
		stopped = stop(ctx, c, client.ObjectKey{Namespace: o.namespace, Name: o.deployment})
	}
	unbound := unbind(ctx, c, o.policy)
	freed, err := release(ctx, c, o.definitions)
	fmt.Fprintf(p.stdout, "finalizers taken off %d custom resources\n", freed)
	return errors.Join(stopped, unbound, err)
}

// unbind ends a policy by deleting its binding, if there is one: what is made from now on must not wait for an operator.
func unbind(ctx context.Context, c client.Client, policy string) error {
	if policy == "" {
		return nil
	}
	binding := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: policy}}
	binding.SetGroupVersionKind(admissionregistrationv1.SchemeGroupVersion.WithKind("MutatingAdmissionPolicyBinding"))
	if err := c.Delete(ctx, binding); err != nil && !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err) {
		return fmt.Errorf("delete MutatingAdmissionPolicyBinding %s: %w", policy, err)
	}
	return nil
}

// stop scales a Deployment to 0 and waits until its pods are gone. One that is gone itself is no error.
func stop(ctx context.Context, c client.Client, key client.ObjectKey) error {
	deployment := &appsv1.Deployment{}
	if err := c.Get(ctx, key, deployment); err != nil {
		return client.IgnoreNotFound(err)
	}
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))
	if err := c.Patch(ctx, deployment, patch, client.FieldOwner(names.FieldOwner)); err != nil {
		return fmt.Errorf("stop Deployment %s: %w", key.Name, err)
	}
	selector, err := metav1.LabelSelectorAsSelector(deployment.Spec.Selector)
	if err != nil {
		return fmt.Errorf("pods of Deployment %s: %w", key.Name, err)
	}
	for {
		pods := &corev1.PodList{}
		if err := c.List(ctx, pods, client.InNamespace(key.Namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
			return fmt.Errorf("pods of Deployment %s: %w", key.Name, err)
		}
		if len(pods.Items) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stop Deployment %s: %d pods are left: %w", key.Name, len(pods.Items), ctx.Err())
		case <-time.After(stopPause):
		}
	}
}

// release does what uninstall promises. Conversion goes first: an API server whose webhook is gone cannot even list.
func release(ctx context.Context, c client.Client, definitions []string) (freed int, err error) {
	errs := []error{webhook.RemoveConversion(ctx, c, definitions)}
	for _, definition := range definitions {
		n, err := free(ctx, c, definition)
		freed += n
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", definition, err))
		}
	}
	return freed, errors.Join(errs...)
}

// free takes our finalizers off all custom resources of a definition, "plural.group", and returns off how many.
func free(ctx context.Context, c client.Client, definition string) (freed int, err error) {
	plural, group, _ := strings.Cut(definition, ".")
	gvk, err := c.RESTMapper().KindFor(schema.GroupVersionResource{Group: group, Resource: plural})
	if meta.IsNoMatchError(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
	for {
		if err := c.List(ctx, list, client.Limit(pageSize), client.Continue(list.Continue)); err != nil {
			return freed, fmt.Errorf("list: %w", err)
		}
		for i := range list.Items {
			item := &list.Items[i]
			item.SetGroupVersionKind(gvk)
			done, err := unfinalize(ctx, c, item)
			if err != nil {
				return freed, fmt.Errorf("%s/%s: %w", item.Namespace, item.Name, err)
			}
			if done {
				freed++
			}
		}
		if list.Continue == "" {
			return freed, nil
		}
	}
}

// unfinalize takes our finalizers off one object and leaves those of others. The resource version is part of the patch, so
// that a finalizer that somebody adds meanwhile is not lost; then it is tried again.
func unfinalize(ctx context.Context, c client.Client, object *metav1.PartialObjectMetadata) (done bool, err error) {
	for {
		patch := withoutFinalizers(object)
		if patch == nil {
			return false, nil
		}
		err := c.Patch(ctx, object, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(names.FieldOwner))
		if !apierrors.IsConflict(err) {
			return err == nil, client.IgnoreNotFound(err)
		}
		if err := c.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			return false, client.IgnoreNotFound(err)
		}
	}
}

// withoutFinalizers returns the patch that leaves an object only the finalizers of others, or nil if it has none of ours.
func withoutFinalizers(object *metav1.PartialObjectMetadata) []byte {
	ours := func(f string) bool { return strings.HasPrefix(f, names.Domain) || f == names.FinalizerTopic }
	left := slices.DeleteFunc(slices.Clone(object.Finalizers), ours)
	if len(left) == len(object.Finalizers) {
		return nil
	}
	quoted := make([]string, 0, len(left))
	for _, finalizer := range left {
		quoted = append(quoted, strconv.Quote(finalizer))
	}
	return fmt.Appendf(nil, `{"metadata":{"resourceVersion":%q,"finalizers":[%s]}}`, object.ResourceVersion, strings.Join(quoted, ","))
}
