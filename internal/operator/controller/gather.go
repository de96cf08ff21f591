package controller

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/status"
)

// gather reads what the meaning of a KafkaBridge depends on. Secrets are read only for bridges that are deployed: sidecars
// follow theirs by themselves. All that is missing is named in one error, a status.Missing.
func (r *bridges) gather(ctx context.Context, bridge *v1.KafkaBridge) (model.BridgeResources, error) {
	resources := r.Defaults
	resources.Bridge = bridge
	resources.ConfigMaps = make(map[string]map[string]string)
	resources.SecretHashes = make(map[string]string)
	for _, needed := range model.BridgeConfigMaps(bridge) {
		found := &corev1.ConfigMap{}
		ok, err := r.read(ctx, client.ObjectKey{Namespace: bridge.Namespace, Name: needed.Name}, found)
		if err != nil {
			return resources, err
		}
		if ok {
			resources.ConfigMaps[needed.Name] = found.Data
		}
	}
	if !r.Deploy {
		return resources, nil
	}
	var missing []string
	for _, needed := range model.BridgeSecrets(bridge) {
		found := &corev1.Secret{}
		ok, err := r.read(ctx, client.ObjectKey{Namespace: bridge.Namespace, Name: needed.Secret}, found)
		if err != nil {
			return resources, err
		}
		if !ok {
			missing = append(missing, fmt.Sprintf("Secret %s does not exist", needed.Secret))
			continue
		}
		missing = append(missing, lacks(found, needed)...)
		for _, key := range needed.Rolls {
			// The Secret's own UID is mixed in: who may read pods does not know it, and cannot try passwords on the hash.
			resources.SecretHashes[needed.Secret+"/"+key] = model.HashSecret(found.UID, found.Data[key])
		}
	}
	if len(missing) > 0 {
		return resources, &status.Missing{Message: strings.Join(missing, "; ")}
	}
	return resources, nil
}

// read gets an object past the cache; ok is false if there is none.
func (r *bridges) read(ctx context.Context, key client.ObjectKey, into client.Object) (ok bool, err error) {
	return readLive(ctx, r.live, key, into)
}

// readLive gets an object; ok is false if there is none.
func readLive(ctx context.Context, from client.Reader, key client.ObjectKey, into client.Object) (ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	err = from.Get(ctx, key, into)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("read %T %s: %w", into, key.Name, err)
	}
	return true, nil
}

// lacks says which of the keys that are needed a Secret has not.
func lacks(secret *corev1.Secret, needed model.SecretKeys) (missing []string) {
	for _, key := range needed.Keys {
		if _, ok := secret.Data[key]; !ok {
			missing = append(missing, fmt.Sprintf("Secret %s has no key %s", secret.Name, key))
		}
	}
	keys := slices.Collect(maps.Keys(secret.Data))
	for _, pattern := range needed.Patterns {
		matches := func(key string) bool {
			ok, err := path.Match(pattern, key)
			return err == nil && ok
		}
		if !slices.ContainsFunc(keys, matches) {
			missing = append(missing, fmt.Sprintf("Secret %s has no key like %s", secret.Name, pattern))
		}
	}
	return missing
}
