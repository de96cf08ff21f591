package cluster_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/cluster"
	"github.com/steg-kafka/steg/internal/operator/model"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// TestNames: a name that something of the cluster could not have is refused, with one that fits.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		name, text string // text empty: it is taken
	}{
		{"a", ""},
		{"my-cluster", ""},
		{strings.Repeat("c", 46), ""}, // 17 more are -kafka-bootstrap's 16 and one to spare
		{strings.Repeat("c", 47), ""},
		{strings.Repeat("c", 48), "take a name of the Kafka with at most 47"},
		{strings.Repeat("c", 65), "-kafka-bootstrap, which has 81 characters, and 63 are allowed"},
		{"my.cluster", "no dots"},
		{"1st", "with a letter first"},
	} {
		r := resources(t, small)
		r.Kafka.Name = c.name
		_, _, err := cluster.For(r)
		if c.text == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		refused(t, err, "metadata.name", c.text)
	}
	r := with(t, configured(v1.ListenerNodePort, func(*v1.ListenerConfiguration) {}))
	r.Kafka.Name = strings.Repeat("c", 45)
	_, _, err := cluster.For(r)
	refused(t, err, "metadata.name", "the Service of the listener plain would be called")
}

// TestMetadata: labels and annotations of the Kafka.
func TestMetadata(t *testing.T) {
	r := resources(t, small)
	r.Kafka.Labels = map[string]string{"team": "a", "app.kubernetes.io/instance": "argo", "strimzi.io/cluster": "x", "steg.dev/x": "y"}
	r.Kafka.Annotations = map[string]string{names.AnnotationPause: "true", names.AnnotationInPlaceResizing: "true", names.AnnotationNodePools: "disabled", names.AnnotationKRaft: "enabled"}
	c, warnings := mustFor(t, r)
	if !reflect.DeepEqual(c.Labels, map[string]string{"team": "a"}) {
		t.Errorf("%v", c.Labels)
	}
	if !c.Paused || !c.ResizeInPlace {
		t.Errorf("paused %v, in place %v", c.Paused, c.ResizeInPlace)
	}
	if !warned(warnings, model.ReasonNoEffect, names.AnnotationNodePools) || warned(warnings, model.ReasonNoEffect, names.AnnotationKRaft) {
		t.Errorf("%v", warnings)
	}
	r.Kafka.Labels = map[string]string{"strimzi.io/kind": "Kafka"}
	_, _, err := cluster.For(r)
	refused(t, err, "metadata.labels", "remove it")
}

// TestAuthorities: defaults, what the user says, and what makes no sense.
func TestAuthorities(t *testing.T) {
	const day = 24 * time.Hour
	c, _ := mustFor(t, resources(t, small))
	usual := cluster.Authority{Generate: true, Own: true, Validity: 365 * day, RenewBefore: 30 * day, PKCS12: true}
	if c.ClusterCA != usual || c.ClientsCA != usual {
		t.Errorf("%+v %+v", c.ClusterCA, c.ClientsCA)
	}
	c, _ = mustFor(t, file(t, "tiered"))
	if want := (cluster.Authority{Own: true, Validity: 365 * day, RenewBefore: 30 * day, PKCS12: true}); c.ClusterCA != want {
		t.Errorf("%+v", c.ClusterCA)
	}
	if want := (cluster.Authority{Generate: true, Replace: true, Validity: 30 * day, RenewBefore: 10 * day, PKCS12: true}); c.ClientsCA != want {
		t.Errorf("%+v", c.ClientsCA)
	}
	if !c.Paused || !c.JMX || !c.JMXPassword || c.RackEnv != "RACK" || len(c.Windows) != 1 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []struct {
		ca    v1.CertificateAuthority
		field string
		text  string
	}{
		{v1.CertificateAuthority{ValidityDays: ptr(int32(30))}, "spec.clusterCa.renewalDays", "30 is not less than validityDays, which is 30"},
		{v1.CertificateAuthority{ValidityDays: ptr(int32(0))}, "spec.clusterCa.validityDays", "0 is not at least 1"},
		{v1.CertificateAuthority{CertificateExpirationPolicy: "x"}, "spec.clusterCa.certificateExpirationPolicy", "is not one of renew-certificate and replace-key"},
	} {
		r := resources(t, small)
		r.Kafka.Spec.ClusterCa = &bad.ca
		_, _, err := cluster.For(r)
		refused(t, err, bad.field, bad.text)
	}
	r := resources(t, small)
	r.Kafka.Spec.MaintenanceTimeWindows = []string{"* * 8-10 * * ?", "at night", "x"}
	_, _, err := cluster.For(r)
	refused(t, err, "spec", "maintenanceTimeWindows[1]")
	refused(t, err, "spec", "maintenanceTimeWindows[2]")
	r.Kafka.Spec.MaintenanceTimeWindows = []string{"* * 8-10 * * ?", "0 0 3 * * ?"}
	_, warnings := mustFor(t, r)
	if !warned(warnings, cluster.ReasonBriefWindow, "spec.maintenanceTimeWindows[1]") || warned(warnings, cluster.ReasonBriefWindow, "[0]") {
		t.Errorf("%v", warnings)
	}
}

// TestAuthorization: who may do everything, and whether access control lists can be given.
func TestAuthorization(t *testing.T) {
	r := resources(t, small)
	c, _ := mustFor(t, r)
	if _, ok := c.Shared["authorizer.class.name"]; ok || c.Authorizer {
		t.Error("there is an authorizer that nobody asked for")
	}
	r.Kafka.Spec.Kafka.Authorization = &v1.KafkaAuthorization{Type: v1.AuthorizationSimple, SuperUsers: []string{"CN=admin", "User:root"}, SupportsAdminAPI: ptr(true)}
	c, warnings := mustFor(t, r)
	const want = "User:CN=my-cluster-kafka,O=io.strimzi;User:CN=cluster-operator,O=io.strimzi;User:CN=admin;User:root"
	if !c.Authorizer || c.Shared["super.users"] != want || !warned(warnings, model.ReasonNoEffect, "supportsAdminApi") {
		t.Errorf("%v %s %v", c.Authorizer, c.Shared["super.users"], warnings)
	}
	if !warned(warnings, cluster.ReasonNoAuthentication, "clients of plain have no name") {
		t.Errorf("%v", warnings)
	}
	for supports, authorizer := range map[*bool]bool{nil: false, ptr(false): false, ptr(true): true} {
		r.Kafka.Spec.Kafka.Authorization = &v1.KafkaAuthorization{Type: v1.AuthorizationCustom, AuthorizerClass: "org.example.A", SupportsAdminAPI: supports}
		if c, _ = mustFor(t, r); c.Authorizer != authorizer || c.Shared["authorizer.class.name"] != "org.example.A" {
			t.Errorf("%v %v", c.Authorizer, c.Shared)
		}
	}
}
