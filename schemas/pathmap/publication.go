package pathmap

import (
	"encoding/json"
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
)

// ChunkBytes is the most of a map that one record of the maps topic carries.
const ChunkBytes = 512 << 10

// Headers of a record in the maps topic.
const (
	placeHeader    = "detour-chunk"    // chunk.Place as JSON; Whole is the version
	manifestHeader = "detour-manifest" // in the last chunk: the manifest
)

// Publication is one version as the maps topic holds it.
type Publication struct {
	Manifest Manifest
	Bytes    []byte
}

// Records returns the publication as records to append, in order.
func (p *Publication) Records(attempt int64) ([]schemas.Record, error) {
	return p.Chunks(attempt, ChunkBytes)
}

// Chunks is Records with at most size bytes of the map a record; 0 stands for ChunkBytes.
func (p *Publication) Chunks(attempt int64, size int) ([]schemas.Record, error) {
	manifest, err := p.Manifest.Encode()
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		size = ChunkBytes
	}
	n := max(1, (len(p.Bytes)+size-1)/size)
	if n > chunk.MaxChunks {
		return nil, fmt.Errorf("version %d: %d bytes in chunks of %d are %d, at most %d", p.Manifest.Version, len(p.Bytes), size, n, chunk.MaxChunks)
	}
	records := make([]schemas.Record, n)
	for i := range records {
		place, err := json.Marshal(chunk.Place{Whole: p.Manifest.Version, Attempt: attempt, Index: i, Count: n})
		if err != nil {
			return nil, err
		}
		records[i] = schemas.Record{
			Partition: schemas.Partition{Topic: schemas.Maps},
			Value:     p.Bytes[i*size : min((i+1)*size, len(p.Bytes))],
			Headers:   []schemas.Header{{Key: placeHeader, Value: place}},
		}
	}
	last := &records[n-1]
	last.Headers = append(last.Headers, schemas.Header{Key: manifestHeader, Value: manifest})
	return records, nil
}

// ManifestOf returns the manifest that a record of the maps topic carries: nil where it is not the last chunk of a version.
func ManifestOf(r *schemas.Record) (*Manifest, error) {
	raw, last := r.Header(manifestHeader)
	if !last {
		return nil, nil
	}
	return DecodeManifest(raw)
}

// Assembler puts versions together from the records of the maps topic, in log order.
type Assembler struct{ chunks chunk.Assembler[[]byte] }

// Add takes the next record. It returns the version that the record completes, or nil; what is not a chunk, or not what
// its manifest says, is an error. Whether it extends the version before is for the caller to check, who calls Skip with
// the version that it keeps: until then, another attempt at the same version may still be the one.
func (a *Assembler) Add(r *schemas.Record) (*Publication, error) {
	place, err := placeOf(r)
	if err != nil {
		return nil, err
	}
	parts := a.chunks.Offer(place, r.Value)
	if parts == nil {
		return nil, nil
	}
	raw, _ := r.Header(manifestHeader)
	manifest, err := DecodeManifest(raw)
	if err != nil {
		return nil, err
	}
	p := &Publication{Manifest: *manifest}
	for _, part := range parts {
		p.Bytes = append(p.Bytes, part...)
	}
	if manifest.Version != place.Whole {
		return nil, fmt.Errorf("version %d in the chunks of version %d", manifest.Version, place.Whole)
	}
	if _, err := manifest.Open(p.Bytes); err != nil {
		return nil, err
	}
	return p, nil
}

// Skip drops every version up to and including version.
func (a *Assembler) Skip(version int64) { a.chunks.Skip(version) }

func placeOf(r *schemas.Record) (place chunk.Place, err error) {
	raw, ok := r.Header(placeHeader)
	if !ok {
		return place, fmt.Errorf("record has no header %s", placeHeader)
	}
	if err := json.Unmarshal(raw, &place); err != nil {
		return place, fmt.Errorf("header %s: %w", placeHeader, err)
	}
	return place, place.Check()
}
