package wire

// The base_uri of a new consumer (bridge contract 1.6).
//
//  1. Scheme and host are the request's own, unless
//  2. a Forwarded header is present: its first host= and proto= replace them if
//     both are there. Each reaches to the next semicolon; quotation marks and
//     commas mean nothing. A Forwarded header without both hides X-Forwarded-*.
//  3. Else X-Forwarded-Host and X-Forwarded-Proto replace them, if both are there.
//  4. The path is X-Forwarded-Path or the request's, then a slash unless the
//     request's own path ends with one, then instances/<name>.
//  5. A host without port gets the port of http or https; another scheme is the
//     500 of InvalidScheme. With a port any scheme will do.
//
// Deviation: the name is percent-encoded, so that the URI works as it stands;
// upstream leaves that to the client.

import (
	"net/url"
	"strings"
)

// Location is what base_uri is made of. All fields are as received; an absent
// header is the empty string, of a repeated one only the first line counts.
type Location struct {
	// Scheme is the connection's, http or https.
	Scheme string
	// Host is the Host header, with its port if it has one.
	Host string
	// Path is the escaped path of the request.
	Path string
	// The headers of proxies: Forwarded, X-Forwarded-Host, X-Forwarded-Proto,
	// X-Forwarded-Path.
	Forwarded, ForwardedHost, ForwardedProto, ForwardedPath string
}

// BaseURI returns the base_uri of the consumer with the given name. The error is
// the 500 of InvalidScheme.
func BaseURI(l Location, name string) (string, error) {
	scheme, host := l.authority()
	if !hasPort(host) {
		switch scheme {
		case "http":
			host += ":80"
		case "https":
			host += ":443"
		default:
			return "", InvalidScheme(scheme)
		}
	}
	path := l.Path
	if l.ForwardedPath != "" {
		path = l.ForwardedPath
	}
	if !strings.HasSuffix(l.Path, "/") {
		path += "/"
	}
	return scheme + "://" + host + path + "instances/" + url.PathEscape(name), nil
}

// authority returns scheme and host as the client sees them.
func (l Location) authority() (scheme, host string) {
	if l.Forwarded != "" {
		host, proto := forwarded(l.Forwarded, "host="), forwarded(l.Forwarded, "proto=")
		if host != "" && proto != "" {
			return proto, host
		}
		return l.Scheme, l.Host
	}
	if l.ForwardedHost != "" && l.ForwardedProto != "" {
		return l.ForwardedProto, l.ForwardedHost
	}
	return l.Scheme, l.Host
}

// forwarded returns what follows the first occurrence of key, in any case, up to
// the next semicolon. An occurrence that is followed by nothing is passed over.
func forwarded(header, key string) string {
	for i := 0; i+len(key) < len(header); i++ {
		if !hasPrefixFold(header[i:], key) {
			continue
		}
		value, _, _ := strings.Cut(header[i+len(key):], ";")
		if value != "" {
			return value
		}
	}
	return ""
}

// hasPrefixFold compares in the letters of ASCII only: other folding would find
// a key where upstream's pattern finds none.
func hasPrefixFold(s, lower string) bool {
	for i := range len(lower) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// hasPort says whether a host ends with a colon and digits.
func hasPort(host string) bool {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || i == len(host)-1 {
		return false
	}
	return strings.Trim(host[i+1:], "0123456789") == ""
}
