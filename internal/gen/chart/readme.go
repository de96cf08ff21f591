package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// readme returns the chart's page.
func readme(values []value, unused []string) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	b.WriteString("| value | default | |\n|---|---|---|\n")
	for _, v := range values {
		if v.group {
			fmt.Fprintf(&b, "| **`%s`** | | %s |\n", v.name(), cell(v.text))
			continue
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", v.name(), cell(asJSON(v.initial)), cell(v.text))
	}
	b.WriteString(foreign)
	for i, key := range unused {
		if i > 0 {
			b.WriteString(", ")
			if i%8 == 0 {
				b.WriteString("\n")
			}
		}
		fmt.Fprintf(&b, "`%s`", key)
	}
	b.WriteString(".\n")
	return b.Bytes()
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// cell keeps a text inside its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

const head = `# steg-operator

<!-- Written by internal/gen/chart from values.yaml. Do not edit. -->

The operator for Kafka bridges, and the webhook that puts one into each pod with the label ` + "`steg.dev/bridge`" + `:

` + "```" + `
helm install steg-operator charts/steg-operator --namespace steg --create-namespace
` + "```" + `

It needs Kubernetes 1.29 or later. With two operators on different nodes: ` + "`--values charts/steg-operator/values-production.yaml`" + `.

Beside Strimzi's own operator Steg injects sidecars and owns nothing else:

` + "```" + `
helm install steg-operator charts/steg-operator --namespace steg --create-namespace --set controllers='{inject}' --set crds.install=false
` + "```" + `

There is one release in a cluster: its ClusterRoles and webhook configurations are called ` + "`steg-operator`" + `.

## Rights

The operator reads Secrets by name only, never a list of them; with ` + "`controllers: [inject]` and `webhook.checkSecrets: false`" + ` it reads
none but that of its own certificate. It makes no roles and no bindings. With ` + "`watchNamespaces`" + ` its rights are bound in those
namespaces.

## Uninstalling

A Job makes the custom resources and their definitions free of the operator first; ` + "`helm uninstall --no-hooks`" + ` goes without it, for a
cluster that cannot pull the image any more. Sidecars and deployed bridges go on running. The CustomResourceDefinitions and with
them all KafkaBridges stay, and so does the Secret ` + "`steg-operator-webhook-cert`" + `, which the next release uses again:

` + "```" + `
kubectl delete crd kafkabridges.kafka.strimzi.io
` + "```" + `

A release of another name or namespace takes the definitions that were left over with ` + "`helm install --take-ownership`" + `.

## Values

`

const foreign = `
Values of the charts of Strimzi's cluster operator have the same names here where they mean the same. These of theirs are
accepted and have no effect, and the notes after an installation name those that are set:
`
