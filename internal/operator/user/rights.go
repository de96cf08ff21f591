package user

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// operation is how the resource says an operation, and how Kafka does.
type operation struct{ said, word string }

// operations are all that a resource can say.
func operations() []operation {
	return []operation{
		{"All", "ALL"},
		{"Alter", "ALTER"},
		{"AlterConfigs", "ALTER_CONFIGS"},
		{"ClusterAction", "CLUSTER_ACTION"},
		{"Create", "CREATE"},
		{"Delete", "DELETE"},
		{"Describe", "DESCRIBE"},
		{"DescribeConfigs", "DESCRIBE_CONFIGS"},
		{"IdempotentWrite", "IDEMPOTENT_WRITE"},
		{"Read", "READ"},
		{"Write", "WRITE"},
	}
}

// kind is a type of resources: how the resource says it, how Kafka does, and the operations that Kafka ever asks for
// (org.apache.kafka.security.authorizer.AclEntry).
type kind struct {
	said, word string
	asked      []string
}

func kinds() []kind {
	return []kind{
		{"topic", "TOPIC", []string{"READ", "WRITE", "CREATE", "DESCRIBE", "DELETE", "ALTER", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "ALL"}},
		{"group", "GROUP", []string{"READ", "DESCRIBE", "DELETE", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "ALL"}},
		{"cluster", "CLUSTER", []string{"CREATE", "CLUSTER_ACTION", "DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE", "ALTER", "DESCRIBE", "ALL"}},
		{"transactionalId", "TRANSACTIONAL_ID", []string{"DESCRIBE", "WRITE", "ALL"}},
	}
}

// rights reads the rules of both dialects: operation says one, operations several.
func rights(rules []v1.ACLRule) (acls []ACL, warnings []Warning, err error) {
	for i, rule := range rules {
		field := fmt.Sprintf("spec.authorization.acls[%d]", i)
		template, k, err := ruleTemplate(field, rule)
		if err != nil {
			return nil, nil, err
		}
		said := rule.Operations
		if rule.Operation != "" {
			said = append(slices.Clone(said), rule.Operation)
		}
		if len(said) == 0 {
			return nil, nil, invalid("%s.operations: the rule has none: write a list such as [Read, Describe]", field)
		}
		for _, text := range said {
			acl := template
			if acl.Operation, err = operationWord(field, text); err != nil {
				return nil, nil, err
			}
			if !slices.Contains(k.asked, acl.Operation) {
				warnings = append(warnings, Warning{ReasonNoEffect, fmt.Sprintf("%s: Kafka never asks for %s on a resource of type %s", field, text, k.said)})
			}
			acls = append(acls, acl)
		}
		if acl := template; acl.Pattern == PatternPrefixed && acl.Name == "*" {
			warnings = append(warnings, Warning{ReasonNoEffect, field + ".resource: as a prefix, * is only the beginning of names that begin with *: for all names write patternType: literal"})
		}
	}
	slices.SortFunc(acls, compareACLs)
	return slices.Compact(acls), warnings, nil
}

// ruleTemplate is a rule without its operation.
func ruleTemplate(field string, rule v1.ACLRule) (ACL, kind, error) {
	all := kinds()
	at := slices.IndexFunc(all, func(k kind) bool { return k.said == rule.Resource.Type })
	if at < 0 {
		return ACL{}, kind{}, invalid("%s.resource.type: %q is not known: write topic, group, cluster or transactionalId", field, rule.Resource.Type)
	}
	k := all[at]
	acl := ACL{Resource: k.word, Name: rule.Resource.Name, Pattern: PatternLiteral, Permission: PermissionAllow, Host: AnyHost}
	switch rule.Resource.PatternType {
	case "", "literal":
	case "prefix":
		acl.Pattern = PatternPrefixed
	default:
		return ACL{}, kind{}, invalid("%s.resource.patternType: %q is not known: write literal or prefix", field, rule.Resource.PatternType)
	}
	if k.said == "cluster" { // there is one, whatever the rule calls it
		acl.Name, acl.Pattern = ClusterName, PatternLiteral
	}
	if acl.Name == "" {
		return ACL{}, kind{}, invalid("%s.resource.name: it is missing: write a name, or * for all", field)
	}
	switch rule.Type {
	case "", "allow":
	case "deny":
		acl.Permission = PermissionDeny
	default:
		return ACL{}, kind{}, invalid("%s.type: %q is not known: write allow or deny", field, rule.Type)
	}
	if rule.Host != "" {
		acl.Host = rule.Host
	}
	return acl, k, nil
}

func operationWord(field, text string) (string, error) {
	all := operations()
	at := slices.IndexFunc(all, func(o operation) bool { return o.said == text })
	if at >= 0 {
		return all[at].word, nil
	}
	known := make([]string, len(all))
	for i, o := range all {
		known[i] = o.said
	}
	return "", invalid("%s.operations: %q is not known: write one of %s", field, text, strings.Join(known, ", "))
}
