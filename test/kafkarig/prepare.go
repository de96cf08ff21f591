package kafkarig

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A broker starts from two files that are made once for a version and kept in
// the cache: an archive of its classes (class data sharing, three CPU seconds
// less a start) and the first metadata record, which has the SCRAM users
// (instead of running Kafka's formatter for each broker).
const checkpointFile = "bootstrap.checkpoint"

// jvm is how to run Kafka's classes of one version.
type jvm struct {
	java    string
	jars    []string
	cache   string // the version's folder
	archive string // of classes; "" for none
	record  string // if not "", where to write an archive to
	logging string // folder of the log configurations
}

// args are java's arguments for running a class with arguments of its own.
func (j *jvm) args(o Options, class string, rest ...string) []string {
	args := append([]string{"-Xmx" + o.Heap}, o.JVM...)
	switch {
	case j.record != "":
		args = append(args, "-XX:ArchiveClassesAtExit="+j.record)
	case j.archive != "":
		args = append(args, "-XX:SharedArchiveFile="+j.archive)
	}
	args = append(args, "-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile="+filepath.Join(j.logging, "log4j2.properties"),
		"-Dlog4j.configuration=file:"+filepath.Join(j.logging, "log4j1.properties"),
		"-cp", strings.Join(j.jars, string(os.PathListSeparator)), class)
	return append(args, rest...)
}

// newJVM finds java and the jars, and writes the log configurations into dir.
func newJVM(ctx context.Context, o Options, dir string) (*jvm, error) {
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	list, err := jars(ctx, o.Version)
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir(o.Version)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"log4j2.properties": log4j2, "log4j1.properties": log4j1} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("kafkarig: %w", err)
		}
	}
	return &jvm{java: java, jars: list, cache: cache, logging: dir}, nil
}

// prepare makes what is to be made once per version and JVM.
func (j *jvm) prepare(ctx context.Context, o Options) error {
	build, err := exec.CommandContext(ctx, j.java, "-Xinternalversion").CombinedOutput()
	if err != nil {
		return fmt.Errorf("kafkarig: java: %w: %s", err, lastLines(build, 5))
	}
	// An archive fits one build of the JVM and one class path only.
	id := crc32.ChecksumIEEE(append(build, strings.Join(j.jars, ":")...))
	archive, checkpoint := filepath.Join(j.cache, fmt.Sprintf("kafka-%08x.jsa", id)), filepath.Join(j.cache, checkpointFile)
	if exist(archive, checkpoint) {
		j.archive = archive
		return nil
	}
	unlock, err := lockFile(filepath.Join(j.cache, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if !exist(checkpoint) {
		if err := j.makeCheckpoint(ctx, o, checkpoint); err != nil {
			return err
		}
	}
	if !exist(archive) {
		if err := j.makeArchive(o.Version, archive); err != nil {
			return err
		}
	}
	j.archive = archive
	return nil
}

func exist(names ...string) bool {
	for _, n := range names {
		if _, err := os.Stat(n); err != nil {
			return false
		}
	}
	return true
}

// makeCheckpoint runs Kafka's formatter for the file that it writes.
func (j *jvm) makeCheckpoint(ctx context.Context, o Options, file string) error {
	work, err := os.MkdirTemp(j.cache, "format-")
	if err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	o = Options{Version: o.Version, Brokers: 1, Heap: "128m"}
	if err := os.MkdirAll(nodeDir(work, 0), 0o755); err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	settings := filepath.Join(work, "server.properties")
	if err := os.WriteFile(settings, []byte(properties(o, work, lowestPort, 0)), 0o600); err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	format := []string{"format", "-t", newID(), "-c", settings}
	for user, password := range map[string]string{AdminUser: AdminPassword, OrdinaryUser: OrdinaryPassword} {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			format = append(format, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, password))
		}
	}
	out, err := exec.CommandContext(ctx, j.java, j.args(o, "kafka.tools.StorageTool", format...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("kafkarig: formatting: %w: %s", err, lastLines(out, 10))
	}
	if err := os.Rename(filepath.Join(dataDir(work, 0), checkpointFile), file); err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	return nil
}

// makeArchive runs a broker with all listeners for the classes that it loads.
func (j *jvm) makeArchive(version, file string) (err error) {
	work, err := os.MkdirTemp(j.cache, "archive-")
	if err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	recording := *j
	recording.record = filepath.Join(work, "kafka.jsa")
	r, err := create(Options{Version: version, TLS: true, SASL: true, Dir: work}.withDefaults(), &recording)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := r.StartAll(); err != nil {
		return err
	}
	if err := r.end(0, syscall.SIGTERM); err != nil {
		return err
	}
	if err := os.Rename(recording.record, file); err != nil {
		return fmt.Errorf("kafkarig: archive of classes: %w; the log:\n%s", err, r.LogTail(0, 10))
	}
	return nil
}

// format makes broker i's data directory as Kafka's formatter does.
func format(j *jvm, dir, cluster string, i int) error {
	data := dataDir(dir, i)
	checkpoint, err := os.ReadFile(filepath.Join(j.cache, checkpointFile))
	if err == nil {
		err = os.MkdirAll(data, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(data, checkpointFile), checkpoint, 0o644)
	}
	if err == nil {
		meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", cluster, i, newID())
		err = os.WriteFile(filepath.Join(data, "meta.properties"), []byte(meta), 0o644)
	}
	if err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	return nil
}

// newID is a random id as Kafka writes them: 22 characters, none of them a
// leading hyphen.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(b)
}
