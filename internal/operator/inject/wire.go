package inject

import (
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/steg-kafka/steg/internal/operator/names"
)

// wire tells the pod's own containers where the bridge is: all that run beside it, and the init containers that come behind
// it. What they say themselves counts more.
func (i *injection) wire() error {
	reached := false
	for n := range i.pod.Spec.InitContainers {
		c := &i.pod.Spec.InitContainers[n]
		switch {
		case c.Name == i.containerName:
			reached = true
		case isHelper(c.Name):
		case reached:
			if err := i.wireOne(c); err != nil {
				return err
			}
		case i.before.native != i.isNative:
			i.tell(c, told{}) // the earlier sidecar may have reached it
			i.unmountSocket(c)
		}
	}
	for n := range i.pod.Spec.Containers {
		c := &i.pod.Spec.Containers[n]
		if c.Name == i.containerName || isHelper(c.Name) {
			continue
		}
		if err := i.wireOne(c); err != nil {
			return err
		}
	}
	return nil
}

// wireOne tells one container.
func (i *injection) wireOne(c *corev1.Container) error {
	now := told{url: url(i.port)}
	if !i.isNative {
		now.quit = i.quitURL()
	}
	if i.socket {
		now.socket = names.Socket
		if err := i.mountSocket(c); err != nil {
			return err
		}
	} else {
		i.unmountSocket(c)
	}
	i.tell(c, now)
	return nil
}

// told is what a container's variables say of the bridge; an empty text is no variable.
type told struct{ url, socket, quit string }

// tell sets the variables that the container does not have, in front of its own, so that those may refer to them by
// $(NAME). One that an earlier sidecar has brought, which its value tells, is exchanged where it stands, or goes.
func (i *injection) tell(c *corev1.Container, now told) {
	var missing []corev1.EnvVar
	for _, v := range []struct{ name, value, before string }{
		{names.EnvURL, now.url, i.before.url}, {names.EnvSocket, now.socket, i.before.socket}, {names.EnvQuitURL, now.quit, i.before.quit},
	} {
		at := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == v.name })
		switch {
		case at < 0 && v.value != "":
			missing = append(missing, corev1.EnvVar{Name: v.name, Value: v.value})
		case at < 0 || v.before == "" || c.Env[at].Value != v.before || c.Env[at].ValueFrom != nil:
		case v.value == "":
			c.Env = slices.Delete(c.Env, at, at+1)
		default:
			c.Env[at].Value = v.value
		}
	}
	c.Env = slices.Insert(c.Env, 0, missing...)
}

// mountSocket shows the container the socket's directory. It is enough to read it: a connection writes to no file.
func (i *injection) mountSocket(c *corev1.Container) error {
	for _, m := range c.VolumeMounts {
		if path.Clean(m.MountPath) != names.DirSocket {
			continue
		}
		if m.Name == names.VolumeSocket {
			return nil
		}
		return refuse("container %s mounts %s at %s, where the bridge's socket goes: mount it elsewhere, or remove the annotation %s",
			c.Name, m.Name, names.DirSocket, names.AnnotationSocket)
	}
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: names.VolumeSocket, MountPath: names.DirSocket, ReadOnly: true})
	return nil
}

// unmountSocket takes that back. Without an earlier sidecar such a mount is the user's.
func (i *injection) unmountSocket(c *corev1.Container) {
	if i.before.socket != "" {
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			return m.Name == names.VolumeSocket && m.MountPath == names.DirSocket
		})
	}
}
