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

// TemplateMetadata refuses what would be taken for the operator's own.
func (f *Findings) TemplateMetadata(field string, m *v1.MetadataTemplate) {
	if m == nil {
		return
	}
	for _, key := range sortedKeys(m.Labels) {
		if HasPrefix(key, names.StrimziDomain, names.Domain) {
			f.Invalid(field+".labels", "%s is a label of the operator's: remove it", key)
		}
	}
	for _, key := range sortedKeys(m.Annotations) {
		if HasPrefix(key, names.Domain) {
			f.Invalid(field+".annotations", "%s is an annotation of the operator's: remove it", key)
		}
	}
}

// TemplateVolumes refuses volumes with names of the operator's own, and returns the names.
func (f *Findings) TemplateVolumes(field string, volumes []v1.AdditionalVolume) []string {
	var found []string
	for _, v := range volumes {
		if strings.HasPrefix(v.Name, names.VolumePrefix) {
			f.Invalid(field, "%s: names that begin with %s are the operator's: choose another one", v.Name, names.VolumePrefix)
		}
		found = append(found, v.Name)
	}
	return found
}

// TemplateMounts checks where a container mounts the volumes of a template, which are known by their names; source is the field
// of those volumes.
func (f *Findings) TemplateMounts(field string, mounts []corev1.VolumeMount, source string, volumes []string) {
	for _, m := range mounts {
		if !strings.HasPrefix(path.Clean(m.MountPath)+"/", names.DirMounts+"/") { // the reference operator's rule
			f.Invalid(field, "%s is not below %s", m.MountPath, names.DirMounts)
		}
		if !slices.Contains(volumes, m.Name) {
			f.Invalid(field, "%s is not one of %s", m.Name, source)
		}
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
