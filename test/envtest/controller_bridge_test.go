//go:build envtest

package envtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const creating = "NotReady Creating: waiting for Deployment my-bridge-bridge to become available"

// made lists the objects of a kind of objects that a KafkaBridge has.
func (c *controlled) made() []string {
	c.t.Helper()
	var found []string
	for _, list := range []client.ObjectList{
		&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}, &corev1.ServiceAccountList{},
		&networkingv1.NetworkPolicyList{}, &policyv1.PodDisruptionBudgetList{},
	} {
		gvk, err := c.GroupVersionKindFor(list)
		if err != nil {
			c.t.Fatal(err)
		}
		metadata := &metav1.PartialObjectMetadataList{}
		metadata.SetGroupVersionKind(gvk)
		if err := c.List(deadline(c.t), metadata, client.InNamespace(c.namespace), client.MatchingLabels{names.LabelManagedBy: names.ManagedBy}); err != nil {
			c.t.Fatal(err)
		}
		for _, item := range metadata.Items {
			found = append(found, strings.TrimSuffix(gvk.Kind, "List")+" "+item.Name)
		}
	}
	return found
}

// TestBridgeLife follows a KafkaBridge from its making to its end.
func TestBridgeLife(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, deploying)
	c.newBridge("my-bridge", nil)
	c.becomes("my-bridge", creating)
	equal(t, []string{
		"Deployment my-bridge-bridge", "Service my-bridge-bridge-service", "ConfigMap my-bridge-bridge-config",
		"ServiceAccount my-bridge-bridge", "NetworkPolicy my-bridge-bridge", "PodDisruptionBudget my-bridge-bridge",
	}, c.made())

	d := c.serve("my-bridge-bridge")
	b := c.becomes("my-bridge", "Ready")
	equal(t, "http://my-bridge-bridge-service."+namespace+".svc:8080", b.Status.URL)
	equal(t, int32(1), b.Status.Replicas)
	selector, err := metav1.ParseToLabelSelector(b.Status.LabelSelector)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, d.Spec.Selector.MatchLabels, selector.MatchLabels)
	equal(t, 1.0, c.metric("strimzi_resources"))

	t.Log("scaled")
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
	if err := c.SubResource("scale").Update(deadline(t), b, client.WithSubResourceBody(scale)); err != nil {
		t.Fatal(err)
	}
	c.becomes("my-bridge", creating)
	if d = c.serve("my-bridge-bridge"); *d.Spec.Replicas != 3 {
		t.Fatalf("%d replicas", *d.Spec.Replicas)
	}
	equal(t, int32(3), c.becomes("my-bridge", "Ready").Status.Replicas)

	t.Log("a changed setting rolls the pods")
	before := d.Spec.Template.Annotations
	c.patch(b, `{"spec":{"consumer":{"config":{"auto.offset.reset":"earliest"}}}}`)
	c.becomes("my-bridge", creating)
	d = c.serve("my-bridge-bridge")
	if d.Spec.Template.Annotations[names.AnnotationConfigHash] == before[names.AnnotationConfigHash] {
		t.Errorf("the template has the annotations %v as before", d.Spec.Template.Annotations)
	}
	c.becomes("my-bridge", "Ready")

	t.Log("paused: nothing but the status changes")
	c.patch(b, `{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":"true"}},"spec":{"replicas":1}}`)
	b = c.becomes("my-bridge", "ReconciliationPaused")
	equal(t, int32(3), b.Status.Replicas)
	equal(t, 1.0, c.metric("strimzi_resources_paused"))
	if err := c.read("my-bridge-bridge", d); err != nil || *d.Spec.Replicas != 3 {
		t.Errorf("%v: %d replicas", err, *d.Spec.Replicas)
	}
	c.patch(b, `{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":null}}}`)
	c.becomes("my-bridge", creating)
	c.serve("my-bridge-bridge")
	c.becomes("my-bridge", "Ready")
	equal(t, 0.0, c.metric("strimzi_resources_paused"))

	t.Log("none: the objects stay")
	c.patch(b, `{"spec":{"replicas":0}}`)
	until(t, "no replicas", func() (bool, string) {
		err := c.read("my-bridge-bridge", d)
		return err == nil && *d.Spec.Replicas == 0, "some"
	})
	c.serve("my-bridge-bridge")
	c.becomes("my-bridge", "Ready")
	equal(t, 6, len(c.made()))

	if err := c.Delete(deadline(t), b); err != nil {
		t.Fatal(err)
	}
	c.measures("strimzi_resources", 0)
	equal(t, 0.0, c.metric("strimzi_reconciliations_failed_total"))
}

// TestBridgeAPISettingRolls: a setting of the deployed API alone rolls the pods too.
func TestBridgeAPISettingRolls(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, deploying)
	c.make(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "https"}, StringData: map[string]string{"tls.crt": "x", "tls.key": "y"}})
	b := c.newBridge("my-bridge", func(b *v1.KafkaBridge) {
		b.Spec.HTTP = &v1.BridgeHTTP{TLS: &v1.BridgeHTTPTLS{
			CertificateAndKey: v1.CertAndKeySecretSource{SecretName: "https", Certificate: "tls.crt", Key: "tls.key"},
		}}
	})
	before := c.serve("my-bridge-bridge").Spec.Template
	equal(t, "https://my-bridge-bridge-service."+namespace+".svc:8080", c.becomes("my-bridge", "Ready").Status.URL)
	c.patch(b, `{"spec":{"http":{"tls":{"config":{"ssl.enabled.protocols":"TLSv1.3"}}}}}`)
	d := &appsv1.Deployment{}
	until(t, "another pod template", func() (bool, string) {
		err := c.read("my-bridge-bridge", d)
		return err == nil && d.Spec.Template.Annotations[names.AnnotationConfigHash] != before.Annotations[names.AnnotationConfigHash], "the same hash"
	})
}

// TestBridgeIdle counts what passes that find nothing to do ask of the API server.
func TestBridgeIdle(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, func(o *controller.Options, _ *controller.WatchdogOptions) { o.Interval = 200 * time.Millisecond })
	c.make(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, StringData: map[string]string{"ca.crt": "x"}})
	c.newBridge("my-bridge", func(b *v1.KafkaBridge) {
		b.Spec.TLS = &v1.ClientTLS{TrustedCertificates: []v1.CertSecretSource{{SecretName: "ca", Pattern: "*.crt"}}}
	})
	c.serve("my-bridge-bridge")
	b := c.becomes("my-bridge", "Ready")
	ended := func() float64 { return c.metric("strimzi_reconciliations_successful_total") }
	passes := ended()
	until(t, "the cache to have all", func() (bool, string) { return ended() >= passes+2, "passes" })
	c.asked.take()
	passes = ended()
	until(t, "the end of six more passes, of which one may have begun before", func() (bool, string) { return ended() >= passes+6, "passes" })
	c.stop()
	asked := c.asked.take()
	for _, kind := range []string{"/secrets/ca", "/deployments/my-bridge-bridge"} {
		n := len(slices.DeleteFunc(slices.Clone(asked), func(a string) bool { return !strings.HasPrefix(a, "GET ") || !strings.HasSuffix(a, kind) }))
		if n < 5 || n > 8 { // one or two may have begun since
			t.Errorf("%d reads of %s in six passes", n, kind)
		}
	}
	if others := slices.DeleteFunc(asked, func(a string) bool {
		return strings.HasSuffix(a, "/secrets/ca") || strings.HasSuffix(a, "/deployments/my-bridge-bridge")
	}); len(others) > 0 {
		t.Errorf("also asked: %q", others)
	}
	if c.metric("strimzi_reconciliations_periodical_total") < 5 {
		t.Error("passes by time were not counted as such")
	}
	again := &v1.KafkaBridge{}
	if err := c.read("my-bridge", again); err != nil || again.ResourceVersion != b.ResourceVersion {
		t.Errorf("%v: the KafkaBridge was written", err)
	}
}

// TestBridgeSetBack: a change of somebody else to what the operator made is undone, and said.
func TestBridgeSetBack(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, deploying)
	c.newBridge("my-bridge", nil)
	d := c.serve("my-bridge-bridge")
	c.becomes("my-bridge", "Ready")
	image := d.Spec.Template.Spec.Containers[0].Image
	d.Spec.Template.Spec.Containers[0].Image = "other:1"
	if err := c.Update(deadline(t), d, client.FieldOwner("kubectl-edit")); err != nil {
		t.Fatal(err)
	}
	until(t, "the image to be as before", func() (bool, string) {
		err := c.read("my-bridge-bridge", d)
		return err == nil && d.Spec.Template.Spec.Containers[0].Image == image, d.Spec.Template.Spec.Containers[0].Image
	})
	c.says("KafkaBridge", "my-bridge", `FieldsOverridden: Deployment my-bridge-bridge: .spec.template.spec.containers[name="my-bridge-bridge"].image set by "kubectl-edit" was set back`)

	t.Log("what is deleted is made again")
	if err := c.Delete(deadline(t), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "my-bridge-bridge-service", Namespace: namespace}}); err != nil {
		t.Fatal(err)
	}
	until(t, "the Service", func() (bool, string) {
		err := c.read("my-bridge-bridge-service", &corev1.Service{})
		return err == nil, "none"
	})
}

// TestBridgePrune: what an operator with other settings does not want any more goes; what somebody else made stays.
func TestBridgePrune(t *testing.T) {
	admin, namespace := cluster(t)
	first := controllers(t, admin, namespace, deploying)
	first.newBridge("my-bridge", nil)
	first.becomes("my-bridge", creating)
	theirs := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "theirs", Labels: names.Labels("KafkaBridge", "my-bridge", "x", "y")}}
	first.make(theirs)
	first.settled()
	first.stop()
	c := controllers(t, admin, namespace, func(o *controller.Options, _ *controller.WatchdogOptions) {
		o.Defaults.WithoutNetworkPolicy, o.Defaults.WithoutPodDisruptionBudget = true, true
	})
	until(t, "the NetworkPolicy and the budget to go", func() (bool, string) {
		left := c.made()
		return slices.Equal(left, []string{
			"Deployment my-bridge-bridge", "Service my-bridge-bridge-service", "ConfigMap my-bridge-bridge-config",
			"ServiceAccount my-bridge-bridge", "NetworkPolicy theirs",
		}), strings.Join(left, ", ")
	})
}

// TestBridgeForeign: a Service of somebody else under the bridge's name is not touched, and the status says so.
func TestBridgeForeign(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, deploying)
	theirs := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "my-bridge-bridge-service"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}}}
	c.make(theirs)
	c.newBridge("my-bridge", nil)
	c.becomes("my-bridge", "NotReady KubernetesClientException: Service my-bridge-bridge-service: Service my-bridge-bridge-service exists and was not made for this resource…")
	c.says("KafkaBridge", "my-bridge", "KubernetesClientException: Service my-bridge-bridge-service")
	version := theirs.ResourceVersion
	if err := c.read(theirs.Name, theirs); err != nil || theirs.ResourceVersion != version {
		t.Errorf("%v: it was touched", err)
	}
	if err := c.Delete(deadline(t), theirs); err != nil {
		t.Fatal(err)
	}
	c.becomes("my-bridge", creating)
}

// TestBridgeSecrets: a missing Secret and a missing key are named, and looked for again; a changed password rolls the pods, a
// renewed certificate does not.
func TestBridgeSecrets(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, func(o *controller.Options, _ *controller.WatchdogOptions) { o.Interval = 200 * time.Millisecond })
	c.newBridge("my-bridge", func(b *v1.KafkaBridge) {
		b.Spec.TLS = &v1.ClientTLS{TrustedCertificates: []v1.CertSecretSource{{SecretName: "ca", Certificate: "ca.crt"}}}
		b.Spec.Authentication = &v1.ClientAuthentication{
			Type: "scram-sha-512", Username: "me",
			PasswordSecret: &v1.PasswordSecretSource{SecretName: "me", Password: "password"},
		}
	})
	c.becomes("my-bridge", "NotReady InvalidConfigurationException: Secret ca does not exist; Secret me does not exist")
	c.says("KafkaBridge", "my-bridge", "InvalidConfigurationException: Secret ca does not exist")
	equal(t, []string(nil), c.made())
	ca := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "ca"}, StringData: map[string]string{"other": "x"}}
	me := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "me"}, StringData: map[string]string{"password": "one-secret-word"}}
	c.make(ca)
	c.make(me)
	c.becomes("my-bridge", "NotReady InvalidConfigurationException: Secret ca has no key ca.crt")
	c.patch(ca, `{"stringData":{"ca.crt":"certificate"}}`)
	c.becomes("my-bridge", creating)
	first := c.serve("my-bridge-bridge").Spec.Template
	c.becomes("my-bridge", "Ready")

	c.patch(ca, `{"stringData":{"ca.crt":"renewed"}}`)
	c.settledPasses(3)
	d := &appsv1.Deployment{}
	if err := c.read("my-bridge-bridge", d); err != nil {
		t.Fatal(err)
	}
	equal(t, first, d.Spec.Template)

	c.patch(me, `{"stringData":{"password":"another-secret-word"}}`)
	until(t, "another pod template", func() (bool, string) {
		err := c.read("my-bridge-bridge", d)
		return err == nil && d.Spec.Template.Annotations[names.AnnotationAuthHash] != first.Annotations[names.AnnotationAuthHash], "the same hash"
	})
	c.stop()
	for _, word := range []string{"one-secret-word", "another-secret-word"} {
		if strings.Contains(c.log.String(), word) {
			t.Errorf("%q was logged", word)
		}
	}
}

// settledPasses waits for some more passes.
func (c *controlled) settledPasses(n float64) {
	c.t.Helper()
	from := c.metric("strimzi_reconciliations_total")
	until(c.t, "more passes", func() (bool, string) { return c.metric("strimzi_reconciliations_total") >= from+n, "passes" })
}

// TestBridgeInvalid: what cannot be is said, and nothing is made, until it is mended.
func TestBridgeInvalid(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, deploying)
	b := c.newBridge("my-bridge", func(b *v1.KafkaBridge) { b.Spec.HTTP = &v1.BridgeHTTP{Port: new(int32(8081))} })
	c.becomes("my-bridge", "NotReady InvalidResourceException: spec.http.port…")
	c.says("KafkaBridge", "my-bridge", "InvalidResourceException: spec.http.port")
	equal(t, []string(nil), c.made())
	c.patch(b, `{"spec":{"http":{"port":8088,"cors":{"allowedOrigins":["https://(?!b).example"],"allowedMethods":["GET"]}}}}`)
	c.becomes("my-bridge", `NotReady InvalidResourceException: spec.http.cors.allowedOrigins: allowed origin "https://(?!b).example": unsupported look-ahead at position 8…`)
	c.patch(b, `{"spec":{"http":{"cors":{"allowedOrigins":["https://[a-z]+\\.example"]}}}}`)
	c.becomes("my-bridge", creating)
	t.Log("a warning stands beside")
	c.patch(b, `{"spec":{"jvmOptions":{"-Xmx":"1g"}}}`)
	c.becomes("my-bridge", "Warning FieldsWithoutEffect: spec.jvmOptions…", creating)
	c.says("KafkaBridge", "my-bridge", "FieldsWithoutEffect: spec.jvmOptions")
}

// TestBridgeTimeout: a Deployment that does not become available is a failure after a while, and none once it does.
func TestBridgeTimeout(t *testing.T) {
	admin, namespace := cluster(t)
	c := controllers(t, admin, namespace, func(o *controller.Options, _ *controller.WatchdogOptions) {
		o.Interval, o.Timeout = 200*time.Millisecond, 2*time.Second
	})
	c.newBridge("my-bridge", nil)
	c.becomes("my-bridge", creating)
	c.becomes("my-bridge", "NotReady TimeoutException: Deployment my-bridge-bridge was not available after 2s: 0 of 1 pods are updated, 0 available")
	c.says("KafkaBridge", "my-bridge", "TimeoutException: ")
	c.serve("my-bridge-bridge")
	c.becomes("my-bridge", "Ready")
}
