package agent

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"detour/internal/tlsfiles"
	"detour/schemas/pathmap"
)

// refused marks what a publisher sent and this agent does not take, against a publisher that cannot be reached.
type refused struct {
	reason string // one of those of Agent.Refused
	error
}

func (r refused) Unwrap() error { return r.error }

// errUnavailable is a publisher that has no version yet, or no place for another long poll.
var errUnavailable = errors.New("the publisher is there, but can't answer")

// client asks the fleet API.
type client struct {
	base string
	http *http.Client
}

func newClient(base string, secure *tls.Config) *client {
	return &client{base: strings.TrimSuffix(base, "/"), http: &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSClientConfig:     secure,
		TLSHandshakeTimeout: dialTime,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // sizes are checked as they arrive
		// One request at a time needs no HTTP/2, whose client hides why a server refused a certificate.
		ForceAttemptHTTP2: false,
	}}}
}

// manifest asks for the last version's manifest, waiting for one with another tag; nil and "" when there is none.
func (c *client) manifest(ctx context.Context, tag string, wait time.Duration) (m *pathmap.Manifest, newTag string, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait+answerTime)
	defer cancel()
	url := c.base + "/v1/manifest"
	if wait > 0 {
		url += "?wait=" + wait.String()
	}
	resp, err := c.get(ctx, url, tag)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotModified:
		return nil, "", nil
	case http.StatusServiceUnavailable:
		return nil, "", fmt.Errorf("%w: %s", errUnavailable, message(resp))
	default:
		return nil, "", fmt.Errorf("%s: %s", url, message(resp))
	}
	data, err := readAtMost(resp.Body, maxManifest)
	if err != nil {
		return nil, "", fmt.Errorf("manifest: %w", err)
	}
	if m, err = pathmap.DecodeManifest(data); err != nil {
		return nil, "", refused{malformed, err}
	}
	return m, resp.Header.Get("ETag"), nil
}

// content downloads the map that m describes, and not a byte more.
func (c *client) content(ctx context.Context, m *pathmap.Manifest) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTime)
	defer cancel()
	resp, err := c.get(ctx, fmt.Sprintf("%s/v1/maps/%d", c.base, m.Version), "")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("map of version %d: %s", m.Version, message(resp))
	}
	data, err := readAtMost(resp.Body, m.Size)
	if err != nil {
		return nil, fmt.Errorf("map of version %d: %w", m.Version, err)
	}
	return data, nil
}

func (c *client) get(ctx context.Context, url, tag string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	resp, err := c.http.Do(req)
	if advice := tlsfiles.Advice(err); advice != "" {
		err = fmt.Errorf("%w: %s", err, advice)
	}
	return resp, err
}

// readAtMost reads a body of at most limit bytes; a longer one is refused.
func readAtMost(r io.Reader, limit int) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(data) > limit {
		err = refused{tooLarge, fmt.Errorf("it has more than %d bytes", limit)}
	}
	return data, err
}

// maxMessage bounds what of an error's body goes to the log.
const maxMessage = 200

// message describes a response that is not what was asked for.
func message(resp *http.Response) string {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMessage))
	if err != nil {
		return resp.Status
	}
	return fmt.Sprintf("%s: %q", resp.Status, strings.TrimSpace(string(body)))
}
