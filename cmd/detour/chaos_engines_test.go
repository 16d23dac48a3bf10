package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/embedded/broker"
	"detour/internal/embedded/chserver"
)

// An engine that is to be killed needs a process of its own: the test starts its own binary again with these set.
const (
	engineEnv       = "DETOUR_TEST_ENGINE" // one of the names below
	engineListenEnv = "DETOUR_TEST_LISTEN"
	engineDataEnv   = "DETOUR_TEST_DATA"
)

const (
	kafkaEngine      = "kafka"
	clickhouseEngine = "clickhouse"
)

// chaosSession is how long a dead member's partitions stand still: shorter than Kafka allows by default, as the test
// kills somebody every second.
const chaosSession = 2 * time.Second

// engineMain runs one embedded engine until the test that started it is gone.
func engineMain(name string) int {
	listen, dir, log := os.Getenv(engineListenEnv), os.Getenv(engineDataEnv), zerolog.New(os.Stderr)
	var engine interface {
		Start() (string, error)
		Close() error
	}
	switch name {
	case kafkaEngine:
		engine = broker.New(broker.Config{Listen: listen, DataDir: dir, MinSession: chaosSession}, log)
	case clickhouseEngine:
		engine = chserver.New(chserver.Config{Listen: listen, DataDir: dir}, log)
	}
	if _, err := engine.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // which ends with the parent
	if err := engine.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// engineCommand returns how to start an engine: every time at the same address, on the same data.
func engineCommand(t *testing.T, name, listen string) func() *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, scratch := t.TempDir(), t.TempDir()
	return func() *exec.Cmd {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), engineEnv+"="+name, engineListenEnv+"="+listen, engineDataEnv+"="+data, "TMPDIR="+scratch)
		_, _ = cmd.StdinPipe() // held open; it can't fail before the start
		return cmd
	}
}

// quietPort returns a loopback address below the ports that the kernel gives to clients. One of those could meet itself
// there while the engine is away: a client that dials the port from the port is connected, to nobody.
func quietPort(t *testing.T) string {
	t.Helper()
	const first, many = 20_000, 10_000
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(many)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
