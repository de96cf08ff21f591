package model

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// DirectResources is a pod's wish to reach a Kafka as a KafkaUser, without a KafkaBridge. Kafka and KafkaUser are of one
// namespace. Where the pod is of another, its sidecar mounts names.KafkaUserMirror: the user's Secret, with the authority of
// the cluster in it. Whether the user may be used there is not looked at here.
type DirectResources struct {
	Namespace string // the pod's
	Kafka     *v1.Kafka
	User      *v1.KafkaUser // nil: nobody in particular, at a listener that asks for no name
}

// Direct returns the KafkaBridge that stands for such a wish: the listener that takes the user's kind of credentials, who
// vouches for the brokers, and the user's Secret. It has replicas: 0 and is never written anywhere. The error is one line
// that says what to change, and where.
func Direct(r DirectResources) (*v1.KafkaBridge, error) {
	if r.User != nil && r.User.Labels[names.LabelCluster] != r.Kafka.Name {
		return nil, fmt.Errorf("KafkaUser %s belongs to Kafka %q (its label %s), not to %s: correct the pod's label %s",
			r.User.Name, r.User.Labels[names.LabelCluster], names.LabelCluster, r.Kafka.Name, names.LabelUsesCluster)
	}
	auth, err := r.authentication()
	if err != nil {
		return nil, err
	}
	l, err := r.listener(auth)
	if err != nil {
		return nil, err
	}
	bridge := &v1.KafkaBridge{
		ObjectMeta: metav1.ObjectMeta{Name: r.Kafka.Name, Namespace: r.Namespace},
		Spec:       v1.KafkaBridgeSpec{Replicas: new(int32(0)), BootstrapServers: r.bootstrap(l)},
	}
	if l.TLS {
		trusted, err := r.trusted(l)
		if err != nil {
			return nil, err
		}
		bridge.Spec.TLS = &v1.ClientTLS{TrustedCertificates: []v1.CertSecretSource{trusted}}
	}
	bridge.Spec.Authentication = r.credentials(auth)
	return bridge, nil
}

// far reports whether the pod is of another namespace than the Kafka and the user, so that it has only the mirror.
func (r DirectResources) far() bool { return r.User != nil && r.User.Namespace != r.Namespace }

// authentication is what the user logs in with.
func (r DirectResources) authentication() (string, error) {
	if r.User == nil {
		return "", nil
	}
	switch a := r.User.Spec.Authentication; {
	case a == nil:
		return "", nil
	case a.Type == v1.AuthenticationTLSExternal:
		return "", fmt.Errorf("KafkaUser %s has a certificate that the operator does not know (%s): write a KafkaBridge, and its name into the label %s",
			r.User.Name, a.Type, names.LabelBridge)
	default:
		return a.Type, nil
	}
}

// listener is the one for pods of the cluster that takes such credentials: encrypted rather than not, of the common Service
// rather than of its own, the lowest port.
func (r DirectResources) listener(auth string) (v1.Listener, error) {
	fits := func(l v1.Listener) bool {
		takes := ""
		if l.Authentication != nil {
			takes = l.Authentication.Type
		}
		return takes == auth && (l.Type == v1.ListenerInternal || l.Type == v1.ListenerClusterIP)
	}
	var found []v1.Listener
	for _, l := range r.Kafka.Spec.Kafka.Listeners {
		if fits(l) {
			found = append(found, l)
		}
	}
	if len(found) > 0 {
		return slices.MinFunc(found, better), nil
	}
	if auth == "" && r.User == nil {
		return v1.Listener{}, fmt.Errorf("every listener of Kafka %s for pods asks who connects: name a KafkaUser in the annotation %s", r.Kafka.Name, names.AnnotationUser)
	}
	example := "{name: plain, port: 9092, type: internal, tls: false}"
	if auth != "" {
		example = fmt.Sprintf("{name: tls, port: 9093, type: internal, tls: true, authentication: {type: %s}}", auth)
	}
	return v1.Listener{}, fmt.Errorf("no internal listener of Kafka %s is for KafkaUser %s (authentication %s): add one to spec.kafka.listeners, such as %s",
		r.Kafka.Name, r.User.Name, cmp.Or(auth, "none"), example)
}

func better(a, b v1.Listener) int {
	rank := func(l v1.Listener) int {
		n := 0
		if !l.TLS {
			n += 2
		}
		if l.Type != v1.ListenerInternal {
			n++
		}
		return n
	}
	return cmp.Or(rank(a)-rank(b), int(a.Port-b.Port))
}

// bootstrap is the address of the listener's Service. It is known before the Kafka has a status.
func (r DirectResources) bootstrap(l v1.Listener) string {
	service := names.KafkaBootstrapService(r.Kafka.Name)
	if l.Type == v1.ListenerClusterIP {
		service = names.KafkaListenerService(r.Kafka.Name, l.Name)
	}
	return fmt.Sprintf("%s.%s.svc:%d", service, r.Kafka.Namespace, l.Port)
}

// trusted is who vouches for the brokers: the cluster's authority, or the listener's own certificate.
func (r DirectResources) trusted(l v1.Listener) (v1.CertSecretSource, error) {
	var own *v1.CertAndKeySecretSource
	if l.Configuration != nil {
		own = l.Configuration.BrokerCertChainAndKey
	}
	switch {
	case own != nil && r.far():
		return v1.CertSecretSource{}, fmt.Errorf("listener %s of Kafka %s has a certificate of its own, which pods of other namespaces can't check: write a KafkaBridge, and its name into the label %s",
			l.Name, r.Kafka.Name, names.LabelBridge)
	case own != nil:
		return v1.CertSecretSource{SecretName: own.SecretName, Certificate: own.Certificate}, nil
	case r.far() && r.User.Spec.Authentication == nil:
		return v1.CertSecretSource{}, fmt.Errorf("KafkaUser %s has no authentication and so no Secret, which would tell pods of other namespaces the authority of Kafka %s: write a KafkaBridge, and its name into the label %s",
			r.User.Name, r.Kafka.Name, names.LabelBridge)
	case r.far():
		return v1.CertSecretSource{SecretName: r.secret(), Certificate: names.KeyMirroredAuthority}, nil
	}
	return v1.CertSecretSource{SecretName: names.ClusterCACert(r.Kafka.Name), Pattern: "*.crt"}, nil
}

// secret is the one in the pod's namespace that has the user's credentials. It is known before the KafkaUser has a status.
func (r DirectResources) secret() string {
	if r.far() {
		return names.KafkaUserMirror(r.User.Namespace, r.User.Name)
	}
	prefix := ""
	if e := r.Kafka.Spec.EntityOperator; e != nil && e.UserOperator != nil {
		prefix = e.UserOperator.SecretPrefix
	}
	return cmp.Or(r.User.Status.Secret, prefix+r.User.Name)
}

// credentials are those of the user's Secret, by the keys that the operator gives it.
func (r DirectResources) credentials(auth string) *v1.ClientAuthentication {
	switch auth {
	case v1.AuthenticationTLS:
		return &v1.ClientAuthentication{
			Type:              auth,
			CertificateAndKey: &v1.CertAndKeySecretSource{SecretName: r.secret(), Certificate: "user.crt", Key: "user.key"},
		}
	case v1.AuthenticationScramSHA512:
		return &v1.ClientAuthentication{
			Type: auth, Username: r.User.Name,
			PasswordSecret: &v1.PasswordSecretSource{SecretName: r.secret(), Password: "password"},
		}
	}
	return nil
}
