package configsource

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// apiServer is a Kubernetes API server as far as Secrets and ConfigMaps are read, and a pod's service account with it.
type apiServer struct {
	*httptest.Server
	account string // directory of the service account

	mu       sync.Mutex
	token    string
	objects  map[string]map[string]string // "secrets/<namespace>/<name>" → data as served
	status   []int                        // of the next answers, before objects are looked at
	requests []string
}

func newAPIServer(t *testing.T) *apiServer {
	t.Helper()
	s := &apiServer{account: t.TempDir(), token: "account-token-1", objects: map[string]map[string]string{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	s.write(t, "ca.crt", string(ca))
	s.write(t, "token", s.token+"\n")
	s.write(t, "namespace", "own\n")
	return s
}

func (s *apiServer) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.account, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if len(s.status) > 0 {
		w.WriteHeader(s.status[0])
		s.status = s.status[1:]
		_, _ = w.Write([]byte(`{"kind":"Status","message":"s3cret in a status"}`))
		return
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/")
	if len(parts) != 3 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	data, ok := s.objects[parts[1]+"/"+parts[0]+"/"+parts[2]]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "v1", "kind": "x", "metadata": map[string]any{"name": parts[2]}, "data": data})
}

// secret stores a Secret, its values encoded.
func (s *apiServer) secret(namespaced string, values map[string]string) {
	encoded := map[string]string{}
	for k, v := range values {
		encoded[k] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	s.objects["secrets/"+namespaced] = encoded
}

// sources is what a pod of this cluster has.
func (s *apiServer) sources(t *testing.T) Sources {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
	return Sources{ServiceAccount: s.account, LookupEnv: func(n string) (string, bool) { v, ok := env[n]; return v, ok }}
}

// kubernetesProps declares both providers as the operator does.
func kubernetesProps(more map[string]string) map[string]string {
	props := map[string]string{
		"config.providers":                  "secrets,configmaps",
		"config.providers.secrets.class":    "io.strimzi.kafka.KubernetesSecretConfigProvider",
		"config.providers.configmaps.class": "io.strimzi.kafka.KubernetesConfigMapConfigProvider",
	}
	for k, v := range more {
		props[k] = v
	}
	return props
}

func TestKubernetes(t *testing.T) {
	api := newAPIServer(t)
	api.secret("kafka/user", map[string]string{"user.crt": "CRT", "user.key": "KEY", "b.crt": "B", "password": "pä\nss", "binary": "a\xffb"})
	api.secret("own/local", map[string]string{"k": "mine"})
	api.objects["configmaps/kafka/settings"] = map[string]string{"a": "1", "b": "2"}
	for _, c := range []struct{ name, value, want string }{
		{"one", "${secrets:kafka/user:password}", "pä\nss"},
		{"own namespace", "${secrets:local:k}", "mine"},
		{"glob", "${secrets:kafka/user:*.crt}", "B\nCRT"},
		{"glob of one character", "${secrets:kafka/user:?.crt}", "B"},
		{"glob of a set", "${secrets:kafka/user:user.[ck]*}", "CRT\nKEY"},
		{"glob of a negated set", "${secrets:kafka/user:user.[!c]*}", "KEY"},
		{"glob of all", "${configmaps:kafka/settings:*}", "1\n2"},
		{"not UTF-8", "${secrets:kafka/user:binary}", "a\uFFFDb"},
		{"configmap", "<${configmaps:kafka/settings:a}${configmaps:kafka/settings:b}>", "<12>"},
		{"several providers", "${secrets:local:k}-${configmaps:kafka/settings:b}", "mine-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := resolve(t, kubernetesProps(map[string]string{"v": c.value}), api.sources(t))
			if err != nil || got["v"] != c.want {
				t.Errorf("got %q, %v; want %q", got["v"], err, c.want)
			}
		})
	}
}

func TestKubernetesSeparator(t *testing.T) {
	api := newAPIServer(t)
	api.secret("own/s", map[string]string{"a": "1", "b": "2"})
	for _, separator := range []string{"", ",", "\r\n"} {
		got, err := resolve(t, kubernetesProps(map[string]string{
			"config.providers.secrets.param.separator": separator, "v": "${secrets:s:*}",
		}), api.sources(t))
		if err != nil || got["v"] != "1"+separator+"2" {
			t.Errorf("%q: got %q, %v", separator, got["v"], err)
		}
	}
}

// However many references point to an object, it is read once.
func TestKubernetesReadsOnce(t *testing.T) {
	api := newAPIServer(t)
	api.secret("own/s", map[string]string{"a": "1", "b": "2"})
	_, err := resolve(t, kubernetesProps(map[string]string{
		"x": "${secrets:own/s:a}${secrets:own/s:b}", "y": "${secrets:own/s:a}", "z": "${secrets:own/s:*}",
	}), api.sources(t))
	if err != nil || len(api.requests) != 1 || api.requests[0] != "GET /api/v1/namespaces/own/secrets/s" {
		t.Errorf("%q, %v", api.requests, err)
	}
}

// Kubernetes renews the token in place: the next call uses the new one.
func TestKubernetesTokenIsReadPerCall(t *testing.T) {
	api := newAPIServer(t)
	api.secret("own/s", map[string]string{"a": "1"})
	props := kubernetesProps(map[string]string{"v": "${secrets:s:a}"})
	r, err := NewResolver(props, api.sources(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(t.Context(), props); err != nil {
		t.Fatal(err)
	}
	api.token = "account-token-2"
	if _, err := r.Resolve(t.Context(), props); err == nil || !strings.Contains(err.Error(), "status 401") {
		t.Fatalf("the old token: %v", err)
	}
	api.write(t, "token", api.token)
	if _, err := r.Resolve(t.Context(), props); err != nil {
		t.Errorf("the new token: %v", err)
	}
}

// A server that is busy or away is asked again; one that has decided is not.
func TestKubernetesRepeats(t *testing.T) {
	api := newAPIServer(t)
	api.secret("own/s", map[string]string{"a": "1"})
	for _, c := range []struct {
		status   []int
		requests int
		fails    bool
	}{
		{[]int{503, 429, 500}, 4, false},
		{[]int{403}, 1, true},
		{[]int{400}, 1, true},
	} {
		api.status, api.requests = c.status, nil
		_, err := resolve(t, kubernetesProps(map[string]string{"v": "${secrets:s:a}"}), api.sources(t))
		if (err != nil) != c.fails || len(api.requests) != c.requests {
			t.Errorf("%v: %d requests, %v", c.status, len(api.requests), err)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v quotes the answer", err)
		}
	}
}

func TestKubernetesErrors(t *testing.T) {
	api := newAPIServer(t)
	api.secret("own/s", map[string]string{"password": "s3cret"})
	api.objects["secrets/own/broken"] = map[string]string{"password": "s3cret%"}
	other := newAPIServer(t)
	for _, c := range []struct {
		name, value string
		change      func(t *testing.T, s *Sources)
		want        string
	}{
		{"absent", "${secrets:kafka/none:k}", nil, "kafka.v: config provider secrets: Secret kafka/none: not found"},
		{"absent configmap", "${configmaps:none:k}", nil, "kafka.v: config provider configmaps: ConfigMap own/none: not found"},
		{"no such key", "${secrets:s:passwd}", nil, `kafka.v: config provider secrets: Secret own/s: key "passwd": matches nothing`},
		{"bad glob", "${secrets:s:[a}", nil, `kafka.v: config provider secrets: Secret own/s: key "[a": is not a usable glob`},
		{"bad path", "${secrets:a/b/c:k}", nil, `kafka.v: config provider secrets: invalid path "a/b/c": it is <namespace>/<name>, or <name> for the pod's own namespace`},
		{"climbing path", "${secrets:../x:k}", nil, `kafka.v: config provider secrets: invalid path "../x": `},
		{"no path", "${secrets:k}", nil, `kafka.v: config provider secrets: invalid path "": `},
		{"broken", "${secrets:broken:password}", nil, `kafka.v: config provider secrets: Secret own/broken: key "password" is not base64`},
		{
			"not in a pod", "${secrets:own/s:password}",
			func(_ *testing.T, s *Sources) { s.LookupEnv = func(string) (string, bool) { return "", false } },
			"kafka.v: config provider secrets: Secret own/s: KUBERNETES_SERVICE_HOST is not set: this is not a pod of Kubernetes",
		},
		{
			"no account", "${secrets:own/s:password}",
			func(_ *testing.T, s *Sources) { s.ServiceAccount = "/none" },
			"kafka.v: config provider secrets: Secret own/s: /none/ca.crt: no such file or directory",
		},
		{
			"foreign authority", "${secrets:own/s:password}",
			func(t *testing.T, s *Sources) {
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(api.account)); err != nil {
					t.Fatal(err)
				}
				// httptest's servers share one certificate: another one is needed.
				if err := os.WriteFile(filepath.Join(dir, "ca.crt"), []byte(foreignCA), 0o600); err != nil {
					t.Fatal(err)
				}
				s.ServiceAccount = dir
			},
			"kafka.v: config provider secrets: Secret own/s: the API server can't be reached: tls: failed to verify certificate: ",
		},
		{
			"foreign token", "${secrets:own/s:password}",
			func(t *testing.T, s *Sources) {
				other.write(t, "token", "account-token-9")
				s.ServiceAccount = other.account
			},
			"kafka.v: config provider secrets: Secret own/s: the API server does not accept the pod's service account (status 401)",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sources := api.sources(t)
			var log bytes.Buffer
			sources.Logger = slog.New(slog.NewTextHandler(&log, nil))
			if c.change != nil {
				c.change(t, &sources)
			}
			_, err := resolve(t, kubernetesProps(map[string]string{"v": c.value}), sources)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			for _, secret := range []string{"s3cret", "account-token"} {
				if strings.Contains(err.Error()+log.String(), secret) {
					t.Errorf("%q in %v %s", secret, err, log.String())
				}
			}
		})
	}
}

// A server that never answers holds a start for the bound at most; the caller's context is one too.
func TestKubernetesIsBounded(t *testing.T) {
	api := newAPIServer(t)
	release := make(chan struct{})
	asked := make(chan struct{}, 1)
	silent := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	silent.StartTLS()
	defer silent.Close()
	defer close(release)
	api.URL = silent.URL
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-asked
		cancel()
	}()
	props := kubernetesProps(map[string]string{"v": "${secrets:own/s:a}"})
	r, err := NewResolver(props, api.sources(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Resolve(ctx, props); err == nil || !strings.Contains(err.Error(), "can't be reached") {
		t.Errorf("%v", err)
	}
}

// The pod's own certificate pool is the cluster's CA and nothing else.
func TestForeignCAIsUsable(t *testing.T) {
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(foreignCA)) {
		t.Error("the fixture holds no certificate")
	}
}

// foreignCA is an authority that signed nothing here. Its key was thrown away.
const foreignCA = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUXfIV3H+yfu2UZ1REIjncDukWM2AwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZm9yZWlnbjAgFw0yNjExMjIxNzM3NTVaGA8yMTI2MTAyOTE3
Mzc1NVowEjEQMA4GA1UEAwwHZm9yZWlnbjBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABKdFr9yyBHGZg4lFfV+GsRP4afcCMoNXl0Jz5zTrkTymF+yqgsF1ajauslsa
isw64LkkhJ+hx83Kppyxg33zi3ejUzBRMB0GA1UdDgQWBBRxzOFKDne4l4jVx6y5
TgiUbcU+QzAfBgNVHSMEGDAWgBRxzOFKDne4l4jVx6y5TgiUbcU+QzAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQDTN9sH+kTHQmYIeg0pvoxxhtzW
pywvSvrnNTwzUhE6jgIgWUGGkEI9ubst0OKGlWkupYOGwdf7n6/b9nICG4QrBWo=
-----END CERTIFICATE-----`
