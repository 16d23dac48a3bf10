package chserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// guard refuses requests without the right name and password, and those that a browser sends for a page from elsewhere:
// such a page can reach loopback ports, by itself or by a DNS name of its own, and SQL can write files.
func (s *Server) guard(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		host = h
	}
	if !s.cfg.Remote && !isLoopback(host) {
		return refuse(accessDenied, "Host %s is not this machine", host)
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return refuse(accessDenied, "requests from other sites are not allowed")
		}
	}
	if s.cfg.User == "" {
		return nil
	}
	user, password := credentials(r)
	// Both are compared, and as digests, so that the time taken tells nothing about either.
	if equal(user, s.cfg.User)&equal(password, s.cfg.Password) != 1 {
		return refuse(authentication, "%s: Authentication failed: password is incorrect, or there is no user with such name", user)
	}
	return nil
}

// credentials takes them from ClickHouse's headers, from Basic authentication, or from the URL, in that order.
func credentials(r *http.Request) (user, password string) {
	if user = r.Header.Get("X-ClickHouse-User"); user != "" {
		return user, r.Header.Get("X-ClickHouse-Key")
	}
	if user, password, ok := r.BasicAuth(); ok {
		return user, password
	}
	if user = r.URL.Query().Get("user"); user == "" {
		user = "default"
	}
	return user, r.URL.Query().Get("password")
}

func equal(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
