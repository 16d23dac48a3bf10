-- What decisions say since evidence is pooled, weighed by its age, and held to a share of clients that may be harmed.

ALTER TABLE decisions /*on_cluster*/
    ADD COLUMN IF NOT EXISTS ratio_lower Float64 COMMENT 'lower bound of ratio at the policy''s confidence, one-sided',
    ADD COLUMN IF NOT EXISTS harm        Float64 COMMENT 'expected share of clients that the candidate slows by more than the policy''s limits',
    ADD COLUMN IF NOT EXISTS harm_limit  Float64 COMMENT 'the share that harm was held to; 0 = none was weighed',
    ADD COLUMN IF NOT EXISTS own_ratio   Float64 COMMENT 'what the resolver''s own runs say',
    ADD COLUMN IF NOT EXISTS own_runs    Float64 COMMENT 'how much they weigh, in runs of this pane; 0 = it has none',
    ADD COLUMN IF NOT EXISTS group_ratio Float64 COMMENT 'what the group says that it was pooled with',
    ADD COLUMN IF NOT EXISTS group_runs  Float64 COMMENT 'how many own runs that weighs as much as',
    ADD COLUMN IF NOT EXISTS penalty     UInt32 COMMENT 'of flapping, at since, in points',
    ADD COLUMN IF NOT EXISTS failovers   UInt32 COMMENT 'moves off a failing path in close succession';

-- Everything that was decided and published about one resolver: SELECT * FROM resolver_history(resolver = '192.0.2.1').
CREATE OR REPLACE VIEW resolver_history /*on_cluster*/ AS
SELECT * FROM
(
    SELECT
        d.pane AS pane, 'decision' AS event, d.tick AS number, toString(d.path) AS path, toString(d.previous) AS previous,
        toString(d.reason) AS reason, toString(d.level) AS level, d.runs AS runs, round(d.ratio, 3) AS ratio,
        round(d.ratio_upper, 3) AS ratio_upper, d.direct AS direct_us, d.gain AS gain_us,
        round(100 * d.harm, 2) AS harm_pct, round(100 * d.harm_limit, 2) AS harm_limit_pct
    FROM decisions AS d
    WHERE d.resolver = toIPv6({resolver:String})
    UNION ALL
    SELECT
        v.pane AS pane, 'map' AS event, c.version AS number, toString(c.path) AS path, toString(c.previous) AS previous,
        '' AS reason, '' AS level, toUInt32(0) AS runs, toFloat64(0) AS ratio,
        toFloat64(0) AS ratio_upper, toUInt32(0) AS direct_us, toInt32(0) AS gain_us,
        toFloat64(0) AS harm_pct, toFloat64(0) AS harm_limit_pct
    FROM map_changes AS c INNER JOIN map_versions AS v FINAL ON v.version = c.version
    WHERE c.resolver = toIPv6({resolver:String})
)
ORDER BY pane, event, number;
