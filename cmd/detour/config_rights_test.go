package main

import (
	"slices"
	"strings"
	"testing"

	"detour/internal/embedded/realkafka"
	"detour/schemas"
)

func TestACheckWantsTheRightsThatAreGranted(t *testing.T) {
	cfg := defaultConfig()
	granted := make(map[realkafka.Right]bool)
	for _, r := range grantedBy(t, &cfg) {
		granted[r] = true
	}
	for _, command := range users["kafka"] {
		for _, topic := range append(schemas.Internal(), schemas.Reports) {
			name := cfg.names().Of(topic)
			for operation, wanted := range map[string]bool{
				"READ":  slices.Contains(reads[command], topic),
				"WRITE": slices.Contains(writes[command], topic),
			} {
				if r := right(command, operation, "TOPIC", name); granted[r] != wanted {
					t.Errorf("%s: wanted %t, granted by deploy/kafka/acls.sh %t", r, wanted, granted[r])
				}
			}
		}
	}
}

// TestIntegrationACheckAsALeastPrivilegedUser checks as each process with the rights that it has, and with one less.
func TestIntegrationACheckAsALeastPrivilegedUser(t *testing.T) {
	closed := newClosed(t, "")
	config := "--config=" + closed.path
	closed.must(t, "migrate", "migrate", config)
	check := func(process string) string {
		out, err := closed.command(process, nil, "config", "check", config, "--for", process).CombinedOutput()
		if (err != nil) != strings.Contains(string(out), foundFail) {
			t.Errorf("%s: %v\n%s", process, err, out)
		}
		return string(out)
	}
	for _, process := range users["kafka"] {
		if out := check(process); strings.Contains(out, foundFail) || strings.Contains(out, "warn  topic") {
			t.Errorf("%s:\n%s", process, out)
		}
	}
	names := closed.cfg.names()
	for _, c := range []struct{ process, operation, topic, says string }{
		{"aggregate", "WRITE", names.Of(schemas.Windows), "aggregate needs the right Write"},
		{"publish", "WRITE", names.Of(schemas.Maps), "publish needs the right Write"},
		{"ingest", "READ", names.Of(schemas.Reports), "ingest needs the right Read"},
		{"ingest", "WRITE", names.Of(schemas.Samples), "needs Describe on topic " + names.Of(schemas.Samples)},
	} {
		r := right(c.process, c.operation, "TOPIC", c.topic)
		if err := closed.broker.Revoke(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		eventually(t, c.says, func() bool { return strings.Contains(check(c.process), c.says) })
		if err := closed.broker.Grant(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}
