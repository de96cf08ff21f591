package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/configsource"
	"github.com/steg-kafka/steg/internal/kafka"
)

// settings is the effective configuration and what there is to say about it.
type settings struct {
	bridgeconfig.Config
	environ  []string
	findings []kafka.Finding
}

// readSettings joins the sources, lowest precedence first: file, STEG_PROPERTIES, environment by literal name, STEG_
// names, --set.
func readSettings(o options, environ []string) (settings, error) {
	var layers []bridgeconfig.Layer
	if o.configFile != "" {
		file, err := configsource.ReadFile(o.configFile)
		if err != nil {
			return settings{}, err
		}
		layers = append(layers, file)
	}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); name == bridgeconfig.PropertiesVariable {
			text, err := configsource.Text(name, value)
			if err != nil {
				return settings{}, err
			}
			layers = append(layers, text)
		}
	}
	layers = append(layers,
		bridgeconfig.Layer{Origin: "environment", Values: literal(environ)},
		bridgeconfig.Layer{Origin: "environment, STEG_ name", Values: bridgeconfig.FromEnv(environ)})
	sets, err := configsource.Sets(o.sets)
	if err != nil {
		return settings{}, err
	}
	cfg, findings, err := bridgeconfig.Parse(append(layers, sets))
	if err != nil {
		return settings{}, err
	}
	if unknown := unknownSets(sets, findings); unknown != nil {
		return settings{}, unknown
	}
	s := settings{Config: cfg, environ: environ, findings: findings}
	s.findings = append(s.findings, withoutJVM(s)...)
	return s, nil
}

// literal returns the environment variables that are called like a setting: everything else there is none of ours.
func literal(environ []string) map[string]string {
	values := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		for _, prefix := range []string{"bridge.", "http.", "kafka.", "log."} {
			if strings.HasPrefix(name, prefix) {
				values[name] = value
			}
		}
	}
	return values
}

// lookup returns an environment variable.
func (s settings) lookup(name string) (string, bool) {
	for _, entry := range s.environ {
		if n, value, _ := strings.Cut(entry, "="); n == name {
			return value, true
		}
	}
	return "", false
}

// unknownSets makes a misspelt key on the command line an error: there is somebody to read it.
func unknownSets(sets bridgeconfig.Layer, findings []kafka.Finding) error {
	var errs []error
	for _, f := range findings {
		if _, ok := sets.Values[f.Key]; ok && f.Unknown {
			errs = append(errs, fmt.Errorf("--set %s: %s", f.Key, f.Text))
		}
	}
	return errors.Join(errs...)
}

// printConfig prints every setting with its origin.
func printConfig(w io.Writer, s settings) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, e := range s.Effective() {
		fmt.Fprintf(table, "%s\t= %s\t# %s\n", e.Key, e.Value, e.Origin)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the settings: %w", err)
	}
	for _, f := range s.findings {
		fmt.Fprintf(w, "# %s: %s: %s\n", f.Level, f.Key, f.Text)
	}
	return nil
}
