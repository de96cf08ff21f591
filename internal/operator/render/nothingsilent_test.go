package render_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/render"
)

// spokenOf are Kafkas in which each type of everything is there once.
func spokenOf() map[string]string {
	return map[string]string{
		"small": `
kafka:
  replicas: 2
  storage: {type: ephemeral}
  listeners: [{name: plain, port: 9092, type: internal, tls: false}]
entityOperator: {topicOperator: {}, userOperator: {}}
`,
		"usual": `
kafka:
  replicas: 2
  storage: {type: persistent-claim, size: 1Gi, overrides: [{broker: 0, class: a}]}
  listeners:
  - {name: plain, port: 9092, type: internal, tls: true, authentication: {type: tls}, configuration: {
      bootstrap: {}, brokers: [{broker: 0, advertisedHost: a}], brokerCertChainAndKey: {secretName: a, certificate: b, key: c}}}
  authorization: {type: simple}
  rack: {topologyKey: a}
  logging: {type: inline, loggers: {}}
  quotas: {type: kafka}
  jmxOptions: {authentication: {type: password}}
  jvmOptions: {}
  resources: {limits: {cpu: 1}}
  livenessProbe: {}
  readinessProbe: {}
  tieredStorage: {type: custom, remoteStorageManager: {className: a}}
clusterCa: {}
clientsCa: {}
`,
		"disks": `
kafka:
  replicas: 2
  storage: {type: jbod, volumes: [{id: 0, type: persistent-claim, size: 1Gi}, {id: 1, type: ephemeral}]}
  listeners: [{name: plain, port: 9092, type: cluster-ip, tls: false, authentication: {type: scram-sha-512}, configuration: {bootstrap: {}, brokers: [{broker: 0, advertisedHost: a}]}}]
  authorization: {type: custom, authorizerClass: a}
  rack: {type: environment-variable, envVarName: a}
  logging: {type: external, valueFrom: {configMapKeyRef: {name: l, key: l}}}
  quotas: {type: strimzi}
clusterCa: {generateCertificateAuthority: false}
`,
		"loadbalancer": `
kafka:
  replicas: 2
  storage: {type: jbod, volumes: [{id: 1, type: ephemeral}, {id: 0, type: persistent-claim, size: 1Gi}]}
  listeners: [{name: plain, port: 9092, type: loadbalancer, tls: false, authentication: {type: custom}, configuration: {bootstrap: {}, brokers: [{broker: 0, advertisedHost: a}]}}]
`,
		"nodeport": `
kafka:
  replicas: 2
  storage: {type: ephemeral}
  listeners: [{name: plain, port: 9092, type: nodeport, tls: false, authentication: {type: custom, sasl: true}, configuration: {bootstrap: {}, brokers: [{broker: 0, advertisedPort: 5}]}}]
`,
		"ingress": `
kafka:
  replicas: 2
  storage: {type: persistent-claim, size: 1Gi}
  listeners:
  - {name: plain, port: 9092, type: ingress, tls: true, authentication: {type: oauth, jwksEndpointUri: a, validIssuerUri: b}, configuration: {
      hostTemplate: 'b{nodeId}.x', bootstrap: {host: b.x}, brokers: [{broker: 0, host: c.x}]}}
  template:
    statefulset: {metadata: {}}
    podSet: {metadata: {}}
    pod: {metadata: {}, volumes: [{name: a, emptyDir: {}}], templatedVolumes: [{name: b, secret: {secretName: a}}]}
    bootstrapService: {metadata: {}}
    brokersService: {metadata: {}}
    externalBootstrapService: {metadata: {}}
    perPodService: {metadata: {}}
    externalBootstrapRoute: {metadata: {}}
    perPodRoute: {metadata: {}}
    externalBootstrapIngress: {metadata: {}}
    perPodIngress: {metadata: {}}
    persistentVolumeClaim: {metadata: {}}
    podDisruptionBudget: {metadata: {}}
    kafkaContainer: {env: [{name: A, value: b}]}
    initContainer: {env: [{name: A, value: b}]}
    clusterCaCert: {metadata: {}}
    serviceAccount: {metadata: {}}
    jmxSecret: {metadata: {}}
`,
		"gateway": `
kafka:
  replicas: 2
  storage: {type: ephemeral}
  listeners: [{name: plain, port: 9092, type: tlsroute, tls: true, configuration: {parentRefs: [{name: a}], hostTemplate: 'b{nodeId}.x', bootstrap: {host: b.x}, brokers: [{broker: 0, host: c.x}]}}]
`,
	}
}

// elsewhere are the fields that neither the model's result nor the objects show, with who reads them.
func elsewhere() map[string]string {
	return map[string]string{
		"kafka.jmxOptions.authentication.type":      "there is no other",
		"kafka.template.clusterCaCert.metadata":     "the Secret is made with the certificates",
		"kafka.template.jmxSecret.metadata":         "the Secret is made with its password",
		"kafka.listeners[0].configuration.parentRe": "that no Route is made is said of the listener's type",
		"entityOperator.topicOperator":              "the controllers of topics read it",
		"entityOperator.userOperator":               "the controllers of users read it",
	}
}

// TestNothingIsSilent: each field of a Kafka, wherever it may stand, changes something, is refused, or is named by a warning.
func TestNothingIsSilent(t *testing.T) {
	for name, text := range spokenOf() {
		t.Run(name, func(t *testing.T) {
			k := &v1.Kafka{}
			if err := yaml.UnmarshalStrict([]byte("metadata: {name: my-cluster, namespace: kafka}\nspec:\n"+strings.ReplaceAll(text, "\n", "\n  ")), k); err != nil {
				t.Fatal(err)
			}
			services := addressed(t, k)
			said, warnings := effect(t, k, services)
			if strings.HasPrefix(said, "refused") {
				t.Fatal(said)
			}
			eachField("", reflect.ValueOf(&k.Spec).Elem(), func(path string, field reflect.Value) {
				old := reflect.ValueOf(field.Interface())
				others := otherValues(field)
				silent := len(others) > 0
				for _, other := range others {
					field.Set(other)
					now, _ := effect(t, k, services)
					silent = silent && now == said
				}
				if !old.IsValid() {
					old = reflect.Zero(field.Type())
				}
				field.Set(old)
				if silent && !accounted(path, warnings) {
					t.Errorf("spec.%s changes nothing, and nobody says so", path)
				}
			})
		})
	}
}

// accounted reports whether somebody else reads a field, or whether all of what it stands in is said to have no effect.
func accounted(path string, warnings []model.Warning) bool {
	for prefix := range elsewhere() {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return slices.ContainsFunc(warnings, func(w model.Warning) bool {
		above, _, _ := strings.Cut(w.Message, " ")
		return w.Reason == model.ReasonNoEffect && strings.HasPrefix("spec."+path, above+".")
	})
}

// addressed is what Kubernetes chooses for the Services of a Kafka.
func addressed(t testing.TB, k *v1.Kafka) map[string]cluster.ServiceFacts {
	t.Helper()
	return chosen(forCluster(t, observed(k, nil)))
}

// chosen is what Kubernetes chooses for the Services of a cluster.
func chosen(c cluster.Cluster) map[string]cluster.ServiceFacts {
	facts := map[string]cluster.ServiceFacts{}
	for _, l := range c.Listeners {
		for id, service := range l.Services {
			facts[service] = cluster.ServiceFacts{NodePorts: map[string]int32{l.PortName: 31000 + id}, Ingress: []string{service + ".example.com"}}
		}
		facts[l.BootstrapService] = cluster.ServiceFacts{NodePorts: map[string]int32{l.PortName: 32000}, Ingress: []string{"all.example.com"}}
	}
	return facts
}

func observed(k *v1.Kafka, services map[string]cluster.ServiceFacts) cluster.Resources {
	return cluster.Resources{
		Kafka:    k,
		Defaults: cluster.Defaults{ImageRepository: "kafka", NodeImage: "steg-node", OperatorNamespace: "kafka"},
		Observed: cluster.Observed{
			ClusterID: "MkU3OEVBNTcwNTJENDM2Qg", Services: services, ConfigMaps: map[string]map[string]string{"l": {"l": "rootLogger.level=INFO"}},
		},
	}
}

// effect is all that comes of a Kafka, as a text. The storage that is noted as it was said counts for nothing.
func effect(t testing.TB, k *v1.Kafka, services map[string]cluster.ServiceFacts) (string, []model.Warning) {
	t.Helper()
	c, warnings, err := cluster.For(observed(k, services))
	if err != nil {
		return fmt.Sprint("refused: ", err, warnings), warnings
	}
	quotas, _ := json.Marshal(c.Quotas)
	var out strings.Builder
	fmt.Fprint(&out, warnings, cluster.Refers(k), c.ClusterCA, c.ClientsCA, c.Windows, string(quotas), c.Authorizer, c.Pending, c.NodeAddressTypes)
	for _, p := range c.Pools {
		for _, n := range p.Nodes {
			fmt.Fprint(&out, n.DNSNames, n.Addresses)
		}
	}
	for _, object := range render.Kafka(c, issued(c)) {
		if set, ok := object.(*render.PodSet); ok {
			delete(set.Annotations, names.AnnotationStorage)
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	return out.String(), warnings
}

// ours reports whether a type is one of the resource's own structs, whose fields are looked at one by one.
func ours(kind reflect.Type) bool {
	for kind.Kind() == reflect.Pointer {
		kind = kind.Elem()
	}
	return kind.Kind() == reflect.Struct && kind.PkgPath() == reflect.TypeFor[v1.Kafka]().PkgPath()
}

// eachField calls visit with each field that holds a value rather than more fields, and with each absent struct.
func eachField(path string, v reflect.Value, visit func(path string, field reflect.Value)) {
	for i := range v.NumField() {
		field, kind := v.Field(i), v.Type().Field(i)
		at := path
		if !kind.Anonymous {
			name, _, _ := strings.Cut(kind.Tag.Get("json"), ",")
			at = strings.TrimPrefix(path+"."+name, ".")
		}
		switch {
		case ours(field.Type()) && field.Kind() == reflect.Struct:
			eachField(at, field, visit)
		case ours(field.Type()) && !field.IsNil():
			eachField(at, field.Elem(), visit)
		case field.Kind() == reflect.Slice && field.Len() > 0 && ours(field.Type().Elem()):
			for j := range field.Len() {
				eachField(fmt.Sprintf("%s[%d]", at, j), field.Index(j), visit)
			}
		default:
			visit(at, field)
		}
	}
}

// otherValues are values of a field that it doesn't have.
func otherValues(field reflect.Value) []reflect.Value {
	other := reflect.New(field.Type()).Elem()
	if field.Type() == reflect.TypeFor[*bool]() {
		return []reflect.Value{reflect.ValueOf(new(true)), reflect.ValueOf(new(false))}
	}
	if field.Kind() == reflect.Bool {
		other.SetBool(!field.Bool())
		return []reflect.Value{other}
	}
	fillIn(other)
	if other.Kind() == reflect.Pointer && other.Elem().IsZero() {
		return nil // a struct of optional fields, which are looked at where it is there
	}
	return []reflect.Value{other}
}

// fillIn makes a value say something: texts are x, numbers 7, lists and maps have one entry.
func fillIn(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if quantity, ok := v.Interface().(*resource.Quantity); ok {
			*quantity = resource.MustParse("3Gi")
			return
		}
		fillIn(v.Elem())
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte(`"INFO"`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillIn(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		value, key := reflect.New(v.Type().Elem()).Elem(), reflect.New(v.Type().Key()).Elem()
		fillIn(value)
		key.SetString("x")
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).Kind() != reflect.Pointer {
				fillIn(v.Field(i))
			}
		}
	}
}
