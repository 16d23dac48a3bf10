package main

import (
	"strings"
	"testing"

	"detour/internal/embedded/realkafka"
	"detour/schemas"
)

// TestIntegrationAMissingRightIsNamed takes one right away at a time. The process says, in the error that it ends with or
// in its log, who needs which operation on what.
func TestIntegrationAMissingRightIsNamed(t *testing.T) {
	closed := newClosed(t, "")
	names := closed.cfg.names()
	config := "--config=" + closed.path
	on := func(process, operation string, topic schemas.Topic) realkafka.Right {
		return right(process, operation, "TOPIC", names.Of(topic))
	}
	without := func(r realkafka.Right, says string, args ...string) {
		t.Helper()
		if err := closed.broker.Revoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		process := strings.TrimPrefix(r.Principal, "User:detour-")
		if len(args) == 0 {
			args = []string{process, config}
		}
		p, err := launch(process, closed.command(process, nil, args...))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, says+" in the log of "+process, func() bool {
			return strings.Contains(p.said(), r.Principal+" needs "+says)
		})
		_ = p.cmd.Process.Kill()
		<-p.done
		if err := closed.broker.Grant(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}

	without(on("migrate", "CREATE", schemas.Samples), "Create on topic "+names.Of(schemas.Samples))
	without(on("migrate", "DESCRIBE", schemas.Windows), "Describe on topic "+names.Of(schemas.Windows))
	without(on("migrate", "DESCRIBE_CONFIGS", schemas.Maps), "DescribeConfigs on topic "+names.Of(schemas.Maps))
	without(on("migrate", "WRITE", schemas.Control), "Write on topic "+names.Of(schemas.Control))
	closed.must(t, "migrate", "migrate", config)

	scenario := file(t, "small.yaml", smallWorld)
	without(on("collector", "WRITE", schemas.Reports), "Describe on topic "+names.Of(schemas.Reports), "feed", config, "--scenario", scenario)
	closed.must(t, "collector", "feed", config, "--scenario", scenario)

	without(on("ingest", "READ", schemas.Reports), "Read on topic "+names.Of(schemas.Reports))
	without(on("ingest", "DESCRIBE_CONFIGS", schemas.Reports), "DescribeConfigs on topic "+names.Of(schemas.Reports))
	without(on("ingest", "WRITE", schemas.Samples), "Describe on topic "+names.Of(schemas.Samples))
	without(right("ingest", "READ", "GROUP", "detour-ingest"), "Read on group detour-ingest")
	ingest := closed.start(t, "ingest", nil)
	without(on("aggregate", "READ", schemas.Control), "Describe on topic "+names.Of(schemas.Control))
	without(on("aggregate", "WRITE", schemas.Windows), "Write on topic "+names.Of(schemas.Windows))
	aggregate := closed.start(t, "aggregate", nil)
	without(on("decide", "READ", schemas.Decisions), "Read on topic "+names.Of(schemas.Decisions))
	without(on("decide", "WRITE", schemas.Decisions), "Write on topic "+names.Of(schemas.Decisions))
	decide := closed.start(t, "decide", nil)
	without(on("publish", "READ", schemas.Maps), "Read on topic "+names.Of(schemas.Maps))
	without(on("publish", "WRITE", schemas.Maps), "Write on topic "+names.Of(schemas.Maps))
	without(on("operator", "WRITE", schemas.Samples), "Write on topic "+names.Of(schemas.Samples), "mark", config, "--source", "3")
	without(on("analyst", "READ", schemas.Maps), "Describe on topic "+names.Of(schemas.Maps), "verify", config)
	for _, p := range []*process{ingest, aggregate, decide} {
		p.stop(t)
	}
}
