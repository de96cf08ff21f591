package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What --controllers may name.
const (
	controlKafka  = "kafka"
	controlTopic  = "topic"
	controlUser   = "user"
	controlBridge = "bridge"
	controlInject = "inject"
)

// controls are all of them, for messages.
var controls = []string{controlKafka, controlTopic, controlUser, controlBridge, controlInject}

// options is what `steg-operator run` is told.
type options struct {
	controllers     words
	watchNamespaces words
	namespace       string
	kubeconfig      string

	leaderElection     bool
	leaderElectionName string
	httpAddress        string

	webhookPort        int
	webhookService     string
	webhookSecret      string
	webhookDirectory   string
	webhookURL         string
	webhookConversion  words
	webhookMutating    string
	webhookValidating  string
	webhookCheckSecret bool

	native           choice
	bridgeImage      string
	imagePullPolicy  choice
	imagePullSecrets words
	networkPolicies  bool
	budgets          bool

	reconcileInterval time.Duration
	operationTimeout  time.Duration

	watchdogInterval time.Duration
	watchdogGrace    time.Duration
	watchdogEvict    bool

	kafka kafkaOptions

	logLevel  string
	logFormat string
}

const runUsage = `steg-operator: Kafka for programs that only speak HTTP, on Kubernetes.

Usage:
  steg-operator [run] [flags]                     the operator; without a command too
  steg-operator inject -f FILE...                 what the operator would make of pods, without a cluster
  steg-operator uninstall                         leave nothing behind that hangs; before the operator is removed
  steg-operator version

The operator is installed by its chart, which sets these flags. Each may also stand in the environment: --http-address is
STEG_HTTP_ADDRESS as well; the command line wins.

Inject sidecars only, beside an operator that owns the other resources:
  steg-operator --controllers inject --bridge-image IMAGE

Flags of run:
`

// parseOptions reads the command line of run and checks it.
func parseOptions(args, environ []string, stdout io.Writer) (options, error) {
	o := options{
		controllers: slices.Clone(controls),
		native:      choice{value: "auto", of: []string{"auto", "true", "false"}},

		imagePullPolicy: choice{of: []string{"", "Always", "IfNotPresent", "Never"}},
	}
	f := newFlags("run", runUsage)
	o.register(f)
	if err := f.read(args, environ, stdout); err != nil {
		return o, err
	}
	if o.namespace == "" {
		o.namespace = ownNamespace(environ)
	}
	if slices.Contains(o.watchNamespaces, "*") {
		o.watchNamespaces = nil
	}
	if err := o.check(); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

func (o *options) register(f *flags) {
	f.Var(&o.controllers, "controllers", "what to do, comma `LIST` of kafka (clusters), topic, user, bridge (deploy KafkaBridge resources) and inject (sidecars into labelled pods)")
	f.Var(&o.watchNamespaces, "watch-namespaces", "comma `LIST` of the namespaces to look at; empty or * means all")
	f.StringVar(&o.namespace, "namespace", "", "the operator's own `NAMESPACE`; by default POD_NAMESPACE, then that of its service account")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `FILE`, outside a cluster; by default KUBECONFIG, then the pod's service account")
	f.BoolVar(&o.leaderElection, "leader-election", true, "let one of several replicas run the controllers; webhooks run on all")
	f.StringVar(&o.leaderElectionName, "leader-election-name", "steg-operator", "`NAME` of the Lease in the operator's namespace")
	f.StringVar(&o.httpAddress, "http-address", ":8080", "`ADDRESS` of /healthy, /ready and /metrics")
	f.IntVar(&o.webhookPort, "webhook-port", 9443, "`PORT` of the webhooks")
	f.StringVar(&o.webhookService, "webhook-service", "steg-operator-webhook", "`NAME` of the Service that the API server calls webhooks by")
	f.StringVar(&o.webhookSecret, "webhook-certificate-secret", "steg-operator-webhook-cert", "`NAME` of the Secret in which the webhooks' certificate is kept")
	f.StringVar(&o.webhookDirectory, "webhook-certificate-dir", "", "`DIR` with tls.crt and tls.key that somebody else renews, as cert-manager; then none is issued")
	f.StringVar(&o.webhookURL, "webhook-url", "", "https `URL` that the API server calls webhooks by, for an operator outside the cluster; instead of the Service")
	f.Var(&o.webhookConversion, "webhook-conversion", "`LIST` of CustomResourceDefinitions whose versions this operator converts; they are made to call it")
	f.StringVar(&o.webhookMutating, "webhook-mutating", "steg-operator", "`NAME` of the MutatingWebhookConfiguration to keep the authority of; empty: none")
	f.StringVar(&o.webhookValidating, "webhook-validating", "steg-operator", "`NAME` of the ValidatingWebhookConfiguration to keep the authority of; empty: none")
	f.BoolVar(&o.webhookCheckSecret, "check-secrets", true, "refuse a pod whose KafkaBridge names a Secret that is missing")
	f.Var(&o.native, "native", "native sidecars: auto (by the API server's version), true or false; a `CHOICE`")
	f.StringVar(&o.bridgeImage, "bridge-image", "", "`IMAGE` of bridges and sidecars whose KafkaBridge names none")
	f.Var(&o.imagePullPolicy, "image-pull-policy", "Always, IfNotPresent or Never, for bridges and sidecars: `POLICY`; empty: Kubernetes' default")
	f.Var(&o.imagePullSecrets, "image-pull-secrets", "`LIST` of Secrets by which the images of deployed bridges are pulled, unless their KafkaBridge names some")
	f.BoolVar(&o.networkPolicies, "network-policies", true, "make a NetworkPolicy for each deployed bridge")
	f.BoolVar(&o.budgets, "pod-disruption-budgets", true, "make a PodDisruptionBudget for each deployed bridge")
	f.DurationVar(&o.reconcileInterval, "reconcile-interval", 2*time.Minute, "`TIME` after which every resource is looked at again")
	f.DurationVar(&o.operationTimeout, "operation-timeout", 5*time.Minute, "`TIME` after which a bridge that does not become available is reported as failed")
	f.DurationVar(&o.watchdogInterval, "watchdog-interval", 30*time.Second, "`TIME` between two looks for labelled pods without a sidecar; 0: never")
	f.DurationVar(&o.watchdogGrace, "watchdog-grace", time.Minute, "age, a `TIME`, below which a pod is not looked at")
	f.BoolVar(&o.watchdogEvict, "watchdog-evict", false, "evict labelled pods without a sidecar, if something makes them anew")
	o.kafka.register(f)
	f.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error: `LEVEL`")
	f.StringVar(&o.logFormat, "log-format", "text", "text or json: `FORMAT`")
}

// name is what Kubernetes takes as the name of a namespace.
var name = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// check says what is wrong with each flag.
func (o *options) check() error {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(len(o.controllers) == 0, "--controllers names none: some of %s", strings.Join(controls, ", "))
	for _, c := range o.controllers {
		wrong(!slices.Contains(controls, c), "--controllers: unknown %q: some of %s", c, strings.Join(controls, ", "))
	}
	for _, n := range o.watchNamespaces {
		wrong(!name.MatchString(n), "--watch-namespaces: %q cannot be a namespace", n)
	}
	wrong(o.namespace == "", "the operator's namespace is not known: set --namespace or POD_NAMESPACE")
	wrong(o.bridgeImage == "", "--bridge-image is not set: the image of bridges and sidecars")
	wrong(o.runs(controlKafka) && o.kafka.nodeImage == "", "--node-image is not set: the image with steg-node, which Kafka's pods take it from")
	wrong(o.webhookPort < 1 || o.webhookPort > 65535, "--webhook-port %d is not between 1 and 65535", o.webhookPort)
	wrong(o.reconcileInterval < time.Second, "--reconcile-interval %s is less than 1s", o.reconcileInterval)
	wrong(o.operationTimeout < time.Second, "--operation-timeout %s is less than 1s", o.operationTimeout)
	wrong(o.watchdogInterval != 0 && o.watchdogInterval < time.Second, "--watchdog-interval %s is less than 1s; 0 switches it off", o.watchdogInterval)
	wrong(o.watchdogGrace < 0, "--watchdog-grace %s is negative", o.watchdogGrace)
	return errors.Join(append(errs, o.kafka.check()...)...)
}

func (o *options) runs(controller string) bool { return slices.Contains(o.controllers, controller) }

// namespaceFile is where the kubelet puts the namespace of a pod with a service account.
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// ownNamespace is the namespace that the operator runs in, or "" outside a pod.
func ownNamespace(environ []string) string {
	if n, _ := lookup(environ, "POD_NAMESPACE"); n != "" {
		return n
	}
	content, err := os.ReadFile(namespaceFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}
