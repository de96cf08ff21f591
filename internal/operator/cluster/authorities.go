package cluster

import (
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/window"
)

const (
	defaultValidity = 365 // days, as in the reference operator
	defaultRenewal  = 30
	mostDays        = 100_000 // a time.Duration ends at 106,751
	day             = 24 * time.Hour
)

// authorities takes what is wanted of the two certificate authorities, and when certificates may be renewed.
func (b *builder) authorities() {
	b.out.ClusterCA = b.authority("spec.clusterCa", b.kafka.Spec.ClusterCa)
	b.out.ClientsCA = b.authority("spec.clientsCa", b.kafka.Spec.ClientsCa)
	windows, err := window.ParseAll(b.kafka.Spec.MaintenanceTimeWindows)
	if err != nil {
		b.windowProblems(err)
	}
	b.out.Windows = windows
	for i, w := range windows {
		if w.Brief() {
			b.Warn(ReasonBriefWindow, "spec.maintenanceTimeWindows[%d]: %q is open for single seconds, and will be missed: write * for the seconds and minutes", i, w)
		}
	}
}

// windowProblems says of each window that can't be read what is wrong with it.
func (b *builder) windowProblems(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			b.Invalid("spec", "%v", one)
		}
		return
	}
	b.Invalid("spec", "%v", err)
}

// authority is one of them with its defaults.
func (b *builder) authority(field string, a *v1.CertificateAuthority) Authority {
	if a == nil {
		a = &v1.CertificateAuthority{}
	}
	days := func(name string, value *int32, absent int32) time.Duration {
		if value == nil {
			return time.Duration(absent) * day
		}
		if *value < 1 || *value > mostDays {
			b.Invalid(field+"."+name, "%d is not at least 1 and at most %d", *value, mostDays)
		}
		return time.Duration(*value) * day
	}
	out := Authority{
		Generate: is(a.GenerateCertificateAuthority, true), Own: is(a.GenerateSecretOwnerReference, true),
		Validity: days("validityDays", a.ValidityDays, defaultValidity), RenewBefore: days("renewalDays", a.RenewalDays, defaultRenewal),
		PKCS12: !b.in.Defaults.WithoutPKCS12,
	}
	if out.RenewBefore >= out.Validity {
		b.Invalid(field+".renewalDays", "%d is not less than validityDays, which is %d: a certificate would be renewed as soon as it is made",
			out.RenewBefore/day, out.Validity/day)
	}
	switch a.CertificateExpirationPolicy {
	case "", v1.ExpirationRenewCertificate:
	case v1.ExpirationReplaceKey:
		out.Replace = true
	default:
		b.Invalid(field+".certificateExpirationPolicy", "%q is not one of %s and %s", a.CertificateExpirationPolicy, v1.ExpirationRenewCertificate, v1.ExpirationReplaceKey)
	}
	return out
}
