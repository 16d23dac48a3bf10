package kafkalog

import (
	"testing"

	"detour/internal/embedded/realkafka"
)

func TestIntegrationContract(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{})
	contract(t, fresh(cluster.Addrs()[0]))
}
