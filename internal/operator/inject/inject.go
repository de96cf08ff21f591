package inject

import (
	"errors"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// Request is what a pod is to get.
type Request struct {
	// Namespace is the pod's, and the KafkaBridge's. A pod in an admission request may not name its own yet.
	Namespace string
	Bridge    model.Bridge
	// Native says that all kubelets know native sidecars (1.29 and later), so that pods that leave it open get one.
	Native bool
	// Image is the sidecar's if not empty, whatever the KafkaBridge says.
	Image string
}

// Pod returns a copy of the pod with a sidecar, and warnings of one line each. A pod that does not ask for one (see Wants)
// comes back as it is; one that has a sidecar gets the same again. The error is a *Refusal.
func Pod(pod *corev1.Pod, r Request) (*corev1.Pod, []string, error) {
	out := pod.DeepCopy()
	_, ok, err := Wants(pod.Labels, pod.Annotations)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return out, nil, nil
	}
	o := parseOptions(pod)
	if problems := append(o.problems, unsuitable(pod)...); len(problems) > 0 {
		return nil, nil, refuse("%s", strings.Join(problems, "; "))
	}
	i := injection{Request: r, options: o, pod: out, again: Injected(pod)}
	if err := i.run(); err != nil {
		var refusal *Refusal
		if !errors.As(err, &refusal) {
			refusal = refuse("%v", err)
		}
		return nil, nil, refusal
	}
	return out, i.warnings, nil
}

// unsuitable lists why no pod of this kind can have a sidecar.
func unsuitable(pod *corev1.Pod) []string {
	var problems []string
	if pod.Spec.HostNetwork {
		problems = append(problems, "spec.hostNetwork is true: the bridge on 127.0.0.1 would be everybody's on the node; set it to false, or call a deployed bridge's Service")
	}
	windows := pod.Spec.OS != nil && pod.Spec.OS.Name == corev1.Windows || pod.Spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows)
	if windows {
		problems = append(problems, "the pod is for Windows, and the bridge's image for Linux: call a deployed bridge's Service instead")
	}
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		problems = append(problems, "the pod is a static one that the kubelet has started already: write the sidecar into its file")
	}
	return problems
}

// injection is one call of Pod.
type injection struct {
	Request
	options
	pod   *corev1.Pod // changed in place
	again bool        // the pod had a sidecar

	isNative         bool
	before           earlier
	port, management int32
	volumes          []corev1.Volume // of the sidecar
	warnings         []string
}

// earlier is the sidecar that a pod had.
type earlier struct {
	container *corev1.Container // nil: none
	native    bool
	told      // what it brought to the pod's containers
}

// run changes the pod. What can be refused comes before what is written where that is possible.
func (i *injection) run() error {
	i.isNative = i.Native
	if i.native != nil {
		i.isNative = *i.native
	}
	i.takeOut()
	if i.named(i.containerName) {
		return refuse("the name %s is taken by a container of the pod: write another one into the annotation %s", i.containerName, names.AnnotationContainerName)
	}
	var err error
	if i.port, i.management, err = portsOf(i.pod).choose(i.wantedPort); err != nil {
		return err
	}
	sidecar, err := i.sidecar()
	if err != nil {
		return err
	}
	if err := i.mount(); err != nil {
		return err
	}
	i.putIn(sidecar)
	if err := i.wire(); err != nil {
		return err
	}
	i.annotate()
	i.warn()
	return nil
}

// takeOut removes the sidecar that the pod has, and keeps it in before.
func (i *injection) takeOut() {
	if !i.again {
		return
	}
	for _, list := range []struct {
		containers *[]corev1.Container
		native     bool
	}{{&i.pod.Spec.InitContainers, true}, {&i.pod.Spec.Containers, false}} {
		*list.containers = slices.DeleteFunc(*list.containers, func(c corev1.Container) bool {
			if isSidecar(c) {
				i.before = earlier{container: c.DeepCopy(), native: list.native, told: toldBy(c, list.native)}
				return true
			}
			return false
		})
	}
}

// named reports whether a container of the pod has this name; init containers and others share one name space.
func (i *injection) named(name string) bool {
	return slices.ContainsFunc(slices.Concat(i.pod.Spec.InitContainers, i.pod.Spec.Containers), func(c corev1.Container) bool { return c.Name == name })
}

// annotate says what the pod has, and which container kubectl means.
func (i *injection) annotate() {
	if i.pod.Annotations == nil {
		i.pod.Annotations = map[string]string{}
	}
	i.pod.Annotations[names.AnnotationInjected] = i.Namespace + "/" + i.Bridge.Name
	i.pod.Annotations[names.AnnotationConfigHash] = i.Bridge.ConfigHash()
	if _, set := i.pod.Annotations[names.AnnotationDefaultContainer]; set {
		return
	}
	for _, c := range i.pod.Spec.Containers {
		if c.Name != i.containerName && !isHelper(c.Name) {
			i.pod.Annotations[names.AnnotationDefaultContainer] = c.Name
			return
		}
	}
}

// warn says what works otherwise than one may expect.
func (i *injection) warn() {
	if !i.isNative && (i.pod.Spec.RestartPolicy == corev1.RestartPolicyNever || i.pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure) {
		i.warnings = append(i.warnings, "restartPolicy "+string(i.pod.Spec.RestartPolicy)+" without a native sidecar: the pod ends only after an empty POST to "+
			i.quitURL()+" (variable "+names.EnvQuitURL+") when the work is done")
	}
	if token := i.pod.Spec.AutomountServiceAccountToken; i.Bridge.NeedsToken && token != nil && !*token {
		i.warnings = append(i.warnings, "the KafkaBridge refers to Secrets by the Kubernetes API, for which the sidecar needs the pod's token: set automountServiceAccountToken to true")
	}
}

// stopNotice is how long the sidecar goes on when it is told to stop. A native one is told after the application has
// ended. In the fallback all containers are told at once, and the application may send for a while yet; the rest of the
// grace period is for what the bridge has to bring to an end.
func (i *injection) stopNotice() time.Duration {
	if i.isNative {
		return 0
	}
	grace := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if g := i.pod.Spec.TerminationGracePeriodSeconds; g != nil {
		grace = *g
	}
	return min(time.Duration(max(grace, 0))*time.Second/3, 10*time.Second)
}
