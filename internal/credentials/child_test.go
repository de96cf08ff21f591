package credentials

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/steg-kafka/steg/internal/kafka"
)

// childVariable makes a run of the test binary connect to the address that it holds and do nothing else. The system's
// roots are read once per process, so that a test of them needs one of its own.
const childVariable = "STEG_TEST_CONNECT"

func child() int {
	tr, err := Open(context.Background(), kafka.Security{Protocol: "SSL", TLS: kafka.TLS{EndpointIdentification: true}}, Options{})
	if err == nil {
		_, err = tr.dial(context.Background(), "tcp", os.Getenv(childVariable))
	}
	fmt.Println("result:", err)
	return 0
}

// Without a trust store the system's authorities count.
func TestSystemRoots(t *testing.T) {
	ca := newAuthority(t, "ca")
	server := listen(t, serverConfig(ca.issue(1), nil))
	for roots, want := range map[string]string{
		ca.pem():                         "result: <nil>",
		newAuthority(t, "another").pem(): "result: tls handshake with ",
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childVariable+"="+server.Addr().String(),
			"SSL_CERT_FILE="+write(t, "", "roots.pem", roots), "SSL_CERT_DIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("%v: %s, want %s", err, out, want)
		}
	}
}
