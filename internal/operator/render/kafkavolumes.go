package render

import (
	"slices"
	"strconv"
	"strings"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	metav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// runLimit bounds what steg-node writes to memory: key stores and settings.
const runLimit = "5Mi"

// tmpLimit is the size of /tmp unless the user says otherwise, as in the reference operator: compression libraries unpack themselves
// there.
const tmpLimit = "5Mi"

// nodeVolumes are what a node reads, what it writes, its data, and the user's own. Nothing is mounted as a single file (subPath):
// the kubelet would not exchange it, and certificates are read again.
func (r kafka) nodeVolumes(p *cluster.Pool, n *cluster.Node) []*corev1.VolumeApplyConfiguration {
	template, tmp := podTemplate(p), resource.MustParse(tmpLimit)
	if template.TmpDirSizeLimit != nil {
		tmp = *template.TmpDirSizeLimit
	}
	volumes := []*corev1.VolumeApplyConfiguration{
		corev1.Volume().WithName(names.VolumeStegNode).WithEmptyDir(corev1.EmptyDirVolumeSource()),
		inMemory(names.VolumeRun, resource.MustParse(runLimit)),
		inMemory(names.VolumeTmp, tmp),
		configVolume(names.VolumeNodeConfig, n.Pod),
		configVolume(names.VolumeSharedConfig, names.KafkaConfigMap(r.Name)),
		keysVolume(names.VolumeCertificates, n.Pod),
		keysVolume(names.VolumeTrust, names.TrustBundle(r.Name)),
		podVolume(),
	}
	if r.JMXPassword {
		volumes = append(volumes, keysVolume(names.VolumeJMX, names.KafkaJMX(r.Name)))
	}
	for _, e := range r.External {
		volumes = append(volumes, keysVolume(names.VolumeExternal+e.Name, e.Secret, e.Keys...))
	}
	for i := range p.Volumes {
		volumes = append(volumes, dataVolume(&p.Volumes[i], n))
	}
	volumes = append(volumes, each[corev1.VolumeApplyConfiguration](template.Volumes)...)
	for _, v := range template.TemplatedVolumes {
		volumes = append(volumes, as[corev1.VolumeApplyConfiguration](perNode(v, n)))
	}
	return volumes
}

// nodeMounts are those of the operator's own volumes, in Kafka's container.
func (r kafka) nodeMounts(p *cluster.Pool) []*corev1.VolumeMountApplyConfiguration {
	mounts := []*corev1.VolumeMountApplyConfiguration{
		mount(names.VolumeStegNode, names.DirStegNode),
		writable(names.VolumeRun, names.DirRun),
		writable(names.VolumeTmp, names.DirTmp),
		mount(names.VolumeNodeConfig, names.DirNodeConfig),
		mount(names.VolumeSharedConfig, names.DirSharedConfig),
		mount(names.VolumeCertificates, names.DirCertificates),
		mount(names.VolumeTrust, names.DirTrust),
		mount(names.VolumePod, names.DirPod),
	}
	if r.JMXPassword {
		mounts = append(mounts, mount(names.VolumeJMX, names.DirJMX))
	}
	for _, e := range r.External {
		mounts = append(mounts, mount(names.VolumeExternal+e.Name, names.DirExternal+"/"+e.Name))
	}
	for _, v := range p.Volumes {
		mounts = append(mounts, writable(v.Name, v.Path))
	}
	return mounts
}

func writable(volume, path string) *corev1.VolumeMountApplyConfiguration {
	return corev1.VolumeMount().WithName(volume).WithMountPath(path)
}

// inMemory is a volume that counts as the container's memory and leaves nothing on a disk.
func inMemory(name string, limit resource.Quantity) *corev1.VolumeApplyConfiguration {
	return corev1.Volume().WithName(name).
		WithEmptyDir(corev1.EmptyDirVolumeSource().WithMedium(core.StorageMediumMemory).WithSizeLimit(limit))
}

func configVolume(name, configMap string) *corev1.VolumeApplyConfiguration {
	return corev1.Volume().WithName(name).WithConfigMap(corev1.ConfigMapVolumeSource().WithName(configMap))
}

// keysVolume has some keys of a Secret as files, or all of them.
func keysVolume(name, secret string, keys ...string) *corev1.VolumeApplyConfiguration {
	source := corev1.SecretVolumeSource().WithSecretName(secret)
	for _, key := range keys {
		source.WithItems(corev1.KeyToPath().WithKey(key).WithPath(key))
	}
	return corev1.Volume().WithName(name).WithSecret(source)
}

// podVolume has the pod's own labels and annotations: the operator writes there what is known only when the pod has its Kubernetes
// node, and the kubelet passes it on.
func podVolume() *corev1.VolumeApplyConfiguration {
	file := func(name string) *corev1.DownwardAPIVolumeFileApplyConfiguration {
		return corev1.DownwardAPIVolumeFile().WithPath(name).WithFieldRef(corev1.ObjectFieldSelector().WithFieldPath("metadata." + name))
	}
	return corev1.Volume().WithName(names.VolumePod).
		WithDownwardAPI(corev1.DownwardAPIVolumeSource().WithItems(file("annotations"), file("labels")))
}

// dataVolume is a node's claim, or a directory that goes with the pod.
func dataVolume(v *cluster.Volume, n *cluster.Node) *corev1.VolumeApplyConfiguration {
	volume := corev1.Volume().WithName(v.Name)
	if !v.Claim {
		directory := corev1.EmptyDirVolumeSource()
		if limit := v.Settings.SizeLimit; limit != nil {
			directory.WithSizeLimit(*limit)
		}
		return volume.WithEmptyDir(directory)
	}
	name := names.DataClaim(v.Name, n.Pod)
	if i := slices.IndexFunc(n.Claims, func(c cluster.Claim) bool { return c.Volume == v.Name }); i >= 0 {
		name = n.Claims[i].Name
	}
	return volume.WithPersistentVolumeClaim(corev1.PersistentVolumeClaimVolumeSource().WithClaimName(name))
}

// perNode is a templated volume with the node's own facts in the name of what it holds.
func perNode(v v1.TemplatedVolume, n *cluster.Node) v1.TemplatedVolume {
	v = *v.DeepCopy()
	switch {
	case v.Secret != nil:
		v.Secret.SecretName = fill(v.Secret.SecretName, n)
	case v.ConfigMap != nil:
		v.ConfigMap.Name = fill(v.ConfigMap.Name, n)
	case v.PersistentVolumeClaim != nil:
		v.PersistentVolumeClaim.ClaimName = fill(v.PersistentVolumeClaim.ClaimName, n)
	}
	return v
}

// fill puts the node's own facts into a text (the reference operator's placeholders).
func fill(template string, n *cluster.Node) string {
	return strings.NewReplacer("{nodeId}", strconv.Itoa(int(n.ID)), "{nodePodName}", n.Pod).Replace(template)
}

// claims are the nodes' persistent volume claims. One whose data is to outlive the cluster has no owner, so that nothing deletes it
// but somebody by hand.
func (r kafka) claims() []runtime.ApplyConfiguration {
	var objects []runtime.ApplyConfiguration
	for p, n := range r.nodes {
		for i := range n.Claims {
			objects = append(objects, r.claim(p, n, &n.Claims[i]))
		}
	}
	return objects
}

func (r kafka) claim(p *cluster.Pool, n *cluster.Node, c *cluster.Claim) *corev1.PersistentVolumeClaimApplyConfiguration {
	s := c.Settings
	spec := corev1.PersistentVolumeClaimSpec().WithAccessModes(core.ReadWriteOnce).WithVolumeMode(core.PersistentVolumeFilesystem)
	if s.Size != nil {
		spec.WithResources(corev1.VolumeResourceRequirements().WithRequests(core.ResourceList{core.ResourceStorage: *s.Size}))
	}
	if s.Class != "" {
		spec.WithStorageClassName(s.Class)
	}
	if len(s.Selector) > 0 {
		spec.WithSelector(metav1.LabelSelector().WithMatchLabels(s.Selector))
	}
	if s.VolumeAttributesClass != "" {
		spec.WithVolumeAttributesClassName(s.VolumeAttributesClass)
	}
	template := metadata(p.Template.PersistentVolumeClaim)
	claim := corev1.PersistentVolumeClaim(c.Name, r.Namespace).WithLabels(merged(c.Labels, r.nodeLabels(p, n, template))).
		WithAnnotations(annotations(template, map[string]string{names.AnnotationDeleteClaim: strconv.FormatBool(c.Delete)})).WithSpec(spec)
	if c.Delete {
		claim.WithOwnerReferences(r.poolOwner(p))
	}
	return claim
}
