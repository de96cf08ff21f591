package controller

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
	"github.com/steg-kafka/steg/internal/operator/user"
	"github.com/steg-kafka/steg/internal/operator/window"
)

// userTerms is what a Kafka says about all of its users.
type userTerms struct {
	options user.Options
	windows window.Windows
	never   bool // the windows can't be read: none is open
}

// The clients' authority's terms where the Kafka says nothing, in days: the reference operator's.
const (
	validityDays = 365
	renewalDays  = 30
)

// termsOf returns what a Kafka says about its users, or a user.Problem if none can be looked after.
func termsOf(cluster client.ObjectKey, kafka *v1.Kafka) (userTerms, error) {
	missing := func(format string, args ...any) error {
		return user.Problem{Reason: user.ReasonMissing, Message: fmt.Sprintf(format, args...)}
	}
	label := "metadata.labels[" + names.LabelCluster + "]"
	switch {
	case cluster.Name == "":
		return userTerms{}, user.Problem{Reason: user.ReasonInvalid, Message: label + ": it is missing: give the name of the Kafka that the user is for"}
	case kafka == nil:
		return userTerms{}, missing("%s: there is no Kafka %s in namespace %s: create it, or correct the label", label, cluster.Name, cluster.Namespace)
	case kafka.DeletionTimestamp != nil:
		return userTerms{}, missing("the Kafka %s is being deleted", cluster.Name)
	case kafka.Spec.EntityOperator == nil || kafka.Spec.EntityOperator.UserOperator == nil:
		return userTerms{}, missing("KafkaUsers of the Kafka %s are not looked after: add spec.entityOperator.userOperator: {} to it", cluster.Name)
	}
	const day = 24 * time.Hour
	t := userTerms{options: user.Options{
		SecretPrefix: kafka.Spec.EntityOperator.UserOperator.SecretPrefix,
		Validity:     validityDays * day, RenewBefore: renewalDays * day,
		NoACLs: noACLs(kafka.Spec.Kafka.Authorization),
	}}
	if ca := kafka.Spec.ClientsCa; ca != nil {
		t.options.Validity = time.Duration(cmp.Or(deref(ca.ValidityDays), validityDays)) * day
		t.options.RenewBefore = time.Duration(cmp.Or(deref(ca.RenewalDays), renewalDays)) * day
	}
	var err error
	t.windows, err = window.ParseAll(kafka.Spec.MaintenanceTimeWindows)
	t.never = err != nil // the Kafka's own status says so
	return t, nil
}

func deref(n *int32) int32 {
	if n == nil {
		return 0
	}
	return *n
}

// noACLs reports whether a cluster takes no access control lists.
func noACLs(a *v1.KafkaAuthorization) bool {
	return a == nil || a.Type != "simple" && (a.SupportsAdminAPI == nil || !*a.SupportsAdminAPI)
}

// issuer reads the clients' authority of the cluster. What is missing of it is a user.Problem.
func (r *userRound) issuer(ctx context.Context) (user.Issuer, error) {
	certificates, err := r.secretOf(ctx, client.ObjectKey{Namespace: r.cluster.Namespace, Name: names.ClientsCACert(r.cluster.Name)}, names.KeyCACertificate)
	if err != nil {
		return user.Issuer{}, err
	}
	key, err := r.secretOf(ctx, client.ObjectKey{Namespace: r.cluster.Namespace, Name: names.ClientsCA(r.cluster.Name)}, names.KeyCAKey)
	if err != nil {
		return user.Issuer{}, err
	}
	by := user.Issuer{PEM: certificates.Data[names.KeyCACertificate]}
	if by.Pair, err = pki.ParsePair(by.PEM, key.Data[names.KeyCAKey]); err != nil {
		return user.Issuer{}, user.Problem{Reason: user.ReasonMissing, Message: fmt.Sprintf(
			"the clients' authority in Secrets %s and %s can't sign: %v", certificates.Name, key.Name, err)}
	}
	by.Trusted = trustedIn(certificates.Data)
	return by, nil
}

// trustedIn returns the authority's certificate and those before it, which stand under other keys; what can't be read is left
// out.
func trustedIn(data map[string][]byte) []*x509.Certificate {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(data)), func(key string) bool {
		return key == names.KeyCACertificate || !strings.HasSuffix(key, names.SuffixCertificate)
	})
	var all []*x509.Certificate
	for _, key := range append([]string{names.KeyCACertificate}, keys...) {
		if found, err := pki.ParseCertificates(data[key]); err == nil {
			all = append(all, found...)
		}
	}
	return all
}

// secretOf reads a Secret that must have a key; if it has not, the error is a user.Problem.
func (r *userRound) secretOf(ctx context.Context, key client.ObjectKey, needed string) (*corev1.Secret, error) {
	found, err := r.secret(ctx, key)
	if err != nil {
		return nil, err
	}
	if found == nil || len(found.Data[needed]) == 0 {
		return nil, user.Problem{Reason: user.ReasonMissing, Message: fmt.Sprintf("key %s of Secret %s in namespace %s is not there", needed, key.Name, key.Namespace)}
	}
	return found, nil
}

// secret reads a Secret past the cache; nil if there is none.
func (u *users) secret(ctx context.Context, key client.ObjectKey) (*corev1.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	found := &corev1.Secret{}
	err := u.live.Get(ctx, key, found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", key.Name, err)
	}
	return found, nil
}
