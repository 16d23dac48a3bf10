#!/bin/bash
# Builds images that stand in for those which docker-compose.yml and Dockerfile name and which no registry is at hand to
# pull: under the very same names and tags, from Debian's packages, Maven's jars and the embedded ClickHouse. Each is made
# of what deploy/standin says. The engine is the one that DOCKER_HOST names: never one with images of your own.
#
# Nothing is made twice: the base system is kept in .cache/compose, the images in the engine, named after what is in them.
set -euo pipefail
cd "$(dirname "$0")/.."
cache_root=${DETOUR_CACHE:-$PWD/.cache}
cache=$cache_root/compose
packages=ca-certificates,wget,openjdk-17-jre-headless,prometheus
kafka_tools=4.3.1 # the command line tools of another release: Central has none of the broker's

# shellcheck disable=SC1091
. ./.env # tags
mkdir -p "$cache"
context=$(mktemp -d "$cache/context.XXXXXX")
trap 'rm -rf "$context"' EXIT
trap 'exit 1' HUP INT TERM

say() { echo "images: $*" >&2; }
fail() { say "$*" && exit 1; }
digest() { sha256sum | cut -c 1-12; }

# make_base FILE makes a tar of this machine's Debian with the packages, from the mirror that its apt uses.
make_base() {
	local codename mirror
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # the names are apt's
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
		awk -v codename="$codename" '$2 == codename {print $1; exit}')
	say "making a base system of Debian $codename (720 MB)"
	debootstrap --variant=minbase --include="$packages" "$codename" "$context/base" "$mirror" >"$cache/debootstrap.log" 2>&1 || {
		tail -n 5 "$cache/debootstrap.log" >&2
		fail "debootstrap did not work: is Debian's mirror reachable?"
	}
	rm -rf "$context"/base/var/cache/apt/* "$context"/base/var/lib/apt/lists/*
	tar -C "$context/base" -cf "$1.new" .
	mv "$1.new" "$1"
	rm -rf "$context/base"
}

# import_base sets base, the image that the others begin with.
import_base() {
	local name file
	# shellcheck disable=SC1091
	name=base-$({ cat /etc/os-release && echo "$packages"; } | digest)
	file=$cache/$name.tar base=detour-standin:$name
	docker image inspect "$base" >/dev/null 2>&1 && return
	[ -f "$file" ] || make_base "$file"
	docker import "$file" "$base" >/dev/null
}

# build IMAGE FOLDER PREPARE KEY...: builds deploy/standin/FOLDER with what PREPARE puts beside it, unless there is one of
# the same files and KEYs.
build() {
	local image=$1 folder=$2 prepare=$3 made
	shift 3
	made=detour-standin:$folder-$({ echo "$base" "$@" && find "deploy/standin/$folder" -type f | LC_ALL=C sort | xargs sha256sum; } | digest)
	if ! docker image inspect "$made" >/dev/null 2>&1; then
		say "building $image"
		mkdir "$context/$folder"
		"$prepare" "$context/$folder"
		cp -R "deploy/standin/$folder/." "$context/$folder"
		docker build -q --build-arg BASE="$base" -t "$made" "$context/$folder" >"$cache/build.log" 2>&1 || {
			tail -n 5 "$cache/build.log" >&2
			fail "$image can't be built from deploy/standin/$folder"
		}
		rm -rf "${context:?}/$folder"
	fi
	docker tag "$made" "$image"
}

nothing() { :; }

# put FROM TO: a link where it can be, as what is put is large.
put() { cp -RLl "$1" "$2" 2>/dev/null || { rm -rf "$2" && cp -RL "$1" "$2"; }; }

# fetch_kafka_tools fetches the jars that the check of Kafka's health takes.
fetch_kafka_tools() {
	local name jars=$cache/kafka-tools-$kafka_tools
	for name in kafka-tools kafka-clients kafka-server-common; do
		[ -f "$jars/$name-$kafka_tools.jar" ] ||
			mvn --batch-mode --quiet --strict-checksums org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
				-Dartifact="org.apache.kafka:$name:$kafka_tools" -DoutputDirectory="$jars" >"$cache/mvn.log" 2>&1 ||
			fail "Maven did not fetch $name $kafka_tools, $cache/mvn.log says why"
	done
	(cd "$jars" && sha256sum --check --quiet --strict -) <deploy/standin/kafka/tools.sha256sums >&2 ||
		fail "a jar in $jars has another SHA-256 than deploy/standin/kafka/tools.sha256sums says"
}

kafka() {
	put "$cache_root/kafka/$KAFKA_TAG/lib" "$1/lib"
	put "$cache/kafka-tools-$kafka_tools" "$1/tools"
}

clickhouse() {
	put "$library" "$1/libchdb.so"
	cp "$context/clickhouse-server" "$1"
}

# golang hands on what this machine has compiled of the same: only Detour itself is compiled for each image of it.
golang() {
	CGO_ENABLED=0 GOCACHE=$cache/go-build go build -tags slim -trimpath -buildvcs=false -o "$context/detour" ./cmd/detour
	put "$cache/go-build" "$1/go-build"
	put "$(go env GOROOT)" "$1/go"
	put "$(go env GOMODCACHE)/cache/download" "$1/download"
}

import_base

scripts/fetch-kafka.sh
[ -d "$cache_root/kafka/$KAFKA_TAG/lib" ] || fail "KAFKA_TAG is $KAFKA_TAG in .env, and scripts/fetch-kafka.sh fetched another version"
fetch_kafka_tools
build "apache/kafka:$KAFKA_TAG" kafka kafka "$KAFKA_TAG" "$kafka_tools"

scripts/fetch-libchdb.sh
library=$(sed -n 's/^version=//p' scripts/fetch-libchdb.sh)
library=$cache_root/libchdb/$library/libchdb.so
CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$context/clickhouse-server" ./deploy/standin/clickhouse
build "clickhouse/clickhouse-server:$CLICKHOUSE_TAG" clickhouse clickhouse "$library" "$(sha256sum "$context/clickhouse-server")"

go mod download
build "$(sed -n 's/^FROM \(golang:[^ ]*\) .*/\1/p' Dockerfile)" golang golang "$(go version)" "$(sha256sum go.sum)"

build "prom/prometheus:$PROMETHEUS_TAG" prometheus nothing
