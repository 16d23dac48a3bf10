// Package fleet serves map versions to the DNS fleet over HTTP.
//
// It serves only what it read back from the maps topic, so that every replica gives the same answers and a version that
// lost a race between publishers is never seen. It keeps the last versions in memory and nothing on disk.
package fleet

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/publish/tail"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// Keep is how many versions stay available: enough for an agent that began to download one while newer ones appeared.
const Keep = 16

// Version is one version as it is served.
type Version struct {
	Manifest pathmap.Manifest
	ETag     string // with its quotes
	manifest []byte // JSON
	bytes    []byte // canonical bytes of the map
}

// Store holds the last versions of the maps topic. Its methods may be called from several goroutines.
type Store struct {
	log    dataflow.Log
	logger zerolog.Logger

	mu       sync.Mutex
	versions []*Version    // oldest first
	read     bool          // the topic was, to where it ended at the start
	newer    chan struct{} // closed by the next version
}

// NewStore returns an empty store; Follow fills it.
func NewStore(log dataflow.Log, logger zerolog.Logger) *Store {
	return &Store{log: log, logger: logger.With().Str("component", "fleet").Logger(), newer: make(chan struct{})}
}

// Follow reads the maps topic from the last complete version in it, until ctx ends (then nil) or the log is not the one
// that it began with.
func (s *Store) Follow(ctx context.Context) error {
	partition := schemas.Partition{Topic: schemas.Maps}
	chain, next, err := s.begin(ctx)
	for err == nil && ctx.Err() == nil {
		var f dataflow.Fetched
		if f, err = s.log.Fetch(ctx, partition, next); err != nil {
			break
		}
		next, err = f.Next, s.take(chain, f.Records)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follow %s@%d: %w", partition, next, err)
}

// begin serves the last versions in the topic, and returns the offset behind what was read. None is served that lost a
// race: it reads back until it is sure.
func (s *Store) begin(ctx context.Context) (*pathmap.Chain, int64, error) {
	found, err := tail.Read(ctx, s.log, Keep)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range found.Passed {
		s.pass(&p.Record, p.Why)
	}
	if err := s.add(found.Versions); err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = true
	return found.Chain, found.End, nil
}

// take takes records, and makes the versions that they complete visible all at once: a replica that catches up must not
// offer the fleet a version older than the one that it had from another replica.
func (s *Store) take(chain *pathmap.Chain, records []schemas.Record) error {
	var read []*pathmap.Publication
	for i := range records {
		p, err := chain.Add(&records[i])
		if err != nil {
			s.pass(&records[i], err)
		}
		if p != nil {
			read = append(read, p)
		}
	}
	return s.add(read)
}

// pass logs a record that is no part of a version that is kept. Its reject is for the publisher to write.
func (s *Store) pass(r *schemas.Record, why error) {
	s.logger.Warn().Err(why).Str("at", r.At()).Msg("passing over a record of maps")
}

func newVersion(p *pathmap.Publication) (*Version, error) {
	manifest, err := p.Manifest.Encode()
	return &Version{
		Manifest: p.Manifest,
		ETag:     fmt.Sprintf(`"%d-%.16s"`, p.Manifest.Version, p.Manifest.Digest),
		manifest: manifest,
		bytes:    p.Bytes,
	}, err
}

// add makes versions the last ones and wakes who waits for them.
func (s *Store) add(read []*pathmap.Publication) error {
	if len(read) == 0 {
		return nil
	}
	var versions []*Version
	for _, p := range read {
		v, err := newVersion(p)
		if err != nil {
			return fmt.Errorf("version %d: %w", p.Manifest.Version, err)
		}
		versions = append(versions, v)
	}
	last := versions[len(versions)-1]
	s.logger.Info().Int64("version", last.Manifest.Version).Int("entries", last.Manifest.Entries).Int("bytes", len(last.bytes)).Msg("serving")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.versions = append(s.versions, versions...); len(s.versions) > Keep {
		s.versions = slices.Delete(s.versions, 0, len(s.versions)-Keep)
	}
	close(s.newer)
	s.newer = make(chan struct{})
	return nil
}

// Last returns the last version, nil before the first, and a channel that the next one closes.
func (s *Store) Last() (*Version, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.versions) == 0 {
		return nil, s.newer
	}
	return s.versions[len(s.versions)-1], s.newer
}

// Begun reports whether the store knows what was published before it began.
func (s *Store) Begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read
}

// Get returns a version by its number, nil where it is not kept.
func (s *Store) Get(number int64) *Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.versions {
		if v.Manifest.Version == number {
			return v
		}
	}
	return nil
}
