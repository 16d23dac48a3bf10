// Package genesis begins a log and checks that a process fits the one it finds: the first record of the control topic
// holds the settings that shape output for ever.
package genesis

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
)

// partition is the control topic's only one.
var partition = schemas.Partition{Topic: schemas.Control}

// Ensure makes sure that the control topic begins with a genesis equal to g, and that there is a policy. Where the topic
// is empty it writes both. Two processes that begin a log at once may both write: the first record counts, and equal
// ones do no harm. Settings that differ are dataflow.Fatal, and the error names each.
//
// Only ingest has the client key. A process without it leaves g.ClientKey empty: it writes nothing, waits for the genesis
// of one that has it, and takes the fingerprint from there.
func Ensure(ctx context.Context, log dataflow.Log, g *control.Genesis, policy control.Policy, logger zerolog.Logger) error {
	_, end, err := log.Bounds(ctx, partition)
	if err != nil {
		return fmt.Errorf("bounds of %s: %w", partition, err)
	}
	switch {
	case end == 0 && g.ClientKey != "":
		logger.Info().Msg("the log is new: writing its genesis and the default policy")
		if err := Append(ctx, log, control.Record{Genesis: g}, control.Record{Policy: &policy}); err != nil {
			return err
		}
	case end == 0:
		logger.Info().Msg("waiting for the log's genesis: \"detour migrate\" or the first \"detour ingest\" writes it")
	}
	first, err := read(ctx, log)
	if err != nil {
		return err
	}
	g.ClientKey = cmp.Or(g.ClientKey, first.ClientKey)
	if err := g.Differs(first); err != nil {
		return dataflow.Fatal{Err: err}
	}
	return nil
}

// Append adds records to the control topic.
func Append(ctx context.Context, log dataflow.Log, records ...control.Record) error {
	encoded := make([]schemas.Record, len(records))
	for i := range records {
		var err error
		if encoded[i], err = records[i].Encode(); err != nil {
			return err
		}
	}
	if _, err := log.Append(ctx, partition, encoded); err != nil {
		return fmt.Errorf("append to %s: %w", partition, err)
	}
	return nil
}

// read returns the log's genesis, waiting for it.
func read(ctx context.Context, log dataflow.Log) (*control.Genesis, error) {
	for {
		f, err := log.Fetch(ctx, partition, 0)
		if err != nil {
			return nil, fmt.Errorf("read %s@0: %w", partition, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(f.Records) == 0 {
			continue
		}
		g, err := decode(&f.Records[0])
		if err != nil {
			return nil, dataflow.Fatal{Err: fmt.Errorf("%s: %w", f.Records[0].At(), err)}
		}
		return g, nil
	}
}

// decode returns the genesis that a record holds. There is no going on without one: another may be of other settings.
func decode(first *schemas.Record) (*control.Genesis, error) {
	if why, lost := first.Unreadable(); lost {
		return nil, fmt.Errorf("the log's genesis is lost: %s", why)
	}
	r, err := control.Decode(first.Value)
	if err != nil {
		return nil, err
	}
	if r.Genesis == nil {
		return nil, errors.New("it is no genesis")
	}
	return r.Genesis, nil
}
