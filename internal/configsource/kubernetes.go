package configsource

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// serviceAccount is where Kubernetes mounts a pod's identity.
	serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"
	// kubernetesBound is the time for one object, repetitions included.
	kubernetesBound = 10 * time.Second
	// kubernetesPause is the wait before the second attempt; it doubles.
	kubernetesPause = 100 * time.Millisecond
	// maxObject bounds an answer, in bytes. An object has 1 MiB at most, in base64 and with its metadata.
	maxObject = 8 << 20
	// objectName is a DNS name (RFC 1123): no name that would climb in a URL.
	objectName = `[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?`
)

// kubernetes is Strimzi's KubernetesSecretConfigProvider or KubernetesConfigMapConfigProvider: a plain GET with the pod's
// service account, whose files are read for every call because Kubernetes renews them.
type kubernetes struct {
	kind      string // Secret or ConfigMap
	separator string // between the values of a glob
	account   string
	lookup    func(string) (string, bool)
}

// newKubernetes reads the parameters. It does not look for the cluster yet: a declaration that nothing refers to costs
// nothing outside of Kubernetes, as upstream.
func newKubernetes(kind string, params map[string]string, s Sources) provider {
	k := kubernetes{kind: kind, separator: "\n", account: s.ServiceAccount, lookup: s.LookupEnv}
	if separator, ok := params["separator"]; ok {
		k.separator = separator
	}
	if k.account == "" {
		k.account = serviceAccount
	}
	return k
}

// get returns for each key, which may be a glob, the values of all matching entries in the order of their names. Unlike
// upstream, which gives an empty text, a key without a match is an error: an empty password or certificate is found out
// much later and much harder.
func (k kubernetes) get(ctx context.Context, at string, keys []string) (map[string]string, error) {
	namespace, name, err := k.identify(at)
	if err != nil {
		return nil, err
	}
	entries, err := k.object(ctx, namespace, name)
	if err != nil {
		return nil, fmt.Errorf("%s %s/%s: %w", k.kind, namespace, name, err)
	}
	values := map[string]string{}
	for _, key := range keys {
		matched, err := match(entries, key)
		if err != nil {
			return nil, fmt.Errorf("%s %s/%s: key %q: %w", k.kind, namespace, name, key, err)
		}
		values[key] = strings.Join(matched, k.separator)
	}
	return values, nil
}

// match returns the values whose names match the glob.
func match(entries map[string]string, glob string) ([]string, error) {
	// Java negates a set of characters with an exclamation mark.
	pattern := strings.ReplaceAll(glob, "[!", "[^")
	var values []string
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		ok, err := path.Match(pattern, name)
		if err != nil {
			return nil, errors.New("is not a usable glob")
		}
		if ok {
			values = append(values, entries[name])
		}
	}
	if len(values) == 0 {
		return nil, errors.New("matches nothing")
	}
	return values, nil
}

// identify splits [namespace/]name.
func (k kubernetes) identify(at string) (namespace, name string, err error) {
	if !regexp.MustCompile(`^(` + objectName + `/)?` + objectName + `$`).MatchString(at) {
		return "", "", fmt.Errorf("invalid path %q: it is <namespace>/<name>, or <name> for the pod's own namespace", at)
	}
	if namespace, name, found := strings.Cut(at, "/"); found {
		return namespace, name, nil
	}
	content, err := k.accountFile("namespace")
	return strings.TrimSpace(string(content)), at, err
}

// accountFile reads one file of the service account. The error names it.
func (k kubernetes) accountFile(name string) ([]byte, error) {
	file := filepath.Join(k.account, name)
	content, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return content, nil
}

// object reads the entries of one Secret or ConfigMap, again for as long as the API server is out of reach or busy.
func (k kubernetes) object(ctx context.Context, namespace, name string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, kubernetesBound)
	defer cancel()
	for pause := kubernetesPause; ; pause *= 2 {
		entries, again, err := k.attempt(ctx, namespace, name)
		if err == nil || !again {
			return entries, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}

// attempt is one call. again says that a later one may succeed.
func (k kubernetes) attempt(ctx context.Context, namespace, name string) (entries map[string]string, again bool, err error) {
	request, client, err := k.request(ctx, namespace, name)
	if err != nil {
		return nil, false, err
	}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		var withURL *url.Error
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		var untrusted *tls.CertificateVerificationError
		return nil, !errors.As(err, &untrusted), fmt.Errorf("the API server can't be reached: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxObject))
	switch {
	case err != nil:
		return nil, true, fmt.Errorf("the API server's answer broke off: %w", err)
	case response.StatusCode == http.StatusOK:
		entries, err := k.entries(body)
		return entries, false, err
	case response.StatusCode == http.StatusNotFound:
		return nil, false, errors.New("not found")
	case response.StatusCode == http.StatusForbidden:
		return nil, false, errors.New("the pod's service account may not get it (status 403); a Role with the verb get is missing")
	case response.StatusCode == http.StatusUnauthorized:
		return nil, false, errors.New("the API server does not accept the pod's service account (status 401)")
	}
	busy := response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests
	return nil, busy, fmt.Errorf("the API server answered with status %d", response.StatusCode)
}

// request builds the call and a client that trusts the cluster's CA only.
func (k kubernetes) request(ctx context.Context, namespace, name string) (*http.Request, *http.Client, error) {
	host, _ := k.lookup("KUBERNETES_SERVICE_HOST")
	if host == "" {
		return nil, nil, errors.New("KUBERNETES_SERVICE_HOST is not set: this is not a pod of Kubernetes")
	}
	port, ok := k.lookup("KUBERNETES_SERVICE_PORT")
	if !ok || port == "" {
		port = "443"
	}
	authorities, err := k.accountFile("ca.crt")
	if err != nil {
		return nil, nil, err
	}
	// The cluster's own authority and no public one: its address is only known inside.
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authorities) {
		return nil, nil, fmt.Errorf("%s: holds no certificate", filepath.Join(k.account, "ca.crt"))
	}
	token, err := k.accountFile("token")
	if err != nil {
		return nil, nil, err
	}
	target := url.URL{
		Scheme: "https",
		Host:   net.JoinHostPort(host, port),
		Path:   "/api/v1/namespaces/" + namespace + "/" + strings.ToLower(k.kind) + "s/" + name,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, nil, errors.New("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT make no address")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	client := &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return request, client, nil
}

// entries reads the object's data. Parse errors are not passed on, since they may quote the object.
func (k kubernetes) entries(body []byte) (map[string]string, error) {
	var object struct {
		Data map[string]string `json:"data"`
	}
	if json.Unmarshal(body, &object) != nil {
		return nil, errors.New("the API server's answer is not an object with texts as data")
	}
	if k.kind == "ConfigMap" {
		return object.Data, nil
	}
	for key, encoded := range object.Data {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("key %q is not base64", key)
		}
		object.Data[key] = strings.ToValidUTF8(string(decoded), "\uFFFD")
	}
	return object.Data, nil
}
