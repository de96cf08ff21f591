package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/steg-kafka/steg/internal/node/config"
)

// emptyCheckpoint is the snapshot that formatting writes into the metadata's directory from Kafka 4.2 on: it is there
// before the node has had any record.
const emptyCheckpoint = "00000000000000000000-0000000000.checkpoint"

// movingName is the metadata's directory while it is copied.
const movingName = ".steg-moving"

// readyStorage makes the log directories such that Kafka starts with them.
func (o Options) readyStorage(ctx context.Context, who identity, settings config.Settings, texts config.Texts) error {
	clusterID, err := config.ClusterID(texts[config.ClusterIDFile])
	if err != nil {
		return err
	}
	dirs, err := inspect(settings.LogDirs())
	if err != nil {
		return err
	}
	plan, err := config.PlanStorage(dirs, settings.MetadataDir(), clusterID, who.id)
	if err != nil {
		return err
	}
	if plan.MoveFrom != "" {
		o.Log.Info("metadata.log.dir has changed: its records move along", "from", plan.MoveFrom, "to", settings.MetadataDir())
		if err := moveMetadata(plan.MoveFrom, settings.MetadataDir()); err != nil {
			return fmt.Errorf("moving the metadata from %s to %s: %w", plan.MoveFrom, settings.MetadataDir(), err)
		}
	}
	for _, dir := range plan.Stale {
		o.Log.Info("removing a copy of the metadata that has been moved", "from", dir, "to", settings.MetadataDir())
		if err := os.RemoveAll(filepath.Join(dir, config.MetadataPartition)); err != nil {
			return err
		}
	}
	if !plan.Format {
		return nil
	}
	return o.format(ctx, clusterID, texts)
}

// inspect makes the directories that are not there and looks into the others.
func inspect(paths []string) ([]config.Dir, error) {
	var dirs []config.Dir
	for _, path := range paths {
		if err := writable(path); err != nil {
			return nil, err
		}
		if err := os.RemoveAll(filepath.Join(path, movingName)); err != nil { // of an interrupted move: Kafka would stumble over it
			return nil, err
		}
		d := config.Dir{Path: path}
		file := filepath.Join(path, config.MetaFile)
		content, err := readFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err == nil {
			meta, err := config.ParseMeta(string(content))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			d.Meta = &meta
		}
		if d.Metadata, err = hasMetadata(filepath.Join(path, config.MetadataPartition)); err != nil {
			return nil, err
		}
		dirs = append(dirs, d)
	}
	return dirs, nil
}

// writable makes a log directory and tries to write there, so that a volume with wrong rights is told of here and not in
// the middle of a stack trace.
func writable(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	var probe *os.File
	if err == nil {
		probe, err = os.CreateTemp(dir, ".steg-")
	}
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return fmt.Errorf("log.dirs: %w (user %d, group %d: the volume needs their rights, as by the pod's fsGroup)", err, os.Getuid(), os.Getgid())
	}
	return nil
}

// hasMetadata reports whether a directory of the metadata has more than what formatting makes.
func hasMetadata(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return false, err
		}
		switch filepath.Ext(e.Name()) {
		case ".log":
			if info.Size() > 0 {
				return true, nil
			}
		case ".checkpoint":
			if e.Name() != emptyCheckpoint {
				return true, nil
			}
		}
	}
	return false, nil
}

// moveMetadata moves the directory of the metadata to another volume. Whenever it is interrupted, one of the two places has
// all of it: the copy gets its name when it is on disk, and only then the original goes.
func moveMetadata(from, to string) error {
	source, target := filepath.Join(from, config.MetadataPartition), filepath.Join(to, config.MetadataPartition)
	moving := filepath.Join(to, movingName)
	if err := os.CopyFS(moving, os.DirFS(source)); err != nil {
		return err
	}
	if err := syncTree(moving); err != nil {
		return err
	}
	if err := os.RemoveAll(target); err != nil { // what formatting has made there
		return err
	}
	if err := os.Rename(moving, target); err != nil {
		return err
	}
	if err := syncFile(to); err != nil {
		return err
	}
	return os.RemoveAll(source)
}

func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return syncFile(path)
	})
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// format runs Kafka's formatter for the directories that are not formatted yet.
func (o Options) format(ctx context.Context, clusterID string, texts config.Texts) error {
	launch, err := o.launch("storage", []string{"-Xmx128M"}, formatting(o.image("storage.jsa")))
	if err != nil {
		return err
	}
	launch.Tool = true
	args := config.FormatArguments(o.propertiesFile(), clusterID, texts[config.MetadataVersionFile], texts[config.FormatFile])
	ctx, cancel := context.WithTimeout(ctx, formatTimeout)
	defer cancel()
	began := time.Now()
	script := filepath.Join(o.KafkaHome, "bin", "kafka-storage.sh")
	cmd := exec.CommandContext(ctx, script, args...)
	cmd.Env = launch.Environment(o.Environ)
	cmd.SysProcAttr = childAttributes()
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = outputGrace
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s was not done after %s: is the volume slow, or the CPU limit small?", script, formatTimeout)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.As(err, &exit):
		return fmt.Errorf("formatting: %w (is the image one of Apache Kafka?)", err)
	case err != nil:
		return fmt.Errorf("%s: %w: %s", script, err, lastWords(out))
	}
	o.Log.Info("log directories are formatted", "cluster", clusterID, "metadataVersion", strings.TrimSpace(texts[config.MetadataVersionFile]),
		"took", time.Since(began).Round(time.Millisecond))
	return nil
}

// formatting are the options of a JVM that ends soon.
func formatting(image config.Image) []string {
	args := []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.io.tmpdir=" + image.Temp}
	if image.Archive != "" {
		args = append(args, "-XX:SharedArchiveFile="+image.Archive)
	}
	return args
}

// lastWords are the last lines that a tool has printed, as one.
func lastWords(out []byte) string {
	lines := strings.Split(string(bytes.TrimSpace(out)), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "at ") }) // a stack trace
	return strings.Join(lines[max(0, len(lines)-3):], " / ")
}
