package history

import (
	"maps"
	"testing"

	"github.com/rs/zerolog"
)

func TestStoredSaysHowFarTheTablesAre(t *testing.T) {
	store := migrated(t)
	if got, err := store.Stored(t.Context()); err != nil || got.Version != 0 || len(got.Panes) != 0 {
		t.Errorf("of empty tables: %+v, %v", got, err)
	}
	for _, insert := range []string{
		"INSERT INTO panes (pane, partition) VALUES (fromUnixTimestamp64Milli(60000), 0), (fromUnixTimestamp64Milli(120000), 0), (fromUnixTimestamp64Milli(60000), 3)",
		"INSERT INTO map_versions (version) VALUES (7), (9), (8)",
	} {
		if err := store.conn.Exec(t.Context(), insert); err != nil {
			t.Fatal(err)
		}
	}
	got, err := store.Stored(t.Context())
	if err != nil || got.Version != 9 || !maps.Equal(got.Panes, map[int32]int64{0: 120_000, 3: 60_000}) {
		t.Errorf("%+v, %v", got, err)
	}
	down, err := Connect(Config{Addr: []string{"127.0.0.1:1"}, Protocol: HTTP, Database: "x", Username: "x", CallTimeout: minCallTimeout}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer down.Close()
	if _, err := down.Stored(t.Context()); err == nil {
		t.Error("a server that is not there answered")
	}
}
