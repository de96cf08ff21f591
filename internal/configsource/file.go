package configsource

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/steg-kafka/steg/internal/bridgeconfig"
	"github.com/steg-kafka/steg/internal/properties"
)

// maxFile bounds a file of settings, in bytes; the largest honest ones hold a few certificates.
const maxFile = 4 << 20

// ReadFile reads a properties file as java.util.Properties does: ISO-8859-1 with \uXXXX (bridge contract 3.1). The layer
// is called by its path. Errors are one line with the path and, where the content is at fault, the line's number.
func ReadFile(path string) (bridgeconfig.Layer, error) {
	content, err := readBounded(path)
	if err != nil {
		return bridgeconfig.Layer{}, fmt.Errorf("%s: %w", path, err)
	}
	return Text(path, latin1(content))
}

// Text reads settings in the syntax of java.util.Properties from a text in Unicode, such as an environment variable's. The
// layer is called origin; the error names it and the line.
func Text(origin, text string) (bridgeconfig.Layer, error) {
	entries, err := properties.Parse(text)
	if err != nil {
		return bridgeconfig.Layer{}, fmt.Errorf("%s: %w", origin, err)
	}
	l := bridgeconfig.Layer{Origin: origin, Values: make(map[string]string, len(entries)), Lines: make(map[string]int, len(entries))}
	for _, p := range entries { // the last of duplicate keys counts
		l.Values[p.Key], l.Lines[p.Key] = p.Value, p.Line
	}
	return l, nil
}

// Sets reads the values of --set key=value, in their order; a later one wins. The value is everything after the first
// equals sign, untrimmed. Errors name the key at most.
func Sets(sets []string) (bridgeconfig.Layer, error) {
	values := make(map[string]string, len(sets))
	for i, set := range sets {
		key, value, found := strings.Cut(set, "=")
		if !found {
			return bridgeconfig.Layer{}, fmt.Errorf("--set number %d has no equals sign: it is key=value", i+1)
		}
		if key = strings.TrimSpace(key); key == "" {
			return bridgeconfig.Layer{}, fmt.Errorf("--set number %d has no key: it is key=value", i+1)
		}
		values[key] = value
	}
	return bridgeconfig.Layer{Origin: "--set", Values: values}, nil
}

// latin1 decodes ISO-8859-1, in which every byte is the code point of its number.
func latin1(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for _, c := range b {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// readBounded returns a file's content. Errors hold the reason without the path.
func readBounded(path string) ([]byte, error) {
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
