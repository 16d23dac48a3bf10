#!/bin/bash
# Makes the release in dist/: for each platform an archive with a static program and the files to begin with, and a bill of
# materials; and their checksums. The same commit, made with the same Go, gives the same bytes wherever it is made.
#
#   scripts/dist.sh [folder]      VERSION, COMMIT and SOURCE_DATE_EPOCH default to what git says
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
platforms=${PLATFORMS:-linux/amd64 linux/arm64}
VERSION=${VERSION:-$(git describe --tags --always --dirty)}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
COMMIT=${COMMIT:-$(git rev-parse HEAD)}

rm -rf "$out"
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
go build -buildvcs=false -o "$work/sbom" ./scripts/sbom

for platform in $platforms; do
	os=${platform%/*} arch=${platform#*/}
	name=detour-$VERSION-$os-$arch
	folder=$work/$name
	mkdir "$folder"
	CGO_ENABLED=0 GOOS=$os GOARCH=$arch GOFLAGS='' GOAMD64=v1 GOARM64=v8.0 go build -tags slim -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$VERSION -X main.commit=$COMMIT" -o "$folder/detour" ./cmd/detour
	"$work/sbom" "$folder/detour" "$VERSION" >"$out/$name.cdx.json"
	cp LICENSE NOTICE README.md CHANGELOG.md "$folder"
	mkdir -p "$folder/deploy/prometheus"
	cp deploy/detour.yaml "$folder/deploy"
	cp deploy/prometheus/prometheus.yml deploy/prometheus/alerts.yml "$folder/deploy/prometheus"
	tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w --mtime="@$SOURCE_DATE_EPOCH" \
		--format=gnu -C "$work" -cf - "$name" | gzip -n -9 >"$out/$name.tar.gz"
done
(cd "$out" && sha256sum -- * >"$work/SHA256SUMS" && mv "$work/SHA256SUMS" .)
ls -l "$out"
