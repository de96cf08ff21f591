package credentials

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steg-kafka/steg/internal/kafka"
)

// The trust store in PEM may be several files and patterns. Authorities come and go with the files.
func TestTrustOfSeveralFiles(t *testing.T) {
	one, two, three := newAuthority(t, "one"), newAuthority(t, "two"), newAuthority(t, "three")
	first, all := t.TempDir(), t.TempDir()
	write(t, first, "ca.crt", one.pem())
	write(t, all, "two.crt", two.pem())
	write(t, all, "note.txt", "no certificate")
	write(t, all, ".hidden.crt", "no certificate")
	if err := os.Mkdir(filepath.Join(all, "..data.crt"), 0o700); err != nil {
		t.Fatal(err)
	}
	tr, _ := opened(t, kafka.Security{Protocol: "SSL", TLS: kafka.TLS{
		TruststoreType: typePEM, TruststoreLocation: filepath.Join(first, "ca.crt") + " , " + filepath.Join(all, "*.crt"), EndpointIdentification: true,
	}})
	reaches := func(ca *authority) bool {
		conn, _, err := dialed(t, tr, listen(t, serverConfig(ca.issue(1), nil)).Addr().String())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	if !reaches(one) || !reaches(two) || reaches(three) {
		t.Fatal("not the two that are trusted")
	}
	write(t, all, "three.crt", three.pem())
	eventually(t, "a file that came later", func() bool { return reaches(three) })
	if err := os.Remove(filepath.Join(all, "two.crt")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file that is gone", func() bool { return !reaches(two) })
	if !reaches(one) || !reaches(three) {
		t.Error("the others are gone too")
	}
	if err := os.Remove(filepath.Join(all, "three.crt")); err != nil { // no match is left: that is no state to change to
		t.Fatal(err)
	}
	write(t, first, "ca.crt", two.pem())
	time.Sleep(3 * settle) // nothing is to happen, so that there is nothing to wait for
	if !reaches(one) || !reaches(three) || reaches(two) {
		t.Error("a pattern without a match took the place of what was known")
	}
}

func TestTrustOfSeveralFilesErrors(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.crt", newAuthority(t, "ca").pem())
	bad := write(t, dir, "bad.crt", "nothing")
	for location, want := range map[string]string{
		good + "," + filepath.Join(dir, "none.crt"): "ssl.truststore.location: " + filepath.Join(dir, "none.crt") + ": no such file or directory",
		filepath.Join(dir, "*.pem"):                 "ssl.truststore.location: " + filepath.Join(dir, "*.pem") + ": no file matches",
		filepath.Join(dir, "*.crt"):                 "ssl.truststore.location: " + bad + ": holds no certificate in PEM",
		"/*/ca.crt":                                 "ssl.truststore.location: /*/ca.crt: has a pattern in a directory's name: only the last element may be one",
		"/a/[.crt":                                  "ssl.truststore.location: /a/[.crt: is a pattern with an open [",
		good + ",":                                  "ssl.truststore.location: " + good + ",: has an empty path between commas",
	} {
		o, _ := options(t)
		_, err := Open(t.Context(), kafka.Security{Protocol: "SSL", TLS: kafka.TLS{TruststoreType: typePEM, TruststoreLocation: location}}, o)
		fails(t, err, want)
	}
	// Only PEM is a list: the other stores are one file, whatever its name.
	o, _ := options(t)
	_, err := Open(t.Context(), kafka.Security{Protocol: "SSL", TLS: kafka.TLS{TruststoreType: typeJKS, TruststoreLocation: "/a,b"}}, o)
	fails(t, err, "ssl.truststore.location: /a,b: no such file or directory")
}

// settingsOf is what a user's settings are at a time, with one file behind them.
type settingsOf struct {
	mu   sync.Mutex
	now  kafka.Security
	err  error
	file string
	n    int
}

// become changes the settings, and the file so that it is noticed.
func (s *settingsOf) become(t *testing.T, now kafka.Security, err error) {
	t.Helper()
	s.mu.Lock()
	s.now, s.err = now, err
	s.n++
	text := strings.Repeat("x", s.n)
	s.mu.Unlock()
	write(t, filepath.Dir(s.file), filepath.Base(s.file), text)
}

func (s *settingsOf) live() *Live {
	return &Live{Files: []string{s.file}, Read: func(context.Context) (kafka.Security, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.now, s.err
	}}
}

// Texts that came out of files are followed: certificate, key and authority.
func TestLiveTexts(t *testing.T) {
	ca := newAuthority(t, "ca")
	server := listen(t, serverConfig(ca.issue(1), ca)).Addr().String()
	with := func(serial int64) kafka.Security {
		s, own := ssl(ca), ca.issue(serial)
		s.TLS.CertificateChain, s.TLS.Key = own.chainPEM(), own.keyPEM(t, "")
		return s
	}
	of := &settingsOf{file: write(t, t.TempDir(), "user.crt", "")}
	o, log := options(t)
	o.Poll, o.Live = time.Hour, of.live()
	tr := openedWith(t, with(2), o)
	if serial := serialSeen(t, tr, server); serial != 2 {
		t.Fatal("at first", serial)
	}
	of.become(t, with(3), nil)
	eventually(t, "another certificate", func() bool { return serialSeen(t, tr, server) == 3 })

	half := with(4)
	half.TLS.Key = ca.issue(5).keyPEM(t, "")
	other := with(6)
	other.Protocol = "PLAINTEXT"
	for want, change := range map[string]func(){
		"key and certificate do not belong together":         func() { of.become(t, half, nil) },
		"security.protocol and sasl.mechanism do not":        func() { of.become(t, other, nil) },
		"kafka.ssl.keystore.key: the reference has no value": func() { of.become(t, with(7), errors.New("kafka.ssl.keystore.key: the reference has no value")) },
	} {
		change()
		eventually(t, want, func() bool { return strings.Contains(log.String(), want) })
		if serial := serialSeen(t, tr, server); serial != 3 {
			t.Errorf("%s: the server saw certificate %d", want, serial)
		}
	}
	of.become(t, with(8), nil)
	eventually(t, "the next good one", func() bool { return serialSeen(t, tr, server) == 8 })
}

// A new password counts for the next session of the clients that there are, and so does another client secret of a token
// endpoint; a token at hand does not outlive it.
func TestLiveLogins(t *testing.T) {
	plain := func(password string) kafka.Security {
		return kafka.Security{Protocol: "SASL_PLAINTEXT", SASL: kafka.SASL{
			Mechanism: "PLAIN", JAAS: kafka.JAAS{Options: map[string]string{"username": "alice", "password": password}},
		}}
	}
	of := &settingsOf{file: write(t, t.TempDir(), "password", "")}
	o, log := options(t)
	o.Live = of.live()
	tr := openedWith(t, plain("first"), o)
	first := func() string {
		_, message, err := present{tr}.Authenticate(t.Context(), "broker:9092")
		if err != nil {
			t.Fatal(err)
		}
		return string(message)
	}
	if got := first(); got != "\x00alice\x00first" {
		t.Fatalf("%q", got)
	}
	of.become(t, plain("second"), nil)
	eventually(t, "the second password", func() bool { return first() == "\x00alice\x00second" })
	scram := plain("third")
	scram.SASL.Mechanism = "SCRAM-SHA-256"
	of.become(t, scram, nil)
	eventually(t, "a refusal", func() bool { return strings.Contains(log.String(), "restart it") })
	if name := (present{tr}).Name(); name != "PLAIN" || first() != "\x00alice\x00second" {
		t.Errorf("%s %q", name, first())
	}
}

// A new secret is what the next token is asked for with.
func TestLiveTokens(t *testing.T) {
	p := newIDP(t, nil)
	p.answers(grant(time.Hour))
	with := func(id string) kafka.Security {
		return bearerSecurity("JaasClientOauthLoginCallbackHandler", map[string]string{
			"oauth.client.id": id, "oauth.client.secret": clientSecret, "oauth.token.endpoint.uri": p.URL,
		})
	}
	of := &settingsOf{file: write(t, t.TempDir(), "secret", "")}
	o, _ := options(t)
	o.Live = of.live()
	tr := openedWith(t, with("one"), o)
	for range 2 {
		if _, _, err := presented(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.count(); n != 1 {
		t.Errorf("%d tokens asked for, want one kept", n)
	}
	of.become(t, with("two"), nil)
	eventually(t, "a new token", func() bool {
		if _, _, err := presented(t.Context(), tr); err != nil {
			t.Fatal(err)
		}
		return p.count() == 2
	})
}

// All that is opened in one process shares what the kernel has few of.
func TestChangesAreShared(t *testing.T) {
	o, _ := options(t)
	o.Changes = NewChanges(o.Logger)
	defer o.Changes.Close()
	o.Poll = time.Hour
	ca := newAuthority(t, "ca")
	server := listen(t, serverConfig(ca.issue(1), ca)).Addr().String()
	path := write(t, t.TempDir(), "user.pem", ca.issue(2).file(t))
	s := ssl(ca)
	s.TLS.KeystoreType, s.TLS.KeystoreLocation = typePEM, path
	one, two := openedWith(t, s, o), openedWith(t, s, o)
	if a, b := serialSeen(t, one, server), serialSeen(t, two, server); a != 2 || b != 2 {
		t.Fatal(a, b)
	}
	if n := inotifies(t); n != 1 {
		t.Errorf("%d instances of inotify for two transports", n)
	}
	write(t, filepath.Dir(path), filepath.Base(path), ca.issue(3).file(t))
	for _, tr := range []*Transport{one, two} {
		eventually(t, "the new certificate", func() bool { return serialSeen(t, tr, server) == 3 })
	}
}

// inotifies counts this process's instances.
func inotifies(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", e.Name())); err == nil && strings.Contains(to, "inotify") {
			n++
		}
	}
	return n
}
