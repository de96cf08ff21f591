package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// layer is an uncompressed tar on disk.
type layer struct {
	file, digest string
	size         int64
}

// epoch is every file's time: an archive depends on what is in it only.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// layers makes one of each COPY and ADD, in the folder work.
func (r *recipe) layers(root *os.Root, work string) ([]layer, error) {
	var all []layer
	for _, c := range r.copies {
		l, err := c.layer(root, work)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", c.line, err)
		}
		all = append(all, l)
	}
	return all, nil
}

func (c *copying) layer(root *os.Root, work string) (l layer, err error) {
	if c.archive {
		return added(root, c.from[0])
	}
	f, err := os.CreateTemp(work, "layer-")
	if err != nil {
		return layer{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	sum := sha256.New()
	w := &layerWriter{copying: c, root: root.FS(), out: tar.NewWriter(io.MultiWriter(f, sum)), made: map[string]bool{"/": true}}
	if err := w.all(); err != nil {
		return layer{}, err
	}
	if err := w.out.Close(); err != nil {
		return layer{}, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	return layer{file: f.Name(), digest: "sha256:" + hex.EncodeToString(sum.Sum(nil)), size: size}, err
}

// added is a tar of the context as a layer.
func added(root *os.Root, name string) (l layer, err error) {
	f, err := root.Open(name)
	if err != nil {
		return layer{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := tar.NewReader(f).Next(); err != nil {
		return layer{}, fmt.Errorf("%s: not a tar: %w", name, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return layer{}, err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return layer{file: filepath.Join(root.Name(), name), digest: "sha256:" + hex.EncodeToString(sum.Sum(nil)), size: n}, err
}

// layerWriter writes a COPY's files in a fixed order.
type layerWriter struct {
	*copying
	root fs.FS
	out  *tar.Writer
	made map[string]bool // folders that are in it
}

func (w *layerWriter) all() error {
	for _, name := range w.from {
		name = path.Clean(strings.TrimPrefix(name, "/"))
		info, err := fs.Stat(w.root, name)
		switch {
		case err != nil:
			return err
		case info.IsDir():
			err = w.tree(name)
		case strings.HasSuffix(w.to, "/"):
			err = w.file(name, w.to+path.Base(name), info)
		default:
			err = w.file(name, w.to, info)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tree copies what is in a folder, its links as links.
func (w *layerWriter) tree(top string) error {
	return fs.WalkDir(w.root, top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := path.Join(w.to, strings.TrimPrefix(name, top))
		info, err := d.Info()
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return w.folders(to)
		case d.Type() == fs.ModeSymlink:
			return w.link(name, to)
		case d.Type().IsRegular():
			return w.file(name, to, info)
		default:
			return fmt.Errorf("%s: neither a file, a folder nor a link", name)
		}
	})
}

// folders writes a folder and those above it, unless they are there.
func (w *layerWriter) folders(name string) error {
	var missing []string
	for ; !w.made[name]; name = path.Dir(name) {
		missing = append(missing, name)
	}
	for _, d := range slices.Backward(missing) {
		w.made[d] = true
		if err := w.out.WriteHeader(w.header(tar.TypeDir, d+"/", 0o755)); err != nil {
			return err
		}
	}
	return nil
}

func (w *layerWriter) header(kind byte, name string, mode fs.FileMode) *tar.Header {
	return &tar.Header{Typeflag: kind, Name: strings.TrimPrefix(name, "/"), Mode: int64(mode), Uid: w.uid, Gid: w.gid, ModTime: epoch()}
}

func (w *layerWriter) link(name, to string) error {
	target, err := fs.ReadLink(w.root, name)
	if err != nil {
		return err
	}
	h := w.header(tar.TypeSymlink, to, 0o777)
	h.Linkname = target
	return errors.Join(w.folders(path.Dir(to)), w.out.WriteHeader(h))
}

func (w *layerWriter) file(name, to string, info fs.FileInfo) (err error) {
	mode := w.mode
	switch {
	case mode != 0:
	case info.Mode()&0o100 != 0:
		mode = 0o755
	default:
		mode = 0o644
	}
	h := w.header(tar.TypeReg, to, mode)
	h.Size = info.Size()
	f, err := w.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := errors.Join(w.folders(path.Dir(to)), w.out.WriteHeader(h)); err != nil {
		return err
	}
	_, err = io.Copy(w.out, f)
	return err
}
