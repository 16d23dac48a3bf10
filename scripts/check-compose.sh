#!/bin/sh
# Checks docker-compose.yml with every Compose that is installed. Nothing is started and no engine is needed.
# Where there is none it says so; that is an error only where CI is set.
set -eu
cd "$(dirname "$0")/.."

checked=
if command -v docker >/dev/null && docker compose version >/dev/null 2>&1; then
	docker compose --profile demo config -q
	checked="$checked, $(docker compose version)"
fi
if command -v docker-compose >/dev/null; then
	docker-compose --profile demo config -q
	checked="$checked, $(docker-compose --version)"
fi
if [ -n "$checked" ]; then
	echo "docker-compose.yml is good:${checked#,}"
elif [ -n "${CI:-}" ]; then
	echo "check-compose: neither \"docker compose\" nor docker-compose is installed" >&2
	exit 1
else
	echo "check-compose: not checked, neither \"docker compose\" nor docker-compose is installed" >&2
fi
