// Package client calls the two endpoints of Rocket.Chat's import API: it asks
// which import a workspace has and what is staged for it.
//
// The caller decides whether getImportFileData may be called: in the wrong step
// of an import this call wipes the import.
package client

import (
	"context"
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
}

// Client calls one workspace. It is safe for concurrent use.
type Client struct {
	cfg    Config
	shared *http.Client // reuses connections
	single *http.Client // opens a new connection for each request
}

// New returns a client. It fails only if the HTTP configuration is not usable.
func New(cfg Config) (*Client, error) { return newWithDialer(cfg, newDialer()) }

func newWithDialer(cfg Config, dialer *net.Dialer) (*Client, error) {
	// Over HTTP/2, a rejected client certificate looks like a broken connection.
	options := []config.HTTPClientOption{
		config.WithUserAgent(cfg.UserAgent), config.WithHTTP2Disabled(), config.WithDialContextFunc(dialer.DialContext),
	}
	shared, err := config.NewRoundTripperFromConfig(cfg.HTTP, "rocketchat", options...)
	if err != nil {
		return nil, err
	}
	// On a reused connection, or over HTTP/2, Go's transport repeats a GET whose connection breaks
	// before the answer begins. getImportFileData must not be repeated.
	single, err := config.NewRoundTripperFromConfig(cfg.HTTP, "rocketchat", append(options, config.WithKeepAlivesDisabled())...)
	if err != nil {
		return nil, err
	}
	return &Client{cfg: cfg, shared: &http.Client{Transport: shared}, single: &http.Client{Transport: single}}, nil
}

// newDialer returns the dialer of connections. Its timeout matters because Go's
// transport continues to dial after the call that needed the connection ended.
func newDialer() *net.Dialer { return &net.Dialer{Timeout: 10 * time.Second} }

// Close closes idle connections. Calls in progress continue.
func (c *Client) Close() {
	c.shared.CloseIdleConnections()
	c.single.CloseIdleConnections()
}

// CurrentOperation calls getCurrentImportOperation (3.0 to 8.x), which never
// writes. Its error is an [*Error].
func (c *Client) CurrentOperation(ctx context.Context) (OperationAnswer, error) {
	x := &exchange{client: c, http: c.shared, buffer: 4 << 10, call: Call{Endpoint: EndpointCurrentOperation}}
	var r operationReply
	if err := x.do(ctx, &r); err != nil {
		return OperationAnswer{}, err
	}
	x.answer.Operation = r.Operation.value.operation(x.token)
	return x.answer, nil
}

// FileData calls getImportFileData (3.0 to 8.x). In most steps of an import
// this call wipes what is staged: see [StepUserSelection].
//
// The request is sent at most once, on a new connection. If connectBy is not zero and there is no
// connection by then, nothing is sent and the error wraps [ErrNotSent]. Other errors are an
// [*Error]. It wraps [ErrNoOperation] if the workspace never had an import.
func (c *Client) FileData(ctx context.Context, connectBy time.Time) (FileData, error) {
	x := &exchange{client: c, http: c.single, buffer: 64 << 10, call: Call{Endpoint: EndpointFileData}, connectBy: connectBy}
	r := fileDataReply{selectionParts: newSelectionParts()}
	if err := x.do(ctx, &r); err != nil {
		return FileData{}, err
	}
	if r.Waiting.value == yes {
		return FileData{Waiting: true}, nil
	}
	return FileData{Selection: r.selection()}, nil
}
