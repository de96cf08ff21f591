//go:build e2e

package e2e

import (
	"fmt"
	"strings"
)

// bridge is how applications reach the lab's Kafka: TLS, with the certificate of my-app.
const bridge = `
apiVersion: kafka.strimzi.io/v1
kind: KafkaBridge
metadata: {name: my-bridge}
spec:
  replicas: 0
  bootstrapServers: my-cluster-kafka-bootstrap.kafka.svc:9093
  tls: {trustedCertificates: [{secretName: my-cluster-cluster-ca-cert, certificate: ca.crt}]}
  authentication: {type: tls, certificateAndKey: {secretName: my-app, certificate: user.crt, key: user.key}}
  consumer: {config: {auto.offset.reset: earliest}}
`

// podSpec is an application that knows HTTP only. Its security context is that of the restricted Pod Security Standard.
func podSpec(script string) string {
	return `
      terminationGracePeriodSeconds: 30
      securityContext: {runAsNonRoot: true, runAsUser: 65534, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: app
        image: localhost/box:1
        command: [sh, -c, ` + quote(script) + `]
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}`
}

// workload is a Deployment or StatefulSet of labelled pods.
func workload(kind, name string, replicas int, script string) string {
	more := ""
	if kind == "StatefulSet" {
		more = "\n  serviceName: " + name + "\n  podManagementPolicy: Parallel"
	}
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: %s}
spec:
  replicas: %d%s
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s, steg.dev/bridge: my-bridge}}
    spec:%s`, kind, name, replicas, more, name, name, podSpec(script))
}

// job is a Job that has to complete by itself.
func job(name, script string) string {
	return fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: %s}
spec:
  backoffLimit: 2
  template:
    metadata: {labels: {app: %s, steg.dev/bridge: my-bridge}}
    spec:
      restartPolicy: Never%s`, name, name, podSpec(script))
}

// quote is a YAML string in double quotes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

// idle does nothing until it is ended.
const idle = "trap 'exit 0' TERM; while true; do sleep 1 & wait $!; done"

// post and get are what an application without any Kafka client has.
const (
	post = `post() { wget -q -O - --header "Content-Type: application/vnd.kafka.$3v2+json" --post-data "$2" "$KAFKA_HTTP_URL$1"; }; `
	get  = `get() { wget -q -O - --header "Accept: application/vnd.kafka.json.v2+json" "$KAFKA_HTTP_URL$1"; }; `
)
