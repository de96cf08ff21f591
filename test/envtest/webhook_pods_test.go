//go:build envtest

package envtest

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

func kubectlApply(t *testing.T, text string) {
	t.Helper()
	if out, err := kubectl(t, text, "apply", "-f", "-"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func sidecars(p *corev1.Pod) (found []string) {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "STEG_PROPERTIES" }) {
			found = append(found, c.Name)
		}
	}
	return found
}

// TestPodAdmission: pods get a sidecar if they ask for it, as the API server sees it.
func TestPodAdmission(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	plain := labelled(op.namespace, "plain")
	plain.Labels = nil
	generated := labelled(op.namespace, "")
	generated.GenerateName = "generated-"
	for _, p := range []*corev1.Pod{labelled(op.namespace, "named"), generated, plain} {
		asks := p.Labels != nil
		if err := c.Create(deadline(t), p); err != nil {
			t.Fatal(err)
		}
		got := &corev1.Pod{}
		if err := c.Get(deadline(t), client.ObjectKeyFromObject(p), got); err != nil {
			t.Fatal(err)
		}
		want := []string(nil)
		if asks {
			want = []string{"steg-bridge"}
			if got.Annotations["steg.dev/injected"] != op.namespace+"/my-bridge" || got.Annotations["steg.dev/config-hash"] == "" {
				t.Errorf("%s: annotations %v", p.Name, got.Annotations)
			}
			if i := got.Spec.InitContainers[0]; i.RestartPolicy == nil || *i.RestartPolicy != corev1.ContainerRestartPolicyAlways {
				t.Errorf("%s: not a native sidecar: %+v", p.Name, i)
			}
			if app := got.Spec.Containers[0]; !slices.ContainsFunc(app.Env, func(e corev1.EnvVar) bool { return e.Name == "KAFKA_HTTP_URL" }) {
				t.Errorf("%s: the application is not told where the bridge is: %v", p.Name, app.Env)
			}
		}
		if diff := cmp.Diff(want, sidecars(got)); diff != "" {
			t.Errorf("%s: sidecars (-want +got)\n%s", p.Name, diff)
		}
	}
}

// TestPodDryRun: a dry run shows the sidecar and leaves nothing behind.
func TestPodDryRun(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	p := labelled(op.namespace, "dry")
	if err := c.Create(deadline(t), p, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	if len(sidecars(p)) != 1 {
		t.Errorf("containers %+v", p.Spec.InitContainers)
	}
	if err := c.Get(deadline(t), client.ObjectKeyFromObject(p), &corev1.Pod{}); !apierrors.IsNotFound(err) {
		t.Errorf("after a dry run: %v", err)
	}
}

// TestPodReinvoked: another webhook adds a container after ours, the API server asks again, and the pod has one sidecar and
// the new container its environment.
func TestPodReinvoked(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{prepare: func(mgr manager.Manager) {
		mgr.GetWebhookServer().Register("/mutate/other", &admission.Webhook{Handler: admission.HandlerFunc(addContainer)})
	}})
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	ours := &admissionregistrationv1.MutatingWebhookConfiguration{}
	if err := c.Get(deadline(t), client.ObjectKey{Name: op.namespace}, ours); err != nil {
		t.Fatal(err)
	}
	other := ours.Webhooks[0]
	other.Name, other.ClientConfig.URL = "other.example.com", new(op.url+"/mutate/other")
	later := &admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "z" + op.namespace}, Webhooks: []admissionregistrationv1.MutatingWebhook{other}}
	if err := c.Create(deadline(t), later); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), later) })
	var got *corev1.Pod
	eventually(t, "the other webhook is called", func() error {
		got = labelled(op.namespace, "")
		got.GenerateName = "again-"
		if err := c.Create(deadline(t), got, client.DryRunAll); err != nil {
			return err
		}
		if len(got.Spec.Containers) != 2 {
			return apierrors.NewInternalError(http.ErrNoLocation)
		}
		return nil
	})
	if diff := cmp.Diff([]string{"steg-bridge"}, sidecars(got)); diff != "" {
		t.Errorf("sidecars (-want +got)\n%s", diff)
	}
	for _, container := range got.Spec.Containers {
		if !slices.ContainsFunc(container.Env, func(e corev1.EnvVar) bool { return e.Name == "KAFKA_HTTP_URL" }) {
			t.Errorf("%s is not told where the bridge is: the API server did not ask again", container.Name)
		}
	}
}

// addContainer is another vendor's webhook.
func addContainer(_ context.Context, req admission.Request) admission.Response {
	p := &corev1.Pod{}
	if err := json.Unmarshal(req.Object.Raw, p); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if !slices.ContainsFunc(p.Spec.Containers, func(c corev1.Container) bool { return c.Name == "vendor" }) {
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "vendor", Image: "vendor"})
	}
	text, err := json.Marshal(p)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(req.Object.Raw, text)
}

// TestPodRefusals are what a user sees who runs kubectl.
func TestPodRefusals(t *testing.T) {
	_, op := startWithHooks(t, operatorOptions{})
	kubectlApply(t, bridge(op.namespace, "my-bridge"))
	kubectlApply(t, `{apiVersion: kafka.strimzi.io/v1, kind: KafkaBridge, metadata: {name: secured, namespace: `+op.namespace+`}, spec: {bootstrapServers: "k:9093", http: {port: 8080},
		tls: {trustedCertificates: [{secretName: my-cluster-cluster-ca-cert, certificate: ca.crt}]}}}`)
	const denied = `admission webhook "bridge.pods.steg.dev" denied the request: `
	for _, c := range []struct{ name, metadata, spec, want string }{
		{"no bridge", `labels: {steg.dev/bridge: nope}`, "", `there is no KafkaBridge "nope" in namespace "` + op.namespace + `": create it, or correct the pod's label steg.dev/bridge`},
		{"no Secret", `labels: {steg.dev/bridge: secured}`, "", `there is no Secret "my-cluster-cluster-ca-cert" in namespace "` + op.namespace + `": create it, or correct spec.tls.trustedCertificates[0] of KafkaBridge "secured"`},
		{"unknown annotation", `labels: {steg.dev/bridge: my-bridge}, annotations: {steg.dev/loglevel: debug}`, "", `annotation steg.dev/loglevel is not known: did you mean steg.dev/log-level?`},
		{"host network", `labels: {steg.dev/bridge: my-bridge}`, "hostNetwork: true,", `spec.hostNetwork is true: `},
		{"both labels", `labels: {steg.dev/bridge: my-bridge, steg.dev/cluster: c}`, "", `labels steg.dev/bridge and steg.dev/cluster exclude each other: remove one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := kubectl(t, `{apiVersion: v1, kind: Pod, metadata: {name: refused, namespace: `+op.namespace+`, `+c.metadata+`}, spec: {`+c.spec+` containers: [{name: app, image: app}]}}`, "apply", "-f", "-")
			t.Logf("%s", out)
			if err == nil || !strings.Contains(out, denied+c.want) || strings.Count(out, "\n") > 0 {
				t.Errorf("%v, want one line with\n%s", err, denied+c.want)
			}
		})
	}
}

// TestPodSecretLater: a pod whose Secret is missing is refused, and admitted once the Secret is there with its key.
func TestPodSecretLater(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	kubectlApply(t, strings.Replace(bridge(op.namespace, "my-bridge"), "spec: {", "spec: {tls: {trustedCertificates: [{secretName: ca, certificate: ca.crt}]}, ", 1))
	refusedWith := func(want string) {
		t.Helper()
		err := c.Create(deadline(t), labelled(op.namespace, "waiting"))
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	refusedWith(`there is no Secret "ca"`)
	ca := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "ca", Namespace: op.namespace}, Data: map[string][]byte{"other": nil}}
	if err := c.Create(deadline(t), ca); err != nil {
		t.Fatal(err)
	}
	refusedWith(`Secret "ca" has no key "ca.crt": add it`)
	ca.Data["ca.crt"] = []byte("x")
	if err := c.Update(deadline(t), ca); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(deadline(t), labelled(op.namespace, "waiting")); err != nil {
		t.Error(err)
	}
}

// TestBridgeWithItsPod: one command creates a KafkaBridge and a pod of it.
func TestBridgeWithItsPod(t *testing.T) {
	_, op := startWithHooks(t, operatorOptions{})
	for range 5 {
		text := bridge(op.namespace, "my-bridge") + "\n---\n" +
			`{apiVersion: v1, kind: Pod, metadata: {name: at-once, namespace: ` + op.namespace + `, labels: {steg.dev/bridge: my-bridge}}, spec: {containers: [{name: app, image: app}]}}`
		kubectlApply(t, text)
		if out, err := kubectl(t, text, "delete", "--wait=false", "--grace-period=0", "-f", "-"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestBridgeAdmission: a KafkaBridge that can't be is refused with its fields, one that is only old-fashioned gets warnings.
func TestBridgeAdmission(t *testing.T) {
	_, op := startWithHooks(t, operatorOptions{})
	meta := `metadata: {name: judged, namespace: ` + op.namespace + `}`
	for _, version := range []string{"v1", "v1beta2"} {
		out, err := kubectl(t, `{apiVersion: kafka.strimzi.io/`+version+`, kind: KafkaBridge, `+meta+`, spec: {bootstrapServers: "k", http: {port: 8080}}}`, "apply", "-f", "-")
		t.Logf("%s", out)
		if err == nil || !strings.Contains(out, "judged") || !strings.Contains(out, "spec.bootstrapServers") {
			t.Errorf("%s: %v: %s", version, err, out)
		}
	}
	out, err := kubectl(t, `{apiVersion: kafka.strimzi.io/v1, kind: KafkaBridge, `+meta+`, spec: {bootstrapServers: "k:9092", enableMetrics: true, http: {port: 8080}}}`, "apply", "-f", "-")
	t.Logf("%s", out)
	if err != nil || !strings.Contains(out, "Warning: ") || !strings.Contains(out, "spec.enableMetrics") {
		t.Errorf("%v: %s", err, out)
	}
}
