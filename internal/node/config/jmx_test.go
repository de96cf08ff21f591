package config

import (
	"slices"
	"testing"
)

func TestJMX(t *testing.T) {
	open := JMX{Host: "pod.svc"}.Arguments()
	for _, want := range []string{"-Dcom.sun.management.jmxremote.port=9999", "-Dcom.sun.management.jmxremote.rmi.port=9999", "-Djava.rmi.server.hostname=pod.svc", "-Dcom.sun.management.jmxremote.authenticate=false"} {
		if !slices.Contains(open, want) {
			t.Errorf("%s is missing in %v", want, open)
		}
	}
	closed := JMX{Host: "pod.svc", Passwords: "/p", Access: "/a"}.Arguments()
	for _, want := range []string{"-Dcom.sun.management.jmxremote.authenticate=true", "-Dcom.sun.management.jmxremote.password.file=/p", "-Dcom.sun.management.jmxremote.access.file=/a"} {
		if !slices.Contains(closed, want) {
			t.Errorf("%s is missing in %v", want, closed)
		}
	}
}

func TestJMXFiles(t *testing.T) {
	passwords, access, err := JMXFiles("u", "p")
	if passwords != "u p\n" || access != "u readwrite create javax.management.*\n" || err != nil {
		t.Errorf("%q %q %v", passwords, access, err)
	}
	for _, bad := range [][2]string{{"", "p"}, {"u", ""}, {"u v", "p"}, {"u", "p\nmonitor readwrite"}, {"#u", "p"}} {
		if _, _, err := JMXFiles(bad[0], bad[1]); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
