package inject_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/steg-kafka/steg/internal/operator/inject"
)

// TestRefusals: each is one line that names the field and what to change.
func TestRefusals(t *testing.T) {
	annotated := func(annotations string) string {
		return "metadata: {labels: {steg.dev/bridge: my-bridge}, annotations: {" + annotations + "}}\nspec: {containers: [{name: app, image: a}]}"
	}
	labelled := func(labels string) string {
		return "metadata: {labels: {" + labels + "}}\nspec: {containers: [{name: app, image: a}]}"
	}
	with := func(spec string) string { return "metadata: {labels: {steg.dev/bridge: my-bridge}}\nspec: " + spec }
	patch := func(operations string) string { return annotated("steg.dev/json-patch: '" + operations + "'") }
	const patchHint = ": the patch is applied to the sidecar's container, with paths such as /env/-"
	for name, c := range map[string]struct{ pod, want string }{
		"both labels":      {labelled("steg.dev/bridge: a, steg.dev/cluster: b"), "labels steg.dev/bridge and steg.dev/cluster exclude each other: remove one"},
		"cluster's name":   {labelled("steg.dev/cluster: B"), `label steg.dev/cluster: "B" is not a name of a Kafka`},
		"cluster's bridge": {`{metadata: {labels: {steg.dev/cluster: b}, annotations: {steg.dev/bridge-name: c}}}`, "annotation steg.dev/bridge-name needs the label steg.dev/bridge, not steg.dev/cluster"},
		"user's name":      {`{metadata: {labels: {steg.dev/cluster: b}, annotations: {steg.dev/user: A}}}`, `annotation steg.dev/user: "A" is not a name of a KafkaUser; write NAME or NAMESPACE/NAME`},
		"user's namespace": {`{metadata: {labels: {steg.dev/cluster: b}, annotations: {steg.dev/user: n.m/a}}}`, `annotation steg.dev/user: "n.m" is not a namespace; write NAME or NAMESPACE/NAME`},
		"empty label":      {labelled("steg.dev/bridge: ''"), "label steg.dev/bridge is empty: write the name of a KafkaBridge (one of more than 63 characters goes into the annotation steg.dev/bridge-name)"},
		"label's value":    {labelled("steg.dev/bridge: My_Bridge"), `label steg.dev/bridge: "My_Bridge" is not a name of a KafkaBridge`},
		"other namespace":  {annotated("steg.dev/bridge-name: other/my-bridge"), "label steg.dev/bridge=my-bridge and annotation steg.dev/bridge-name=other/my-bridge name two bridges: leave the label's value empty, or remove the annotation"},
		"no label":         {"metadata: {annotations: {steg.dev/bridge-name: b}}", "annotation steg.dev/bridge-name needs the label steg.dev/bridge with an empty value"},
		"unknown":          {annotated("steg.dev/prot: '1'"), "annotation steg.dev/prot is not known: did you mean steg.dev/port?"},
		"unheard of":       {annotated("steg.dev/whatever-else: '1'"), "annotation steg.dev/whatever-else is not known: remove it"},
		"annotated label":  {annotated("steg.dev/bridge: b"), "annotation steg.dev/bridge is a label: move it to metadata.labels"},
		"labelled":         {labelled("steg.dev/bridge: b, steg.dev/port: '1'"), "label steg.dev/port is not known: it is an annotation, move it to metadata.annotations"},
		"unknown label":    {labelled("steg.dev/bridge: b, steg.dev/brigde: '1'"), "label steg.dev/brigde is not known: did you mean steg.dev/bridge?"},
		"reserved":         {annotated("steg.dev/user: u"), "annotation steg.dev/user belongs to the label steg.dev/cluster: remove it, or ask by that label"},
		"KafkaBridge's":    {annotated("steg.dev/rollout-strategy: Workload"), "annotation steg.dev/rollout-strategy belongs on the KafkaBridge: move it there"},
		"port":             {annotated("steg.dev/port: http"), `annotation steg.dev/port: "http" is not a port that a bridge can listen on: write a number from 1024 to 65535`},
		"low port":         {annotated("steg.dev/port: '80'"), `annotation steg.dev/port: "80" is not a port that a bridge can listen on: write a number from 1024 to 65535`},
		"cpu":              {annotated("steg.dev/cpu-request: much"), `annotation steg.dev/cpu-request: "much" is not an amount: write one such as 50m (CPU) or 64Mi (memory)`},
		"nothing":          {annotated("steg.dev/memory-limit: '0'"), `annotation steg.dev/memory-limit: "0" is not an amount: write one such as 50m (CPU) or 64Mi (memory)`},
		"request > limit":  {annotated("steg.dev/memory-request: 1Gi, steg.dev/memory-limit: 64Mi"), "annotation steg.dev/memory-request: 1Gi is more than 64Mi in steg.dev/memory-limit: lower it"},
		"log level":        {annotated("steg.dev/log-level: loud"), `annotation steg.dev/log-level: "loud" is not a level: write debug, info, warn or error`},
		"native":           {annotated("steg.dev/native: maybe"), `annotation steg.dev/native: "maybe" is not known: write auto, true or false`},
		"wait":             {annotated("steg.dev/wait-for-kafka: 1h"), `annotation steg.dev/wait-for-kafka: "1h" is not a time to wait: write false, true (1m0s), or a duration from 1s to 10m0s`},
		"ready":            {annotated("steg.dev/kafka-ready: 'yes'"), `annotation steg.dev/kafka-ready: "yes" is not known: write true or false`},
		"socket":           {annotated("steg.dev/socket: '1'"), `annotation steg.dev/socket: "1" is not known: write true or false`},
		"container name":   {annotated("steg.dev/container-name: My.Bridge"), `annotation steg.dev/container-name: "My.Bridge" is not a name of a container: write lower-case letters, digits and dashes, at most 63`},
		"two":              {annotated("steg.dev/port: x, steg.dev/sokcet: 'true'"), `annotation steg.dev/sokcet is not known: did you mean steg.dev/socket?; annotation steg.dev/port: "x" is not a port that a bridge can listen on: write a number from 1024 to 65535`},

		"host network": {with("{hostNetwork: true, containers: [{name: a}]}"), "spec.hostNetwork is true: the bridge on 127.0.0.1 would be everybody's on the node; set it to false, or call a deployed bridge's Service"},
		"Windows":      {with("{os: {name: windows}, containers: [{name: a}]}"), "the pod is for Windows, and the bridge's image for Linux: call a deployed bridge's Service instead"},
		"Windows node": {with("{nodeSelector: {kubernetes.io/os: windows}, containers: [{name: a}]}"), "the pod is for Windows, and the bridge's image for Linux: call a deployed bridge's Service instead"},
		"static":       {annotated("kubernetes.io/config.mirror: x"), "the pod is a static one that the kubelet has started already: write the sidecar into its file"},
		"name taken":   {with("{containers: [{name: a}, {name: steg-bridge}]}"), "the name steg-bridge is taken by a container of the pod: write another one into the annotation steg.dev/container-name"},
		"port taken": {
			"metadata: {labels: {steg.dev/bridge: b}, annotations: {steg.dev/port: '9000'}}\nspec: {containers: [{name: a, ports: [{containerPort: 9000}]}]}",
			"annotation steg.dev/port: port 9000 is taken by the container a: choose another one, or remove the annotation",
		},
		"all ports taken": {
			with("{containers: [{name: a, ports: [{containerPort: 8080}, {containerPort: 18080}, {containerPort: 28080}]}, {name: b, ports: [{containerPort: 38080}, {containerPort: 48080}, {containerPort: 58080}]}]}"),
			"ports [8080 18080 28080 38080 48080 58080] are all taken by containers of the pod: free one of them, or set the annotation steg.dev/port",
		},
		"no management": {
			with("{initContainers: [{name: i, ports: [{containerPort: 8081}]}], containers: [{name: a, ports: [{hostPort: 18081, containerPort: 1}, {containerPort: 28081}, {containerPort: 38081}, {containerPort: 48081}, {containerPort: 58081}]}]}"),
			"ports [8081 18081 28081 38081 48081 58081] are all taken by containers of the pod: free one of them, for the sidecar's probes and metrics",
		},
		"volume": {with("{volumes: [{name: steg-auth, emptyDir: {}}], containers: [{name: a}]}"), "spec.volumes: the name steg-auth is the sidecar's: choose another one"},
		"socket's place": {
			"metadata: {labels: {steg.dev/bridge: b}, annotations: {steg.dev/socket: 'true'}}\nspec: {volumes: [{name: v, emptyDir: {}}], containers: [{name: a, volumeMounts: [{name: v, mountPath: /run/steg/}]}]}",
			"container a mounts v at /run/steg, where the bridge's socket goes: mount it elsewhere, or remove the annotation steg.dev/socket",
		},

		"no patch":         {patch("{"), "annotation steg.dev/json-patch: is not a JSON list of operations (RFC 6902)" + patchHint},
		"an object":        {patch(`{"op": "add"}`), "annotation steg.dev/json-patch: is not a JSON list of operations (RFC 6902)" + patchHint},
		"no operation":     {patch(`[{"op": "shift", "path": "/env/0"}]`), "annotation steg.dev/json-patch: "},
		"missing":          {patch(`[{"op": "replace", "path": "/nothing", "value": 1}]`), "annotation steg.dev/json-patch: "},
		"test":             {patch(`[{"op": "test", "path": "/image", "value": "other"}]`), "annotation steg.dev/json-patch: testing value /image failed: test failed" + patchHint},
		"no such field":    {patch(`[{"op": "add", "path": "/imgae", "value": "other"}]`), `annotation steg.dev/json-patch: the result is no container: json: unknown field "imgae"` + patchHint},
		"wrong type":       {patch(`[{"op": "replace", "path": "/env", "value": 3}]`), "annotation steg.dev/json-patch: the result is no container: json: cannot unmarshal number into Go struct field Container.env of type []v1.EnvVar" + patchHint},
		"patched name":     {patch(`[{"op": "replace", "path": "/name", "value": "other"}]`), "annotation steg.dev/json-patch: /name can't be changed so: use the annotation steg.dev/container-name"},
		"patched kind":     {patch(`[{"op": "remove", "path": "/restartPolicy"}]`), "annotation steg.dev/json-patch: /restartPolicy can't be changed so: use the annotation steg.dev/native"},
		"patched settings": {patch(`[{"op": "remove", "path": "/env/0"}]`), "annotation steg.dev/json-patch: /env can't be changed so: keep the variable STEG_PROPERTIES"},
		"patched image":    {patch(`[{"op": "remove", "path": "/image"}]`), "annotation steg.dev/json-patch: /image can't be changed so: name an image"},
		"patch that swells": {
			patch(`[{"op": "add", "path": "/args", "value": ["x"]}` + strings.Repeat(`, {"op": "copy", "from": "/args", "path": "/args/-"}`, 24) + "]"),
			"annotation steg.dev/json-patch: Unable to complete the copy, the accumulated size increase of copy is 1572840, exceeding the limit 1048576" + patchHint,
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := pod(t, c.pod)
			before := in.DeepCopy()
			out, warnings, err := inject.Pod(in, inject.Request{Namespace: "shop", Bridge: bridge(t, "mtls"), Native: true})
			var refusal *inject.Refusal
			if !errors.As(err, &refusal) || out != nil || len(warnings) > 0 {
				t.Fatalf("%v %v", err, warnings)
			}
			exact := !strings.HasSuffix(c.want, ": ")
			if exact && refusal.Message != c.want || !strings.HasPrefix(refusal.Message, c.want) || strings.ContainsAny(refusal.Message, "\n\r") {
				t.Errorf("got  %s\nwant %s", refusal.Message, c.want)
			}
			if diff := cmp.Diff(before, in); diff != "" {
				t.Errorf("the pod was changed:\n%s", diff)
			}
		})
	}
}

// TestWants reads the two places of a name.
func TestWants(t *testing.T) {
	long := strings.Repeat("long.", 20) + "name"
	for _, c := range []struct {
		labels, annotations map[string]string
		wish                inject.Wish
		ok                  bool
	}{
		{nil, nil, inject.Wish{}, false},
		{map[string]string{"app": "a"}, map[string]string{"steg.dev/port": "1"}, inject.Wish{}, false},
		{map[string]string{"steg.dev/bridge": "b"}, nil, inject.Wish{Bridge: "b"}, true},
		{map[string]string{"steg.dev/bridge": ""}, map[string]string{"steg.dev/bridge-name": long}, inject.Wish{Bridge: long}, true},
		{map[string]string{"steg.dev/bridge": "b"}, map[string]string{"steg.dev/bridge-name": "b"}, inject.Wish{Bridge: "b"}, true},
		{map[string]string{"steg.dev/cluster": "c"}, nil, inject.Wish{Cluster: "c"}, true},
		{map[string]string{"steg.dev/cluster": "c"}, map[string]string{"steg.dev/user": "u"}, inject.Wish{Cluster: "c", User: "u"}, true},
		{map[string]string{"steg.dev/cluster": "c"}, map[string]string{"steg.dev/user": "n/u"}, inject.Wish{Cluster: "c", UserNamespace: "n", User: "u"}, true},
	} {
		wish, ok, err := inject.Wants(c.labels, c.annotations)
		if wish != c.wish || ok != c.ok || err != nil {
			t.Errorf("%v %v: %v %v %v", c.labels, c.annotations, wish, ok, err)
		}
	}
}

// TestWish: in messages it is what the user wrote, and it knows whose namespace the user is of.
func TestWish(t *testing.T) {
	for _, c := range []struct {
		wish      inject.Wish
		want      string
		elsewhere bool
	}{
		{inject.Wish{}, "what can't be had", false},
		{inject.Wish{Bridge: "b"}, `KafkaBridge "b"`, false},
		{inject.Wish{Cluster: "c"}, `Kafka "c"`, false},
		{inject.Wish{Cluster: "c", User: "u"}, `Kafka "c" as KafkaUser "u"`, false},
		{inject.Wish{Cluster: "c", User: "u", UserNamespace: "shop"}, `Kafka "c" as KafkaUser "shop/u"`, false},
		{inject.Wish{Cluster: "c", User: "u", UserNamespace: "kafka"}, `Kafka "c" as KafkaUser "kafka/u"`, true},
	} {
		if got := c.wish.String(); got != c.want || c.wish.Elsewhere("shop") != c.elsewhere {
			t.Errorf("%s, elsewhere %v; want %s, %v", got, c.wish.Elsewhere("shop"), c.want, c.elsewhere)
		}
	}
}
