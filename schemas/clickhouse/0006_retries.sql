-- What a retry needs to know that comes after the tables have forgotten the tokens of their blocks.

-- Which panes an hourly row holds, so that none is added to it twice.
ALTER TABLE windows_hourly /*on_cluster*/ ADD COLUMN IF NOT EXISTS panes
    SimpleAggregateFunction(groupUniqArrayArray, Array(DateTime('UTC'))) COMMENT 'start of the panes that are in it' CODEC(ZSTD);

ALTER TABLE windows_hourly_feed /*on_cluster*/ MODIFY QUERY
SELECT
    toStartOfHour(w.pane) AS hour, w.resolver AS resolver, w.country AS country, w.asn AS asn, w.other AS other,
    w.path AS path, w.class AS class,
    sum(w.ok) AS ok, sum(w.http_errors) AS http_errors, sum(w.gateway_errors) AS gateway_errors,
    sum(w.unreachable) AS unreachable, sum(w.runs) AS runs, sum(w.pairs) AS pairs, sum(w.pair_runs) AS pair_runs,
    max(w.clients) AS clients, sum(w.late) AS late, sum(w.skewed) AS skewed,
    sumMap(w.latency) AS latency, sumMap(w.ratio) AS ratio, groupUniqArray(toDateTime(w.pane, 'UTC')) AS panes
FROM windows AS w
GROUP BY hour, resolver, country, asn, other, path, class;

-- Changes without a seal may be of a version that retention took before it was whole: no map has them.
CREATE OR REPLACE VIEW map_at /*on_cluster*/ AS
SELECT
    detour_addr(c.resolver) AS resolver,
    argMax(c.path, c.version) AS path,
    max(c.version) AS since_version
FROM map_changes AS c
WHERE c.version IN (SELECT v.version FROM map_versions AS v WHERE v.version <= {version:UInt64})
    AND {version:UInt64} IN (SELECT v.version FROM map_versions AS v)
GROUP BY c.resolver
HAVING argMax(c.listed, c.version);

CREATE OR REPLACE VIEW map_now /*on_cluster*/ AS
SELECT
    detour_addr(c.resolver) AS resolver,
    argMax(c.path, c.version) AS path,
    max(c.version) AS since_version
FROM map_changes AS c
WHERE c.version IN (SELECT v.version FROM map_versions AS v)
GROUP BY c.resolver
HAVING argMax(c.listed, c.version);
