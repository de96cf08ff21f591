package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
)

// Annotations of the pod that the operator sets once the pod has a Kubernetes node.
const (
	addressAnnotation = "steg.dev/node-address"
	rackAnnotation    = "steg.dev/rack"
)

// prepare makes everything that Kafka reads and returns its settings.
func (o Options) prepare(ctx context.Context, who identity) (config.Settings, config.Texts, error) {
	texts, err := o.texts()
	if err != nil {
		return nil, nil, err
	}
	draft, err := config.Merge(texts, who.id)
	if err != nil {
		return nil, nil, err
	}
	facts, err := o.facts(ctx, who, draft)
	if err != nil {
		return nil, nil, err
	}
	settings, err := draft.Resolve(facts)
	if err != nil {
		return nil, nil, err
	}
	if err := o.emptyTemp(); err != nil {
		return nil, nil, err
	}
	if _, err := o.writeStores(""); err != nil {
		return nil, nil, err
	}
	return settings, texts, writeFile(o.propertiesFile(), []byte(settings.Text()))
}

func (o Options) propertiesFile() string { return o.run("server.properties") }

// emptyTemp makes the JVM's directory for temporary files, without the libraries that a JVM which was killed has left: the
// volume is a few MiB of memory and outlives the container.
func (o Options) emptyTemp() error {
	if err := os.RemoveAll(o.temp()); err != nil {
		return fmt.Errorf("emptying %s: %w", o.temp(), err)
	}
	if err := os.MkdirAll(o.temp(), 0o700); err != nil {
		return fmt.Errorf("%w (it must be a writable volume)", err)
	}
	return nil
}

// facts gathers what the placeholders of the settings stand for, and waits for what comes only after the pod was scheduled.
func (o Options) facts(ctx context.Context, who identity, draft config.Settings) (config.Facts, error) {
	needs, err := draft.Needs()
	if err != nil {
		return config.Facts{}, err
	}
	facts := config.Facts{Pod: who.pod, Files: make(map[string]string)}
	for _, file := range needs.Files {
		content, err := readFile(o.path(file))
		if err != nil {
			return config.Facts{}, err
		}
		facts.Files[file] = string(content)
	}
	if !needs.Address && !needs.Rack {
		return facts, nil
	}
	annotations, err := o.awaitAnnotations(ctx, needs)
	if err != nil {
		return config.Facts{}, err
	}
	facts.Address, facts.Rack = annotations[addressAnnotation], annotations[rackAnnotation]
	if needs.Rack && facts.Rack == "" {
		return config.Facts{}, fmt.Errorf("%s has had no %s for %s: does the operator run, and has the Kubernetes node the label of the rack's topologyKey?",
			o.etc("pod/annotations"), rackAnnotation, o.Wait)
	}
	if needs.Address && facts.Address == "" {
		if who.hostIP == "" {
			return config.Facts{}, fmt.Errorf("%s has had no %s for %s, and STEG_HOST_IP is not set", o.etc("pod/annotations"), addressAnnotation, o.Wait)
		}
		o.Log.Warn("the operator has not said by which address clients reach the Kubernetes node: its internal one is taken",
			"annotation", addressAnnotation, "waited", o.Wait, "address", who.hostIP)
		facts.Address = who.hostIP
	}
	return facts, nil
}

// awaitAnnotations reads the pod's annotations until those that are needed are there, or the wait is over. The kubelet
// writes the file again when they change.
func (o Options) awaitAnnotations(ctx context.Context, needs config.Needs) (map[string]string, error) {
	deadline, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	said := false
	for {
		annotations, err := o.annotations()
		if err != nil {
			return nil, err
		}
		if (!needs.Address || annotations[addressAnnotation] != "") && (!needs.Rack || annotations[rackAnnotation] != "") {
			return annotations, nil
		}
		if !said {
			o.Log.Info("waiting for the operator to say where the pod runs", "file", o.etc("pod/annotations"), "address", needs.Address, "rack", needs.Rack)
			said = true
		}
		select {
		case <-deadline.Done():
			return annotations, ctx.Err()
		case <-time.After(waitPause):
		}
	}
}

func (o Options) annotations() (map[string]string, error) {
	file := o.etc("pod/annotations")
	content, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	annotations, err := config.Annotations(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return annotations, nil
}

// writeStores makes a key store of each certificate but the excepted one, and returns the names of those that are new or
// have changed, such as tls-9093.
func (o Options) writeStores(except string) (changed []string, err error) {
	certificates, err := filepath.Glob(o.etc("certs", "*.crt"))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, file := range certificates {
		name := strings.TrimSuffix(filepath.Base(file), ".crt")
		if name == except {
			continue
		}
		is, err := o.writeStore(file, name)
		if err != nil {
			errs = append(errs, err)
		} else if is {
			changed = append(changed, name)
		}
	}
	return changed, errors.Join(errs...)
}

// writeStore makes the key store of a certificate, and reports whether it is another one than before.
func (o Options) writeStore(file, name string) (changed bool, err error) {
	certificate, err := readFile(file)
	if err != nil {
		return false, err
	}
	key, err := readFile(strings.TrimSuffix(file, ".crt") + ".key")
	if err != nil {
		return false, fmt.Errorf("the key of %s: %w", file, err)
	}
	store, err := config.KeyStore(certificate, key)
	if err != nil {
		return false, fmt.Errorf("%s and its .key: %w", file, err)
	}
	if is, err := readFile(o.run(name + ".pem")); err == nil && string(is) == string(store) {
		return false, nil
	}
	return true, writeFile(o.run(name+".pem"), store)
}
