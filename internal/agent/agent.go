// Package agent keeps the last good map beside a DNS server: it pulls versions from the fleet API, checks them, and
// swaps them in.
//
// What is installed passed every check: signature (where a key is configured), digest, a version that only goes up, and
// the paths that the server knows. A map that did is kept for ever: a publisher that is away, or sends what fails a
// check, changes nothing.
package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Deps is what an agent is given beside its settings.
type Deps struct {
	Paths []string          // names of the paths that the server answers for, in the catalogue's order
	Key   ed25519.PublicKey // wins over Config.PublicKeyFile
	Now   func() time.Time  // event time, to warn of a map past its expiry; nil = no warning: a replay lives in the past
}

// Agent pulls maps. Current may be called from any goroutine.
type Agent struct {
	cfg      Config
	verifier verifier
	client   *client
	now      func() time.Time
	state    state

	tag     string // of the installed version's manifest, as the publisher gave it
	current atomic.Pointer[Installed]
	seen    seen
}

// New returns an agent that has no map yet. Its only I/O is to read the files of keys and certificates.
func New(cfg Config, deps Deps, log zerolog.Logger) (*Agent, error) {
	var keys []ed25519.PublicKey
	switch {
	case deps.Key != nil:
		keys = append(keys, deps.Key)
	case cfg.PublicKeyFile != "":
		var err error
		if keys, err = LoadPublicKeys(cfg.PublicKeyFile); err != nil {
			return nil, err
		}
	}
	secure, err := cfg.TLS.Load()
	if err != nil {
		return nil, err
	}
	return &Agent{
		cfg:      cfg,
		verifier: verifier{keys: keys, paths: deps.Paths, max: cfg.MaxMapBytes},
		client:   newClient(cfg.URL, secure),
		now:      deps.Now,
		state:    state{log: log.With().Str("component", "agent").Logger()},
	}, nil
}

// Current returns the installed map, nil before the first.
func (a *Agent) Current() *Installed { return a.current.Load() }

// Run restores the cached map, then pulls until ctx ends; it returns nil.
func (a *Agent) Run(ctx context.Context) error {
	defer a.client.http.CloseIdleConnections()
	if len(a.verifier.keys) == 0 {
		a.state.log.Warn().Msg("no public key is configured: maps are taken from whoever answers at the url")
	}
	a.restore()
	for failures := 0; ctx.Err() == nil; {
		begun := time.Now()
		installed, err := a.pull(ctx)
		if ctx.Err() != nil {
			return nil
		}
		a.seen.refused(err)
		a.state.report(err, a.Current())
		a.state.expiry(a.now, a.Current())
		if installed || err == nil && time.Since(begun) > a.cfg.Wait/2 {
			failures = 0
			continue
		}
		failures++ // "nothing new" at once, instead of after a wait, is a reason to ask less often, too
		pause(ctx, a.backoff(failures))
	}
	return nil
}

// restore installs the cached map, if there is a good one.
func (a *Agent) restore() {
	if a.cfg.CacheFile == "" {
		return
	}
	cached, err := load(a.cfg.CacheFile, &a.verifier)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.state.log.Info().Str("file", a.cfg.CacheFile).Msg("no cached map yet")
	case err != nil:
		a.state.log.Warn().Err(err).Msg("the cached map is not used")
	default:
		a.current.Store(cached)
		a.state.installed(cached, "restored from the cache file")
	}
}

// pull asks once, waiting for a newer version, and installs what it is given. It reports whether it installed a version.
func (a *Agent) pull(ctx context.Context) (bool, error) {
	m, tag, err := a.client.manifest(ctx, a.tag, a.cfg.Wait)
	if errors.Is(err, errUnavailable) { // it may only have no place for another long poll
		m, tag, err = a.client.manifest(ctx, a.tag, 0)
	}
	if err == nil || errors.Is(err, errUnavailable) || errors.As(err, new(refused)) {
		a.seen.contact()
	}
	if err != nil || m == nil {
		return false, err
	}
	if err := a.verifier.manifest(m); err != nil {
		return false, err
	}
	now := a.Current()
	if err := follows(m, now); err != nil {
		return false, refused{backwards, err}
	}
	if now != nil && m.Version == now.Manifest.Version {
		a.tag = tag
		return false, nil
	}
	data, err := a.client.content(ctx, m)
	if err != nil {
		return false, err
	}
	installed, err := a.verifier.open(m, data)
	if err != nil {
		return false, refused{content, err}
	}
	a.tag = tag
	a.current.Store(installed)
	a.state.installed(installed, "installed")
	a.keep(installed, data)
	return true, nil
}

// keep writes the cache file. Serving goes on where that fails.
func (a *Agent) keep(installed *Installed, data []byte) {
	if a.cfg.CacheFile == "" {
		return
	}
	if err := save(a.cfg.CacheFile, &installed.Manifest, data); err != nil {
		a.state.log.Error().Err(err).Msg("the map is served, and would be lost by a restart")
	}
}

// backoff returns the pause after so many failures in a row: doubled with each, bounded, and drawn from its upper half so
// that a fleet does not come back all at once.
func (a *Agent) backoff(failures int) time.Duration {
	d := a.cfg.RetryMin
	for range failures - 1 {
		if d = min(2*d, a.cfg.RetryMax); d == a.cfg.RetryMax {
			break
		}
	}
	return d/2 + rand.N(d/2+1)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
