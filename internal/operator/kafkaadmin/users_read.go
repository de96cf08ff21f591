package kafkaadmin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/operator/user"
)

// principalType is what Kafka puts before the names of users.
const principalType = "User:"

// few is how many users are asked for one by one, where all are read for more of them, and how many topics are asked about in
// every way at once.
const few = 8

// scramSHA512 is the mechanism's number in Kafka's protocol (KIP-554).
const scramSHA512 = 2

// ReadUsers reads what Kafka has under both names of users, in bulk. Each name has a state, which may be empty.
func (a *Admin) ReadUsers(ctx context.Context, names []string) (map[string]user.State, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	r := newUserReader(names)
	if len(names) == 0 {
		return r.states, nil
	}
	reads := []func() error{func() error { return a.readPasswords(ctx, r, names) }}
	if len(names) > few {
		reads = append(reads,
			func() error { return a.readACLs(ctx, r, nil) },
			func() error { return a.readQuotas(ctx, r, nil) })
	} else {
		for principal := range r.names {
			reads = append(reads,
				func() error { return a.readACLs(ctx, r, &principal) },
				func() error { return a.readQuotas(ctx, r, &principal) })
		}
	}
	errs := make([]error, len(reads))
	var group sync.WaitGroup
	for i, read := range reads {
		group.Go(func() { errs[i] = read() })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, failed("describe users", err)
	}
	return r.states, nil
}

// userReader collects what belongs to users.
type userReader struct {
	names  map[string]string // by principal
	mu     sync.Mutex
	states map[string]user.State
}

func newUserReader(names []string) *userReader {
	r := &userReader{names: make(map[string]string, 2*len(names)), states: make(map[string]user.State, len(names))}
	for _, name := range names {
		for _, principal := range user.Principals(name) {
			r.names[principal] = name
		}
		r.states[name] = user.State{ACLs: map[string][]user.ACL{}, Quotas: map[string]map[string]float64{}}
	}
	return r
}

// change changes the state of the user that a principal belongs to, if it is one of those asked for.
func (r *userReader) change(principal string, with func(*user.State)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, wanted := r.names[principal]
	if !wanted {
		return
	}
	s := r.states[name]
	with(&s)
	r.states[name] = s
}

// readACLs reads the rights of one principal, or of all if it is nil.
func (a *Admin) readACLs(ctx context.Context, r *userReader, principal *string) error {
	const doing = "describe rights"
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	if principal != nil {
		req.Principal = kmsg.StringPtr(principalType + *principal)
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeACLsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return err
	}
	if resp.ErrorCode == kerr.SecurityDisabled.Code {
		for known := range r.names {
			r.change(known, func(s *user.State) { s.NoACLs = true })
		}
		return nil
	}
	for _, on := range resp.Resources {
		for _, acl := range on.ACLs {
			of, isUser := strings.CutPrefix(acl.Principal, principalType)
			if !isUser {
				continue
			}
			r.change(of, func(s *user.State) {
				s.ACLs[of] = append(s.ACLs[of], user.ACL{
					Resource: on.ResourceType.String(), Name: on.ResourceName, Pattern: on.ResourcePatternType.String(),
					Operation: acl.Operation.String(), Permission: acl.PermissionType.String(), Host: acl.Host,
				})
			})
		}
	}
	return refused(doing, resp.ErrorCode, resp.ErrorMessage)
}

// readQuotas reads the quotas of one user, or of all if it is nil; those of a user with a client id are left out.
func (a *Admin) readQuotas(ctx context.Context, r *userReader, principal *string) error {
	const doing = "describe quotas"
	component := kmsg.NewDescribeClientQuotasRequestComponent()
	component.EntityType, component.MatchType = "user", kmsg.QuotasMatchTypeAny
	if principal != nil {
		component.MatchType, component.Match = kmsg.QuotasMatchTypeExact, principal
	}
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Components, req.Strict = append(req.Components, component), true
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeClientQuotasResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return err
	}
	for _, entry := range resp.Entries {
		if len(entry.Entity) != 1 || entry.Entity[0].Type != "user" || entry.Entity[0].Name == nil {
			continue
		}
		of := *entry.Entity[0].Name
		r.change(of, func(s *user.State) {
			s.Quotas[of] = make(map[string]float64, len(entry.Values))
			for _, v := range entry.Values {
				s.Quotas[of][v.Key] = v.Value
			}
		})
	}
	return refused(doing, resp.ErrorCode, resp.ErrorMessage)
}

// readPasswords reads which users have a password for SCRAM-SHA-512. Only the plain names have one.
func (a *Admin) readPasswords(ctx context.Context, r *userReader, names []string) error {
	const doing = "describe passwords"
	req := kmsg.NewPtrDescribeUserSCRAMCredentialsRequest()
	for _, name := range names {
		u := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		u.Name = name
		req.Users = append(req.Users, u)
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeUserSCRAMCredentialsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return err
	}
	for _, result := range resp.Results {
		if result.ErrorCode == kerr.ResourceNotFound.Code {
			continue
		}
		if err := refused(doing, result.ErrorCode, result.ErrorMessage); err != nil {
			return err
		}
		for _, c := range result.CredentialInfos {
			if c.Mechanism == scramSHA512 {
				r.change(result.User, func(s *user.State) { s.Iterations = int(c.Iterations) })
			}
		}
	}
	return refused(doing, resp.ErrorCode, resp.ErrorMessage)
}
