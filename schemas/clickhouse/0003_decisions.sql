-- Why resolvers are where they are: one row for every change of a resolver's state.

CREATE TABLE IF NOT EXISTS decisions /*on_cluster*/
(
    pane               DateTime64(3, 'UTC') COMMENT 'start of the pane that the tick reached' CODEC(Delta, ZSTD),
    tick               UInt64,
    resolver           IPv6,
    path               LowCardinality(String) COMMENT 'where the resolver''s users are sent',
    previous           LowCardinality(String) COMMENT 'where they were sent before',
    since              DateTime64(3, 'UTC') COMMENT 'pane from which it has been on path',
    gone               Bool COMMENT 'no evidence is left: back to the default path',
    reason             LowCardinality(String) COMMENT 'why it is on path',
    level              LowCardinality(String) COMMENT 'grain of the evidence that decided',
    candidate          LowCardinality(String) COMMENT 'the path weighed against the default one',
    runs               UInt32 COMMENT 'probe runs with a pair on the candidate',
    cells              UInt16 COMMENT 'client populations with such runs',
    ratio              Float64 COMMENT 'mean log2(candidate / default): below 0 is faster',
    ratio_upper        Float64 COMMENT 'its one-sided upper confidence bound',
    worst_ratio        Float64 COMMENT 'mean of the population that fares worst',
    worst_asn          UInt32,
    worst_country      LowCardinality(String),
    direct             UInt32 COMMENT 'µs: median latency on the default path; 0 = unknown',
    gain               Int32 COMMENT 'µs: expected at ratio',
    default_tries      UInt32 COMMENT 'samples on the default path in the reachability window',
    default_failures   UInt32 COMMENT 'samples',
    candidate_tries    UInt32 COMMENT 'samples',
    candidate_failures UInt32 COMMENT 'samples'
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(pane)
ORDER BY (resolver, tick)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'one change of one resolver''s state';

-- A row here says that all decisions of the tick are in the table above: it is written after them.
CREATE TABLE IF NOT EXISTS ticks /*on_cluster*/
(
    tick       UInt64 COMMENT '1 for the first',
    pane       DateTime64(3, 'UTC') COMMENT 'start of the pane that it reached',
    digest     String COMMENT 'SHA-256 over what it means, the tick before included',
    previous   String COMMENT 'digest of the tick before',
    policy     String COMMENT 'hash',
    decisions  UInt64 COMMENT 'rows in decisions',
    windows    UInt64 COMMENT 'rows of the pane',
    samples    UInt64 COMMENT 'counted in them',
    resolvers  UInt64 COMMENT 'with state after it',
    rerouted   UInt64 COMMENT 'off the default path after it',
    moved      UInt64 COMMENT 'whose path it changed',
    incomplete Bool COMMENT 'the evidence is known to miss something',
    windows_offsets Array(Int64) COMMENT 'next offset by partition of the windows topic',
    control_offset  Int64 COMMENT 'next offset of the control topic'
)
ENGINE = ReplacingMergeTree
ORDER BY tick
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'one step of decide';
