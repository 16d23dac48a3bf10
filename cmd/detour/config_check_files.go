package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"detour/internal/agent"
	publisher "detour/publish/worker"
)

// files looks at every file that the configuration names: a key of one ends in _file.
func (c *checker) files() {
	for i := range c.keys {
		k := &c.keys[i]
		path, isText := k.Value().(string)
		switch {
		case !isText || k.Element() || !strings.HasSuffix(k.Path, "_file") || !c.wants(k.Path):
		case strings.HasPrefix(k.Path, "clickhouse.") && !c.cfg.ClickHouse.Enabled:
		case path == "":
			c.missing(k.Path)
		case k.Path == "agent.cache_file":
			c.cache(k.Path, path)
		default:
			c.file(k.Path, path)
		}
	}
}

// missing says what it means that a file is not named, where that means anything.
func (c *checker) missing(key string) {
	switch key {
	case "client_key_file":
		_, err := c.cfg.clientKey()
		c.fail(key, err, "ingest and migrate need it")
	case "publish.signing_key_file":
		c.warn(key, "is empty: maps are not signed", "make a key with \"openssl genpkey -algorithm ed25519 -out signing.pem\"")
	case "agent.public_key_file":
		c.warn(key, "is empty: a map is taken from whoever answers at agent.url", "name the public part of publish.signing_key_file")
	}
}

// file checks that a file can be read, that it is for few eyes if it is a secret, and that what should be in it is.
func (c *checker) file(key, path string) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err == nil {
		_, err = os.ReadFile(path)
	}
	if err != nil {
		c.fail(key, err, "it has to be readable for who runs %s", strings.Join(users[firstOf(key)], " and "))
		return
	}
	if err := c.content(key, path); err != nil {
		c.fail(key, err, "name another file")
		return
	}
	if mode := info.Mode().Perm(); secret(key) && mode&0o004 != 0 {
		c.warn(key, fmt.Sprintf("%s has mode %04o: everybody on this machine can read the secret", path, mode), "chmod o-rwx %s", path)
		return
	}
	c.ok(key, "%s can be read", path)
}

// secret reports whether the file of a key is nobody else's business.
func secret(key string) bool {
	return key == "client_key_file" || strings.HasSuffix(key, "password_file") ||
		strings.HasSuffix(key, "key_file") && !strings.HasSuffix(key, "public_key_file")
}

// content reads a file as the command that needs it does.
func (c *checker) content(key, path string) error {
	switch key {
	case "client_key_file":
		_, err := c.cfg.clientKey()
		return err
	case "publish.signing_key_file":
		_, err := publisher.LoadKey(path)
		return err
	case "agent.public_key_file":
		public, err := agent.LoadPublicKeys(path)
		if err != nil {
			return err
		}
		return c.matches(public)
	}
	return nil
}

// matches looks for the key that signs among the public ones, if it is here.
func (c *checker) matches(public []ed25519.PublicKey) error {
	signing, err := publisher.LoadKey(c.cfg.Publish.SigningKeyFile)
	if err != nil { // it is on another machine, or is complained about itself
		return nil
	}
	if made, ok := signing.Public().(ed25519.PublicKey); !ok || !slices.ContainsFunc(public, func(k ed25519.PublicKey) bool { return k.Equal(made) }) {
		return fmt.Errorf("%s is not the public part of %s: every map would be refused", c.cfg.Agent.PublicKeyFile, c.cfg.Publish.SigningKeyFile)
	}
	return nil
}

// cache checks that the cache file, which need not be there, can be written.
func (c *checker) cache(key, path string) {
	const write = 2 // W_OK of access(2)
	folder := filepath.Dir(path)
	err := syscall.Access(folder, write)
	switch {
	case errors.Is(err, syscall.ENOENT):
		c.fail(key, fmt.Errorf("there is no folder %s", folder), "make it, and let who runs dns write into it")
	case err != nil:
		c.fail(key, fmt.Errorf("%s: %w", folder, err), "let who runs dns write into it")
	default:
		c.ok(key, "%s can be written", folder)
	}
}
