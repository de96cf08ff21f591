package inject

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/steg-kafka/steg/internal/kafka"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Refusal is why a pod does not get what it asks for: one line that names the field and what to change.
type Refusal struct{ Message string }

// Error returns the message.
func (r *Refusal) Error() string { return r.Message }

// refuse makes a text one line.
func refuse(format string, args ...any) *Refusal {
	// Texts of other libraries may have line ends, and what a user wrote may too.
	return &Refusal{strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")}
}

// Wants reads whether a pod asks for a sidecar, and the name of the KafkaBridge in its namespace. The error is a *Refusal: the
// pod asks for something that can't be. It says nothing about whether the KafkaBridge exists.
func Wants(labels, annotations map[string]string) (bridge string, ok bool, err error) {
	bridge, ok = labels[names.LabelBridge]
	long, hasLong := annotations[names.AnnotationBridgeName]
	_, cluster := labels[names.LabelUsesCluster]
	switch {
	case cluster && ok:
		return "", false, refuse("labels %s and %s exclude each other: remove one", names.LabelBridge, names.LabelUsesCluster)
	case cluster:
		return "", false, refuse("label %s is not supported yet: write %s with the name of a KafkaBridge", names.LabelUsesCluster, names.LabelBridge)
	case !ok && hasLong:
		return "", false, refuse("annotation %s needs the label %s with an empty value", names.AnnotationBridgeName, names.LabelBridge)
	case !ok:
		return "", false, nil
	case bridge != "" && hasLong && bridge != long:
		return "", false, refuse("label %s=%s and annotation %s=%s name two bridges: leave the label's value empty, or remove the annotation",
			names.LabelBridge, bridge, names.AnnotationBridgeName, long)
	case bridge == "" && long == "":
		return "", false, refuse("label %s is empty: write the name of a KafkaBridge (one of more than 63 characters goes into the annotation %s)",
			names.LabelBridge, names.AnnotationBridgeName)
	case bridge == "":
		bridge = long
	}
	if len(validation.IsDNS1123Subdomain(bridge)) > 0 {
		return "", false, refuse("label %s: %q is not a name of a KafkaBridge", names.LabelBridge, bridge)
	}
	return bridge, true, nil
}

// Injected reports whether a pod has a sidecar that was put into it.
func Injected(pod *corev1.Pod) bool {
	if pod.Annotations[names.AnnotationInjected] == "" {
		return false
	}
	return slices.ContainsFunc(pod.Spec.InitContainers, isSidecar) || slices.ContainsFunc(pod.Spec.Containers, isSidecar)
}

// Stale reports whether a pod has a sidecar whose settings are of another generation than hash, which is
// model.Bridge.ConfigHash of its KafkaBridge.
func Stale(pod *corev1.Pod, hash string) bool {
	return Injected(pod) && pod.Annotations[names.AnnotationConfigHash] != hash
}

// isSidecar recognises the container that Pod adds, in a pod that has the annotation names.AnnotationInjected.
func isSidecar(c corev1.Container) bool {
	return slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == names.EnvProperties })
}

// checkNames refuses labels and annotations under our prefix that have no meaning on a pod: a misspelled one would be
// silently without effect otherwise.
func checkNames(pod *corev1.Pod) []string {
	var problems []string
	for _, key := range sortedKeys(pod.Labels) {
		if strings.HasPrefix(key, names.Domain) && key != names.LabelBridge && key != names.LabelUsesCluster {
			problems = append(problems, fmt.Sprintf("label %s is not known%s", key, labelHint(key)))
		}
	}
	known := append(userAnnotations(), names.AnnotationInjected, names.AnnotationConfigHash)
	for _, key := range sortedKeys(pod.Annotations) {
		switch {
		case !strings.HasPrefix(key, names.Domain) || slices.Contains(known, key):
		case key == names.AnnotationUser:
			problems = append(problems, fmt.Sprintf("annotation %s belongs to the label %s: remove it", key, names.LabelUsesCluster))
		case key == names.AnnotationRolloutStrategy:
			problems = append(problems, fmt.Sprintf("annotation %s belongs on the KafkaBridge: move it there", key))
		case key == names.LabelBridge || key == names.LabelUsesCluster:
			problems = append(problems, fmt.Sprintf("annotation %s is a label: move it to metadata.labels", key))
		default:
			problems = append(problems, fmt.Sprintf("annotation %s is not known%s", key, suggestion(key, known)))
		}
	}
	return problems
}

// labelHint says what an unknown label was probably meant to be.
func labelHint(key string) string {
	if slices.Contains(userAnnotations(), key) {
		return ": it is an annotation, move it to metadata.annotations"
	}
	return suggestion(key, []string{names.LabelBridge})
}

// suggestion says what an unknown key was probably meant to be.
func suggestion(key string, known []string) string {
	if near := kafka.Suggest(key, known); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": remove it"
}
