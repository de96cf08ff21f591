package kafkarig

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// reload4j binds slf4j to a log in Kafka 3.9's version of it.
const reload4j = "org.slf4j:slf4j-reload4j:1.7.36"

// dependency is a Maven coordinate.
type dependency struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
}

func parseDependency(coordinate string) dependency {
	p := strings.SplitN(coordinate, ":", 3)
	return dependency{Group: p[0], Artifact: p[1], Version: p[2]}
}

// pom is a project that is nothing but its dependencies.
func pom(coordinates []string) ([]byte, error) {
	project := struct {
		XMLName      xml.Name     `xml:"http://maven.apache.org/POM/4.0.0 project"`
		Model        string       `xml:"modelVersion"`
		Group        string       `xml:"groupId"`
		Artifact     string       `xml:"artifactId"`
		Version      string       `xml:"version"`
		Packaging    string       `xml:"packaging"`
		Dependencies []dependency `xml:"dependencies>dependency"`
	}{Model: "4.0.0", Group: "steg", Artifact: "kafka", Version: "1", Packaging: "pom"}
	for _, c := range coordinates {
		project.Dependencies = append(project.Dependencies, parseDependency(c))
	}
	return xml.Marshal(project)
}

// jars returns the jars of a broker of that version, from the cache or else
// from Maven Central.
func jars(ctx context.Context, version string) ([]string, error) {
	cache, err := cacheDir(version)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "core")
	done := filepath.Join(dir, ".done")
	if _, err := os.Stat(done); err != nil {
		if err := fetchOnce(ctx, version, cache, dir, done); err != nil {
			return nil, err
		}
	}
	list, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil || len(list) == 0 {
		return nil, fmt.Errorf("kafkarig: %s has no jars: remove it", dir)
	}
	return list, nil
}

// fetchOnce fills dir unless another process has done so meanwhile.
func fetchOnce(ctx context.Context, version, cache, dir, done string) error {
	unlock, err := lockFile(filepath.Join(cache, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	if err := fetch(ctx, version, dir); err != nil {
		return fmt.Errorf("kafkarig: jars of Kafka %s from Maven Central: %w", version, err)
	}
	return os.WriteFile(done, nil, 0o644)
}

// fetch copies a broker's jars into dir. The poms leave the log binding to the
// release, so that comes in a second round: of log4j 2 (Kafka 4) in the version
// that has come along, of reload4j for Kafka 3.9.
func fetch(ctx context.Context, version, dir string) error {
	want := []string{"org.apache.kafka:kafka_2.13:" + version}
	if err := copyDependencies(ctx, want, dir); err != nil {
		return err
	}
	cores, err := filepath.Glob(filepath.Join(dir, "log4j-core-*.jar"))
	if err != nil {
		return err
	}
	if len(cores) == 0 {
		return copyDependencies(ctx, append(want, reload4j), dir)
	}
	v := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(cores[0]), "log4j-core-"), ".jar")
	for _, a := range []string{"log4j-slf4j-impl", "log4j-1.2-api", "log4j-core", "log4j-api"} {
		want = append(want, "org.apache.logging.log4j:"+a+":"+v)
	}
	return copyDependencies(ctx, want, dir)
}

func copyDependencies(ctx context.Context, coordinates []string, dir string) error {
	mvn, err := findMaven()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "kafkarig-mvn-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	project, err := pom(coordinates)
	if err != nil {
		return err
	}
	file := filepath.Join(work, "pom.xml")
	if err := os.WriteFile(file, project, 0o600); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+dir).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mvn: %w: %s", err, lastLines(out, 5))
	}
	return nil
}

// lockFile waits for the lock of a file, which ends with the process.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("kafkarig: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("kafkarig: lock of %s: %w", name, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// lastLines returns the last n lines of a text that are not empty.
func lastLines(text []byte, n int) string {
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
