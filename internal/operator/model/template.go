package model

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// InheritedLabels returns the labels of a resource that its objects carry too: those of tools that manage the resource would make
// the tools believe that they manage the objects.
func (f *Findings) InheritedLabels(labels map[string]string) map[string]string {
	kept := map[string]string{}
	for _, key := range sortedKeys(labels) {
		switch {
		case key == names.LabelCluster:
		case strings.HasPrefix(key, names.StrimziDomain):
			f.Invalid("metadata.labels", "%s is a label of the operator's: remove it", key)
		case HasPrefix(key, names.Domain, names.KubernetesDomain, "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"):
		default:
			kept[key] = labels[key]
		}
	}
	return kept
}

// TemplateMetadata checks what a template adds to an object's metadata: nothing of the operator's, and nothing that the API
// server would refuse.
func (f *Findings) TemplateMetadata(field string, m *v1.MetadataTemplate) {
	if m == nil {
		return
	}
	f.TemplateKeys(field, *m)
	for _, key := range sortedKeys(m.Labels) {
		if value := m.Labels[key]; len(validation.IsValidLabelValue(value)) > 0 {
			f.Invalid(field+".labels", "%s: %q is no value of a label: take at most %d letters, digits, -, _ and .", key, value, validation.LabelValueMaxLength)
		}
	}
}

// TemplateKeys is TemplateMetadata for the keys alone.
func (f *Findings) TemplateKeys(field string, m v1.MetadataTemplate) {
	for _, key := range sortedKeys(m.Labels) {
		switch {
		case HasPrefix(key, names.StrimziDomain, names.Domain):
			f.Invalid(field+".labels", "%s is a label of the operator's: remove it", key)
		case len(validation.IsQualifiedName(key)) > 0:
			f.Invalid(field+".labels", "%q is no name of a label, such as team or example.com/team", key)
		}
	}
	for _, key := range sortedKeys(m.Annotations) {
		switch {
		case HasPrefix(key, names.Domain):
			f.Invalid(field+".annotations", "%s is an annotation of the operator's: remove it", key)
		case len(validation.IsQualifiedName(strings.ToLower(key))) > 0: // of annotations the part before the slash may have capitals
			f.Invalid(field+".annotations", "%q is no name of an annotation, such as example.com/note", key)
		}
	}
}

// TemplateVolumes checks the volumes that a template adds to pods, beside those of the operator's own and those of the template's
// earlier lists, and returns the names of the latter with the new ones. What Kubernetes would refuse in a pod is refused here: it
// would find out when the former pod has been deleted, or in the pod of an application.
func (f *Findings) TemplateVolumes(field string, volumes []v1.AdditionalVolume, own, earlier []string) []string {
	all := slices.Clone(earlier)
	for _, v := range volumes {
		switch {
		case strings.HasPrefix(v.Name, names.VolumePrefix):
			f.Invalid(field, "%s: names that begin with %s are the operator's: choose another one", v.Name, names.VolumePrefix)
		case len(validation.IsDNS1123Label(v.Name)) > 0:
			f.Invalid(field, "%q is no name of a volume: take at most %d lower-case letters, digits and -", v.Name, validation.DNS1123LabelMaxLength)
		case slices.Contains(all, v.Name):
			f.Invalid(field, "%s is there twice: each volume needs a name of its own", v.Name)
		case slices.Contains(own, v.Name):
			f.Invalid(field, "%s is a volume of the operator's: choose another name", v.Name)
		}
		all = append(all, v.Name)
	}
	return all
}

// TemplateMounts checks where a container mounts the volumes of a template, which are known by their names; source is the field
// of those volumes. Two in one place the API server would refuse.
func (f *Findings) TemplateMounts(field string, mounts []corev1.VolumeMount, source string, volumes []string) {
	seen := map[string]bool{}
	for _, m := range mounts {
		if !strings.HasPrefix(path.Clean(m.MountPath)+"/", names.DirMounts+"/") { // the reference operator's rule
			f.Invalid(field, "%s is not below %s", m.MountPath, names.DirMounts)
		}
		if !slices.Contains(volumes, m.Name) {
			f.Invalid(field, "%s is not one of %s", m.Name, source)
		}
		if seen[m.MountPath] {
			f.Invalid(field, "%s is there twice: each volume needs a path of its own", m.MountPath)
		}
		seen[m.MountPath] = true
	}
}

// TemplateEnv returns the variables that a template adds to a container, without those that the operator writes.
func (f *Findings) TemplateEnv(field string, env []v1.ContainerEnvVar, owned func(name string) bool) []v1.ContainerEnvVar {
	var kept []v1.ContainerEnvVar
	for _, e := range env {
		switch {
		case len(validation.IsRelaxedEnvVarName(e.Name)) > 0:
			f.Invalid(field, "%q is not a name of a variable", e.Name)
		case owned(e.Name):
			f.Warn(ReasonForbiddenFields, "%s: %s is left out: it is written from other fields", field, e.Name)
		default:
			kept = append(kept, e)
		}
	}
	return kept
}

// Variable is a template's variable in Kubernetes' type, which can do more.
func Variable(e v1.ContainerEnvVar) corev1.EnvVar {
	out := corev1.EnvVar{Name: e.Name, Value: e.Value}
	if e.ValueFrom != nil {
		out.ValueFrom = &corev1.EnvVarSource{SecretKeyRef: e.ValueFrom.SecretKeyRef, ConfigMapKeyRef: e.ValueFrom.ConfigMapKeyRef}
	}
	return out
}

// Resources refuses requests above their limits, as the API server would refuse the pods.
func (f *Findings) Resources(field string, r corev1.ResourceRequirements) {
	for _, name := range sortedKeys(r.Requests) {
		request := r.Requests[name]
		if limit, ok := r.Limits[name]; ok && request.Cmp(limit) > 0 {
			f.Invalid(field+".requests."+string(name), "%s is more than the limit %s", request.String(), limit.String())
		}
	}
}

// Probe returns the times of a probe, or none; what is absent the renderer fills in.
func (f *Findings) Probe(field string, p *v1.Probe) v1.Probe {
	if p == nil {
		return v1.Probe{}
	}
	for _, v := range []struct {
		name  string
		value *int32
	}{{"timeoutSeconds", p.TimeoutSeconds}, {"periodSeconds", p.PeriodSeconds}, {"failureThreshold", p.FailureThreshold}} {
		if v.value != nil && *v.value < 1 {
			f.Invalid(field+"."+v.name, "%d is not at least 1", *v.value)
		}
	}
	if p.InitialDelaySeconds != nil && *p.InitialDelaySeconds < 0 {
		f.Invalid(field+".initialDelaySeconds", "%d is negative", *p.InitialDelaySeconds)
	}
	return *p
}

// LivenessProbe is Probe, with the one number of successes that Kubernetes allows.
func (f *Findings) LivenessProbe(field string, p *v1.Probe) v1.Probe {
	probe := f.Probe(field, p)
	if s := probe.SuccessThreshold; s != nil && *s != 1 {
		f.Invalid(field+".successThreshold", "%d is not 1, as Kubernetes wants", *s)
	}
	return probe
}
