package user

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Authentication is how a user proves who they are.
type Authentication string

// The ways, as spec.authentication.type says them.
const (
	None        Authentication = ""
	TLS         Authentication = "tls"
	TLSExternal Authentication = "tls-external"
	SCRAM       Authentication = "scram-sha-512"
)

// User is a user as wanted.
type User struct {
	// Name is the resource's.
	Name           string
	Authentication Authentication
	// ACLs are all rights, sorted, none twice.
	ACLs []ACL
	// Quotas are by Kafka's keys; see the constants.
	Quotas map[string]float64
	// PasswordFrom is nil unless the password stands in another Secret of the resource's namespace.
	PasswordFrom *SecretKey
	// Validity is how long a certificate is valid, RenewBefore how long before its end it is renewed. For TLS only.
	Validity, RenewBefore time.Duration
	// Secret is nil for users without credentials of ours.
	Secret *Secret
}

// Secret is what the Secret with a user's credentials is called and wears; User.Credentials and User.Certificates say what
// it holds.
type Secret struct {
	Name                string
	Labels, Annotations map[string]string
}

// SecretKey names a value in a Secret.
type SecretKey struct{ Secret, Key string }

// Principal returns the user's name to Kafka, without "User:". It is status.username.
func (u User) Principal() string {
	if u.Authentication == TLS || u.Authentication == TLSExternal {
		return CertificateName(u.Name)
	}
	return u.Name
}

// CertificateName returns the principal of a user with a certificate, as Kafka makes it of the subject by default.
func CertificateName(name string) string { return "CN=" + name }

// Principals returns both names that Kafka may know a user by.
func Principals(name string) [2]string { return [2]string{name, CertificateName(name)} }

// Keys of quotas (org.apache.kafka.server.config.QuotaConfig).
const (
	QuotaProducerByteRate       = "producer_byte_rate"
	QuotaConsumerByteRate       = "consumer_byte_rate"
	QuotaRequestPercentage      = "request_percentage"
	QuotaControllerMutationRate = "controller_mutation_rate"
)

// ACL is one right of a principal, or that it lacks one, in Kafka's words: TOPIC, PREFIXED, DESCRIBE_CONFIGS, DENY.
type ACL struct {
	Resource, Name, Pattern string
	Operation, Permission   string
	Host                    string
}

// String is one line for logs.
func (a ACL) String() string {
	text := fmt.Sprintf("%s %s on %s %s", a.Permission, a.Operation, a.Resource, a.Name)
	if a.Pattern == PatternPrefixed {
		text += "…"
	}
	if a.Host != AnyHost {
		text += " from " + a.Host
	}
	return text
}

func compareACLs(a, b ACL) int {
	return cmp.Or(
		strings.Compare(a.Resource, b.Resource), strings.Compare(a.Name, b.Name), strings.Compare(a.Pattern, b.Pattern),
		strings.Compare(a.Permission, b.Permission), strings.Compare(a.Operation, b.Operation), strings.Compare(a.Host, b.Host))
}

// Words of ACLs that others need.
const (
	PatternLiteral  = "LITERAL"
	PatternPrefixed = "PREFIXED"
	PermissionAllow = "ALLOW"
	PermissionDeny  = "DENY"
	AnyHost         = "*"
	// ClusterName is the name that the one resource of type CLUSTER has.
	ClusterName = "kafka-cluster"
)

// State is what Kafka has under both names of a user. Zero is nothing.
type State struct {
	// ACLs and Quotas are by principal, without "User:".
	ACLs   map[string][]ACL
	Quotas map[string]map[string]float64
	// Iterations is of the password for SCRAM-SHA-512, 0 if there is none.
	Iterations int
	// NoACLs says that the cluster has no authorizer.
	NoACLs bool
}

// Empty reports whether Kafka knows nothing of the user.
func (s State) Empty() bool {
	for _, acls := range s.ACLs {
		if len(acls) > 0 {
			return false
		}
	}
	for _, quotas := range s.Quotas {
		if len(quotas) > 0 {
			return false
		}
	}
	return s.Iterations == 0
}

// Binding is a right of a principal, which is without "User:".
type Binding struct {
	Principal string
	ACL
}

// Quota is a change of one quota of a principal. Value counts unless Remove is set.
type Quota struct {
	Principal, Key string
	Value          float64
	Remove         bool
}

// Changes is what has to be done in Kafka for one user.
type Changes struct {
	Name string
	// Create and Delete are rights.
	Create, Delete []Binding
	Quotas         []Quota
	// SetPassword is nil unless the password for SCRAM-SHA-512 has to be set; DropPassword says that it has to go.
	SetPassword  *SetPassword
	DropPassword bool
}

// SetPassword is a password to set.
type SetPassword struct {
	Password   Password
	Iterations int
}

// Empty reports whether there is nothing to do.
func (c Changes) Empty() bool {
	return len(c.Create)+len(c.Delete)+len(c.Quotas) == 0 && c.SetPassword == nil && !c.DropPassword
}

// String is one line for logs and dry runs, without the password.
func (c Changes) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	for _, b := range c.Create {
		add("%s: %v", b.Principal, b.ACL)
	}
	for _, b := range c.Delete {
		add("%s: no more %v", b.Principal, b.ACL)
	}
	for _, q := range c.Quotas {
		if q.Remove {
			add("%s: no %s", q.Principal, q.Key)
		} else {
			add("%s: %s=%v", q.Principal, q.Key, q.Value)
		}
	}
	if c.SetPassword != nil {
		add("a password of %d iterations", c.SetPassword.Iterations)
	}
	if c.DropPassword {
		add("no password")
	}
	if len(parts) == 0 {
		add("nothing")
	}
	return c.Name + ": " + strings.Join(parts, ", ")
}

// Credential is a password and what is known of it.
type Credential struct {
	Password Password
	// Iterations of the salted password, MinIterations to MaxIterations; 0 is MinIterations.
	Iterations int
	// Known says that this password is the one that was set last.
	Known bool
}

// What Kafka takes as iterations of SCRAM-SHA-512 (org.apache.kafka.common.security.scram.internals.ScramMechanism and
// KIP-554).
const (
	MinIterations = 4096
	MaxIterations = 16384
)

// Diff returns what has to be done so that a user becomes what is wanted; if it is already, the Changes are Empty. A zero
// Credential will do for users that have no password. Rights are left alone where the cluster has no authorizer.
func Diff(want User, have State, c Credential) Changes {
	changes := Changes{Name: want.Name}
	for _, principal := range Principals(want.Name) {
		var acls []ACL
		var quotas map[string]float64
		if principal == want.Principal() {
			acls, quotas = want.ACLs, want.Quotas
		}
		if !have.NoACLs {
			changes.acls(principal, acls, have.ACLs[principal])
		}
		changes.quotas(principal, quotas, have.Quotas[principal])
	}
	iterations := cmp.Or(c.Iterations, MinIterations)
	switch {
	case want.Authentication != SCRAM:
		changes.DropPassword = have.Iterations != 0
	case !c.Known || have.Iterations != iterations:
		changes.SetPassword = &SetPassword{Password: c.Password, Iterations: iterations}
	}
	return changes
}

// Remove returns what has to be done so that Kafka knows nothing of a user.
func Remove(name string, have State) Changes { return Diff(User{Name: name}, have, Credential{}) }

func (c *Changes) acls(principal string, want, have []ACL) {
	there := make(map[ACL]bool, len(have))
	for _, a := range have {
		there[a] = true
	}
	for _, a := range want {
		if !there[a] {
			c.Create = append(c.Create, Binding{principal, a})
		}
		delete(there, a)
	}
	for _, a := range slices.SortedFunc(maps.Keys(there), compareACLs) {
		c.Delete = append(c.Delete, Binding{principal, a})
	}
}

func (c *Changes) quotas(principal string, want, have map[string]float64) {
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if now, ok := have[key]; !ok || now != want[key] {
			c.Quotas = append(c.Quotas, Quota{Principal: principal, Key: key, Value: want[key]})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, ok := want[key]; !ok {
			c.Quotas = append(c.Quotas, Quota{Principal: principal, Key: key, Remove: true})
		}
	}
}
