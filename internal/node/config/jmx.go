package config

import (
	"errors"
	"fmt"
	"strings"
)

// jmxPort is the port of Java's management extensions, for the registry and for the objects alike.
const jmxPort = 9999

// JMX is how Java's management extensions are opened.
type JMX struct {
	Host string // by which clients reach the node: the registry tells them
	// Passwords and Access are the files of a JVM that asks who comes; empty: it asks nobody.
	Passwords, Access string
}

// Arguments returns the JVM's options. Connections are not encrypted, as with the reference operator.
func (j JMX) Arguments() []string {
	arguments := []string{
		fmt.Sprintf("-Dcom.sun.management.jmxremote.port=%d", jmxPort),
		fmt.Sprintf("-Dcom.sun.management.jmxremote.rmi.port=%d", jmxPort),
		"-Dcom.sun.management.jmxremote.ssl=false",
		"-Djava.rmi.server.hostname=" + j.Host,
		fmt.Sprintf("-Dcom.sun.management.jmxremote.authenticate=%t", j.Passwords != ""),
	}
	if j.Passwords != "" {
		arguments = append(arguments,
			"-Dcom.sun.management.jmxremote.password.file="+j.Passwords,
			"-Dcom.sun.management.jmxremote.password.toHashes=false",
			"-Dcom.sun.management.jmxremote.access.file="+j.Access,
		)
	}
	return arguments
}

// JMXFiles returns the contents of both files for one user, who may do everything. An error does not hold the password.
func JMXFiles(user, password string) (passwords, access string, err error) {
	for _, word := range []string{user, password} {
		if word == "" || strings.ContainsAny(word, " \t\r\n\\#") {
			return "", "", errors.New("name and password must have a character, and no space, line end, backslash or #")
		}
	}
	return user + " " + password + "\n", user + " readwrite create javax.management.*\n", nil
}
