// Command mkimage packs files into an OCI image archive by a Containerfile, without a container engine, a registry or root:
// what `ctr images import`, `docker load` and `skopeo copy oci-archive:` take.
//
//	mkimage -t registry.example.com/steg-bridge:1.0 -o steg-bridge.tar -platform linux/amd64,linux/arm64 -f Containerfile CONTEXT
//
// It must not run anything: RUN is refused, and FROM knows scratch only. The same files make the same archive, byte for byte.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const usage = `usage: mkimage -t NAME:TAG -o FILE [-f CONTAINERFILE] [-platform OS/ARCH,...] [-arg NAME=VALUE]... CONTEXT

Instructions: FROM scratch, ARG, COPY [--chown=UID:GID] [--chmod=MODE], ADD FILE.tar /, ENV, LABEL, USER, WORKDIR,
ENTRYPOINT, CMD, EXPOSE, VOLUME. TARGETOS and TARGETARCH are set. COPY of a folder keeps the links in it.
`

// options are the command line's.
type options struct {
	name, out, file, context string
	platforms                []platform
	args                     map[string]string
}

// platform is an operating system and an architecture by Go's names, which are OCI's.
type platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
}

func main() {
	o, err := parseFlags(os.Args[1:], os.Stderr)
	if err == nil {
		err = build(o, os.Stdout)
	}
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func parseFlags(words []string, out io.Writer) (options, error) {
	o := options{args: map[string]string{}}
	f := flag.NewFlagSet("mkimage", flag.ContinueOnError)
	f.SetOutput(out)
	f.Usage = func() { fmt.Fprint(out, usage) }
	f.StringVar(&o.name, "t", "", "")
	f.StringVar(&o.out, "o", "", "")
	f.StringVar(&o.file, "f", "", "")
	platforms := f.String("platform", "linux/"+runtime.GOARCH, "")
	f.Func("arg", "", func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return errors.New("not NAME=VALUE")
		}
		o.args[k] = v
		return nil
	})
	if err := f.Parse(words); err != nil {
		return o, err
	}
	if o.name == "" || o.out == "" || f.NArg() != 1 {
		return o, errors.New("-t NAME:TAG, -o FILE and one CONTEXT folder are needed (-h says more)")
	}
	o.context = f.Arg(0)
	if o.file == "" {
		o.file = filepath.Join(o.context, "Containerfile")
	}
	for _, s := range strings.Split(*platforms, ",") {
		system, arch, ok := strings.Cut(s, "/")
		if !ok || system == "" || arch == "" {
			return o, fmt.Errorf("-platform %q: say OS/ARCH, such as linux/arm64", s)
		}
		o.platforms = append(o.platforms, platform{OS: system, Architecture: arch})
	}
	return o, nil
}

// build writes the archive and prints its name and digest.
func build(o options, out io.Writer) (err error) {
	text, err := os.ReadFile(o.file)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(o.context)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	work, err := os.MkdirTemp("", "mkimage-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()

	var images []image
	for _, p := range o.platforms {
		r, err := parse(string(text), p, o.args)
		if err != nil {
			return fmt.Errorf("%s: %w", o.file, err)
		}
		layers, err := r.layers(root, work)
		if err != nil {
			return fmt.Errorf("%s: %w", o.file, err)
		}
		images = append(images, image{platform: p, config: r.config, layers: layers})
	}
	digest, err := writeArchive(o.out, o.name, images)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, o.name, digest)
	return nil
}
