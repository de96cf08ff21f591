package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Media types of the OCI image specification, 1.1.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// layout says that the tar is one.
const layout = `{"imageLayoutVersion":"1.0.0"}`

// image is what an archive has for one platform.
type image struct {
	platform
	config config
	layers []layer
}

// descriptor points to a blob.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Platform    *platform         `json:"platform,omitempty"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type imageConfig struct {
	Created time.Time `json:"created"`
	platform
	Config config `json:"config"`
	RootFS rootFS `json:"rootfs"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// archive is an OCI layout in a tar, each blob once.
type archive struct {
	out   *tar.Writer
	blobs map[string]bool
}

// writeArchive returns the digest of the image's index. A file that is there is replaced when the new one is complete.
func writeArchive(file, name string, images []image) (digest string, err error) {
	f, err := os.Create(file + ".new")
	if err != nil {
		return "", err
	}
	a := &archive{out: tar.NewWriter(f), blobs: map[string]bool{}}
	digest, err = a.write(name, images)
	if err = errors.Join(err, a.out.Close(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return digest, os.Rename(f.Name(), file)
}

func (a *archive) write(name string, images []image) (string, error) {
	platforms := index{SchemaVersion: 2, MediaType: indexType}
	for _, i := range images {
		d, err := a.image(i)
		if err != nil {
			return "", err
		}
		platforms.Manifests = append(platforms.Manifests, d)
	}
	d, err := a.json(indexType, platforms)
	if err != nil {
		return "", err
	}
	// The first is containerd's word for an image's name, the second OCI's.
	d.Annotations = map[string]string{"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name[strings.LastIndex(name, ":")+1:]}
	top, err := json.Marshal(index{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{d}})
	if err != nil {
		return "", err
	}
	return d.Digest, errors.Join(
		a.entry("oci-layout", int64(len(layout)), strings.NewReader(layout)),
		a.entry("index.json", int64(len(top)), bytes.NewReader(top)))
}

// image writes one platform's blobs and describes its manifest.
func (a *archive) image(i image) (descriptor, error) {
	m := manifest{SchemaVersion: 2, MediaType: manifestType}
	c := imageConfig{Created: epoch(), platform: i.platform, Config: i.config, RootFS: rootFS{Type: "layers"}}
	for _, l := range i.layers {
		m.Layers = append(m.Layers, descriptor{MediaType: layerType, Digest: l.digest, Size: l.size})
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.digest)
		if err := a.layer(l); err != nil {
			return descriptor{}, fmt.Errorf("%s: %w", l.file, err)
		}
	}
	var err error
	if m.Config, err = a.json(configType, c); err != nil {
		return descriptor{}, err
	}
	d, err := a.json(manifestType, m)
	d.Platform = &i.platform
	return d, err
}

func (a *archive) layer(l layer) (err error) {
	f, err := os.Open(l.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return a.blob(l.digest, l.size, f)
}

func (a *archive) json(mediaType string, v any) (descriptor, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return descriptor{}, err
	}
	sum := sha256.Sum256(b)
	d := descriptor{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: int64(len(b))}
	return d, a.blob(d.Digest, d.Size, bytes.NewReader(b))
}

func (a *archive) blob(digest string, size int64, from io.Reader) error {
	if a.blobs[digest] {
		return nil
	}
	a.blobs[digest] = true
	return a.entry("blobs/"+strings.Replace(digest, ":", "/", 1), size, from)
}

func (a *archive) entry(name string, size int64, from io.Reader) error {
	if err := a.out.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, ModTime: epoch()}); err != nil {
		return err
	}
	_, err := io.Copy(a.out, from)
	return err
}
