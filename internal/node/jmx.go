package node

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/steg-kafka/steg/internal/node/config"
)

// jmx returns the options of the JVM for its management extensions, as STEG_JMX asks: none, open to everybody who reaches the
// port, or for the name and the password in /etc/steg/jmx. The JVM wants files of its own user that nobody else may read.
func (o Options) jmx() ([]string, error) {
	asked := o.env("STEG_JMX")
	host := fmt.Sprintf("%s.%s-kafka-brokers.%s.svc", o.env("STEG_POD_NAME"), o.env("STEG_CLUSTER"), o.env("STEG_NAMESPACE"))
	switch asked {
	case "":
		return nil, nil
	case "open":
		return config.JMX{Host: host}.Arguments(), nil
	case "password":
	default:
		return nil, fmt.Errorf("STEG_JMX=%q: open, password or nothing", asked)
	}
	user, errUser := os.ReadFile(o.etc("jmx", "jmx-username"))
	password, errPassword := os.ReadFile(o.etc("jmx", "jmx-password"))
	if err := errors.Join(errUser, errPassword); err != nil {
		return nil, fmt.Errorf("STEG_JMX=password: %w", err)
	}
	passwords, access, err := config.JMXFiles(strings.TrimSpace(string(user)), strings.TrimSpace(string(password)))
	if err != nil {
		return nil, fmt.Errorf("files in %s: %w", o.etc("jmx"), err)
	}
	j := config.JMX{Host: host, Passwords: o.run("jmx.password"), Access: o.run("jmx.access")}
	return j.Arguments(), errors.Join(writeFile(j.Passwords, []byte(passwords)), writeFile(j.Access, []byte(access)))
}
