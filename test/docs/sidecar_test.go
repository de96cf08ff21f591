package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const sidecarPage = "../../docs/sidecar.md"

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every label and annotation of ours has its place on the page, and the page has no other but those of KafkaUsers.
func TestAnnotationsAreDescribed(t *testing.T) {
	page := read(t, sidecarPage)
	declared := map[string]bool{}
	constant := regexp.MustCompile(`= Domain \+ "([a-z-]+)"`)
	for _, m := range constant.FindAllStringSubmatch(read(t, "../../internal/operator/names/names.go"), -1) {
		declared["steg.dev/"+m[1]] = true
		if !strings.Contains(page, "`steg.dev/"+m[1]) {
			t.Errorf("steg.dev/%s is not on the page", m[1])
		}
	}
	if len(declared) < 15 {
		t.Fatalf("only %d names were found", len(declared))
	}
	for _, m := range constant.FindAllStringSubmatch(read(t, "../../internal/operator/names/user.go"), -1) {
		declared["steg.dev/"+m[1]] = true
	}
	for _, name := range regexp.MustCompile(`steg\.dev/[a-z-]+`).FindAllString(page, -1) {
		if !declared[name] {
			t.Errorf("the page names %s, which there is not", name)
		}
	}
}

// Variables and paths in a pod are what the operator makes them.
func TestVariablesAreDescribed(t *testing.T) {
	page, names := read(t, sidecarPage), read(t, "../../internal/operator/names/names.go")
	for _, m := range regexp.MustCompile(`"(KAFKA_HTTP_[A-Z_]+)"`).FindAllStringSubmatch(names, -1) {
		if !strings.Contains(page, "| `"+m[1]+"` |") {
			t.Errorf("%s is not on the page", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`KAFKA_HTTP_[A-Z_]+`).FindAllString(page, -1) {
		if !strings.Contains(names, `"`+m+`"`) {
			t.Errorf("the page names %s, which there is not", m)
		}
	}
}

// All seven steps are there, and those that differ have commands for both ways.
func TestSevenSteps(t *testing.T) {
	page := read(t, sidecarPage)
	for _, step := range []string{"### 1.", "### 2.", "### 3.", "### 4.", "### 5.", "### 6.", "### 7."} {
		if strings.Count(page, "\n"+step) != 1 {
			t.Errorf("%s: %d times", step, strings.Count(page, "\n"+step))
		}
	}
	for _, step := range []string{"### 5.", "### 6."} {
		_, text, _ := strings.Cut(page, "\n"+step)
		text, _, _ = strings.Cut(text, "\n###")
		if !strings.Contains(text, "\n```sh by-hand\n") || !strings.Contains(text, "\n```sh\n") {
			t.Errorf("%s has not both ways", step)
		}
	}
}
