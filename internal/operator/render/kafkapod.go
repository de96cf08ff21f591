package render

import (
	"slices"
	"strconv"

	core "k8s.io/api/core/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/names"
)

const (
	// kafkaUser is the user and group appuser of Kafka's image. The kubelet has to be told its number: it doesn't look into images.
	kafkaUser = 1000
	// kafkaGrace is the time in seconds that a node has to hand over its partitions. The reference operator's 30 is too short for
	// nodes with thousands of them, which then read all their logs at the next start.
	kafkaGrace = 120
)

// podTemplate is what the user said about the pods of a pool.
func podTemplate(p *cluster.Pool) v1.KafkaPodTemplate {
	if p.Template.Pod == nil {
		return v1.KafkaPodTemplate{}
	}
	return *p.Template.Pod
}

// podLabels are a pod's: by its role the Services find it.
func (r kafka) podLabels(p *cluster.Pool, n *cluster.Node, template *v1.MetadataTemplate) map[string]string {
	return merged(r.nodeLabels(p, n, template), map[string]string{
		names.LabelController:     names.PodSetController,
		names.LabelControllerName: names.PodSet(r.Name, p.Name),
		names.LabelBrokerRole:     strconv.FormatBool(n.Broker),
		names.LabelControllerRole: strconv.FormatBool(n.Controller),
	})
}

// podSpec is the pod that a node runs in: the stock image of Kafka, with steg-node put in front.
func (r kafka) podSpec(p *cluster.Pool, n *cluster.Node) *corev1.PodSpecApplyConfiguration {
	template := podTemplate(p)
	pull := template.ImagePullSecrets
	if len(pull) == 0 {
		pull = r.ImagePullSecrets
	}
	return as[corev1.PodSpecApplyConfiguration](scheduling(template.PodTemplate, standards{
		grace: kafkaGrace, pullSecrets: pull, rackKey: r.RackKey,
		security: core.PodSecurityContext{
			RunAsNonRoot: new(true), RunAsUser: new(int64(kafkaUser)), RunAsGroup: new(int64(kafkaUser)), FSGroup: new(int64(kafkaUser)),
			// A volume with years of segments is not walked through at each start.
			FSGroupChangePolicy: new(core.FSGroupChangeOnRootMismatch),
			SeccompProfile:      &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		},
	})).
		WithHostname(n.Pod).WithSubdomain(names.KafkaBrokersService(r.Name)).WithRestartPolicy(core.RestartPolicyAlways).
		WithServiceAccountName(names.KafkaServiceAccount(r.Name)).WithAutomountServiceAccountToken(false).
		WithInitContainers(r.installContainer(p)).WithContainers(r.kafkaContainer(p, n)).WithVolumes(r.nodeVolumes(p, n)...)
}

// installContainer puts steg-node where Kafka's container finds it. It asks for no less than that one, so that the pod's class of
// service is what the user made it: one container without limits would take it from all.
func (r kafka) installContainer(p *cluster.Pool) *corev1.ContainerApplyConfiguration {
	return r.container(names.ContainerInstall, r.NodeImage, p.Template.InitContainer, nil, p.Resources).
		WithCommand(names.NodeImageBinary, "install", names.DirStegNode).
		WithVolumeMounts(writable(names.VolumeStegNode, names.DirStegNode))
}

// kafkaContainer is the node. steg-node is its first process: it writes the settings, starts Kafka, answers the probes, and ends
// Kafka when the pod is to stop, so that there is nothing to do in a hook.
func (r kafka) kafkaContainer(p *cluster.Pool, n *cluster.Node) *corev1.ContainerApplyConfiguration {
	return r.container(names.ContainerKafka, r.Image, p.Template.KafkaContainer, r.environment(p, n), p.Resources).
		WithCommand(names.NodeBinary, "run").
		WithPorts(r.containerPorts(n)...).
		WithReadinessProbe(timed(r.Readiness, 1, 5).WithExec(corev1.ExecAction().WithCommand(names.NodeBinary, "probe", "ready"))).
		WithLivenessProbe(timed(r.Liveness, 15, 10).WithExec(corev1.ExecAction().WithCommand(names.NodeBinary, "probe", "live"))).
		WithVolumeMounts(r.nodeMounts(p)...)
}

// container is what both containers have in common: the user's variables, of which the operator's own are left out, the user's
// mounts, and what the Pod Security Standard "restricted" asks for. That it must not be root is said for the whole pod.
func (r kafka) container(
	name, image string, t *v1.ContainerTemplate, env []*corev1.EnvVarApplyConfiguration, needs core.ResourceRequirements,
) *corev1.ContainerApplyConfiguration {
	security := containerSecurity(t)
	if t == nil || t.SecurityContext == nil {
		security.RunAsNonRoot = nil
	}
	c := corev1.Container().WithName(name).WithImage(image).WithEnv(env...).
		WithSecurityContext(as[corev1.SecurityContextApplyConfiguration](security))
	if r.ImagePullPolicy != "" {
		c.WithImagePullPolicy(r.ImagePullPolicy)
	}
	if len(needs.Requests)+len(needs.Limits)+len(needs.Claims) > 0 {
		c.WithResources(as[corev1.ResourceRequirementsApplyConfiguration](needs))
	}
	if t == nil {
		return c
	}
	for _, v := range each[corev1.EnvVarApplyConfiguration](t.Env) {
		if !slices.ContainsFunc(env, func(own *corev1.EnvVarApplyConfiguration) bool { return *own.Name == *v.Name }) {
			c.WithEnv(v)
		}
	}
	return c.WithVolumeMounts(each[corev1.VolumeMountApplyConfiguration](t.VolumeMounts)...)
}

// environment is what steg-node is told about its place. Everything else it reads from files.
func (r kafka) environment(p *cluster.Pool, n *cluster.Node) []*corev1.EnvVarApplyConfiguration {
	env := []*corev1.EnvVarApplyConfiguration{
		variable(names.EnvNodeID, strconv.Itoa(int(n.ID))),
		variable(names.EnvCluster, r.Name),
		variable(names.EnvPodName, n.Pod),
		variable(names.EnvNamespace, r.Namespace),
		corev1.EnvVar().WithName(names.EnvHostIP).
			WithValueFrom(corev1.EnvVarSource().WithFieldRef(corev1.ObjectFieldSelector().WithFieldPath("status.hostIP"))),
		variable(names.EnvDomain, r.Domain),
	}
	if p.JVM != nil {
		env = append(env, variable(names.EnvJVMOptions, compact(p.JVM)))
	}
	switch {
	case r.JMX && r.JMXPassword:
		env = append(env, variable(names.EnvJMX, "password"))
	case r.JMX:
		env = append(env, variable(names.EnvJMX, "open"))
	}
	return env
}

// variable is one with a fixed value.
func variable(name, value string) *corev1.EnvVarApplyConfiguration {
	return corev1.EnvVar().WithName(name).WithValue(value)
}

// containerPorts are those that the node listens on. Clients have nothing to look for on a controller.
func (r kafka) containerPorts(n *cluster.Node) []*corev1.ContainerPortApplyConfiguration {
	var ports []*corev1.ContainerPortApplyConfiguration
	if n.Controller {
		ports = append(ports, containerPort(names.PortNameControlPlane, names.PortControlPlane))
	}
	if n.Broker {
		ports = append(ports, containerPort(names.PortNameReplication, names.PortReplication))
	}
	ports = append(ports, containerPort(names.PortNameAgent, names.PortAgent))
	if n.Broker {
		for _, l := range r.Listeners {
			ports = append(ports, containerPort(l.PortName, l.Port))
		}
	}
	if r.JMX {
		ports = append(ports, containerPort(names.PortNameJMX, names.PortJMX))
	}
	return ports
}
