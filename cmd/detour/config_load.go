package main

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"detour/internal/settings"
)

// Where the configuration is if no flag says so.
const (
	configEnv   = "DETOUR_CONFIG"
	defaultFile = "detour.yaml"
)

// loadConfig reads and checks the configuration: the file, and the environment, which wins. Without a name it is the file
// that DETOUR_CONFIG names, or detour.yaml if there is one: a container may have its whole configuration in variables.
func loadConfig(path string) (*Config, error) {
	optional := false
	if path == "" {
		path = os.Getenv(configEnv)
	}
	if path == "" {
		path, optional = defaultFile, true
	}
	cfg := defaultConfig()
	missing := readFile(path, &cfg)
	if missing != nil && !errors.Is(missing, fs.ErrNotExist) {
		return nil, missing
	}
	set, err := settings.FromEnvironment(&cfg, os.Environ(), foreign)
	if err != nil {
		return nil, configError{err}
	}
	if missing != nil && (!optional || len(set) == 0) {
		return nil, missing
	}
	if missing != nil {
		path = "environment, without a file"
	}
	return cfg.checked(path, set)
}

// readConfig reads and checks a file alone: what a demo left in its folder, whatever the environment says.
func readConfig(path string) (*Config, error) {
	cfg := defaultConfig()
	if err := readFile(path, &cfg); err != nil {
		return nil, err
	}
	return cfg.checked(path, nil)
}

// readFile reads a file into cfg, unchecked.
func readFile(path string, cfg *Config) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return configErrorf("%w; \"detour config init\" prints one to start from", err)
	}
	if err != nil {
		return configError{err}
	}
	if err := settings.Decode(data, cfg); err != nil {
		return configErrorf("%s: %w", path, err)
	}
	return nil
}

// checked returns c if it is valid. An error names the variable where a key was set by one, else the place that the rest
// is from.
func (c *Config) checked(place string, set []settings.Key) (*Config, error) {
	err := settings.Blame(c.Validate(), set)
	switch {
	case err == nil:
		return c, nil
	case strings.HasPrefix(err.Error(), settings.Prefix):
		return nil, configError{err}
	}
	return nil, configErrorf("%s: %w", place, err)
}
