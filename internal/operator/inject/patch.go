package inject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// largestCopy bounds what the copy operations of a patch may add up to, in bytes: each can double the container.
const largestCopy = 1 << 20

// patched applies the user's patch (RFC 6902) to the sidecar's container. What makes it the sidecar can't be taken away.
func patched(c corev1.Container, patch string) (corev1.Container, error) {
	if patch == "" {
		return c, nil
	}
	fail := func(err error) (corev1.Container, error) {
		return c, fmt.Errorf("annotation %s: %w: the patch is applied to the sidecar's container, with paths such as /env/-", names.AnnotationJSONPatch, err)
	}
	if !json.Valid([]byte(patch)) || !strings.HasPrefix(strings.TrimSpace(patch), "[") {
		return fail(errors.New("is not a JSON list of operations (RFC 6902)"))
	}
	operations, err := jsonpatch.DecodePatch([]byte(patch))
	if err != nil {
		return fail(err)
	}
	before, err := json.Marshal(c)
	if err != nil {
		return fail(err)
	}
	options := jsonpatch.NewApplyOptions()
	options.AccumulatedCopySizeLimit = largestCopy
	options.SupportNegativeIndices = false
	after, err := operations.ApplyWithOptions(before, options)
	if err != nil {
		return fail(err)
	}
	var out corev1.Container
	decoder := json.NewDecoder(bytes.NewReader(after))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&out); err != nil {
		return fail(fmt.Errorf("the result is no container: %w", err))
	}
	return out, untouchable(c, out)
}

// untouchable is what a patch may not change: by it the sidecar is found again, and goes on as long as the pod.
func untouchable(before, after corev1.Container) error {
	field, instead := "", ""
	always := func(c corev1.Container) bool {
		return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	}
	switch {
	case before.Name != after.Name:
		field, instead = "/name", "use the annotation "+names.AnnotationContainerName
	case always(before) != always(after):
		field, instead = "/restartPolicy", "use the annotation "+names.AnnotationNative
	case !isSidecar(after):
		field, instead = "/env", "keep the variable "+names.EnvProperties
	case after.Image == "":
		field, instead = "/image", "name an image"
	default:
		return nil
	}
	return fmt.Errorf("annotation %s: %s can't be changed so: %s", names.AnnotationJSONPatch, field, instead)
}

// kept lays the container over the one that the pod had, so that what other webhooks made of that stays: variables and
// mounts that they added, an image from a mirror, resources. That is so for the same settings and the same place only;
// otherwise the sidecar is made anew.
func (i *injection) kept(c corev1.Container) (corev1.Container, error) {
	if i.before.container == nil || i.before.native != i.isNative || i.before.container.Name != c.Name ||
		i.pod.Annotations[names.AnnotationConfigHash] != i.Bridge.ConfigHash() {
		return c, nil
	}
	c.Image, c.ImagePullPolicy, c.Resources = "", "", corev1.ResourceRequirements{}
	others := i.before.container.DeepCopy()
	others.VolumeMounts = slices.DeleteFunc(others.VolumeMounts, func(m corev1.VolumeMount) bool { return isOurs(m.Name) })
	others.Ports = slices.DeleteFunc(others.Ports, func(p corev1.ContainerPort) bool { return p.Name == names.PortNameSidecarManagement })
	before, err := json.Marshal(others)
	if err != nil {
		return c, err
	}
	patch, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	merged, err := strategicpatch.StrategicMergePatch(before, patch, corev1.Container{})
	if err != nil {
		return c, fmt.Errorf("container %s: %w", c.Name, err)
	}
	var out corev1.Container
	if err := json.Unmarshal(merged, &out); err != nil {
		return c, fmt.Errorf("container %s: %w", c.Name, err)
	}
	return out, nil
}
