// Command kafkayaml prints Kubernetes objects for three Kafka brokers (KRaft, each a controller too) in pods of the
// apache/kafka image, with an authority for the brokers, another for their users, and a Secret for each user. Services,
// ports, Secrets and the keys in them have the names that Strimzi's operator gives to a Kafka called my-cluster.
//
//	kafkayaml -namespace kafka -version 4.3.1 | kubectl -n kafka apply -f -
//
// It must not be used outside tests: the keys are new each time, and who reaches port 9092 may do everything.
package main

import (
	_ "embed"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"
)

//go:embed kafka.yaml
var objects string

// cluster is what the template is filled with.
type cluster struct {
	Namespace, Version string
	// Password is that of the SCRAM user.
	Password string
	// ClusterCA and ClientsCA are certificates of the authorities of brokers and users.
	ClusterCA, ClientsCA string
	// Broker is the certificate of all brokers, App that of the user my-app, Renewed one for the same user that ends later.
	Broker, App, Renewed pair
}

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kafkayaml:", err)
		os.Exit(1)
	}
}

func run(args []string, out, help io.Writer) error {
	var c cluster
	f := flag.NewFlagSet("kafkayaml", flag.ContinueOnError)
	f.SetOutput(help)
	f.StringVar(&c.Namespace, "namespace", "kafka", "`namespace` of the brokers, which their certificate names")
	f.StringVar(&c.Version, "version", "4.3.1", "`tag` of apache/kafka")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected %q", f.Arg(0))
	}
	if err := c.certify(); err != nil {
		return err
	}
	t, err := template.New("kafka.yaml").Funcs(template.FuncMap{"secret": secret}).Option("missingkey=error").Parse(objects)
	if err != nil {
		return err
	}
	return t.Execute(out, c)
}

// certify makes authorities, certificates and the password.
func (c *cluster) certify() error {
	brokers, err := newAuthority("cluster-ca v0")
	if err != nil {
		return err
	}
	users, err := newAuthority("clients-ca v0")
	if err != nil {
		return err
	}
	if c.Broker, err = brokers.issue("my-cluster-kafka", validity, names(c.Namespace)...); err != nil {
		return err
	}
	if c.App, err = users.issue("my-app", validity); err != nil {
		return err
	}
	if c.Renewed, err = users.issue("my-app", 2*validity); err != nil {
		return err
	}
	c.ClusterCA, c.ClientsCA, c.Password = brokers.pem, users.pem, password()
	return nil
}

// names are the DNS names by which clients in and around the cluster reach the brokers.
func names(namespace string) []string {
	var all []string
	for _, host := range []string{"my-cluster-kafka-bootstrap", "*.my-cluster-kafka-brokers"} {
		for _, suffix := range []string{"", "." + namespace, "." + namespace + ".svc", "." + namespace + ".svc.cluster.local"} {
			all = append(all, host+suffix)
		}
	}
	return append(all, "localhost")
}

// secret is a value as a Secret's data has it.
func secret(parts ...string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "")))
}
