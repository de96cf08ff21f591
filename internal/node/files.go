package node

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/steg-kafka/steg/internal/node/config"
)

// readFile reads a mounted file of a bounded size. The error names it.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	return content, nil
}

// writeFile writes a file that only this user may read, whole or not at all.
func writeFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-") // mode 0600
	if err != nil {
		return fmt.Errorf("%w (the directory must be a writable volume)", err)
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// texts reads the files of the node's ConfigMaps that there are.
func (o Options) texts() (config.Texts, error) {
	texts := make(config.Texts)
	for _, name := range []string{
		config.SharedFile, config.ListenersFile, config.AdvertisedHostsFile, config.AdvertisedPortsFile,
		config.NodeFile, config.ClusterIDFile, config.MetadataVersionFile, config.FormatFile,
	} {
		content, err := readFile(o.etc(name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			texts[name] = string(content)
		}
	}
	return texts, nil
}

// exists reports whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
