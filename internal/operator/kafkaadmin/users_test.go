package kafkaadmin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/kafkatest"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// person is a user with rights and quotas.
func person(name string, how user.Authentication) user.User {
	return user.User{
		Name: name, Authentication: how, Quotas: map[string]float64{user.QuotaProducerByteRate: 1024, user.QuotaRequestPercentage: 12.5},
		ACLs: []user.ACL{
			{Resource: "CLUSTER", Name: user.ClusterName, Pattern: user.PatternLiteral, Operation: "IDEMPOTENT_WRITE", Permission: user.PermissionAllow, Host: "*"},
			{Resource: "TOPIC", Name: "orders", Pattern: user.PatternPrefixed, Operation: "WRITE", Permission: user.PermissionAllow, Host: "*"},
			{Resource: "TRANSACTIONAL_ID", Name: "*", Pattern: user.PatternLiteral, Operation: "DESCRIBE", Permission: user.PermissionDeny, Host: "10.0.0.1"},
		},
	}
}

// settle brings users to what is wanted and checks that nothing is left to do; it returns how many were changed.
func settle(t *testing.T, a *kafkaadmin.Admin, people []user.User) int {
	t.Helper()
	differences := func(known bool) (all []user.Changes) {
		var names []string
		for _, p := range people {
			names = append(names, p.Name)
		}
		states, err := a.ReadUsers(t.Context(), names)
		if err != nil || len(states) != len(people) {
			t.Fatal(len(states), err)
		}
		for _, p := range people {
			if c := user.Diff(p, states[p.Name], user.Credential{Password: user.Password("pw-" + p.Name), Known: known}); !c.Empty() {
				all = append(all, c)
			}
		}
		return all
	}
	changes := differences(false)
	for name, err := range a.ApplyUsers(t.Context(), changes) {
		t.Errorf("%s: %v", name, err)
	}
	if again := differences(true); len(again) > 0 {
		t.Errorf("%d users are still to be changed, the first: %v", len(again), again[0])
	}
	return len(changes)
}

// TestUsers brings users from nothing to a password, to a certificate and to nothing; what others have stays, and the
// password is one that Kafka takes.
func TestUsers(t *testing.T) {
	other := kafkatest.User{Name: "other", Password: "o", Mechanism: kafkatest.ScramSHA512, ACLs: []kfake.ACL{{
		Resource: kmsg.ACLResourceTypeTopic, Name: "orders", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationRead, Allow: true,
	}}}
	for _, n := range []int{1, 30} { // few are read one by one, many together
		a, c := start(t, kafkaadmin.Limits{Items: 12}, kafkatest.ACLs(other))
		before, err := a.ReadUsers(t.Context(), []string{"other"})
		if err != nil || before["other"].Empty() {
			t.Fatal(err, before)
		}
		people := make([]user.User, n)
		bring := func(how user.Authentication) {
			t.Helper()
			for i, name := range named("app", n) {
				people[i] = person(name, how)
			}
			if got := settle(t, a, people); got != n {
				t.Errorf("%d users were changed", got)
			}
		}
		bring(user.SCRAM)
		signIn(t, c, people[n-1].Name)
		bring(user.TLS)
		for i := range people {
			people[i] = user.User{Name: people[i].Name}
		}
		if settle(t, a, people) != n {
			t.Error("nothing was taken away")
		}
		after, err := a.ReadUsers(t.Context(), []string{"other", people[0].Name})
		if err != nil || !after[people[0].Name].Empty() {
			t.Error(err, after)
		}
		if diff := cmp.Diff(before["other"], after["other"]); diff != "" {
			t.Error("another user was touched", diff)
		}
	}
}

// signIn uses the password as a client would: what was salted here is what the broker checks.
func signIn(t *testing.T, c *kafkatest.Cluster, name string) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.SASL(scram.Auth{User: name, Pass: "pw-" + name}.AsSha512Mechanism()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// A right that has no words in Kafka is its user's failure, and the others' changes are made.
func TestBadRight(t *testing.T) {
	a, _ := start(t, kafkaadmin.Limits{}, kafkatest.ACLs())
	good, bad := person("good", user.TLS), person("bad", user.TLS)
	bad.ACLs[0].Operation = "DANCE"
	failures := a.ApplyUsers(t.Context(), []user.Changes{user.Diff(bad, user.State{}, user.Credential{}), user.Diff(good, user.State{}, user.Credential{})})
	if len(failures) != 1 || failures["bad"] == nil {
		t.Error(failures)
	}
	states, err := a.ReadUsers(t.Context(), []string{"good", "bad"})
	if err != nil || len(states["good"].ACLs["CN=good"]) != 3 || len(states["bad"].ACLs["CN=bad"]) != 2 {
		t.Error(err, states)
	}
	if none, err := a.ReadUsers(t.Context(), nil); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}

// A cluster without an authorizer is told from one where nobody has rights, and its users have passwords all the same.
func TestNoAuthorizer(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{}, kafkatest.SASL())
	stop := c.Rewrite(kmsg.DescribeACLs, func(r kmsg.Response) {
		resp := r.(*kmsg.DescribeACLsResponse)
		resp.ErrorCode, resp.Resources = kerr.SecurityDisabled.Code, nil
	})
	defer stop()
	people := []user.User{person("app", user.SCRAM)}
	if settle(t, a, people) != 1 {
		t.Error("nothing was changed")
	}
	states, err := a.ReadUsers(t.Context(), []string{"app"})
	if s := states["app"]; err != nil || !s.NoACLs || s.Iterations != user.MinIterations || len(s.Quotas["app"]) != 2 {
		t.Errorf("%+v %v", s, err)
	}
	signIn(t, c, "app")
}

// Whatever can't be read is an error, never an empty state: that would take everything for missing.
func TestReadingFails(t *testing.T) {
	for key, spoil := range map[kmsg.Key]func(kmsg.Response){
		kmsg.DescribeACLs: func(r kmsg.Response) { r.(*kmsg.DescribeACLsResponse).ErrorCode = kerr.ClusterAuthorizationFailed.Code },
		kmsg.DescribeClientQuotas: func(r kmsg.Response) {
			r.(*kmsg.DescribeClientQuotasResponse).ErrorCode = kerr.ClusterAuthorizationFailed.Code
		},
		kmsg.DescribeUserSCRAMCredentials: func(r kmsg.Response) {
			r.(*kmsg.DescribeUserSCRAMCredentialsResponse).ErrorCode = kerr.ClusterAuthorizationFailed.Code
		},
	} {
		for _, n := range []int{1, 20} {
			a, c := start(t, kafkaadmin.Limits{}, kafkatest.ACLs())
			stop := c.Rewrite(key, spoil)
			_, err := a.ReadUsers(t.Context(), named("app", n))
			stop()
			var e *kafka.Error
			if !errors.As(err, &e) || e.Kind != kafka.KindAuthorization {
				t.Errorf("%v, %d users: %v", key, n, err)
			}
		}
	}
}

// A user whose change is refused, or of whom the answer says nothing, has an error; the others have none.
func TestRefusedUsers(t *testing.T) {
	a, c := start(t, kafkaadmin.Limits{}, kafkatest.ACLs())
	defer c.Rewrite(kmsg.AlterUserSCRAMCredentials, func(r kmsg.Response) {
		resp := r.(*kmsg.AlterUserSCRAMCredentialsResponse)
		resp.Results = slices.DeleteFunc(resp.Results, func(x kmsg.AlterUserSCRAMCredentialsResponseResult) bool { return x.User == "forgotten" })
		for i := range resp.Results {
			if resp.Results[i].User == "refused" {
				resp.Results[i].ErrorCode = kerr.UnacceptableCredential.Code
			}
		}
	})()
	var changes []user.Changes
	for _, name := range []string{"refused", "forgotten", "fine"} {
		changes = append(changes, user.Diff(person(name, user.SCRAM), user.State{}, user.Credential{Password: "s3cret"}))
	}
	failures := a.ApplyUsers(t.Context(), changes)
	if len(failures) != 2 || failures["refused"] == nil || failures["forgotten"] == nil {
		t.Error(failures)
	}
	check(t, failures["refused"], "set the password: org.apache.kafka.common.errors.UnacceptableCredentialException: ", false)
	for _, err := range failures {
		if strings.Contains(err.Error(), "s3cret") {
			t.Error("the password is told")
		}
	}
}
