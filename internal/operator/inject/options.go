package inject

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// options is what a pod's annotations say.
type options struct {
	wantedPort    int32 // 0: the first free one
	resources     map[string]resource.Quantity
	logLevel      string
	native        *bool // nil: as the kubelets can
	wait          time.Duration
	kafkaReady    bool
	containerName string
	socket        bool
	patch         string

	problems []string
}

// userAnnotations are all that a user may set on a pod.
func userAnnotations() []string {
	return []string{
		names.AnnotationBridgeName, names.AnnotationPort, names.AnnotationCPURequest, names.AnnotationMemoryRequest, names.AnnotationCPULimit,
		names.AnnotationMemoryLimit, names.AnnotationLogLevel, names.AnnotationNative, names.AnnotationWaitForKafka,
		names.AnnotationKafkaReady, names.AnnotationContainerName, names.AnnotationSocket, names.AnnotationJSONPatch,
	}
}

// Bounds of annotations.
const (
	// lowestPort is the first one that a program without rights may listen on.
	lowestPort = 1024
	// defaultWait is what wait-for-kafka: "true" means.
	defaultWait = time.Minute
	// longestWait keeps a mistake from holding an application back for a day.
	longestWait = 10 * time.Minute
)

// parseOptions reads a pod's annotations. All problems are found at once, each a clause that names the annotation.
func parseOptions(pod *corev1.Pod) options {
	o := options{containerName: names.ContainerSidecar, resources: map[string]resource.Quantity{}, problems: checkNames(pod)}
	for _, key := range userAnnotations() {
		if value, ok := pod.Annotations[key]; ok {
			if err := o.take(key, strings.TrimSpace(value)); err != nil {
				o.problems = append(o.problems, fmt.Sprintf("annotation %s: %v", key, err))
			}
		}
	}
	return o
}

// take reads one annotation.
func (o *options) take(key, value string) (err error) {
	switch key {
	case names.AnnotationPort:
		o.wantedPort, err = port(value)
	case names.AnnotationCPURequest, names.AnnotationMemoryRequest, names.AnnotationCPULimit, names.AnnotationMemoryLimit:
		o.resources[key], err = quantity(value)
	case names.AnnotationLogLevel:
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, value) {
			return fmt.Errorf("%q is not a level: write debug, info, warn or error", value)
		}
		o.logLevel = value
	case names.AnnotationNative:
		if value != "auto" {
			var native bool
			native, err = boolean(value, "auto, true or false")
			o.native = &native
		}
	case names.AnnotationWaitForKafka:
		o.wait, err = wait(value)
	case names.AnnotationKafkaReady:
		o.kafkaReady, err = boolean(value, "true or false")
	case names.AnnotationSocket:
		o.socket, err = boolean(value, "true or false")
	case names.AnnotationContainerName:
		if len(validation.IsDNS1123Label(value)) > 0 {
			return fmt.Errorf("%q is not a name of a container: write lower-case letters, digits and dashes, at most 63", value)
		}
		o.containerName = value
	case names.AnnotationJSONPatch:
		o.patch = value
	}
	return err
}

// port is one that a program without rights can listen on: the sidecar has none.
func port(value string) (int32, error) {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n < lowestPort {
		return 0, fmt.Errorf("%q is not a port that a bridge can listen on: write a number from %d to 65535", value, lowestPort)
	}
	return int32(n), nil
}

// quantity is an amount of CPU or memory, more than nothing.
func quantity(value string) (resource.Quantity, error) {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		return q, fmt.Errorf("%q is not an amount: write one such as 50m (CPU) or 64Mi (memory)", value)
	}
	return q, nil
}

// boolean takes the two words of YAML 1.2 only; what YAML 1.1 and people also write is refused, not guessed at.
func boolean(value, choices string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is not known: write %s", value, choices)
}

// wait is how long the application waits for Kafka at most. It starts then all the same.
func wait(value string) (time.Duration, error) {
	switch value {
	case "false":
		return 0, nil
	case "true":
		return defaultWait, nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second || d > longestWait {
		return 0, fmt.Errorf("%q is not a time to wait: write false, true (%v), or a duration from 1s to %v", value, defaultWait, longestWait)
	}
	return d, nil
}

// sortedKeys makes messages the same every time.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
