//go:build envtest

package envtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// ownCluster makes, in a namespace, the Kafka my-cluster with a listener for certificates and what operators make for it.
func ownCluster(t *testing.T, c client.Client, namespace string) {
	t.Helper()
	for _, o := range []client.Object{kafkaWithTLS(namespace), plainSecret(namespace, "my-cluster-cluster-ca-cert", "ca.crt")} {
		if err := c.Create(deadline(t), o); err != nil {
			t.Fatal(err)
		}
	}
}

func kafkaWithTLS(namespace string) *v1.Kafka {
	kafka := userKafka()
	kafka.Name, kafka.Namespace = "my-cluster", namespace
	kafka.Spec.Kafka.Listeners = append(kafka.Spec.Kafka.Listeners, v1.Listener{
		Name: "tls", Port: 9093, Type: "internal", TLS: true, Authentication: &v1.ListenerAuthentication{Type: "tls"},
	})
	return kafka
}

// ownUser makes the KafkaUser my-app of my-cluster; with a Secret it is as the user operator leaves it.
func ownUser(t *testing.T, c client.Client, namespace string, secret string, allowed string) {
	t.Helper()
	cr := kafkaUser(namespace, "my-app", "tls")
	if allowed != "" {
		cr.Annotations = map[string]string{"steg.dev/allowed-namespaces": allowed}
	}
	if err := c.Create(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	if secret != "" {
		supply(t, c, cr, secret)
	}
}

// supply gives a KafkaUser its Secret.
func supply(t *testing.T, c client.Client, cr *v1.KafkaUser, secret string) {
	t.Helper()
	if err := c.Create(deadline(t), plainSecret(cr.Namespace, secret, "user.crt", "user.key", "ca.crt")); err != nil {
		t.Fatal(err)
	}
	cr.Status.Secret = secret
	if err := c.Status().Update(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
}

func plainSecret(namespace, name string, keys ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{}}
	for _, key := range keys {
		s.Data[key] = []byte("x")
	}
	return s
}

// asksFor is a pod that asks for my-cluster, as a user if it names one.
func asksFor(namespace, name, user string) *corev1.Pod {
	p := labelled(namespace, name)
	p.Labels = map[string]string{"steg.dev/cluster": "my-cluster"}
	if user != "" {
		p.Annotations = map[string]string{"steg.dev/user": user}
	}
	return p
}

// checkDirect looks whether a pod's sidecar has a listener's address and mounts these Secrets.
func checkDirect(t *testing.T, p *corev1.Pod, address string, secrets ...string) {
	t.Helper()
	if got := sidecars(p); !slices.Equal(got, []string{"steg-bridge"}) {
		t.Fatalf("sidecars %q", got)
	}
	i := slices.IndexFunc(p.Spec.InitContainers[0].Env, func(e corev1.EnvVar) bool { return e.Name == "STEG_PROPERTIES" })
	if settings := p.Spec.InitContainers[0].Env[i].Value; !strings.Contains(settings, "kafka.bootstrap.servers="+address+"\n") {
		t.Errorf("settings\n%s\nwithout the address %s", settings, address)
	}
	var mounted []string
	for _, v := range p.Spec.Volumes {
		if v.Secret != nil {
			mounted = append(mounted, v.Secret.SecretName)
		}
	}
	if !slices.Equal(mounted, secrets) {
		t.Errorf("mounts %q, want %q", mounted, secrets)
	}
}

// TestDirectAdmission: a pod that names a Kafka and a KafkaUser gets a sidecar, as does one that names only the Kafka.
func TestDirectAdmission(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	ownCluster(t, c, op.namespace)
	ownUser(t, c, op.namespace, "of-my-app", "")
	host := "my-cluster-kafka-bootstrap." + op.namespace + ".svc"
	user, nobody := asksFor(op.namespace, "user", "my-app"), asksFor(op.namespace, "nobody", "")
	for _, p := range []*corev1.Pod{user, nobody} {
		if err := c.Create(deadline(t), p); err != nil {
			t.Fatal(err)
		}
		if got := p.Annotations["steg.dev/injected"]; got != op.namespace+"/my-cluster" {
			t.Errorf("injected %q", got)
		}
	}
	checkDirect(t, user, host+":9093", "my-cluster-cluster-ca-cert", "of-my-app")
	checkDirect(t, nobody, host+":9092")
}

// TestDirectRefusals are what a user sees who runs kubectl, also for a dry run; each ends when its cause does.
func TestDirectRefusals(t *testing.T) {
	c, op := startWithHooks(t, operatorOptions{})
	_, other := cluster(t)
	refused := func(user, want string) {
		t.Helper()
		text := fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: refused, namespace: %s, labels: {steg.dev/cluster: my-cluster}, annotations: {steg.dev/user: %s}}, spec: {containers: [{name: app, image: app}]}}`, op.namespace, user)
		for _, how := range []string{"none", "server"} {
			out, err := kubectl(t, text, "apply", "--dry-run="+how, "-f", "-")
			if err == nil || !strings.Contains(out, `admission webhook "cluster.pods.steg.dev" denied the request: `+want) || strings.Count(out, "\n") > 0 {
				t.Errorf("dry run %s: %v: %s\nwant one line with %s", how, err, out, want)
			}
		}
	}
	refused("my-app", `there is no KafkaUser "my-app" in namespace "`+op.namespace+`": create it, or correct the pod's annotation steg.dev/user`)
	cr := kafkaUser(op.namespace, "my-app", "tls")
	if err := c.Create(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	refused("my-app", `KafkaUser "my-app" has no Secret yet: its conditions say what it waits for`)
	supply(t, c, cr, "my-app")
	refused("my-app", `there is no Kafka "my-cluster" in namespace "`+op.namespace+`": create it, or correct the pod's label steg.dev/cluster`)
	ownCluster(t, c, op.namespace)
	ownUser(t, c, other, "my-app", "warehouse")
	refused(other+"/my-app", `there is no KafkaUser "my-app" in namespace "`+other+`" that pods of namespace "`+op.namespace+`" may use: create it, add `+op.namespace+` to its annotation steg.dev/allowed-namespaces`)
	refused(other+"/nobody", `there is no KafkaUser "nobody" in namespace "`+other+`" that pods of`)
	if err := c.Create(deadline(t), asksFor(op.namespace, "at-last", "my-app")); err != nil {
		t.Error(err)
	}
}

// TestDirectElsewhere: a pod of another namespace gets the mirror of the user's Secret, a dry run makes none, and an operator that
// looks after no KafkaUsers says so.
func TestDirectElsewhere(t *testing.T) {
	admin, home := cluster(t)
	mirrors := &atomic.Int64{}
	mirror := func(ctx context.Context, of *v1.KafkaUser, namespace string) (string, error) {
		mirrors.Add(1)
		name := names.KafkaUserMirror(of.Namespace, of.Name)
		secret := plainSecret(namespace, name, "user.crt", "user.key", "ca.crt", "cluster-ca.crt")
		return name, client.IgnoreAlreadyExists(admin.Create(ctx, secret))
	}
	c, op := startWithHooks(t, operatorOptions{mirror: mirror})
	ownCluster(t, c, home)
	ownUser(t, c, home, "my-app", op.namespace)
	name, address := names.KafkaUserMirror(home, "my-app"), "my-cluster-kafka-bootstrap."+home+".svc:9093"

	dry := asksFor(op.namespace, "dry", home+"/my-app")
	if err := c.Create(deadline(t), dry, client.DryRunAll); err != nil {
		t.Fatal(err)
	}
	checkDirect(t, dry, address, name, name)
	if err := c.Get(deadline(t), client.ObjectKey{Namespace: op.namespace, Name: name}, &corev1.Secret{}); !apierrors.IsNotFound(err) || mirrors.Load() != 0 {
		t.Errorf("after a dry run: %v, %d mirrored", err, mirrors.Load())
	}
	p := asksFor(op.namespace, "app", home+"/my-app")
	if err := c.Create(deadline(t), p); err != nil {
		t.Fatal(err)
	}
	checkDirect(t, p, address, name, name)
	if mirrors.Load() == 0 {
		t.Error("nothing was mirrored")
	}

	t.Log("an operator that looks after no KafkaUsers")
	without, alone := startWithHooks(t, operatorOptions{})
	cr := &v1.KafkaUser{}
	if err := c.Get(deadline(t), client.ObjectKey{Namespace: home, Name: "my-app"}, cr); err != nil {
		t.Fatal(err)
	}
	cr.Annotations["steg.dev/allowed-namespaces"] = "*"
	if err := c.Update(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	err := without.Create(deadline(t), asksFor(alone.namespace, "app", home+"/my-app"))
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "this operator looks after no KafkaUsers") {
		t.Errorf("error %v", err)
	}
}
