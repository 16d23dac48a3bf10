package evaluate

import (
	"detour/ingest"
	"detour/schemas"
	"detour/schemas/sample"
)

// batchRows is how many samples go into one record.
const batchRows = 8192

// sampler turns runs into the records that ingest writes: of one source, into one partition. What it doesn't repeat is
// what a world has no use for: clocks, caps on sizes and refusals.
type sampler struct {
	layout  *Layout
	genesis string // hash
	late    int64  // lateness, ms

	start int64 // of the pane at hand
	runs  int64 // so far: the next one's offset
	from  int64 // first offset that no record covers
	rows  []sample.Sample
	out   []schemas.Record
}

// begin begins a pane.
func (s *sampler) begin(pane int) {
	s.start = s.layout.Start + int64(pane)*s.layout.Pane
	s.out = nil
}

// add adds a run's samples: every pulse is one, and a candidate's is paired with the default path's of the same place and
// class where both succeeded.
func (s *sampler) add(r *Run) error {
	resolver := &s.layout.Resolvers[r.Resolver]
	share := &resolver.Shares[r.Share]
	ordinal := int32(0)
	for path, pulses := range r.Pulses {
		for i := range pulses {
			p := &pulses[i]
			row := sample.Sample{
				Time: s.start, Offset: s.runs, Ordinal: ordinal, Client: r.Client,
				Resolver: resolver.Address, ASN: share.ASN, Country: share.Country,
				Path: uint8(path), Class: p.Class, Outcome: p.Outcome,
			}
			if p.Outcome == sample.OK {
				row.Duration = p.Micros
			}
			if twin := twin(r, path, i); twin != nil {
				row.Ratio, row.Paired = ingest.Ratio(p.Micros, twin.Micros), true
			}
			ordinal++
			s.rows = append(s.rows, row)
		}
	}
	s.runs++
	if len(s.rows) >= batchRows {
		return s.flush(s.start)
	}
	return nil
}

// twin returns the default path's pulse that a candidate's is paired with, nil where there is none.
func twin(r *Run, path, i int) *Pulse {
	if path == 0 || i >= len(r.Pulses[0]) {
		return nil
	}
	p, t := &r.Pulses[path][i], &r.Pulses[0][i]
	if p.Outcome != sample.OK || t.Outcome != sample.OK || p.Class != t.Class {
		return nil
	}
	return t
}

// end returns the pane's records. The mark of the last one is such that the pane is sealed.
func (s *sampler) end() ([]schemas.Record, error) {
	err := s.flush(s.start + s.layout.Pane + s.late)
	return s.out, err
}

func (s *sampler) flush(mark int64) error {
	b := sample.Batch{
		Head: sample.Head{
			Genesis: s.genesis, Sources: 1, From: s.from, To: s.runs,
			Origin: s.layout.Start + s.late, // with it the first pane is the world's first
			Mark:   mark,
		},
		Samples: s.rows,
	}
	value, err := b.Encode()
	if err != nil {
		return err
	}
	s.out = append(s.out, schemas.Record{Partition: schemas.Partition{Topic: schemas.Samples}, Value: value})
	s.rows, s.from = s.rows[:0], s.runs
	return nil
}
