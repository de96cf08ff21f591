package inject

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// mounts are those of the sidecar; the volumes are noted for mount.
func (i *injection) mounts() []corev1.VolumeMount {
	var mounts []corev1.VolumeMount
	i.volumes = nil
	for _, v := range i.Bridge.Volumes {
		i.volumes = append(i.volumes, secretVolume(v))
		mounts = append(mounts, corev1.VolumeMount{Name: v.Name, MountPath: v.Path, ReadOnly: true})
	}
	mounts = append(mounts, i.extra()...)
	if i.socket {
		i.volumes = append(i.volumes, corev1.Volume{Name: names.VolumeSocket, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
		mounts = append(mounts, corev1.VolumeMount{Name: names.VolumeSocket, MountPath: names.DirSocket})
	}
	return mounts
}

// extra are the mounts that the KafkaBridge's template adds, whose volumes get names that no volume of the pod has by chance.
func (i *injection) extra() []corev1.VolumeMount {
	var mounts []corev1.VolumeMount
	for _, m := range i.Bridge.Mounts {
		m.Name = names.SidecarVolume(m.Name)
		mounts = append(mounts, *m.DeepCopy())
	}
	for _, v := range i.Bridge.Extra {
		v.Name = names.SidecarVolume(v.Name)
		if slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name }) {
			i.volumes = append(i.volumes, *v.DeepCopy())
		}
	}
	return mounts
}

// secretVolume is one Secret, or several whose files the kubelet exchanges at once. The mode is what the API server would
// fill in: the bridge's user is neither the files' owner nor in their group.
func secretVolume(v model.Volume) corev1.Volume {
	out := corev1.Volume{Name: v.Name}
	if len(v.Sources) == 1 {
		s := v.Sources[0]
		out.Secret = &corev1.SecretVolumeSource{SecretName: s.Secret, Items: items(s), DefaultMode: new(corev1.SecretVolumeSourceDefaultMode)}
		return out
	}
	out.Projected = &corev1.ProjectedVolumeSource{DefaultMode: new(corev1.ProjectedVolumeSourceDefaultMode)}
	for _, s := range v.Sources {
		out.Projected.Sources = append(out.Projected.Sources, corev1.VolumeProjection{
			Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: s.Secret}, Items: items(s)},
		})
	}
	return out
}

// items are the keys that become files; none means all of them.
func items(s model.Source) []corev1.KeyToPath {
	var all []corev1.KeyToPath
	for _, item := range s.Items {
		all = append(all, corev1.KeyToPath{Key: item.Key, Path: item.File})
	}
	return all
}

// mount gives the pod the volumes. Those of an earlier sidecar are exchanged where they stand, or go.
func (i *injection) mount() error {
	missing := slices.Clone(i.volumes)
	var kept []corev1.Volume
	for _, v := range i.pod.Spec.Volumes {
		at := slices.IndexFunc(missing, func(m corev1.Volume) bool { return m.Name == v.Name })
		switch {
		case !isOurs(v.Name):
			kept = append(kept, v)
		case !i.again: // whether this KafkaBridge needs it or not: another one would
			return refuse("spec.volumes: the name %s is the sidecar's: choose another one", v.Name)
		case at >= 0:
			kept = append(kept, missing[at])
			missing = slices.Delete(missing, at, at+1)
		}
	}
	i.pod.Spec.Volumes = append(kept, missing...)
	return nil
}

// isOurs recognises the volumes of a sidecar.
func isOurs(volume string) bool {
	for _, numbered := range []string{names.VolumeTrusted, names.VolumeOAuth} {
		if number, ok := strings.CutPrefix(volume, numbered); ok {
			return number != "" && strings.Trim(number, "0123456789") == ""
		}
	}
	return volume == names.VolumeAuth || volume == names.VolumeSocket || strings.HasPrefix(volume, names.VolumeExtra)
}
