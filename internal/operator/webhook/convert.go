package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// maxReview is the largest ConversionReview that is read, in bytes. The API server sends all objects of one list request at
// once, of which clients ask at most 500 at a time.
const maxReview = 64 << 20

// converter answers ConversionReviews (apiextensions.k8s.io/v1).
//
// The two versions of every kind have the same properties (package v1beta2), so an object becomes one of the other version by
// its apiVersion alone. All else is passed on as the bytes that came: no quantity is written in another way, no empty map is
// dropped, no field that is newer than this program is lost.
type converter struct {
	metrics *metrics
	log     *slog.Logger
}

// convertible lists the kinds and their versions.
func convertible() map[schema.GroupKind][]string {
	return map[schema.GroupKind][]string{
		{Group: v1.GroupVersion.Group, Kind: names.KindKafkaBridge}: {v1.GroupVersion.Version, v1beta2.GroupVersion.Version},
	}
}

// ServeHTTP answers one ConversionReview. What can't be read as one is 400; an object that can't be converted is an answer
// with a failure, as the API wants it.
func (c *converter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReview))
	if err != nil {
		c.refuse(w, http.StatusRequestEntityTooLarge, fmt.Errorf("reading the ConversionReview (at most %d bytes): %w", maxReview, err))
		return
	}
	review, err := decodeReview(body)
	if err != nil {
		c.refuse(w, http.StatusBadRequest, err)
		return
	}
	review.Response = convert(review.Request)
	review.Request = nil
	if review.Response.Result.Status == metav1.StatusSuccess {
		c.metrics.count(webhookConvert, admitted, reasonConverted)
	} else {
		c.metrics.count(webhookConvert, refused, reasonUnconverted)
		c.log.Warn("an object can't be converted", "error", review.Response.Result.Message)
	}
	answer, err := json.Marshal(review)
	if err != nil {
		c.refuse(w, http.StatusInternalServerError, fmt.Errorf("encoding the ConversionReview: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // a client that is gone asks again
}

func (c *converter) refuse(w http.ResponseWriter, code int, err error) {
	c.metrics.count(webhookConvert, failed, reasonUndecodable)
	c.log.Warn("not a ConversionReview", "error", err.Error())
	http.Error(w, err.Error(), code)
}

// decodeReview reads a ConversionReview that has a request.
func decodeReview(body []byte) (*apiextensionsv1.ConversionReview, error) {
	review := &apiextensionsv1.ConversionReview{}
	if err := json.Unmarshal(body, review); err != nil {
		return nil, fmt.Errorf("the ConversionReview can't be decoded: %w", err)
	}
	if want := apiextensionsv1.SchemeGroupVersion.String(); review.APIVersion != want || review.Kind != "ConversionReview" {
		return nil, fmt.Errorf("%q of %q is not a ConversionReview of %s", review.Kind, review.APIVersion, want)
	}
	if review.Request == nil {
		return nil, errors.New("the ConversionReview has no request")
	}
	return review, nil
}

// convert answers a request: all objects in their order, or a failure that names the first one that can't be converted.
func convert(request *apiextensionsv1.ConversionRequest) *apiextensionsv1.ConversionResponse {
	response := &apiextensionsv1.ConversionResponse{UID: request.UID, Result: metav1.Status{Status: metav1.StatusSuccess}}
	kinds := convertible()
	converted := make([]runtime.RawExtension, 0, len(request.Objects))
	for i, object := range request.Objects {
		raw, err := convertObject(object.Raw, request.DesiredAPIVersion, kinds)
		if err != nil {
			response.Result = metav1.Status{Status: metav1.StatusFailure, Message: fmt.Sprintf("object %d of %d: %v", i+1, len(request.Objects), err)}
			return response
		}
		converted = append(converted, runtime.RawExtension{Raw: raw})
	}
	response.ConvertedObjects = converted
	return response
}

// convertObject returns the object with the apiVersion that is desired.
func convertObject(raw []byte, desired string, kinds map[schema.GroupKind][]string) ([]byte, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("it can't be decoded: %w", err)
	}
	var apiVersion, kind string
	if err := errors.Join(json.Unmarshal(members["apiVersion"], &apiVersion), json.Unmarshal(members["kind"], &kind)); err != nil {
		return nil, errors.New("it has no apiVersion and kind in text form")
	}
	if apiVersion == desired {
		return raw, nil
	}
	if err := known(apiVersion, kind, kinds); err != nil {
		return nil, err
	}
	if err := known(desired, kind, kinds); err != nil {
		return nil, err
	}
	text, err := json.Marshal(desired)
	if err != nil {
		return nil, fmt.Errorf("encoding %q: %w", desired, err)
	}
	members["apiVersion"] = text
	return json.Marshal(members)
}

func known(apiVersion, kind string, kinds map[schema.GroupKind][]string) error {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return fmt.Errorf("apiVersion %q: %w", apiVersion, err)
	}
	versions, ok := kinds[schema.GroupKind{Group: gv.Group, Kind: kind}]
	if !ok {
		return fmt.Errorf("kind %q of group %q is not converted here", kind, gv.Group)
	}
	if !slices.Contains(versions, gv.Version) {
		return fmt.Errorf("%s has no version %q, only %s", kind, gv.Version, strings.Join(versions, " and "))
	}
	return nil
}
