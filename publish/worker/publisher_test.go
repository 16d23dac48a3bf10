package worker_test

import (
	"context"
	"errors"
	"sync"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/publish"
	"detour/publish/fleet"
	"detour/publish/worker"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/reject"
)

// publisher is one process: step by step, so that a test can let several write at once and stop them anywhere.
type publisher struct {
	log     dataflow.Log
	genesis control.Genesis
	chunk   int

	machine *publish.Machine // nil: it has to resume
	out     []schemas.Record // what it has yet to append
	lost    int              // races
}

// all lets a step take all that there is.
func all(n int) int { return n }

// step appends some of what the machine caused, or else reads and applies some. It tells whether there was anything to do.
func (p *publisher) step(ctx context.Context, read, appended func(int) int) (moved bool, err error) {
	if p.machine == nil {
		cfg := publish.Config{Code: "test", ChunkBytes: p.chunk}
		p.machine, err = worker.Resume(ctx, p.log, p.genesis, cfg, zerolog.Nop())
		return err == nil, err
	}
	if len(p.out) > 0 {
		n := appended(len(p.out))
		for _, r := range p.out[:n] {
			if _, err := p.log.Append(ctx, r.Partition, []schemas.Record{r}); err != nil {
				return false, err
			}
		}
		p.out = p.out[n:]
		return true, nil
	}
	in := p.machine.Next()
	_, end, err := p.log.Bounds(ctx, in.Partition)
	if err != nil {
		return false, err
	}
	f := dataflow.Fetched{Next: in.Offset}
	if in.Offset < end {
		if f, err = p.log.Fetch(ctx, in.Partition, in.Offset); err != nil {
			return false, err
		}
		f.Records = f.Records[:read(len(f.Records))]
		f.Next = in.Offset + int64(len(f.Records))
	} else if in.Partition != mapsPartition {
		return false, nil
	}
	p.out, err = p.machine.Apply(f.Records, f.Next)
	if errors.Is(err, schemas.ErrSuperseded) {
		p.crash()
		p.lost++
		return true, nil
	}
	return true, err
}

// crash ends the process: what it had not appended is gone.
func (p *publisher) crash() { p.machine, p.out = nil, nil }

// fleet follows the log until it is stopped.
func (s *stage) fleet() (store *fleet.Store, stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	store = fleet.NewStore(s.log, zerolog.Nop())
	var running sync.WaitGroup
	var err error
	running.Go(func() { err = store.Follow(ctx) })
	return store, func() {
		s.t.Helper()
		cancel()
		running.Wait()
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// await waits until a version is served.
func await(store *fleet.Store, version int64) {
	for {
		v, newer := store.Last()
		if v != nil && v.Manifest.Version >= version {
			return
		}
		<-newer
	}
}

// rejects returns reason and place of every reject.
func (s *stage) rejects() (found []string) {
	s.t.Helper()
	p := schemas.Partition{Topic: schemas.Rejects}
	_, end, err := s.log.Bounds(s.t.Context(), p)
	if err != nil {
		s.t.Fatal(err)
	}
	records, err := dataflow.Range(s.t.Context(), s.log, p, 0, end)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range records {
		r, err := reject.Decode(&records[i])
		if err != nil {
			s.t.Fatal(err)
		}
		found = append(found, string(r.Reason)+" "+r.At)
	}
	return found
}
