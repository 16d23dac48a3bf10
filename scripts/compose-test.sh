#!/bin/bash
# Runs docker-compose.yml with images built on the spot, and tries it: `make compose-test`.
#
# It has a Docker engine of its own, whose images stand in for those of a registry and must not be mistaken for them: it is
# started here, keeps what it built in .cache/compose, and is stopped at the end. That takes root. Where it can't be, this
# says so and ends well. A tool that is missing is a failure where CI is set.
#
#   DOCKER_HOST=unix:///… IMAGES=pull make compose-test     on an engine that is there, with the real images
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${DETOUR_CACHE:-$PWD/.cache}/compose

say() { echo "compose-test: $*" >&2; }

skip() {
	say "skipped: $*"
	exit 0
}

missing() {
	[ -z "${CI:-}" ] || { say "$*" && exit 1; }
	skip "$*"
}

for tool in docker dockerd debootstrap mvn java npm dig nsenter openssl; do
	command -v "$tool" >/dev/null || missing "there is no $tool"
done
if docker compose version >/dev/null 2>&1; then
	compose="docker compose"
elif command -v docker-compose >/dev/null; then
	compose=docker-compose
else
	missing "there is neither \"docker compose\" nor docker-compose"
fi
[ "$(id -u)" = 0 ] || skip "a Docker engine of its own takes root"
[ -r /etc/debian_version ] || skip "the images are made of Debian's packages, and this is no Debian"

run=$(mktemp -d)
engine=
finish() {
	if [ -n "$engine" ]; then
		kill "$engine" 2>/dev/null || true
		wait "$engine" 2>/dev/null || true
	fi
	umount "$run"/exec/netns/* 2>/dev/null || true # it leaves the host's namespace there
	rm -rf "$run"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# start_engine starts dockerd on a socket of its own. Its data stay for the next time.
start_engine() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock --nonblock 9 || skip "another run uses $cache"
	dockerd --data-root "$cache/docker" --exec-root "$run/exec" --pidfile "$run/pid" --host "unix://$run/socket" >"$run/log" 2>&1 9>&- &
	engine=$!
	export DOCKER_HOST=unix://$run/socket
	for _ in $(seq 120); do
		docker version >/dev/null 2>&1 && return
		kill -0 "$engine" 2>/dev/null || break
		sleep 0.5
	done
	tail -n 3 "$run/log" >&2
	skip "dockerd did not start"
}

if [ "${IMAGES:-}" = pull ]; then
	$compose --profile monitoring pull --ignore-pull-failures
else
	start_engine
	scripts/compose-images.sh
fi
say "building the image from Dockerfile"
scripts/make-secrets.sh "$run/secrets" 2>/dev/null
SECRETS_DIR=$run/secrets REVISION=$(git rev-parse HEAD 2>/dev/null || true) $compose build migrate >"$run/build.log" 2>&1 || {
	tail -n 20 "$run/build.log" >&2
	exit 1
}
docker image ls --format '{{.Repository}}:{{.Tag}}  {{.Size}}' | grep -v -e detour-standin -e '<none>'

DETOUR_TEST_COMPOSE=$compose go test -count=1 -timeout 25m -v -run '^TestCompose' ./cmd/detour
