package embeddedtest

import (
	"net"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(M{m}) }

func TestDatabasesAreTheTestsOwn(t *testing.T) {
	addr, first := ClickHouse(t)
	var second string
	t.Run("another test", func(t *testing.T) {
		var same string
		if same, second = ClickHouse(t); same != addr || second == first {
			t.Errorf("%s %s, then %s %s", addr, first, same, second)
		}
		if err := post(t.Context(), addr, "CREATE TABLE "+second+".t (a Int8) ENGINE = MergeTree ORDER BY a"); err != nil {
			t.Error(err)
		}
	})
	if err := post(t.Context(), addr, "SELECT * FROM "+second+".t"); err == nil {
		t.Error("the other test's table is still there")
	}
	if err := post(t.Context(), addr, "USE "+first); err != nil {
		t.Error(err)
	}
}

func TestBroker(t *testing.T) {
	conn, err := net.Dial("tcp", Broker(t))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
