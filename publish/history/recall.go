package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// Recalled is one change of the state of a resolver or its prefix as ClickHouse remembers it.
type Recalled struct {
	Pane     int64 // that the tick reached, ms
	Tick     int64
	Policy   string // hash
	Decision decision.Decision
}

// ErrNotStored says that ClickHouse does not have what was asked for.
var ErrNotStored = errors.New("ClickHouse does not have it")

// Made is what a published version was made of: the last tick in it.
type Made struct {
	Pane   int64 // that the tick reached, ms
	Tick   int64
	Policy string // hash
}

// MadeOf returns what a version was made of. It does not wait for a server that does not answer.
func (s *Store) MadeOf(ctx context.Context, version int64) (m Made, err error) {
	const query = "SELECT max(tick), toUnixTimestamp64Milli(max(pane)), max(policy) FROM map_versions WHERE version = $1"
	var tick uint64
	if err := s.conn.QueryRow(ctx, query, uint64(version)).Scan(&tick, &m.Pane, &m.Policy); err != nil {
		return m, fmt.Errorf("ask for version %d: %w", version, reason(err, &s.cfg))
	}
	if m.Tick = int64(tick); tick == 0 {
		return m, fmt.Errorf("version %d: %w", version, ErrNotStored)
	}
	return m, nil
}

// recall is the question of Recall: people may ask it themselves.
const recall = `SELECT toUnixTimestamp64Milli(d.pane), d.tick, t.policy, d.path, d.previous, toUnixTimestamp64Milli(d.since), d.gone,
    d.reason, d.level, d.candidate, d.runs, d.cells, d.ratio, d.ratio_upper, d.worst_ratio, d.worst_asn, d.worst_country,
    d.direct, d.gain, d.default_tries, d.default_failures, d.candidate_tries, d.candidate_failures,
    d.ratio_lower, d.harm, d.harm_limit, d.own_ratio, d.own_runs, d.group_ratio, d.group_runs, d.penalty, d.failovers, d.bits, d.exception
FROM decisions AS d INNER JOIN (SELECT tick, any(policy) AS policy FROM ticks GROUP BY tick) AS t ON t.tick = d.tick
WHERE (d.resolver = $1 AND d.bits = 0 OR d.resolver = $2 AND d.bits = $3) AND d.tick <= $4 ORDER BY d.tick, d.bits DESC`

// Recall returns the changes of the state of a resolver and of its prefix up to a tick, oldest first; paths are the names of
// the catalogue. It does not wait for a server that does not answer.
func (s *Store) Recall(ctx context.Context, resolver netip.Addr, tick int64, paths []string) (changes []Recalled, err error) {
	prefix := schemas.PrefixOf(resolver)
	rows, err := s.conn.Query(ctx, recall, resolver, prefix.Addr(), uint8(prefix.Bits()), uint64(tick))
	if err != nil {
		return nil, fmt.Errorf("ask for the decisions about %s: %w", resolver, reason(err, &s.cfg))
	}
	defer rows.Close()
	for rows.Next() {
		c, err := recalled(rows, paths)
		if err != nil {
			return nil, fmt.Errorf("read the decisions about %s: %w", resolver, err)
		}
		if c.Decision.Resolver = resolver; c.Decision.Bits != 0 {
			c.Decision.Resolver = prefix.Addr()
		}
		changes = append(changes, c)
	}
	return changes, rows.Err()
}

func recalled(rows driver.Rows, paths []string) (c Recalled, err error) {
	d := &c.Decision
	d.Changed = 1
	var tick uint64
	var path, previous, candidate, reason, level, country string
	var gone, exception bool
	var ratio, upper, worst, lower, harm, limit, own, ownRuns, group, groupRuns float64
	err = rows.Scan(&c.Pane, &tick, &c.Policy, &path, &previous, &d.Since, &gone, &reason, &level, &candidate, &d.Runs, &d.Cells,
		&ratio, &upper, &worst, &d.WorstASN, &country, &d.Direct, &d.Gain,
		&d.DefaultTries, &d.DefaultFailures, &d.CandidateTries, &d.CandidateFailures,
		&lower, &harm, &limit, &own, &ownRuns, &group, &groupRuns, &d.Penalty, &d.Failovers, &d.Bits, &exception)
	if err != nil {
		return c, err
	}
	c.Tick = int64(tick)
	if gone {
		d.Gone = 1
	}
	if exception {
		d.Exception = 1
	}
	var errs [6]error
	d.Path, errs[0] = index(paths, path)
	d.Previous, errs[1] = index(paths, previous)
	d.Candidate, errs[2] = index(paths, candidate)
	d.Reason, errs[3] = decision.ParseReason(reason)
	d.Level, errs[4] = decision.ParseLevel(level)
	d.WorstCountry, errs[5] = sample.ParseCountry(country)
	d.Ratio, d.RatioUpper, d.RatioLower, d.WorstRatio = ratioOf(ratio), ratioOf(upper), ratioOf(lower), ratioOf(worst)
	d.OwnRatio, d.GroupRatio = ratioOf(own), ratioOf(group)
	d.OwnRuns, d.GroupRuns = whole(ownRuns*decision.RunsOne), whole(groupRuns*decision.RunsOne)
	d.Harm, d.HarmLimit = whole(harm*1e6), whole(limit*1e6)
	return c, errors.Join(errs[:]...)
}

// index returns the path with a name, as History.path wrote it.
func index(paths []string, name string) (uint8, error) {
	if i := slices.Index(paths, name); i >= 0 {
		return uint8(i), nil
	}
	return 0, fmt.Errorf("path %.40q is not in the catalogue", name)
}

// ratioOf, whole: the other way than octaves, share and weighed.
func ratioOf(octaves float64) int32 { return int32(math.Round(octaves * sample.RatioOne)) }

func whole(n float64) uint32 { return uint32(math.Round(n)) }
