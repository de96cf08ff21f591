package user

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/operator/names"
)

func TestOwners(t *testing.T) {
	at := func(ns, name string, s int) Claim { return Claim{ns, name, noon.Add(time.Duration(s) * time.Second)} }
	owners := Owners([]Claim{at("b", "x", 2), at("a", "x", 3), at("c", "x", 2), at("a", "y", 9)})
	if len(owners) != 2 || owners["x"] != at("b", "x", 2) || owners["y"] != at("a", "y", 9) {
		t.Error(owners)
	}
	if p := Conflict(owners["x"]); p.Reason != ReasonConflict || p.Message != "metadata.name: the user x is managed by the KafkaUser of that name in namespace b, which is older: call this one something else" {
		t.Error(p)
	}
}

func TestPaused(t *testing.T) {
	cr := resource("tls")
	if Paused(cr) {
		t.Error("paused")
	}
	cr.Annotations = map[string]string{names.AnnotationPause: "true"}
	if !Paused(cr) {
		t.Error("not paused")
	}
}

func TestParseAllowed(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " ": "", "shop": "shop", "shop, billing": "shop billing", "*": "shop billing other", "shop,*": "shop billing other",
		"Shop": "refused", "shop,": "refused", "a/b": "refused", "-a": "refused", strings.Repeat("a", 64): "refused", "**": "refused",
	} {
		a, err := ParseAllowed(text)
		var got []string
		for _, ns := range []string{"shop", "billing", "other"} {
			if a.In(ns) {
				got = append(got, ns)
			}
		}
		var p Problem
		if errors.As(err, &p) {
			if got = append(got, "refused"); !strings.HasPrefix(p.Message, "metadata.annotations[steg.dev/allowed-namespaces]: ") {
				t.Error(p)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	a, err := ParseAllowed("shop,*, billing,shop")
	if got := strings.Join(a.Listed(), " "); err != nil || got != "billing shop" {
		t.Error(got, err)
	}
}

// TestUsableIn: a user's own namespace always may, others if the annotation says so and can be read.
func TestUsableIn(t *testing.T) {
	for text, want := range map[string]string{
		"": "home", "shop": "home shop", "*": "home other shop", "home": "home", "not a namespace": "home", "shop,-": "home",
	} {
		cr := resource("tls")
		cr.Namespace, cr.Annotations = "home", map[string]string{names.AnnotationAllowedNamespaces: text}
		var got []string
		for _, ns := range []string{"home", "other", "shop"} {
			if UsableIn(cr, ns) {
				got = append(got, ns)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", text, got, want)
		}
	}
}

// FuzzAllowed: a namespace is allowed only if its name, or *, stands in the text.
func FuzzAllowed(f *testing.F) {
	for _, s := range []string{"*", "a,b", "a b", ",", "a-", "*a"} {
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, text, ns string) {
		a, err := ParseAllowed(text)
		if err != nil && a.In(ns) {
			t.Error("allowed by what was refused")
		}
		if a.In(ns) && !strings.Contains(text, ns) && !strings.Contains(text, "*") {
			t.Errorf("%q allows %q", text, ns)
		}
	})
}
