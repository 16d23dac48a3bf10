package realkafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

const loopback = "127.0.0.1"

// properties returns the content of a broker's server.properties.
func properties(cfg Config, b *broker, all []*broker) string {
	p := map[string]string{
		"process.roles": "broker,controller",
		"node.id":       fmt.Sprint(b.id),
		"log.dirs":      b.data(),
		"listeners": fmt.Sprintf("CLIENT://%s:%d,INTERNAL://%s:%d,CONTROLLER://%s:%d",
			loopback, b.port, loopback, b.internal, loopback, b.controller),
		"advertised.listeners":           fmt.Sprintf("CLIENT://%s:%d,INTERNAL://%s:%d", loopback, b.port, loopback, b.internal),
		"listener.security.protocol.map": "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENT:" + cfg.Protocol,
		"inter.broker.listener.name":     "INTERNAL",
		"controller.listener.names":      "CONTROLLER",
		"super.users":                    "User:ANONYMOUS",
		"auto.create.topics.enable":      "false",
	}
	voters := make([]string, len(all))
	for i, other := range all {
		voters[i] = fmt.Sprintf("%d@%s:%d", other.id, loopback, other.controller)
	}
	p["controller.quorum.voters"] = strings.Join(voters, ",")
	maps.Copy(p, small(len(all)))
	maps.Copy(p, secure(cfg))
	maps.Copy(p, cfg.Properties)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&text, "%s=%s\n", key, strings.ReplaceAll(p[key], "\n", "\\\n"))
	}
	return text.String()
}

// small fits a broker to a machine that has other things to do, and makes it quick: to notice that another is gone, to
// let members into a group, to look for segments that are out of date.
func small(brokers int) map[string]string {
	copies := fmt.Sprint(min(brokers, 3))
	return map[string]string{
		"default.replication.factor":               copies,
		"min.insync.replicas":                      fmt.Sprint(max(1, min(brokers, 3)-1)),
		"offsets.topic.replication.factor":         copies,
		"offsets.topic.num.partitions":             "3",
		"transaction.state.log.replication.factor": copies,
		"transaction.state.log.min.isr":            "1",
		"transaction.state.log.num.partitions":     "1",
		"log.cleaner.dedupe.buffer.size":           "4194304",
		"num.network.threads":                      "2",
		"num.io.threads":                           "4",
		"group.initial.rebalance.delay.ms":         "0",
		"group.min.session.timeout.ms":             "100",
		"broker.heartbeat.interval.ms":             "250",
		"broker.session.timeout.ms":                "2500",
		"replica.lag.time.max.ms":                  "5000",
		"log.retention.ms":                         "-1", // by records' times, and those of tests are long ago
		"log.retention.check.interval.ms":          "500",
		"log.initial.task.delay.ms":                "500",
	}
}

// secure is what the clients' listener asks for.
func secure(cfg Config) map[string]string {
	p := make(map[string]string)
	if strings.HasSuffix(cfg.Protocol, "SSL") {
		p["ssl.keystore.type"], p["ssl.keystore.location"] = "PEM", cfg.Keystore
		if cfg.Truststore != "" {
			p["ssl.truststore.type"], p["ssl.truststore.location"] = "PEM", cfg.Truststore
		}
	}
	if strings.HasPrefix(cfg.Protocol, "SASL") {
		p["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		login := "org.apache.kafka.common.security.plain.PlainLoginModule required"
		for _, user := range slices.Sorted(maps.Keys(cfg.Users)) {
			login += fmt.Sprintf(" user_%s=%q", user, cfg.Users[user])
		}
		const listener = "listener.name.client."
		p[listener+"plain.sasl.jaas.config"] = login + ";"
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			p[listener+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
	}
	return p
}
