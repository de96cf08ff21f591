package controller

import (
	"bytes"
	"crypto/rand"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/pki"
)

// authorities is a cluster of two nodes whose certificates are made, without an API server.
type authorities struct {
	*testing.T
	r      *kafkas
	s      *scene
	want   cluster.Cluster
	at     *clock
	bundle []byte // of the cluster's authority, as the last pass made it
}

func certifying(t *testing.T) *authorities {
	t.Helper()
	a := &authorities{T: t}
	a.r, a.s, a.want, a.at = asking(2, &brokersFake{})
	metrics, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	a.r.Metrics, a.s.fulfilled = metrics, map[string][]string{}
	usual := cluster.Authority{Generate: true, Own: true, Validity: 365 * 24 * time.Hour, RenewBefore: 30 * 24 * time.Hour}
	a.want.ClusterCA, a.want.ClientsCA = usual, usual
	a.s.secrets = map[string]*corev1.Secret{names.OperatorCertificate("c"): nil, names.TrustBundle("c"): nil}
	for node := range nodesOf(a.want) {
		a.s.secrets[node.Pod] = nil
	}
	a.keep(pki.ClusterCA, a.newer(pki.Authority{Kind: pki.ClusterCA, KeyGeneration: -1, CertGeneration: -1}, false))
	a.keep(pki.ClientsCA, a.newer(pki.Authority{Kind: pki.ClientsCA, KeyGeneration: -1, CertGeneration: -1}, false))
	return a
}

// newer returns the authority with a first key, or with one more. The key is a small one: large ones take long.
func (a *authorities) newer(of pki.Authority, replace bool) pki.Authority {
	a.Helper()
	of.ForceReplace = replace
	made, _, err := of.Advance(rand.Reader, a.at.now, pki.AuthorityPolicy{Template: pki.Template{Validity: 365 * 24 * time.Hour}})
	if err != nil {
		a.Fatal(err)
	}
	return made
}

// keep puts both Secrets of an authority where they are read.
func (a *authorities) keep(kind pki.Kind, of pki.Authority) {
	a.Helper()
	key, err := of.KeySecret()
	if err != nil {
		a.Fatal(err)
	}
	cert, err := of.CertSecret(rand.Reader, false)
	if err != nil {
		a.Fatal(err)
	}
	a.s.secrets["c-"+string(kind)] = &corev1.Secret{Data: key.Data, ObjectMeta: metav1.ObjectMeta{Annotations: key.Annotations}}
	a.s.secrets["c-"+string(kind)+"-cert"] = &corev1.Secret{Data: cert.Data, ObjectMeta: metav1.ObjectMeta{Annotations: cert.Annotations}}
}

// pass makes one pass, and has what it made written and the pods made anew.
func (a *authorities) pass() cluster.Certificates {
	a.Helper()
	made, err := a.r.certify(a.Context(), a.s, &kafkaOutcome{want: a.want})
	if err != nil {
		a.Fatal(err)
	}
	for name, secret := range made.Secrets {
		a.s.secrets[name] = &corev1.Secret{Data: secret.Data, ObjectMeta: metav1.ObjectMeta{Annotations: secret.Annotations}}
	}
	for _, pod := range a.s.pods {
		pod.Annotations = map[string]string{
			names.AnnotationClusterCAKeyGeneration:  strconv.FormatInt(made.ClusterCAKey, 10),
			names.AnnotationClusterCACertGeneration: strconv.FormatInt(made.ClusterCACert, 10),
			names.AnnotationClientsCACertGeneration: strconv.FormatInt(made.ClientsCACert, 10),
		}
	}
	a.bundle = made.Secrets[names.TrustBundle("c")].Data[names.KeyClusterCA]
	return made
}

func (a *authorities) trusts(when string, want ...*pki.Authority) {
	a.Helper()
	var text []byte
	for _, of := range want {
		text = append(text, pki.EncodeCertificates(of.Certificate())...)
	}
	if !bytes.Equal(text, a.bundle) {
		a.Errorf("%s: nodes trust %d bytes of certificates, and not those of the %d authorities", when, len(a.bundle), len(want))
	}
}

// formerKeys are the keys of a Secret that have private keys of former generations.
func formerKeys(data map[string][]byte) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(data)), func(key string) bool { return !strings.HasPrefix(key, "ca-generation-") })
}

// TestFormerKeyOfClients: nothing is signed by a former key of the users' authority, so it goes at once, and its certificate stays.
func TestFormerKeyOfClients(t *testing.T) {
	a := certifying(t)
	a.pass()
	first, err := pki.ParseAuthority(pki.ClientsCA, stored(a.s, names.ClientsCA("c")), stored(a.s, names.ClientsCACert("c")))
	if err != nil {
		t.Fatal(err)
	}
	a.at.now = a.at.now.Add(time.Hour)
	second := a.newer(first, true)
	a.keep(pki.ClientsCA, second)
	if left := formerKeys(a.s.secrets[names.ClientsCA("c")].Data); len(left) != 1 {
		t.Fatalf("the test is about %v", left)
	}
	made := a.pass()
	if left := formerKeys(made.Secrets[names.ClientsCA("c")].Data); len(left) > 0 {
		t.Errorf("%v is still there", left)
	}
	want := pki.EncodeCertificates(second.Certificate(), first.Certificate())
	if got := made.Secrets[names.TrustBundle("c")].Data[names.KeyClientsCA]; !bytes.Equal(want, got) {
		t.Error("users with former certificates are not trusted")
	}
	if made.ClientsCACert != 1 {
		t.Errorf("generation %d", made.ClientsCACert)
	}
}

func stored(s *scene, name string) pki.Stored {
	return pki.Stored{Name: name, Data: s.secrets[name].Data, Annotations: s.secrets[name].Annotations}
}

// TestFormerKeyOfCluster: the former key of the cluster's authority stays for the first phase only, its certificate for two.
func TestFormerKeyOfCluster(t *testing.T) {
	a := certifying(t)
	a.pass()
	first, err := pki.ParseAuthority(pki.ClusterCA, stored(a.s, names.ClusterCA("c")), stored(a.s, names.ClusterCACert("c")))
	if err != nil {
		t.Fatal(err)
	}
	a.at.now = a.at.now.Add(time.Hour)
	second := a.newer(first, true)
	a.keep(pki.ClusterCA, second)
	for phase, keys := range []int{1, 0, 0} {
		if left := formerKeys(a.pass().Secrets[names.ClusterCA("c")].Data); len(left) != keys {
			t.Errorf("phase %d has %v", phase, left)
		}
	}
	a.trusts("afterwards", &second)
}

// TestOwnAuthorityExchanged: a new key of a user's own authority goes through all three phases, whether the user keeps the former
// certificate or not, and the user's Secrets are never written.
func TestOwnAuthorityExchanged(t *testing.T) {
	for name, dated := range map[string]bool{"the former certificate is kept": true, "it is not": false} {
		t.Run(name, func(t *testing.T) {
			a := certifying(t)
			a.want.ClusterCA.Generate, a.want.ClientsCA.Generate = false, false
			untouched := func() cluster.Certificates {
				t.Helper()
				made := a.pass()
				for _, secret := range []string{names.ClusterCA("c"), names.ClusterCACert("c"), names.ClientsCA("c"), names.ClientsCACert("c")} {
					if _, written := made.Secrets[secret]; written {
						t.Errorf("%s is written", secret)
					}
				}
				return made
			}
			untouched()
			first, err := pki.ParseAuthority(pki.ClusterCA, stored(a.s, names.ClusterCA("c")), stored(a.s, names.ClusterCACert("c")))
			if err != nil {
				t.Fatal(err)
			}
			a.trusts("at first", &first)
			a.at.now = a.at.now.Add(time.Hour)
			second := a.newer(first, true).WithoutFormerKeys()
			kept := second
			if !dated {
				kept = second.WithoutFormer()
			}
			a.keep(pki.ClusterCA, kept)
			if made := untouched(); made.ClusterCAKey != 1 || made.ClusterCACert != 0 {
				t.Errorf("trusting: key %d, certificate %d", made.ClusterCAKey, made.ClusterCACert)
			}
			a.trusts("trusting", &second, &first)
			// One pod is not made anew yet: nobody may show a certificate of the new key.
			a.s.pods[1].Annotations[names.AnnotationClusterCAKeyGeneration] = "0"
			if made := untouched(); made.ClusterCACert != 0 {
				t.Errorf("still trusting: certificate %d", made.ClusterCACert)
			}
			if made := untouched(); made.ClusterCACert != 1 {
				t.Errorf("signing: certificate %d", made.ClusterCACert)
			}
			a.trusts("signing", &second, &first)
			removing := untouched()
			a.trusts("removing", &second)
			settled := untouched()
			a.trusts("settled", &second)
			if removing.TrustHash != settled.TrustHash {
				t.Error("pods are restarted once more")
			}
		})
	}
}
