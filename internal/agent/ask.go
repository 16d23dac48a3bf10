package agent

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"detour/schemas/pathmap"
)

// Ask asks the publisher once for its last manifest, and checks it as an agent with these settings would; nil where there is
// no version yet. A *url.Error is that the publisher can't be reached.
func Ask(ctx context.Context, cfg Config) (*pathmap.Manifest, error) {
	a, err := New(cfg, Deps{}, zerolog.Nop())
	if err != nil {
		return nil, err
	}
	defer a.client.http.CloseIdleConnections()
	m, _, err := a.client.manifest(ctx, "", 0)
	if errors.Is(err, errUnavailable) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return m, a.verifier.manifest(m)
}
