package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// schema is the part of JSON Schema that is needed here.
type schema struct {
	Draft       string             `json:"$schema,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Additional  *bool              `json:"additionalProperties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Enum        []any              `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Minimum     *int               `json:"minimum,omitempty"`
	Maximum     *int               `json:"maximum,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	Unique      bool               `json:"uniqueItems,omitempty"`
}

func bound(n int) *int { return &n }

// texts is a choice of some.
func texts(of ...any) schema { return schema{Enum: of} }

// number is from low on.
func number(low int) schema { return schema{Type: "integer", Minimum: bound(low)} }

// special returns what of the schema does not follow from the defaults, by the values' names.
func special() map[string]schema {
	namespace := schema{Type: "string", Pattern: `^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`}
	duration := schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`}
	secret := schema{Type: "object", Required: []string{"name"}, Properties: map[string]*schema{"name": {Type: "string"}}}
	object := schema{Type: "object"}
	return map[string]schema{
		"controllers":                        {Type: "array", MinItems: 1, Unique: true, Items: &schema{Enum: []any{"kafka", "topic", "user", "bridge", "inject"}}},
		"replicas":                           number(0),
		"kafka.images":                       object,
		"roll.batch":                         number(1),
		"topics.replicationThrottle":         number(0),
		"watchNamespaces":                    {Type: "array", Unique: true, Items: &namespace},
		"watchAnyNamespace":                  {Type: []any{"boolean", "null"}},
		"image.imagePullPolicy":              texts("", "Always", "IfNotPresent", "Never", nil),
		"image.imagePullSecrets":             {Type: []any{"array", "null"}, Items: &secret},
		"native":                             texts("auto", "true", "false", true, false),
		"topics.finalizerPolicy":             texts("auto", "true", "false", true, false),
		"webhook.failurePolicy":              texts("Fail", "Ignore"),
		"webhook.timeoutSeconds":             {Type: "integer", Minimum: bound(1), Maximum: bound(5)},
		"webhook.excludedNamespaces":         {Type: "array", Unique: true, Items: &namespace},
		"watchdog.interval":                  duration,
		"watchdog.grace":                     duration,
		"logLevel":                           {Type: "string", Pattern: `^([Tt][Rr][Aa][Cc][Ee]|[Dd][Ee][Bb][Uu][Gg]|[Ii][Nn][Ff][Oo]|[Ww][Aa][Rr][Nn]([Ii][Nn][Gg])?|[Ee][Rr][Rr][Oo][Rr]|\$\{.*)$`},
		"logFormat":                          texts("text", "json"),
		"fullReconciliationIntervalMs":       number(1000),
		"operationTimeoutMs":                 number(1000),
		"hostUsers":                          {Type: []any{"boolean", "null"}},
		"tolerations":                        {Type: "array", Items: &object},
		"topologySpreadConstraints":          {Type: "array", Items: &object},
		"extraEnvs":                          {Type: "array", Items: &object},
		"revisionHistoryLimit":               number(0),
		"livenessProbe.initialDelaySeconds":  number(0),
		"livenessProbe.periodSeconds":        number(1),
		"readinessProbe.initialDelaySeconds": number(0),
		"readinessProbe.periodSeconds":       number(1),
		"uninstall.timeoutSeconds":           number(10),
	}
}

// schemaOf returns the schema of the values: no key but theirs and the ones without effect, each of the type of its
// default. `global` is what Helm itself adds.
func schemaOf(values []value, unused []string) ([]byte, error) {
	root := group("")
	root.Draft = "http://json-schema.org/draft-07/schema#"
	known := special()
	for _, v := range values {
		parent := root
		for _, key := range v.path[:len(v.path)-1] {
			if parent = parent.Properties[key]; parent == nil || parent.Properties == nil {
				return nil, fmt.Errorf("%s: its group has no comment", v.name())
			}
		}
		s, ok := known[v.name()]
		delete(known, v.name())
		switch {
		case v.group:
			s = *group(v.text)
		case !ok:
			s.Type = typeOf(v.initial)
			if s.Type == nil {
				return nil, fmt.Errorf("%s: what may stand in place of %v?", v.name(), v.initial)
			}
		}
		s.Description = v.text
		parent.Properties[v.path[len(v.path)-1]] = &s
	}
	for name := range known {
		return nil, fmt.Errorf("%s is no value", name)
	}
	for _, key := range append(slices.Clone(unused), "global") {
		if root.Properties[key] != nil {
			return nil, fmt.Errorf("%s is said to have no effect", key)
		}
		root.Properties[key] = &schema{Description: "Without effect."}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(root)
	return b.Bytes(), err
}

// group is an object with the keys that are named only.
func group(text string) *schema {
	closed := false
	return &schema{Description: text, Type: "object", Properties: map[string]*schema{}, Additional: &closed}
}

// typeOf is the type of a default; nil for one that says too little. Texts may be left empty by null.
func typeOf(v any) any {
	switch v.(type) {
	case string:
		return []any{"string", "null"}
	case bool:
		return "boolean"
	case map[string]any:
		return "object"
	}
	return nil
}
