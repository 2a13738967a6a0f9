// Package client calls the two endpoints of Rocket.Chat's import API: it asks
// which import a workspace has and what is staged for it.
//
// The caller decides whether getImportFileData may be called: in the wrong step of an import this
// call wipes the import. The client sends it at most once, at most a second after the look that the
// caller decided by, and over that look's connection.
package client

import (
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/common/config"
)

// apiPath is the path of the API, relative to a workspace's base URL.
const apiPath = "/api/v1/"

// Endpoint is the name of an endpoint, as in its URL.
type Endpoint string

// The endpoints that are called. Both are GET, and exist since Rocket.Chat 3.0.0.
const (
	// EndpointCurrentOperation returns the record of the newest import. It never writes.
	EndpointCurrentOperation Endpoint = "getCurrentImportOperation"
	// EndpointFileData returns the selection. In most steps it writes.
	EndpointFileData Endpoint = "getImportFileData"
)

// Config is what a client needs to call one workspace.
type Config struct {
	// URL is the workspace's base URL, as [ParseURL] returns it. It may have a path.
	URL *url.URL
	// UserID is sent as X-User-Id.
	UserID string
	// Token is sent as X-Auth-Token. TokenFile is read for each call instead, if set.
	Token, TokenFile string
	// HTTP configures TLS, proxy and further headers. Redirects are never followed.
	HTTP      config.HTTPClientConfig
	UserAgent string
	// Observe, if set, is called once after each call, except a call that ended
	// in [ErrNotSent]. It may be called concurrently.
	Observe func(Call)
}

// Call describes one finished call.
type Call struct {
	Endpoint Endpoint
	// Status is the HTTP status, or 0 without an answer.
	Status int
	// Duration is the time from the start of the call to the end of its body.
	Duration time.Duration
	// Bytes is how much of the body was read, before decompression.
	Bytes int64
	// RateLimitRemaining is X-RateLimit-Remaining.
	RateLimitRemaining OptionalCount
	// RateLimitWait is how long after the answer's Date header X-RateLimit-Reset is; 0 without both.
	RateLimitWait time.Duration
}

// Client calls one workspace, each time over a new connection. It is safe for concurrent use.
type Client struct {
	cfg   Config
	dial  dialFunc
	proxy func(*http.Request) (*url.URL, error) // nil without a forward proxy
}

// New returns a client. It fails only if the HTTP configuration is not usable.
func New(cfg Config) (*Client, error) { return newWithDial(cfg, newDialer().DialContext) }

func newWithDial(cfg Config, dial dialFunc) (*Client, error) {
	c := &Client{cfg: cfg, dial: dial, proxy: cfg.HTTP.Proxy()}
	_, err := c.transport(newConnection(dial))
	return c, err
}

// newDialer returns the dialer of connections. It sends no keep-alive probes: a lost one would end a
// slow read, because of TCP_USER_TIMEOUT.
func newDialer() *net.Dialer { return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: -1} }

// transport returns a transport that has only this connection.
func (c *Client) transport(conn *connection) (http.RoundTripper, error) {
	// Over HTTP/2, a rejected client certificate looks like a broken connection.
	return config.NewRoundTripperFromConfig(c.cfg.HTTP, "rocketchat",
		config.WithUserAgent(c.cfg.UserAgent), config.WithHTTP2Disabled(), config.WithDialContextFunc(config.DialContextFunc(conn.dial)))
}

// open returns the first exchange over a new connection. Close it. It reads the files of the HTTP
// configuration anew. Its error is an [*Error].
func (c *Client) open(endpoint Endpoint, buffer int) (*exchange, error) {
	conn := newConnection(c.dial)
	x := &exchange{client: c, connection: conn, buffer: buffer, call: Call{Endpoint: endpoint}}
	var err error
	if x.transport, err = c.transport(conn); err != nil {
		return nil, x.fail(settingsFailed, x.sanitizeError(err))
	}
	return x, nil
}
