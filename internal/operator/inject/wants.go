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

// Wish is the sidecar that a pod asks for.
type Wish struct {
	// Bridge is a KafkaBridge of the pod's namespace. It is empty if the pod asks for a Kafka.
	Bridge string
	// Cluster is a Kafka: of the KafkaUser's namespace, or of the pod's where there is no user.
	Cluster string
	// User is the KafkaUser that the sidecar logs in as, empty for none; UserNamespace is empty for the pod's own.
	UserNamespace, User string
}

// Elsewhere reports whether a pod of a namespace asks for a KafkaUser of another one.
func (w Wish) Elsewhere(namespace string) bool {
	return w.UserNamespace != "" && w.UserNamespace != namespace
}

// String is the wish for messages.
func (w Wish) String() string {
	switch {
	case w == Wish{}:
		return "what can't be had"
	case w.Bridge != "":
		return fmt.Sprintf("KafkaBridge %q", w.Bridge)
	case w.User == "":
		return fmt.Sprintf("Kafka %q", w.Cluster)
	}
	return fmt.Sprintf("Kafka %q as KafkaUser %q", w.Cluster, strings.TrimPrefix(w.UserNamespace+"/"+w.User, "/"))
}

// Wants reads whether a pod asks for a sidecar, and for which. The error is a *Refusal: the pod asks for something that can't
// be. It says nothing about whether what is asked for exists.
func Wants(labels, annotations map[string]string) (wish Wish, ok bool, err error) {
	bridge, byBridge := labels[names.LabelBridge]
	cluster, byCluster := labels[names.LabelUsesCluster]
	switch {
	case byBridge && byCluster:
		return Wish{}, false, refuse("labels %s and %s exclude each other: remove one", names.LabelBridge, names.LabelUsesCluster)
	case byCluster:
		wish, err = wantsCluster(cluster, annotations)
		return wish, err == nil, err
	case byBridge:
		wish.Bridge, err = wantsBridge(bridge, annotations)
		return wish, err == nil, err
	}
	if _, hasLong := annotations[names.AnnotationBridgeName]; hasLong {
		return Wish{}, false, refuse("annotation %s needs the label %s with an empty value", names.AnnotationBridgeName, names.LabelBridge)
	}
	return Wish{}, false, nil
}

// wantsBridge returns the name of the KafkaBridge.
func wantsBridge(bridge string, annotations map[string]string) (string, error) {
	long, hasLong := annotations[names.AnnotationBridgeName]
	switch {
	case bridge != "" && hasLong && bridge != long:
		return "", refuse("label %s=%s and annotation %s=%s name two bridges: leave the label's value empty, or remove the annotation",
			names.LabelBridge, bridge, names.AnnotationBridgeName, long)
	case bridge == "" && long == "":
		return "", refuse("label %s is empty: write the name of a KafkaBridge (one of more than 63 characters goes into the annotation %s)",
			names.LabelBridge, names.AnnotationBridgeName)
	case bridge == "":
		bridge = long
	}
	if len(validation.IsDNS1123Subdomain(bridge)) > 0 {
		return "", refuse("label %s: %q is not a name of a KafkaBridge", names.LabelBridge, bridge)
	}
	return bridge, nil
}

// wantsCluster reads the second way.
func wantsCluster(cluster string, annotations map[string]string) (Wish, error) {
	if _, has := annotations[names.AnnotationBridgeName]; has {
		return Wish{}, refuse("annotation %s needs the label %s, not %s", names.AnnotationBridgeName, names.LabelBridge, names.LabelUsesCluster)
	}
	if len(validation.IsDNS1123Subdomain(cluster)) > 0 {
		return Wish{}, refuse("label %s: %q is not a name of a Kafka", names.LabelUsesCluster, cluster)
	}
	w := Wish{Cluster: cluster}
	user, has := annotations[names.AnnotationUser]
	if !has {
		return w, nil
	}
	w.User = strings.TrimSpace(user)
	if space, name, ok := strings.Cut(w.User, "/"); ok {
		w.UserNamespace, w.User = space, name
		if len(validation.IsDNS1123Label(space)) > 0 {
			return Wish{}, refuse("annotation %s: %q is not a namespace; write NAME or NAMESPACE/NAME", names.AnnotationUser, space)
		}
	}
	if len(validation.IsDNS1123Subdomain(w.User)) > 0 {
		return Wish{}, refuse("annotation %s: %q is not a name of a KafkaUser; write NAME or NAMESPACE/NAME", names.AnnotationUser, w.User)
	}
	return w, nil
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
		case key == names.AnnotationUser && pod.Labels[names.LabelUsesCluster] != "":
		case key == names.AnnotationUser:
			problems = append(problems, fmt.Sprintf("annotation %s belongs to the label %s: remove it, or ask by that label", key, names.LabelUsesCluster))
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
	return suggestion(key, []string{names.LabelBridge, names.LabelUsesCluster})
}

// suggestion says what an unknown key was probably meant to be.
func suggestion(key string, known []string) string {
	if near := kafka.Suggest(key, known); near != "" {
		return ": did you mean " + near + "?"
	}
	return ": remove it"
}
