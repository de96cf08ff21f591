package kafkarig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/steg-kafka/steg/internal/kafkatest/pki"
)

// StorePassword protects every PKCS12 and JKS file of a rig.
const StorePassword = "changeit"

// Certificates are the files of a rig with TLS. CA is a truststore, the others
// are key stores.
type Certificates struct {
	// CA signed Broker, Admin (CN=admin), User (CN=user) and Expired (CN=user,
	// until an hour ago); Stranger (CN=user) is signed by another authority.
	CA, Broker, Admin, User, Expired, Stranger pki.Files
}

// tlsFiles are the paths below dir, whether or not there is anything.
func tlsFiles(dir string) Certificates {
	files := func(name string) pki.Files {
		base := filepath.Join(dir, "tls", name)
		return pki.Files{Cert: base + ".crt", Key: base + ".key", Store: base + ".pem", PKCS12: base + ".p12", JKS: base + ".jks"}
	}
	ca := files("ca")
	ca.Key, ca.Store = "", ""
	return Certificates{
		CA: ca, Broker: files("broker"), Admin: files(AdminUser), User: files(OrdinaryUser),
		Expired: files("expired"), Stranger: files("stranger"),
	}
}

// makeCertificates fills dir/tls and returns the authority.
func makeCertificates(dir string) (*pki.CA, error) {
	into := filepath.Join(dir, "tls")
	if err := os.MkdirAll(into, 0o755); err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	ca, caErr := pki.NewCA("ca")
	stranger, strangerErr := pki.NewCA("stranger-ca")
	if err := errors.Join(caErr, strangerErr); err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	if _, err := ca.WriteFiles(into, "ca", StorePassword); err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	for _, c := range []struct {
		name    string
		by      *pki.CA
		subject pki.Subject
	}{
		{"broker", ca, pki.Subject{CommonName: "broker", Server: true}},
		{AdminUser, ca, pki.Subject{CommonName: AdminUser}},
		{OrdinaryUser, ca, pki.Subject{CommonName: OrdinaryUser}},
		{"expired", ca, pki.Subject{CommonName: OrdinaryUser, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-time.Hour)}},
		{"stranger", stranger, pki.Subject{CommonName: OrdinaryUser}},
	} {
		if err := issue(c.by, into, c.name, c.subject); err != nil {
			return nil, err
		}
	}
	return ca, nil
}

func issue(by *pki.CA, dir, name string, s pki.Subject) error {
	p, err := by.Issue(s)
	if err == nil {
		_, err = p.WriteFiles(dir, name, StorePassword)
	}
	if err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	return nil
}

// Issue makes a certificate by the rig's authority and writes it as dir/name.*,
// over what is there, as a rotation does.
func (r *Rig) Issue(dir, name string, s pki.Subject) (pki.Files, error) {
	p, err := r.CA.Issue(s)
	if err != nil {
		return pki.Files{}, fmt.Errorf("kafkarig: %w", err)
	}
	return p.WriteFiles(dir, name, StorePassword)
}
