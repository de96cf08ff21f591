package configsource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/steg-kafka/steg/internal/javaregex"
	"github.com/steg-kafka/steg/internal/properties"
)

// environment is Kafka's EnvVarConfigProvider.
type environment struct {
	lookup  func(string) (string, bool)
	allowed *regexp.Regexp // nil: every variable
}

// newEnvironment compiles allowlist.pattern, a Java expression for whole names. The error begins with the parameter's
// key.
func newEnvironment(params map[string]string, lookup func(string) (string, bool)) (provider, error) {
	const name = "allowlist.pattern"
	pattern, given := params[name]
	if !given {
		return environment{lookup: lookup}, nil
	}
	allowed, err := javaregex.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("param.%s: %w", name, err)
	}
	return environment{lookup, allowed}, nil
}

// get has no values for variables that are unset or not allowed: such references stay literally.
func (e environment) get(_ context.Context, path string, keys []string) (map[string]string, error) {
	if path != "" {
		return nil, fmt.Errorf("a path is not supported for environment variables, invalid value %q", path)
	}
	values := map[string]string{}
	for _, key := range keys {
		if e.allowed != nil && !e.allowed.MatchString(key) {
			continue
		}
		if v, ok := e.lookup(key); ok {
			values[key] = v
		}
	}
	return values, nil
}

// anyEnvironment is Strimzi's EnvVarConfigProvider, which ignores paths and has no allow-list.
type anyEnvironment struct{ lookup func(string) (string, bool) }

// get drops the path.
func (e anyEnvironment) get(ctx context.Context, _ string, keys []string) (map[string]string, error) {
	return environment{lookup: e.lookup}.get(ctx, "", keys)
}

// allowedPaths limits file and directory providers. Nil: every path. Paths are compared by their names: links are not
// followed, as in Java, so that the links inside a mounted Secret work.
type allowedPaths []string

// newAllowedPaths reads a comma list of paths, which must be absolute and exist, in Kafka's words. An empty list is
// none.
func newAllowedPaths(params map[string]string) (allowedPaths, error) {
	const name = "allowed.paths"
	if params[name] == "" {
		return nil, nil
	}
	var allowed allowedPaths
	for path := range strings.SplitSeq(params[name], ",") {
		path = filepath.Clean(path)
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("param.%s: Path %s is not absolute", name, path)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("param.%s: Path %s does not exist", name, path)
		}
		allowed = append(allowed, path)
	}
	return allowed, nil
}

// permit returns the path to use, and whether it may be used.
func (a allowedPaths) permit(path string) (string, bool) {
	if a == nil {
		return path, true
	}
	path = filepath.Clean(path)
	for _, root := range a {
		if path == root || root == "/" || strings.HasPrefix(path, root+"/") {
			return path, true
		}
	}
	return "", false
}

// file is Kafka's FileConfigProvider: a properties file in UTF-8.
type file struct {
	allowed allowedPaths
	log     *slog.Logger
}

// get returns the whole file: its keys are looked up by the caller. Without a path, or with one that is not allowed,
// there are no values; a file that can't be read is an error, as in Kafka.
func (f file) get(_ context.Context, path string, _ []string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	name, ok := f.allowed.permit(path)
	if !ok {
		f.log.Warn("a path is not among allowed.paths", "path", path)
		return nil, nil
	}
	content, err := readBounded(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("%s: is not UTF-8", path)
	}
	values, err := properties.Map(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return values, nil
}

// path is that of the properties file.
func (f file) path(ref reference) (string, bool) {
	if ref.path == "" {
		return "", false
	}
	return f.allowed.permit(ref.path)
}

// directory is Kafka's DirectoryConfigProvider: each key is a file of the directory, whose content is the value.
type directory struct {
	allowed allowedPaths
	log     *slog.Logger
}

// get reads only the files that are asked for. Links are followed: the files of a mounted Secret are links. A path that
// is no directory gives no values, as in Kafka.
func (d directory) get(_ context.Context, path string, keys []string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	dir, ok := d.allowed.permit(path)
	if !ok {
		d.log.Warn("a path is not among allowed.paths", "path", path)
		return nil, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		d.log.Warn("a path is not a directory", "path", path)
		return nil, nil
	}
	values := map[string]string{}
	for _, key := range keys {
		if !isName(key) {
			continue
		}
		name := filepath.Join(dir, key)
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		content, err := readBounded(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		values[key] = strings.ToValidUTF8(string(content), "\uFFFD")
	}
	return values, nil
}

// path is that of the key's file.
func (d directory) path(ref reference) (string, bool) {
	if ref.path == "" || !isName(ref.key) {
		return "", false
	}
	dir, ok := d.allowed.permit(ref.path)
	return filepath.Join(dir, ref.key), ok
}

// isName reports whether a key names a file of a directory itself.
func isName(key string) bool {
	return key != "" && key != "." && key != ".." && !strings.ContainsRune(key, filepath.Separator)
}
