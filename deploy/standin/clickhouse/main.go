// Command clickhouse stands in for the image clickhouse/clickhouse-server where none can be pulled: ClickHouse's engine as a
// library, behind its HTTP interface on port 8123. It takes from the environment what the official image takes:
// CLICKHOUSE_DB, CLICKHOUSE_USER, and CLICKHOUSE_PASSWORD or CLICKHOUSE_PASSWORD_FILE.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
)

const dataDir = "/var/lib/clickhouse"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "clickhouse:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context) error {
	cfg := chserver.Config{Listen: "0.0.0.0:8123", Remote: true, DataDir: dataDir, User: cmp.Or(os.Getenv("CLICKHOUSE_USER"), "default")}
	var err error
	if cfg.Password, err = password(); err != nil {
		return err
	}
	server := chserver.New(cfg, zerolog.New(os.Stderr))
	if _, err := server.Start(); err != nil {
		return err
	}
	if err := createDatabase(ctx, &cfg, os.Getenv("CLICKHOUSE_DB")); err != nil {
		_ = server.Close()
		return err
	}
	<-ctx.Done()
	return server.Close()
}

func password() (string, error) {
	path := os.Getenv("CLICKHOUSE_PASSWORD_FILE")
	if path == "" {
		return os.Getenv("CLICKHOUSE_PASSWORD"), nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("CLICKHOUSE_PASSWORD_FILE: %w", err)
	}
	return strings.TrimRight(string(text), "\n"), nil
}

// createDatabase makes the database that CLICKHOUSE_DB names.
func createDatabase(ctx context.Context, cfg *chserver.Config, name string) error {
	if name == "" {
		return nil
	}
	body := strings.NewReader("CREATE DATABASE IF NOT EXISTS " + name)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:8123/", body)
	if err != nil {
		return err
	}
	request.SetBasicAuth(cfg.User, cfg.Password)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("create database %s: %s", name, text)
	}
	return nil
}
