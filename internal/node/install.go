package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Program is the name of the installed program.
const Program = "steg-node"

// Install copies a program into a directory, where the container of Kafka finds it: the whole of it or nothing.
func Install(program, dir string) (err error) {
	from, err := os.Open(program)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.CreateTemp(dir, "."+Program+"-")
	if err != nil {
		return fmt.Errorf("%w (DIR must be a writable volume)", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(to.Name())
		}
	}()
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Chmod(0o755)
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("copying %s to %s: %w", program, dir, err)
	}
	return os.Rename(to.Name(), filepath.Join(dir, Program))
}
