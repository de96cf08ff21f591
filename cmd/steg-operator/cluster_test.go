package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/rest"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// serving is an API server that knows nothing but the versions of KafkaBridge, and is away at first.
func serving(t *testing.T, away int32, versions ...string) *rest.Config {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version := strings.TrimPrefix(r.URL.Path, "/apis/"+v1.Group+"/")
		topicsOnly := slices.Contains(versions, "topics only")
		switch {
		case asked.Add(1) <= away:
			http.Error(w, "not yet", http.StatusServiceUnavailable)
			return
		case !slices.Contains(versions, version):
			http.NotFound(w, r)
			return
		}
		kind := "KafkaBridge"
		if topicsOnly {
			kind = "KafkaTopic"
		}
		answer := metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: v1.Group + "/" + version,
			APIResources: []metav1.APIResource{{Name: "x", Namespaced: true, Kind: kind, Verbs: metav1.Verbs{"get"}}},
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL}
}

// TestReach: the newest version that is served is taken, whichever there are; without any there is nothing to do.
func TestReach(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for want, versions := range map[string][]string{"v1": {"v1beta2", "v1"}, "v1beta2": {"v1alpha1", "v1beta2"}} {
		c, err := reach(t.Context(), log, serving(t, 0, versions...))
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range []runtime.Object{&v1.KafkaBridge{}, &v1.Kafka{}, &v1.KafkaUser{}} {
			kinds, _, err := c.scheme.ObjectKinds(object)
			if err != nil || len(kinds) != 1 || kinds[0].Version != want || c.version != want {
				t.Errorf("%v: %T: %v as %v, %s", versions, object, err, kinds, c.version)
			}
		}
	}
	if _, err := reach(t.Context(), log, serving(t, 0)); !errors.Is(err, errNotServed) {
		t.Errorf("got %v", err)
	}
	if _, err := reach(t.Context(), log, serving(t, 0, "v1", "topics only")); !errors.Is(err, errNotServed) {
		t.Errorf("got %v", err)
	}
}

// TestReachWaits: an API server that is away is waited for, and who gives up is told why.
func TestReachWaits(t *testing.T) {
	var log bytes.Buffer
	if c, err := reach(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), serving(t, 1, "v1")); err != nil || c.version != "v1" {
		t.Errorf("%v", err)
	}
	if !strings.Contains(log.String(), "the API server cannot be used yet") {
		t.Errorf("%q", log.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	kinds := (&options{controllers: words{controlTopic}}).kafkaKinds()
	if _, err := reach(ctx, slog.New(slog.DiscardHandler), serving(t, 0, "v1"), kinds...); err == nil || errors.Is(err, errNotServed) || !strings.Contains(err.Error(), "serves no") {
		t.Errorf("without the other kinds: %v", err)
	}
	if _, err := reach(ctx, slog.New(slog.DiscardHandler), serving(t, 1<<30, "v1")); err == nil || errors.Is(err, errNotServed) {
		t.Errorf("got %v", err)
	}
}

func TestRestConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://there:1'}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, get := range map[string]func() (*rest.Config, error){
		"flag":     func() (*rest.Config, error) { return restConfig(file, []string{"KUBECONFIG=/nowhere"}) },
		"variable": func() (*rest.Config, error) { return restConfig("", []string{"KUBECONFIG=" + file}) },
	} {
		if c, err := get(); err != nil || c.Host != "https://there:1" || c.UserAgent != "steg-operator/dev" {
			t.Errorf("%s: %v, %+v", name, err, c)
		}
	}
}

func TestHasNative(t *testing.T) {
	for version, want := range map[string]bool{
		"1.28": false, "1.31": false, "1.31+": false, "1.32": true, "1.32+": true, "1.36": true, "2.0": true,
	} {
		major, minor, _ := strings.Cut(version, ".")
		if got, err := hasNative(&apiversion.Info{Major: major, Minor: minor}); err != nil || got != want {
			t.Errorf("%s: %v, %v", version, got, err)
		}
	}
	for _, bad := range []apiversion.Info{{}, {Major: "1"}, {Major: "1", Minor: "+"}, {Major: "x", Minor: "32"}} {
		if _, err := hasNative(&bad); err == nil {
			t.Errorf("%+v was read", bad)
		}
	}
}

func TestWithoutFinalizers(t *testing.T) {
	for name, c := range map[string]struct {
		finalizers []string
		want       string
	}{
		"none":   {nil, ""},
		"theirs": {[]string{"example.com/x"}, ""},
		"ours":   {[]string{"steg.dev/x"}, `{"metadata":{"resourceVersion":"7","finalizers":[]}}`},
		"both":   {[]string{"steg.dev/x", `odd"one`, "steg.dev/y", "z"}, `{"metadata":{"resourceVersion":"7","finalizers":["odd\"one","z"]}}`},
	} {
		o := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "7", Finalizers: c.finalizers}}
		if diff := cmp.Diff(c.want, string(withoutFinalizers(o))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !reflect.DeepEqual(o.Finalizers, c.finalizers) {
			t.Errorf("%s: changed", name)
		}
	}
}

// TestLibraryLog: what the libraries say for information is shown to who asks for everything; their errors are shown until
// the operator stops.
func TestLibraryLog(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "level=WARN msg=warning\nlevel=ERROR msg=failed\n",
		slog.LevelDebug: "level=DEBUG msg=started with=x g.k=v\nlevel=WARN msg=warning\nlevel=ERROR msg=failed\nlevel=DEBUG msg=\"failed while stopping\"\n",
	} {
		var out bytes.Buffer
		stopping := false
		text := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})
		log := slog.New(libraryLog{text, func() bool { return stopping }})
		log.With("with", "x").WithGroup("g").Info("started", "k", "v")
		log.Warn("warning")
		log.Error("failed")
		stopping = true
		log.Error("failed while stopping")
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Error(diff)
		}
	}
}

// TestEndpoints: ready is the sum of what is required, and says what is missing; the metrics are there.
func TestEndpoints(t *testing.T) {
	e := newEndpoints("", slog.New(slog.DiscardHandler))
	var missing atomic.Bool
	e.require(func(*http.Request) error {
		if missing.Load() {
			return errors.New("something is missing")
		}
		return nil
	})
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		e.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	for path, want := range map[string]int{"/healthy": 204, "/ready": 204, "/metrics": 200, "/other": 404} {
		if got, body := get(path); got != want {
			t.Errorf("%s: %d %s", path, got, body)
		}
	}
	missing.Store(true)
	if got, body := get("/ready"); got != 503 || body != "something is missing\n" {
		t.Errorf("%d %q", got, body)
	}
	if got, _ := get("/healthy"); got != 204 {
		t.Errorf("not ready is not healthy: %d", got)
	}
}
