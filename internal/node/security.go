package node

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// keys are the files by which a node proves who it is and knows the others: its certificate and the cluster's authorities.
// They are read for each connection, which are few, so that a renewed one is never missed.
type keys struct{ certificate, key, authorities string }

func (o Options) keys(pod string) keys {
	return keys{o.etc("certs", pod+".crt"), o.etc("certs", pod+".key"), o.etc("trust/cluster-ca.crt")}
}

func (k keys) read() (tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("%s and %s: %w", k.certificate, k.key, err)
	}
	text, err := readFile(k.authorities)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return tls.Certificate{}, nil, fmt.Errorf("%s has no certificate in PEM", k.authorities)
	}
	return pair, pool, nil
}

// client is for connections to a node that goes by that name.
func (k keys) client(name string) func() (*tls.Config, error) {
	return func() (*tls.Config, error) {
		pair, pool, err := k.read()
		if err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, Certificates: []tls.Certificate{pair}, RootCAs: pool}, nil
	}
}

// server is for connections of those whom the cluster's authority has given a certificate.
func (k keys) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			pair, pool, err := k.read()
			if err != nil {
				return nil, err
			}
			return &tls.Config{
				MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
				ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
			}, nil
		},
	}
}
