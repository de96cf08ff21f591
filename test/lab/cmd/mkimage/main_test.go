package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// context makes a folder from names and texts; "-> x" makes a link, a name ending in ".sh" a program.
func context(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o600)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o700
		}
		err := error(nil)
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, file)
		} else {
			err = os.WriteFile(file, []byte(text), mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pack runs mkimage and returns the archive's entries and its bytes.
func pack(t *testing.T, dir string, flags ...string) (map[string][]byte, []byte) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "image.tar")
	o, err := parseFlags(append(append([]string{"-t", "example.com/steg:1.0", "-o", out}, flags...), dir), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := build(o, io.Discard); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(whole)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, whole
		}
		if err != nil {
			t.Fatal(err)
		}
		if entries[h.Name] != nil {
			t.Errorf("%s is there twice", h.Name)
		}
		if entries[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// blob decodes what a descriptor points to, and checks that it does.
func blob[T any](t *testing.T, entries map[string][]byte, d descriptor) T {
	t.Helper()
	var v T
	b := entries["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
	sum := sha256.Sum256(b)
	if d.Size != int64(len(b)) || d.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Fatalf("%+v: has %d bytes with sum %x", d, len(b), sum)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// list describes the entries of a layer, one a line.
func list(t *testing.T, layer []byte) string {
	t.Helper()
	var out strings.Builder
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "%04o %d:%d %s", h.Mode, h.Uid, h.Gid, h.Name)
		if h.Linkname != "" {
			fmt.Fprintf(&out, " -> %s", h.Linkname)
		}
		fmt.Fprintln(&out)
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	var base bytes.Buffer
	w := tar.NewWriter(&base)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "from-base", Mode: 0o644}), w.Close()); err != nil {
		t.Fatal(err)
	}
	dir := context(t, map[string]string{
		"Containerfile": `FROM scratch
ARG TARGETARCH
ADD base.tar /
COPY bin/${TARGETARCH}/steg.sh /steg
COPY --chown=1000:0 root/ /
USER 65532
`,
		"base.tar":          base.String(),
		"bin/amd64/steg.sh": "for amd64", "bin/arm64/steg.sh": "for arm64",
		"root/opt/strimzi/bin/run.sh": "-> /steg",
		"root/opt/strimzi/bin/broken": "-> nowhere",
		"root/etc/steg.properties":    "a=b",
	})
	entries, whole := pack(t, dir, "-platform", "linux/amd64,linux/arm64")

	var top index
	if err := json.Unmarshal(entries["index.json"], &top); err != nil {
		t.Fatal(err)
	}
	if got := top.Manifests[0].Annotations; got["io.containerd.image.name"] != "example.com/steg:1.0" || got["org.opencontainers.image.ref.name"] != "1.0" {
		t.Errorf("annotations %v", got)
	}
	for i, p := range blob[index](t, entries, top.Manifests[0]).Manifests {
		m := blob[manifest](t, entries, p)
		c := blob[imageConfig](t, entries, m.Config)
		if arch := []string{"amd64", "arm64"}[i]; p.Platform.Architecture != arch || c.Architecture != arch || c.OS != "linux" || c.Config.User != "65532" {
			t.Errorf("%s: %+v %+v", arch, p.Platform, c)
		}
		var layers []string
		for j, l := range m.Layers {
			layers = append(layers, list(t, entries["blobs/"+strings.Replace(l.Digest, ":", "/", 1)]))
			if c.RootFS.DiffIDs[j] != l.Digest {
				t.Errorf("layer %d: %s is not %s", j, c.RootFS.DiffIDs[j], l.Digest)
			}
		}
		want := []string{
			"0644 0:0 from-base\n", "0755 0:0 steg\n",
			"0755 1000:0 etc/\n0644 1000:0 etc/steg.properties\n" +
				"0755 1000:0 opt/\n0755 1000:0 opt/strimzi/\n0755 1000:0 opt/strimzi/bin/\n" +
				"0777 1000:0 opt/strimzi/bin/broken -> nowhere\n0777 1000:0 opt/strimzi/bin/run.sh -> /steg\n",
		}
		if !reflect.DeepEqual(layers, want) {
			t.Errorf("layers %q, want %q", layers, want)
		}
	}
	if _, again := pack(t, dir, "-platform", "linux/amd64,linux/arm64"); !bytes.Equal(whole, again) {
		t.Error("the same files made another archive")
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"FROM scratch\nCOPY none /a", "Containerfile: line 2"},
		{"FROM scratch\nCOPY ../../etc/passwd /a", "line 2"},
		{"FROM scratch\nCOPY out /a", "line 2"},
		{"FROM scratch\nADD a.tar /", "a.tar: not a tar"},
		{"FROM scratch\nUSER a", "nothing is copied"},
		{"FROM alpine", "line 1: FROM alpine"},
	} {
		dir := context(t, map[string]string{"Containerfile": c.text, "a.tar": "no", "out": "-> /etc/passwd"})
		out := filepath.Join(t.TempDir(), "image.tar")
		err := build(options{name: "a:1", out: out, file: filepath.Join(dir, "Containerfile"), context: dir, platforms: []platform{amd64()}}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
		if left, err := filepath.Glob(out + "*"); err != nil || len(left) > 0 {
			t.Errorf("%q: %v is left, %v", c.text, left, err)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	o, err := parseFlags([]string{"-t", "a:1", "-o", "x", "-platform", "linux/arm64", "-arg", "A=b=c", "dir"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := options{name: "a:1", out: "x", file: "dir/Containerfile", context: "dir", args: map[string]string{"A": "b=c"}, platforms: []platform{{OS: "linux", Architecture: "arm64"}}}
	if !reflect.DeepEqual(o, want) {
		t.Errorf("%+v, want %+v", o, want)
	}
	for _, c := range []struct{ words, want string }{
		{"-t a:1 dir", "-t NAME:TAG, -o FILE"},
		{"-t a:1 -o x", "one CONTEXT"},
		{"-t a:1 -o x -platform linux dir", "say OS/ARCH"},
		{"-t a:1 -o x -arg A dir", "not NAME=VALUE"},
		{"-nonsense", "not defined"},
	} {
		if _, err := parseFlags(strings.Fields(c.words), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.words, err, c.want)
		}
	}
	if _, err := parseFlags([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}
