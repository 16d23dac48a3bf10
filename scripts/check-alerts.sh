#!/bin/sh
# Checks deploy/prometheus with Prometheus' own tool: that the rules parse, and that each fires when its test says so and at
# no other time. Without promtool (Debian's package prometheus) it says so and ends; with CI set that is a failure.
set -eu
cd "$(dirname "$0")/../deploy/prometheus"

if ! command -v promtool >/dev/null; then
	echo "check-alerts: there is no promtool here; it comes with Debian's package prometheus" >&2
	[ -z "${CI:-}" ] || exit 1
	echo "check-alerts: nothing was checked" >&2
	exit 0
fi
promtool check config --syntax-only prometheus.yml
promtool check rules alerts.yml
promtool test rules ./*_test.yml
