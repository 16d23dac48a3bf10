// Package tlsfiles makes TLS settings of the files that a configuration names, and says of a handshake that failed what
// an operator can do about it.
//
// Certificates are read anew for each connection, so that one that was renewed needs no restart; authorities are read
// once.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
)

// Client protects the connections that a process opens.
type Client struct {
	Enabled    bool   `yaml:"enabled"`
	CAFile     string `yaml:"ca_file"`     // PEM, one or more authorities; empty = the system's roots
	CertFile   string `yaml:"cert_file"`   // PEM, with key_file, for a client certificate; read anew for each connection
	KeyFile    string `yaml:"key_file"`    // PEM
	ServerName string `yaml:"server_name"` // expected of the server's certificate; empty = the host connected to
}

// Validate returns every fault found, each beginning with the key that is wrong. It opens no file.
func (c Client) Validate() error {
	var errs []error
	if (c.CertFile == "") != (c.KeyFile == "") {
		errs = append(errs, errors.New("tls.cert_file: and tls.key_file go together"))
	}
	if !c.Enabled && c != (Client{}) {
		errs = append(errs, errors.New("tls.enabled: is false, but other settings of tls are given"))
	}
	return errors.Join(errs...)
}

// Load reads the files and returns the settings, nil where TLS is off. An error names the key that is wrong.
func (c Client) Load() (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		var err error
		if config.RootCAs, err = authorities("tls.ca_file", c.CAFile); err != nil {
			return nil, err
		}
	}
	if c.CertFile != "" {
		p := &pair{certFile: c.CertFile, keyFile: c.KeyFile}
		if _, err := p.load(); err != nil {
			return nil, err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.load() }
	}
	return config, nil
}

// authorities reads certificates that others are checked against.
func authorities(key, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in %s", key, path)
	}
	return pool, nil
}

// pair is a certificate with its key, as the files hold them.
type pair struct {
	certFile, keyFile string

	mu   sync.Mutex
	last *tls.Certificate // that was good
}

// load reads the files. While they don't fit, as in the moment between the writing of one and of the other, the last good
// pair stays in use.
func (p *pair) load() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	switch {
	case err == nil:
		p.last = &now
	case p.last == nil:
		return nil, fmt.Errorf("tls.cert_file: %w", err)
	}
	return p.last, nil
}
