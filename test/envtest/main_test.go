//go:build envtest

// Package envtest tests what only a real API server can tell: that the schemas accept what they should and refuse the rest with a
// text that helps, that server-side apply and pruning do what the operator counts on, and that the webhooks answer as the API
// server asks. The API server and its etcd are started once for the package, from the folder in KUBEBUILDER_ASSETS; there are no
// nodes and no other controllers, so pods do not run and owners' dependents are not collected.
package envtest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlenvtest "sigs.k8s.io/controller-runtime/pkg/envtest"

	podsetv1 "github.com/steg-kafka/steg/api/core/v1"
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/api/v1beta2"
)

const (
	files = "../../charts/steg-operator/files/"
	// patience bounds the wait for anything that the API server does by itself.
	patience = 30 * time.Second
)

// server is how tests reach the API server, as its administrator. TestMain sets it before the first test.
var server *rest.Config

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		fmt.Fprintln(os.Stderr, "KUBEBUILDER_ASSETS is not set: KUBEBUILDER_ASSETS=$(test/lab/lab envtest) go test -tags envtest ./test/envtest")
		return 1
	}
	env := &ctrlenvtest.Environment{
		CRDInstallOptions: ctrlenvtest.CRDInstallOptions{
			Paths:   []string{files + "crds"},
			MaxTime: time.Minute, // for a busy machine: the rules of the large definitions take seconds to compile
		},
		ControlPlaneStartTimeout: time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	began := time.Now()
	config, err := env.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the API server:", err)
		return 1
	}
	fmt.Printf("API server and etcd with the definitions: %.1f s\n", time.Since(began).Seconds())
	server = config
	code := m.Run()
	if err := env.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stopping the API server:", err)
		return 1
	}
	return code
}

// cluster returns an administrator's client and the name of a namespace that is the test's own.
func cluster(t *testing.T) (client.Client, string) {
	t.Helper()
	c := clientFor(t, server)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Create(deadline(t), namespace); err != nil {
		t.Fatalf("a namespace for the test: %v", err)
	}
	return c, namespace.Name
}

// clientFor returns a client that knows Kubernetes' kinds, the definitions and ours.
func clientFor(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1.AddToScheme, v1beta2.AddToScheme, podsetv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatalf("a client of the API server: %v", err)
	}
	return c
}

// deadline returns the test's context, bounded.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
