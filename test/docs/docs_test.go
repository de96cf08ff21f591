// Package docs runs the commands of the documentation: every block marked `sh` of the README is executed against a bridge
// on the embedded broker, and its output is compared with the block marked `json` behind it.
package docs

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// block is one fenced piece of a page.
type block struct {
	language string
	text     string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")

func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		out = append(out, block{language: m[1], text: m[2]})
	}
	return out
}

// startBridge builds and starts the bridge on free ports and returns host:port of its API.
func startBridge(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "steg-bridge")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/steg-bridge").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "--embedded", "--set", "http.host=127.0.0.1", "--set", "http.port=0", "--set", "http.management.port=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // the signal's exit is not the test's
	})
	listening := regexp.MustCompile(`listening on port (\d+)`)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return "localhost:" + m[1]
		}
	}
	t.Fatal("the bridge ended before it listened")
	return ""
}

var timestamp = regexp.MustCompile(`"timestamp":\d+`)

func TestReadme(t *testing.T) {
	address := startBridge(t)
	list := blocks(t, "../../README.md")
	ran := 0
	for i, b := range list {
		if b.language != "sh" {
			continue
		}
		ran++
		script := "set -euo pipefail\n" + strings.ReplaceAll(b.text, "localhost:8080", address)
		cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v\n%s", b.text, err, out)
		}
		if i+1 == len(list) || list[i+1].language != "json" {
			continue
		}
		got := timestamp.ReplaceAllString(strings.ReplaceAll(string(out), address, "localhost:8080"), `"timestamp":0`)
		want := timestamp.ReplaceAllString(list[i+1].text, `"timestamp":0`)
		if strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s\ngot  %s\nwant %s", b.text, got, want)
		}
	}
	if ran < 4 {
		t.Errorf("only %d commands were run", ran)
	}
}

var link = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("../../*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"../../docs/*.md", "../../docs/*/*.md"} {
		more, err := filepath.Glob(dir)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, more...)
	}
	seen := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("no link was seen")
	}
}
