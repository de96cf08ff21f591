package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/google/go-cmp/cmp"
)

// review is the text of a ConversionReview.
func review(desired string, objects ...string) string {
	return fmt.Sprintf(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":{"uid":"u-1","desiredAPIVersion":%q,"objects":[%s]}}`,
		desired, strings.Join(objects, ","))
}

const (
	oldBridge = `{"apiVersion":"kafka.strimzi.io/v1beta2","kind":"KafkaBridge","metadata":{"name":"b","namespace":"n","uid":"x","labels":{}},` +
		`"spec":{"resources":{"limits":{"cpu":"1000m"}},"enableMetrics":true,"producer":{"config":{}},"newField":[1.50,12345678901234567890]},"status":{}}`
	bothVersions = "kafka.strimzi.io/v1"
)

func testMetrics(t testing.TB) (*metrics, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewRegistry()
	m, err := newMetrics(r)
	if err != nil {
		t.Fatal(err)
	}
	return m, r
}

func converting(t testing.TB, body io.Reader) *httptest.ResponseRecorder {
	t.Helper()
	m, _ := testMetrics(t)
	w := httptest.NewRecorder()
	c := &converter{metrics: m, log: slog.New(slog.DiscardHandler)}
	c.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/convert", body))
	return w
}

func answered(t testing.TB, w *httptest.ResponseRecorder) *apiextensionsv1.ConversionReview {
	t.Helper()
	out := &apiextensionsv1.ConversionReview{}
	if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if w.Code != http.StatusOK || out.APIVersion != "apiextensions.k8s.io/v1" || out.Kind != "ConversionReview" || out.Response == nil || out.Request != nil {
		t.Fatalf("status %d, %s", w.Code, w.Body)
	}
	return out
}

// TestConvert: the version changes and nothing else, to the last digit.
func TestConvert(t *testing.T) {
	newBridge := strings.Replace(oldBridge, "v1beta2", "v1", 1)
	for _, c := range []struct{ name, desired, in, want string }{
		{"up", "kafka.strimzi.io/v1", oldBridge, newBridge},
		{"down", "kafka.strimzi.io/v1beta2", newBridge, oldBridge},
		{"same", "kafka.strimzi.io/v1", newBridge, newBridge},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := answered(t, converting(t, strings.NewReader(review(c.desired, c.in, c.in))))
			if out.Response.UID != "u-1" || out.Response.Result.Status != metav1.StatusSuccess || len(out.Response.ConvertedObjects) != 2 {
				t.Fatalf("%+v", out.Response)
			}
			for _, o := range out.Response.ConvertedObjects {
				got, err := decode(o.Raw)
				if err != nil {
					t.Fatal(err)
				}
				want, err := decode([]byte(c.want))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

func TestConvertNothing(t *testing.T) {
	out := answered(t, converting(t, strings.NewReader(review("kafka.strimzi.io/v1"))))
	if out.Response.Result.Status != metav1.StatusSuccess || len(out.Response.ConvertedObjects) != 0 {
		t.Errorf("%+v", out.Response)
	}
}

func TestConvertFails(t *testing.T) {
	for _, c := range []struct{ name, desired, in, want string }{
		{"no object", bothVersions, `7`, "object 2 of 2: it can't be decoded"},
		{"no kind", bothVersions, `{"apiVersion":"kafka.strimzi.io/v1beta2"}`, "object 2 of 2: it has no apiVersion and kind in text form"},
		{"kind is a number", bothVersions, `{"apiVersion":"kafka.strimzi.io/v1beta2","kind":3}`, "it has no apiVersion and kind in text form"},
		{"another kind", bothVersions, `{"apiVersion":"kafka.strimzi.io/v1beta2","kind":"Kafka"}`, `kind "Kafka" of group "kafka.strimzi.io" is not converted here`},
		{"another group", bothVersions, `{"apiVersion":"example.org/v1","kind":"KafkaBridge"}`, `kind "KafkaBridge" of group "example.org" is not converted here`},
		{"another version", bothVersions, `{"apiVersion":"kafka.strimzi.io/v1alpha1","kind":"KafkaBridge"}`, `KafkaBridge has no version "v1alpha1", only v1 and v1beta2`},
		{"a version that is none", bothVersions, `{"apiVersion":"a/b/c","kind":"KafkaBridge"}`, `apiVersion "a/b/c": unexpected GroupVersion string`},
		{"unknown wish", "kafka.strimzi.io/v2", oldBridge, `KafkaBridge has no version "v2", only v1 and v1beta2`},
		{"wish of another group", "example.org/v1", oldBridge, `kind "KafkaBridge" of group "example.org" is not converted here`},
	} {
		t.Run(c.name, func(t *testing.T) {
			first := strings.Replace(oldBridge, "kafka.strimzi.io/v1beta2", c.desired, 1)
			out := answered(t, converting(t, strings.NewReader(review(c.desired, first, c.in))))
			if out.Response.Result.Status != metav1.StatusFailure || !strings.Contains(out.Response.Result.Message, c.want) {
				t.Errorf("%+v, want %q", out.Response.Result, c.want)
			}
			if len(out.Response.ConvertedObjects) != 0 {
				t.Error("a failure has objects")
			}
		})
	}
}

func TestConvertRefuses(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		code             int
	}{
		{"nothing", "", "can't be decoded", http.StatusBadRequest},
		{"no request", `{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview"}`, "has no request", http.StatusBadRequest},
		{"another version", `{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"ConversionReview"}`, `not a ConversionReview of apiextensions.k8s.io/v1`, http.StatusBadRequest},
		{"another kind", `{"apiVersion":"apiextensions.k8s.io/v1","kind":"AdmissionReview"}`, `"AdmissionReview" of "apiextensions.k8s.io/v1" is not`, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := converting(t, strings.NewReader(c.body))
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("status %d, %q, want %d with %q", w.Code, w.Body, c.code, c.want)
			}
		})
	}
	endless := io.MultiReader(strings.NewReader(`{"x":"`), io.LimitReader(spaces{}, maxReview))
	if w := converting(t, endless); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "at most 67108864 bytes") {
		t.Errorf("status %d, %q", w.Code, w.Body)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// FuzzConversionReview: no body stops the converter, and what it says it has converted is what was asked for.
func FuzzConversionReview(f *testing.F) {
	f.Add([]byte(review("kafka.strimzi.io/v1", oldBridge)))
	f.Add([]byte(review("kafka.strimzi.io/v1beta2", oldBridge, `{"apiVersion":"kafka.strimzi.io/v1","kind":"KafkaBridge","metadata":null}`)))
	f.Add([]byte(review("", `{"apiVersion":"","kind":""}`)))
	f.Add([]byte(review("kafka.strimzi.io/v1", `null`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := decodeReview(body)
		w := converting(t, bytes.NewReader(body))
		if err != nil {
			if w.Code != http.StatusBadRequest {
				t.Fatalf("status %d for %v", w.Code, err)
			}
			return
		}
		out := answered(t, w)
		if out.Response.UID != in.Request.UID {
			t.Fatalf("answer to %q, asked by %q", out.Response.UID, in.Request.UID)
		}
		if out.Response.Result.Status != metav1.StatusSuccess {
			if out.Response.Result.Message == "" {
				t.Fatal("a failure without a reason")
			}
			return
		}
		if len(out.Response.ConvertedObjects) != len(in.Request.Objects) {
			t.Fatalf("%d objects of %d", len(out.Response.ConvertedObjects), len(in.Request.Objects))
		}
		for i, o := range out.Response.ConvertedObjects {
			var before, after map[string]any
			if err := json.Unmarshal(in.Request.Objects[i].Raw, &before); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(o.Raw, &after); err != nil {
				t.Fatal(err)
			}
			before["apiVersion"] = in.Request.DesiredAPIVersion
			if diff := cmp.Diff(before, after); diff != "" {
				t.Fatalf("(-want +got)\n%s", diff)
			}
		}
	})
}

// BenchmarkConvert converts a list of 500 bridges: the most that clients ask for at a time.
func BenchmarkConvert(b *testing.B) {
	objects := make([]string, 500)
	for i := range objects {
		objects[i] = oldBridge
	}
	body := review("kafka.strimzi.io/v1", objects...)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if w := converting(b, strings.NewReader(body)); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
