package replay

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/ingest"
	"detour/ingest/consumer"
	"detour/internal/dataflow"
	"detour/internal/kafkalog"
	"detour/schemas"
)

const (
	ingestGroup = "resume.ingest"
	committed   = 20_000 // reports of each source; as many again are behind them
)

// ingest measures until the first reports of every source came, with all that a consumer does before: it joins its group.
func (c *crashed) ingest(b *testing.B) {
	if err := c.reports(b.Context()); err != nil {
		b.Fatal(err)
	}
	c.measure(b, func(ctx context.Context, log dataflow.Log) (any, error) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		client := c.connect(b, c.names)
		defer client.Close()
		first := &untilFirst{Log: log, stop: stop, left: sources}
		consuming := consumer.Consumer{
			Genesis: &c.genesis, Key: ingest.ClientKey(clientKey), Group: ingestGroup,
			Log: first, Members: kafkalog.NewGroup(client), Logger: zerolog.Nop(),
		}
		return nil, consuming.Run(ctx)
	})
}

// reports writes reports, and commits what an ingest that read half of them would have.
func (c *crashed) reports(ctx context.Context) error {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()
	for source := range int32(sources) {
		p := schemas.Partition{Topic: schemas.Reports, Number: source}
		_, end, err := c.log.Bounds(ctx, p)
		if err != nil {
			return err
		}
		for ; end < 2*committed; end += 1000 {
			var records []schemas.Record
			for i := range int64(1000) {
				value := fmt.Sprintf(reportJSON, address(int(end+i)%resolvers))
				records = append(records, schemas.Record{Time: at + end + i, Value: []byte(value)})
			}
			if _, err := c.log.Append(ctx, p, records); err != nil {
				return err
			}
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	all.Add(sources)
	go func() { all.Wait(); stop() }()
	client, ok := c.log.Log.(*kafkalog.Client)
	if !ok {
		return fmt.Errorf("the log is a %T", c.log.Log)
	}
	return kafkalog.NewGroup(client).Run(ctx, ingestGroup, schemas.Reports, func(ctx context.Context, a dataflow.Assignment) error {
		point := ingest.Checkpoint{Offset: committed, Heard: true, Origin: at, Mark: at + committed}
		metadata, err := point.Metadata()
		if err == nil {
			err = a.Commit(ctx, point.Offset, metadata)
		}
		if err == nil {
			all.Done()
		}
		return err
	})
}

const reportJSON = `{"ctx":{"id":"r-1","resolver":"%s","asn":"AS64500","country":"DE","client":"198.51.100.7"},` +
	`"type":"pulse","name":"default","data":[` +
	`{"name":"direct","data":[{"start":12,"d":310.25,"sc":200,"tcp":90,"tls":95},{"start":330,"d":101,"sc":200,"tcp":0}]},` +
	`{"name":"proxy","data":[{"start":440,"d":210.5,"sc":200,"tcp":30,"tls":35},{"start":660,"d":91,"sc":200,"tcp":0}]}]}`

// untilFirst is a log that stops its reader once it had an answer of every source, before that can take effect.
type untilFirst struct {
	dataflow.Log
	stop context.CancelFunc

	mu   sync.Mutex
	left int
}

// Fetch implements dataflow.Log. Each source is read once.
func (u *untilFirst) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	f, err := u.Log.Fetch(ctx, p, offset)
	if err == nil && (offset != committed || len(f.Records) == 0) {
		err = fmt.Errorf("%d records at %d", len(f.Records), offset)
	}
	if err != nil {
		return f, dataflow.Fatal{Err: err}
	}
	u.mu.Lock()
	if u.left--; u.left == 0 {
		u.stop()
	}
	u.mu.Unlock()
	<-ctx.Done()
	return f, ctx.Err()
}
