package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"detour/schemas/pathmap"
)

// The cache file is the manifest's JSON on one line, and behind it the map's canonical bytes. It is trusted no more than
// a download.

// save replaces the cache file as a whole: a reader, or a machine that lost power, finds the old one or the new one.
func save(path string, m *pathmap.Manifest, data []byte) error {
	manifest, err := m.Encode()
	if err != nil {
		return fmt.Errorf("save map: %w", err)
	}
	temporary := path + ".new" // left by a crash, the next save writes over it
	if err := write(temporary, append(append(manifest, '\n'), data...)); err != nil {
		return fmt.Errorf("save map: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("save map: %w", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("save map: %w", err)
	}
	return nil
}

// write makes a file whose bytes are on the disk when it returns.
func write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes a rename in a folder last.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// load reads and checks the cache file.
func load(path string, v *verifier) (*Installed, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("load map: %w", err)
	}
	defer f.Close()
	limit := int64(maxManifest + v.max)
	all, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("load map: %w", err)
	}
	line, data, found := bytes.Cut(all, []byte{'\n'})
	if int64(len(all)) > limit || !found {
		return nil, fmt.Errorf("load map: %s is not a cache file", path)
	}
	installed, err := check(v, line, data)
	if err != nil {
		return nil, fmt.Errorf("load map: %s: %w", path, err)
	}
	return installed, nil
}

// check is all that a manifest and a map have to pass.
func check(v *verifier, manifest, data []byte) (*Installed, error) {
	m, err := pathmap.DecodeManifest(manifest)
	if err != nil {
		return nil, err
	}
	if err := v.manifest(m); err != nil {
		return nil, err
	}
	return v.open(m, data)
}
