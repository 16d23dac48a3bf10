-- What resolvers' users saw, pane by pane. All counts are samples unless the name says otherwise.

CREATE TABLE IF NOT EXISTS genesis /*on_cluster*/
(
    hash     String COMMENT 'SHA-256 of the settings that shape output for ever; this database holds one',
    settings String COMMENT 'the settings as JSON'
)
ENGINE = MergeTree
ORDER BY hash
SETTINGS non_replicated_deduplication_window = 100, replicated_deduplication_window = 100, replicated_deduplication_window_seconds = 2592000
COMMENT 'the settings whose history this is';

CREATE TABLE IF NOT EXISTS windows /*on_cluster*/
(
    pane           DateTime64(3, 'UTC') COMMENT 'start of the pane' CODEC(Delta, ZSTD),
    partition      Int32 COMMENT 'partition of the windows topic',
    resolver       IPv6 COMMENT 'recursive resolver, IPv4 as ::ffff:a.b.c.d; detour_addr() writes it without',
    country        LowCardinality(String) COMMENT 'of the clients, ISO 3166-1 alpha-2; empty = unknown',
    asn            UInt32 COMMENT 'of the clients; 0 = unknown',
    other          Bool COMMENT 'all clients beyond the resolver''s largest populations',
    path           LowCardinality(String) COMMENT 'name in the path catalogue',
    class          Enum8('unknown' = 0, 'new' = 1, 'reused' = 2) COMMENT 'kind of connection',
    ok             UInt32 COMMENT 'answered 200-399',
    http_errors    UInt32 COMMENT 'answered 4xx or 500',
    gateway_errors UInt32 COMMENT 'answered 502-504: counts against reachability',
    unreachable    UInt32 COMMENT 'no answer: counts against reachability',
    runs           UInt32 COMMENT 'probe runs',
    pairs          UInt32 COMMENT 'samples with a paired ratio',
    pair_runs      UInt32 COMMENT 'probe runs with a paired ratio',
    clients        UInt32 COMMENT 'distinct clients',
    late           UInt32 COMMENT 'flagged late',
    skewed         UInt32 COMMENT 'flagged skewed',
    p50            UInt32 COMMENT 'µs, of ok samples; 0 = none',
    p75            UInt32 COMMENT 'µs',
    p90            UInt32 COMMENT 'µs',
    p95            UInt32 COMMENT 'µs',
    p99            UInt32 COMMENT 'µs',
    latency        SimpleAggregateFunction(sumMap, Tuple(Array(Int16), Array(UInt64))) COMMENT 'ok samples by log-linear bin of µs',
    ratio          SimpleAggregateFunction(sumMap, Tuple(Array(Int16), Array(UInt64))) COMMENT 'pairs by 1/8 octave of log2(path / default path)'
)
ENGINE = MergeTree
PARTITION BY toDate(pane)
ORDER BY (resolver, pane, path, class, country, asn)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'one (resolver, population, path, connection class) in one pane';

-- A row here says that all windows of the pane are in the table above: it is written after them.
CREATE TABLE IF NOT EXISTS panes /*on_cluster*/
(
    pane       DateTime64(3, 'UTC') COMMENT 'start of the pane',
    partition  Int32 COMMENT 'partition of the windows topic',
    digest     String COMMENT 'SHA-256 over the windows',
    windows    UInt64 COMMENT 'rows in windows',
    samples    UInt64 COMMENT 'that arrived',
    counted    UInt64 COMMENT 'of these, in windows',
    capped     UInt64 COMMENT 'of these, left out since one client had too many runs',
    late       UInt64,
    skewed     UInt64,
    moved      UInt64 COMMENT 'of a pane that was sealed before, counted in this one',
    holes      UInt64 COMMENT 'ranges of a source that never came',
    incomplete Bool COMMENT 'something is known to be missing'
)
ENGINE = ReplacingMergeTree
ORDER BY (partition, pane)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'one sealed pane of one partition';

CREATE TABLE IF NOT EXISTS windows_hourly /*on_cluster*/
(
    hour           DateTime('UTC'),
    resolver       IPv6,
    country        LowCardinality(String),
    asn            UInt32,
    other          Bool,
    path           LowCardinality(String),
    class          Enum8('unknown' = 0, 'new' = 1, 'reused' = 2),
    ok             SimpleAggregateFunction(sum, UInt64),
    http_errors    SimpleAggregateFunction(sum, UInt64),
    gateway_errors SimpleAggregateFunction(sum, UInt64),
    unreachable    SimpleAggregateFunction(sum, UInt64),
    runs           SimpleAggregateFunction(sum, UInt64),
    pairs          SimpleAggregateFunction(sum, UInt64),
    pair_runs      SimpleAggregateFunction(sum, UInt64),
    clients        SimpleAggregateFunction(max, UInt32) COMMENT 'most distinct clients in one pane',
    late           SimpleAggregateFunction(sum, UInt64),
    skewed         SimpleAggregateFunction(sum, UInt64),
    latency        SimpleAggregateFunction(sumMap, Tuple(Array(Int16), Array(UInt64))),
    ratio          SimpleAggregateFunction(sumMap, Tuple(Array(Int16), Array(UInt64)))
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (resolver, hour, path, class, country, asn, other)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'windows by hour: rows of one key are merged in time, so aggregate when reading';

CREATE MATERIALIZED VIEW IF NOT EXISTS windows_hourly_feed /*on_cluster*/ TO windows_hourly AS
SELECT
    toStartOfHour(w.pane) AS hour, w.resolver AS resolver, w.country AS country, w.asn AS asn, w.other AS other,
    w.path AS path, w.class AS class,
    sum(w.ok) AS ok, sum(w.http_errors) AS http_errors, sum(w.gateway_errors) AS gateway_errors,
    sum(w.unreachable) AS unreachable, sum(w.runs) AS runs, sum(w.pairs) AS pairs, sum(w.pair_runs) AS pair_runs,
    max(w.clients) AS clients, sum(w.late) AS late, sum(w.skewed) AS skewed,
    sumMap(w.latency) AS latency, sumMap(w.ratio) AS ratio
FROM windows AS w
GROUP BY hour, resolver, country, asn, other, path, class;
