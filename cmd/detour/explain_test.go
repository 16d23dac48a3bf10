package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/decide/story"
	"detour/internal/genesis"
	"detour/publish/tail"
	"detour/schemas/control"
)

// recallsWhatTheLogTells compares what explain says of resolvers as of a version from the log with what it would say from
// ClickHouse, had the log forgotten it.
func recallsWhatTheLogTells(t *testing.T, path string) {
	t.Helper()
	cfg, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	err = withPipeline(cfg, stdio{err: t.Output()}, func(p *pipeline) error {
		if err := genesis.Ensure(t.Context(), p.log, &p.cfg.Genesis, control.DefaultPolicy(), zerolog.Nop()); err != nil {
			return err
		}
		end, err := tail.Read(t.Context(), p.log, 1)
		if err != nil {
			return err
		}
		last := end.Last()
		content, err := last.Manifest.Open(last.Bytes)
		if err != nil {
			return err
		}
		store, err := p.cfg.database(zerolog.Nop())
		if err != nil {
			return err
		}
		defer store.Close()
		paths := p.cfg.Genesis.PathIDs()
		eventually(t, "the version in ClickHouse", func() bool {
			_, err := store.MadeOf(t.Context(), last.Manifest.Version)
			return err == nil
		})
		for _, e := range content.Entries[:min(len(content.Entries), 5)] {
			q := &question{pipeline: p, resolver: e.Resolver, version: last.Manifest.Version, ticks: 1 << 20}
			logged, says, err := q.then(t.Context(), paths)
			if err != nil {
				return err
			}
			stored, alike, err := q.recalled(t.Context(), store, paths, nil)
			if err != nil {
				return err
			}
			strip := func(rows []story.Row) (bare []story.Row) {
				for _, r := range rows {
					r.Digest = "" // ClickHouse has it in another table
					bare = append(bare, r)
				}
				return bare
			}
			if !reflect.DeepEqual(strip(logged.Changes), strip(stored.Changes)) || *says != *alike || len(stored.Changes) == 0 {
				t.Errorf("%s: the log tells\n%+v %+v\nClickHouse\n%+v %+v", e.Resolver, logged.Changes, says, stored.Changes, alike)
			}
		}
		if len(content.Entries) == 0 {
			t.Error("the map is empty")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSinceIsATimeOrADuration(t *testing.T) {
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]since{"": {}, "24h": {before: 24 * time.Hour}, "2026-01-05T00:00:00Z": {at: at}} {
		if got, err := parseSince(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"-1h", "0s", "yesterday", "2026-01-05"} {
		if got, err := parseSince(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}
