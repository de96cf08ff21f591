//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"testing"
)

// kafkaNamespace is where the lab's Kafka is, and Steg's operator beside it.
const kafkaNamespace = "kafka"

// setting is an environment variable that test/e2e/run sets.
func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fmt.Fprintf(os.Stderr, "%s is not set: start these tests by test/e2e/run\n", name)
		os.Exit(1)
	}
	return value
}

// chart is the chart's folder, tag that of the images in the nodes.
var chart, tag = setting("STEG_CHART"), setting("STEG_TAG")

// TestMain installs the operator, unless the tests are those of a Kafka of its own, which begin with that.
func TestMain(m *testing.M) {
	if os.Getenv("STEG_PART") != "sidecar" {
		os.Exit(m.Run())
	}
	if err := install(chart, tag); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// install is the third step of the lab that Steg replaces: a toleration from standard input, a node by its name. It is an
// upgrade where there is something to upgrade.
func install(chart, tag string, more ...string) error {
	const tolerations = "tolerations: [{key: node-role.kubernetes.io/master, operator: Exists, effect: NoSchedule}]\n"
	args := append([]string{
		"upgrade", "--install", "kafka-operator", chart, "--namespace", kafkaNamespace,
		"--set", `nodeSelector.kubernetes\.io/hostname=n1`, "--set", "defaultImageTag=" + tag, "--set", "watchdog.grace=5s",
		"--set", "watchdog.interval=2s", "--values", "/dev/stdin", "--wait", "--timeout", "100s",
	}, more...)
	out, err := command(tolerations, "helm", args...)
	if err != nil {
		said, _ := try("describe", "pods", "-n", kafkaNamespace, "-l", "app.kubernetes.io/name=steg-operator")
		return fmt.Errorf("%w\n%s\n%s", err, out, said)
	}
	return nil
}
