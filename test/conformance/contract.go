package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Contract holds one OpenAPI document against what clients send and bridges
// answer. It is safe for use by any number of goroutines.
type Contract struct {
	doc    *openapi3.T
	routes []route
}

// route is one path of the document, cut at its slashes.
type route struct {
	path     string
	segments []string
	item     *openapi3.PathItem
}

// Exchange is one request with its answer.
type Exchange struct {
	// Method and Target are those of the request line; Target is in origin form.
	Method, Target string
	// RequestHeader and RequestBody are what was sent.
	RequestHeader http.Header
	RequestBody   []byte
	// Status, Header and Body are what came back, before any redirect.
	Status int
	Header http.Header
	Body   []byte
}

// NewContract loads and validates an OpenAPI document.
func NewContract(document []byte) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("loading the document: %w", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("validating the document: %w", err)
	}
	c := &Contract{doc: doc}
	for path, item := range doc.Paths.Map() {
		c.routes = append(c.routes, route{path: path, segments: segments(path), item: item})
	}
	return c, nil
}

// Operations returns all operationIds in alphabetical order.
func (c *Contract) Operations() []string {
	var ids []string
	for _, r := range c.routes {
		for _, op := range r.item.Operations() {
			ids = append(ids, op.OperationID)
		}
	}
	slices.Sort(ids)
	return ids
}

// Operation returns the operationId that a request belongs to, "" for a path or
// method outside the document. Empty segments of the path do not count, as the
// bridge contract has it (1.1).
func (c *Contract) Operation(method, target string) string {
	if r, _ := c.find(method, target); r != nil {
		return r.Operation.OperationID
	}
	return ""
}

// Check returns what is wrong with an exchange: an answer that the document
// does not allow, a request accepted though the document forbids it, or one
// refused for its schema though the document allows it. A request outside the
// document is not judged.
func (c *Contract) Check(ctx context.Context, x Exchange) error {
	route, params := c.find(x.Method, x.Target)
	if route == nil {
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, x.Method, "http://bridge"+x.Target, bytes.NewReader(x.RequestBody))
	if err != nil {
		return fmt.Errorf("request cannot be rebuilt: %w", err)
	}
	r.Header = x.RequestHeader.Clone()
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true},
	}
	return errors.Join(checkRequest(ctx, in, x), checkAnswer(ctx, in, x))
}

// checkRequest compares the bridge's verdict on a request with the document's.
func checkRequest(ctx context.Context, in *openapi3filter.RequestValidationInput, x Exchange) error {
	accepted := x.Status < 300
	var refusal struct {
		Errors []string `json:"validation_errors"`
	}
	if !accepted && (json.Unmarshal(x.Body, &refusal) != nil || len(refusal.Errors) == 0) {
		return nil // neither accepted nor refused for its schema
	}
	if len(x.RequestBody) == 0 {
		in.Request.Body = http.NoBody
	}
	err := openapi3filter.ValidateRequest(ctx, in)
	switch {
	case accepted && err != nil:
		return fmt.Errorf("answered %d, but the document forbids the request: %w", x.Status, err)
	case !accepted && err == nil:
		return fmt.Errorf("refused for %q, but the document allows the request", refusal.Errors)
	}
	return nil
}

// checkAnswer judges status, media type and body of an answer. openapi3filter
// is lenient about parameters of a media type and about bodies where the
// document shows none, hence the two checks of our own.
func checkAnswer(ctx context.Context, in *openapi3filter.RequestValidationInput, x Exchange) error {
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: x.Status, Header: x.Header, Options: in.Options,
	}
	out.SetBodyBytes(x.Body)
	if err := openapi3filter.ValidateResponse(ctx, out); err != nil {
		return fmt.Errorf("answer %d departs from the document: %w", x.Status, err)
	}
	content := in.Route.Operation.Responses.Status(x.Status).Value.Content
	got := x.Header.Get("Content-Type")
	if len(content) == 0 {
		if len(x.Body) > 0 || got != "" {
			return fmt.Errorf("answer %d has a body of %d bytes and content-type %q, the document none", x.Status, len(x.Body), got)
		}
		return nil
	}
	if _, ok := content[got]; !ok {
		return fmt.Errorf("answer %d has content-type %q, which the document does not name", x.Status, got)
	}
	return nil
}

// find returns the route of a request and its path parameters, nil without one.
func (c *Contract) find(method, target string) (*routers.Route, map[string]string) {
	path, _, _ := strings.Cut(target, "?")
	got := segments(path)
	for _, r := range c.routes {
		params, ok := r.match(got)
		if !ok {
			continue
		}
		op := r.item.Operations()[method]
		if op == nil {
			return nil, nil
		}
		return &routers.Route{Spec: c.doc, Path: r.path, PathItem: r.item, Method: method, Operation: op}, params
	}
	return nil, nil
}

// match returns the parameters of a path that this route describes.
func (r route) match(got []string) (map[string]string, bool) {
	if len(got) != len(r.segments) {
		return nil, false
	}
	params := make(map[string]string)
	for i, want := range r.segments {
		if name, ok := strings.CutPrefix(want, "{"); ok {
			value, err := url.PathUnescape(got[i])
			if err != nil {
				return nil, false
			}
			params[strings.TrimSuffix(name, "}")] = value
		} else if want != got[i] {
			return nil, false
		}
	}
	return params, true
}

// segments cuts a path at its slashes and drops what is empty.
func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}
