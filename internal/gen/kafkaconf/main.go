// Command kafkaconf writes the tables of internal/operator/kafkaconf: what each supported Kafka server knows about its own
// settings and about metadata versions. It is run by hand when a version is added, from the root of the repository:
//
//	go run ./internal/gen/kafkaconf            writes the tables
//	go run ./internal/gen/kafkaconf -answers   writes the answers in testdata/java-<version>.tsv beside them again
//
// Maven finds the jars, in its own repository or in Maven Central, and the Java programs beside this file ask them. Maven and
// a JDK, 17 or newer, are needed: java compiles the programs itself. A version is added by its number in versions; the tables
// need nothing else.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

// versions are the Kafka versions that the tables are about, ascending: every patch, because a patch may add a setting
// (4.2.2 has max.decompressed.message.bytes, 4.2.1 has not).
const versions = "3.9.0 3.9.1 3.9.2 4.0.0 4.0.1 4.0.2 4.1.0 4.1.1 4.1.2 4.2.0 4.2.1 4.2.2 4.3.0 4.3.1"

// perVersion bounds what one version may take: its jars are some 60 MB.
const perVersion = 10 * time.Minute

// The Java programs.
var (
	//go:embed Options.java
	optionsJava []byte
	//go:embed Answers.java
	answersJava []byte
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir := flag.String("dir", filepath.Join("internal", "operator", "kafkaconf"), "folder of the tables")
	again := flag.Bool("answers", false, "write the answers of the tests instead of the tables")
	flag.Parse()
	work := writeTables
	if *again {
		work = writeAnswers
	}
	if err := work(ctx, *dir, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "kafkaconf:", err)
		os.Exit(1)
	}
}

// writeTables writes the tables into dir, all or none, and says on progress which version it reads.
func writeTables(ctx context.Context, dir string, progress io.Writer) error {
	numbers := strings.Fields(versions)
	var all []facts
	for _, number := range numbers {
		fmt.Fprintln(progress, "Kafka", number)
		f, err := ask(ctx, number)
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	for name, text := range tables(numbers, all) {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeAnswers lets each version answer its file of questions in dir again.
func writeAnswers(ctx context.Context, dir string, progress io.Writer) error {
	files, err := filepath.Glob(filepath.Join(dir, "testdata", "java-*.tsv"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no testdata/java-<version>.tsv in %s", dir)
	}
	for _, file := range files {
		number := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "java-"), ".tsv")
		fmt.Fprintln(progress, "Kafka", number)
		if _, err := java(ctx, number, answersJava, file); err != nil {
			return err
		}
	}
	return nil
}

// ask returns what the jars of one version say.
func ask(ctx context.Context, number string) (facts, error) {
	out, err := java(ctx, number, optionsJava)
	if err != nil {
		return facts{}, err
	}
	return parseFacts(number, string(out))
}

// java runs a program with the jars of one Kafka version and returns what it prints. It ends after perVersion, or when ctx
// does.
func java(ctx context.Context, number string, program []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, perVersion)
	defer cancel()
	work, err := os.MkdirTemp("", "kafkaconf-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	project, paths, source := filepath.Join(work, "pom.xml"), filepath.Join(work, "classpath"), filepath.Join(work, "Program.java")
	if err := os.WriteFile(project, pom(number), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(source, program, 0o600); err != nil {
		return nil, err
	}
	if _, err := command(ctx, "mvn", "-q", "-B", "-f", project, "dependency:build-classpath",
		"-DincludeScope=runtime", "-Dmdep.outputFile="+paths); err != nil {
		return nil, fmt.Errorf("jars of Kafka %s: %w", number, err)
	}
	classpath, err := os.ReadFile(paths)
	if err != nil {
		return nil, fmt.Errorf("jars of Kafka %s: %w", number, err)
	}
	out, err := command(ctx, "java", append([]string{"-cp", string(classpath), source}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("asking Kafka %s: %w", number, err)
	}
	return out, nil
}

// pom is a Maven project that depends on the server of one version and is nothing else.
func pom(number string) []byte {
	return []byte(`<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>steg</groupId><artifactId>kafkaconf</artifactId><version>1</version><packaging>pom</packaging><dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + number + `</version>
</dependency></dependencies></project>
`)
}

// command returns what a program prints. Its error has the end of what the program complained about.
func command(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		text := append(out.Bytes(), complaints.Bytes()...) // Maven complains on standard output
		return nil, fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(text[max(0, len(text)-500):]))
	}
	return out.Bytes(), nil
}
