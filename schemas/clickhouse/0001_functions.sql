-- Functions that every query on the tables below may use. They are the server's, not the database's: hence the prefix.
-- A histogram is a tuple (bins, counts), as sumMap() returns it, so that any windows can be merged before a quantile
-- is taken: detour_latency_quantile(sumMap(latency), 0.95). The bins are those of package schemas/window.

-- An address as people write it: IPv4 without the ::ffff: under which it is stored.
CREATE OR REPLACE FUNCTION detour_addr /*on_cluster*/ AS (ip) ->
    replaceRegexpOne(toString(ip), '^::ffff:(\\d+\\.)', '\\1');

-- The log-linear bin of a duration in µs.
CREATE OR REPLACE FUNCTION detour_latency_bin /*on_cluster*/ AS (us) ->
    toInt16(if(us < 64, us,
        bitShiftLeft(toUInt32(greatest(length(bin(toUInt64(us))) - position(bin(toUInt64(us)), '1') - 6, 0)), 6)
        + bitShiftRight(toUInt64(us), greatest(length(bin(toUInt64(us))) - position(bin(toUInt64(us)), '1') - 6, 0))));

-- The duration in µs that stands for a bin: at most 1/128 from any in it. 64 bins an octave; below 128 µs a bin is 1 µs.
CREATE OR REPLACE FUNCTION detour_latency_middle /*on_cluster*/ AS (b) ->
    toUInt32(if(b < 128, b,
        bitShiftLeft(toInt64(bitAnd(b, 63) + 64), greatest(intDiv(b, 64), 1) - 1)
        + intDiv(bitShiftLeft(toInt64(1), greatest(intDiv(b, 64), 1) - 1) - 1, 2)));

-- Samples in a histogram.
CREATE OR REPLACE FUNCTION detour_samples /*on_cluster*/ AS (h) -> arraySum(tupleElement(h, 2));

-- The bin that holds the nearest-rank quantile q, 0 to 1 in steps of a millionth; 0 where the histogram is empty.
CREATE OR REPLACE FUNCTION detour_bin /*on_cluster*/ AS (h, q) ->
    if(empty(tupleElement(h, 2)), toInt16(0), arrayElement(tupleElement(h, 1), greatest(1, arrayFirstIndex(
        c -> c >= greatest(1, intDiv(arraySum(tupleElement(h, 2)) * toUInt64(round(q * 1000000)) + 999999, 1000000)),
        arrayCumSum(tupleElement(h, 2))))));

-- A quantile of a latency histogram in µs; 0 where it is empty.
CREATE OR REPLACE FUNCTION detour_latency_quantile /*on_cluster*/ AS (h, q) -> detour_latency_middle(detour_bin(h, q));

-- The mean of a latency histogram in µs; nan where it is empty.
CREATE OR REPLACE FUNCTION detour_latency_mean /*on_cluster*/ AS (h) ->
    arraySum((b, c) -> detour_latency_middle(b) * c, tupleElement(h, 1), tupleElement(h, 2)) / arraySum(tupleElement(h, 2));

-- A quantile and the mean of a paired-ratio histogram, log2(path / default path): -1 is twice as fast, 1 twice as slow.
CREATE OR REPLACE FUNCTION detour_ratio_quantile /*on_cluster*/ AS (h, q) -> detour_bin(h, q) / 8;
CREATE OR REPLACE FUNCTION detour_ratio_mean /*on_cluster*/ AS (h) ->
    arraySum((b, c) -> b * c, tupleElement(h, 1), tupleElement(h, 2)) / 8 / arraySum(tupleElement(h, 2));

-- How much faster a log2 ratio is, in per cent of the default path's latency; below 0 is slower.
CREATE OR REPLACE FUNCTION detour_faster_pct /*on_cluster*/ AS (ratio) -> 100 * (1 - exp2(ratio));
