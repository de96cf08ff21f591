package user

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Limits of names. A certificate's common name has at most 64 characters (RFC 5280, ub-common-name).
const (
	maxCommonName = 64
	maxSecretName = 253
)

// Options is what Desired needs to know besides the resource.
type Options struct {
	// SecretPrefix comes before the resource's name in the Secret's (spec.entityOperator.userOperator.secretPrefix).
	SecretPrefix string
	// Validity and RenewBefore are the clients' authority's, for users that say nothing.
	Validity, RenewBefore time.Duration
	// NoACLs says that the cluster has no authorizer, so that rights can't be given.
	NoACLs bool
}

// Reasons of conditions, as the reference operator says them.
const (
	ReasonInvalid  = "InvalidResourceException"
	ReasonMissing  = "InvalidConfigurationException"
	ReasonConflict = "ResourceConflict"
	ReasonKafka    = "KafkaError"
	ReasonInternal = "InternalError"
	// ReasonNoEffect is of warnings about what is accepted and changes nothing.
	ReasonNoEffect = "FieldsWithoutEffect"
)

// Problem is what keeps a user from becoming what is wanted. It becomes the condition NotReady=True.
type Problem struct {
	Reason  string // one word for programs
	Message string // one line that names the field and what to change
}

// Error returns the message.
func (p Problem) Error() string { return p.Message }

// Warning is something odd about a resource that hinders nothing.
type Warning struct{ Reason, Message string }

func invalid(format string, args ...any) Problem {
	return Problem{ReasonInvalid, fmt.Sprintf(format, args...)}
}

// Desired returns what a resource wants. The error is a Problem with ReasonInvalid that names the field; only a change of the
// resource helps.
func Desired(cr *v1.KafkaUser, o Options) (User, []Warning, error) {
	u := User{Name: cr.Name}
	if err := u.authentication(cr, o); err != nil {
		return User{}, nil, err
	}
	if cr.Spec.Authorization != nil && o.NoACLs {
		return User{}, nil, invalid("spec.authorization: the cluster has none, so rights can't be given: set spec.kafka.authorization of the Kafka resource, or remove this")
	}
	var warnings []Warning
	if a := cr.Spec.Authorization; a != nil {
		if a.Type != "simple" {
			return User{}, nil, invalid("spec.authorization.type: %q is not known: write simple", a.Type)
		}
		var err error
		if u.ACLs, warnings, err = rights(a.ACLs); err != nil {
			return User{}, nil, err
		}
	}
	var err error
	if u.Quotas, err = quotas(cr.Spec.Quotas); err != nil {
		return User{}, nil, err
	}
	return u, warnings, nil
}

func (u *User) authentication(cr *v1.KafkaUser, o Options) error {
	a := cr.Spec.Authentication
	if a == nil {
		return nil
	}
	u.Authentication = Authentication(a.Type)
	switch u.Authentication {
	case TLS, TLSExternal:
		if len(u.Name) > maxCommonName {
			return invalid("metadata.name: it has %d characters, and a certificate's name at most %d: call the user something shorter", len(u.Name), maxCommonName)
		}
	case SCRAM:
		if p := a.Password; p != nil {
			ref := p.ValueFrom.SecretKeyRef
			if ref == nil || ref.Name == "" || ref.Key == "" {
				return invalid("spec.authentication.password.valueFrom.secretKeyRef: give name and key")
			}
			u.PasswordFrom = &SecretKey{ref.Name, ref.Key}
		}
	default:
		return invalid("spec.authentication.type: %q is not known: write tls, tls-external or scram-sha-512", a.Type)
	}
	if u.Authentication == TLS {
		if err := u.terms(a, o); err != nil {
			return err
		}
	}
	if u.Authentication != TLSExternal {
		return u.secret(cr, o)
	}
	return nil
}

// terms finds how long the certificate lives: what the user says, or the clients' authority.
func (u *User) terms(a *v1.KafkaUserAuthentication, o Options) error {
	const day = 24 * time.Hour
	u.Validity, u.RenewBefore = o.Validity, o.RenewBefore
	if a.ValidityDays != nil {
		u.Validity = time.Duration(*a.ValidityDays) * day
	}
	if a.RenewalDays != nil {
		u.RenewBefore = time.Duration(*a.RenewalDays) * day
	}
	if u.Validity <= 0 || u.RenewBefore < 0 || u.RenewBefore >= u.Validity {
		return invalid("spec.authentication.renewalDays: the certificate is valid for %d days and would be renewed %d days before its end: write fewer than validityDays",
			u.Validity/day, u.RenewBefore/day)
	}
	return nil
}

// secret finds the name and the labels of the user's Secret; the labels are those of the reference operator.
func (u *User) secret(cr *v1.KafkaUser, o Options) error {
	s := &Secret{Name: o.SecretPrefix + u.Name, Annotations: map[string]string{}, Labels: map[string]string{}}
	if len(s.Name) > maxSecretName {
		return invalid("metadata.name: the Secret's name, %s, has more than %d characters: call the user something shorter", s.Name, maxSecretName)
	}
	if t := cr.Spec.Template; t != nil && t.Secret != nil && t.Secret.Metadata != nil {
		maps.Copy(s.Labels, t.Secret.Metadata.Labels)
		maps.Copy(s.Annotations, t.Secret.Metadata.Annotations)
	}
	cluster := cr.Labels[names.LabelCluster]
	maps.Copy(s.Labels, map[string]string{
		names.LabelKind: names.KindKafkaUser, names.LabelCluster: cluster,
		names.LabelName: names.ManagedByUsers, names.LabelInstance: names.LabelValue(u.Name), names.LabelManagedBy: names.ManagedByUsers,
		names.LabelPartOf: names.LabelValue("strimzi-" + u.Name),
	})
	u.Secret = s
	return nil
}

// quotas reads spec.quotas by Kafka's keys.
func quotas(q *v1.KafkaUserQuotas) (map[string]float64, error) {
	all := map[string]float64{}
	if q == nil {
		return all, nil
	}
	if q.ProducerByteRate != nil {
		all[QuotaProducerByteRate] = float64(*q.ProducerByteRate)
	}
	if q.ConsumerByteRate != nil {
		all[QuotaConsumerByteRate] = float64(*q.ConsumerByteRate)
	}
	if q.RequestPercentage != nil {
		all[QuotaRequestPercentage] = float64(*q.RequestPercentage)
	}
	if q.ControllerMutationRate != nil {
		all[QuotaControllerMutationRate] = *q.ControllerMutationRate
	}
	fields := map[string]string{
		QuotaProducerByteRate: "producerByteRate", QuotaConsumerByteRate: "consumerByteRate",
		QuotaRequestPercentage: "requestPercentage", QuotaControllerMutationRate: "controllerMutationRate",
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if v := all[key]; v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, invalid("spec.quotas.%s: %v is not possible: give 0 or more", fields[key], v)
		}
	}
	return all, nil
}
