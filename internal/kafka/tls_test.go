package kafka

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

func TestTLSLimits(t *testing.T) {
	const (
		gcm     = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
		old     = "TLS_RSA_WITH_AES_128_CBC_SHA"
		v10     = tls.VersionTLS10
		v12     = tls.VersionTLS12
		v13     = tls.VersionTLS13
		all13   = "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384,TLS_CHACHA20_POLY1305_SHA256"
		refused = 0
	)
	for _, tc := range []struct {
		protocols, suites string
		low, high         uint16
		ids               []uint16
	}{
		{"", "", v12, v13, nil},
		{"TLSv1.3", "", v13, v13, nil},
		{"TLSv1.3,TLSv1.2", "", v12, v13, nil},
		{"TLSv1.2,TLSv1.1,TLSv1", "", v10, v12, nil},
		{"TLSv1.3,TLSv1.1", "", refused, 0, nil},
		{"TLSv1.4", "", refused, 0, nil},
		{"tlsv1.3", "", refused, 0, nil},
		{"", gcm, v12, v12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{"", gcm + "," + all13, v12, v13, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{"", all13, v13, v13, nil},
		{"", "TLS_AES_128_GCM_SHA256", refused, 0, nil},
		{"TLSv1.2", gcm + ",TLS_AES_128_GCM_SHA256", v12, v12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}},
		{"TLSv1.2", all13, refused, 0, nil},
		{"TLSv1.3", gcm, refused, 0, nil},
		{"TLSv1.2", " " + old, v12, v12, []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
		{"TLSv1.2", "SSL_RSA_WITH_3DES_EDE_CBC_SHA", v12, v12, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}},
		{"", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", refused, 0, nil},
	} {
		low, high, ids, err := TLSLimits(list(tc.protocols), list(tc.suites))
		if (err != nil) != (tc.low == refused) {
			t.Errorf("%s %s: %v", tc.protocols, tc.suites, err)
		}
		if err == nil && (low != tc.low || high != tc.high || !slices.Equal(ids, tc.ids)) {
			t.Errorf("%s %s: %x %x %x", tc.protocols, tc.suites, low, high, ids)
		}
	}
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
