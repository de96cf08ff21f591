// Crds writes what is generated from the packages below api: the deep copies beside the types, and the custom resource definitions
// into the operator's chart. It calls controller-gen and then drops from the schemas what belongs to Kubernetes' own types
// (descriptions and defaults), so that they stay small and write nothing into what a user left out:
//
//	go run ./internal/gen/crds            # writes the files
//	go run ./internal/gen/crds -check     # compares, and exits with 1 when one is out of date
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// patience bounds the whole run. controller-gen needs a second per package once the build cache is warm.
const patience = 10 * time.Minute

func main() {
	check := flag.Bool("check", false, "compare with the files instead of writing them")
	tool := flag.String("controller-gen", "controller-gen", "the program controller-gen of tools/go.mod")
	root := flag.String("root", ".", "the root of the repository")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := run(ctx, *tool, *root, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, tool, root string, check bool) error {
	files, err := generate(ctx, tool, root)
	if err != nil {
		return err
	}
	stale, err := leftovers(root, files)
	if err != nil {
		return err
	}
	if check {
		return compare(root, files, stale)
	}
	return write(root, files, stale)
}

// generate returns the content of each generated file by its path below root.
func generate(ctx context.Context, tool, root string) (map[string][]byte, error) {
	tmp, err := os.MkdirTemp("", "crds")
	if err != nil {
		return nil, fmt.Errorf("a directory for controller-gen: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // a leftover in the system's temporary directory harms nobody
	files := map[string][]byte{}
	for _, pkg := range packages {
		dir := filepath.Join(tmp, pkg)
		if err := controllerGen(ctx, tool, root, "object", "paths=./"+pkg, "output:object:dir="+dir); err != nil {
			return nil, err
		}
		if files[filepath.Join(pkg, deepCopies)], err = os.ReadFile(filepath.Join(dir, deepCopies)); err != nil {
			return nil, fmt.Errorf("deep copies of %s: %w", pkg, err)
		}
	}
	if err := controllerGen(ctx, tool, root, "crd:crdVersions=v1,allowDangerousTypes=true", "paths=./api/...", "output:crd:dir="+tmp); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		raw, err := os.ReadFile(filepath.Join(tmp, k.group+"_"+k.plural+".yaml"))
		if err != nil {
			return nil, fmt.Errorf("definition of %s: %w", k.plural, err)
		}
		path := filepath.Join(definitions, k.plural+".yaml")
		if files[path], err = trim(raw, k); err != nil {
			return nil, fmt.Errorf("definition of %s: %w", k.plural, err)
		}
	}
	return files, nil
}

func controllerGen(ctx context.Context, tool, root string, args ...string) error {
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", tool, args, err, out)
	}
	return nil
}

// leftovers lists the definitions in the chart that nothing generates any longer.
func leftovers(root string, files map[string][]byte) ([]string, error) {
	var stale []string
	found, err := filepath.Glob(filepath.Join(root, definitions, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", definitions, err)
	}
	for _, path := range found {
		path = filepath.Join(definitions, filepath.Base(path))
		if _, wanted := files[path]; !wanted {
			stale = append(stale, path)
		}
	}
	return stale, nil
}

func compare(root string, files map[string][]byte, stale []string) error {
	for path, want := range files {
		have, err := os.ReadFile(filepath.Join(root, path))
		if errors.Is(err, os.ErrNotExist) || err == nil && !bytes.Equal(have, want) {
			stale = append(stale, path)
		} else if err != nil {
			return fmt.Errorf("reading a generated file: %w", err)
		}
	}
	if len(stale) == 0 {
		return nil
	}
	slices.Sort(stale)
	return fmt.Errorf("out of date: %v: go run ./internal/gen/crds", stale)
}

func write(root string, files map[string][]byte, stale []string) error {
	for _, path := range stale {
		if err := os.Remove(filepath.Join(root, path)); err != nil {
			return fmt.Errorf("removing what is generated no longer: %w", err)
		}
	}
	for path, content := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("a directory for generated files: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("writing a generated file: %w", err)
		}
	}
	return nil
}
