package genesis

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/control"
)

func settings(key string) *control.Genesis {
	g := control.DefaultGenesis()
	g.ClientKey = key
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return &g
}

func ensure(t *testing.T, log dataflow.Log, g *control.Genesis) error {
	t.Helper()
	return Ensure(t.Context(), log, g, control.DefaultPolicy(), zerolog.Nop())
}

func TestTheFirstProcessBeginsTheLogAndLaterOnesFitIt(t *testing.T) {
	log := memlog.All(1)
	for range 2 {
		if err := ensure(t, log, settings("k")); err != nil {
			t.Fatal(err)
		}
	}
	if _, end, _ := log.Bounds(t.Context(), partition); end != 2 {
		t.Errorf("%d records in control, want genesis and policy", end)
	}
	keyless := settings("")
	if err := ensure(t, log, keyless); err != nil || keyless.ClientKey != "k" {
		t.Errorf("without a key: %q, %v", keyless.ClientKey, err)
	}
	other := settings("other")
	other.Pane = 1000
	err := ensure(t, log, other)
	if _, fatal := errors.AsType[dataflow.Fatal](err); !fatal ||
		!strings.Contains(err.Error(), "client_key is other here and k in the log") || !strings.Contains(err.Error(), "pane_ms is 1000") {
		t.Errorf("other settings: %v", err)
	}
}

func TestAProcessWithoutTheKeyWaitsForOneThatHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		waiting := settings("")
		done := make(chan error, 1)
		go func() { done <- ensure(t, log, waiting) }()
		synctest.Wait()
		if err := ensure(t, log, settings("k")); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || waiting.ClientKey != "k" {
			t.Errorf("%q, %v", waiting.ClientKey, err)
		}
	})
}

func TestALogThatBeginsWithSomethingElseIsRefused(t *testing.T) {
	lost := schemas.Unreadable(partition, 0, 2, "a batch with the wrong CRC")
	for _, test := range []struct {
		first schemas.Record
		want  string
	}{
		{schemas.Record{Value: []byte("rubbish")}, "control/0@0: "},
		{schemas.Record{Value: []byte(`{"policy":{}}`)}, "control/0@0: "},
		{lost, "control/0@0: the log's genesis is lost: a batch with the wrong CRC: offsets [0, 2) can't be read"},
	} {
		log := memlog.All(1)
		if _, err := log.Append(t.Context(), partition, []schemas.Record{test.first}); err != nil {
			t.Fatal(err)
		}
		err := ensure(t, log, settings("k"))
		if _, fatal := errors.AsType[dataflow.Fatal](err); !fatal || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.want, err)
		}
	}
}
