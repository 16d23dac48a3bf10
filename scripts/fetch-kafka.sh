#!/bin/sh
# Fetches Apache Kafka's broker, as jars from Maven Central, into the project's cache, once.
#
#   scripts/fetch-kafka.sh            prints nothing where it is there already
#
# scripts/kafka/pom.xml names the version, scripts/kafka/sha256sums what each jar has to be; after a change of the version
# DETOUR_KAFKA_SUMS=write writes the latter anew. DETOUR_CACHE names another cache folder than .cache in the project; the
# tests look there, too.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
pom=$root/scripts/kafka/pom.xml
sums=$root/scripts/kafka/sha256sums
version=$(sed -n '/<artifactId>kafka_2.13</,/<version>/s|.*<version>\(.*\)</version>.*|\1|p' "$pom")
cache=${DETOUR_CACHE:-$root/.cache}/kafka/$version
lib=$cache/lib # complete if it is there: it is moved into place in one step
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

fail() {
	echo "fetch-kafka: $*" >&2
	exit 1
}

[ -n "$version" ] || fail "no version of kafka_2.13 in $pom"
if [ -d "$lib" ] && [ "${DETOUR_KAFKA_SUMS:-}" != write ]; then
	exit 0
fi

command -v mvn >/dev/null || fail "mvn is needed to fetch Kafka $version (45 MB): install Maven, on Debian the package maven"
mkdir -p "$cache"
tmp=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

echo "fetching Kafka $version (45 MB) into $cache" >&2
mvn --batch-mode --quiet --strict-checksums --file "$pom" "$plugin:copy-dependencies" \
	-DincludeScope=runtime -DoutputDirectory="$tmp/lib" >"$tmp/mvn.out" 2>&1 || {
	tail -n 10 "$tmp/mvn.out" >&2
	fail "Maven did not fetch Kafka $version: is Maven Central, or the mirror in ~/.m2/settings.xml, reachable?"
}
if [ "${DETOUR_KAFKA_SUMS:-}" = write ]; then
	(cd "$tmp/lib" && sha256sum -- *.jar) >"$sums"
fi
(cd "$tmp/lib" && sha256sum --check --quiet --strict "$sums") >&2 || fail "a jar has another SHA-256 than $sums says"
[ "$(find "$tmp/lib" -name '*.jar' | wc -l)" -eq "$(wc -l <"$sums")" ] || fail "there are other jars than in $sums"

# Somebody may have been quicker; then theirs is as good.
[ -d "$lib" ] || mv "$tmp/lib" "$lib" 2>/dev/null || [ -d "$lib" ] || fail "$lib can't be written"
