package pathmap

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"detour/schemas"
)

// Manifest describes one published version. Version, digest and pane are its meaning; the rest is provenance.
type Manifest struct {
	Version  int64  `json:"version"`  // 1 for the first; only goes up
	Digest   string `json:"digest"`   // SHA-256 of the map's bytes, hex
	Previous string `json:"previous"` // digest of the version before, "" for the first
	Pane     int64  `json:"pane"`     // start of the pane that it reached, ms
	Created  int64  `json:"created"`  // event time, ms: the end of that pane
	Expires  int64  `json:"expires"`  // event time, ms: an agent warns from then on, and keeps serving

	Genesis string `json:"genesis"`
	Policy  string `json:"policy"`
	Code    string `json:"code"` // version of the program that published

	Entries    int    `json:"entries"`     // of the map
	Prefixes   int    `json:"prefixes"`    // of them: about prefixes
	Exceptions int    `json:"exceptions"`  // of them: resolvers that stay on the default path though their prefix is off it
	Size       int    `json:"size"`        // bytes of the map
	Incomplete bool   `json:"incomplete"`  // evidence is known to miss something
	Tick       int64  `json:"tick"`        // decisions up to this tick are in it
	TickDigest string `json:"tick_digest"` // that tick's digest: what the next one has to extend

	Positions Positions `json:"positions"`

	Signature []byte `json:"signature,omitempty"` // Ed25519 over SignedBytes
}

// Positions is how far a version had read its inputs.
type Positions struct {
	Decisions int64   `json:"decisions"` // next offset
	Windows   []int64 `json:"windows"`   // next offset by partition, as the tick had read them
	Control   int64   `json:"control"`   // next offset
}

// Encode returns the manifest as one line of JSON.
func (m *Manifest) Encode() ([]byte, error) { return json.Marshal(m) }

// DecodeManifest reads one manifest; unknown fields are an error.
func DecodeManifest(data []byte) (*Manifest, error) {
	m := new(Manifest)
	if err := schemas.UnmarshalStrict(data, m); err != nil {
		return nil, fmt.Errorf("decode manifest: %w", err)
	}
	if m.Version < 1 || m.Size < 0 || m.Entries < 0 || len(m.Digest) != 2*hashSize {
		return nil, fmt.Errorf("decode manifest: version %d, size %d, entries %d, digest %.80q", m.Version, m.Size, m.Entries, m.Digest)
	}
	if m.Prefixes < 0 || m.Prefixes > m.Entries || m.Exceptions < 0 || m.Exceptions > m.Entries-m.Prefixes {
		return nil, fmt.Errorf("decode manifest: %d entries, of which %d prefixes and %d exceptions", m.Entries, m.Prefixes, m.Exceptions)
	}
	return m, nil
}

// signedPrefix keeps a signature from being good for anything else.
const signedPrefix = "detour manifest v1\n"

// SignedBytes returns what the signature covers: the manifest's JSON without its signature.
func (m *Manifest) SignedBytes() ([]byte, error) {
	bare := *m
	bare.Signature = nil
	data, err := bare.Encode()
	return append([]byte(signedPrefix), data...), err
}

// Sign sets the signature.
func (m *Manifest) Sign(key ed25519.PrivateKey) error {
	data, err := m.SignedBytes()
	if err != nil {
		return fmt.Errorf("sign manifest: %w", err)
	}
	m.Signature = ed25519.Sign(key, data)
	return nil
}

// Verify checks the signature.
func (m *Manifest) Verify(key ed25519.PublicKey) error {
	data, err := m.SignedBytes()
	if err != nil {
		return fmt.Errorf("verify manifest: %w", err)
	}
	if !ed25519.Verify(key, data, m.Signature) {
		return errors.New("verify manifest: the signature is not from the key that is trusted here")
	}
	return nil
}

// Open decodes the map that the manifest describes, after checking its size and digest.
func (m *Manifest) Open(data []byte) (*Map, error) {
	if len(data) != m.Size || Digest(data) != m.Digest {
		return nil, fmt.Errorf("map of version %d: %d bytes with digest %s, the manifest says %d with %s",
			m.Version, len(data), Digest(data), m.Size, m.Digest)
	}
	return Decode(data)
}
