package render_test

import (
	"fmt"
	"net"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// TestNodesReadTheirFiles has steg-node's own code read what each node of the manifests is given: it makes the settings of them that
// the model means, and finds everything that they name.
func TestNodesReadTheirFiles(t *testing.T) {
	paths, err := filepath.Glob("../cluster/testdata/clusters/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("there are no manifests: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			c := modelled(t, path)
			objects := render.Kafka(c, issued(c))
			for _, pod := range podsOf(t, objects) {
				readNode(t, c, objects, pod)
			}
		})
	}
}

// readNode reads the files of one pod.
func readNode(t *testing.T, c cluster.Cluster, objects []runtime.ApplyConfiguration, pod corev1.Pod) {
	t.Helper()
	id, _ := strconv.Atoi(environment(pod.Spec.Containers[0])["STEG_NODE_ID"])
	texts := mountedTexts(t, objects, pod)
	draft, err := config.Merge(texts, id)
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	needs, err := draft.Needs()
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	facts := config.Facts{Pod: pod.Name, Address: "198.51.100.7", Rack: "a", Files: map[string]string{}}
	for _, file := range needs.Files {
		if !found(pod, file) {
			t.Errorf("%s: %s is not mounted", pod.Name, file)
		}
		facts.Files[file] = "content"
	}
	settings, err := draft.Resolve(facts)
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	n := nodeOfPod(t, c, pod.Name)
	sameRoles(t, pod, n, settings)
	sameListeners(t, pod, n, settings)
	findsFiles(t, pod, settings)
	if _, err := config.ClusterID(texts[config.ClusterIDFile]); err != nil || texts[config.MetadataVersionFile] != c.FormatMetadata {
		t.Errorf("%s: formats for %q with %q: %v", pod.Name, texts[config.ClusterIDFile], texts[config.MetadataVersionFile], err)
	}
	if _, err := config.ParseJVMOptions(environment(pod.Spec.Containers[0])[names.EnvJVMOptions]); err != nil {
		t.Errorf("%s: %v", pod.Name, err)
	}
}

// mountedTexts are the files below /etc/steg that steg-node reads, as the pod's mounts and the ConfigMaps give them.
func mountedTexts(t *testing.T, objects []runtime.ApplyConfiguration, pod corev1.Pod) config.Texts {
	t.Helper()
	texts := config.Texts{}
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		source := pod.Spec.Volumes[i].ConfigMap
		if source == nil || !strings.HasPrefix(m.MountPath, names.DirSettings+"/") {
			continue
		}
		for file, text := range named[*corev1.ConfigMap](t, objects, source.Name).Data {
			texts[strings.TrimPrefix(m.MountPath, names.DirSettings+"/")+"/"+file] = text
		}
	}
	return texts
}

func nodeOfPod(t *testing.T, c cluster.Cluster, pod string) cluster.Node {
	t.Helper()
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			if n.Pod == pod {
				return n
			}
		}
	}
	t.Fatalf("%s is nobody's", pod)
	return cluster.Node{}
}

// sameRoles: the labels by which Services choose, the settings and the model say the same of a node.
func sameRoles(t *testing.T, pod corev1.Pod, n cluster.Node, s config.Settings) {
	t.Helper()
	if s.Broker() != n.Broker || s.Controller() != n.Controller ||
		pod.Labels[names.LabelBrokerRole] != strconv.FormatBool(n.Broker) || pod.Labels[names.LabelControllerRole] != strconv.FormatBool(n.Controller) {
		t.Errorf("%s: process.roles=%s, labels %v, model broker=%t controller=%t", pod.Name, s["process.roles"], pod.Labels, n.Broker, n.Controller)
	}
	if s["node.id"] != fmt.Sprint(n.ID) {
		t.Errorf("%s: node.id=%s", pod.Name, s["node.id"])
	}
	voter := fmt.Sprintf("%d@%s.%s.%s.svc:9090", n.ID, pod.Spec.Hostname, pod.Spec.Subdomain, pod.Namespace)
	if slices.Contains(strings.Split(s["controller.quorum.voters"], ","), voter) != n.Controller {
		t.Errorf("%s: %s among the voters %s", pod.Name, voter, s["controller.quorum.voters"])
	}
}

// sameListeners: a node listens on the ports that its container opens, tells the addresses that the model has settled, and its own
// certificate is for the name by which steg-node asks it.
func sameListeners(t *testing.T, pod corev1.Pod, n cluster.Node, s config.Settings) {
	t.Helper()
	listeners, err := s.Listeners()
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	open := map[int32]bool{}
	for _, p := range pod.Spec.Containers[0].Ports {
		open[p.ContainerPort] = true
	}
	var advertised []string
	for _, l := range listeners {
		if !open[int32(l.Port)] {
			t.Errorf("%s: nobody comes to %d of %s", pod.Name, l.Port, l.Name)
		}
		delete(open, int32(l.Port))
		a, ok := n.Advertised[l.Name]
		if !ok {
			t.Errorf("%s: %s has no address", pod.Name, l.Name)
		}
		host := strings.ReplaceAll(a.Host, cluster.NodeAddress, "198.51.100.7")
		advertised = append(advertised, l.Name+"://"+net.JoinHostPort(host, strconv.Itoa(int(a.Port))))
	}
	delete(open, names.PortAgent)
	delete(open, names.PortJMX)
	if len(open) > 0 {
		t.Errorf("%s: nobody listens on %v", pod.Name, open)
	}
	if got := strings.Split(s["advertised.listeners"], ","); !slices.Equal(got, advertised) {
		t.Errorf("%s: advertises %v, not %v", pod.Name, got, advertised)
	}
	own, err := s.Own()
	if err != nil {
		t.Fatalf("%s: %v", pod.Name, err)
	}
	if name := s.HostName(own, pod.Name); !slices.Contains(n.DNSNames, name) {
		t.Errorf("%s: steg-node expects %s, the certificate is for %v", pod.Name, name, n.DNSNames)
	}
}

// findsFiles: every file and directory that a setting names is there or is steg-node's to write.
func findsFiles(t *testing.T, pod corev1.Pod, s config.Settings) {
	t.Helper()
	for _, dir := range s.LogDirs() {
		i := slices.IndexFunc(pod.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool { return strings.HasPrefix(dir, m.MountPath+"/") })
		if i < 0 || pod.Spec.Containers[0].VolumeMounts[i].ReadOnly {
			t.Errorf("%s: %s is on no volume that can be written to", pod.Name, dir)
		}
	}
	if !slices.Contains(s.LogDirs(), s.MetadataDir()) {
		t.Errorf("%s: the metadata are in %s, beside %v", pod.Name, s.MetadataDir(), s.LogDirs())
	}
	for key, value := range s {
		for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(` "=;`, r) }) {
			if strings.HasPrefix(word, names.DirSettings+"/") && !found(pod, word) {
				t.Errorf("%s: %s: %s is not mounted", pod.Name, key, word)
			}
			if store, ok := strings.CutPrefix(word, names.DirRun+"/"); ok && !written(pod, s, strings.TrimSuffix(store, names.SuffixCombinedStore)) {
				t.Errorf("%s: %s: nobody writes %s", pod.Name, key, word)
			}
		}
	}
}

// found reports whether a file below /etc/steg is in a volume of the pod: of Secrets with their keys named, by its name.
func found(pod corev1.Pod, file string) bool {
	for _, m := range pod.Spec.Containers[0].VolumeMounts {
		if path.Dir(file) != m.MountPath {
			continue
		}
		i := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		secret := pod.Spec.Volumes[i].Secret
		if secret == nil || len(secret.Items) == 0 {
			return m.MountPath != names.DirTrust || slices.Contains([]string{names.KeyClusterCA, names.KeyClientsCA}, path.Base(file))
		}
		return slices.ContainsFunc(secret.Items, func(k corev1.KeyToPath) bool { return k.Path == path.Base(file) })
	}
	return false
}

// written reports whether steg-node makes a key store of that name: it does of the node's certificate and of each listener's own.
func written(pod corev1.Pod, s config.Settings, store string) bool {
	listeners, _ := s.Listeners()
	return store == pod.Name || slices.ContainsFunc(listeners, func(l config.Listener) bool { return strings.EqualFold(l.Name, store) })
}
