package cluster

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// podVolumes checks the volumes that a template adds to the pods of a pool and returns their names. What Kubernetes would refuse
// in a pod is refused here: it would find out when the former pod has been deleted.
func (b *builder) podVolumes(field string, pod v1.KafkaPodTemplate, data []Volume) []string {
	templated := make([]v1.AdditionalVolume, len(pod.TemplatedVolumes))
	for i, v := range pod.TemplatedVolumes {
		templated[i].Name = v.Name
	}
	taken := []string{names.VolumeTmp}
	for _, v := range data {
		taken = append(taken, v.Name)
	}
	var all []string
	for _, list := range []struct {
		field   string
		volumes []v1.AdditionalVolume
	}{{field + ".volumes", pod.Volumes}, {field + ".templatedVolumes", templated}} {
		for _, name := range b.TemplateVolumes(list.field, list.volumes) {
			switch {
			case len(validation.IsDNS1123Label(name)) > 0:
				b.Invalid(list.field, "%q is no name of a volume: take at most %d lower-case letters, digits and -", name, validation.DNS1123LabelMaxLength)
			case slices.Contains(all, name):
				b.Invalid(list.field, "%s is there twice: each volume needs a name of its own", name)
			case slices.Contains(taken, name):
				b.Invalid(list.field, "%s is a volume of the operator's: choose another name", name)
			}
			all = append(all, name)
		}
	}
	return all
}

// mountPaths refuses two volumes in one place, as the API server does.
func (b *builder) mountPaths(field string, mounts []corev1.VolumeMount) {
	seen := map[string]bool{}
	for _, m := range mounts {
		if seen[m.MountPath] {
			b.Invalid(field, "%s is there twice: each volume needs a path of its own", m.MountPath)
		}
		seen[m.MountPath] = true
	}
}

// objectMetadata checks what a template adds to an object's metadata: nothing of the operator's, and nothing that the API server
// would refuse.
func (b *builder) objectMetadata(field string, m *v1.MetadataTemplate) {
	if m == nil {
		return
	}
	b.metadataKeys(field, m)
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		if value := m.Labels[key]; len(validation.IsValidLabelValue(value)) > 0 {
			b.Invalid(field+".labels", "%s: %q is no value of a label: take at most %d letters, digits, -, _ and .", key, value, validation.LabelValueMaxLength)
		}
	}
}

// metadataKeys is objectMetadata for the keys alone.
func (b *builder) metadataKeys(field string, m *v1.MetadataTemplate) {
	b.TemplateMetadata(field, m)
	for _, key := range slices.Sorted(maps.Keys(m.Labels)) {
		if len(validation.IsQualifiedName(key)) > 0 {
			b.Invalid(field+".labels", "%q is no name of a label, such as team or example.com/team", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Annotations)) {
		if len(validation.IsQualifiedName(strings.ToLower(key))) > 0 { // of annotations the part before the slash may have capitals
			b.Invalid(field+".annotations", "%q is no name of an annotation, such as example.com/note", key)
		}
	}
}
