package credentials

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxFile bounds every file read here, in bytes. The largest honest one is a trust store with all public authorities,
// a few hundred KiB.
const maxFile = 8 << 20

// readFile returns a file's content. Errors hold the reason without the path: whoever calls names the setting and the
// path together.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, reason(err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("is larger than %d MiB", maxFile>>20)
	}
	return content, nil
}

// reason takes operation and path off an error of the operating system.
func reason(err error) error {
	var withPath *fs.PathError
	if errors.As(err, &withPath) {
		return withPath.Err
	}
	return err
}

// snapshot is the content of several files at one moment. Keys are paths.
type snapshot map[string]content

// content is one file's bytes, or why there are none.
type content struct {
	bytes []byte
	err   error
}

// read takes a snapshot of the files and of what patterns match now. A file that can't be read is part of it, with its
// error.
func read(paths, patterns []string) snapshot {
	s := make(snapshot, len(paths))
	for _, pattern := range patterns {
		paths = append(paths[:len(paths):len(paths)], matches(pattern)...)
	}
	for _, path := range paths {
		b, err := readFile(path)
		s[path] = content{b, err}
	}
	return s
}

// matches lists the files of a pattern, which stands in the last element of a path. Hidden ones are no match, as in a
// shell: in a volume of Kubernetes they are the states of its content, which the others link to.
func matches(pattern string) []string {
	found, _ := filepath.Glob(pattern) // isPattern has tried the pattern, and there is no other error
	return slices.DeleteFunc(found, func(path string) bool { return hidden(path) && !hidden(pattern) })
}

func hidden(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") }

// isPattern reports whether the last element of a path is a pattern of path/filepath. The error is a pattern that can't
// be read, or one in another element.
func isPattern(path string) (bool, error) {
	const special = "*?["
	if strings.ContainsAny(filepath.Dir(path), special) {
		return false, errors.New("has a pattern in a directory's name: only the last element may be one")
	}
	if !strings.ContainsAny(filepath.Base(path), special) {
		return false, nil
	}
	if _, err := filepath.Match(path, ""); err != nil {
		return false, errors.New("is a pattern with an open [")
	}
	return true, nil
}

// sum is a fingerprint: two snapshots with equal sums hold the same bytes and the same errors.
func (s snapshot) sum() [sha256.Size]byte {
	paths := make([]string, 0, len(s))
	for path := range s {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	h := sha256.New()
	for _, path := range paths {
		failure := ""
		if s[path].err != nil {
			failure = s[path].err.Error()
		}
		for _, part := range [][]byte{[]byte(path), s[path].bytes, []byte(failure)} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write(part)
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// given is a text that a setting holds itself, or a file that it names. The zero value is a setting left out.
type given struct {
	key     string // of the setting, for errors
	path    string // empty: text is meant
	pattern bool   // path is a pattern
	text    string
}

// set reports whether the setting says anything.
func (g given) set() bool { return g.path != "" || g.text != "" }

// read returns the content, from the snapshot if it is a file's.
func (g given) read(s snapshot) ([]byte, error) {
	if g.path == "" {
		return []byte(g.text), nil
	}
	c, ok := s[g.path]
	if !ok {
		return nil, g.errorf("was not read")
	}
	if c.err != nil {
		return nil, g.errorf("%w", c.err)
	}
	return c.bytes, nil
}

// matched returns the setting itself, or of a pattern one for each file that matches it in the snapshot, by name.
func (g given) matched(s snapshot) ([]given, error) {
	if !g.pattern {
		return []given{g}, nil
	}
	var all []given
	for _, path := range slices.Sorted(maps.Keys(s)) {
		if ok, _ := filepath.Match(g.path, path); ok && (!hidden(path) || hidden(g.path)) {
			all = append(all, given{key: g.key, path: path})
		}
	}
	if len(all) == 0 {
		return nil, g.errorf("no file matches")
	}
	return all, nil
}

// errorf makes the one-line error of everything that is wrong with this setting: its key, the file if there is one, and
// the reason.
func (g given) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", g.name(), fmt.Errorf(format, args...))
}

// name is how errors call the setting: its key, and the file if it names one.
func (g given) name() string {
	if g.path == "" {
		return g.key
	}
	return g.key + ": " + g.path
}
