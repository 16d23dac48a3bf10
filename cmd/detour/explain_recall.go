package main

import (
	"context"
	"errors"
	"fmt"

	"detour/decide/story"
	"detour/publish/history"
	"detour/schemas/pathmap"
)

// recall tells the story as of a version from ClickHouse; published is the version, nil if the log holds it no more.
// Without ClickHouse, the error says what to ask there.
func (q *question) recall(ctx context.Context, paths []string, published *pathmap.Publication) (*story.Story, *story.Map, error) {
	store, err := q.cfg.database(q.logger)
	switch {
	case err != nil:
		return nil, nil, err
	case store == nil:
		return nil, nil, fmt.Errorf("%w, and the configuration names no ClickHouse; where there is one, ask it:\n%s", q.gone(published), q.query())
	}
	defer store.Close()
	s, m, err := q.recalled(ctx, store, paths, published)
	switch {
	case errors.Is(err, history.ErrNotStored):
		return nil, nil, fmt.Errorf("%w, and %w", q.gone(published), err)
	case err != nil:
		return nil, nil, fmt.Errorf("%w, and ClickHouse does not tell (%w); once it does, ask it:\n%s", q.gone(published), err, q.query())
	}
	return s, m, nil
}

// gone says what the log does not tell.
func (q *question) gone(published *pathmap.Publication) error {
	if published == nil {
		return fmt.Errorf("the log holds no version %d", q.version)
	}
	return fmt.Errorf("the log holds version %d, but no longer the decisions that it was made of, up to tick %d", q.version, published.Manifest.Tick)
}

// query is the question to ask ClickHouse by hand.
func (q *question) query() string {
	return fmt.Sprintf("SELECT * FROM decisions WHERE resolver IN (toIPv6('%[1]s'), detour_prefix(toIPv6('%[1]s'))) AND tick <= (SELECT max(tick) FROM map_versions WHERE version = %[2]d) ORDER BY tick",
		q.resolver, q.version)
}

func (q *question) recalled(ctx context.Context, store *history.Store, paths []string, published *pathmap.Publication) (*story.Story, *story.Map, error) {
	made, err := store.MadeOf(ctx, q.version)
	if err != nil {
		return nil, nil, err
	}
	rows, err := store.Recall(ctx, q.resolver, made.Tick, paths)
	if err != nil {
		return nil, nil, err
	}
	changes := make([]story.Row, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		changes = append(changes, story.Row{Moment: story.Moment{Pane: r.Pane, Tick: r.Tick, Policy: r.Policy}, Decision: r.Decision})
	}
	s := story.FromChanges(q.resolver, story.Moment{Pane: made.Pane, Tick: made.Tick, Policy: made.Policy}, changes)
	if published != nil {
		m, err := q.published(published)
		return s, m, err
	}
	m := &story.Map{Version: q.version, Tick: made.Tick, Path: q.cfg.Genesis.DefaultPath()}
	if place := s.Place(); place != nil {
		m.Path = place.Decision.Path
	}
	return s, m, nil
}
