package credentials

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// rotation is a client whose PEM files are exchanged while it works.
type rotation struct {
	ca      *authority
	server  *listener
	tr      *Transport
	log     *recorder
	trust   string
	key     string
	address string
}

// newRotation starts with certificate 2, its files where place says.
func newRotation(t *testing.T, trust, key string, prepare func(ca *authority, first signed), poll time.Duration) *rotation {
	t.Helper()
	r := &rotation{ca: newAuthority(t, "ca"), trust: trust, key: key}
	prepare(r.ca, r.ca.issue(2))
	r.server = listen(t, serverConfig(r.ca.issue(1), r.ca))
	r.address = r.server.Addr().String()
	o, log := options(t)
	o.Poll = poll
	r.log = log
	r.tr = openedWith(t, kafka.Security{Protocol: "SSL", TLS: kafka.TLS{
		TruststoreType: typePEM, TruststoreLocation: trust, KeystoreType: typePEM, KeystoreLocation: key, EndpointIdentification: true,
	}}, o)
	if serial := serialSeen(t, r.tr, r.address); serial != 2 {
		t.Fatalf("the server saw certificate %d at first", serial)
	}
	return r
}

// becomes waits until new connections show the certificate.
func (r *rotation) becomes(t *testing.T, serial int64) {
	t.Helper()
	eventually(t, "another certificate", func() bool { return serialSeen(t, r.tr, r.address) == serial })
}

func (s signed) file(t *testing.T) string { return s.keyPEM(t, "") + s.chainPEM() }

// A Secret mounted by Kubernetes changes by the exchange of one link, ..data, that all files' links go through. The
// connection that is open goes on; the next one shows the new certificate.
func TestRotationByDataLink(t *testing.T) {
	dir := t.TempDir()
	version := func(name string, ca *authority, own signed) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), "ca.crt", ca.pem())
		write(t, filepath.Join(dir, name), "user.pem", own.file(t))
		link := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(name, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	r := newRotation(t, filepath.Join(dir, "ca.crt"), filepath.Join(dir, "user.pem"), func(ca *authority, first signed) {
		version("..one", ca, first)
		for _, name := range []string{"ca.crt", "user.pem"} {
			if err := os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}, time.Hour)
	before, _, err := dialed(t, r.tr, r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = before.Close() }()
	next := r.ca.issue(3)
	version("..two", r.ca, next)
	if err := os.RemoveAll(filepath.Join(dir, "..one")); err != nil {
		t.Fatal(err)
	}
	r.becomes(t, 3)
	if !r.tr.NotAfter().Equal(next.chain[0].NotAfter) {
		t.Errorf("ends %v", r.tr.NotAfter())
	}
	if err := echoes(before); err != nil {
		t.Errorf("the connection from before: %v", err)
	}
}

// The other ways in which files change: written in place, and replaced by renaming.
func TestRotationOfFiles(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, path, content string){
		"in place": func(t *testing.T, path, content string) {
			write(t, filepath.Dir(path), filepath.Base(path), content)
		},
		"renamed": func(t *testing.T, path, content string) {
			if err := os.Rename(write(t, filepath.Dir(path), "new", content), path); err != nil {
				t.Fatal(err)
			}
		},
		"removed and made": func(t *testing.T, path, content string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Dir(path), filepath.Base(path), content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := newRotation(t, filepath.Join(dir, "ca.crt"), filepath.Join(dir, "user.pem"), func(ca *authority, first signed) {
				write(t, dir, "ca.crt", ca.pem())
				write(t, dir, "user.pem", first.file(t))
			}, time.Hour)
			replace(t, r.key, r.ca.issue(3).file(t))
			r.becomes(t, 3)
		})
	}
}

// A link whose target is elsewhere sends no events to its own directory: the poll finds the change.
func TestRotationByPoll(t *testing.T) {
	near, far := t.TempDir(), t.TempDir()
	r := newRotation(t, filepath.Join(near, "ca.crt"), filepath.Join(near, "user.pem"), func(ca *authority, first signed) {
		write(t, far, "ca.crt", ca.pem())
		write(t, far, "user.pem", first.file(t))
		for _, name := range []string{"ca.crt", "user.pem"} {
			if err := os.Symlink(filepath.Join(far, name), filepath.Join(near, name)); err != nil {
				t.Fatal(err)
			}
		}
	}, 5*time.Millisecond)
	write(t, far, "user.pem", r.ca.issue(3).file(t))
	r.becomes(t, 3)
}

// A directory that is removed and made again has lost its watch; the poll puts it back and reads.
func TestRotationOfTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	fill := func(ca *authority, own signed) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, dir, "ca.crt", ca.pem())
		write(t, dir, "user.pem", own.file(t))
	}
	r := newRotation(t, filepath.Join(dir, "ca.crt"), filepath.Join(dir, "user.pem"), fill, 5*time.Millisecond)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a complaint", func() bool { return strings.Contains(r.log.String(), "not usable") })
	if serial := serialSeen(t, r.tr, r.address); serial != 2 {
		t.Errorf("without files the server saw %d", serial)
	}
	fill(r.ca, r.ca.issue(3))
	r.becomes(t, 3)
}

// Broken files leave everything as it was and are told once, however often they are looked at; the next good ones count.
func TestRotationOfBrokenFiles(t *testing.T) {
	dir := t.TempDir()
	r := newRotation(t, filepath.Join(dir, "ca.crt"), filepath.Join(dir, "user.pem"), func(ca *authority, first signed) {
		write(t, dir, "ca.crt", ca.pem())
		write(t, dir, "user.pem", first.file(t))
	}, time.Millisecond)
	const complaint = "changed files are not usable, the previous ones stay in use"
	for i, c := range []struct{ content, reason string }{
		{"rubbish " + tokenSecret, "ssl.keystore.location: " + r.key + ": holds no certificate in PEM"},
		{r.ca.issue(4).keyPEM(t, "") + r.ca.issue(5).chainPEM(), "ssl.keystore.location: " + r.key + ": key and certificate do not belong together"},
		{r.ca.issue(6).keyPEM(t, keyPassword) + r.ca.issue(6).chainPEM(), "ssl.keystore.location: " + r.key + ": holds an encrypted key, and no password is set"},
	} {
		write(t, dir, "user.pem.new", c.content)
		if err := os.Rename(filepath.Join(dir, "user.pem.new"), r.key); err != nil {
			t.Fatal(err)
		}
		eventually(t, c.reason, func() bool { return strings.Contains(r.log.String(), c.reason) })
		if serial := serialSeen(t, r.tr, r.address); serial != 2 {
			t.Errorf("the server saw certificate %d", serial)
		}
		if n := strings.Count(r.log.String(), complaint); n != i+1 {
			t.Errorf("%d complaints after %d broken files:\n%s", n, i+1, r.log.String())
		}
	}
	write(t, dir, "user.pem.new", r.ca.issue(7).file(t))
	if err := os.Rename(filepath.Join(dir, "user.pem.new"), r.key); err != nil {
		t.Fatal(err)
	}
	r.becomes(t, 7)
	if n := strings.Count(r.log.String(), complaint); n != 3 {
		t.Errorf("%d complaints:\n%s", n, r.log.String())
	}
}

// A trust store is exchanged like a key store: the new authority's servers are believed, the old one's no longer.
func TestRotationOfTrust(t *testing.T) {
	one, two := newAuthority(t, "one"), newAuthority(t, "two")
	oldServer, newServer := listen(t, serverConfig(one.issue(1), nil)), listen(t, serverConfig(two.issue(1), nil))
	path := trustStore(t, typePKCS12, one.cert)
	tr, _ := opened(t, kafka.Security{Protocol: "SSL", TLS: kafka.TLS{
		TruststoreType: typePKCS12, TruststoreLocation: path, TruststorePassword: storePassword, EndpointIdentification: true,
	}})
	serialSeen(t, tr, oldServer.Addr().String())
	if err := os.Rename(trustStore(t, typePKCS12, two.cert), path); err != nil {
		t.Fatal(err)
	}
	var conn net.Conn
	eventually(t, "the new authority is believed", func() (ok bool) {
		var err error
		conn, _, err = dialed(t, tr, newServer.Addr().String())
		return err == nil
	})
	_ = conn.Close()
	_, _, err := dialed(t, tr, oldServer.Addr().String())
	fails(t, err, "tls handshake with ")
}
