package devbroker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// lockFile marks a directory as in use. kfake leaves it alone.
const lockFile = "steg.lock"

// stateFile is what kfake writes first into a data directory.
const stateFile = "meta.json"

// lockDir takes the lock of dir, which the operating system gives back when the
// file is closed or the process ends, however it ends. The file holds the
// owner's process id, for the message only.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: directory %s is not writable: %w", dir, rootCause(err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := io.ReadAll(io.LimitReader(f, 20))
		return nil, errors.Join(fmt.Errorf("embedded broker: directory %s is used by another process (pid %s)",
			dir, strings.TrimSpace(string(owner))), f.Close())
	}
	if err == nil {
		err = writeOwner(f)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded broker: lock of directory %s: %w", dir, rootCause(err)), f.Close())
	}
	return f, nil
}

func writeOwner(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// checkOwn refuses a directory that holds somebody else's files: a mistyped
// path must not scatter a broker's data over a home directory.
func checkOwn(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("embedded broker: directory %s cannot be read: %w", dir, rootCause(err))
	}
	foreign := ""
	for _, e := range entries {
		switch e.Name() {
		case stateFile:
			return nil
		case lockFile, "lost+found": // the latter is any new file system's
		default:
			foreign = e.Name()
		}
	}
	if foreign != "" && !strings.HasSuffix(foreign, ".tmp") {
		return fmt.Errorf("embedded broker: directory %s holds other files (%s): give an empty or a new one", dir, foreign)
	}
	return nil
}

// rootCause drops the path from a file error where the message has it already.
func rootCause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
