// Command serve runs a Kafka broker in the foreground, on data that the next run goes on with: `make kafka`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"detour/internal/embedded/realkafka"
)

func main() {
	dir := flag.String("dir", "", "folder that keeps the data")
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 is 9092, or any that is free")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, *port); err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, dir string, port int) (err error) {
	if dir == "" {
		return errors.New("-dir: which folder keeps the data?")
	}
	cfg := realkafka.Config{Dir: dir}
	if port == 0 && free(usual) {
		port = usual
	}
	if port != 0 {
		cfg.Ports = []int{port}
	}
	cluster, err := realkafka.New(cfg)
	if err != nil {
		return err
	}
	if err := cluster.Start(ctx); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop(0)) }()
	fmt.Printf(hint, realkafka.Version, cluster.Addrs()[0], dir)
	ended := make(chan struct{})
	go func() { defer close(ended); cluster.Wait(0) }()
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return fmt.Errorf("the broker ended by itself:\n%s", cluster.Output(0))
	}
}

// usual is the port that Detour looks for Kafka at where nothing else is said.
const usual = 9092

func free(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

const hint = `Kafka %[1]s is up.
  bootstrap address  %[2]s
  data and log       %[3]s
  point Detour at it in detour.yaml:
    kafka:
      brokers: ["%[2]s"]
Ctrl-C ends it; "make kafka" goes on with the same data.
`
