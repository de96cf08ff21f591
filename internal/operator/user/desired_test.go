package user

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/steg-kafka/steg/api/v1"
)

func TestDesired(t *testing.T) {
	cr := resource("tls",
		v1.ACLRule{Resource: v1.ACLResource{Type: "topic", Name: "orders"}, Operations: []string{"Write", "Describe"}},
		v1.ACLRule{Resource: v1.ACLResource{Type: "topic", Name: "orders"}, Operation: "Describe"}, // the older dialect, and twice
		v1.ACLRule{Type: "deny", Host: "10.0.0.1", Resource: v1.ACLResource{Type: "group", Name: "g-", PatternType: "prefix"}, Operation: "Read"},
		v1.ACLRule{Type: "allow", Resource: v1.ACLResource{Type: "cluster", Name: "any", PatternType: "prefix"}, Operations: []string{"DescribeConfigs"}},
		v1.ACLRule{Resource: v1.ACLResource{Type: "transactionalId", Name: "*", PatternType: "literal"}, Operations: []string{"All"}},
	)
	produce, consume, percent, rate := int64(1024), int64(0), int32(55), 1.5
	cr.Spec.Quotas = &v1.KafkaUserQuotas{ProducerByteRate: &produce, ConsumerByteRate: &consume, RequestPercentage: &percent, ControllerMutationRate: &rate}
	cr.Spec.Template = &v1.KafkaUserTemplate{Secret: &v1.ResourceTemplate{Metadata: &v1.MetadataTemplate{
		Labels: map[string]string{"team": "a", "strimzi.io/kind": "mine"}, Annotations: map[string]string{"b": "c"},
	}}}
	o := terms
	o.SecretPrefix = "kafka-"
	got, warnings, err := Desired(cr, o)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	want := User{
		Name: "my-app", Authentication: TLS, Validity: 365 * 24 * time.Hour, RenewBefore: 30 * 24 * time.Hour,
		ACLs: []ACL{
			{"CLUSTER", "kafka-cluster", "LITERAL", "DESCRIBE_CONFIGS", "ALLOW", "*"},
			{"GROUP", "g-", "PREFIXED", "READ", "DENY", "10.0.0.1"},
			{"TOPIC", "orders", "LITERAL", "DESCRIBE", "ALLOW", "*"},
			{"TOPIC", "orders", "LITERAL", "WRITE", "ALLOW", "*"},
			{"TRANSACTIONAL_ID", "*", "LITERAL", "ALL", "ALLOW", "*"},
		},
		Quotas: map[string]float64{QuotaProducerByteRate: 1024, QuotaConsumerByteRate: 0, QuotaRequestPercentage: 55, QuotaControllerMutationRate: 1.5},
		Secret: &Secret{Name: "kafka-my-app", Annotations: map[string]string{"b": "c"}, Labels: map[string]string{
			"team": "a", "strimzi.io/kind": "KafkaUser", "strimzi.io/cluster": "my-cluster", "app.kubernetes.io/name": "strimzi-user-operator",
			"app.kubernetes.io/instance": "my-app", "app.kubernetes.io/managed-by": "strimzi-user-operator", "app.kubernetes.io/part-of": "strimzi-my-app",
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPrincipalAndSecret(t *testing.T) {
	for authentication, want := range map[string]string{
		"": "my-app my-app", "scram-sha-512": "my-app my-app secret", "tls": "my-app CN=my-app secret", "tls-external": "my-app CN=my-app",
	} {
		cr := resource(authentication)
		u, _, err := Desired(cr, terms)
		if err != nil {
			t.Fatal(err)
		}
		got := u.Name + " " + u.Principal()
		if u.Secret != nil {
			got += " secret"
		}
		if got != want {
			t.Errorf("%q: %s", authentication, got)
		}
	}
}

func TestDesiredRefuses(t *testing.T) {
	days := func(validity, renewal int32) *v1.KafkaUser {
		cr := resource("tls")
		cr.Spec.Authentication.ValidityDays, cr.Spec.Authentication.RenewalDays = &validity, &renewal
		return cr
	}
	named := func(authentication string, n int) *v1.KafkaUser {
		cr := resource(authentication)
		cr.Name = strings.Repeat("a", n)
		return cr
	}
	noKey := resource("scram-sha-512")
	noKey.Spec.Authentication.Password = secretKey("s", "")
	otherAuthorization := resource("tls", rule("topic", "a", "Read"))
	otherAuthorization.Spec.Authorization.Type = "opa"
	quota := func(v float64) *v1.KafkaUser {
		cr := resource("tls")
		cr.Spec.Quotas = &v1.KafkaUserQuotas{ControllerMutationRate: &v}
		return cr
	}
	host := func(change func(*v1.ACLRule)) *v1.KafkaUser {
		r := rule("topic", "a", "Read")
		change(&r)
		return resource("tls", r)
	}
	for text, cr := range map[string]*v1.KafkaUser{
		`spec.authentication.type: "x" is not known: write tls, tls-ex`:                                    resource("x"),
		"metadata.name: it has 65 characters":                                                              named("tls", 65),
		"metadata.name: it has 66 characters":                                                              named("tls-external", 66),
		"metadata.name: the Secret's name, kafka-aaa":                                                      named("scram-sha-512", 253),
		"spec.authentication.renewalDays: the certificate is valid for 5 days and would be renewed 5 days": days(5, 5),
		"spec.authentication.password.valueFrom.secretKeyRef: give":                                        noKey,
		`spec.authorization.type: "opa" is not known`:                                                      otherAuthorization,
		"spec.authorization.acls[1].operations: the rule has none":                                         resource("tls", rule("topic", "a", "Read"), rule("topic", "a")),
		`spec.authorization.acls[0].operations: "read" is not known: write one of All, Alter,`:             resource("tls", rule("topic", "a", "read")),
		`spec.authorization.acls[0].resource.type: "queue" is not known`:                                   resource("tls", rule("queue", "a", "Read")),
		"spec.authorization.acls[0].resource.name: it is missing":                                          resource("tls", rule("group", "", "Read")),
		`spec.authorization.acls[0].resource.patternType: "glob"`:                                          host(func(r *v1.ACLRule) { r.Resource.PatternType = "glob" }),
		`spec.authorization.acls[0].type: "maybe" is not known`:                                            host(func(r *v1.ACLRule) { r.Type = "maybe" }),
		"spec.quotas.controllerMutationRate: -1 is not possible":                                           quota(-1),
		"spec.quotas.controllerMutationRate: NaN is not possible":                                          quota(math.NaN()),
	} {
		o := terms
		o.SecretPrefix = "kafka-"
		_, _, err := Desired(cr, o)
		var p Problem
		if !errors.As(err, &p) || p.Reason != ReasonInvalid || !strings.HasPrefix(p.Message, text) || strings.Contains(p.Message, "\n") {
			t.Errorf("got %v, want %s", err, text)
		}
	}
	if _, _, err := Desired(resource("tls", rule("topic", "a", "Read")), Options{Validity: time.Hour, NoACLs: true}); err == nil || !strings.HasPrefix(err.Error(), "spec.authorization: the cluster has none") {
		t.Error(err)
	}
}

// The name of a user without a certificate may be as long as Kubernetes allows.
func TestLongNames(t *testing.T) {
	for n, authentication := range map[int]string{64: "tls", 253: "scram-sha-512"} {
		cr := resource(authentication)
		cr.Name = strings.Repeat("a", n)
		u, _, err := Desired(cr, terms)
		if err != nil || len(u.Secret.Labels["app.kubernetes.io/instance"]) > 63 {
			t.Error(n, err)
		}
	}
}

func TestDesiredWarns(t *testing.T) {
	prefix := rule("topic", "*", "Read")
	prefix.Resource.PatternType = "prefix"
	_, warnings, err := Desired(resource("tls", rule("group", "g", "Write"), prefix), terms)
	if err != nil || len(warnings) != 2 {
		t.Fatal(warnings, err)
	}
	for i, part := range []string{"Kafka never asks for Write on a resource of type group", "write patternType: literal"} {
		if warnings[i].Reason != ReasonNoEffect || !strings.Contains(warnings[i].Message, part) {
			t.Error(warnings[i])
		}
	}
}

// Every operation that the schema allows is known, and each type of resource is asked for some.
func TestVocabulary(t *testing.T) {
	for _, k := range kinds() {
		for _, o := range operations() {
			acls, warnings, err := rights([]v1.ACLRule{rule(k.said, "x", o.said)})
			if err != nil || len(acls) != 1 || acls[0].Operation != o.word || acls[0].Resource != k.word {
				t.Error(k.said, o.said, acls, err)
			}
			if (len(warnings) == 0) != slices.Contains(k.asked, o.word) {
				t.Error(k.said, o.said, warnings)
			}
		}
	}
}

// FuzzRights: any rule is refused in one line, or becomes one right for each operation, with words that Kafka knows.
func FuzzRights(f *testing.F) {
	f.Add("allow", "topic", "a", "prefix", "*", "Read", "Write")
	f.Add("", "cluster", "", "", "", "", "All")
	f.Add("deny", "group", "\n", "literal", "h", "x\ny", "Read")
	f.Fuzz(func(t *testing.T, kind, resource, name, pattern, host, one, other string) {
		r := v1.ACLRule{Type: kind, Resource: v1.ACLResource{Type: resource, Name: name, PatternType: pattern}, Host: host, Operation: one, Operations: []string{other}}
		acls, _, err := rights([]v1.ACLRule{r})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		if want := map[bool]int{true: 1, false: 2}[one == "" || one == other]; len(acls) != want || !slices.IsSortedFunc(acls, compareACLs) {
			t.Errorf("%d rights: %v", want, acls)
		}
		for _, a := range acls {
			if a.Name == "" || a.Host == "" || fmt.Sprint(a) == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}
