// Package history keeps what the pipeline measured, decided and published in ClickHouse, for people who ask why.
//
// What it promises:
//  1. Every sealed pane, every tick and every map version of the log is stored once, and as a whole: the row in panes,
//     ticks or map_versions is written after everything that belongs to it, and a reader who joins it sees no half.
//  2. A crash, a second member at the same partition, or an answer that got lost doubles no row: a block is sent under a
//     token made of what it is and what it says, and a new owner asks ClickHouse which whole it holds last. A try that
//     comes after the tables forgot the token asks them which rows they hold.
//  3. When ClickHouse is away, the log is the buffer: history waits with one line in the log, and nothing else stops.
//  4. An offset is committed only once ClickHouse has acknowledged every whole before it.
//  5. A record that can't be read, or that is another pipeline's, is named, counted and passed over, and so is what
//     retention took; ticks and versions are those that every reader of the log keeps.
//
// It decides nothing and changes nothing of the log.
package history

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
)

// Deps is what a History reads from.
type Deps struct {
	Log     dataflow.Log
	Group   dataflow.Group
	Prefix  string // of the topics; begins the names of the consumer groups
	Genesis control.Genesis
}

// History copies the windows, decisions and maps topics into a Store.
type History struct {
	store    *Store
	deps     Deps
	genesis  string // hash
	paths    []string
	log      zerolog.Logger
	progress progress
}

// New returns a History that does nothing before Run.
func New(store *Store, deps Deps) *History {
	return &History{
		store:   store,
		deps:    deps,
		genesis: deps.Genesis.Hash(),
		paths:   deps.Genesis.PathIDs(),
		log:     store.log,
	}
}

// Run migrates, where that is configured, and copies until ctx ends (then nil). An error means that the log, the
// database and this process contradict one another: it names what does.
func (h *History) Run(ctx context.Context) error {
	err := h.prepare(ctx)
	if err == nil {
		err = h.copy(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (h *History) prepare(ctx context.Context) error {
	if h.store.cfg.Migrate {
		if err := h.store.migrate(ctx, func(err error) error { return err }); err != nil {
			return err
		}
	}
	return h.adopt(ctx)
}

// copy runs one group of consumers a topic, so that one that waits does not hold up the others.
func (h *History) copy(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for topic, open := range map[schemas.Topic]func(schemas.Partition) sink{
		schemas.Windows:   func(p schemas.Partition) sink { return newWindowSink(h, p.Number) },
		schemas.Decisions: func(schemas.Partition) sink { return newDecisionSink(h) },
		schemas.Maps:      func(schemas.Partition) sink { return newMapSink(h) },
	} {
		g.Go(func() error {
			group := fmt.Sprintf("%s-history-%s", h.deps.Prefix, topic)
			return h.deps.Group.Run(ctx, group, topic, func(ctx context.Context, a dataflow.Assignment) error {
				return h.follow(ctx, a, open(a.Partition))
			})
		})
	}
	return g.Wait()
}

// adopt makes the database this genesis' own, or says that it is another one's: panes and versions of two pipelines
// would answer for each other.
func (h *History) adopt(ctx context.Context) error {
	settings, err := json.Marshal(h.deps.Genesis)
	if err != nil {
		return err
	}
	var hashes []string
	if err := h.store.ask(ctx, "SELECT groupUniqArray(hash) FROM genesis", nil, &hashes); err != nil {
		return err
	}
	for _, hash := range hashes {
		if hash != h.genesis {
			return dataflow.Fatal{Err: fmt.Errorf("clickhouse: database %s holds the history of genesis %.12s, this pipeline's is %.12s: it needs a database of its own",
				h.store.cfg.Database, hash, h.genesis)}
		}
	}
	if len(hashes) > 0 {
		return nil
	}
	add := func(b driver.Batch, _ int) error { return b.Append(h.genesis, string(settings)) }
	return h.store.insert(ctx, &rows{table: "genesis", token: h.genesis, n: 1, add: add})
}

// same returns an error where a record belongs to another genesis. The log's own was checked at the start, so the record
// came here by mistake.
func (h *History) same(genesis string) error {
	if genesis == h.genesis {
		return nil
	}
	return foreign{fmt.Errorf("it is of genesis %.12s, this pipeline's is %.12s", genesis, h.genesis)}
}

// foreign marks an error of a record that is another pipeline's.
type foreign struct{ error }

// path returns the name of a path: tables hold names, as an index means nothing without its catalogue.
func (h *History) path(i uint8) string {
	if int(i) < len(h.paths) {
		return h.paths[i]
	}
	return fmt.Sprintf("path %d", i)
}
