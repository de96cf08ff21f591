package controller

import (
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// userKafka is a Kafka that looks after users.
func userKafka(change func(*v1.Kafka)) *v1.Kafka {
	k := &v1.Kafka{Spec: v1.KafkaSpec{
		Kafka:          v1.KafkaClusterSpec{Authorization: &v1.KafkaAuthorization{Type: "simple"}},
		EntityOperator: &v1.EntityOperatorSpec{UserOperator: &v1.EntityUserOperatorSpec{}},
	}}
	if change != nil {
		change(k)
	}
	return k
}

func TestTermsOf(t *testing.T) {
	at := client.ObjectKey{Namespace: "kafka", Name: "my-cluster"}
	for want, tried := range map[string]struct {
		cluster client.ObjectKey
		kafka   *v1.Kafka
	}{
		"metadata.labels[strimzi.io/cluster]: it is missing":                                   {client.ObjectKey{Namespace: "kafka"}, nil},
		"metadata.labels[strimzi.io/cluster]: there is no Kafka my-cluster in namespace kafka": {at, nil},
		"the Kafka my-cluster is being deleted":                                                {at, userKafka(func(k *v1.Kafka) { k.DeletionTimestamp = &metav1.Time{} })},
		"KafkaUsers of the Kafka my-cluster are not looked after":                              {at, userKafka(func(k *v1.Kafka) { k.Spec.EntityOperator.UserOperator = nil })},
	} {
		_, err := termsOf(tried.cluster, tried.kafka)
		var p user.Problem
		if !errors.As(err, &p) || !strings.HasPrefix(p.Message, want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	const day = 24 * time.Hour
	terms, err := termsOf(at, userKafka(nil))
	if err != nil || terms.options.Validity != 365*day || terms.options.RenewBefore != 30*day || terms.options.NoACLs || terms.never || !terms.windows.Open(time.Now()) {
		t.Errorf("%+v %v", terms, err)
	}
	terms, err = termsOf(at, userKafka(func(k *v1.Kafka) {
		k.Spec.ClientsCa = &v1.CertificateAuthority{ValidityDays: new(int32(10)), RenewalDays: new(int32(2))}
		k.Spec.MaintenanceTimeWindows = []string{"rubbish"}
		k.Spec.EntityOperator.UserOperator.SecretPrefix = "kafka-"
	}))
	if err != nil || terms.options.Validity != 10*day || terms.options.RenewBefore != 2*day || !terms.never || terms.options.SecretPrefix != "kafka-" {
		t.Errorf("%+v %v", terms, err)
	}
}

func TestNoACLs(t *testing.T) {
	for i, c := range []struct {
		a    *v1.KafkaAuthorization
		want bool
	}{
		{nil, true},
		{&v1.KafkaAuthorization{Type: "simple"}, false},
		{&v1.KafkaAuthorization{Type: "custom"}, true},
		{&v1.KafkaAuthorization{Type: "custom", SupportsAdminAPI: new(false)}, true},
		{&v1.KafkaAuthorization{Type: "custom", SupportsAdminAPI: new(true)}, false},
	} {
		if noACLs(c.a) != c.want {
			t.Errorf("%d: %v", i, !c.want)
		}
	}
}

func TestBelongs(t *testing.T) {
	cr := &v1.KafkaUser{ObjectMeta: metav1.ObjectMeta{Name: "my-app"}}
	owner := func(kind, name string) []metav1.OwnerReference {
		return []metav1.OwnerReference{{Kind: kind, Name: name, UID: "x"}}
	}
	labels := map[string]string{
		names.LabelKind: names.KindKafkaUser, names.LabelManagedBy: names.ManagedByUsers, names.LabelInstance: "my-app",
	}
	for what, c := range map[string]struct {
		meta metav1.ObjectMeta
		want bool
	}{
		"nobody's":                        {metav1.ObjectMeta{}, false},
		"its own, or a namesake's before": {metav1.ObjectMeta{OwnerReferences: owner("KafkaUser", "my-app")}, true},
		"another user's":                  {metav1.ObjectMeta{OwnerReferences: owner("KafkaUser", "other"), Labels: labels}, false},
		"another kind's":                  {metav1.ObjectMeta{OwnerReferences: owner("Deployment", "my-app"), Labels: labels}, false},
		"restored without its owner":      {metav1.ObjectMeta{Labels: labels}, true},
		"restored, of another user":       {metav1.ObjectMeta{Labels: map[string]string{names.LabelKind: names.KindKafkaUser, names.LabelManagedBy: names.ManagedByUsers, names.LabelInstance: "other"}}, false},
	} {
		if belongs(&corev1.Secret{ObjectMeta: c.meta}, cr) != c.want {
			t.Errorf("%s: %v", what, !c.want)
		}
	}
}

func TestMirrorOf(t *testing.T) {
	for text, want := range map[string]bool{"shop/my-app": true, "": false, "shop": false, "shop/": false, "/my-app": false} {
		of, ok := mirrorOf(&metav1.ObjectMeta{Annotations: map[string]string{names.AnnotationMirrorOf: text}})
		if ok != want || ok && of != (client.ObjectKey{Namespace: "shop", Name: "my-app"}) {
			t.Errorf("%q: %v %v", text, of, ok)
		}
	}
}

// A wish changes with what the Secret depends on, and with nothing else.
func TestWishOf(t *testing.T) {
	base := func() user.User {
		return user.User{Name: "my-app", Authentication: user.TLS, Validity: time.Hour, Secret: &user.Secret{Name: "my-app", Labels: map[string]string{"a": "b", "c": "d"}}}
	}
	same := base()
	same.ACLs, same.Quotas = []user.ACL{{Name: "x"}}, map[string]float64{"x": 1}
	if wishOf(base()) != wishOf(same) {
		t.Error("rights count")
	}
	for what, change := range map[string]func(*user.User){
		"authentication": func(u *user.User) { u.Authentication = user.SCRAM },
		"password":       func(u *user.User) { u.PasswordFrom = &user.SecretKey{Secret: "a", Key: "b"} },
		"validity":       func(u *user.User) { u.Validity++ },
		"renewal":        func(u *user.User) { u.RenewBefore++ },
		"no Secret":      func(u *user.User) { u.Secret = nil },
		"name":           func(u *user.User) { u.Secret.Name = "x" },
		"label":          func(u *user.User) { u.Secret.Labels["a"] = "x" },
		"annotation":     func(u *user.User) { u.Secret.Annotations = map[string]string{"a": "b"} },
	} {
		u := base()
		change(&u)
		if wishOf(base()) == wishOf(u) {
			t.Errorf("%s does not count", what)
		}
	}
	a, b := base(), base()
	a.PasswordFrom, b.PasswordFrom = &user.SecretKey{Secret: "a", Key: "b"}, &user.SecretKey{Secret: "a", Key: "b"}
	if wishOf(a) != wishOf(b) {
		t.Error("the same wish counts as another one")
	}
}

func TestHandles(t *testing.T) {
	var got []string
	h := handles(func(before, after *v1.Kafka) {
		text := ""
		if before != nil {
			text = before.Name
		}
		text += ">"
		if after != nil {
			text += after.Name
		}
		got = append(got, text)
	})
	named := func(name string) *v1.Kafka { return &v1.Kafka{ObjectMeta: metav1.ObjectMeta{Name: name}} }
	h.OnAdd(named("a"), false)
	h.OnUpdate(named("a"), named("b"))
	h.OnDelete(named("b"))
	h.OnDelete(toolscache.DeletedFinalStateUnknown{Obj: named("c")})
	h.OnAdd(&v1.KafkaUser{}, false)
	if text := strings.Join(got, " "); text != ">a a>b b> c>" {
		t.Error(text)
	}
}

func TestUserInterval(t *testing.T) {
	for want, change := range map[time.Duration]func(*v1.Kafka){
		time.Minute:             nil,
		7 * time.Second:         func(k *v1.Kafka) { k.Spec.EntityOperator.UserOperator.ReconciliationIntervalSeconds = new(int32(7)) },
		1500 * time.Millisecond: func(k *v1.Kafka) { k.Spec.EntityOperator.UserOperator.ReconciliationIntervalMs = new(int64(1500)) },
		time.Second:             func(k *v1.Kafka) { k.Spec.EntityOperator.UserOperator.ReconciliationIntervalMs = new(int64(1)) },
	} {
		r := &userRound{users: &users{UserOptions: UserOptions{Interval: time.Minute}}, kafka: userKafka(change)}
		if got := r.interval(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if got := (&userRound{users: &users{UserOptions: UserOptions{Interval: time.Minute}}}).interval(); got != 0 {
		t.Errorf("%s without a Kafka", got)
	}
}
