-- What analysts ask first, as views. Resolvers are text here, IPv4 without ::ffff:.

-- The whole map at a version: SELECT * FROM map_at(version = 7). Nothing for a version that is not wholly stored.
CREATE OR REPLACE VIEW map_at /*on_cluster*/ AS
SELECT
    detour_addr(c.resolver) AS resolver,
    argMax(c.path, c.version) AS path,
    max(c.version) AS since_version
FROM map_changes AS c
WHERE c.version <= {version:UInt64} AND {version:UInt64} IN (SELECT v.version FROM map_versions AS v)
GROUP BY c.resolver
HAVING argMax(c.listed, c.version);

-- The newest map.
CREATE OR REPLACE VIEW map_now /*on_cluster*/ AS
SELECT
    detour_addr(c.resolver) AS resolver,
    argMax(c.path, c.version) AS path,
    max(c.version) AS since_version
FROM map_changes AS c
WHERE c.version <= (SELECT max(v.version) FROM map_versions AS v)
GROUP BY c.resolver
HAVING argMax(c.listed, c.version);

-- Everything that was decided and published about one resolver: SELECT * FROM resolver_history(resolver = '192.0.2.1').
CREATE OR REPLACE VIEW resolver_history /*on_cluster*/ AS
SELECT * FROM
(
    SELECT
        d.pane AS pane, 'decision' AS event, d.tick AS number, toString(d.path) AS path, toString(d.previous) AS previous,
        toString(d.reason) AS reason, toString(d.level) AS level, d.runs AS runs, round(d.ratio, 3) AS ratio,
        round(d.ratio_upper, 3) AS ratio_upper, d.direct AS direct_us, d.gain AS gain_us
    FROM decisions AS d
    WHERE d.resolver = toIPv6({resolver:String})
    UNION ALL
    SELECT
        v.pane AS pane, 'map' AS event, c.version AS number, toString(c.path) AS path, toString(c.previous) AS previous,
        '' AS reason, '' AS level, toUInt32(0) AS runs, toFloat64(0) AS ratio,
        toFloat64(0) AS ratio_upper, toUInt32(0) AS direct_us, toInt32(0) AS gain_us
    FROM map_changes AS c INNER JOIN map_versions AS v FINAL ON v.version = c.version
    WHERE c.resolver = toIPv6({resolver:String})
)
ORDER BY pane, event, number;

-- What one resolver's users saw on each path in the last minutes of what is stored:
-- SELECT * FROM resolver_paths(resolver = '192.0.2.1', minutes = 60).
CREATE OR REPLACE VIEW resolver_paths /*on_cluster*/ AS
SELECT
    w.path AS path, w.class AS class,
    sum(w.ok) AS ok, sum(w.http_errors) AS http_errors, sum(w.gateway_errors + w.unreachable) AS failures,
    detour_latency_quantile(sumMap(w.latency), 0.5) AS p50_us,
    detour_latency_quantile(sumMap(w.latency), 0.95) AS p95_us,
    sum(w.pairs) AS pairs,
    round(detour_faster_pct(detour_ratio_mean(sumMap(w.ratio))), 1) AS faster_pct
FROM windows AS w
WHERE w.resolver = toIPv6({resolver:String})
    AND w.pane > (SELECT max(p.pane) FROM panes AS p) - toIntervalMinute({minutes:UInt32})
GROUP BY path, class
ORDER BY path, class;
