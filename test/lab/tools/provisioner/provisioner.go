// Package provisioner gives claims a folder on the node where their pod runs: what a cloud's disks are to a real cluster.
//
// It runs outside pods, sees every node's disk (here they are folders of one) and keeps a volume in
// ROOT/NODE/pv/NAMESPACE-CLAIM-UID. The volumes are of type local and owned by root with mode 0755; an fsGroup is applied,
// as with a real disk. It must not be taken for a driver: sizes aren't enforced, and a larger request is granted at once.
package provisioner

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1 "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	name          = "lab/local"
	provisionedBy = "pv.kubernetes.io/provisioned-by"
	wantedFrom    = "volume.kubernetes.io/storage-provisioner" // set by the controller-manager
	selectedNode  = "volume.kubernetes.io/selected-node"       // set by the scheduler
)

// How long until everything is looked at again, after a pass without and with an error.
const (
	resync = time.Minute
	retry  = time.Second
)

type provisioner struct {
	root    string
	kube    kubernetes.Interface
	claims  corev1.PersistentVolumeClaimLister
	volumes corev1.PersistentVolumeLister
	nodes   corev1.NodeLister
}

// Run makes the classes standard (the default, bound when a pod needs it) and immediate, and serves their claims from
// folders below root until the context ends.
func Run(ctx context.Context, kubeconfig, root string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, class := range []*storagev1.StorageClass{
		class("standard", storagev1.VolumeBindingWaitForFirstConsumer, map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}),
		class("immediate", storagev1.VolumeBindingImmediate, nil),
	} {
		if _, err := kube.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	p := &provisioner{root: root, kube: kube}
	changed, err := p.watch(ctx)
	if err != nil {
		return err
	}
	p.serve(ctx, changed)
	return nil
}

func class(called string, mode storagev1.VolumeBindingMode, annotations map[string]string) *storagev1.StorageClass {
	reclaim := v1.PersistentVolumeReclaimDelete
	return &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: called, Annotations: annotations}, Provisioner: name,
		VolumeBindingMode: &mode, AllowVolumeExpansion: new(true), ReclaimPolicy: &reclaim,
	}
}

// watch fills the listers; the channel has something when anything has changed since it was last read.
func (p *provisioner) watch(ctx context.Context) (<-chan struct{}, error) {
	changed := make(chan struct{}, 1)
	poke := func(any) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	factory := informers.NewSharedInformerFactory(p.kube, 0)
	core := factory.Core().V1()
	p.claims, p.volumes, p.nodes = core.PersistentVolumeClaims().Lister(), core.PersistentVolumes().Lister(), core.Nodes().Lister()
	handler := cache.ResourceEventHandlerFuncs{AddFunc: poke, UpdateFunc: func(_, o any) { poke(o) }, DeleteFunc: poke}
	for _, i := range []cache.SharedIndexInformer{core.PersistentVolumeClaims().Informer(), core.PersistentVolumes().Informer(), core.Nodes().Informer()} {
		if _, err := i.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return changed, nil
}

func (p *provisioner) serve(ctx context.Context, changed <-chan struct{}) {
	for {
		wait := resync
		if err := p.pass(ctx); err != nil {
			slog.Error("provisioner", "err", err)
			wait = retry
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// pass looks at everything once; all of it can be repeated.
func (p *provisioner) pass(ctx context.Context) error {
	claims, err := p.claims.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, c := range claims {
		if c.Annotations[wantedFrom] != name || c.DeletionTimestamp != nil {
			continue
		}
		if err := p.claim(ctx, c); err != nil {
			return fmt.Errorf("claim %s/%s: %w", c.Namespace, c.Name, err)
		}
	}
	volumes, err := p.volumes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, v := range volumes {
		if v.Annotations[provisionedBy] != name || v.Status.Phase != v1.VolumeReleased {
			continue
		}
		if err := p.remove(ctx, v); err != nil {
			return fmt.Errorf("volume %s: %w", v.Name, err)
		}
	}
	return nil
}

// remove takes a volume whose claim is gone, and its data.
func (p *provisioner) remove(ctx context.Context, v *v1.PersistentVolume) error {
	slog.Info("remove", "volume", v.Name, "path", v.Spec.Local.Path)
	if err := os.RemoveAll(v.Spec.Local.Path); err != nil {
		return err
	}
	err := p.kube.CoreV1().PersistentVolumes().Delete(ctx, v.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// claim binds, or expands, or waits for the scheduler to choose a node.
func (p *provisioner) claim(ctx context.Context, c *v1.PersistentVolumeClaim) error {
	if c.Spec.VolumeName != "" {
		return p.expand(ctx, c)
	}
	node := c.Annotations[selectedNode]
	if node == "" && *c.Spec.StorageClassName == "immediate" {
		nodes, err := p.nodes.List(labels.Everything())
		if err != nil || len(nodes) == 0 {
			return err
		}
		node = nodes[int(c.UID[0])%len(nodes)].Name
	}
	if node == "" {
		return nil
	}
	path := filepath.Join(p.root, node, "pv", c.Namespace+"-"+c.Name+"-"+string(c.UID)[:8])
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	_, err := p.kube.CoreV1().PersistentVolumes().Create(ctx, volume(c, node, path), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	slog.Info("provision", "claim", c.Namespace+"/"+c.Name, "node", node, "err", err)
	return err
}

// volume is a claim's, in a folder of a node.
func volume(c *v1.PersistentVolumeClaim, node, path string) *v1.PersistentVolume {
	there := v1.NodeSelectorTerm{MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{node}}}}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pvc-" + string(c.UID), Annotations: map[string]string{provisionedBy: name}},
		Spec: v1.PersistentVolumeSpec{
			Capacity:    v1.ResourceList{v1.ResourceStorage: c.Spec.Resources.Requests[v1.ResourceStorage]},
			AccessModes: c.Spec.AccessModes, VolumeMode: c.Spec.VolumeMode,
			StorageClassName: *c.Spec.StorageClassName, PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimDelete,
			ClaimRef:               &v1.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name, UID: c.UID},
			PersistentVolumeSource: v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}},
			NodeAffinity:           &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{there}}},
		},
	}
}

// expand does at once what a driver and its resizer would do.
func (p *provisioner) expand(ctx context.Context, c *v1.PersistentVolumeClaim) error {
	size, have := c.Spec.Resources.Requests[v1.ResourceStorage], c.Status.Capacity[v1.ResourceStorage]
	if c.Status.Phase != v1.ClaimBound || size.Cmp(have) <= 0 {
		return nil
	}
	v, err := p.volumes.Get(c.Spec.VolumeName)
	if err != nil {
		return err
	}
	v = v.DeepCopy()
	v.Spec.Capacity[v1.ResourceStorage] = size
	if _, err := p.kube.CoreV1().PersistentVolumes().Update(ctx, v, metav1.UpdateOptions{}); err != nil {
		return err
	}
	c = c.DeepCopy()
	c.Status.Capacity[v1.ResourceStorage] = size
	_, err = p.kube.CoreV1().PersistentVolumeClaims(c.Namespace).UpdateStatus(ctx, c, metav1.UpdateOptions{})
	slog.Info("expand", "claim", c.Namespace+"/"+c.Name, "size", size.String(), "err", err)
	return err
}
