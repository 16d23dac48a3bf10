package main

import (
	"bytes"
	"strings"
	"testing"

	"detour/internal/loglimit"
)

func TestAFaultThatRepeatsDoesNotFillTheLog(t *testing.T) {
	var out bytes.Buffer
	log := newLogger(Log{Level: "info", Format: "text"}, &out)
	history, fleet := log.With().Str("component", "history").Logger(), log.With().Str("component", "fleet").Logger()
	for i := range 10_000 {
		history.Error().Int("offset", i).Msg("record skipped")
		fleet.Warn().Int("offset", i).Msg("passing over a record of maps")
	}
	if n := strings.Count(out.String(), "\n"); n != 2*loglimit.Default().Faults {
		t.Errorf("%d lines:\n%.1000s", n, out.String())
	}
}
