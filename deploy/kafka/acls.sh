#!/bin/sh
# Grants each of Detour's processes what it needs on Kafka, and nothing else:
#
#   deploy/kafka/acls.sh --bootstrap-server kafka:9092 --command-config admin.properties
#
# What stands behind it is handed to kafka-acls.sh, once for each row below. KAFKA_ACLS names that program, PREFIX and
# REPORTS are "topics.prefix" and "topics.reports" of Detour's configuration. PRINCIPAL makes a principal of a process'
# name: User:%s is one that logs in by SASL, for client certificates it is User:CN=%s or what ssl.principal.mapping.rules
# makes of them. ONLY limits it to one process. To see what would be done: KAFKA_ACLS=echo.
set -eu

: "${KAFKA_ACLS:=kafka-acls.sh}" "${PREFIX:=detour}" "${PRINCIPAL:=User:%s}" "${ONLY:=}"
: "${REPORTS:=$PREFIX.reports-v1}"

# A topic by its short name, or a consumer group by the name of what runs in it. Read and Write imply Describe. Nobody needs
# a right on the cluster or on a transactional id. detour-operator and detour-analyst are people: who applies policies and
# releases sources, and who looks.
rights() {
	cat <<'TABLE'
detour-migrate    Create           topics control reports samples windows decisions maps rejects
detour-migrate    DescribeConfigs  topics control reports samples windows decisions maps rejects
detour-migrate    Describe         topics reports samples windows decisions maps rejects
detour-migrate    Read             topics control
detour-migrate    Write            topics control

detour-collector  Write            topics reports

detour-ingest     Read             topics control reports
detour-ingest     Read             groups ingest
detour-ingest     Write            topics reports samples rejects
detour-ingest     DescribeConfigs  topics reports

detour-aggregate  Read             topics control samples windows
detour-aggregate  Read             groups aggregate
detour-aggregate  Write            topics windows rejects

detour-decide     Read             topics control windows decisions
detour-decide     Read             groups decide
detour-decide     Write            topics decisions rejects

detour-publish    Read             topics control windows decisions maps
detour-publish    Read             groups publish history-windows history-decisions history-maps
detour-publish    Write            topics maps rejects

detour-operator   Read             topics control samples windows
detour-operator   Describe         topics reports decisions maps rejects
detour-operator   Write            topics control samples

detour-analyst    Read             topics control samples windows decisions maps rejects
detour-analyst    Describe         topics reports
detour-analyst    Describe         groups ingest aggregate decide publish history-windows history-decisions history-maps
TABLE
}

# resources KIND NAME...: the options of kafka-acls.sh for them, one word a line.
resources() {
	kind=$1
	shift
	for name; do
		case $kind:$name in
		topics:reports) printf '%s\n' --topic "$REPORTS" ;;
		topics:*) printf '%s\n' --topic "$PREFIX.$name-v1" ;;
		groups:*) printf '%s\n' --group "$PREFIX-$name" ;;
		esac
	done
}

rights | while read -r who operation named; do
	[ -n "$who" ] || continue
	[ -z "$ONLY" ] || [ "$ONLY" = "$who" ] || continue
	# shellcheck disable=SC2059 # PRINCIPAL is a format
	principal=$(printf "$PRINCIPAL" "$who")
	# shellcheck disable=SC2046,SC2086 # one word a name: topics and groups have no spaces
	"$KAFKA_ACLS" "$@" --add --allow-principal "$principal" --operation "$operation" $(resources $named) </dev/null
done
