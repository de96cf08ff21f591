package user

import (
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

var terms = Options{Validity: 365 * 24 * time.Hour, RenewBefore: 30 * 24 * time.Hour}

// resource makes a KafkaUser named my-app.
func resource(authentication string, rules ...v1.ACLRule) *v1.KafkaUser {
	cr := &v1.KafkaUser{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "my-app", Labels: map[string]string{names.LabelCluster: "my-cluster"}}}
	if authentication != "" {
		cr.Spec.Authentication = &v1.KafkaUserAuthentication{Type: authentication}
	}
	if rules != nil {
		cr.Spec.Authorization = &v1.KafkaUserAuthorization{Type: "simple", ACLs: rules}
	}
	return cr
}

func rule(resource, name string, operations ...string) v1.ACLRule {
	return v1.ACLRule{Resource: v1.ACLResource{Type: resource, Name: name}, Operations: operations}
}

func secretKey(name, key string) *v1.UserPassword {
	return &v1.UserPassword{ValueFrom: v1.SecretKeySource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key,
	}}}
}

// fixed is randomness that is the same each time.
func fixed(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }
