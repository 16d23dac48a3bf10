package realkafka

import (
	"testing"
	"time"
)

func TestIntegrationThreeBrokersComeAndGo(t *testing.T) {
	began := time.Now()
	c := Start(t, Config{Brokers: 3})
	t.Logf("three brokers after %v", time.Since(began))
	if err := c.Kill(1); err != nil {
		t.Fatal(err)
	}
	if n, err := c.brokers[1].met(t.Context()); err == nil {
		t.Errorf("a killed broker answers: %d", n)
	}
	if err := c.Stop(2); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	for _, i := range []int{1, 2} {
		if err := c.Restart(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("two came back after %v", time.Since(began))
	if err := c.brokers[0].await(t.Context(), 3); err != nil {
		t.Error(err)
	}
}
