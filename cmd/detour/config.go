package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"detour/ingest"
	"detour/ingest/consumer"
	"detour/internal/admin"
	"detour/internal/agent"
	"detour/internal/dns"
	"detour/internal/kafkalog"
	"detour/internal/settings"
	"detour/publish/fleet"
	"detour/publish/history"
	"detour/schemas"
	"detour/schemas/control"
)

// Config is the configuration file: one for all commands, so that what they must agree on stands in one place.
type Config struct {
	Kafka         kafkalog.Config `yaml:"kafka"`
	Topics        Topics          `yaml:"topics"`
	Paths         []Path          `yaml:"paths"`
	Genesis       control.Genesis `yaml:"genesis"`
	ClientKeyFile string          `yaml:"client_key_file"`
	Ingest        consumer.Config `yaml:"ingest"`
	Publish       Publish         `yaml:"publish"`
	ClickHouse    ClickHouse      `yaml:"clickhouse"`
	DNS           dns.Config      `yaml:"dns"`
	Agent         agent.Config    `yaml:"agent"`
	Admin         admin.Config    `yaml:"admin"`
	Log           Log             `yaml:"log"`
}

// Topics says how topics are named and made.
type Topics struct {
	Prefix           string `yaml:"prefix"`
	Reports          string `yaml:"reports"`
	ReportPartitions int    `yaml:"report_partitions"` // if it has to be created
}

// Path is one entry of the path catalogue.
type Path struct {
	ID      string     `yaml:"id"`
	Kind    string     `yaml:"kind"`
	Default bool       `yaml:"default"`
	Answer  dns.Answer `yaml:"answer"`
}

// Publish is where maps are served, and the key that signs them.
type Publish struct {
	Fleet          fleet.Config `yaml:"fleet"`
	SigningKeyFile string       `yaml:"signing_key_file"` // Ed25519 private key, PKCS #8 PEM; empty = unsigned
}

// ClickHouse is the history database; Enabled false does without.
type ClickHouse struct {
	Enabled        bool `yaml:"enabled"`
	history.Config `yaml:",inline"`
}

// Log is how much is logged.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn or error
	Format string `yaml:"format"` // text or json
}

// defaultConfig is the configuration before a file is read.
func defaultConfig() Config {
	return Config{
		Kafka:      kafkalog.Default(),
		Topics:     Topics{Prefix: "detour", Reports: "detour.reports-v1", ReportPartitions: 4},
		Genesis:    control.DefaultGenesis(),
		Ingest:     consumer.Default(),
		Publish:    Publish{Fleet: fleet.Default()},
		ClickHouse: ClickHouse{Enabled: true, Config: history.Default()},
		DNS:        dns.Default(),
		Agent:      agent.Default(),
		Log:        Log{Level: "info", Format: "text"},
	}
}

// Validate names the first key that is wrong, and completes the genesis from what stands elsewhere in the file.
func (c *Config) Validate() error {
	c.Genesis.Reports = c.Topics.Reports
	c.Genesis.Paths = nil
	for _, p := range c.Paths {
		c.Genesis.Paths = append(c.Genesis.Paths, control.Path{ID: p.ID, Kind: p.Kind, Default: p.Default})
	}
	sections := []struct {
		key string
		err error
	}{
		{"kafka", c.Kafka.Validate()},
		{"topics", c.Topics.validate()},
		{"genesis", c.Genesis.Validate()},
		{"ingest", c.Ingest.Validate()},
		{"publish.fleet", c.Publish.Fleet.Validate()},
		{"clickhouse", c.ClickHouse.validate()},
		{"dns", c.DNS.Validate()},
		{"agent", c.Agent.Validate()},
		{"admin", c.Admin.Validate()},
		{"log", c.Log.validate()},
	}
	for _, s := range sections {
		if s.err != nil {
			return settings.OneLine(within(s.key, s.err))
		}
	}
	for i, p := range c.Paths {
		if err := p.Answer.Validate(); err != nil {
			return fmt.Errorf("paths[%d].answer: path %s: %w", i, p.ID, err)
		}
	}
	return nil
}

// within puts the section's name in front of every error of a section. The catalogue is checked as a part of the genesis,
// but stands in the file for itself.
func within(section string, err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		var named []error
		for _, one := range all.Unwrap() {
			named = append(named, within(section, one))
		}
		return errors.Join(named...)
	}
	if section == "genesis" && strings.HasPrefix(err.Error(), "paths") {
		return err
	}
	return fmt.Errorf("%s.%w", section, err)
}

func (t *Topics) validate() error {
	switch {
	case t.Prefix == "":
		return errors.New("prefix is empty")
	case t.Reports == "":
		return errors.New("reports is empty")
	case t.ReportPartitions < 1:
		return fmt.Errorf("report_partitions is %d, it has to be at least 1", t.ReportPartitions)
	}
	return nil
}

func (c *ClickHouse) validate() error {
	if !c.Enabled {
		return nil
	}
	return c.Config.Validate()
}

// names returns the physical names of topics.
func (c *Config) names() schemas.Names {
	return schemas.Names{Prefix: c.Topics.Prefix, Reports: c.Topics.Reports}
}

// group returns the name of a stage's consumer group.
func (c *Config) group(stage string) string { return c.Topics.Prefix + "-" + stage }

// pathAnswers returns what DNS answers for each path, and the default path's name.
func (c *Config) pathAnswers() (answers []dns.PathAnswer, byDefault string) {
	for _, p := range c.Paths {
		answers = append(answers, dns.PathAnswer{ID: p.ID, Answer: p.Answer})
		if p.Default {
			byDefault = p.ID
		}
	}
	return answers, byDefault
}

// clientKey reads the key that hashes clients.
func (c *Config) clientKey() (ingest.ClientKey, error) {
	if c.ClientKeyFile == "" {
		return nil, configErrorf("client_key_file is empty: name a file with a secret of at least %d bytes, "+
			"such as \"head -c 32 /dev/urandom\" makes", ingest.MinKeyBytes)
	}
	secret, err := os.ReadFile(c.ClientKeyFile)
	if err != nil {
		return nil, configErrorf("client_key_file: %w", err)
	}
	key, err := ingest.NewClientKey(secret)
	if err != nil {
		return nil, configErrorf("client_key_file %s: %w", c.ClientKeyFile, err)
	}
	return key, nil
}
