package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
)

// Advice says what can be done about a handshake that failed, in the words of the settings; "" where err is something
// else. Another try won't mend what it speaks of.
func Advice(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &authority):
		return "tls.ca_file has to hold the certificate of the authority that signed the server's" + issuer(authority.Cert)
	case errors.As(err, &host):
		return "connect by a name that the server's certificate has" + names(host.Certificate) + ", or set tls.server_name to one"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the server's certificate, or mend the clock here"
	case errors.As(err, &invalid), errors.As(err, new(*tls.CertificateVerificationError)):
		return "the server needs another certificate"
	case errors.As(err, &record):
		return "the server does not speak TLS at this port: name its TLS port, or set tls.enabled to false"
	case errors.As(err, &op) && op.Op == "remote error" && refuses(op.Err.Error()):
		return "the server wants a client certificate of an authority that it trusts: see tls.cert_file and tls.key_file"
	}
	return ""
}

// refuses reports whether an alert is about our certificate, as crypto/tls puts it into words; Java's brokers and OpenSSL
// choose different alerts.
func refuses(alert string) bool {
	return strings.Contains(alert, "certificate") || strings.Contains(alert, "handshake failure")
}

func issuer(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	return " (" + c.Issuer.String() + ")"
}

// names lists what a certificate is for.
func names(c *x509.Certificate) string {
	if c == nil {
		return ""
	}
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return " (it has none)"
	}
	return " (" + strings.Join(all, ", ") + ")"
}
