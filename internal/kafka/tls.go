package kafka

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tls13Suites are the suites of TLS 1.3. Go offers all three of them or, with an older limit, none.
var tls13Suites = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

// TLSLimits turns enabled protocols and cipher suites, by their JSSE names, into what crypto/tls is told: a range of
// versions and the suites of TLS 1.2. Empty lists are the defaults: TLS 1.2 and 1.3, the library's suites (nil). A list
// without a suite of TLS 1.3 rules out that version, as it does in Java, and so does the reverse. What Go cannot honor
// exactly is an error: unknown names, a gap between versions, some but not all suites of TLS 1.3.
func TLSLimits(protocols, suites []string) (minVersion, maxVersion uint16, ids []uint16, err error) {
	minVersion, maxVersion, err = tlsVersions(protocols)
	if err != nil || len(suites) == 0 {
		return minVersion, maxVersion, nil, err
	}
	named, err := suitesByName(suites)
	if err != nil {
		return 0, 0, nil, err
	}
	modern := 0
	for _, s := range named {
		if slices.Contains(tls13Suites, s.Name) {
			modern++
		} else {
			ids = append(ids, s.ID)
		}
	}
	switch {
	case modern == 0:
		maxVersion = min(maxVersion, tls.VersionTLS12)
	case maxVersion == tls.VersionTLS13 && modern < len(tls13Suites):
		return 0, 0, nil, errors.New("Go offers all cipher suites of TLS 1.3 or none: list all of " +
			strings.Join(tls13Suites, ", ") + ", or none of them")
	case len(ids) == 0:
		minVersion = max(minVersion, tls.VersionTLS13)
	}
	if minVersion > maxVersion {
		return 0, 0, nil, errors.New("no cipher suite of the list belongs to an enabled protocol")
	}
	return minVersion, maxVersion, ids, nil
}

// tlsVersions turns protocols into a range. crypto/tls has no way to leave a version out of the middle.
func tlsVersions(protocols []string) (minVersion, maxVersion uint16, err error) {
	if len(protocols) == 0 {
		return tls.VersionTLS12, tls.VersionTLS13, nil
	}
	known := []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"} // in the order of their numbers, which have no gap
	var enabled []uint16
	for _, p := range protocols {
		i := slices.Index(known, p)
		if i < 0 {
			return 0, 0, fmt.Errorf("protocol %q is not one of %s", p, strings.Join(known, ", "))
		}
		enabled = append(enabled, tls.VersionTLS10+uint16(i))
	}
	slices.Sort(enabled)
	enabled = slices.Compact(enabled)
	minVersion, maxVersion = enabled[0], enabled[len(enabled)-1]
	if int(maxVersion-minVersion) != len(enabled)-1 {
		return 0, 0, errors.New("the enabled protocols leave out a version between the lowest and the highest one")
	}
	return minVersion, maxVersion, nil
}

// suitesByName finds suites, the weak ones that Go leaves out by default included: who lists one wants it. JSSE and Go
// both use the registered names, except that JSSE also has the old prefix SSL_ for a few.
func suitesByName(names []string) ([]*tls.CipherSuite, error) {
	all := append(tls.CipherSuites(), tls.InsecureCipherSuites()...)
	var found []*tls.CipherSuite
	for _, name := range names {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(s *tls.CipherSuite) bool {
			return s.Name == name || "SSL_"+strings.TrimPrefix(s.Name, "TLS_") == name
		})
		if i < 0 {
			return nil, fmt.Errorf("cipher suite %q is not one that Go has", name)
		}
		found = append(found, all[i])
	}
	return found, nil
}
