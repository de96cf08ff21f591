//go:build envtest

package envtest

import (
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

func metaOf(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// quote writes a text as a JSON string.
func quote(text []byte) string { return strconv.Quote(string(text)) }

func allow(namespaces string) func(*v1.KafkaUser) {
	return func(cr *v1.KafkaUser) {
		cr.Annotations = map[string]string{names.AnnotationAllowedNamespaces: namespaces}
	}
}

// TestUserMirror: the Secret of a KafkaUser stands in the namespaces that may use it, is kept fresh, and goes when they may no
// longer or when the KafkaUser goes.
func TestUserMirror(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	mirror := names.KafkaUserMirror(w.namespace, "my-app")
	cr := w.newUser("my-app", "scram-sha-512", allow(w.other+", "+w.namespace))
	w.userIs(w.namespace, "my-app", "Ready")
	source := w.secretIs(w.namespace, "my-app", "there", func(*corev1.Secret) bool { return true })
	same := func(want *corev1.Secret) func(*corev1.Secret) bool {
		return func(s *corev1.Secret) bool {
			vouches := strings.Contains(string(s.Data[names.KeyMirroredAuthority]), "BEGIN CERTIFICATE") // of the cluster's authority
			return vouches && len(s.Data) == len(want.Data)+1 && string(s.Data["password"]) == string(want.Data["password"]) && string(s.Data["user.crt"]) == string(want.Data["user.crt"])
		}
	}
	found := w.secretIs(w.other, mirror, "like the user's", same(source))
	equal(t, w.namespace+"/my-app", found.Annotations[names.AnnotationMirrorOf])

	t.Log("kept fresh")
	w.patch(cr, `{"spec":{"authentication":{"type":"tls"}}}`)
	source = w.secretIs(w.namespace, "my-app", "with a certificate", func(s *corev1.Secret) bool { return len(s.Data) == 5 })
	w.secretIs(w.other, mirror, "with a certificate", same(source))

	t.Log("no longer allowed")
	w.patch(cr, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":null}}}`)
	w.without(w.other, mirror)
	w.noMark(w.other, mirror)

	t.Log("any namespace may: only those that ask have one")
	w.patch(cr, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":"*"}}}`)
	allowed := w.userIs(w.namespace, "my-app", "Ready")
	until(t, "the annotation", func() (bool, string) {
		allowed = w.userIs(w.namespace, "my-app", "Ready")
		return allowed.Annotations[names.AnnotationAllowedNamespaces] == "*", ""
	})
	w.without(w.other, mirror)
	name, err := w.mirrors.Ensure(deadline(t), allowed, w.other)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, mirror, name)
	w.secretIs(w.other, mirror, "there at once", same(source))
	if own, err := w.mirrors.Ensure(deadline(t), allowed, w.namespace); err != nil || own != "my-app" {
		t.Error(own, err)
	}
	w.patch(cr, `{"spec":{"authentication":{"type":"scram-sha-512"}}}`)
	source = w.secretIs(w.namespace, "my-app", "with a password", func(s *corev1.Secret) bool { return len(s.Data) == 2 })
	w.secretIs(w.other, mirror, "fresh", same(source))

	t.Log("an operator that starts later finds the mirrors of a KafkaUser that is gone")
	w.stop()
	if err := w.Delete(deadline(t), cr); err != nil {
		t.Fatal(err)
	}
	userControllers(t, w.Client, w.namespace, w.other, userSetting{bootstrap: w.kafka.Bootstrap()})
	w.without(w.other, mirror)
	w.noMark(w.other, mirror)
}

func (o *userOperator) noMark(namespace, name string) {
	o.t.Helper()
	until(o.t, "no mark", func() (bool, string) {
		marks := &corev1.ConfigMapList{}
		if err := o.List(deadline(o.t), marks); err != nil {
			o.t.Fatal(err)
		}
		for _, m := range marks.Items {
			if m.Namespace == namespace && m.Name == name {
				return false, "it is there"
			}
		}
		return true, ""
	})
}

// TestUserMirrorRefused: what is not a mirror is never overwritten; a namespace that is not there or not looked at, and an
// annotation that can't be read, are warnings; who is not allowed gets nothing.
func TestUserMirrorRefused(t *testing.T) {
	w := newUserWorld(t, userSetting{}, nil)
	mirror := names.KafkaUserMirror(w.namespace, "my-app")
	theirs := &corev1.Secret{ObjectMeta: metaOf(w.other, mirror), StringData: map[string]string{"password": "theirs"}}
	w.make(theirs)
	cr := w.newUser("my-app", "scram-sha-512", allow(w.other))
	taken := "Warning SecretNotMirrored: Secret " + mirror + " in namespace " + w.other + " exists and is no mirror of this user's Secret: delete it"
	w.userIs(w.namespace, "my-app", taken, "Ready")
	w.says("KafkaUser", "my-app", "SecretNotMirrored: Secret "+mirror)
	w.patch(cr, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":null}}}`)
	w.userIs(w.namespace, "my-app", "Ready")
	w.secretIs(w.other, mirror, "untouched", func(s *corev1.Secret) bool { return string(s.Data["password"]) == "theirs" })

	w.patch(cr, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":"elsewhere"}}}`)
	w.userIs(w.namespace, "my-app", "Warning SecretNotMirrored: namespace elsewhere is none of those that the operator looks at", "Ready")
	w.patch(cr, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":"Not A Name"}}}`)
	w.userIs(w.namespace, "my-app", `Warning SecretNotMirrored: metadata.annotations[steg.dev/allowed-namespaces]: "Not A Name"…`, "Ready")
	if _, err := w.mirrors.Ensure(deadline(t), w.userIs(w.namespace, "my-app", "Warning…", "Ready"), w.other); err == nil {
		t.Error("mirrored by an annotation that can't be read")
	}
	w.patch(cr, `{"metadata":{"annotations":{"steg.dev/allowed-namespaces":null}}}`)
	_, err := w.mirrors.Ensure(deadline(t), w.userIs(w.namespace, "my-app", "Ready"), w.other)
	if err == nil || !strings.Contains(err.Error(), "KafkaUser my-app of namespace "+w.namespace+" may not be used in namespace "+w.other) {
		t.Error(err)
	}

	t.Log("asked for before there is a Secret: the mirror comes with it")
	late := w.newUser("late", "scram-sha-512", func(cr *v1.KafkaUser) {
		allow("*")(cr)
		cr.Spec.Authentication.Password = &v1.UserPassword{ValueFrom: v1.SecretKeySource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "mine"}, Key: "pw",
		}}}
	})
	w.userIs(w.namespace, "late", "NotReady InvalidConfigurationException: spec.authentication.password…")
	name, err := w.mirrors.Ensure(deadline(t), late, w.other)
	if err != nil {
		t.Fatal(err)
	}
	w.make(&corev1.Secret{ObjectMeta: metaOf("", "mine"), StringData: map[string]string{"pw": "my-own"}})
	w.touch("late", "one")
	w.secretIs(w.other, name, "there", func(s *corev1.Secret) bool { return string(s.Data["password"]) == "my-own" })
}
