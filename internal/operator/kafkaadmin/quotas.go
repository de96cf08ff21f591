package kafkaadmin

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// userEntity is what Kafka calls users in its requests about quotas (KIP-546).
const userEntity = "user"

// DefaultQuotas returns the quotas of users that have none of their own, by Kafka's keys: producer_byte_rate and so on.
func (a *Admin) DefaultQuotas(ctx context.Context) (map[string]float64, error) {
	const doing = "describe the quotas of all users"
	const byDefault = 1 // the kind of match: the entity that stands for all without their own
	component := kmsg.NewDescribeClientQuotasRequestComponent()
	component.EntityType, component.MatchType = userEntity, byDefault
	req := kmsg.NewPtrDescribeClientQuotasRequest()
	req.Components, req.Strict = append(req.Components, component), true
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.DescribeClientQuotasResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err == nil {
		err = refused(doing, resp.ErrorCode, resp.ErrorMessage)
	}
	if err != nil {
		return nil, err
	}
	quotas := make(map[string]float64)
	for _, entry := range resp.Entries {
		for _, v := range entry.Values {
			quotas[v.Key] = v.Value
		}
	}
	return quotas, nil
}

// SetDefaultQuotas sets and removes quotas of users that have none of their own.
func (a *Admin) SetDefaultQuotas(ctx context.Context, set map[string]float64, remove []string) error {
	const doing = "change the quotas of all users"
	entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
	entity.Type, entity.Name = userEntity, nil // nil: the default
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entry.Entity = append(entry.Entity, entity)
	for _, key := range slices.Sorted(maps.Keys(set)) {
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Value = key, set[key]
		entry.Ops = append(entry.Ops, op)
	}
	for _, key := range remove {
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Remove = key, true
		entry.Ops = append(entry.Ops, op)
	}
	req := kmsg.NewPtrAlterClientQuotasRequest()
	req.Entries = append(req.Entries, entry)
	resp, err := ask(ctx, a, doing, func(ctx context.Context, c *kgo.Client) (*kmsg.AlterClientQuotasResponse, error) {
		return req.RequestWith(ctx, c)
	})
	if err != nil {
		return err
	}
	for _, r := range resp.Entries {
		if err := refused(doing, r.ErrorCode, r.ErrorMessage); err != nil {
			return err
		}
	}
	return nil
}
