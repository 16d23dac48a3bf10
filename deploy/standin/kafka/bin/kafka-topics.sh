#!/bin/sh
export KAFKA_LOG4J_FILE=/opt/kafka/config/tools-log4j2.yaml
exec "$(dirname "$0")/kafka-run-class.sh" org.apache.kafka.tools.TopicCommand "$@"
