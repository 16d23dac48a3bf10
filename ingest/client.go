package ingest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// MinKeyBytes is the least length of a client key.
const MinKeyBytes = 16

// ClientKey is the secret from which clients' addresses and ids are hashed.
type ClientKey []byte

// NewClientKey checks a key.
func NewClientKey(secret []byte) (ClientKey, error) {
	if len(secret) < MinKeyBytes {
		return nil, fmt.Errorf("client key has %d bytes, at least %d", len(secret), MinKeyBytes)
	}
	return secret, nil
}

// Fingerprint identifies the key without telling it, for the genesis.
func (k ClientKey) Fingerprint() string {
	return hex.EncodeToString(mac(k, []byte("detour client key"))[:8])
}

const dayMillis = 86_400_000

// clients hashes clients: HMAC-SHA-256 under a key of the event day, derived from the client key, cut to 64 bits. A
// client's hashes of two days can't be joined, and without the key none can be guessed.
type clients struct {
	key    ClientKey
	day    int64
	dayKey []byte
}

// hash returns the client's number on the day of ms; 0 for an unknown client.
func (c *clients) hash(client string, ms int64) uint64 {
	if client == "" {
		return 0
	}
	if day := ms / dayMillis; c.dayKey == nil || day != c.day {
		c.day, c.dayKey = day, mac(c.key, binary.BigEndian.AppendUint64(nil, uint64(day)))
	}
	return max(1, binary.BigEndian.Uint64(mac(c.dayKey, []byte(client))))
}

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}
