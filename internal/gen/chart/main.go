// Chart writes what of the chart follows from its values.yaml, so that it can't say anything else: README.md and
// values.schema.json.
//
//	go run ./internal/gen/chart            # writes the files
//	go run ./internal/gen/chart -check     # compares, and exits with 1 when one is out of date
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "compare with the files instead of writing them")
	dir := flag.String("chart", "charts/steg-operator", "the chart")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	files, err := generate(dir)
	if err != nil {
		return err
	}
	var errs []error
	for name, want := range files {
		path := filepath.Join(dir, name)
		if !check {
			errs = append(errs, os.WriteFile(path, want, 0o644))
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(have, want) {
			errs = append(errs, errors.New(path+" is out of date: go run ./internal/gen/chart"))
		}
	}
	return errors.Join(errs...)
}

// generate returns the content of each file.
func generate(dir string) (map[string][]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, "values.yaml"))
	if err != nil {
		return nil, err
	}
	values, err := parseValues(string(text))
	if err != nil {
		return nil, fmt.Errorf("values.yaml: %w", err)
	}
	list, err := os.ReadFile(filepath.Join(dir, "files", "values-without-effect.txt"))
	if err != nil {
		return nil, err
	}
	unused := withoutEffect(string(list))
	schema, err := schemaOf(values, unused)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return map[string][]byte{"README.md": readme(values, unused), "values.schema.json": schema}, nil
}
