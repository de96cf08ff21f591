package user

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	reads  = ACL{"TOPIC", "orders", "LITERAL", "READ", "ALLOW", "*"}
	writes = ACL{"TOPIC", "orders", "PREFIXED", "WRITE", "DENY", "10.0.0.1"}
	tokens = ACL{"DELEGATION_TOKEN", "x", "LITERAL", "DESCRIBE_TOKENS", "ALLOW", "*"} // no KafkaUser can say it
)

// Converged input gives no change.
func TestConvergedGivesNoChange(t *testing.T) {
	u, _, err := Desired(resource("scram-sha-512", rule("topic", "orders", "Read", "Write")), terms)
	if err != nil {
		t.Fatal(err)
	}
	have := State{ACLs: map[string][]ACL{"my-app": {u.ACLs[1], u.ACLs[0]}}, Quotas: map[string]map[string]float64{"my-app": {}}, Iterations: 4096}
	if c := Diff(u, have, Credential{Known: true, Password: "x"}); !c.Empty() {
		t.Error(c)
	}
	if have.Empty() || !(State{ACLs: map[string][]ACL{"a": nil}, Quotas: map[string]map[string]float64{"a": {}}}).Empty() {
		t.Error("which state is empty?")
	}
}

func TestDiff(t *testing.T) {
	quota := map[string]float64{QuotaProducerByteRate: 10, QuotaRequestPercentage: 5}
	plain, cert := "my-app", "CN=my-app"
	for name, c := range map[string]struct {
		want User
		have State
		c    Credential
		says string
	}{
		"new with a password": {
			User{Authentication: SCRAM, ACLs: []ACL{reads}, Quotas: quota},
			State{},
			Credential{Password: "x"},
			"my-app: ALLOW READ on TOPIC orders, my-app: producer_byte_rate=10, my-app: request_percentage=5, a password of 4096 iterations",
		},
		"new with a certificate": {User{Authentication: TLS, ACLs: []ACL{writes}}, State{}, Credential{}, "CN=my-app: DENY WRITE on TOPIC orders… from 10.0.0.1"},
		"from a password to a certificate": {
			User{Authentication: TLSExternal, ACLs: []ACL{reads}, Quotas: quota},
			State{ACLs: map[string][]ACL{plain: {reads, tokens}}, Quotas: map[string]map[string]float64{plain: quota}, Iterations: 4096},
			Credential{},
			"my-app: no producer_byte_rate, my-app: no request_percentage, CN=my-app: producer_byte_rate=10, CN=my-app: request_percentage=5, no password; " +
				"+CN=my-app: ALLOW READ on TOPIC orders; -my-app: ALLOW DESCRIBE_TOKENS on DELEGATION_TOKEN x -my-app: ALLOW READ on TOPIC orders",
		},
		"the password is another one":   {User{Authentication: SCRAM}, State{Iterations: 4096}, Credential{Password: "y"}, "a password of 4096 iterations"},
		"the password was taken away":   {User{Authentication: SCRAM}, State{}, Credential{Known: true}, "a password of 4096 iterations"},
		"more iterations":               {User{Authentication: SCRAM}, State{Iterations: 4096}, Credential{Known: true, Iterations: 8192}, "a password of 8192 iterations"},
		"a quota of zero":               {User{Authentication: TLS, Quotas: map[string]float64{QuotaConsumerByteRate: 0}}, State{}, Credential{}, "CN=my-app: consumer_byte_rate=0"},
		"a quota changes, another goes": {User{Quotas: map[string]float64{"producer_byte_rate": 1}}, State{Quotas: map[string]map[string]float64{plain: {"producer_byte_rate": 2, "x": 3}}}, Credential{}, "my-app: producer_byte_rate=1, my-app: no x"},
		"no authorizer":                 {User{ACLs: []ACL{reads}}, State{NoACLs: true, ACLs: map[string][]ACL{cert: {writes}}}, Credential{}, "nothing"},
	} {
		c.want.Name = "my-app"
		got := Diff(c.want, c.have, c.c)
		if text := describe(got, strings.Contains(c.says, ";")); text != c.says {
			t.Errorf("%s:\n got %s\nwant %s", name, text, c.says)
		}
	}
}

// describe is Changes.String, or with the rights apart.
func describe(c Changes, apart bool) string {
	if !apart {
		return strings.TrimPrefix(c.String(), "my-app: ")
	}
	rest := c
	rest.Create, rest.Delete = nil, nil
	var created, deleted []string
	for _, b := range c.Create {
		created = append(created, fmt.Sprintf("+%s: %v", b.Principal, b.ACL))
	}
	for _, b := range c.Delete {
		deleted = append(deleted, fmt.Sprintf("-%s: %v", b.Principal, b.ACL))
	}
	return strings.TrimPrefix(rest.String(), "my-app: ") + "; " + strings.Join(created, " ") + "; " + strings.Join(deleted, " ")
}

// apply does to Kafka what the changes say.
func apply(t *rapid.T, s State, c Changes) State {
	next := State{ACLs: map[string][]ACL{}, Quotas: map[string]map[string]float64{}, Iterations: s.Iterations}
	for principal, acls := range s.ACLs {
		next.ACLs[principal] = slices.Clone(acls)
	}
	for principal, quotas := range s.Quotas {
		next.Quotas[principal] = maps.Clone(quotas)
	}
	for _, b := range c.Delete {
		at := slices.Index(next.ACLs[b.Principal], b.ACL)
		if at < 0 {
			t.Fatalf("%v is deleted and not there", b)
		}
		next.ACLs[b.Principal] = slices.Delete(next.ACLs[b.Principal], at, at+1)
	}
	for _, b := range c.Create {
		if slices.Contains(next.ACLs[b.Principal], b.ACL) {
			t.Fatalf("%v is created and there", b)
		}
		next.ACLs[b.Principal] = append(next.ACLs[b.Principal], b.ACL)
	}
	for _, q := range c.Quotas {
		if next.Quotas[q.Principal] == nil {
			next.Quotas[q.Principal] = map[string]float64{}
		}
		if delete(next.Quotas[q.Principal], q.Key); !q.Remove {
			next.Quotas[q.Principal][q.Key] = q.Value
		}
	}
	if c.SetPassword != nil {
		next.Iterations = c.SetPassword.Iterations
	}
	if c.DropPassword {
		next.Iterations = 0
	}
	return next
}

// TestApplyingEnds: after doing what Diff says it says nothing; a user that is removed leaves nothing; names of others are
// never touched.
func TestApplyingEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, have := randomUser(t), randomState(t)
		others := map[string][]ACL{"other": {reads}}
		have.ACLs["other"], have.Quotas["other"] = others["other"], map[string]float64{"x": 1}
		c := Diff(want, have, Credential{Password: "x", Known: rapid.Bool().Draw(t, "known")})
		have = apply(t, have, c)
		if again := Diff(want, have, Credential{Password: "x", Known: true}); !again.Empty() {
			t.Fatalf("%v, and again %v", c, again)
		}
		if want.Authentication == SCRAM != (have.Iterations != 0) {
			t.Fatalf("%s has a password of %d iterations", want.Authentication, have.Iterations)
		}
		have = apply(t, have, Remove("my-app", have))
		if !slices.Equal(have.ACLs["other"], others["other"]) || have.Quotas["other"]["x"] != 1 {
			t.Fatal("another user was touched")
		}
		delete(have.ACLs, "other")
		delete(have.Quotas, "other")
		if !have.Empty() {
			t.Fatalf("%+v is left", have)
		}
	})
}

func randomUser(t *rapid.T) User {
	return User{
		Name: "my-app", Authentication: rapid.SampledFrom([]Authentication{None, TLS, TLSExternal, SCRAM}).Draw(t, "authentication"),
		ACLs: randomACLs(t), Quotas: randomQuotas(t),
	}
}

func randomACLs(t *rapid.T) []ACL {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]ACL{reads, writes, tokens}), 0, 3, rapid.ID).Draw(t, "rights")
}

func randomQuotas(t *rapid.T) map[string]float64 {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b"}), rapid.Float64Range(0, 2), 0, 2).Draw(t, "quotas")
}

func randomState(t *rapid.T) State {
	s := State{ACLs: map[string][]ACL{}, Quotas: map[string]map[string]float64{}, Iterations: rapid.SampledFrom([]int{0, 4096, 8192}).Draw(t, "iterations")}
	for _, principal := range Principals("my-app") {
		s.ACLs[principal], s.Quotas[principal] = randomACLs(t), randomQuotas(t)
	}
	return s
}

// No way to print changes shows the password.
func TestPasswordIsHidden(t *testing.T) {
	c := Diff(User{Name: "a", Authentication: SCRAM}, State{}, Credential{Password: "s3cret"})
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{c.String(), fmt.Sprintf("%v %+v %#v %s %q", *c.SetPassword, *c.SetPassword, *c.SetPassword, c.SetPassword.Password, c.SetPassword.Password), string(encoded)} {
		if strings.Contains(text, "s3cret") {
			t.Error(text)
		}
	}
}
