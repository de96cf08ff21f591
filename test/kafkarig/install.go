package kafkarig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Install returns a folder that is laid out like /opt/kafka of the image apache/kafka, for programs that run its scripts:
// bin/kafka-server-start.sh, bin/kafka-storage.sh, libs, config and the archives of classes. image is the folder
// test/lab/kafka/image, whose scripts it has. It is made once per version and kept in the cache, half a minute the first
// time, which ctx bounds; nobody may write there.
func Install(ctx context.Context, version, image string) (home string, err error) {
	if version == "" {
		version = Options{}.withDefaults().Version
	}
	j, err := newInstallJVM(ctx, version)
	if err != nil {
		return "", err
	}
	id, err := installID(j, image)
	if err != nil {
		return "", err
	}
	home = filepath.Join(j.cache, fmt.Sprintf("home-%08x", id))
	done := filepath.Join(home, ".done")
	if exist(done) {
		return home, nil
	}
	unlock, err := lockFile(filepath.Join(j.cache, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if exist(done) {
		return home, nil
	}
	if err := os.RemoveAll(home); err != nil {
		return "", fmt.Errorf("kafkarig: %w", err)
	}
	if err := layOut(home, version, image, j.jars); err != nil {
		return "", fmt.Errorf("kafkarig: %w", err)
	}
	if err := archive(ctx, version, home, j.cache); err != nil {
		return "", fmt.Errorf("kafkarig: archives of classes: %w", err)
	}
	return home, os.WriteFile(done, nil, 0o644)
}

// newInstallJVM finds java and the jars.
func newInstallJVM(ctx context.Context, version string) (*jvm, error) {
	java, err := findJava()
	if err != nil {
		return nil, err
	}
	list, err := jars(ctx, version)
	if err != nil {
		return nil, err
	}
	cache, err := cacheDir(version)
	return &jvm{java: java, jars: list, cache: cache}, err
}

// installID tells installations apart that differ in anything an archive of classes depends on.
func installID(j *jvm, image string) (uint32, error) {
	build, err := exec.CommandContext(context.Background(), j.java, "-Xinternalversion").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("kafkarig: java: %w: %s", err, lastLines(build, 5))
	}
	scripts, err := filepath.Glob(filepath.Join(image, "bin", "*"))
	if err != nil || len(scripts) == 0 {
		return 0, fmt.Errorf("kafkarig: %s has no scripts of the image", image)
	}
	all := bytes.NewBuffer(append(build, strings.Join(j.jars, ":")...))
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, fmt.Errorf("kafkarig: %w", err)
		}
		all.Write(text)
	}
	return crc32.ChecksumIEEE(all.Bytes()), nil
}

// layOut makes everything but the archives.
func layOut(home, version, image string, list []string) error {
	for _, dir := range []string{"bin", "libs", "config"} {
		if err := os.MkdirAll(filepath.Join(home, dir), 0o755); err != nil {
			return err
		}
	}
	if err := os.CopyFS(filepath.Join(home, "bin"), os.DirFS(filepath.Join(image, "bin"))); err != nil {
		return err
	}
	const storage = "#!/bin/bash\nexec \"$(dirname \"$(readlink -f \"$0\")\")/kafka-run-class.sh\" kafka.tools.StorageTool \"$@\"\n"
	if err := os.WriteFile(filepath.Join(home, "bin", "kafka-storage.sh"), []byte(storage), 0o755); err != nil {
		return err
	}
	for _, jar := range list {
		if err := os.Link(jar, filepath.Join(home, "libs", filepath.Base(jar))); err != nil {
			return err
		}
	}
	configs := []string{"log4j2.yaml", "tools-log4j2.yaml"}
	if strings.HasPrefix(version, "3.") {
		configs = []string{"log4j.properties", "tools-log4j.properties"}
	}
	for _, name := range configs {
		text, err := os.ReadFile(filepath.Join(image, "config", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(home, "config", name), text, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// archive makes storage.jsa and kafka.jsa as the image has them: of a format and of a broker that has served.
func archive(ctx context.Context, version, home, cache string) error {
	work, err := os.MkdirTemp(cache, "archive-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	base, release, err := reservePorts(1)
	if err != nil {
		return err
	}
	defer release()
	if err := os.MkdirAll(nodeDir(work, 0), 0o755); err != nil {
		return err
	}
	settings := filepath.Join(work, "server.properties")
	o := Options{Version: version, Brokers: 1}.withDefaults()
	if err := os.WriteFile(settings, []byte(properties(o, work, base, 0)), 0o600); err != nil {
		return err
	}
	script := func(name, record string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(home, "bin", name), args...)
		cmd.Env = append(os.Environ(), "LOG_DIR="+work, "KAFKA_HEAP_OPTS=-Xmx256m", "EXTRA_ARGS=",
			"KAFKA_JVM_PERFORMANCE_OPTS=-Xlog:cds=error -XX:ArchiveClassesAtExit="+filepath.Join(work, record))
		return cmd
	}
	out, err := script("kafka-storage.sh", "storage.jsa", "format", "-t", newID(), "-c", settings).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, lastLines(out, 10))
	}
	log := filepath.Join(work, "kafka.log")
	p, err := launch(script("kafka-server-start.sh", "kafka.jsa", settings), log)
	if err != nil {
		return err
	}
	err = p.awaitReady(ctx)
	if err = errors.Join(err, p.signal(syscall.SIGTERM)); err != nil {
		text, _ := os.ReadFile(log)
		return fmt.Errorf("%w; its log:\n%s", err, lastLines(text, 10))
	}
	for _, name := range []string{"storage.jsa", "kafka.jsa"} {
		if err := os.Rename(filepath.Join(work, name), filepath.Join(home, name)); err != nil {
			return err
		}
	}
	return nil
}

// awaitReady waits until a broker serves.
func (p *process) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case <-p.ready:
		return nil
	case <-p.ended:
		return fmt.Errorf("the broker has ended: %w", p.err)
	case <-ctx.Done():
		return fmt.Errorf("the broker does not serve: %w", ctx.Err())
	}
}

// Ports reserves n free ports on loopback, at most 30, until release or the end of the process. No rig gets them meanwhile,
// and they lie where the kernel takes none for outgoing connections.
func Ports(n int) (ports []int, release func(), err error) {
	base, release, err := reservePorts((n + portsPerBroker - 1) / portsPerBroker)
	if err != nil {
		return nil, nil, err
	}
	for i := range n {
		ports = append(ports, base+i)
	}
	return ports, release, nil
}

// NewID is a random id of a cluster.
func NewID() string { return newID() }
