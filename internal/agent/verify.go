package agent

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"

	"detour/schemas/pathmap"
)

// Installed is a map that passed every check. Neither it nor what it points to is ever written to.
type Installed struct {
	Manifest pathmap.Manifest
	Map      *pathmap.Map
}

// verifier is what this agent trusts.
type verifier struct {
	keys  []ed25519.PublicKey // any one's signature will do; none = any signature, or none
	paths []string            // the catalogue that the server can answer from
	max   int                 // bytes of a map
}

// manifest checks what can be known before the map is there.
func (v *verifier) manifest(m *pathmap.Manifest) error {
	if err := v.signed(m); err != nil {
		return refused{signature, err}
	}
	if m.Size > v.max {
		return refused{tooLarge, fmt.Errorf("version %d has a map of %d bytes, at most %d are taken here", m.Version, m.Size, v.max)}
	}
	return nil
}

// signed returns nil as soon as one key's signature is good, as while keys are changed there are two.
func (v *verifier) signed(m *pathmap.Manifest) (err error) {
	for _, key := range v.keys {
		if err = m.Verify(key); err == nil {
			return nil
		}
	}
	return err
}

// open checks a map against its manifest, which was checked before.
func (v *verifier) open(m *pathmap.Manifest, data []byte) (*Installed, error) {
	content, err := m.Open(data)
	if err != nil {
		return nil, err
	}
	prefixes, exceptions := content.Counts()
	if content.Genesis != m.Genesis || content.Policy != m.Policy || content.Pane != m.Pane || len(content.Entries) != m.Entries ||
		prefixes != m.Prefixes || exceptions != m.Exceptions {
		return nil, fmt.Errorf("map of version %d is not the one that its manifest describes", m.Version)
	}
	if !slices.Equal(content.Paths, v.paths) {
		return nil, fmt.Errorf("map of version %d is for the paths %q, this server answers for %q", m.Version, content.Paths, v.paths)
	}
	return &Installed{Manifest: *m, Map: content}, nil
}

// follows says why m must not replace what is installed; nil for the same version, too.
func follows(m *pathmap.Manifest, now *Installed) error {
	switch {
	case now == nil || m.Version > now.Manifest.Version:
		return nil
	case m.Version < now.Manifest.Version:
		return fmt.Errorf("version %d is offered, %d is installed: versions only go up (if the pipeline was set up anew, remove the cache file)", m.Version, now.Manifest.Version)
	case m.Digest != now.Manifest.Digest:
		return fmt.Errorf("version %d is offered with digest %.16s, it is installed with %.16s", m.Version, m.Digest, now.Manifest.Digest)
	}
	return nil
}

// LoadPublicKeys reads Ed25519 public keys: PKIX in PEM, as "openssl pkey -pubout" writes one, behind one another.
func LoadPublicKeys(path string) (keys []ed25519.PublicKey, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read public key: %w", err)
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key %s: %w", path, err)
		}
		key, ok := parsed.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("public key %s: it is a %T, not an Ed25519 key", path, parsed)
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, fmt.Errorf("public key %s: no PEM block in it", path)
	}
	return keys, nil
}
