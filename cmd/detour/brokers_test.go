package main

import (
	"net/netip"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/broker"
	"detour/internal/embedded/realkafka"
)

// brokerStart starts a broker at an address, host:port, until the test ends.
type brokerStart func(t *testing.T, address string)

func startEmbedded(t *testing.T, address string) {
	t.Helper()
	b := broker.New(broker.Config{Listen: address, DataDir: t.TempDir()}, zerolog.Nop())
	if _, err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
}

func startReal(t *testing.T, address string) {
	t.Helper()
	port := int(netip.MustParseAddrPort(address).Port())
	realkafka.Start(t, realkafka.Config{Ports: []int{port}, Properties: keepsReports})
}
