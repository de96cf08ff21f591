package credentials

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
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

// read takes a snapshot of the files. A file that can't be read is part of it, with its error.
func read(paths []string) snapshot {
	s := make(snapshot, len(paths))
	for _, path := range paths {
		b, err := readFile(path)
		s[path] = content{b, err}
	}
	return s
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
	key  string // of the setting, for errors
	path string // empty: text is meant
	text string
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
