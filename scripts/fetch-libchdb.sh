#!/bin/sh
# Fetches libchdb.so, ClickHouse's engine as a shared library, into the project's cache, once.
#
#   scripts/fetch-libchdb.sh          prints nothing where it is there already
#
# DETOUR_CACHE names another cache folder than .cache in the project; the program looks there, too.
set -eu

# The version is the one in internal/embedded/chdb/find.go; a test there compares them.
version=26.5.3
package=@chdb/lib-linux-x64-gnu
tarball_sha256=b874e449710950da3abd7e20376f7bb3387d9e03adcc7082f022be18dfdf316a
library_sha256=4330da79405733f7572f27c1442f46c03a08301f00859dce0368645731b1e1dc

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${DETOUR_CACHE:-$root/.cache}/libchdb/$version
library=$cache/libchdb.so
stamp=$cache/libchdb.so.sha256 # written once the library was verified: hashing 560 MB takes seconds

fail() {
	echo "fetch-libchdb: $*" >&2
	exit 1
}

if [ -f "$library" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$library_sha256" ]; then
	exit 0
fi

case "$(uname -s)/$(uname -m)" in
Linux/x86_64) ;;
*) fail "no pinned library for $(uname -s)/$(uname -m); set DETOUR_LIBCHDB to a libchdb.so $version of your own" ;;
esac

verify() { # file, SHA-256
	echo "$2  $1" | sha256sum --check --status
}

mkdir -p "$cache"
tmp=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

if [ -f "$library" ] && verify "$library" "$library_sha256"; then
	echo "$library_sha256" >"$tmp/stamp"
	mv "$tmp/stamp" "$stamp"
	exit 0
fi

command -v npm >/dev/null || fail "npm is needed to fetch $package@$version (166 MB): install Node.js"
echo "fetching $package@$version (166 MB, 560 MB unpacked) into $cache" >&2
(cd "$tmp" && npm pack --silent --loglevel=error "$package@$version" >npm.out 2>npm.err) || {
	tail -n 5 "$tmp/npm.err" >&2
	fail "npm pack $package@$version did not work: is the npm registry reachable?"
}
tarball=$(find "$tmp" -name '*.tgz')
verify "$tarball" "$tarball_sha256" || fail "the tarball of $package@$version has another SHA-256 than the pinned $tarball_sha256"
tar -xzf "$tarball" -C "$tmp" package/libchdb.so || fail "unpacking $package@$version did not work: is there 1 GB free in $cache?"
verify "$tmp/package/libchdb.so" "$library_sha256" || fail "libchdb.so has another SHA-256 than the pinned $library_sha256"

echo "$library_sha256" >"$tmp/stamp"
mv "$tmp/package/libchdb.so" "$library"
mv "$tmp/stamp" "$stamp"
