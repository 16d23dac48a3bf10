-- Published maps. Only what a version changed is stored; the view map_at() puts any version together.

CREATE TABLE IF NOT EXISTS map_changes /*on_cluster*/
(
    version  UInt64,
    resolver IPv6,
    path     LowCardinality(String) COMMENT 'where the version sends it',
    previous LowCardinality(String) COMMENT 'where the version before sent it',
    listed   Bool COMMENT 'whether the version lists it; false = back to the default path'
)
ENGINE = MergeTree
ORDER BY (resolver, version)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'one resolver that a version sends elsewhere than the version before';

-- A row here says that all changes of the version are in the table above: it is written after them.
CREATE TABLE IF NOT EXISTS map_versions /*on_cluster*/
(
    version          UInt64 COMMENT '1 for the first; only goes up',
    digest           String COMMENT 'SHA-256 of the map''s bytes',
    previous         String COMMENT 'digest of the version before',
    pane             DateTime64(3, 'UTC') COMMENT 'start of the pane that it reached',
    created          DateTime64(3, 'UTC') COMMENT 'event time',
    expires          DateTime64(3, 'UTC') COMMENT 'event time',
    genesis          String COMMENT 'hash',
    policy           String COMMENT 'hash',
    code             String COMMENT 'version of the program that published',
    entries          UInt64 COMMENT 'resolvers off the default path',
    size             UInt64 COMMENT 'bytes of the map',
    incomplete       Bool COMMENT 'the evidence is known to miss something',
    tick             UInt64 COMMENT 'decisions up to this tick are in it',
    changes          UInt64 COMMENT 'rows in map_changes',
    paths            Array(String) COMMENT 'path catalogue',
    default_path     LowCardinality(String),
    decisions_offset Int64 COMMENT 'next offset of the decisions topic',
    windows_offsets  Array(Int64) COMMENT 'next offset by partition of the windows topic',
    control_offset   Int64 COMMENT 'next offset of the control topic',
    signature        String COMMENT 'Ed25519, base64; empty = unsigned'
)
ENGINE = ReplacingMergeTree
ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 2592000
COMMENT 'manifests of published maps';
