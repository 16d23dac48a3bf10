package backtest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// input is the log as it was when the backtest began, read once for both deciders.
type input struct {
	log      dataflow.Log
	genesis  *control.Genesis
	recorded []schemas.Record // of control
	progress []reached        // by pane
	starts   []int64          // by windows partition: offset to begin at
	ends     []int64
	cut      bool        // the log's beginning is gone, or is passed over
	held     [][]fetched // by windows partition: what the second decider has not read yet
	next     []int64     // by windows partition: behind what was read
	panes    []window.Assembler
	ready    map[int64][]window.Window // by pane: what all partitions said so far
}

// reached is how far a recorded tick had read.
type reached struct {
	pane    int64
	control int64
	windows []int64
}

// fetched is an answer: the second decider asks for what the first one did.
type fetched struct {
	offset int64
	answer dataflow.Fetched
}

func open(ctx context.Context, log dataflow.Log, g *control.Genesis) (*input, error) {
	in := &input{
		log: log, genesis: g, starts: make([]int64, g.Samples), ends: make([]int64, g.Samples),
		held: make([][]fetched, g.Samples), next: make([]int64, g.Samples), panes: make([]window.Assembler, g.Samples), ready: make(map[int64][]window.Window),
	}
	for i := range in.starts {
		p := windowsPartition(i)
		var err error
		if in.starts[i], in.ends[i], err = log.Bounds(ctx, p); err != nil {
			return nil, fmt.Errorf("bounds of %s: %w", p, err)
		}
		in.cut = in.cut || in.starts[i] > 0
	}
	p := schemas.Partition{Topic: schemas.Control}
	_, end, err := log.Bounds(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", p, err)
	}
	if in.recorded, err = dataflow.Range(ctx, log, p, 0, end); err != nil {
		return nil, err
	}
	if len(in.recorded) == 0 {
		return nil, ErrNothing
	}
	return in, in.follow(ctx)
}

func windowsPartition(i int) schemas.Partition {
	return schemas.Partition{Topic: schemas.Windows, Number: int32(i)}
}

// follow notes how far each recorded tick had read: where a policy took effect is part of what was recorded.
func (in *input) follow(ctx context.Context) error {
	p := schemas.Partition{Topic: schemas.Decisions}
	from, end, err := in.log.Bounds(ctx, p)
	if err != nil {
		return fmt.Errorf("bounds of %s: %w", p, err)
	}
	var chain decision.Chain
	if from > 0 {
		chain = decision.ChainFromTheMiddle()
	}
	for from < end {
		f, err := in.log.Fetch(ctx, p, from)
		if err != nil {
			return fmt.Errorf("read %s@%d: %w", p, from, err)
		}
		for i := range f.Records {
			in.follows(&chain, f.Records[i].Value)
		}
		if from = f.Next; ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (in *input) follows(chain *decision.Chain, value []byte) {
	b, err := decision.Decode(value)
	if err != nil || b.Head.Genesis != in.genesis.Hash() {
		return
	}
	if w, _, err := chain.Add(b); err == nil && w != nil {
		in.progress = append(in.progress, reached{w.Pane, w.Tick.Positions.Control, w.Tick.Positions.Windows})
	}
}

// at returns how far the last recorded tick up to a pane had read, or else the first one behind it; nil if none was.
func (in *input) at(pane int64) *reached {
	if len(in.progress) == 0 {
		return nil
	}
	i, found := slices.BinarySearchFunc(in.progress, pane, func(r reached, pane int64) int { return cmp.Compare(r.pane, pane) })
	if !found && i > 0 {
		i--
	}
	return &in.progress[i]
}

// limit returns how far control had been read when a pane was decided; all of it where nobody recorded it.
func (in *input) limit(pane int64) int64 {
	if r := in.at(pane); r != nil {
		return r.control
	}
	return math.MaxInt64
}

// policy returns the policy in force at a pane, with which the first one counts until another was applied.
func (in *input) policy(pane int64) (*control.Policy, error) {
	var policy *control.Policy
	for i := range in.recorded {
		if r, err := control.Decode(in.recorded[i].Value); err == nil && r.Policy != nil && (policy == nil || in.recorded[i].Offset < in.limit(pane)) {
			policy = r.Policy
		}
	}
	if policy == nil {
		return nil, fmt.Errorf("%s holds no policy: run \"detour migrate\" first", schemas.Partition{Topic: schemas.Control})
	}
	return policy, nil
}

// under returns control as it would be if nothing but a policy had ever been applied.
func (in *input) under(p *control.Policy) ([]schemas.Record, error) {
	r, err := (&control.Record{Policy: p}).Encode()
	if err != nil {
		return nil, err
	}
	r.Offset = in.recorded[0].Offset + 1
	return []schemas.Record{in.recorded[0], r}, nil
}

// seek begins at a pane, as far as recorded ticks tell where it is in the log; at the log's beginning otherwise.
func (in *input) seek(ctx context.Context, pane int64) error {
	r := in.at(pane - in.genesis.Pane)
	if r == nil || r.pane >= pane || len(r.windows) != len(in.starts) {
		return ctx.Err()
	}
	for i, at := range r.windows {
		if at > in.starts[i] {
			in.starts[i], in.cut = min(at, in.ends[i]), true
		}
	}
	return ctx.Err()
}

// read returns how many records of windows were read, of how many.
func (in *input) read() (done, total int64) {
	for i := range in.ends {
		total += in.ends[i] - in.starts[i]
		done += max(0, in.next[i]-in.starts[i])
	}
	return done, total
}

// windows returns what stands at an offset of a partition, never beyond the end as it was. The last reader of an answer
// says that it is done with it.
func (in *input) windows(ctx context.Context, partition int32, offset int64, done bool) (dataflow.Fetched, error) {
	held := in.held[partition]
	for i := range held {
		if held[i].offset == offset {
			answer := held[i].answer
			if done {
				in.held[partition] = held[i+1:]
			}
			return answer, nil
		}
	}
	f, err := in.fetch(ctx, partition, offset)
	if err == nil && !done {
		in.held[partition] = append(held, fetched{offset, f})
	}
	return f, err
}

func (in *input) fetch(ctx context.Context, partition int32, offset int64) (f dataflow.Fetched, err error) {
	p := windowsPartition(int(partition))
	for f.Next = offset; f.Next == offset && offset < in.ends[partition]; {
		if f, err = in.log.Fetch(ctx, p, offset); err != nil {
			return f, fmt.Errorf("read %s@%d: %w", p, offset, err)
		}
		if err := ctx.Err(); err != nil {
			return f, err
		}
	}
	f.Records = slices.DeleteFunc(f.Records, func(r schemas.Record) bool { return r.Offset >= in.ends[partition] })
	f.Next = min(f.Next, in.ends[partition])
	in.next[partition] = f.Next
	for i := range f.Records {
		in.note(&f.Records[i])
	}
	return f, nil
}

// note keeps the panes that a record completes, for who weighs users.
func (in *input) note(r *schemas.Record) {
	b, err := window.Decode(r.Value)
	if err != nil || b.Head.Genesis != in.genesis.Hash() {
		return
	}
	pane, err := in.panes[r.Partition.Number].Add(b)
	if err != nil || pane == nil {
		return
	}
	in.ready[pane.Start] = append(in.ready[pane.Start], pane.Windows...)
}

// taken hands out the windows of a pane, and forgets those before it.
func (in *input) taken(pane int64) []window.Window {
	windows := in.ready[pane]
	for start := range in.ready {
		if start <= pane {
			delete(in.ready, start)
		}
	}
	return windows
}
