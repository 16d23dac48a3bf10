package tlsfiles

import (
	"crypto/tls"
	"errors"
)

// Server protects the connections that a process takes. Without a certificate there is no TLS.
type Server struct {
	CertFile     string `yaml:"cert_file"`      // PEM, with key_file; empty = no TLS; read anew for each connection
	KeyFile      string `yaml:"key_file"`       // PEM
	ClientCAFile string `yaml:"client_ca_file"` // PEM; who connects has to show a certificate of these; empty = nobody has to
}

// Validate names the first key that is wrong. It opens no file.
func (s Server) Validate() error {
	switch {
	case (s.CertFile == "") != (s.KeyFile == ""):
		return errors.New("tls.cert_file and tls.key_file go together")
	case s.ClientCAFile != "" && s.CertFile == "":
		return errors.New("tls.client_ca_file needs tls.cert_file: without it there is no TLS")
	}
	return nil
}

// Load reads the files and returns the settings, nil where TLS is off. An error names the key that is wrong.
func (s Server) Load() (*tls.Config, error) {
	if s.CertFile == "" {
		return nil, nil
	}
	p := &pair{certFile: s.CertFile, keyFile: s.KeyFile}
	if _, err := p.load(); err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.load() },
	}
	if s.ClientCAFile != "" {
		var err error
		if config.ClientCAs, err = authorities("tls.client_ca_file", s.ClientCAFile); err != nil {
			return nil, err
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return config, nil
}
