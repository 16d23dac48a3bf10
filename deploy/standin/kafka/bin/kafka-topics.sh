#!/bin/sh
# The tools are of another release than the broker, as any client may be: so they come with their own client.
# shellcheck disable=SC2086 # one word an option
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} ${KAFKA_JVM_PERFORMANCE_OPTS:-} -Dlog4j2.configurationFile=/opt/kafka/config/tools-log4j2.yaml \
	-cp '/opt/kafka/tools/*:/opt/kafka/libs/*' org.apache.kafka.tools.TopicCommand "$@"
