package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	reloadPause   = 5 * time.Second  // between two looks at the files; the kubelet takes up to a minute to write them
	reloadTimeout = 10 * time.Second // for Kafka to take what it was asked to
	showPause     = 200 * time.Millisecond
)

// reloader has Kafka read files again that it would by itself only read when it starts: the certificates of listeners that
// have one of their own, and the authorities of clients. The node's own certificate and the cluster's authorities are none
// of its business: the operator rolls for those, in the order that breaks no connection between nodes.
type reloader struct {
	options   Options
	log       *slog.Logger
	pod       string
	id        int
	listeners []config.Listener
	kafka     *peer
	clients   string // file with the authorities of clients
	trusted   [sha256.Size]byte
	pending   []string // key stores that Kafka has not been asked to read, by name; "" for the authorities
}

func (o Options) newReloader(who identity, e *eye) (*reloader, error) {
	r := &reloader{
		options: o, log: o.Log, pod: who.pod, id: who.id, listeners: e.listeners, clients: o.etc("trust/clients-ca.crt"),
		kafka: &peer{address: e.own.address, security: e.own.security},
	}
	_, err := r.authorities()
	return r, err
}

// run looks for changes until ctx ends. While Kafka cannot be asked, what has changed stays to be done.
func (r *reloader) run(ctx context.Context, ready func() bool) {
	defer r.kafka.close()
	ticker := time.NewTicker(reloadPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := r.notice(); err != nil {
			r.log.Warn("files that have changed cannot be taken; what Kafka has stays", "error", err)
		}
		if len(r.pending) == 0 || !ready() {
			continue
		}
		if err := r.reload(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("Kafka was asked to read changed files again; this is tried again", "error", err)
		}
	}
}

// notice writes key stores of changed certificates and remembers what Kafka has to be asked for, also if some of them are broken.
func (r *reloader) notice() error {
	changed, err := r.options.writeStores(r.pod)
	other, otherErr := r.authorities()
	if other {
		changed = append(changed, "")
	}
	for _, name := range changed {
		if !slices.Contains(r.pending, name) {
			r.pending = append(r.pending, name)
		}
	}
	return errors.Join(err, otherErr)
}

// authorities reports whether those of the clients are others than at the last call. A cluster without any has no file.
func (r *reloader) authorities() (changed bool, err error) {
	content, err := readFile(r.clients)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	sum := sha256.Sum256(content)
	changed = sum != r.trusted
	r.trusted = sum
	return changed, nil
}

// reload asks the own broker to read its files again, and waits until listeners show their new certificates. Any change
// of a broker's own settings makes it read the files of all its listeners that are newer than what it has (KAFKA-14136), so
// that taking away a setting which is not there does it, and leaves nothing behind that would outweigh server.properties
// at the next start.
func (r *reloader) reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	request, answer := kmsg.NewPtrIncrementalAlterConfigsRequest(), kmsg.NewPtrIncrementalAlterConfigsResponse()
	request.Version = incrementalAlterVersion
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeBroker, strconv.Itoa(r.id)
	for _, key := range r.settings() {
		change := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		change.Name, change.Op = key, kmsg.IncrementalAlterConfigOpDelete
		resource.Configs = append(resource.Configs, change)
	}
	request.Resources = append(request.Resources, resource)
	if err := r.kafka.ask(ctx, request, answer); err != nil {
		return err
	}
	for _, done := range answer.Resources {
		if err := kerr.ErrorForCode(done.ErrorCode); err != nil {
			return fmt.Errorf("broker %d: %w", r.id, err)
		}
	}
	if err := r.shown(ctx); err != nil {
		return err
	}
	r.log.Info("Kafka has read changed files again", "certificates", slices.DeleteFunc(slices.Clone(r.pending), func(n string) bool { return n == "" }),
		"clientAuthorities", slices.Contains(r.pending, ""))
	r.pending = nil
	return nil
}

// settings are the listeners' settings to take away, one for each change.
func (r *reloader) settings() []string {
	var keys []string
	for _, l := range r.listeners {
		switch {
		case slices.ContainsFunc(r.pending, func(name string) bool { return strings.EqualFold(name, l.Name) }):
			keys = append(keys, l.Prefix()+"ssl.keystore.location")
		case !l.Controller && l.TLS() && slices.Contains(r.pending, ""):
			keys = append(keys, l.Prefix()+"ssl.truststore.location")
		}
	}
	return keys
}

// shown waits until each listener with a new certificate shows it.
func (r *reloader) shown(ctx context.Context) error {
	for _, l := range r.listeners {
		if !l.TLS() || !slices.Contains(r.pending, strings.ToLower(l.Name)) {
			continue
		}
		store, err := readFile(r.options.run(strings.ToLower(l.Name) + ".pem"))
		if err != nil {
			return err
		}
		for {
			err := shows(ctx, l.Local(), store)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("listener %s: %w (Kafka's log says why; a certificate with other names needs ssl.allow.dn.changes and ssl.allow.san.changes)", l.Name, err)
			case <-time.After(showPause):
			}
		}
	}
	return nil
}

// errShown ends a handshake as soon as the certificate is seen.
var (
	errShown = errors.New("the certificate is the new one")
	errOther = errors.New("it still shows the former certificate")
)

// shows looks at the certificate that an address shows; nothing is sent to it.
func shows(ctx context.Context, address string, store []byte) error {
	var want []byte
	for b, rest := pem.Decode(store); b != nil && want == nil; b, rest = pem.Decode(rest) {
		if b.Type == "CERTIFICATE" {
			want = b.Bytes
		}
	}
	p := &peer{address: address, security: func() (*tls.Config, error) {
		return &tls.Config{
			MinVersion: tls.VersionTLS12, InsecureSkipVerify: true,
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
				if len(raw) > 0 && string(raw[0]) == string(want) {
					return errShown
				}
				return errOther
			},
		}, nil
	}}
	err := p.connect(ctx)
	p.close()
	if errors.Is(err, errShown) {
		return nil
	}
	return err
}
