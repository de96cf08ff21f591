// Package api_test tests what holds for every kind: an object passes from each version to any other one without a loss.
package api_test

import (
	"encoding/json"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/conversion"
	"sigs.k8s.io/randfill"

	corev1 "github.com/steg-kafka/steg/api/core/v1"
	corev1beta2 "github.com/steg-kafka/steg/api/core/v1beta2"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1alpha1"
	"github.com/steg-kafka/steg/api/v1beta1"
	"github.com/steg-kafka/steg/api/v1beta2"
)

// pair is a kind in the version that is stored and in an older one.
type pair struct {
	hub, older schema.GroupVersionKind
	empty      func() (conversion.Hub, conversion.Convertible)
}

func pairOf(hub, older schema.GroupVersion, kind string, empty func() (conversion.Hub, conversion.Convertible)) pair {
	return pair{hub: hub.WithKind(kind), older: older.WithKind(kind), empty: empty}
}

// pairs holds every older version of every kind.
var pairs = []pair{
	pairOf(v1.GroupVersion, v1beta2.GroupVersion, "Kafka", func() (conversion.Hub, conversion.Convertible) { return &v1.Kafka{}, &v1beta2.Kafka{} }),
	pairOf(v1.GroupVersion, v1beta2.GroupVersion, "KafkaBridge", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaBridge{}, &v1beta2.KafkaBridge{} }),
	pairOf(v1.GroupVersion, v1beta2.GroupVersion, "KafkaNodePool", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaNodePool{}, &v1beta2.KafkaNodePool{} }),
	pairOf(v1.GroupVersion, v1beta2.GroupVersion, "KafkaTopic", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaTopic{}, &v1beta2.KafkaTopic{} }),
	pairOf(v1.GroupVersion, v1beta1.GroupVersion, "KafkaTopic", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaTopic{}, &v1beta1.KafkaTopic{} }),
	pairOf(v1.GroupVersion, v1alpha1.GroupVersion, "KafkaTopic", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaTopic{}, &v1alpha1.KafkaTopic{} }),
	pairOf(v1.GroupVersion, v1beta2.GroupVersion, "KafkaUser", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaUser{}, &v1beta2.KafkaUser{} }),
	pairOf(v1.GroupVersion, v1beta1.GroupVersion, "KafkaUser", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaUser{}, &v1beta1.KafkaUser{} }),
	pairOf(v1.GroupVersion, v1alpha1.GroupVersion, "KafkaUser", func() (conversion.Hub, conversion.Convertible) { return &v1.KafkaUser{}, &v1alpha1.KafkaUser{} }),
	pairOf(corev1.GroupVersion, corev1beta2.GroupVersion, "StrimziPodSet", func() (conversion.Hub, conversion.Convertible) {
		return &corev1.StrimziPodSet{}, &corev1beta2.StrimziPodSet{}
	}),
}

// filler makes random objects in which everything that JSON can carry is set at random.
func filler(f *randfill.Filler) *randfill.Filler {
	return f.NilChance(0.3).NumElements(1, 3).MaxDepth(30).Funcs(
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewQuantity(int64(c.Int31()), resource.BinarySI)
		},
		func(t *metav1.Time, c randfill.Continue) { *t = metav1.Unix(int64(c.Int31()), 0) },
		func(m *metav1.FieldsV1, _ randfill.Continue) { m.SetRawBytes([]byte(`{"f:spec":{}}`)) },
		func(i *intstr.IntOrString, c randfill.Continue) { *i = intstr.FromInt32(c.Int31()) },
		func(r *runtime.RawExtension, _ randfill.Continue) { r.Raw = []byte(`{"kind":"Pod","spec":{"a":[1]}}`) },
		func(j *apiextensionsv1.JSON, c randfill.Continue) {
			values := []string{`1`, `true`, `"text"`, `["a",2]`, `{"deep":{"er":[{}]}}`, `12345678901234567890.5`}
			j.Raw = []byte(values[c.Intn(len(values))])
		},
	)
}

// there checks the way from the hub and back, with the JSON between that goes over the wire.
func there(t *testing.T, p pair, fill func(any)) {
	t.Helper()
	hub, spoke := p.empty()
	fill(hub)
	hub.GetObjectKind().SetGroupVersionKind(p.hub)
	if err := spoke.ConvertFrom(hub); err != nil {
		t.Fatal(err)
	}
	if got := spoke.GetObjectKind().GroupVersionKind(); got != p.older {
		t.Fatalf("converted to %v instead of %v", got, p.older)
	}
	backHub, received := p.empty()
	transfer(t, spoke, received)
	if err := received.ConvertTo(backHub); err != nil {
		t.Fatal(err)
	}
	same(t, hub, backHub)
}

// andBack checks the way from the older version to the hub and back.
func andBack(t *testing.T, p pair, fill func(any)) {
	t.Helper()
	hub, spoke := p.empty()
	fill(spoke)
	spoke.GetObjectKind().SetGroupVersionKind(p.older)
	if err := spoke.ConvertTo(hub); err != nil {
		t.Fatal(err)
	}
	if got := hub.GetObjectKind().GroupVersionKind(); got != p.hub {
		t.Fatalf("converted to %v instead of %v", got, p.hub)
	}
	received, back := p.empty()
	transfer(t, hub, received)
	if err := back.ConvertFrom(received); err != nil {
		t.Fatal(err)
	}
	same(t, spoke, back)
}

func transfer(t *testing.T, from, to any) {
	t.Helper()
	wire, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(wire, to); err != nil {
		t.Fatalf("%v in %s", err, wire)
	}
}

func same(t *testing.T, want, got runtime.Object) {
	t.Helper()
	if !apiequality.Semantic.DeepEqual(want, got) {
		t.Fatalf("the round trip changed it (-before +after):\n%s", cmp.Diff(asJSON(t, want), asJSON(t, got)))
	}
}

func asJSON(t *testing.T, o any) string {
	t.Helper()
	out, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRoundTrips(t *testing.T) {
	for _, p := range pairs {
		t.Run(p.older.Kind+"/"+p.older.Version, func(t *testing.T) {
			for seed := range int64(20) {
				fill := filler(randfill.New().RandSource(rand.NewSource(seed))).Fill
				there(t, p, fill)
				andBack(t, p, fill)
			}
		})
	}
}

func FuzzRoundTrips(f *testing.F) {
	for i := range pairs {
		f.Add(int64(i), i)
	}
	f.Fuzz(func(t *testing.T, seed int64, which int) {
		fill := filler(randfill.New().RandSource(rand.NewSource(seed))).Fill
		p := pairs[uint(which)%uint(len(pairs))]
		there(t, p, fill)
		andBack(t, p, fill)
	})
}

// TestFilled: the random objects reach into every corner, or the round trips would prove nothing.
func TestFilled(t *testing.T) {
	all := ""
	for seed := range int64(100) {
		var bridge v1.KafkaBridge
		var kafka v1.Kafka
		filler(randfill.New().RandSource(rand.NewSource(seed))).Fill(&bridge)
		filler(randfill.New().RandSource(rand.NewSource(seed))).Fill(&kafka)
		all += asJSON(t, bridge) + asJSON(t, kafka)
	}
	for _, name := range []string{
		"accessTokenLocation", "enableMetrics", "matchLabelKeys", "allowList", "tmpDirSizeLimit", "envVarName", "labelSelector", "lastTransitionTime",
		"listenerConfig", "volumeAttributesClass", "remoteStorageManager", "networkPolicyPeers", "jmxTrans", "outboundNetwork", "controllerMutationRate",
	} {
		if !strings.Contains(all, `"`+name+`"`) {
			t.Errorf("no random object has %s", name)
		}
	}
}

// TestConvertedIsACopy: what is done to the result leaves the source alone.
func TestConvertedIsACopy(t *testing.T) {
	source := &v1.KafkaBridge{Spec: v1.KafkaBridgeSpec{Config: v1.Config{"a": {Raw: []byte("1")}}}}
	var older v1beta2.KafkaBridge
	if err := older.ConvertFrom(source); err != nil {
		t.Fatal(err)
	}
	older.Spec.Config["a"] = apiextensionsv1.JSON{Raw: []byte("2")}
	var hub v1.KafkaBridge
	if err := older.ConvertTo(&hub); err != nil {
		t.Fatal(err)
	}
	hub.Spec.Config["a"] = apiextensionsv1.JSON{Raw: []byte("3")}
	if got := string(source.Spec.Config["a"].Raw) + string(older.Spec.Config["a"].Raw); got != "12" {
		t.Errorf("source and first result hold %s instead of 12", got)
	}
}

// TestEmptyPeersStay: a listener whose list of peers is empty lets nobody in, and must not become one that lets everybody in.
func TestEmptyPeersStay(t *testing.T) {
	older := &v1beta2.Kafka{}
	if err := json.Unmarshal([]byte(`{"spec":{"kafka":{"listeners":[{"networkPolicyPeers":[]},{}]}}}`), older); err != nil {
		t.Fatal(err)
	}
	var hub v1.Kafka
	if err := older.ConvertTo(&hub); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{asJSON(t, older), asJSON(t, hub)} {
		if strings.Count(text, `"networkPolicyPeers": []`) != 1 {
			t.Errorf("not one of the two lists is empty:\n%s", text)
		}
	}
}

// stranger is a hub of no kind of ours.
type stranger struct{ runtime.Object }

func (stranger) Hub() {}

func (stranger) GetObjectKind() schema.ObjectKind { return schema.EmptyObjectKind }

func TestOtherKindsAreRefused(t *testing.T) {
	for _, p := range pairs {
		_, spoke := p.empty()
		for name, err := range map[string]error{"ConvertTo": spoke.ConvertTo(stranger{}), "ConvertFrom": spoke.ConvertFrom(stranger{})} {
			if err == nil || !strings.Contains(err.Error(), "stranger") {
				t.Errorf("%v: %s of another kind answers %v", p.older, name, err)
			}
		}
	}
}

func TestScheme(t *testing.T) {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		v1.AddToScheme, v1beta2.AddToScheme, v1beta1.AddToScheme, v1alpha1.AddToScheme, corev1.AddToScheme, corev1beta2.AddToScheme,
	} {
		if err := add(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pairs {
		for _, version := range []schema.GroupVersionKind{p.hub, p.older} {
			for _, kind := range []string{version.Kind, version.Kind + "List"} {
				if _, err := s.New(version.GroupVersion().WithKind(kind)); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
