package kafkarig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The Debian packages that have what the rig needs.
const (
	javaPackage  = "openjdk-17-jdk-headless"
	mavenPackage = "maven"
)

// findJava returns the java to run brokers with, JAVA_HOME's if there is one.
func findJava() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if java, err := exec.LookPath(filepath.Join(home, "bin", "java")); err == nil {
			return java, nil
		}
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("kafkarig: no java, which a real Kafka needs: install Java 17 or newer (apt-get install %s) or run `go run ./test/kafkarig/cmd/kafkarig install` as root", javaPackage)
	}
	return java, nil
}

// findMaven returns mvn, which fetches Kafka's jars.
func findMaven() (string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("kafkarig: no mvn, which fetches Kafka's jars: install Maven (apt-get install %s) or run `go run ./test/kafkarig/cmd/kafkarig install` as root", mavenPackage)
	}
	return mvn, nil
}

// EnsureTools installs java and mvn with apt-get where they are missing, which
// takes root; without root, or without apt-get, it says what to install.
// Progress goes to out.
func EnsureTools(ctx context.Context, out io.Writer) error {
	var missing []string
	_, noJava := findJava()
	if noJava != nil {
		missing = append(missing, javaPackage)
	}
	_, noMaven := findMaven()
	if noMaven != nil {
		missing = append(missing, mavenPackage)
	}
	if len(missing) == 0 {
		return nil
	}
	apt, err := exec.LookPath("apt-get")
	if err != nil || os.Geteuid() != 0 {
		return errors.Join(noJava, noMaven)
	}
	if _, err := fmt.Fprintln(out, "installing", strings.Join(missing, " ")); err != nil {
		return fmt.Errorf("kafkarig: %w", err)
	}
	for _, args := range [][]string{
		{"update", "-q"},
		append([]string{"install", "-q", "-y", "--no-install-recommends"}, missing...),
	} {
		cmd := exec.CommandContext(ctx, apt, args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("kafkarig: apt-get %s: %w", args[0], err)
		}
	}
	return nil
}

// cacheDir is where a version's jars and archives are kept: below
// $STEG_CACHE, or ~/.cache/steg.
func cacheDir(version string) (string, error) {
	base := os.Getenv("STEG_CACHE")
	if base == "" {
		home, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("kafkarig: %w", err)
		}
		base = filepath.Join(home, "steg")
	}
	dir := filepath.Join(base, "kafka", version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("kafkarig: cache for jars: %w", err)
	}
	return dir, nil
}
