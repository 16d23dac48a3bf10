-- Decisions and maps are about prefixes, too: a /24 or, of IPv6, a /48, under its first address with its length in bits.

-- What a row is about, as people write it: a resolver, or a prefix with its length.
CREATE OR REPLACE FUNCTION detour_subject /*on_cluster*/ AS (ip, bits) ->
    if(bits = 0, detour_addr(ip), concat(detour_addr(ip), '/', toString(bits)));

-- The first address of the prefix that a resolver is in.
CREATE OR REPLACE FUNCTION detour_prefix /*on_cluster*/ AS (ip) ->
    tupleElement(IPv6CIDRToRange(ip, if(match(toString(ip), '^::ffff:\\d+\\.'), 120, 48)), 1);

ALTER TABLE decisions /*on_cluster*/
    ADD COLUMN IF NOT EXISTS bits      UInt8 COMMENT '0 = about the resolver; 24 or 48 = about the prefix of that length that begins there',
    ADD COLUMN IF NOT EXISTS exception Bool COMMENT 'it stays on the default path although its prefix is on another';

ALTER TABLE map_changes /*on_cluster*/
    ADD COLUMN IF NOT EXISTS bits UInt8 COMMENT '0 = about the resolver; 24 or 48 = about the prefix of that length that begins there';

ALTER TABLE map_versions /*on_cluster*/
    ADD COLUMN IF NOT EXISTS prefixes   UInt64 COMMENT 'of the entries: about prefixes',
    ADD COLUMN IF NOT EXISTS exceptions UInt64 COMMENT 'of the entries: resolvers that stay on the default path though their prefix is off it';

-- The whole map at a version: SELECT * FROM map_at(version = 7). Nothing for a version that is not wholly stored.
CREATE OR REPLACE VIEW map_at /*on_cluster*/ AS
SELECT
    detour_subject(c.resolver, c.bits) AS resolver,
    argMax(c.path, c.version) AS path,
    max(c.version) AS since_version
FROM map_changes AS c
WHERE c.version IN (SELECT v.version FROM map_versions AS v WHERE v.version <= {version:UInt64})
    AND {version:UInt64} IN (SELECT v.version FROM map_versions AS v)
GROUP BY c.resolver, c.bits
HAVING argMax(c.listed, c.version);

-- The newest map.
CREATE OR REPLACE VIEW map_now /*on_cluster*/ AS
SELECT
    detour_subject(c.resolver, c.bits) AS resolver,
    argMax(c.path, c.version) AS path,
    max(c.version) AS since_version
FROM map_changes AS c
WHERE c.version IN (SELECT v.version FROM map_versions AS v)
GROUP BY c.resolver, c.bits
HAVING argMax(c.listed, c.version);

-- Where a version sends any resolver, and which entry says so ('' = none: the default path):
-- SELECT * FROM map_path(version = 7, resolver = '192.0.2.1'). Nothing for a version that is not wholly stored.
CREATE OR REPLACE VIEW map_path /*on_cluster*/ AS
SELECT
    if(e.found = 0, toString(v.default_path), e.path) AS path,
    e.entry AS entry
FROM map_versions AS v FINAL
CROSS JOIN
(
    SELECT count() AS found, argMin(s.path, s.bits) AS path, argMin(s.entry, s.bits) AS entry
    FROM
    (
        SELECT c.bits AS bits, detour_subject(any(c.resolver), c.bits) AS entry, toString(argMax(c.path, c.version)) AS path
        FROM map_changes AS c
        WHERE c.resolver IN (toIPv6({resolver:String}), detour_prefix(toIPv6({resolver:String})))
            AND c.resolver = if(c.bits = 0, toIPv6({resolver:String}), detour_prefix(toIPv6({resolver:String})))
            AND c.version IN (SELECT w.version FROM map_versions AS w WHERE w.version <= {version:UInt64})
        GROUP BY c.bits
        HAVING argMax(c.listed, c.version)
    ) AS s
) AS e
WHERE v.version = {version:UInt64};

-- Everything that was decided and published about one resolver and its prefix, which says where it goes as long as nothing
-- is said about itself: SELECT * FROM resolver_history(resolver = '192.0.2.1').
CREATE OR REPLACE VIEW resolver_history /*on_cluster*/ AS
SELECT * FROM
(
    SELECT
        d.pane AS pane, 'decision' AS event, d.tick AS number, detour_subject(d.resolver, d.bits) AS about,
        toString(d.path) AS path, toString(d.previous) AS previous,
        toString(d.reason) AS reason, toString(d.level) AS level, d.runs AS runs, round(d.ratio, 3) AS ratio,
        round(d.ratio_upper, 3) AS ratio_upper, d.direct AS direct_us, d.gain AS gain_us,
        round(100 * d.harm, 2) AS harm_pct, round(100 * d.harm_limit, 2) AS harm_limit_pct
    FROM decisions AS d
    WHERE d.resolver IN (toIPv6({resolver:String}), detour_prefix(toIPv6({resolver:String})))
        AND d.resolver = if(d.bits = 0, toIPv6({resolver:String}), detour_prefix(toIPv6({resolver:String})))
    UNION ALL
    SELECT
        v.pane AS pane, 'map' AS event, c.version AS number, detour_subject(c.resolver, c.bits) AS about,
        toString(c.path) AS path, toString(c.previous) AS previous,
        '' AS reason, '' AS level, toUInt32(0) AS runs, toFloat64(0) AS ratio,
        toFloat64(0) AS ratio_upper, toUInt32(0) AS direct_us, toInt32(0) AS gain_us,
        toFloat64(0) AS harm_pct, toFloat64(0) AS harm_limit_pct
    FROM map_changes AS c INNER JOIN map_versions AS v FINAL ON v.version = c.version
    WHERE c.resolver IN (toIPv6({resolver:String}), detour_prefix(toIPv6({resolver:String})))
        AND c.resolver = if(c.bits = 0, toIPv6({resolver:String}), detour_prefix(toIPv6({resolver:String})))
)
ORDER BY pane, event, number, about;
