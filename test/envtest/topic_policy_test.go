//go:build envtest

package envtest

import (
	"context"
	"os"
	"slices"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// driver is a client for many requests: an administrator by a token, since a certificate is verified with each request, which is the
// API server's time.
func driver(t *testing.T) client.Client {
	t.Helper()
	admin, namespace := cluster(t)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "driver"}}
	if err := admin.Create(deadline(t), account); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account.Name}},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	}
	temporary(t, admin, binding)
	token := &authenticationv1.TokenRequest{}
	if err := admin.SubResource("token").Create(deadline(t), account, token); err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(server)
	config.BearerToken, config.QPS = token.Status.Token, -1
	return clientFor(t, config)
}

// temporary creates an object of the whole cluster, which goes with the test.
func temporary(t *testing.T, admin client.Client, o client.Object) {
	t.Helper()
	if err := admin.Create(deadline(t), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := admin.Delete(ctx, o); err != nil {
			t.Error(err)
		}
	})
}

// finalizerPolicy is what the chart makes of the policy for new KafkaTopics, for one namespace, and returns when it counts.
func finalizerPolicy(t *testing.T, admin client.Client, namespace string) {
	t.Helper()
	text, err := os.ReadFile(files + "topic-finalizer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	policy := &admissionregistrationv1.MutatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := yaml.UnmarshalStrict(text, &policy.Spec); err != nil {
		t.Fatal(err)
	}
	temporary(t, admin, policy)
	temporary(t, admin, &admissionregistrationv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: admissionregistrationv1.MutatingAdmissionPolicyBindingSpec{
			PolicyName: namespace,
			MatchResources: &admissionregistrationv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			},
		},
	})
	until(t, "the policy to count", func() (bool, string) {
		probe := topicOf("probe", 1, 1, "")
		probe.Namespace = namespace
		if err := admin.Create(deadline(t), probe, client.DryRunAll); err != nil {
			return false, err.Error()
		}
		return len(probe.Finalizers) > 0, "no finalizer"
	})
}

// TestTopicFinalizerPolicy: with the chart's policy a KafkaTopic of a cluster begins with the operator's finalizer, in either version,
// beside those that it brings; one that is nobody's, or left alone, does not.
func TestTopicFinalizerPolicy(t *testing.T) {
	c, namespace := cluster(t)
	finalizerPolicy(t, c, namespace)
	plain, other, mine, alone, nobody := topicOf("plain", 1, 1, ""), topicOf("other", 1, 1, ""), topicOf("mine", 1, 1, ""), topicOf("alone", 1, 1, ""), topicOf("nobody", 1, 1, "")
	other.Finalizers = []string{"example.com/other"}
	mine.Finalizers = []string{names.FinalizerTopic}
	alone.Annotations = map[string]string{names.AnnotationManaged: "false"}
	nobody.Labels = nil
	old := topicOf("old", 1, 1, "")
	for _, tc := range []struct {
		made client.Object
		want []string
	}{
		{plain, []string{names.FinalizerTopic}},
		{other, []string{"example.com/other", names.FinalizerTopic}},
		{mine, []string{names.FinalizerTopic}},
		{alone, nil},
		{nobody, nil},
		{&v1beta2.KafkaTopic{ObjectMeta: old.ObjectMeta, Spec: old.Spec}, []string{names.FinalizerTopic}},
	} {
		tc.made.SetNamespace(namespace)
		if err := c.Create(deadline(t), tc.made); err != nil {
			t.Fatal(err)
		}
		read := &v1.KafkaTopic{}
		if err := c.Get(deadline(t), client.ObjectKeyFromObject(tc.made), read); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(read.Finalizers, tc.want) {
			t.Errorf("%s has the finalizers %q instead of %q", read.Name, read.Finalizers, tc.want)
		}
	}
}
