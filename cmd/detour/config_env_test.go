package main

import (
	"strings"
	"testing"

	"detour/internal/settings"
)

func TestEveryKeyHasAVariableOfItsOwn(t *testing.T) {
	cfg := defaultConfig()
	by := make(map[string]string)
	for _, k := range settings.Keys(&cfg) {
		if strings.Trim(k.Path, "abcdefghijklmnopqrstuvwxyz0123456789_.[]") != "" || strings.Contains(k.Path+".", "..") {
			t.Errorf("%q has no yaml tag, or not one of lower-case letters", k.Path)
		}
		if k.Element() {
			continue
		}
		if other := by[k.Variable()]; other != "" {
			t.Errorf("%s is the variable of %s and of %s", k.Variable(), other, k.Path)
		}
		by[k.Variable()] = k.Path
		if foreign(k.Variable() + "=1") {
			t.Errorf("%s is a key's variable, and taken for something else's", k.Variable())
		}
	}
	if by["DETOUR_KAFKA_SASL_PASSWORD_FILE"] != "kafka.sasl.password_file" || by["DETOUR_CLICKHOUSE_TLS_CA_FILE"] == "" {
		t.Errorf("%q", by)
	}
}

func TestTheEnvironmentWinsOverTheFile(t *testing.T) {
	_, example, _ := cli(t, "config", "init")
	t.Setenv("DETOUR_KAFKA_BROKERS", "kafka1:9092, kafka2:9092")
	t.Setenv("DETOUR_GENESIS_PANE_MS", "30000")
	t.Setenv("DETOUR_CLICKHOUSE_PASSWORD_FILE", "secret")
	for _, other := range []string{
		"DETOUR_TEST_X=1", "DETOUR_DNS_SERVICE_HOST=10.0.0.1", "DETOUR_DNS_PORT=udp://10.0.0.1:53",
		"DETOUR_PORT_8480_TCP=tcp://10.0.0.1:8480", "DETOUR_PORT_8480_TCP_ADDR=10.0.0.1", "DETOUR_TAG=dev",
	} {
		name, value, _ := strings.Cut(other, "=")
		t.Setenv(name, value)
	}
	path := file(t, "detour.yaml", example)
	cfg, err := loadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Kafka.Brokers) != 2 || cfg.Genesis.Pane != 30_000 || cfg.ClickHouse.PasswordFile != "secret" || len(cfg.Paths) != 2 {
		t.Errorf("%+v", cfg)
	}
	if cfg, err = readConfig(path); err != nil || cfg.Genesis.Pane != 60_000 {
		t.Errorf("the file alone: %+v, %v", cfg, err)
	}
}

func TestAMistakeInTheEnvironmentNamesTheVariable(t *testing.T) {
	_, example, _ := cli(t, "config", "init")
	path := file(t, "detour.yaml", example)
	for _, c := range []struct{ name, value, says string }{
		{"DETOUR_KAFKA_BROKERS", "nowhere", `DETOUR_KAFKA_BROKERS[0]: "nowhere" is not host:port`},
		{"DETOUR_KAFKA_FETCH_MAX_BYTES", "1", "DETOUR_KAFKA_FETCH_MAX_BYTES: 1 is not within"},
		{"DETOUR_PATHS", "[{id: direct, kind: direct, default: true}]", "DETOUR_PATHS: there are 1"},
		{"DETOUR_PATHS", "[{id: a, kind: direct, default: true}, {id: b, kind: proxy}]", "DETOUR_PATHS[0].answer: path a"},
		{"DETOUR_PANE_MS", "1", "did you mean DETOUR_GENESIS_PANE_MS?"},
		{"DETOUR_LOG_LEVEL", "loud", `DETOUR_LOG_LEVEL is "loud"`},
		{"DETOUR_CLICKHOUSE_PORT", "9000", "DETOUR_CLICKHOUSE_PORT is the variable of no key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(c.name, c.value)
			code, _, errs := cli(t, "aggregate", "--config", path)
			if code != exitConfig || !strings.HasPrefix(errs, "detour aggregate: "+settings.Prefix) || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit code %d, says %q", code, errs)
			}
		})
	}
}

func TestVariablesAloneAreAConfiguration(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := loadConfig(""); err == nil || !strings.Contains(err.Error(), "detour.yaml") || !strings.Contains(err.Error(), "config init") {
		t.Errorf("neither a file nor a variable: %v", err)
	}
	t.Setenv("DETOUR_KAFKA_CLIENT_ID", "test")
	if _, err := loadConfig(""); err == nil || !strings.Contains(err.Error(), "environment, without a file: paths") {
		t.Errorf("no paths: %v", err)
	}
	t.Setenv("DETOUR_PATHS", `[{id: direct, kind: direct, default: true, answer: {a: [192.0.2.10]}}, {id: proxy, kind: proxy, answer: {cname: edge.example}}]`)
	if cfg, err := loadConfig(""); err != nil || cfg.Kafka.ClientID != "test" || cfg.Paths[1].Answer.CNAME != "edge.example" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if _, err := loadConfig("detour.yaml"); err == nil {
		t.Error("a file that was asked for is not there, and nobody says so")
	}
	t.Setenv("DETOUR_CONFIG", "gone.yaml")
	if _, err := loadConfig(""); err == nil || !strings.Contains(err.Error(), "gone.yaml") {
		t.Errorf("DETOUR_CONFIG names a file that is not there: %v", err)
	}
}
