package cluster

import (
	"strconv"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// authorization writes who may do what. Without it everybody may do everything who gets in.
func (b *builder) authorization() {
	a := b.spec.Authorization
	if a == nil {
		return
	}
	const field = "spec.kafka.authorization"
	switch a.Type {
	case v1.AuthorizationSimple:
		// The one of KRaft; the reference operator's of older releases asked ZooKeeper.
		b.shared["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		b.out.Authorizer = true
		if a.AuthorizerClass != "" || a.SupportsAdminAPI != nil {
			b.NoEffect(field+": authorizerClass and supportsAdminApi", "they are for type custom")
		}
	case v1.AuthorizationCustom:
		if a.AuthorizerClass == "" {
			b.Invalid(field+".authorizerClass", "is missing: a Java class in spec.kafka.image")
		}
		b.shared["authorizer.class.name"] = a.AuthorizerClass
		b.out.Authorizer = is(a.SupportsAdminAPI, false)
	case v1.AuthorizationOPA, v1.AuthorizationKeycloak:
		b.Invalid(field+".type", "%s needs classes that the stock image does not have: write simple, or custom with authorizerClass and an image that has it", a.Type)
	default:
		b.Invalid(field+".type", "%q is not one of simple and custom", a.Type)
	}
	b.superUsers(field, a.SuperUsers)
	b.unauthenticated()
}

// superUsers are the nodes and the operator by their certificates, and the user's.
func (b *builder) superUsers(field string, users []string) {
	all := []string{nodePrincipal(b.kafka.Name), operatorPrincipal()}
	for i, user := range users {
		if user == "" || strings.ContainsAny(user, ";\n\r") {
			b.Invalid(field+".superUsers["+strconv.Itoa(i)+"]", "%q is no principal, such as CN=admin", user)
		}
		if !strings.HasPrefix(user, "User:") {
			user = "User:" + user
		}
		all = append(all, user)
	}
	b.shared["super.users"] = strings.Join(all, ";")
}

// unauthenticated says what rights are worth where nobody has a name.
func (b *builder) unauthenticated() {
	var open []string
	for _, l := range b.out.Listeners {
		if l.Auth == "" {
			open = append(open, l.Name)
		}
	}
	if len(open) > 0 {
		b.Warn(ReasonNoAuthentication, "spec.kafka.listeners: clients of %s have no name, and get the rights of User:ANONYMOUS, if it has any: set authentication",
			strings.Join(open, ", "))
	}
}

// nodePrincipal is who the nodes are to each other, by their certificates.
func nodePrincipal(cluster string) string {
	return "User:CN=" + names.KafkaComponent(cluster) + ",O=" + names.Organization
}

// operatorPrincipal is who the operator is to the nodes.
func operatorPrincipal() string {
	return "User:CN=" + names.OperatorCommonName + ",O=" + names.Organization
}
