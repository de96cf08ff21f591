package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/inject"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// atOnce bounds the requests for one pod's Secrets that are under way together.
const atOnce = 8

// reader reads what an answer depends on.
type reader struct {
	cache, live client.Reader
	defaults    model.BridgeResources
}

// bridge returns a KafkaBridge. The cache is asked first; what it does not have is asked of the API server, since a
// KafkaBridge and its first pod are often created by one command, and since the cache may be limited to namespaces.
func (r reader) bridge(ctx context.Context, key client.ObjectKey) (*v1.KafkaBridge, error) {
	found := &v1.KafkaBridge{}
	if err := r.cache.Get(ctx, key, found); err == nil {
		return found, nil
	} else if ctx.Err() != nil {
		return nil, fmt.Errorf("reading KafkaBridge %q: %w", key.Name, err)
	}
	err := r.live.Get(ctx, key, found)
	if apierrors.IsNotFound(err) {
		return nil, &refusal{reason: reasonNoBridge, message: fmt.Sprintf(
			"there is no KafkaBridge %q in namespace %q: create it, or correct the pod's label %s", key.Name, key.Namespace, names.LabelBridge)}
	}
	if err != nil {
		return nil, fmt.Errorf("reading KafkaBridge %q: %w", key.Name, err)
	}
	return found, nil
}

// resources gathers what model.ForBridge needs for sidecars.
func (r reader) resources(ctx context.Context, bridge *v1.KafkaBridge) (model.BridgeResources, error) {
	out := r.defaults
	out.Bridge = bridge
	out.ConfigMaps = make(map[string]map[string]string)
	for _, ref := range model.BridgeConfigMaps(bridge) {
		found := &corev1.ConfigMap{}
		err := r.live.Get(ctx, client.ObjectKey{Namespace: bridge.Namespace, Name: ref.Name}, found)
		if apierrors.IsNotFound(err) {
			continue // the model says what that means
		}
		if err != nil {
			return out, fmt.Errorf("reading ConfigMap %q: %w", ref.Name, err)
		}
		out.ConfigMaps[ref.Name] = found.Data
	}
	return out, nil
}

// secrets checks that the Secrets that a sidecar mounts exist with the keys that it needs: the pod would wait for them
// without a word otherwise. Of several problems the first one by the Secret's name is told, whichever was found first.
func (r reader) secrets(ctx context.Context, bridge *v1.KafkaBridge, wish inject.Wish) error {
	needed := slices.DeleteFunc(model.BridgeSecrets(bridge), func(s model.SecretKeys) bool { return s.Central })
	errs := make([]error, len(needed))
	slots, done := make(chan struct{}, atOnce), make(chan struct{})
	for i, s := range needed {
		go func() {
			slots <- struct{}{}
			errs[i] = r.secret(ctx, bridge.Namespace, wish, s)
			<-slots
			done <- struct{}{}
		}()
	}
	for range needed {
		<-done
	}
	// What the user can mend is told before what only the operator can't do.
	for _, err := range errs {
		if no := (*refusal)(nil); errors.As(err, &no) {
			return err
		}
	}
	return errors.Join(errs...)
}

func (r reader) secret(ctx context.Context, namespace string, wish inject.Wish, needed model.SecretKeys) error {
	found := &corev1.Secret{}
	err := r.live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: needed.Secret}, found)
	switch {
	case apierrors.IsNotFound(err):
		return missing(wish, needed, fmt.Sprintf("there is no Secret %q in namespace %q", needed.Secret, namespace), "create it")
	case err != nil:
		return fmt.Errorf("reading Secret %q: %w", needed.Secret, err)
	}
	for _, key := range needed.Keys {
		if _, ok := found.Data[key]; !ok {
			return missing(wish, needed, fmt.Sprintf("Secret %q has no key %q", needed.Secret, key), "add it")
		}
	}
	for _, pattern := range needed.Patterns {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(found.Data)), func(key string) bool {
			ok, err := path.Match(pattern, key)
			return ok && err == nil
		}) {
			return missing(wish, needed, fmt.Sprintf("Secret %q has no key that matches %q", needed.Secret, pattern), "add one")
		}
	}
	return nil
}

// missing says where the KafkaBridge asks for what is not there, and what to do. Without a KafkaBridge it is for operators to
// make, and nobody can correct a field.
func missing(wish inject.Wish, needed model.SecretKeys, what, remedy string) error {
	if wish.Bridge != "" {
		remedy = fmt.Sprintf("%s, or correct %s of KafkaBridge %q", remedy, strings.Join(needed.Fields, " and "), wish.Bridge)
	} else {
		remedy = fmt.Sprintf("the conditions of %s say what it waits for", wished(wish))
	}
	return &refusal{reason: reasonNoSecret, message: what + ": " + remedy}
}

// wished names the resources that a pod asks for without a KafkaBridge.
func wished(wish inject.Wish) string {
	if wish.User == "" {
		return wish.String()
	}
	return fmt.Sprintf("Kafka %q and KafkaUser %q", wish.Cluster, wish.User)
}
