#!/bin/bash
# Makes the release twice, from two folders, and compares it byte by byte; then it tries the program of this platform.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=${VERSION:-$(git describe --tags --always --dirty)}
COMMIT=$(git rev-parse HEAD)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export VERSION COMMIT SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/elsewhere"
git ls-files -z | xargs -0 cp --parents -t "$work/elsewhere"

scripts/dist.sh "$work/here"
(cd "$work/elsewhere" && scripts/dist.sh "$work/there" >/dev/null)
diff -r "$work/here" "$work/there" || {
	echo "check-dist: the release made in another folder differs" >&2
	exit 1
}
(cd "$work/here" && sha256sum --check --quiet --strict SHA256SUMS)
tar -C "$work" -xzf "$work/here/detour-$VERSION-linux-$(go env GOARCH).tar.gz"
"$work/detour-$VERSION-linux-$(go env GOARCH)/detour" version | grep -F "$VERSION"
