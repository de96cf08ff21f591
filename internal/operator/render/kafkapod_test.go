package render_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
	"github.com/steg-kafka/steg/internal/podsecurity"
)

// pod is the one of a node.
func pod(c cluster.Cluster, id int32) corev1.Pod { return render.Pods(c, issued(c))[id] }

// templated is the lab with a template for its pods.
func templated(template v1.KafkaNodePoolTemplate) cluster.Cluster {
	c := lab()
	c.Pools[0].Template = template
	return c
}

// TestNodePod is the contract between the operator and steg-node, as far as a pod says it.
func TestNodePod(t *testing.T) {
	p := pod(lab(), 1)
	s := p.Spec
	if s.Hostname != "my-cluster-kafka-1" || s.Subdomain != "my-cluster-kafka-brokers" || s.ServiceAccountName != "my-cluster-kafka" ||
		*s.AutomountServiceAccountToken || *s.TerminationGracePeriodSeconds != 120 || *s.SecurityContext.FSGroup != 1000 ||
		*s.SecurityContext.RunAsUser != 1000 {
		t.Errorf("%+v", s)
	}
	install, kafka := s.InitContainers[0], s.Containers[0]
	if diff := cmp.Diff([]string{"/steg-node", "install", "/opt/steg"}, install.Command); diff != "" ||
		install.Image != "registry.example.com/steg-node:1" {
		t.Error(install.Image, diff)
	}
	if diff := cmp.Diff([]string{"/opt/steg/steg-node", "run"}, kafka.Command); diff != "" ||
		kafka.Image != "docker.io/apache/kafka:4.3.1" || kafka.Name != "kafka" || kafka.Args != nil {
		t.Error(kafka.Image, diff)
	}
	if diff := cmp.Diff([]string{"/opt/steg/steg-node", "probe", "ready"}, kafka.ReadinessProbe.Exec.Command); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"/opt/steg/steg-node", "probe", "live"}, kafka.LivenessProbe.Exec.Command); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"STEG_NODE_ID": "1", "STEG_CLUSTER": "my-cluster", "STEG_POD_NAME": "my-cluster-kafka-1", "STEG_NAMESPACE": "kafka",
		"STEG_HOST_IP": "status.hostIP", "STEG_DOMAIN": "cluster.local",
	}
	if diff := cmp.Diff(want, environment(kafka)); diff != "" {
		t.Error(diff)
	}
	wanted := map[string]string{
		"/opt/steg": "emptyDir, read-only", "/run/steg": "Memory 5Mi", "/tmp": "Memory 5Mi",
		"/etc/steg/node": "ConfigMap my-cluster-kafka-1, read-only", "/etc/steg/shared": "ConfigMap my-cluster-kafka-config, read-only",
		"/etc/steg/certs": "Secret my-cluster-kafka-1, read-only", "/etc/steg/trust": "Secret my-cluster-trustbundle, read-only",
		"/etc/steg/pod": "annotations labels, read-only", "/var/lib/kafka/data-0": "claim data-0-my-cluster-kafka-1",
	}
	if diff := cmp.Diff(wanted, mounted(s, kafka)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"/opt/steg": "emptyDir"}, mounted(s, install)); diff != "" {
		t.Error(diff)
	}
}

// environment is a container's variables with their values, or where the values are from.
func environment(c corev1.Container) map[string]string {
	got := map[string]string{}
	for _, e := range c.Env {
		got[e.Name] = e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			got[e.Name] = e.ValueFrom.FieldRef.FieldPath
		}
	}
	return got
}

// mounted is what a container finds under which path.
func mounted(s corev1.PodSpec, c corev1.Container) map[string]string {
	got := map[string]string{}
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(s.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		got[m.MountPath] = content(s.Volumes[i])
		if m.ReadOnly {
			got[m.MountPath] += ", read-only"
		}
	}
	return got
}

// content is a volume in a few words.
func content(v corev1.Volume) string {
	switch {
	case v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil && v.EmptyDir.Medium != "":
		return fmt.Sprintf("%s %s", v.EmptyDir.Medium, v.EmptyDir.SizeLimit)
	case v.EmptyDir != nil && v.EmptyDir.SizeLimit != nil:
		return "emptyDir " + v.EmptyDir.SizeLimit.String()
	case v.EmptyDir != nil:
		return "emptyDir"
	case v.ConfigMap != nil:
		return "ConfigMap " + v.ConfigMap.Name
	case v.Secret != nil:
		text := "Secret " + v.Secret.SecretName
		for _, item := range v.Secret.Items {
			text += " " + item.Key + ">" + item.Path
		}
		return text
	case v.PersistentVolumeClaim != nil:
		return "claim " + v.PersistentVolumeClaim.ClaimName
	case v.DownwardAPI != nil:
		return v.DownwardAPI.Items[0].Path + " " + v.DownwardAPI.Items[1].Path
	}
	return "?"
}

// TestRoles: labels and ports go by the node's own roles, which in a pool need not be the same.
func TestRoles(t *testing.T) {
	c := lab()
	c.JMX = true
	c.Pools[0].Nodes[1].Controller = false // came later than the quorum
	c.Pools[0].Nodes[2].Broker = false
	for id, want := range map[int32]struct {
		broker, controller string
		ports              []int32
	}{
		0: {"true", "true", []int32{9090, 9091, 8443, 9092, 9093, 9094, 9999}},
		1: {"true", "false", []int32{9091, 8443, 9092, 9093, 9094, 9999}},
		2: {"false", "true", []int32{9090, 8443, 9999}},
	} {
		p := pod(c, id)
		var ports []int32
		for _, port := range p.Spec.Containers[0].Ports {
			ports = append(ports, port.ContainerPort)
		}
		if diff := cmp.Diff(want.ports, ports); diff != "" || p.Labels["strimzi.io/broker-role"] != want.broker ||
			p.Labels["strimzi.io/controller-role"] != want.controller {
			t.Errorf("%d: %v %s", id, p.Labels, diff)
		}
	}
	want := map[string]string{
		"strimzi.io/cluster": "my-cluster", "strimzi.io/kind": "Kafka", "strimzi.io/name": "my-cluster-kafka",
		"strimzi.io/component-type": "kafka",
		"strimzi.io/pool-name":      "kafka", "strimzi.io/pod-name": "my-cluster-kafka-0", "strimzi.io/controller": "strimzipodset",
		"strimzi.io/controller-name": "my-cluster-kafka", "strimzi.io/broker-role": "true", "strimzi.io/controller-role": "true",
		"app.kubernetes.io/name": "kafka", "app.kubernetes.io/instance": "my-cluster", "app.kubernetes.io/part-of": "strimzi-my-cluster",
		"app.kubernetes.io/managed-by": "strimzi-cluster-operator",
	}
	if diff := cmp.Diff(want, pod(c, 0).Labels); diff != "" {
		t.Error(diff)
	}
}

// TestLabelsOfUsers: theirs are there, and never instead of the operator's.
func TestLabelsOfUsers(t *testing.T) {
	c := templated(v1.KafkaNodePoolTemplate{Pod: &v1.KafkaPodTemplate{PodTemplate: v1.PodTemplate{Metadata: &v1.MetadataTemplate{
		Labels: map[string]string{
			"who": "pod", names.LabelCluster: "other", names.LabelBrokerRole: "other",
			"app.kubernetes.io/name": "other",
		},
		Annotations: map[string]string{"a": "b", names.AnnotationRevision: "other"},
	}}}})
	c.Labels = map[string]string{"who": "Kafka", "of": "Kafka", "all": "Kafka"}
	c.Pools[0].Labels = map[string]string{"who": "pool", "of": "pool", names.LabelPoolName: "other"}
	p := pod(c, 0)
	for key, want := range map[string]string{
		"who": "pod", "of": "pool", "all": "Kafka", names.LabelCluster: "my-cluster", names.LabelBrokerRole: "true",
		names.LabelPoolName:      "kafka",
		"app.kubernetes.io/name": "kafka",
	} {
		if p.Labels[key] != want {
			t.Errorf("%s=%s, not %s", key, p.Labels[key], want)
		}
	}
	if p.Annotations["a"] != "b" || p.Annotations[names.AnnotationRevision] == "other" {
		t.Error(p.Annotations)
	}
}

// TestKafkaRestricted: unless the user says otherwise, pods of every value may run where the standard is enforced; what the user
// says counts.
func TestKafkaRestricted(t *testing.T) {
	for name, c := range map[string]cluster.Cluster{"lab": lab(), "separated": separated(), "everything": everything()} {
		for id, p := range render.Pods(c, issued(c)) {
			if problems := podsecurity.Restricted(p.Spec); problems != nil {
				t.Errorf("%s %d: %v", name, id, problems)
			}
		}
	}
	s := pod(templated(v1.KafkaNodePoolTemplate{
		Pod:            &v1.KafkaPodTemplate{PodTemplate: v1.PodTemplate{SecurityContext: &corev1.PodSecurityContext{RunAsUser: new(int64(0))}}},
		KafkaContainer: &v1.ContainerTemplate{SecurityContext: &corev1.SecurityContext{Privileged: new(true)}},
	}), 0).Spec
	if diff := cmp.Diff(&corev1.PodSecurityContext{RunAsUser: new(int64(0))}, s.SecurityContext); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&corev1.SecurityContext{Privileged: new(true)}, s.Containers[0].SecurityContext); diff != "" ||
		!*s.InitContainers[0].SecurityContext.ReadOnlyRootFilesystem {
		t.Error(diff)
	}
	if c := s.InitContainers[0].SecurityContext; c.RunAsNonRoot != nil {
		t.Error("whether a pod may be root is said for the pod, or a user of one's own would be refused by the kubelet")
	}
}

// TestPodTemplates: what the template can say, where it arrives.
func TestPodTemplates(t *testing.T) {
	limit := resource.MustParse("1Gi")
	c := templated(v1.KafkaNodePoolTemplate{
		Pod: &v1.KafkaPodTemplate{
			PodTemplate: v1.PodTemplate{
				ImagePullSecrets: []corev1.LocalObjectReference{{Name: "mine"}}, TerminationGracePeriodSeconds: new(int64(0)),
				TmpDirSizeLimit: &limit,
				Tolerations:     []corev1.Toleration{{Key: "t"}}, PriorityClassName: "high", SchedulerName: "other", HostUsers: new(false),
				EnableServiceLinks: new(false), DNSPolicy: corev1.DNSNone,
				DNSConfig:   &corev1.PodDNSConfig{Nameservers: []string{"192.0.2.53"}},
				HostAliases: []corev1.HostAlias{{IP: "192.0.2.1", Hostnames: []string{"h"}}},
				TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{
					MaxSkew: 1, TopologyKey: "zone",
					WhenUnsatisfiable: corev1.DoNotSchedule,
				}},
				Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
					{Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: "kubernetes.io/hostname"}},
				}}},
				Volumes: []v1.AdditionalVolume{{Name: "plugins", Image: &corev1.ImageVolumeSource{Reference: "plugins:1"}}},
			},
			TemplatedVolumes: []v1.TemplatedVolume{{
				Name:   "own",
				Secret: &corev1.SecretVolumeSource{SecretName: "{nodePodName}-{nodeId}-key"},
			}},
		},
		KafkaContainer: &v1.ContainerTemplate{
			Env: []v1.ContainerEnvVar{
				{Name: "A", Value: "a"},
				{Name: names.EnvCluster, Value: "other"},
				{Name: "B", ValueFrom: &v1.ContainerEnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{Key: "k"}}},
			},
			VolumeMounts: []corev1.VolumeMount{{Name: "plugins", MountPath: "/mnt/plugins"}, {Name: "own", MountPath: "/mnt/own"}},
		},
		InitContainer: &v1.ContainerTemplate{
			Env:          []v1.ContainerEnvVar{{Name: "C", Value: "c"}},
			VolumeMounts: []corev1.VolumeMount{{Name: "own", MountPath: "/mnt/own"}},
		},
	})
	c.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "operator's"}}
	s, asked := pod(c, 2).Spec, c.Pools[0].Template.Pod
	for name, diff := range map[string]string{
		"pull secrets": cmp.Diff(asked.ImagePullSecrets, s.ImagePullSecrets),
		"grace":        cmp.Diff(asked.TerminationGracePeriodSeconds, s.TerminationGracePeriodSeconds),
		"tolerations":  cmp.Diff(asked.Tolerations, s.Tolerations), "priority": cmp.Diff("high", s.PriorityClassName),
		"scheduler": cmp.Diff("other", s.SchedulerName),
		"users":     cmp.Diff(asked.HostUsers, s.HostUsers), "links": cmp.Diff(asked.EnableServiceLinks, s.EnableServiceLinks),
		"DNS":     cmp.Diff(corev1.DNSNone, s.DNSPolicy) + cmp.Diff(asked.DNSConfig, s.DNSConfig),
		"aliases": cmp.Diff(asked.HostAliases, s.HostAliases),
		"spread":  cmp.Diff(asked.TopologySpreadConstraints, s.TopologySpreadConstraints), "affinity": cmp.Diff(asked.Affinity, s.Affinity),
	} {
		if diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	mounts := mounted(s, s.Containers[0])
	if mounts["/tmp"] != "Memory 1Gi" || mounts["/mnt/own"] != "Secret my-cluster-kafka-2-2-key" ||
		mounts["/mnt/plugins"] != "?" || mounted(s, s.InitContainers[0])["/mnt/own"] == "" {
		t.Error(mounts)
	}
	env := environment(s.Containers[0])
	if env["A"] != "a" || env[names.EnvCluster] != "my-cluster" || environment(s.InitContainers[0])["C"] != "c" {
		t.Error(env)
	}
	if e := s.Containers[0].Env; e[len(e)-1].ValueFrom.SecretKeyRef.Key != "k" {
		t.Error(e)
	}
	c = lab()
	c.ImagePullSecrets, c.ImagePullPolicy = []corev1.LocalObjectReference{{Name: "operator's"}}, corev1.PullNever
	if s := pod(c, 0).Spec; s.ImagePullSecrets[0].Name != "operator's" || s.Containers[0].ImagePullPolicy != corev1.PullNever ||
		s.InitContainers[0].ImagePullPolicy != corev1.PullNever {
		t.Error("the operator's own settings")
	}
}

// TestKafkaProbes: the user's times, and the standard ones.
func TestKafkaProbes(t *testing.T) {
	c := lab()
	c.Readiness = v1.Probe{
		InitialDelaySeconds: new(int32(30)), TimeoutSeconds: new(int32(9)), PeriodSeconds: new(int32(8)),
		SuccessThreshold: new(int32(2)), FailureThreshold: new(int32(7)),
	}
	k := pod(c, 0).Spec.Containers[0]
	times := func(p *corev1.Probe) [5]int32 {
		return [5]int32{p.InitialDelaySeconds, p.TimeoutSeconds, p.PeriodSeconds, p.SuccessThreshold, p.FailureThreshold}
	}
	if got := times(k.ReadinessProbe); got != [5]int32{30, 9, 8, 2, 7} {
		t.Error(got)
	}
	if got := times(k.LivenessProbe); got != [5]int32{15, 5, 10, 1, 3} {
		t.Error(got)
	}
}

// TestKafkaRack: nodes run only where there is a rack, beside whatever else is asked.
func TestKafkaRack(t *testing.T) {
	c := templated(v1.KafkaNodePoolTemplate{Pod: &v1.KafkaPodTemplate{PodTemplate: v1.PodTemplate{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
			{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: corev1.NodeSelectorOpExists}}},
			{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "net", Operator: corev1.NodeSelectorOpExists}}},
		}},
	}}}}})
	c.RackKey = "zone"
	terms := pod(c, 0).Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	want := corev1.NodeSelectorRequirement{Key: "zone", Operator: corev1.NodeSelectorOpExists}
	if len(terms) != 2 || !cmp.Equal(terms[0].MatchExpressions[1], want) || !cmp.Equal(terms[1].MatchExpressions[1], want) {
		t.Errorf("%+v", terms)
	}
	if asked := c.Pools[0].Template.Pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms; len(asked[0].MatchExpressions) != 1 {
		t.Error("the user's value was changed")
	}
}

// TestJVMOptions: the words are the resource's own.
func TestJVMOptions(t *testing.T) {
	c := lab()
	var options v1.JvmOptions
	const text = `{"-XX":{"MaxGCPauseMillis":"20","UseG1GC":true},"-Xmx":"2g","-Xms":"1g","gcLoggingEnabled":false,"javaSystemProperties":[{"name":"a","value":"b"}]}`
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		t.Fatal(err)
	}
	c.Pools[0].JVM = &options
	if diff := cmp.Diff(text, environment(pod(c, 0).Spec.Containers[0])["STEG_JVM_OPTIONS"]); diff != "" {
		t.Error(diff)
	}
}

// TestJMX: whether it is there at all, and who may use it.
func TestJMX(t *testing.T) {
	for _, c := range []struct {
		jmx, password bool
		env, mount    string
	}{
		{false, false, "", ""}, {true, false, "open", ""}, {true, true, "password", "Secret my-cluster-kafka-jmx, read-only"},
	} {
		value := lab()
		value.JMX, value.JMXPassword = c.jmx, c.password
		s := pod(value, 0).Spec
		if env, mount := environment(s.Containers[0])["STEG_JMX"], mounted(s, s.Containers[0])["/etc/steg/jmx"]; env != c.env ||
			mount != c.mount {
			t.Errorf("%+v: %s %s", c, env, mount)
		}
	}
}

// TestDataVolumes: claims, directories with and without a bound, and Secrets of listeners.
func TestDataVolumes(t *testing.T) {
	c := separated()
	c.External = []cluster.External{{Name: "a", Secret: "s", Keys: []string{"k"}}, {Name: "b", Secret: "r"}}
	s := pod(c, 0).Spec
	if got := mounted(s, s.Containers[0]); got["/var/lib/kafka/data"] != "emptyDir 1Gi" ||
		got["/etc/steg/external/a"] != "Secret s k>k, read-only" || got["/etc/steg/external/b"] != "Secret r, read-only" {
		t.Error(got)
	}
	s = pod(c, 11).Spec
	if got := mounted(s, s.Containers[0]); got["/var/lib/kafka/data-0"] != "claim data-0-my-cluster-brokers-11" ||
		got["/var/lib/kafka/data-7"] != "claim data-7-my-cluster-brokers-11" {
		t.Error(got)
	}
	c.Pools[1].Volumes[0].Settings.SizeLimit = nil
	s = pod(c, 0).Spec
	if got := mounted(s, s.Containers[0]); got["/var/lib/kafka/data"] != "emptyDir" {
		t.Error(got)
	}
}

// TestClassOfService: with limits like requests the pod is guaranteed them, which holds only if each container says so.
func TestClassOfService(t *testing.T) {
	c := lab()
	needs := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse("2Gi")}
	c.Pools[0].Resources = corev1.ResourceRequirements{Requests: needs, Limits: needs}
	s := pod(c, 0).Spec
	for _, container := range slices.Concat(s.InitContainers, s.Containers) {
		if !cmp.Equal(container.Resources.Requests, needs) || !cmp.Equal(container.Resources.Limits, needs) {
			t.Errorf("%s: %+v", container.Name, container.Resources)
		}
	}
}
