#!/bin/sh
# Runs a class of Kafka's jars.
# shellcheck disable=SC2086 # one word an option
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} ${KAFKA_OPTS:-} ${KAFKA_JVM_PERFORMANCE_OPTS:-} \
	-Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml -cp '/opt/kafka/libs/*' "$@"
