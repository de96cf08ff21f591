package kafkaadmin

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/operator/user"
)

// ApplyUsers carries out changes, one for each user at most, and returns the errors by the users' names. Passwords,
// rights and quotas are changed at the same time; rights are given before others are taken away, so that nobody who
// keeps a right is without it in between.
func (a *Admin) ApplyUsers(ctx context.Context, changes []user.Changes) map[string]error {
	o := newOutcomes(0)
	var group sync.WaitGroup
	group.Go(func() { a.applyPasswords(ctx, o, changes) })
	group.Go(func() { a.applyQuotas(ctx, o, changes) })
	group.Go(func() {
		var create, remove []grant
		for _, c := range changes {
			for _, b := range c.Create {
				create = append(create, grant{c.Name, b})
			}
			for _, b := range c.Delete {
				remove = append(remove, grant{c.Name, b})
			}
		}
		wide := &Admin{client: a.client, limits: a.limits}
		wide.limits.Items *= grantsPerUser
		batches(wide, create, one, func(part []grant) { a.createACLs(ctx, o, part) })
		batches(wide, remove, one, func(part []grant) { a.deleteACLs(ctx, o, part) })
	})
	group.Wait()
	return o.errors
}

// grantsPerUser is how many rights a user is reckoned to have, for the size of requests.
const grantsPerUser = 5

// grant is a right that belongs to a user.
type grant struct {
	user string
	user.Binding
}

func grantUsers(part []grant) []string {
	names := make([]string, len(part))
	for i, g := range part {
		names[i] = g.user
	}
	return names
}

// words are a right in Kafka's numbers.
type words struct {
	resource   kmsg.ACLResourceType
	pattern    kmsg.ACLResourcePatternType
	operation  kmsg.ACLOperation
	permission kmsg.ACLPermissionType
}

func wordsOf(a user.ACL) (w words, err error) {
	if w.resource, err = kmsg.ParseACLResourceType(a.Resource); err != nil {
		return w, err
	}
	if w.pattern, err = kmsg.ParseACLResourcePatternType(a.Pattern); err != nil {
		return w, err
	}
	if w.operation, err = kmsg.ParseACLOperation(a.Operation); err != nil {
		return w, err
	}
	w.permission, err = kmsg.ParseACLPermissionType(a.Permission)
	return w, err
}

func (a *Admin) createACLs(ctx context.Context, o *outcomes, part []grant) {
	const doing = "give rights"
	req := kmsg.NewPtrCreateACLsRequest()
	var asked []grant
	for _, g := range part {
		w, err := wordsOf(g.ACL)
		if err != nil {
			o.add(failed(doing, err), g.user)
			continue
		}
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, c.ResourceName, c.ResourcePatternType = w.resource, g.Name, w.pattern
		c.Principal, c.Host, c.Operation, c.PermissionType = principalType+g.Principal, g.Host, w.operation, w.permission
		req.Creations, asked = append(req.Creations, c), append(asked, g)
	}
	if len(asked) == 0 {
		return
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.CreateACLsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil && len(resp.Results) != len(asked) {
		err = failed(doing, errNoAnswer)
	}
	if err != nil {
		o.add(err, grantUsers(asked)...)
		return
	}
	for i, result := range resp.Results { // in the order of the request
		o.add(refused(doing, result.ErrorCode, result.ErrorMessage), asked[i].user)
	}
}

func (a *Admin) deleteACLs(ctx context.Context, o *outcomes, part []grant) {
	const doing = "take rights"
	req := kmsg.NewPtrDeleteACLsRequest()
	var asked []grant
	for _, g := range part {
		w, err := wordsOf(g.ACL)
		if err != nil {
			o.add(failed(doing, err), g.user)
			continue
		}
		f := kmsg.NewDeleteACLsRequestFilter()
		f.ResourceType, f.ResourceName, f.ResourcePatternType = w.resource, kmsg.StringPtr(g.Name), w.pattern
		f.Principal, f.Host = kmsg.StringPtr(principalType+g.Principal), kmsg.StringPtr(g.Host)
		f.Operation, f.PermissionType = w.operation, w.permission
		req.Filters, asked = append(req.Filters, f), append(asked, g)
	}
	if len(asked) == 0 {
		return
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DeleteACLsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil && len(resp.Results) != len(asked) {
		err = failed(doing, errNoAnswer)
	}
	if err != nil {
		o.add(err, grantUsers(asked)...)
		return
	}
	for i, result := range resp.Results { // in the order of the request
		o.add(refused(doing, result.ErrorCode, result.ErrorMessage), asked[i].user)
		for _, m := range result.MatchingACLs {
			o.add(refused(doing, m.ErrorCode, m.ErrorMessage), asked[i].user)
		}
	}
}

// applyPasswords salts the passwords here: Kafka is never told one.
func (a *Admin) applyPasswords(ctx context.Context, o *outcomes, changes []user.Changes) {
	var left []user.Changes
	for _, c := range changes {
		if c.SetPassword != nil || c.DropPassword {
			left = append(left, c)
		}
	}
	batches(a, left, one, func(part []user.Changes) { a.setPasswords(ctx, o, part) })
}

func (a *Admin) setPasswords(ctx context.Context, o *outcomes, part []user.Changes) {
	const doing = "set the password"
	req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
	var names []string
	for _, c := range part {
		if ctx.Err() != nil {
			break // the request says so to all
		}
		if c.DropPassword {
			d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
			d.Name, d.Mechanism = c.Name, scramSHA512
			req.Deletions = append(req.Deletions, d)
		} else if u, err := upsertion(c); err != nil {
			o.add(failed(doing, err), c.Name)
			continue
		} else {
			req.Upsertions = append(req.Upsertions, u)
		}
	}
	for _, c := range part {
		names = append(names, c.Name)
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.AlterUserSCRAMCredentialsResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		o.add(err, names...)
		return
	}
	answered := map[string]bool{}
	for _, r := range resp.Results {
		answered[r.User] = true
		o.add(refused(doing, r.ErrorCode, r.ErrorMessage), r.User)
	}
	o.missing(doing, names, answered)
}

// saltSize is the length of Kafka's own salts in bytes.
const saltSize = 24

// upsertion salts a password (RFC 5802: Hi is PBKDF2 with HMAC).
func upsertion(c user.Changes) (kmsg.AlterUserSCRAMCredentialsRequestUpsertion, error) {
	u := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	u.Name, u.Mechanism, u.Iterations = c.Name, scramSHA512, int32(c.SetPassword.Iterations)
	u.Salt = make([]byte, saltSize)
	_, _ = rand.Read(u.Salt) // never fails
	salted, err := pbkdf2.Key(sha512.New, string(c.SetPassword.Password), u.Salt, c.SetPassword.Iterations, sha512.Size)
	if err != nil {
		return u, fmt.Errorf("salting: %w", err)
	}
	u.SaltedPassword = salted
	return u, nil
}

// quotaChange is the changes of one principal's quotas.
type quotaChange struct {
	user, principal string
	quotas          []user.Quota
}

func (a *Admin) applyQuotas(ctx context.Context, o *outcomes, changes []user.Changes) {
	var left []quotaChange
	for _, c := range changes {
		for _, principal := range user.Principals(c.Name) {
			q := quotaChange{user: c.Name, principal: principal}
			for _, change := range c.Quotas {
				if change.Principal == principal {
					q.quotas = append(q.quotas, change)
				}
			}
			if len(q.quotas) > 0 {
				left = append(left, q)
			}
		}
	}
	batches(a, left, func(q quotaChange) int { return len(q.quotas) }, func(part []quotaChange) { a.setQuotas(ctx, o, part) })
}

func (a *Admin) setQuotas(ctx context.Context, o *outcomes, part []quotaChange) {
	const doing = "set quotas"
	req := kmsg.NewPtrAlterClientQuotasRequest()
	names, asked, answered := make(map[string]string, len(part)), make([]string, 0, len(part)), map[string]bool{}
	for _, q := range part {
		names[q.principal], asked = q.user, append(asked, q.user)
		entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
		entity.Type, entity.Name = "user", &q.principal
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity = append(entry.Entity, entity)
		for _, change := range q.quotas {
			op := kmsg.NewAlterClientQuotasRequestEntryOp()
			op.Key, op.Value, op.Remove = change.Key, change.Value, change.Remove
			entry.Ops = append(entry.Ops, op)
		}
		req.Entries = append(req.Entries, entry)
	}
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.AlterClientQuotasResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		o.add(err, asked...)
		return
	}
	for _, entry := range resp.Entries {
		for _, e := range entry.Entity {
			if e.Name != nil {
				answered[names[*e.Name]] = true
				o.add(refused(doing, entry.ErrorCode, entry.ErrorMessage), names[*e.Name])
			}
		}
	}
	o.missing(doing, asked, answered)
}
